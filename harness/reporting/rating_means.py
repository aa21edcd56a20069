"""Mean ratings of all checkpoints, as given or each rater's turned otherwise."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.by_rater import ratings_of
from harness.stats.crossed import rating_means
from harness.stats.severity import also_of_severities

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.reporting.given_ratings import Turn
    from harness.stats.crossed import Ratings
    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Unsure = Callable[..., tuple[float, float]]
    """Ratings of one checkpoint, or of two, to what an estimated turn adds to the
    squared standard error of their mean or difference, and its degrees of freedom."""


def means_by_checkpoint(
    evidence: Evidence,
    resampling: Resampling,
    turns: Mapping[str, Turn] | None = None,
    unsure: Mapping[str, Unsure] | None = None,
) -> dict[str, dict[str, Estimate]]:
    """Criterion to id of each checkpoint to its mean rating.

    `n` counts rated outputs and `dropped` those that were skipped, or whose ratings
    are all left out. Checkpoints with neither are left out.

    Args:
        evidence: what counts for the task.
        resampling: how intervals are made.
        turns: criterion to what its ratings become; as they are where there is none.
        unsure: criterion to what that adds to their variance; None: as `evidence` says.
    """
    turns = turns or {}
    unsure = evidence.unsure if unsure is None else unsure
    return {
        criterion: _of_criterion(
            evidence,
            criterion,
            resampling,
            (turns.get(criterion), unsure.get(criterion)),
        )
        for criterion in evidence.rating_columns
    }


def _of_criterion(
    evidence: Evidence,
    criterion: str,
    resampling: Resampling,
    turned: tuple[Turn | None, Unsure | None],
) -> dict[str, Estimate]:
    turn, unsure = turned
    given = ratings_of(evidence, criterion)
    skipped = np.zeros(len(evidence.written), dtype=bool)
    place = evidence.place_of
    skipped[[place[o] for o, c in evidence.skipped if c == criterion]] = True
    skipped[given.output] = turn is not None
    if turn is not None:
        values = turn(given.rater, given.value)
        given = replace(given, value=values).kept(np.isfinite(values))
        skipped[given.output] = False
        if not given.value.size:
            return {}
    rated = np.zeros(len(evidence.written), dtype=bool)
    rated[given.output] = True
    size = len(evidence.checkpoints)
    row, _ = evidence.cells
    outputs, left_out = (
        np.bincount(row[some], minlength=size).tolist() for some in (rated, skipped)
    )
    by_system = _by_system(given, size)
    found = rating_means(by_system, draws=resampling.draws, seed=resampling.seed)
    if unsure is not None:
        found = [
            also_of_severities(mean, *unsure(own))
            for mean, own in zip(found, by_system, strict=True)
        ]
    return {
        checkpoint.id: replace(mean, n=n, dropped=dropped)
        for checkpoint, mean, n, dropped in zip(
            evidence.checkpoints, found, outputs, left_out, strict=True
        )
        if n or dropped
    }


def _by_system(ratings: Ratings, systems: int) -> list[Ratings]:
    """The ratings of each system; they are in the systems' order."""
    ends = np.searchsorted(ratings.system, np.arange(systems + 1)).tolist()
    return [ratings.kept(slice(start, end)) for start, end in pairwise(ends)]
