"""Which metrics agree better with people than others: clusters of significance."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.progress import silent
from harness.reporting.agreement import in_cells
from harness.reporting.formats import listed
from harness.reporting.model import MetricClusters
from harness.stats.coefficients import tau_b_by_item
from harness.stats.significance import contests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.progress import Progress
    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence

STATISTIC = "by_item.kendall"
MOST = 500_000
"""Pairs of metrics times rated outputs, of all criteria together, that take seconds; of
more, a random sample of the items is tested."""
SAMPLED = 200_000
"""The same of such a sample, where there are up to a hundred checkpoints."""
MANY_CHECKPOINTS = 100
"""Beyond these, time grows with the pairs of an item's outputs."""
LEAST_ITEMS = 50
"""Items of a sample at least."""


def metric_clusters(
    evidence: Evidence, resampling: Resampling, *, progress: Progress = silent
) -> list[MetricClusters]:
    """The metrics in clusters, for each criterion, by Kendall's tau within items.

    PERM-BOTH with 1,000 swaps unless fewer are asked for, on the outputs that all
    metrics judged. Metrics that tell the outputs of fewer than half as many items
    apart as another are not ranked: theirs would be a tau of other items. Empty with
    fewer than two metrics or two checkpoints.
    """
    scores = evidence.score_values
    if min(len(scores), len(evidence.checkpoints)) < 2:  # noqa: PLR2004 - a pair
        return []
    share = _share(evidence, len(scores) * (len(scores) - 1) // 2)
    judging = {one: _judging(evidence, one) for one in evidence.rating_values}
    return [
        _of_criterion(evidence, criterion, metrics, (share, resampling), progress)
        for criterion, metrics in judging.items()
        if len(metrics) > 1
    ]


def _judging(evidence: Evidence, criterion: str) -> list[str]:
    """The metrics that judged any output that people rated.

    One that came later, and judged others, would leave none that all have judged.
    """
    rated = ~np.isnan(evidence.rating_values[criterion])
    scores = evidence.score_values
    return [one for one in scores if np.any(rated & ~np.isnan(scores[one]))]


def _share(evidence: Evidence, pairs: int) -> float:
    """Share of the items that is tested, above 0 to 1."""
    rated = sum(len(one.outputs) for one in evidence.rating_columns.values())
    size = pairs * rated * max(1.0, len(evidence.checkpoints) / MANY_CHECKPOINTS)
    return 1.0 if size <= MOST else SAMPLED / size


def _of_criterion(
    evidence: Evidence,
    criterion: str,
    signatures: list[str],
    how: tuple[float, Resampling],
    progress: Progress,
) -> MetricClusters:
    share, resampling = how
    ratings = evidence.rating_values[criterion]
    rated = int((~np.isnan(ratings)).sum())
    judged = np.array([evidence.score_values[sig] for sig in signatures])
    ratings = np.where(np.isnan(judged).any(axis=0), np.nan, ratings)
    items = np.unique(evidence.cells[1][~np.isnan(ratings)])
    some = _drawn(items, share, resampling.seed)
    ratings = np.where(np.isin(evidence.cells[1], some), ratings, np.nan)
    tested = int((~np.isnan(ratings)).sum())
    human = in_cells(evidence, ratings, ratings)[1][:, some]
    found = _turned(evidence, signatures, ratings)[:, :, some]
    known = np.array([np.isfinite(tau_b_by_item(one, human)).sum() for one in found])
    ranked = np.flatnonzero(2 * known >= known.max(initial=0))
    contest = contests(
        found[ranked],
        human,
        statistics=[STATISTIC],
        trials=resampling.draws,
        seed=resampling.seed,
        progress=partial(progress, f"metrics tested by {criterion}"),
    )[STATISTIC]
    ranks = dict.fromkeys(signatures) | dict(
        zip([signatures[at] for at in ranked], contest.clusters(), strict=True)
    )
    unranked = [signatures[at] for at in np.setdiff1d(range(len(signatures)), ranked)]
    few = [evidence.descriptions[signature]["name"] for signature in unranked]
    return MetricClusters(
        criterion=criterion,
        ranks=ranks,
        n=tested,
        dropped=rated - tested,
        method=contest.method
        + ("" if len(some) == len(items) else _sampled(len(some), len(items)))
        + (f"; not ranked, as few items vary by it: {listed(few)}" if few else ""),
    )


def _turned(
    evidence: Evidence, signatures: list[str], ratings: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scores where there are ratings, (metrics, checkpoints, items), higher better."""
    found = []
    for signature in signatures:
        metric, _ = in_cells(evidence, evidence.score_values[signature], ratings)
        higher = evidence.descriptions[signature]["higher_is_better"]
        found.append(metric if higher else -metric)
    return np.array(found)


def _sampled(some: int, items: int) -> str:
    return f"; on a random {some:,} of {items:,} items"


def _drawn(items: NDArray[np.intp], share: float, seed: int) -> NDArray[np.intp]:
    """All items, or a random share of them in their order."""
    number = max(LEAST_ITEMS, int(share * len(items)))
    if number >= len(items):
        return items
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(items, number, replace=False))
