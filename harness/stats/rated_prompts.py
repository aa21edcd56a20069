"""Which prompts were rated, how they were drawn, and what metrics say of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.stats.control_variate import normal_scores

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

_PER_STRATUM = 2
_RATERS = 2


@dataclass(frozen=True, slots=True)
class Design:
    """How the prompts to rate were drawn; by default at random, all alike."""

    probabilities: ArrayLike | None = None
    """(prompts,), with which each was drawn, above 0 and at most 1; read only where a
    prompt was rated. None: all alike, or alike within each stratum."""
    strata: ArrayLike | None = None
    """(prompts,), the stratum of each, numbers or names; two or more prompts of each
    must be rated."""
    clusters: ArrayLike | None = None
    """(prompts,), where rows are samples of fewer prompts: the prompt of each row. The
    rows of a prompt are averaged, and all prompts count alike; a prompt's probability
    and stratum are those of its first rated or only row."""


@dataclass(frozen=True, slots=True)
class RatedPrompts:
    """Ratings beside columns that are known for all prompts."""

    y: Floats
    """(n,), the mean rating of each rated prompt."""
    rated: Indices
    """(n,), the numbers of the rated prompts."""
    base: Floats
    """(N, k), known by design: 1 and, if there are strata, k - 1 further columns."""
    x: Floats
    """(n, p), the metrics' scores at the rated rows of the rated prompts."""
    x_all: Floats
    """(N, p), their scores at all prompts."""
    chance: Floats
    """(n,), the drawing probabilities."""
    noise: float | None
    """Variance of what raters say of one prompt, all its ratings averaged."""
    unscored: int
    """Rows without a score of some metric; they take the metric's mean."""
    problem: str | None
    """Why nothing can be estimated."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings of one checkpoint, or differences of two, averaged over raters."""

    mean: Floats
    """(prompts,), NaN where nobody rated."""
    noise: float | None
    """Variance of such a mean about what all raters would say; None if unknown."""

    @classmethod
    def of(cls, human: ArrayLike, what: str = "The ratings") -> Ratings:
        """From (prompts,), or (prompts, raters) where noise can be told."""
        values = as_floats(human, what, dimensions=(1, 2))
        if np.isinf(values).any():
            raise UsageError(f"{what} must be finite, or NaN where nobody rated.")
        if values.ndim == 1:
            return cls(values, None)
        count = (~np.isnan(values)).sum(axis=1)
        total = np.nansum(values, axis=1)
        mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return cls(mean, _noise(values, mean, count))

    @classmethod
    def difference(cls, first: ArrayLike, second: ArrayLike) -> Ratings:
        """The second less the first, of prompts where both were rated.

        Where the same raters rated both, each rater's own difference is taken first:
        the rater's severity cancels, also out of the noise.
        """
        a, b = (
            as_floats(one, "The ratings", dimensions=(1, 2)) for one in (first, second)
        )
        if len(a) != len(b):
            raise UsageError(
                "Both checkpoints need one rating (or NaN) for each prompt; there are "
                f"{len(a)} prompts for the first and {len(b)} for the second."
            )
        of_a, of_b = cls.of(a), cls.of(b)
        if a.shape == b.shape and (np.isnan(a) == np.isnan(b)).all():
            return cls.of(b - a)
        noise = None
        if of_a.noise is not None and of_b.noise is not None:
            noise = of_a.noise + of_b.noise
        return cls(of_b.mean - of_a.mean, noise)


def _noise(values: Floats, mean: Floats, count: NDArray[np.intp]) -> float | None:
    """Pooled variance within prompts, divided by the ratings of each, averaged."""
    several = count >= _RATERS
    if not several.any():
        return None
    within = np.nansum((values[several] - mean[several, None]) ** 2)
    variance = within / (count[several] - 1).sum()
    return float(variance * (1 / count[count > 0]).mean())


def as_floats(values: ArrayLike, what: str, *, dimensions: tuple[int, ...]) -> Floats:
    """An array of numbers with one of these numbers of dimensions.

    Raises:
        UsageError: it is none.
    """
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} must be numbers or NaN: {error}.") from error
    if found.ndim not in dimensions:
        wanted = " or ".join(str(number) for number in dimensions)
        raise UsageError(
            f"{what} must have {wanted} dimensions; they have the shape {found.shape}."
        )
    return found


def as_scores(scores: ArrayLike | None, prompts: int) -> Floats:
    """Scores of shape (prompts, metrics); no metric where there are none.

    Raises:
        UsageError: they are not of so many prompts.
    """
    if scores is None:
        return np.empty((prompts, 0))
    found = as_floats(scores, "The scores", dimensions=(1, 2))
    if len(found) != prompts:
        raise UsageError(
            "Ratings and scores must be of the same prompts, with NaN where nobody "
            f"rated; there are {prompts} ratings and {len(found)} scores."
        )
    return found.reshape(prompts, -1)


def rated_prompts(
    ratings: Ratings, scores: Floats, design: Design, *, raw: bool = False
) -> RatedPrompts:
    """Average rows into prompts, and find out how each was drawn.

    Args:
        ratings: of all rows.
        scores: (rows, p). An unknown score takes the metric's mean: a metric may help
            whatever it is filled with, so that no rating is lost for want of a score.
        design: how the prompts were drawn.
        raw: leave scores on the metric's scale; else they are `normal_scores`.

    Raises:
        UsageError: labels or probabilities are not one for each row, or not valid.
    """
    rows = len(ratings.mean)
    known = np.isfinite(scores)
    x = _filled(scores, known)
    if not raw and x.size:
        x = normal_scores(x.T).T
    unit, numbers = _codes(design.clusters, rows, "clusters")
    is_rated = ~np.isnan(ratings.mean)
    of_row = numbers if design.clusters is not None else np.arange(rows)
    units = len(unit) if design.clusters is not None else rows
    per_unit = np.bincount(of_row[is_rated], minlength=units)
    rated = np.flatnonzero(per_unit)
    first = np.full(units, -1)
    first[of_row[::-1]] = np.arange(rows)[::-1]
    first[of_row[is_rated][::-1]] = np.flatnonzero(is_rated)[::-1]
    y = _averaged(ratings.mean[is_rated, None], of_row[is_rated], units)[rated, 0]
    codes = _codes(design.strata, rows, "strata")[1][first]
    noise = ratings.noise
    if noise is not None and len(rated):
        noise *= float((1 / per_unit[rated]).mean())
    return RatedPrompts(
        y=y,
        rated=rated,
        base=_base(codes),
        x=_averaged(x[is_rated], of_row[is_rated], units)[rated],
        x_all=_averaged(x, of_row, units),
        chance=_chance(design.probabilities, first[rated], rated, codes, rows),
        noise=noise,
        unscored=int((~known).any(axis=1).sum()),
        problem=_problem(rated, codes),
    )


def _filled(scores: Floats, known: NDArray[np.bool_]) -> Floats:
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, scores, 0.0).sum(axis=0) / count
    return np.where(known, scores, mean)


def _codes(
    labels: ArrayLike | None, rows: int, what: str
) -> tuple[NDArray[np.generic], Indices]:
    """The distinct labels, and the number of each row's."""
    if labels is None:
        return np.zeros(1), np.zeros(rows, dtype=np.intp)
    found = np.asarray(labels)
    if found.shape != (rows,):
        raise UsageError(
            f"The {what} must be one label for each of the {rows} rows; "
            f"they have the shape {found.shape}."
        )
    distinct, numbers = np.unique(found, return_inverse=True)
    return distinct, numbers


def _averaged(values: Floats, unit: Indices, units: int) -> Floats:
    total = np.zeros((units, values.shape[1]))
    np.add.at(total, unit, values)
    return total / np.maximum(np.bincount(unit, minlength=units), 1)[:, None]


def _base(codes: Indices) -> Floats:
    """The column of ones, and one for each stratum but the first."""
    strata = int(codes.max(initial=0)) + 1
    return np.column_stack(
        [np.ones(len(codes)), *(codes == number for number in range(1, strata))]
    )


def _chance(
    probabilities: ArrayLike | None,
    rows_rated: Indices,
    rated: Indices,
    codes: Indices,
    rows: int,
) -> Floats:
    if probabilities is None:
        drawn = np.bincount(codes[rated], minlength=codes.max(initial=0) + 1)
        share = drawn / np.maximum(np.bincount(codes), 1) if len(codes) else drawn
        return np.asarray(share[codes[rated]], dtype=float)
    found = as_floats(probabilities, "The drawing probabilities", dimensions=(1,))
    if len(found) != rows:
        raise UsageError(
            f"There are {rows} prompts but {len(found)} drawing probabilities."
        )
    chance = found[rows_rated]
    if not ((chance > 0) & (chance <= 1)).all():
        raise UsageError(
            "Each rated prompt needs the probability with which it was drawn, "
            "above 0 and at most 1."
        )
    return chance


def joined_strata(strata: Indices, rated: NDArray[np.bool_]) -> Indices:
    """Strata, neighbours joined until each has two rated prompts.

    Args:
        strata: (prompts,), numbers from 0, neighbours being most alike.
        rated: (prompts,), whether each is rated.
    """
    of = np.zeros(int(strata.max(initial=0)) + 1, dtype=np.intp)
    joined, inside = 0, 0
    for stratum in range(len(of)):
        if inside >= _PER_STRATUM:
            joined, inside = joined + 1, 0
        of[stratum] = joined
        inside += int((rated & (strata == stratum)).sum())
    if inside < _PER_STRATUM:
        # What is left over joins the one before.
        of[of == joined] = max(0, joined - 1)
    return np.asarray(of[strata])


def _problem(rated: Indices, codes: Indices) -> str | None:
    if len(rated) < _PER_STRATUM:
        return f"{len(rated)} rated prompts: two are needed"
    drawn = np.bincount(codes[rated], minlength=int(codes.max()) + 1)
    if (drawn < _PER_STRATUM).any():
        return "a stratum has fewer than two rated prompts"
    return None
