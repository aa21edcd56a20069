"""What raters said of pairs of checkpoints, as the arrays that a plan rests on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from harness.stats.components import Differences

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.evidence import Evidence
    from harness.types import Json

    Floats = NDArray[np.float64]

Name = TypeVar("Name", bound="Hashable")


@dataclass(frozen=True, slots=True)
class RatedPairs:
    """The ratings by one criterion, or comparisons, of all pairs of checkpoints."""

    differences: Differences
    """Prompt by prompt, over all prompts with outputs."""
    signatures: tuple[str, ...]
    """Of the metrics, in the order of the differences' scores."""
    seconds: float | None
    """Median time that a rater takes for a page; None if unknown."""
    simulated: bool
    """Whether a program rated."""


def rated_pairs(evidence: Evidence, criterion: str) -> RatedPairs | None:
    """From ratings of single outputs; None without any."""
    given = [one for one in evidence.ratings if one.criterion == criterion]
    prompts = _places(evidence.items)
    raters = _places(one.rater for one in given)
    rated = {one.output for one in given}
    checkpoints = [
        checkpoint
        for checkpoint, outputs in evidence.outputs.items()
        if any(output.id in rated for output in outputs)
    ]
    if not given or not checkpoints:
        return None
    place = _cells(evidence, checkpoints, prompts)
    shape = (len(checkpoints), len(prompts))
    values: dict[tuple[int, ...], list[float]] = {}
    shown: dict[tuple[int, int], set[str]] = {}
    for one in given:
        at = place[one.output]
        values.setdefault((*at, raters[one.rater]), []).append(one.value)
        shown.setdefault(at, set()).add(one.rated)
    # Equal outputs share the ratings of the one that was shown.
    number = _places(frozenset(ids) for ids in shown.values())
    texts = np.full(shape, -1)
    for at, ids in shown.items():
        texts[at] = number[frozenset(ids)]
    ratings = _means(values, (*shape, len(raters)))
    return RatedPairs(
        differences=Differences.of_ratings(
            ratings, texts, _scores(evidence, place, len(checkpoints))
        ),
        signatures=evidence.signatures,
        seconds=_median({one.assignment: one.seconds for one in given}),
        simulated=any(one.kind == "simulated" for one in given),
    )


def compared_pairs(evidence: Evidence, criterion: str) -> RatedPairs | None:
    """From comparisons, also those within rankings; None without any."""
    rows = [r for r in evidence.comparisons.rows if r["criterion"] == criterion]
    asked = [row for row in rows if not row["identical"]]
    if not asked:
        return None
    order = list(evidence.outputs)
    prompts, raters = _places(evidence.items), _places(row["rater"] for row in asked)
    met = {frozenset((row["one"], row["two"])) for row in asked}
    pairs = _places(pair for pair in combinations(order, 2) if frozenset(pair) in met)
    shape = (len(pairs), len(prompts))
    equal = np.zeros(shape, dtype=bool)
    values: dict[tuple[int, ...], list[float]] = {}
    for row in rows:
        pair, outcome = _oriented(row, pairs)
        if pair is None or row["item"] not in prompts:
            continue
        at = pair, prompts[row["item"]]
        if row["identical"]:
            equal[at] = True
        else:
            values.setdefault((*at, raters[row["rater"]]), []).append(outcome)
    scores = _scores(evidence, _cells(evidence, order, prompts), len(order))
    number = _places(order)
    first, second = ([number[pair[side]] for pair in pairs] for side in (0, 1))
    kinds = evidence.comparisons.kinds
    times = {row["assignment"] for row in asked}
    return RatedPairs(
        differences=Differences.of_outcomes(
            _means(values, (*shape, len(raters))),
            equal,
            scores[:, second] - scores[:, first],
        ),
        signatures=evidence.signatures,
        seconds=_median(
            {at: t for at, t in evidence.comparisons.seconds.items() if at in times}
        ),
        simulated=any(kinds[row["rater"]] == "simulated" for row in asked),
    )


def _oriented(
    row: Mapping[str, Json], pairs: Mapping[tuple[str, str], int]
) -> tuple[int | None, float]:
    """The number of a row's pair, and 1 where its later checkpoint won."""
    one, two, outcome = row["one"], row["two"], row["outcome"]
    if (one, two) in pairs:
        return pairs[one, two], 1 - outcome
    return pairs.get((two, one)), outcome


def _cells(
    evidence: Evidence, checkpoints: Sequence[str], prompts: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """Output to the places of its checkpoint and prompt."""
    return {
        output.id: (row, prompts[output.item])
        for row, checkpoint in enumerate(checkpoints)
        for output in evidence.outputs[checkpoint]
    }


def _scores(
    evidence: Evidence, place: Mapping[str, tuple[int, int]], checkpoints: int
) -> Floats:
    """(metrics, checkpoints, prompts), the mean over samples; NaN where there is none.

    Metrics of all outputs together have none anywhere.
    """
    values: dict[tuple[int, ...], list[float]] = {}
    for number, signature in enumerate(evidence.signatures):
        for output, value in evidence.output_scores[signature].items():
            if output in place:
                values.setdefault((number, *place[output]), []).append(value)
    shape = (len(evidence.signatures), checkpoints, len(evidence.items))
    return _means(values, shape)


def _means(
    values: Mapping[tuple[int, ...], Sequence[float]], shape: tuple[int, ...]
) -> Floats:
    """The mean at each place; NaN where there is none."""
    found = np.full(shape, np.nan)
    for at, some in values.items():
        found[at] = sum(some) / len(some)
    return found


def _places(names: Iterable[Name]) -> dict[Name, int]:
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


def _median(seconds: Mapping[int, float | None]) -> float | None:
    known = [one for one in seconds.values() if one is not None]
    return float(median(known)) if known else None
