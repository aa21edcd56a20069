"""Windows in which a long text is read, so that each token is scored once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Places in a row of tokens, counted from 0."""

    begin: int
    """First token that is read."""
    scored: int
    """First token that is scored; those before it are its context."""
    end: int
    """One beyond the last token that is scored, which is itself not read."""


def rolling(
    length: int, first: int, size: int | None, stride: int | None
) -> list[Window]:
    """Windows over a row of tokens, by the rule of lm-evaluation-harness.

    The first window scores as much as it holds. Each further one scores the `stride`
    tokens after those before it; so does the last one with what is left, filled up
    with context. A stride of the window's size leaves one token of context to most.

    Args:
        length: tokens in the row, start tokens included.
        first: the first token that can be scored, 1 or more: it needs one before it.
        size: most tokens read at once; None: all of them.
        stride: tokens by which windows advance, 1 to `size`; None: `size`.
    """
    size = length if size is None else size
    found: list[Window] = []
    scored, end = first, max(size, first) + 1
    while scored < length:
        end = min(end, length)
        found.append(Window(max(0, end - 1 - size), scored, end))
        scored, end = end, end + (stride or size)
    return found
