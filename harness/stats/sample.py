"""Judgments of the same outputs by a metric and people, and resampled items."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import (
    fewer_draws,
    resamples,
    undefined,
    weights,
    with_interval,
)
from harness.stats.kendall import Influence
from harness.stats.once import Once
from harness.types import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Indices = NDArray[np.intp]

LEAST_POINTS = 3
"""Points that a correlation needs: two are always perfectly correlated."""
LEAST_PAIR = 2
"""Outputs of an item whose order is right or wrong."""
CONSTANT = "all scores or all ratings are the same"
"""Why a correlation has no value."""
_LEAST_SHARED = 10
"""Items on which two systems can be compared, unless there are fewer in all."""


def shares_enough(judged: Bools) -> Bools:
    """Which pairs of systems share 10 judged items, or all where there are fewer.

    Args:
        judged: shape (systems, items).

    Returns:
        Shape (systems, systems), False on the diagonal.
    """
    items = int(judged.any(axis=0).sum())
    single = judged.astype(np.float32)
    enough: Bools = single @ single.T >= max(1, min(_LEAST_SHARED, items))
    np.fill_diagonal(enough, val=False)
    return enough


@dataclass(frozen=True, slots=True)
class Sample:
    """Both judgments, missing where either is, and the resamples."""

    metric: Floats
    """Shape (systems, items); NaN where either judgment is missing."""
    human: Floats
    """The same shape, NaN in the same places."""
    judged: Bools
    """Where both are; every item has one at least."""
    comparable: Bools
    """Shape (systems, systems): pairs of systems that share enough items."""
    unscored: int
    """Rated outputs without score."""
    weights: Floats
    """Shape (1 + draws, items); the first row of ones is the data themselves."""
    seed: int
    """Seed of the resamples and of whatever else is drawn."""
    system: Indices | None = None
    """Of resampled systems, which each is, for none is compared with its own copy.
    The one row of weights then is a resample, too. None: the systems themselves."""
    bare: bool = False
    """Whether estimates are values alone, without intervals."""
    rough: bool = False
    """Whether this is one of many samples whose values are wanted: pairs of outputs
    are fewer, and soft pairwise accuracy is its limit."""
    on: str = ""
    """Which items these are of more; what methods end with."""
    once: Once = field(default_factory=Once)
    """What follows from the human side alone."""

    @classmethod
    def of(cls, metric: Floats, human: Floats, draws: int, seed: int) -> Sample:
        """Both as (systems, items), not finite where missing.

        Resamples of very many outputs are fewer, see `bootstrap.fewer_draws`.

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
        drawn = resamples(items, fewer_draws(int(judged.sum()), draws), seed)
        return cls(
            metric=np.where(judged, metric, np.nan)[:, kept],
            human=np.where(judged, human, np.nan)[:, kept],
            judged=judged[:, kept],
            comparable=shares_enough(judged),
            unscored=int((rated & ~judged).sum()),
            weights=np.vstack([np.ones((1, items)), drawn]),
            seed=seed,
        )

    def redrawn(self, rng: np.random.Generator) -> Sample:
        """A resample of systems and items alike, which gives values alone."""
        systems = np.flatnonzero(self.judged.any(axis=1))
        rows = rng.choice(systems, len(systems))
        drawn = weights(self.judged.shape[1], 1, rng)
        columns = np.flatnonzero(drawn[0])
        at = np.ix_(rows, columns)
        return replace(
            self,
            metric=self.metric[at],
            human=self.human[at],
            judged=self.judged[at],
            comparable=self.comparable[np.ix_(rows, rows)],
            weights=drawn[:, columns],
            system=rows,
            bare=True,
            rough=True,
            once=Once(),
        )

    def thinned(self, most: int) -> Sample:
        """Itself, or where it has more outputs a random share of its items.

        Args:
            most: outputs that are enough.
        """
        items, outputs = self.judged.shape[1], int(self.judged.sum())
        if outputs <= most:
            return self
        rng = np.random.default_rng([self.seed, 2])
        kept = max(1, items * most // outputs)
        some = np.sort(rng.choice(items, kept, replace=False))
        drawn = weights(kept, len(self.weights) - 1, rng)
        return replace(
            self,
            metric=self.metric[:, some],
            human=self.human[:, some],
            judged=self.judged[:, some],
            weights=np.vstack([self.weights[:1, some], drawn]),
            on=f", on a random {kept:,} of {items:,} items",
        )

    def estimate(
        self, series: Floats | Influence, method: str, *, n: int, dropped: int
    ) -> Estimate:
        """The value, first in the series, with the interval of the resamples."""
        method += self.on
        value = float(series.value if isinstance(series, Influence) else series[0])
        if np.isnan(value):
            reason = f"{method} where {CONSTANT}"
            return undefined(reason, dropped=n + dropped)
        if self.bare:
            return Estimate(value, n=n, dropped=dropped, method=method)
        if isinstance(series, Influence):
            return series.estimate(method, n=n, dropped=dropped)
        return with_interval(value, series[1:], n=n, dropped=dropped, method=method)
