"""Words of a text in any script, and the sequences of n that they form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from harness.metrics.rouge import UNSPACED, WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

Tokens = Literal["words", "characters"]
"""What counts as one step of a text."""

Ngram = tuple[str, ...]

SPACED = rf"(?V1)[{UNSPACED}]\p{{M}}*|[^\s{UNSPACED}]+"
SIGNS = rf"{WORDS}|\S"

EMPTY = "the output is empty"


def lacks_spaces(text: str) -> bool:
    """Whether most letters of a text are of scripts that put no spaces between words.

    Tokenizers that go by spaces take whole clauses of it for words.
    """
    if text.isascii():
        return False
    import regex

    letters = sum(map(str.isalpha, text))
    return 2 * len(regex.findall(rf"(?V1)[{UNSPACED}]", text)) > letters > 0


def length(text: str, tokens: Tokens) -> int:
    """How long a text is.

    Args:
        text: any.
        tokens: `words` are divided by white space, and letter by letter where a script
            has none; `characters` are Unicode code points between the first and the
            last that is no white space.
    """
    if tokens == "characters":
        return len(text.strip())
    import regex

    return len(regex.findall(SPACED, text))


def tokenized(text: str, tokens: Tokens) -> Sequence[str]:
    """What n-grams of a text are made of, case and all.

    Args:
        text: any.
        tokens: `words` are runs of letters and digits, letter by letter where a script
            has no spaces; each other sign stands by itself, so that a loop of
            exclamation marks is seen as one. `characters` are as in `length`.
    """
    if tokens == "characters":
        return text.strip()
    import regex

    return list(regex.findall(SIGNS, text))


def ngrams(found: Sequence[str], n: int) -> list[Ngram]:
    """Every sequence of `n` neighbours, in order; none if there are fewer than `n`."""
    return [tuple(found[start : start + n]) for start in range(len(found) - n + 1)]
