"""How severe and how consistent each rater is, from who rated what.

A rating is its unit's quality, plus the rater's severity, plus noise. Units are fixed
effects: nothing is assumed of who was given which. Severities are random effects, so
that those of raters with few ratings shrink towards 0, as far as restricted maximum
likelihood (REML; Patterson and Thompson 1971) says. With the units swept out, the
likelihood has one parameter, the ratio of the two variances.

What a mean of ratings less severities is off by has a part of its own: how far the
severities may be off (their prediction error, Henderson 1975, Biometrics 31, 423). They
rest on differences within units, which say nothing of the mean of a unit's noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.crossed import LEAST_RATERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LARGEST_RATIO = 1e4
"""Of the variance of severities to that of noise: nobody is so steady."""


@dataclass(frozen=True)
class Severities:
    """What the ratings say of those who gave them."""

    of_rater: Floats
    """Points that each rater gives above (or, if negative, below) the others, shrunk;
    NaN for raters who share no unit with anybody. Shape (raters,)."""
    noise_of_rater: Floats
    """Standard deviation of what unit and severity leave of each rater's ratings, in
    points; NaN as above, and where a rater has too few ratings. Shape (raters,)."""
    severity_sd: float
    """Standard deviation of severities, in points."""
    noise_sd: float
    """Standard deviation of the noise, in points."""
    adjusted: Floats
    """The ratings less their raters' severities. Shape (units, raters)."""
    error: Floats
    """Covariance of what the severities are off by, those of all raters like these
    having the mean 0, in squared points; 0 for raters who share no unit with anybody.
    Shape (raters, raters)."""

    def variance(self, shares: Floats) -> tuple[float, float]:
        """What severities add to the squared standard error of a weighted sum.

        Below `LEAST_RATERS` raters the sum is about ratings by these raters, else by
        raters like these: how severe these are on average then counts as well.

        Args:
            shares: how much of each rater is in the sum, shape (raters,).

        Returns:
            The variance, in squared points, and its degrees of freedom.
        """
        known = np.isfinite(self.of_rater)
        raters = int(known.sum())
        weights, freedom = np.where(known, shares, 0.0), raters - 1.0
        if raters < LEAST_RATERS:
            weights = np.where(known, weights - weights.sum() / raters, 0.0)
            freedom = np.inf
        return max(0.0, float(weights @ self.error @ weights)), freedom


def severities(ratings: Floats) -> Severities | None:
    """Severity and noise of each rater.

    Args:
        ratings: shape (units, raters); NaN where a rater did not rate a unit.

    Returns:
        None if it cannot be known: fewer than two raters share units, or they share
        too few to tell severity from noise.

    Raises:
        UsageError: the shape is not (units, raters).
    """
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim != 2:  # noqa: PLR2004 - units and raters
        raise UsageError(
            "Ratings must have the shape (units, raters); "
            f"these have the shape {ratings.shape}."
        )
    given = ~np.isnan(ratings)
    shared = given & (given.sum(axis=1, keepdims=True) > 1)
    known = shared.any(axis=0)
    free = int(shared.sum() - shared.any(axis=1).sum())
    if known.sum() < 2 or free < known.sum():  # noqa: PLR2004 - a pair
        return None
    units = shared.any(axis=1)
    matrix, present = ratings[np.ix_(units, known)], shared[np.ix_(units, known)]
    effects, error, severity_variance, noise_variance = _fit(matrix, present, free)
    of_rater = np.full(ratings.shape[1], np.nan)
    of_rater[known] = effects
    noise = np.full(ratings.shape[1], np.nan)
    noise[known] = _noise(matrix - effects, present)
    errors = np.zeros((ratings.shape[1], ratings.shape[1]))
    errors[np.ix_(known, known)] = error
    return Severities(
        of_rater=of_rater,
        noise_of_rater=noise,
        severity_sd=float(np.sqrt(severity_variance)),
        noise_sd=float(np.sqrt(noise_variance)),
        adjusted=ratings - np.where(known, of_rater, 0.0),
        error=errors,
    )


def _fit(
    matrix: Floats, present: NDArray[np.bool_], free: int
) -> tuple[Floats, Floats, float, float]:
    """Severities, their errors' covariance, their variance, the noise's, by REML."""
    from scipy.optimize import minimize_scalar

    weight = present.astype(float)
    count = weight.sum(axis=1, keepdims=True)
    # What is left of each rater's indicator and of the ratings without unit means.
    values = np.where(present, matrix, 0.0)
    rest = np.where(present, matrix - values.sum(axis=1, keepdims=True) / count, 0.0)
    spread = np.diag(weight.sum(axis=0)) - weight.T @ (weight / count)
    sizes, directions = np.linalg.eigh(spread)
    sizes = np.clip(sizes, 0, None)
    along = directions.T @ rest.sum(axis=0)
    total = float((rest**2).sum())

    def noise(ratio: float) -> float:
        explained = (along**2 * ratio / (1 + ratio * sizes)).sum()
        return float(max(total - explained, 0.0)) / free

    def deviance(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        rest_variance = max(noise(ratio), np.finfo(float).tiny)
        return float(np.log1p(ratio * sizes).sum() + free * np.log(rest_variance))

    bound = np.log(LARGEST_RATIO)
    best = minimize_scalar(deviance, bounds=(-bound, bound), method="bounded")
    # At the bound the likelihood falls from no severity at all.
    ratio = float(np.exp(best.x)) if best.x > 0.99 * -bound else 0.0
    shrunk = ratio / (1 + ratio * sizes)
    effects = directions @ (along * shrunk)
    error = (directions * shrunk) @ directions.T * noise(ratio)
    return effects, error, ratio * noise(ratio), noise(ratio)


def _noise(matrix: Floats, present: NDArray[np.bool_]) -> Floats:
    """Standard deviation of each rater around the unit means without severity."""
    weight = present.astype(float)
    count = weight.sum(axis=1, keepdims=True)
    mean = np.where(present, matrix, 0.0).sum(axis=1, keepdims=True) / count
    squares = np.where(present, (matrix - mean) ** 2, 0.0).sum(axis=0)
    # A unit's mean holds the rating itself, which makes its distance too small.
    free = (weight * (1 - 1 / count)).sum(axis=0) - 1
    sd = np.full(matrix.shape[1], np.nan)
    np.sqrt(np.divide(squares, free, out=sd, where=free > 0), out=sd, where=free > 0)
    return sd
