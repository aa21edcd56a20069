"""Mean ratings of all checkpoints, as given or each rater's turned otherwise.

Their intervals are those that gates hold against a threshold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.both_judged import Sheet
from harness.reporting.by_rater import ratings_of
from harness.reporting.combined import Combiner
from harness.stats.bootstrap import undefined
from harness.stats.sharpened import LIKE_THESE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from harness.reporting.evidence import Evidence
    from harness.reporting.given_ratings import Turn
    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Unsure = Callable[..., tuple[float, float]]
    """Ratings of one checkpoint, or of two, to what an estimated turn adds to the
    squared standard error of their mean or difference, and its degrees of freedom."""


def means_by_checkpoint(
    evidence: Evidence,
    turns: Mapping[str, Turn] | None = None,
    unsure: Mapping[str, Unsure] | None = None,
    *,
    scaled: bool = True,
) -> dict[str, dict[str, Estimate]]:
    """Criterion to id of each checkpoint to its mean rating.

    `n` counts rated outputs and `dropped` those that were skipped, or whose ratings
    are all left out. Checkpoints with neither are left out.

    Args:
        evidence: what counts for the task.
        turns: criterion to what its ratings become; as they are where there is none.
        unsure: criterion to what that adds to their variance; None: as `evidence` says.
        scaled: whether ratings that are not turned lie on the scale that raters saw.
    """
    turns = turns or {}
    return {
        criterion: _of_criterion(
            evidence,
            criterion,
            turns.get(criterion),
            (unsure or {}).get(criterion),
            scaled=scaled and criterion not in turns,
        )
        for criterion in evidence.rating_columns
    }


def _of_criterion(
    evidence: Evidence,
    criterion: str,
    turn: Turn | None,
    unsure: Unsure | None,
    *,
    scaled: bool,
) -> dict[str, Estimate]:
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
    combiner = Combiner(evidence, None, "", LIKE_THESE, scaled)
    sheet = Sheet(evidence, criterion, None, turned=given, unsure=unsure)
    found = {}
    for one, n, dropped in zip(evidence.checkpoints, outputs, left_out, strict=True):
        if n or dropped:
            made = undefined("no output is rated")
            if n:
                made = combiner.mean(sheet, one.id).as_estimate()
            found[one.id] = replace(made, n=n, dropped=dropped)
    return found
