"""Which metrics agree better with people than others: clusters of significance."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.progress import silent
from harness.reporting.agreement import matrices
from harness.reporting.model import MetricClusters
from harness.stats.significance import contests

if TYPE_CHECKING:
    from harness.progress import Progress
    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence

STATISTIC = "by_item.kendall"
MOST = 1_000_000
"""Pairs of metrics times rated outputs, of all criteria together, that take seconds;
more are not tested."""


def metric_clusters(
    evidence: Evidence, resampling: Resampling, *, progress: Progress = silent
) -> list[MetricClusters]:
    """The metrics in clusters, for each criterion, by Kendall's tau within items.

    PERM-BOTH with 1,000 swaps unless fewer are asked for, on the outputs that all
    metrics judged. Empty with fewer than two metrics or two checkpoints.
    """
    scores = {sig: found for sig, found in evidence.output_scores.items() if found}
    if min(len(scores), len(evidence.checkpoints)) < 2:  # noqa: PLR2004 - a pair
        return []
    rated = sum(map(len, evidence.mean_ratings.values()))
    size = len(scores) * (len(scores) - 1) // 2 * rated
    if size > MOST:
        reason = f"not tested: {size:,} pairs of metrics times rated outputs take long"
        return [
            MetricClusters(criterion, {}, n=0, dropped=len(ratings), method=reason)
            for criterion, ratings in evidence.mean_ratings.items()
        ]
    return [
        _of_criterion(evidence, criterion, list(scores), resampling, progress)
        for criterion in evidence.mean_ratings
    ]


def _of_criterion(
    evidence: Evidence,
    criterion: str,
    signatures: list[str],
    resampling: Resampling,
    progress: Progress,
) -> MetricClusters:
    rated = evidence.mean_ratings[criterion]
    judged = {
        output: rating
        for output, rating in rated.items()
        if all(output in evidence.output_scores[sig] for sig in signatures)
    }
    found = []
    for signature in signatures:
        metric, human = matrices(evidence, evidence.output_scores[signature], judged)
        higher = evidence.descriptions[signature]["higher_is_better"]
        found.append(metric if higher else -metric)
    contest = contests(
        np.array(found),
        human,
        statistics=[STATISTIC],
        trials=resampling.draws,
        seed=resampling.seed,
        progress=partial(progress, f"metrics tested by {criterion}"),
    )[STATISTIC]
    return MetricClusters(
        criterion=criterion,
        ranks=dict(zip(signatures, contest.clusters(), strict=True)),
        n=len(judged),
        dropped=len(rated) - len(judged),
        method=contest.method,
    )
