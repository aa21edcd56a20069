"""The results with and without the raters whose work looks careless."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.reporting.agreement import alphas, in_cells
from harness.reporting.estimates import Estimator
from harness.reporting.people import BothWays, Recount, Recounted
from harness.reporting.targets import fits, target
from harness.stats.bootstrap import undefined
from harness.stats.correlation import kendall_by_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.reporting.model import TaskReport
    from harness.types import Estimate


def recount(
    task: TaskReport, evidence: Evidence, resampling: Resampling
) -> Recount | None:
    """Means, agreement and the best checkpoint with and without the careless raters.

    Severity alone is no reason to leave anybody out.

    Args:
        task: the report with everybody's ratings, and who looks careless.
        evidence: what it rests on, with the ratings as they were given.
        resampling: how intervals are made.

    Returns:
        None if no rating that counts comes from a careless rater.
    """
    names = {one.rater for one in task.careless}
    careless = {n for n, name in evidence.rater_names.items() if name in names}
    out = [one for one in evidence.ratings if one.rater in careless]
    if not out:
        return None
    kept = replace(
        evidence,
        ratings=tuple(one for one in evidence.ratings if one.rater not in careless),
    )
    models = fits(kept) if task.human == "adjusted" else {}
    again = target(kept, task.human, models).evidence
    alpha = alphas(kept, resampling)
    touched = {one.criterion for one in out}
    return Recount(
        raters=tuple(sorted({evidence.rater_names[one.rater] for one in out})),
        ratings=len({one.id for one in out}),
        criteria=tuple(
            _of_criterion(task, again, criterion.name, alpha, resampling)
            for criterion in task.criteria
            if criterion.name in touched
        ),
    )


def _of_criterion(
    task: TaskReport,
    again: Evidence,
    criterion: str,
    alpha: Mapping[str, Estimate],
    resampling: Resampling,
) -> Recounted:
    nothing = undefined("only careless raters rated it")
    means = _means(task, again, criterion, resampling, nothing)
    return Recounted(
        criterion=criterion,
        means=means,
        alpha=BothWays(task.raters.alpha[criterion], alpha.get(criterion, nothing)),
        kendall={
            one.signature: BothWays(
                one.segment["item"].kendall,
                _kendall(again, criterion, one.signature, resampling)
                if criterion in again.mean_ratings
                else nothing,
            )
            for one in task.agreement
            if one.criterion == criterion
        },
        best=(
            _best({label: found.all for label, found in means.items()}),
            _best({label: found.without for label, found in means.items()}),
        ),
    )


def _means(
    task: TaskReport,
    again: Evidence,
    criterion: str,
    resampling: Resampling,
    nothing: Estimate,
) -> dict[str, BothWays]:
    found = Estimator(again, {}, resampling, task.human == "raw").ratings()
    ids = {again.labels[one.id]: one.id for one in again.checkpoints}
    return {
        one.label: BothWays(
            one.human[criterion],
            found[ids[one.label]].get(criterion, nothing),
        )
        for one in task.checkpoints
        if criterion in one.human
    }


def _kendall(
    again: Evidence, criterion: str, signature: str, resampling: Resampling
) -> Estimate:
    metric, human = in_cells(
        again, again.score_values[signature], again.rating_values[criterion]
    )
    return kendall_by_item(
        metric if again.descriptions[signature]["higher_is_better"] else -metric,
        human,
        draws=resampling.draws,
        seed=resampling.seed,
    )


def _best(means: Mapping[str, Estimate]) -> str | None:
    known = {k: one.value for k, one in means.items() if one.value is not None}
    if len(known) < 2:  # noqa: PLR2004 - one alone is not first
        return None
    # Of equal ones the earlier checkpoint comes first, as in a lead.
    return max(known, key=lambda label: known[label])
