"""Two checkpoints by few ratings and many scores together, beside ratings alone.

Which metric helps is settled before any rating is seen. Where five or more raters
judged, what they differ by is in both intervals, with scores and without.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import NotFound, UsageError
from harness.reporting.both_judged import Sheet
from harness.reporting.formats import labels
from harness.stats.combine import paired_difference, win_rate
from harness.stats.crossed import LEAST_RATERS, variance_of_raters
from harness.stats.sharpened import ESTIMANDS, LIKE_THESE, Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

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

NO_METRIC = "none"
"""Word for ratings that no metric is to sharpen."""
FIRST_METRIC = "the task's first metric with a direction and scores of single outputs"
NAMED_METRIC = "named with --with"
ALPHA = 0.05


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
    p: float | None = None
    """Two-sided, Holm-adjusted within criterion and question; None where there is no
    standard error."""

    @property
    def null(self) -> float:
        """The value at which neither is better."""
        return 0.5 if self.kind == "preference" else 0.0

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


def helping_metric(
    evidence: Evidence, metrics: Mapping[str, Metric], name: str | None
) -> tuple[str | None, str]:
    """Signature of the metric whose scores go with ratings, and by which rule.

    Args:
        evidence: what counts for the task.
        metrics: signature to metric.
        name: of a metric, its label or signature; None: the first in the task's order
            with a direction and scores of single outputs of all its checkpoints.

    Raises:
        NotFound: the task has no scores of outputs by such a metric.
        UsageError: several metrics have that name.
    """
    if name == NO_METRIC:
        return None, "no metric was asked for"
    scored = evidence.score_values
    if name is None:
        every = set(evidence.cells[0].tolist())
        for signature, values in scored.items():
            judged = set(evidence.cells[0][np.isfinite(values)].tolist())
            if metrics[signature].directed and judged == every:
                return signature, FIRST_METRIC
        return None, "no metric has a direction and scores of every checkpoint"
    named = labels(list(scored))
    found = [sig for sig in scored if name in {sig, named[sig]}] or [
        sig for sig in scored if evidence.descriptions[sig]["name"] == name
    ]
    if not found:
        names = [*named.values(), NO_METRIC]
        raise NotFound("metric with scores of outputs", name, names)
    if len(found) > 1:
        raise UsageError(f"Several metrics are named '{name}': {'; '.join(found)}")
    return found[0], NAMED_METRIC


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
        """For a task; raises as `helping_metric`."""
        metric, rule = helping_metric(evidence, metrics, asked.metric)
        return cls(evidence, metric, rule, asked.estimand, scaled)

    def sheet(self, criterion: str) -> Sheet:
        """What is known by a criterion."""
        return Sheet(self.evidence, criterion, self.metric)

    def by_ratings(
        self, sheet: Sheet, pair: tuple[str, str], question: Question
    ) -> Combined:
        """The second checkpoint less the first, by their ids."""
        judged = sheet.by_ratings(*pair)
        alone = self._difference(sheet.criterion, judged, (None, None))
        both = alone
        if judged.scores is not None:
            both = self._difference(sheet.criterion, judged, judged.scores)
        variance, raters = variance_of_raters(*map(sheet.rated, pair))
        if raters < LEAST_RATERS:
            raters = 0
        else:
            whom = f"other raters ({raters} rated)"
            alone, both = (
                one.also_of(variance, raters - 1, whom) for one in (alone, both)
            )
        row = self._row("criterion", sheet.criterion, pair, question, judged)
        return replace(row, alone=alone, both=both, raters=raters)

    def by_comparisons(
        self, sheet: Sheet, pair: tuple[str, str], question: Question
    ) -> Combined:
        """How often the second checkpoint is preferred, by their ids."""
        judged = sheet.by_comparisons(*pair)
        alone = _with_equal(self._win_rate(judged, None), judged)
        both = alone
        if judged.scores is not None:
            gap = judged.scores[1] - judged.scores[0]
            both = _with_equal(self._win_rate(judged, gap), judged)
        row = self._row("preference", sheet.criterion, pair, question, judged)
        return replace(row, alone=alone, both=both)

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
        )

    def _difference(
        self,
        criterion: str,
        judged: Judged,
        scores: tuple[Floats | None, Floats | None],
    ) -> Estimate:
        first, second = judged.human
        try:
            return paired_difference(
                first,
                second,
                scores[0],
                scores[1],
                estimand=self.estimand,
                scale=self._scale(criterion),
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

    def _scale(self, criterion: str) -> tuple[float, float] | None:
        for one in self.evidence.criteria:
            if one.name == criterion and one.low is not None and one.high is not None:
                return (one.low, one.high) if self.scaled else None
        return None


def _with_equal(found: Estimate, judged: Judged) -> Estimate:
    """A win rate of prompts that differ, made one of all prompts.

    With a share e of equal ones and the rate w of the others it is (1 - e) w + e / 2.
    """
    if not judged.equal or found.value is None:
        return found
    from scipy.special import stdtrit

    total = judged.equal + len(judged.human[0])
    share = 1 - judged.equal / total
    moved = [
        None if end is None else 0.5 + share * (end - 0.5)
        for end in (found.value, found.low, found.high)
    ]
    why = f"{found.why}; {judged.equal} of {total} prompts are ties unasked"
    value, low, high = moved
    found = replace(found, value=value, low=low, high=high, why=why)
    if found.error is None or found.df is None or value is None:
        return found
    variance = (share * found.error) ** 2
    if found.estimand == LIKE_THESE:
        # Of other prompts like these, another share might be equal.
        variance += (value - 0.5) ** 2 * (1 - share) / share / total
    half = float(stdtrit(found.df, 0.975)) * variance**0.5
    return replace(found, low=value - half, high=value + half, error=variance**0.5)
