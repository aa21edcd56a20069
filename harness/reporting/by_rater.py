"""Ratings one by one, as what resamples raters reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.formats import listed, on_one_line
from harness.stats.crossed import LEAST_RATERS, Ratings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.reporting.evidence import Evidence


def ratings_of(
    evidence: Evidence,
    criterion: str,
    checkpoints: Sequence[str] | None = None,
) -> Ratings:
    """The ratings of a criterion; systems and items are numbered as in `evidence`.

    Args:
        evidence: what counts for the task.
        criterion: its name.
        checkpoints: ids of those whose outputs are meant; None: all.
    """
    given = evidence.rating_columns[criterion]
    place = evidence.rating_places[criterion][given.row]
    system, item = (numbers[place] for numbers in evidence.cells)
    kept = np.ones(len(place), dtype=bool)
    if checkpoints is not None:
        wanted = [checkpoint.id in checkpoints for checkpoint in evidence.checkpoints]
        kept &= np.array(wanted)[system]
    # By checkpoint and item, each output's in the order they were given.
    at = np.flatnonzero(kept)
    at = at[np.argsort(place[at], kind="stable")]
    rater = np.array(given.raters)[given.column[at]]
    return Ratings.of(given.value[at], rater, place[at], item[at], system[at])


def few_raters(evidence: Evidence) -> list[str]:
    """A note on the criteria on which a checkpoint has too few raters to resample."""
    found = []
    for criterion, given in evidence.rating_columns.items():
        system = evidence.cells[0][evidence.rating_places[criterion]][given.row]
        pairs = np.unique(system * len(given.raters) + given.column)
        _, raters = np.unique(pairs // len(given.raters), return_counts=True)
        fewest = int(raters.min(initial=LEAST_RATERS))
        if fewest < LEAST_RATERS:
            found.append(f"{on_one_line(criterion)} ({fewest})")
    note = (
        f"Fewer than {LEAST_RATERS} raters on {listed(found)}: the intervals of mean "
        "ratings and of agreement are about other items alone and say nothing of "
        "other raters."
    )
    return [note] if found else []
