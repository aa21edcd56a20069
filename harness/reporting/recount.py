"""The results with and without the raters whose work looks careless."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.agreement import alphas, in_cells
from harness.reporting.estimates import Estimator
from harness.reporting.people import BothWays, Recount, Recounted, RecountedChoices
from harness.reporting.preferred import preferred
from harness.reporting.targets import fits, target
from harness.stats.bootstrap import undefined
from harness.stats.correlation import kendall_by_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.reporting.model import TaskReport
    from harness.reporting.people import Preferred
    from harness.types import Estimate


def recount(
    task: TaskReport, evidence: Evidence, resampling: Resampling
) -> Recount | None:
    """Means, choices, agreement and the best with and without the careless raters.

    Severity alone is no reason to leave anybody out.

    Args:
        task: the report with everybody's ratings, and who looks careless.
        evidence: what it rests on, with the ratings as they were given.
        resampling: how intervals are made.

    Returns:
        None if nothing that counts comes from a careless rater.
    """
    names = {one.rater for one in task.careless}
    given = evidence.given
    rated = given.kept(np.isin(given.rater, _numbers(evidence, names)))
    compared = [row for row in evidence.comparisons.rows if row["name"] in names]
    if not len(rated) and not compared:
        return None
    of_ratings = {evidence.rater_names[one] for one in set(rated.rater.tolist())}
    return Recount(
        raters=tuple(sorted(of_ratings | {row["name"] for row in compared})),
        ratings=len(np.unique(rated.id)),
        criteria=_rated(task, evidence, of_ratings, resampling) if of_ratings else (),
        comparisons=len({(row["assignment"], row["criterion"]) for row in compared}),
        preferences=_compared(task, evidence, names, resampling) if compared else (),
    )


def _numbers(evidence: Evidence, names: set[str]) -> list[int]:
    return [number for number, name in evidence.rater_names.items() if name in names]


def _rated(
    task: TaskReport, evidence: Evidence, names: set[str], resampling: Resampling
) -> tuple[Recounted, ...]:
    theirs = np.isin(evidence.given.rater, _numbers(evidence, names))
    kept = replace(evidence, ratings=evidence.given.kept(~theirs))
    models = fits(kept) if task.human == "adjusted" else {}
    again = target(kept, task.human, models).evidence
    alpha = alphas(kept, resampling)
    touched = set(evidence.given.kept(theirs).criterion)
    return tuple(
        _of_criterion(task, again, criterion.name, alpha, resampling)
        for criterion in task.criteria
        if criterion.name in touched
    )


def _compared(
    task: TaskReport, evidence: Evidence, names: set[str], resampling: Resampling
) -> tuple[RecountedChoices, ...]:
    rows = evidence.comparisons.rows
    touched = {row["criterion"] for row in rows if row["name"] in names}
    kept = evidence.comparisons.without(names)
    found, _ = preferred(kept, evidence.labels, resampling)
    again = {one.criterion.name: one for one in found}
    return tuple(
        _of_choices(one, again.get(one.criterion.name))
        for one in task.preferred
        if one.criterion.name in touched
    )


def _of_choices(before: Preferred, after: Preferred | None) -> RecountedChoices:
    nothing = undefined("only careless raters compared them")
    left = after.checkpoints if after else {}
    return RecountedChoices(
        criterion=before.criterion.name,
        win_rates={
            label: BothWays(
                one.win_rate, left[label].win_rate if label in left else nothing
            )
            for label, one in before.checkpoints.items()
        },
        strengths={
            label: BothWays(
                one.strength, left[label].strength if label in left else nothing
            )
            for label, one in before.checkpoints.items()
        },
        alpha=BothWays(before.alpha, after.alpha if after else nothing),
        best=(before.ranked[0], after.ranked[0] if after else None),
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
