"""Outputs that a metric and the raters see most differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.model import Disagreement, RatedOutputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.reporting.model import (
        Direction,
        MetricAgreement,
        MetricInfo,
        RatedOutput,
    )

SHOWN = 3
"""Outputs shown for each criterion, metric and direction."""

FEWEST = 5
"""Rated outputs below which ranks among them say nothing."""

LEAST_GAP = 0.25
"""Ranks closer than this, of a range of 1, count as agreeing."""


def disagreements(
    rated: Sequence[RatedOutput],
    agreement: Sequence[MetricAgreement],
    metrics: Sequence[MetricInfo],
) -> list[Disagreement]:
    """Where each metric is furthest from the raters, the best metric first.

    The best metric's failures show what no metric of the task sees, those of the
    others why not to trust them. Scores and ratings are compared by their ranks among
    all rated outputs, so that neither scale matters.

    Args:
        rated: outputs with scores and ratings.
        agreement: which metrics are held against which criteria; those with a higher
            Kendall's tau over all outputs come first.
        metrics: of which those that judge outputs are considered.
    """
    signs = {m.signature: m.sign for m in metrics if m.of == "outputs"}
    judging = [one for one in agreement if one.signature in signs]
    scores = {
        signature: sign * _scores(rated, signature) for signature, sign in signs.items()
    }
    found = []
    for criterion in dict.fromkeys(one.criterion for one in judging):
        ratings = _ratings(rated, criterion)
        own = [one for one in judging if one.criterion == criterion]
        for one in sorted(own, key=_tau, reverse=True):
            columns = scores[one.signature], ratings
            found += _furthest(rated, criterion, one.signature, columns)
    return found


def closest(
    agreement: Sequence[MetricAgreement], criterion: str
) -> MetricAgreement | None:
    """The metric with the highest Kendall's tau over all rated outputs, if any."""
    known = [one for one in agreement if one.criterion == criterion]
    best = max(known, key=_tau, default=None)
    return None if best is None or _tau(best) == -np.inf else best


def _tau(one: MetricAgreement) -> float:
    value = one.segment["none"].kendall.value
    return -np.inf if value is None else value


def _scores(rated: Sequence[RatedOutput], signature: str) -> NDArray[np.float64]:
    if isinstance(rated, RatedOutputs):
        return rated.scores.get(signature, np.full(len(rated), np.nan))
    return _column([one.scores.get(signature) for one in rated])


def _ratings(rated: Sequence[RatedOutput], criterion: str) -> NDArray[np.float64]:
    if isinstance(rated, RatedOutputs):
        return rated.ratings.get(criterion, np.full(len(rated), np.nan))
    return _column([one.ratings.get(criterion) for one in rated])


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], float)


def _furthest(
    rated: Sequence[RatedOutput],
    criterion: str,
    signature: str,
    columns: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> list[Disagreement]:
    """Of the outputs that have both, by columns of scores and of ratings."""
    both = np.flatnonzero(~np.isnan(columns).any(axis=0))
    if len(both) < FEWEST:
        return []
    by_metric, by_raters = (_ranks(column[both]) for column in columns)
    gap = by_metric - by_raters
    directions: tuple[tuple[Direction, int], ...] = (("metric", 1), ("raters", -1))
    return [
        Disagreement(
            criterion=criterion,
            signature=signature,
            higher=higher,
            metric_rank=float(by_metric[row]),
            rating_rank=float(by_raters[row]),
            output=rated[int(both[row])],
        )
        for higher, turn in directions
        for row in _highest(turn * gap)
        if turn * gap[row] >= LEAST_GAP
    ]


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Midranks from above 0 to below 1; equal values share the middle of theirs."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=np.nan))
    sizes = np.diff(starts, append=len(ordered))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((2 * starts + sizes) / (2 * len(values)), sizes)
    return ranks


def _highest(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places of the highest few, from the highest on; of equal ones the first."""
    if len(values) > SHOWN:
        least = np.partition(values, -SHOWN)[-SHOWN]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    return places[(-values[places]).argsort(kind="stable")][:SHOWN]
