"""How far a checkpoint is ahead by what people judged, as reports have it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.gating.model import Gain
from harness.reporting.combined import EVEN, TWO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.combined import Combiner
    from harness.stats.sharpened import Estimate


@dataclass(frozen=True, slots=True)
class ByPeople:
    """A criterion, and what it is asked about."""

    combiner: Combiner
    """Makes the estimates, of the task's ratings and scores."""
    criterion: str
    """Its name."""
    candidate: str
    """Id of the checkpoint that is tested."""
    baseline: str | None
    """Id of the one that it is held against; None: a threshold."""
    threshold: float | None
    """On the scale of the ratings."""
    min_difference: float
    """What the candidate is to gain on the baseline, in points or of a win rate."""

    def of_ratings(self) -> Gain:
        """The mean rating of the candidate, less the baseline's or the threshold.

        Raises:
            UsageError: the threshold or difference is beyond the scale, nobody rated
                one of them, no prompt was rated for both, or the ratings cannot tell
                of exactly these prompts.
        """
        self._refuse_beyond()
        sheet = self.combiner.sheet(self.criterion)
        pair = (self.baseline, self.candidate)
        ids = [one for one in pair if one is not None]
        rated = [sheet.rated(id_).item for id_ in ids]
        for id_, some in zip(ids, rated, strict=True):
            if not some.size:
                raise self._nobody([id_])
        both = np.intersect1d(rated[0], rated[-1]).size
        if not both:
            raise UsageError(
                f"No prompt of task '{self.combiner.evidence.task}' was rated on "
                f"{self.criterion} for both {self._names(ids)}."
            )
        if self.baseline is None:
            made = self.combiner.mean(sheet, self.candidate)
        else:
            made = self.combiner.by_ratings(sheet, (ids[0], ids[1]), TWO).both
        prompts = len(np.union1d(rated[0], rated[-1]))
        return _gain(made, self.threshold or 0.0, dropped=prompts - both)

    def of_comparisons(self) -> Gain:
        """How far the candidate's win rate lies above one half.

        Raises:
            UsageError: there is no baseline, the difference is above one half, nobody
                compared the two, or the comparisons cannot tell of exactly these
                prompts.
        """
        if self.baseline is None:
            raise UsageError(
                f"Outputs were compared on {self.criterion}: a win rate needs a "
                "checkpoint to win against. Give --against instead of --threshold."
            )
        if abs(self.min_difference) > EVEN:
            raise UsageError(
                f"Win rates are at most {EVEN} from one half: {self.min_difference:g} "
                f"is no difference by {self.criterion}."
            )
        pair = (self.baseline, self.candidate)
        found = self.combiner.by_comparisons(
            self.combiner.sheet(self.criterion), pair, TWO
        )
        if not found.alone.n:
            raise self._nobody(pair)
        return _gain(found.both, EVEN)

    def _refuse_beyond(self) -> None:
        """What no rating can reach would fail, or pass, whatever is rated."""
        scale = self.combiner.scale(self.criterion)
        if scale is None:
            return
        low, high = scale
        limit, by = self.threshold, self.min_difference
        if limit is not None and not low <= limit <= high:
            raise UsageError(
                f"Ratings by {self.criterion} go from {low:g} to {high:g}: "
                f"{limit:g} is no threshold."
            )
        if abs(by) > high - low:
            raise UsageError(
                f"Ratings by {self.criterion} differ by at most {high - low:g}: {by:g} "
                "is no difference."
            )

    def _names(self, ids: Sequence[str]) -> str:
        return " and ".join(self.combiner.evidence.labels[id_] for id_ in ids)

    def _nobody(self, ids: Sequence[str]) -> UsageError:
        return UsageError(
            f"Nobody has judged {self._names(ids)} on {self.criterion} of task "
            f"'{self.combiner.evidence.task}'. Collect ratings first: harness rate"
        )


def _gain(made: Estimate, less: float, dropped: int = 0) -> Gain:
    if made.value is None and not made.n:
        raise UsageError(made.why)
    found = replace(made.as_estimate(), dropped=dropped)
    if found.value is not None:
        found = replace(found, value=found.value - less)
    if found.low is not None and found.high is not None:
        found = replace(found, low=found.low - less, high=found.high - less)
    notes: tuple[str, ...] = ()
    if made.saved:
        notes = (f"the metric was worth {made.saved} more rated prompts",)
    return Gain(found, made.df, notes)
