"""Two checkpoints by few ratings and many scores together, beside ratings alone.

Which metric helps is settled before any rating is seen. Where five or more raters
judged, what they differ by is in both intervals, with scores and without; but for those
of few or nearly unanimous judgments, which have no standard error to be widened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import NotFound, UsageError
from harness.reporting.both_judged import Sheet
from harness.reporting.drawn import in_words
from harness.stats.combine import mean, paired_difference, win_rate
from harness.stats.crossed import LEAST_RATERS, variance_of_raters
from harness.stats.sharpened import ESTIMANDS, LIKE_THESE, Estimate
from harness.yardstick import NAMED_METRIC, helping_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.metrics import Metric
    from harness.reporting.both_judged import Judged
    from harness.reporting.evidence import Evidence
    from harness.stats.sharpened import Estimand

    Floats = NDArray[np.float64]

Kind = Literal["criterion", "preference"]
Question = Literal["best over next", "later against first", "second against first"]
BEST: Question = "best over next"
LATER: Question = "later against first"
TWO: Question = "second against first"

ALPHA = 0.05
EVEN = 0.5
"""Win rate of checkpoints that are equally good."""
SEVERITIES = "how far severities may be off"
"""What else the intervals of ratings less severities are about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of ratings and scores together."""

    estimand: Estimand = LIKE_THESE
    """What intervals are about."""
    metric: str | None = None
    """Name or signature of the metric; None: the first that can; `none`: none."""

    def checked(self) -> Asked:
        """Itself.

        Raises:
            NotFound: there is no such estimand.
        """
        if self.estimand not in ESTIMANDS:
            raise NotFound("estimand", self.estimand, ESTIMANDS)
        return self


@dataclass(frozen=True, slots=True)
class Combined:
    """Two checkpoints by ratings alone, and by ratings and scores together."""

    kind: Kind
    """Whether single outputs were rated, or two compared."""
    criterion: str
    """Its name."""
    question: Question
    """Why these two."""
    checkpoint: str
    """Label of the one that is tested."""
    against: str
    """Label of the one that it is held against."""
    metric: str | None
    """Signature of the metric that may help; None: none."""
    rule: str
    """How the metric was chosen."""
    alone: Estimate
    """From ratings alone: the checkpoint less the other, or how often it wins."""
    both: Estimate
    """The same from ratings and the metric's scores."""
    prompts: int
    """Prompts that both answered, rated or not."""
    raters: int
    """Raters whose differences are in both intervals; 0 where there are too few."""
    drawn: str = ""
    """How prompts were drawn, as a clause; empty where they were drawn all alike."""
    p: float | None = None
    """Two-sided, Holm-adjusted within criterion and question; None where there is no
    standard error."""

    @property
    def null(self) -> float:
        """The value at which neither is better."""
        return EVEN if self.kind == "preference" else 0.0

    @property
    def saved(self) -> int:
        """Rated prompts that the metric was worth; 0 where it was worth none."""
        return self.both.saved if self.both.method == "regression" else 0

    @property
    def better(self) -> bool | None:
        """Whether the checkpoint is better or worse; None if that is not clear."""
        one = self.both
        if one.value is None or one.low is None or one.high is None:
            return None
        if one.low <= self.null <= one.high or (self.p is not None and self.p > ALPHA):
            return None
        return one.value > self.null


@dataclass(frozen=True)
class Combiner:
    """Makes the estimates of a task."""

    evidence: Evidence
    """What counts."""
    metric: str | None
    """Signature of the metric that may help."""
    rule: str
    """How it was chosen."""
    estimand: Estimand
    """What intervals are about."""
    scaled: bool = True
    """Whether ratings lie on the scale that raters saw."""

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        metrics: Mapping[str, Metric],
        asked: Asked,
        *,
        scaled: bool = True,
    ) -> Combiner:
        """For a task; raises as `yardstick.helping_metric`."""
        every = np.unique(evidence.cells[0])
        scored = {
            signature: np.array_equal(np.unique(evidence.cells[0][judged]), every)
            for signature, values in evidence.score_values.items()
            if (judged := np.isfinite(values)).any()
        }
        metric, rule = helping_metric(
            scored, lambda one: metrics[one].directed, asked.metric
        )
        return cls(evidence, metric, rule, asked.estimand, scaled)

    def sheet(self, criterion: str) -> Sheet:
        """What is known by a criterion."""
        return Sheet(self.evidence, criterion, self.metric)

    def by_ratings(
        self, sheet: Sheet, pair: tuple[str, str], question: Question
    ) -> Combined:
        """The second checkpoint less the first, by their ids."""
        judged = sheet.by_ratings(*pair)
        alone, both, raters = self._of_ratings(sheet, judged)
        row = self._row("criterion", sheet.criterion, pair, question, judged)
        return replace(row, alone=alone, both=both, raters=raters)

    def mean(self, sheet: Sheet, checkpoint: str) -> Estimate:
        """Its mean rating as reports have it, or sharpened by a metric that was named.

        Without an interval where one prompt alone is rated; cut off where the scale is.
        """
        judged = sheet.by_ratings(checkpoint)
        alone, both, raters = self._of_ratings(sheet, judged)
        found = both if self.rule == NAMED_METRIC else alone
        if not raters:
            found = replace(found, why=f"{found.why}; about these raters alone")
        if found.value is None and found.n:
            value = float(np.nanmean(judged.human[0]))
            return replace(found, value=value, why="no interval from one rated prompt")
        scale = self.scale(sheet.criterion)
        if scale is None or found.low is None or found.high is None:
            return found
        return replace(
            found, low=max(scale[0], found.low), high=min(scale[1], found.high)
        )

    def _of_ratings(
        self, sheet: Sheet, judged: Judged
    ) -> tuple[Estimate, Estimate, int]:
        """From ratings alone and with scores, and the raters in both intervals."""
        scale = self.scale(sheet.criterion)
        alone = both = self._estimate(judged, scale, ())
        if judged.scores is not None:
            both = self._estimate(judged, scale, judged.scores)
        unsure = sheet.unsure or self.evidence.unsure.get(sheet.criterion)
        if unsure:
            added = unsure(*judged.given)
            alone, both = (one.also_of(*added, SEVERITIES) for one in (alone, both))
        return _widened(judged, alone, both, 0.0)

    def by_comparisons(
        self, sheet: Sheet, pair: tuple[str, str], question: Question
    ) -> Combined:
        """How often the second checkpoint is preferred, by their ids."""
        judged = sheet.by_comparisons(*pair)
        alone = both = self._win_rate(judged, None)
        if judged.scores is not None:
            both = self._win_rate(judged, judged.scores[1] - judged.scores[0])
        alone, both, raters = _widened(judged, alone, both, EVEN)
        row = self._row("preference", sheet.criterion, pair, question, judged)
        return replace(row, alone=alone, both=both, raters=raters)

    def _row(
        self,
        kind: Kind,
        criterion: str,
        pair: tuple[str, str],
        question: Question,
        judged: Judged,
    ) -> Combined:
        """What stands beside the estimates."""
        against, checkpoint = (self.evidence.labels[id_] for id_ in pair)
        nothing = self._undefined("nobody judged them")
        return Combined(
            kind=kind,
            criterion=criterion,
            question=question,
            checkpoint=checkpoint,
            against=against,
            metric=self.metric,
            rule=self.rule,
            alone=nothing,
            both=nothing,
            prompts=len(judged.human[0]) + judged.equal,
            raters=0,
            drawn=in_words(judged.design),
        )

    def _estimate(
        self,
        judged: Judged,
        scale: tuple[float, float] | None,
        scores: Sequence[Floats],
    ) -> Estimate:
        """The mean of one checkpoint, or the difference of two."""
        made = mean if len(judged.human) == 1 else paired_difference
        try:
            return made(
                *judged.human,
                *scores,
                estimand=self.estimand,
                scale=scale,
                design=judged.design,
            )
        except UsageError as error:
            return self._undefined(str(error))

    def _win_rate(self, judged: Judged, gap: Floats | None) -> Estimate:
        try:
            return win_rate(
                judged.human[0], gap, estimand=self.estimand, design=judged.design
            )
        except UsageError as error:
            return self._undefined(str(error))

    def _undefined(self, why: str) -> Estimate:
        return Estimate(None, None, None, 0, "undefined", self.estimand, 0, None, why)

    def scale(self, criterion: str) -> tuple[float, float] | None:
        """Least and largest rating by a criterion; None where they are unknown."""
        for one in self.evidence.criteria:
            if one.name == criterion and one.low is not None and one.high is not None:
                return (one.low, one.high) if self.scaled else None
        return None


def _widened(
    judged: Judged, alone: Estimate, both: Estimate, null: float
) -> tuple[Estimate, Estimate, int]:
    """Both of all prompts, equal outputs among them, and about other raters, too.

    Returns:
        Both estimates, and the raters whose differences are in them: 0 where they are
        too few, or where an interval has no standard error that could be widened.
    """
    variance, raters = variance_of_raters(*judged.given)
    if raters < LEAST_RATERS or None in {alone.error, both.error}:
        raters = 0
    drawn = in_words(judged.design)
    found = []
    for one in (alone, both):
        made = replace(one, why=f"{one.why}; {drawn}") if drawn else one
        if raters:
            whom = f"other raters ({raters} rated)"
            made = made.also_of(variance, raters - 1, whom)
        found.append(made.with_equal(judged.equal, len(judged.human[0]), null))
    return found[0], found[1], raters
