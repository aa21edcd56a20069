"""What texts begin and end with in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

LEAST_TEXTS = 10


def shared_start(texts: Collection[str]) -> str:
    """The longest text that all begin with; empty where there are none."""
    if not texts:
        return ""
    # Of sorted texts the first and the last share least.
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    length = next((n for n, (one, other) in pairs if one != other), len(first))
    return first[:length]


def frame(texts: Sequence[str]) -> tuple[str, str]:
    """The whole words that all texts begin with, and those that all end with.

    None where there are few texts, which may share words by chance.
    """
    if len(set(texts)) < LEAST_TEXTS:
        return "", ""
    head = shared_start(texts)
    head = head[: head.rfind(" ") + 1]
    tail = shared_start([text[len(head) :][::-1] for text in texts])[::-1]
    start = tail.find(" ")
    return head, tail[start:] if start >= 0 else ""


def without_frame(texts: Sequence[str]) -> list[str]:
    """The texts without their frame: an instruction says nothing of their variety."""
    head, tail = frame(texts)
    return [text.removeprefix(head).removesuffix(tail) for text in texts]
