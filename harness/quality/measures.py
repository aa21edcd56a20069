"""What one rater's answers say of the rater."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from math import comb
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from harness.gold import as_shown, is_right
from harness.quality.answers import NEUTRAL, numbers_of
from harness.quality.model import Hits, Repeats
from harness.stats.bootstrap import corpus_estimate, mean_estimate, undefined
from harness.stats.coefficients import moments, pearson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.quality.answers import Answered, Question
    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Means = Mapping[Question, float]

DRAWS = 400
"""Resamples for each interval: there are three to a rater, and raters are many."""

LEAST_DRAWS = 100
MOST_WEIGHTS = 800_000
"""Resamples times units above which there are fewer: intervals are narrow then."""

_MOMENTS = 6


def agreement(mine: Iterable[Answered], others: Means, scale: float) -> Estimate:
    """Pearson's r of a rater's numbers with the others' means, mean over criteria."""
    pairs = [
        (*question, number / scale, others[question] / scale)
        for question, number in numbers_of(mine)
        if question in others
    ]
    if not pairs:
        return undefined("nobody else has rated the same units")
    units, asked, _, own, their = zip(*pairs, strict=True)
    return agreement_of(
        np.array(units), np.array(asked), np.array(own), np.array(their)
    )


def agreement_of(
    units: NDArray[np.generic],
    asked: NDArray[np.generic],
    own: Floats,
    their: Floats,
) -> Estimate:
    """The same from columns of a rater's numbers and the others' means.

    Args:
        units: shape (numbers,), the unit of each.
        asked: shape (numbers,), its criterion.
        own: shape (numbers,), over the length of the scale.
        their: the same of the others.
    """
    if not own.size:
        return undefined("nobody else has rated the same units")
    criteria, column = np.unique(asked, return_inverse=True)
    tallies = np.zeros((len(own), len(criteria), _MOMENTS))
    tallies[np.arange(len(own)), column] = moments(own, their)

    def mean_r(sums: Floats) -> Floats:
        r = pearson(sums.reshape(*sums.shape[:-1], len(criteria), _MOMENTS))
        known = ~np.isnan(r)
        total = np.where(known, r, 0.0).sum(axis=-1)
        return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.nan)

    return corpus_estimate(
        tallies.reshape(len(own), -1),
        mean_r,
        groups=units,
        draws=_draws(len(own)),
    )


def _draws(units: int) -> int:
    return max(LEAST_DRAWS, min(DRAWS, MOST_WEIGHTS // units))


def severity(mine: Iterable[Answered], others: Means) -> Estimate:
    """Mean difference from the others on the same outputs, criteria together."""
    gaps: dict[int, list[float]] = {}
    for question, number in numbers_of(mine):
        if question in others:
            gaps.setdefault(question[0], []).append(number - others[question])
    differences = [fmean(of) for of in gaps.values()]
    if not differences:
        return undefined("nobody else has rated the same units")
    return mean_estimate(differences, draws=_draws(len(differences)))


def severity_of(units: NDArray[np.intp], gaps: Floats) -> Estimate:
    """The same from columns: each number's unit and difference from the others."""
    if not gaps.size:
        return undefined("nobody else has rated the same units")
    _, first, number = np.unique(units, return_index=True, return_inverse=True)
    means = np.bincount(number, gaps) / np.bincount(number)
    return mean_estimate(means[np.argsort(first)], draws=_draws(len(means)))


def gold_hits(
    mine: Iterable[Answered], contents: Mapping[int, str], scheme: str
) -> Hits:
    """Right answers to gold items.

    Args:
        mine: one rater's answers.
        contents: unit to what it shows and expects, as the study stores it.
        scheme: how it was asked.
    """
    right = [
        is_right(scheme, as_shown(scheme, expected, one.places), one.page[criterion])
        for one in mine
        if one.kind == "gold"
        for criterion, expected in json.loads(contents[one.unit])["expected"].items()
        if criterion in one.page
    ]
    return Hits(sum(right), len(right))


def repeats(mine: Sequence[Answered]) -> Repeats:
    """How far second answers are from first ones."""
    first = {one.unit: one for one in mine if one.kind == "normal"}
    gaps = []
    shown = 0
    for one in mine:
        if one.kind == "repeat" and one.unit in first:
            shown += 1
            gaps += [
                abs(number - before[point])
                for criterion, points in one.points.items()
                if (before := first[one.unit].points.get(criterion))
                for point, number in points.items()
            ]
    if not gaps:
        return Repeats(shown, None, None, None)
    same = sum(gap == 0 for gap in gaps) / len(gaps)
    return Repeats(shown, same, fmean(gaps), _by_chance(first.values()))


def _by_chance(answers: Iterable[Answered]) -> float | None:
    """Mean absolute difference of two of somebody's answers to one question."""
    numbers: dict[str, list[float]] = {}
    for one in answers:
        for criterion, points in one.points.items():
            numbers.setdefault(criterion, []).extend(points.values())
    apart = []
    for known in numbers.values():
        size = len(known)
        if size > 1:
            # The sum over all pairs, from the places in the sorted order.
            places = 2 * np.arange(size) - size + 1
            apart.append(float(places @ np.sort(known)) / comb(size, 2))
    return fmean(apart) if apart else None


def degraded_hits(
    mine: Sequence[Answered], copy_of: Mapping[int, int], lowest: float
) -> Hits:
    """Damaged copies that were put below their originals.

    Where outputs are rated one by one, the rater's own rating of the original decides;
    an original that got the lowest rating cannot be undercut and says nothing.

    Args:
        mine: one rater's answers.
        copy_of: unit to the one that it is a copy of.
        lowest: the lowest number of the scale.
    """
    originals = {one.unit: one for one in mine if one.kind == "normal"}
    gaps = []
    for one in mine:
        if one.kind != "degraded":
            continue
        if len(one.places) > 1:
            gaps.append(fmean(of[0, 1] for of in one.points.values()) - NEUTRAL)
        elif (original := originals.get(copy_of[one.unit])) is not None:
            above = _mean(original)
            if above > lowest:
                gaps.append(above - _mean(one))
    hits = sum(gap > 0 for gap in gaps)
    decided = hits + sum(gap < 0 for gap in gaps)
    return Hits(hits, len(gaps), sign_p(hits, decided) if decided else None)


def _mean(answer: Answered) -> float:
    return fmean(number for of in answer.points.values() for number in of.values())


def sign_p(hits: int, decided: int) -> float:
    """Chance of so many heads or more in so many throws of a coin."""
    return at_most(decided - hits, decided, 0.5)


def at_most(hits: int, of: int, chance: float) -> float:
    """Chance of so many hits or fewer, each having that chance: the binomial tail."""
    return sum(
        comb(of, count) * chance**count * (1 - chance) ** (of - count)
        for count in range(hits + 1)
    )


def longest_run(pages: Sequence[str]) -> int:
    """Most equal answers in a row."""
    return max((len(list(same)) for _, same in groupby(pages)), default=0)


def commonest_share(pages: Sequence[str]) -> float | None:
    """Share of the most frequent answer; None without any."""
    return max(Counter(pages).values()) / len(pages) if pages else None


def page_of(answer: Answered) -> str:
    """All that was answered on one page, as one word that can be compared."""
    return json.dumps(answer.page, sort_keys=True)


def left_share(mine: Iterable[Answered]) -> Estimate:
    """Share of decided comparisons of two in which left was preferred."""
    sides = [
        (one.unit, float(choice == "first"))
        for one in mine
        if one.kind != "gold"
        for choice in one.page.values()
        if isinstance(choice, str) and choice in {"first", "second"}
    ]
    if not sides:
        return undefined("no comparison of two was decided")
    units, left = zip(*sides, strict=True)
    return mean_estimate(left, units, draws=DRAWS)
