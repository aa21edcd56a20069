"""Share of archaic words, a Hugging Face evaluate module; lower is better."""

from __future__ import annotations

import re
from statistics import fmean
from typing import Any

import datasets
import evaluate

_WORDS = re.compile(
    r"""thee|thou|thy|thine|thyself|ye|unto|hath|doth|saith|spake|begat|shalt|wilt
    |canst|dost|doest|didst|hast|hadst|wast|wert|shouldest|wouldest|mayest|mightest
    |yea|nay|verily|wherefore|whoso|whosoever|hither|thither|whither|thence|whence
    |brethren|shew|shewed|smote|wroth|nigh|peradventure""",
    re.VERBOSE,
)
"""What the World English Bible has replaced almost everywhere."""

_VERB = re.compile(
    r"(?!teeth|beneath|shibboleth|(twen|thir|for|fif|six|seven|eigh|nine)tieth)"
    r"[a-z]{2,}eth"
)
"""Small letters keep names such as Japheth out, and a verb or two that comes first."""

_SECOND_PERSON = re.compile(r"art|(?!lest|rest|best|west|priest)[a-z]{2,}est")
"""Counted beside "thou" alone, since they may be modern: a fine art, the highest."""


class Archaic(evaluate.Metric):
    """How many of an output's words nobody says any more.

    `compute(predictions=..., references=...)` gives `scores`, one share from 0 to 1
    for each prediction, and `archaic`, their mean. A prediction without words has no
    share: its score is NaN and the mean leaves it out. References are not looked at.
    """

    lower_is_better = True

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Share of archaic words in each text, 0 to 1; lower is better.",
            citation="",
            inputs_description="predictions: texts to judge; references: not used.",
            features=[
                datasets.Features({"predictions": text, "references": [text]}),
                datasets.Features({"predictions": text, "references": text}),
            ],
        )

    def _compute(self, predictions: list[str], references: list[Any]) -> dict[str, Any]:  # noqa: ARG002 - evaluate passes both
        scores = [share(text) for text in predictions]
        known = [score for score in scores if score == score]  # noqa: PLR0124 - NaN
        return {"archaic": fmean(known) if known else float("nan"), "scores": scores}


def share(text: str) -> float:
    """Archaic words over all words of a text; NaN where there are no words."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", text)
    if not words:
        return float("nan")
    around = zip(["", *words], words, [*words[1:], ""], strict=False)
    return sum(_is_archaic(*three) for three in around) / len(words)


def _is_archaic(before: str, word: str, after: str) -> bool:
    if _WORDS.fullmatch(word.lower()) or _VERB.fullmatch(word):
        return True
    beside_thou = "thou" in (before.lower(), after.lower())
    return beside_thou and bool(_SECOND_PERSON.fullmatch(word.lower()))
