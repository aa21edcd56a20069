"""The work of raters whom no campaign asked, from columns of their ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.quality.measures import agreement_of, severity_of
from harness.quality.model import Hits, RaterQuality, Repeats
from harness.quality.raters import warned_of
from harness.stats.bootstrap import undefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """Ratings one by one, in the order they were given; arrays of shape (ratings,)."""

    raters: Sequence[tuple[str, str]]
    """Name and kind of each rater."""
    rater: Indices
    """Place of each rating's rater in `raters`."""
    kind: Indices
    """Number of the rater's kind; raters of two kinds are never compared."""
    page: Indices
    """Number of what the rater was shown; all its criteria share it."""
    unit: Indices
    """Number of the output that was shown."""
    criterion: Indices
    """Number of the criterion."""
    value: Floats
    """The ratings."""
    seconds: Floats
    """Time for the page; NaN where unknown."""

    def others(self) -> Floats:
        """Mean rating of the other raters of the kind; NaN where there are none."""
        question = self.unit * (int(self.criterion.max()) + 1) + self.criterion
        question = question * (int(self.kind.max()) + 1) + self.kind
        known, number = np.unique(question, return_inverse=True)
        count = np.bincount(number, minlength=len(known))[number] - 1
        rest = np.bincount(number, self.value, len(known))[number] - self.value
        return np.where(count > 0, rest / np.maximum(count, 1), np.nan)


def imported_quality(given: Imported, scale: float) -> list[RaterQuality]:
    """The work of raters whom no campaign asked, by name: without any checks.

    Args:
        given: what they said.
        scale: highest number of the scale minus the lowest.
    """
    others = given.others()
    order = np.argsort(given.rater, kind="stable")
    sizes = np.bincount(given.rater, minlength=len(given.raters))
    rows = np.split(order, np.cumsum(sizes)[:-1])
    found = [
        _unchecked(given, own, others[own], scale)
        for _, own in sorted(zip(given.raters, rows, strict=True), key=lambda r: r[0])
    ]
    return warned_of(found, scale)


def _unchecked(
    given: Imported, own: Indices, others: Floats, scale: float
) -> RaterQuality:
    """What ratings alone say of a rater; the order of answers is unknown."""
    name, kind = given.raters[given.rater[own[0]]]
    pages, first, page = np.unique(
        given.page[own], return_index=True, return_inverse=True
    )
    times = given.seconds[own][first]
    times = times[~np.isnan(times)]
    shared = ~np.isnan(others)
    unit, value = given.unit[own][shared], given.value[own][shared]
    return RaterQuality(
        rater=name,
        kind=kind,
        rated=len(pages),
        skipped=0,
        flagged=0,
        seconds=float(np.median(times)) if times.size else None,
        agreement=agreement_of(
            unit, given.criterion[own][shared], value / scale, others[shared] / scale
        ),
        severity=severity_of(unit, value - others[shared]),
        gold=Hits(0, 0),
        repeats=Repeats(0, None, None, None),
        degraded=Hits(0, 0),
        longest_run=0,
        commonest=_commonest_share(page, given.criterion[own], given.value[own]),
        left=undefined("outputs are rated one by one"),
    )


def _commonest_share(page: Indices, criterion: Indices, value: Floats) -> float:
    """Share of the pages that got the most frequent answers to all criteria."""
    asked, column = np.unique(criterion, return_inverse=True)
    # No rating is infinite, so that this stands for none.
    answers = np.full((int(page.max()) + 1, len(asked)), np.inf)
    answers[page, column] = value
    _, counts = np.unique(answers, axis=0, return_counts=True)
    return float(counts.max() / len(answers))
