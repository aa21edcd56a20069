"""ROUGE: words shared with a reference (Lin 2004), by rouge-score."""

from __future__ import annotations

import unicodedata
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from harness.errors import InputError, Unscorable
from harness.metrics.base import MeanMetric, metrics, references_of

if TYPE_CHECKING:
    from harness.types import Item

MEASURES = {"f": "fmeasure", "precision": "precision", "recall": "recall"}

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORDS = (
    rf"(?V1)[[\p{{L}}\p{{N}}]&&[{UNSPACED}]]\p{{M}}*"
    rf"|[[\p{{L}}\p{{N}}\p{{M}}]--[{UNSPACED}]]+"
)
"""Runs of letters, marks and digits; letter by letter where words are not spaced."""


def drops_letters(text: str) -> bool:
    """Whether the default tokenizer drops more than half of a text's letters."""
    if text.isascii():
        return False
    letters = [sign for sign in text if sign.isalnum()]
    return 2 * sum(letter.isascii() for letter in letters) < len(letters)


def has_other_letters(text: str) -> bool:
    """Whether the default tokenizer drops any letter of a text."""
    return not text.isascii() and any(
        sign.isalnum() and not sign.isascii() for sign in text
    )


class Tokenizer(Protocol):
    """What rouge-score wants of a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""


class UnicodeTokenizer:
    """Words of any script, in lower case, without punctuation.

    Scripts written without spaces give one word for each letter with its marks.
    """

    def tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        import regex

        return list(regex.findall(WORDS, unicodedata.normalize("NFC", text.lower())))


@dataclass(frozen=True)
class Rouge(MeanMetric):
    """One kind of ROUGE, 0 to 1, against the reference with the best F-score.

    The corpus value is the plain mean. rouge-score's own aggregator gives the median
    of an unseeded bootstrap instead.
    """

    measure: Literal["f", "precision", "recall"] = "f"
    stemmer: bool = False
    """Whether English endings are cut off (Porter)."""
    tokenizer: Literal["default", "unicode"] = "default"
    """`default` is rouge-score's and drops all but a-z and 0-9; `unicode` takes the
    words of any script."""

    def __post_init__(self) -> None:
        """Refuse settings that do not go together."""
        super().__post_init__()
        if self.stemmer and self.tokenizer != "default":
            raise InputError(
                f"metric '{self.name}': the stemmer knows English alone and goes with "
                f"tokenizer 'default', not '{self.tokenizer}'"
            )

    def score(self, item: Item, text: str) -> float:
        """F-score, precision or recall.

        Raises:
            Unscorable: the tokenizer leaves no reference to compare with.
        """
        references = self._readable(references_of(item))
        compared = [self.compare(reference, text) for reference in references]
        best = max(compared, key=lambda found: float(found.fmeasure))
        return float(getattr(best, MEASURES[self.measure]))

    @abstractmethod
    def compare(self, reference: str, text: str) -> Any:
        """Precision, recall and F-score, as rouge-score gives them."""

    def _readable(self, references: tuple[str, ...]) -> list[str]:
        """The references that have words.

        Whether an item can be judged is decided by its references alone: an output
        without any word of the reference's script is wrong, and its 0 is known. How
        many such outputs there are, the report's notes say.
        """
        worded = []
        for reference in references:
            if self.tokenizer == "default" and drops_letters(reference):
                raise Unscorable(
                    "rouge-score's tokenizer drops all letters but a-z, and with them "
                    f"most of the reference; use {self.name}:tokenizer=unicode"
                )
            if any(map(str.isalnum, reference)):
                worded.append(reference)
        if not worded:
            raise Unscorable("no reference holds a word")
        return worded

    @cached_property
    def words(self) -> Tokenizer:
        """The tokenizer."""
        from rouge_score.tokenizers import DefaultTokenizer

        if self.tokenizer == "unicode":
            return UnicodeTokenizer()
        return DefaultTokenizer(self.stemmer)  # type: ignore[no-any-return]


class _ByRougeScore(Rouge):
    """A kind that rouge-score counts itself."""

    def compare(self, reference: str, text: str) -> Any:
        """Precision, recall and F-score."""
        return self._scorer.score(reference, text)[self.name]

    @cached_property
    def _scorer(self) -> Any:
        from rouge_score.rouge_scorer import RougeScorer

        return RougeScorer([self.name], tokenizer=self.words)


@metrics.register("rouge1")
@dataclass(frozen=True)
class Rouge1(_ByRougeScore):
    """Words in common."""

    name = "rouge1"


@metrics.register("rouge2")
@dataclass(frozen=True)
class Rouge2(_ByRougeScore):
    """Pairs of words in common."""

    name = "rouge2"


@metrics.register("rougeL")
@dataclass(frozen=True)
class RougeL(Rouge):
    """Longest common subsequence of words, over the whole text."""

    name = "rougeL"

    def compare(self, reference: str, text: str) -> Any:
        """Precision, recall and F-score.

        The length comes from RapidFuzz, which fills no table in Python and so takes
        microseconds where rouge-score takes milliseconds.
        """
        from rapidfuzz.distance import LCSseq
        from rouge_score.scoring import Score, fmeasure

        wanted, written = self.words.tokenize(reference), self.words.tokenize(text)
        if not wanted or not written:
            return Score(0.0, 0.0, 0.0)
        length = LCSseq.similarity(wanted, written)
        precision, recall = length / len(written), length / len(wanted)
        return Score(precision, recall, fmeasure(precision, recall))


@metrics.register("rougeLsum")
@dataclass(frozen=True)
class RougeLsum(_ByRougeScore):
    """Longest common subsequences of lines; it takes each line for a sentence."""

    name = "rougeLsum"
