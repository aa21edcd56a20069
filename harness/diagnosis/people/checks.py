"""Ratings against metrics: which of them training should be steered by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.model import Check, Example, Findings, NotChecked
from harness.diagnosis.outputs.against import brief, difference
from harness.reporting.disagreements import closest
from harness.reporting.partings import all_said

if TYPE_CHECKING:
    from harness.diagnosis.model import CauseName, Status
    from harness.diagnosis.outputs.subject import Subject
    from harness.reporting.model import MetricAgreement, RatedOutput, TaskReport

FEWEST = 30
"""Rated outputs below which ratings say too little of a metric."""
THIRD = 1 / 3
"""Part of the outputs that counts as praised, and as rejected."""
SHOWN = 3
NO_RATINGS = "nothing was rated by itself: harness rate SUITE"
FEW = f"it needs {FEWEST} rated outputs, and there are {{}}"


def check_people(subject: Subject, report: TaskReport) -> Findings:
    """What ratings say of the metrics, and of the checkpoint."""
    if not report.rated:
        return _all_missing(NO_RATINGS)
    if len(report.rated) < FEWEST:
        return _all_missing(FEW.format(len(report.rated)))
    found = {name: check(subject, report) for name, check in CHECKS.items()}
    return Findings(
        tuple(one for one in found.values() if isinstance(one, Check)),
        tuple(NotChecked(n, one) for n, one in found.items() if isinstance(one, str)),
    )


def _all_missing(reason: str) -> Findings:
    return Findings(not_checked=tuple(NotChecked(name, reason) for name in CHECKS))


def metric_up_ratings_not(subject: Subject, report: TaskReport) -> Check | str:
    """Metrics that rise over training while ratings do not."""
    parted = [one for one in report.partings if (one.metric.value or 0.0) > 0]
    if parted:
        said = all_said(report)
        return Check(
            name="metrics_rise_ratings_fall",
            area="people",
            status="failure",
            value=float(len(parted)),
            threshold="a metric surely up, ratings surely down, over one stretch",
            source="harness.stats.partings, Holm-adjusted",
            says=said[0],
            examples=tuple(Example("training", text) for text in said[1:SHOWN]),
            weights={"metric_misleads": 4.0},
        )
    return _since_base(subject)


def _since_base(subject: Subject) -> Check | str:
    """Without a stretch that is sure, the last checkpoint beside the first."""
    base = subject.base
    if base is None:
        return "the series has one checkpoint with ratings"
    metrics = {s: one for s, one in subject.since(base).items() if one.low is not None}
    rose = [s for s, one in metrics.items() if one.low is not None and one.low > 0]
    ratings = {
        criterion: subject.estimator.rating_lead(
            criterion, subject.last.id, base.id
        ).difference
        for criterion in subject.evidence.mean_ratings
    }
    known = {c: one for c, one in ratings.items() if one.high is not None}
    if not known or not metrics:
        return "first and last checkpoint share no rated items, or no scored ones"
    still = [c for c, one in known.items() if (one.low or 0.0) <= 0]
    apart = bool(rose) and len(still) == len(known)
    first = next(iter(known))
    return Check(
        name="metrics_rise_ratings_fall",
        area="people",
        status="notice" if apart else "fine",
        value=known[first].value,
        threshold="a metric surely up, ratings surely down, over one stretch",
        source="harness.stats.partings, Holm-adjusted",
        says=f"Since the first checkpoint ratings of {brief(first)} changed by "
        f"{difference(known[first])} (n = {known[first].n}); {len(rose)} of "
        f"{len(metrics)} metrics surely rose.",
        weights={"metric_misleads": 1.5} if apart else {},
    )


def agreement(subject: Subject, report: TaskReport) -> Check | str:  # noqa: ARG001
    """Whether the metric that follows raters best follows them at all."""
    criterion = report.criteria[0].name if report.criteria else ""
    best = closest(report.agreement, criterion)
    if best is None:
        return "no metric can be correlated with the ratings"
    tau = best.segment["none"].kendall
    low, high = tau.low, tau.high
    if tau.value is None or low is None or high is None:
        return tau.method
    status: Status = "fine"
    weights: dict[CauseName, float] = {"metric_misleads": -1.0}
    if high < 0:
        status, weights = "failure", {"metric_misleads": 4.0}
    elif low <= 0:
        status, weights = "warning", {"metric_misleads": 2.0}
    return Check(
        name="metric_agreement",
        area="people",
        status=status,
        value=tau.value,
        threshold="an interval of Kendall's tau that does not exclude 0",
        source="Kendall 1945, tau-b over all rated outputs",
        says=f"Of all metrics {best.metric} follows ratings of {brief(criterion)} "
        f"best: tau {tau.value:.2f} [{low:.2f}, {high:.2f}], n = {tau.n:,}.",
        weights=weights,
    )


def praised_and_rejected(subject: Subject, report: TaskReport) -> Check | str:  # noqa: ARG001
    """How many of the outputs that the best metric praises people reject."""
    criterion = report.criteria[0].name if report.criteria else ""
    best = closest(report.agreement, criterion)
    if best is None:
        return "no metric can be correlated with the ratings"
    sign = report.metric(best.signature).sign
    rows = [
        (sign * one.scores[best.signature], one.ratings[criterion], one)
        for one in report.rated
        if best.signature in one.scores and criterion in one.ratings
    ]
    if len(rows) < FEWEST:
        return FEW.format(len(rows))
    scores, ratings = (np.array([row[side] for row in rows]) for side in (0, 1))
    if ratings.min() == ratings.max():
        return "all ratings are equal"
    praised = scores >= np.quantile(scores, 1 - THIRD)
    # Ties at the limit would make half of a coarse scale count as rejected.
    rejected = ratings < np.quantile(ratings, THIRD)
    rejected |= ratings == ratings.min()
    share = float(rejected[praised].mean())
    expected = float(rejected.mean())
    many = share >= expected > 0
    shown = [row[2] for row, both in zip(rows, praised & rejected, strict=True) if both]
    return Check(
        name="praised_and_rejected",
        area="people",
        status="warning" if many else "fine",
        value=share,
        threshold=f"as many as of all outputs ({expected:.0%})",
        source="measured here",
        says=f"Of the third of outputs that {best.metric} praises most people reject "
        f"{share:.0%}; of all outputs {expected:.0%}.",
        examples=tuple(_judged(one, best, criterion) for one in shown[:SHOWN])
        if many
        else (),
        weights={"metric_misleads": 2.5} if many else {},
    )


def _judged(one: RatedOutput, by: MetricAgreement, criterion: str) -> Example:
    """An output with what a metric and people say of it."""
    return Example(
        f"{one.checkpoint}, item {one.item}",
        f"{by.metric} {one.scores[by.signature]:.3g}, {brief(criterion)} "
        f"{one.ratings[criterion]:.3g}: {brief(one.text)}",
    )


CHECKS = {
    "metrics_rise_ratings_fall": metric_up_ratings_not,
    "metric_agreement": agreement,
    "praised_and_rejected": praised_and_rejected,
}
"""Name to what makes the check, or says what the study lacks for it."""
