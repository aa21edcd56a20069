"""What each item adds to a metric's value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import Unscorable
from harness.metrics import Tallied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.metrics import Judged, Whole
    from harness.study.scores import Scores
    from harness.types import Tally

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ItemSums:
    """What each item adds to a metric's sum."""

    items: Sequence[str]
    """Ids of the items that can be judged."""
    sums: Floats
    """Shape (items, width)."""
    judged: int
    """Outputs of these items that were judged."""
    lacking: Mapping[str, str]
    """Other items with judged outputs to why those do not count."""


def item_sums(metric: Tallied, scores: Scores) -> ItemSums:
    """The sums over each item's outputs; items without any judged are left out."""
    items = list(scores.items)
    if not scores.tallied.all():
        items = [items[row] for row in np.flatnonzero(scores.tallied).tolist()]
    tallies = scores.tallies
    plain = type(metric).item_tally is Tallied.item_tally
    if plain and len(set(items)) == len(items):
        return ItemSums(items, tallies, len(items), {})
    starts = [at for at, one in enumerate(items) if not at or one != items[at - 1]]
    names = [items[at] for at in starts]
    kept: list[str] = []
    sums: list[Tally] = []
    lacking: dict[str, str] = {}
    judged = 0
    for name, some in zip(names, np.split(tallies, starts[1:]), strict=True):
        try:
            sums.append(metric.item_tally(some))
        except Unscorable as reason:
            lacking[name] = str(reason)
        else:
            kept.append(name)
            judged += len(some)
    held = np.array(sums) if sums else np.empty((0, tallies.shape[-1]))
    return ItemSums(kept, held, judged, lacking)


def item_tallies(metric: Tallied, scores: Scores) -> dict[str, Tally]:
    """Item to what it adds to the sum, of the items that can be judged."""
    found = item_sums(metric, scores)
    return dict(zip(found.items, found.sums, strict=True))


def able(
    metric: Whole, found: Mapping[str, Sequence[Judged]]
) -> dict[str, list[Judged]]:
    """Item to what of its outputs has a part in the metric's value, if any has."""
    kept = {
        item: [one for one in some if metric.reason(*one) is None]
        for item, some in found.items()
    }
    return {item: some for item, some in kept.items() if some}
