"""Judgments of the same outputs by a metric and people, and resampled items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import undefined, weights, with_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.types import Estimate

    Floats = NDArray[np.float64]

LEAST_POINTS = 3
"""Points that a correlation needs: two are always perfectly correlated."""
LEAST_PAIR = 2
"""Outputs of an item whose order is right or wrong."""
_LEAST_SHARED = 10


def least_shared(items: int) -> int:
    """Of so many items, those that systems must share to be compared."""
    return min(_LEAST_SHARED, (items + 1) // 2)


@dataclass(frozen=True, slots=True)
class Sample:
    """Both judgments, missing where either is, and the resamples."""

    metric: Floats
    """Shape (systems, items); NaN where either judgment is missing."""
    human: Floats
    """The same shape, NaN in the same places."""
    judged: NDArray[np.bool_]
    """Where both are; every item has one at least."""
    unscored: int
    """Rated outputs without score."""
    weights: Floats
    """Shape (1 + draws, items); the first row of ones is the data themselves."""
    seed: int
    """Seed of the resamples and of whatever else is drawn."""
    bare: bool = False
    """Whether values alone are wanted, of many samples: pairs of outputs are fewer,
    and soft pairwise accuracy is its limit."""

    @classmethod
    def of(cls, metric: Floats, human: Floats, draws: int, seed: int) -> Sample:
        """Both as (systems, items), not finite where missing.

        Raises:
            UsageError: they are no matrices of one shape.
        """
        metric, human = np.asarray(metric, float), np.asarray(human, float)
        if metric.ndim != 2 or metric.shape != human.shape:  # noqa: PLR2004
            raise UsageError(
                "Scores and ratings must be (systems, items) matrices of one shape; "
                f"these have the shapes {metric.shape} and {human.shape}."
            )
        rated = np.isfinite(human)
        judged = rated & np.isfinite(metric)
        kept = judged.any(axis=0)
        items = int(kept.sum())
        rng = np.random.default_rng(seed)
        resamples = weights(items, draws, rng) if items > 1 else np.ones((0, items))
        return cls(
            metric=np.where(judged, metric, np.nan)[:, kept],
            human=np.where(judged, human, np.nan)[:, kept],
            judged=judged[:, kept],
            unscored=int((rated & ~judged).sum()),
            weights=np.vstack([np.ones((1, items)), resamples]),
            seed=seed,
        )

    @property
    def least_shared(self) -> int:
        """Items that two or more systems must share to be compared."""
        return least_shared(self.judged.shape[1])

    def estimate(
        self, series: Floats, method: str, *, n: int, dropped: int
    ) -> Estimate:
        """The value, first in the series, with the interval of the resamples."""
        if np.isnan(series[0]):
            reason = f"{method} where all scores or all ratings are the same"
            return undefined(reason, dropped=n + dropped)
        return with_interval(
            float(series[0]), series[1:], n=n, dropped=dropped, method=method
        )
