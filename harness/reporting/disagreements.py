"""Outputs that a metric and the raters see most differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.model import Disagreement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.reporting.model import (
        Direction,
        MetricAgreement,
        MetricInfo,
        RatedOutput,
    )

SHOWN = 2
"""Outputs shown for each criterion and direction."""

FEWEST = 5
"""Rated outputs below which ranks among them say nothing."""

LEAST_GAP = 0.25
"""Ranks closer than this, of a range of 1, count as agreeing."""


def disagreements(
    rated: Sequence[RatedOutput],
    agreement: Sequence[MetricAgreement],
    metrics: Sequence[MetricInfo],
) -> list[Disagreement]:
    """Where the metric that follows the raters best is furthest from them.

    The best metric's failures are the instructive ones, as one learns from them what
    no metric of the task sees. Scores and ratings are compared by their ranks among
    all rated outputs, so that neither scale matters.

    Args:
        rated: outputs with scores and ratings.
        agreement: what decides which metric is looked at for each criterion.
        metrics: of which those that judge outputs are considered.
    """
    signs = {m.signature: m.sign for m in metrics if m.of == "outputs"}
    judging = [one for one in agreement if one.signature in signs]
    found = []
    for criterion in dict.fromkeys(one.criterion for one in judging):
        best = closest(judging, criterion)
        if best is not None:
            sign = signs[best.signature]
            found += _furthest(rated, criterion, best.signature, sign)
    return found


def closest(
    agreement: Sequence[MetricAgreement], criterion: str
) -> MetricAgreement | None:
    """The metric with the highest Kendall's tau over all rated outputs, if any."""
    known = [
        (one.segment["none"].kendall.value, one)
        for one in agreement
        if one.criterion == criterion
    ]
    defined = [(value, one) for value, one in known if value is not None]
    return max(defined, key=lambda pair: pair[0])[1] if defined else None


def _furthest(
    rated: Sequence[RatedOutput], criterion: str, signature: str, sign: int
) -> list[Disagreement]:
    both = [o for o in rated if criterion in o.ratings and signature in o.scores]
    if len(both) < FEWEST:
        return []
    by_metric = _ranks([sign * o.scores[signature] for o in both])
    by_raters = _ranks([o.ratings[criterion] for o in both])
    gap = by_metric - by_raters
    directions: tuple[tuple[Direction, int], ...] = (("metric", 1), ("raters", -1))
    return [
        Disagreement(
            criterion=criterion,
            signature=signature,
            higher=higher,
            metric_rank=float(by_metric[row]),
            rating_rank=float(by_raters[row]),
            output=both[row],
        )
        for higher, turn in directions
        for row in (-turn * gap).argsort(kind="stable")[:SHOWN]
        if turn * gap[row] >= LEAST_GAP
    ]


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Midranks from above 0 to below 1; equal values share the middle of theirs."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return (below + upto) / (2 * len(ordered))
