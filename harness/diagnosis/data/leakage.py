"""Whether held-out prompts stand in the training data, as they are or nearly.

The held-out prompts are indexed, and training examples streamed past them.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.affixes import frame, without_frame
from harness.diagnosis.data.family import Family
from harness.diagnosis.data.keys import masked
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Example, Findings, NotChecked
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check

    Numbers = np.ndarray[Any, np.dtype[Any]]

EXACT = Rule(
    "leaked_prompts",
    "lm-evaluation-harness; any is worth a word, shares ours",
    {"notice": 0.0, "warning": 0.01, "failure": 0.1},
    weights={
        "fine": {"leakage": -2.0},
        "notice": {"leakage": -0.5},
        "warning": {"leakage": 1.5},
        "failure": {"leakage": 4.0},
    },
)
MASKED = Rule(
    "leaked_but_for_numbers",
    "ours",
    {"notice": 0.02, "warning": 0.2},
    weights={"warning": {"leakage": 1.0}},
)
NEAR = Rule(
    "nearly_leaked_prompts",
    "RapidFuzz ratio 90; measured here: BLEU 24 above it, 3.6 below 60",
    {"notice": 0.05, "warning": 0.3},
    weights={"warning": {"leakage": 0.7}},
)
NEARLY = 90.0
"""Similarity from which on two prompts are nearly the same."""
BUCKETS = (60.0, 80.0, 90.0, 100.0)
"""Where similarity buckets begin; below the first there is another one."""
MOST = 200
"""Held-out prompts whose nearest training prompt is looked for."""
LONGEST = 200
"""Characters of a prompt that are compared for similarity."""


class Leakage(Family):
    """Exact, masked and near copies of held-out prompts."""

    def __init__(self, held_out: Sequence[Sample]) -> None:
        self._held_out = held_out
        self._exact: dict[str, int] = {}  # folded prompt to line in training
        self._masked: dict[str, int] = {}
        self._nearest = Nearest(held_out[:: max(1, -(-len(held_out) // MOST))])
        self._wanted_exact = {one.asked for one in held_out}
        self._wanted_masked = {masked(text) for text in self._wanted_exact}

    def see(self, batch: Sequence[Sample]) -> None:
        """Hold each example's prompt against all held-out ones."""
        if not self._held_out:
            return
        for one in batch:
            text = one.asked
            if text in self._wanted_exact:
                self._exact.setdefault(text, one.line)
            plain = masked(text)
            if plain in self._wanted_masked:
                self._masked.setdefault(plain, one.line)
        self._nearest.see(batch)

    def wanted(self) -> Iterable[int]:
        """Training rows that are or nearly are held-out prompts."""
        near = [line for line, _ in self._nearest.pairs()[:3]]
        return [*[*self._exact.values()][:3], *[*self._masked.values()][:3], *near]

    def findings(self, seen: Seen) -> Findings:
        """Shares of the held-out prompts."""
        if not self._held_out:
            told = "there are no held-out prompts; name them by --held-out"
            return Findings((), (NotChecked(EXACT.name, told),))
        n = len(self._held_out)
        exact = sum(one.asked in self._exact for one in self._held_out)
        plain = [masked(one.asked) for one in self._held_out]
        only_masked = sum(text in self._masked for text in plain) - exact
        return Findings(
            (
                EXACT.check(
                    exact / n,
                    f"{exact:,} of {counted(n, 'held-out prompt')} stand in the "
                    "training data",
                    seen.examples([*self._exact.values()][:3]),
                ),
                MASKED.check(
                    only_masked / n,
                    f"{only_masked:,} more differ from a training prompt only in "
                    "numbers, dates, addresses or quotations",
                    seen.examples([*self._masked.values()][:3]),
                ),
                self._near_check(seen),
            )
        )

    def _near_check(self, seen: Seen) -> Check:
        similar = self._nearest.similarity
        # What is there as it is has been counted already.
        near = (similar >= NEARLY) & (similar < BUCKETS[-1])
        share = float(near.mean())
        parts = ", ".join(
            f"{percent(float(part))} {name}" for name, part in _parts(similar)
        )
        examples = [
            Example(seen.sniffed.where(line), f"{place.text} | held out: {text[:80]}")
            for line, text in self._nearest.pairs()[:3]
            if line in seen.known
            for place in [seen.example(seen.known[line])]
        ]
        says = (
            f"{percent(share)} of {len(similar):,} held-out prompts are nearly a "
            f"training prompt; similarity of the nearest one: {parts}"
        )
        return NEAR.check(share, says, examples)


class Nearest:
    """For each held-out prompt the most similar training prompt so far."""

    def __init__(self, held_out: Sequence[Sample]) -> None:
        self._full = [one.asked for one in held_out]
        self._frame = frame(self._full)
        self._texts = [text[:LONGEST] for text in without_frame(self._full)]
        self.similarity = np.zeros(len(held_out))
        """RapidFuzz's ratio, 0 to 100."""
        self._lines = np.zeros(len(held_out), dtype=np.int64)

    def see(self, batch: Sequence[Sample]) -> None:
        """Compare the batch with every held-out prompt."""
        from rapidfuzz.fuzz import ratio
        from rapidfuzz.process import cdist

        head, tail = self._frame
        texts = [
            one.asked.removeprefix(head).removesuffix(tail)[:LONGEST] for one in batch
        ]
        if not self._texts or not texts:
            return
        # Only what is more similar than the least similar so far can matter.
        least = float(self.similarity.min())
        table = cdist(
            self._texts, texts, scorer=ratio, score_cutoff=least, dtype=np.float32
        )
        best = table.argmax(axis=1)
        found = table[np.arange(len(best)), best]
        better = found > self.similarity
        self.similarity[better] = found[better]
        self._lines[better] = np.array([one.line for one in batch])[best[better]]

    def pairs(self) -> list[tuple[int, str]]:
        """Line of the training row and held-out prompt, the nearest but equal first."""
        near = (self.similarity >= NEARLY) & (self.similarity < BUCKETS[-1])
        places = np.flatnonzero(near)
        places = places[np.argsort(-self.similarity[places], kind="stable")]
        return [(int(self._lines[p]), self._full[p]) for p in places]


def bucket(similarity: float) -> str:
    """The bucket that a similarity falls into, as `80 to 90`."""
    if similarity < BUCKETS[0]:
        return f"below {BUCKETS[0]:.0f}"
    if similarity >= BUCKETS[-1]:
        return "equal"
    low, high = next(
        pair for pair in pairwise(BUCKETS) if pair[0] <= similarity < pair[1]
    )
    return f"{low:.0f} to {high:.0f}"


def by_bucket(
    similarities: Sequence[float], scores: Sequence[float]
) -> dict[str, tuple[float, int]]:
    """Mean score and number of outputs in each bucket of similarity.

    Args:
        similarities: of each held-out prompt to the nearest training prompt.
        scores: of the output for each, in the same order.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    for similarity, score in zip(similarities, scores, strict=True):
        found[bucket(similarity)].append(score)
    return {
        name: (sum(found[name]) / len(found[name]), len(found[name]))
        for name in sorted(found, key=[*map(bucket, (0.0, *BUCKETS))].index)
    }


def _parts(similar: Numbers) -> list[tuple[str, float]]:
    names = [bucket(float(value)) for value in similar]
    order = map(bucket, (0.0, *BUCKETS))
    return [(name, names.count(name) / len(names)) for name in order if name in names]
