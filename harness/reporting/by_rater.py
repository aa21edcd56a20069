"""Ratings one by one, as what resamples raters reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.formats import listed, on_one_line
from harness.stats.crossed import LEAST_RATERS, Ratings

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from harness.reporting.evidence import Evidence


def ratings_of(
    evidence: Evidence,
    criterion: str,
    checkpoints: Sequence[str] | None = None,
    scored: Container[str] | None = None,
) -> Ratings:
    """The ratings of a criterion; systems and items are numbered as in `evidence`.

    Args:
        evidence: what counts for the task.
        criterion: its name.
        checkpoints: ids of those whose outputs are meant; None: all.
        scored: outputs without which ratings are left out; None: none are.
    """
    given = evidence.by_rater[criterion]
    column = {item: number for number, item in enumerate(evidence.items)}
    rows: list[tuple[float, int, int, int, int]] = []
    number = 0
    for system, checkpoint in enumerate(evidence.checkpoints):
        if checkpoints is not None and checkpoint.id not in checkpoints:
            continue
        for output in evidence.outputs[checkpoint.id]:
            if scored is not None and output.id not in scored:
                continue
            number += 1
            item = column[output.item]
            rows += [
                (value, rater, number, item, system)
                for rater, value in given.get(output.id, {}).items()
            ]
    value, *places = np.array(rows, dtype=float).reshape(-1, 5).T
    return Ratings.of(value, *places)


def few_raters(evidence: Evidence) -> list[str]:
    """A note on the criteria by which a checkpoint has too few raters to resample."""
    found = []
    for criterion, given in evidence.by_rater.items():
        raters = [
            {rater for output in some for rater in given.get(output.id, ())}
            for some in evidence.outputs.values()
        ]
        fewest = min((len(one) for one in raters if one), default=LEAST_RATERS)
        if fewest < LEAST_RATERS:
            found.append(f"{on_one_line(criterion)} ({fewest})")
    note = (
        f"Fewer than {LEAST_RATERS} raters by {listed(found)}: the intervals of mean "
        "ratings and of agreement are about other items alone and say nothing of "
        "other raters."
    )
    return [note] if found else []
