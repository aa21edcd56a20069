"""The ratings that count for a task: which they are, and as columns of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.questions import of_newest_question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.study import StudyFile
    from harness.types import Json, Output

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

# As the view `output_ratings`, which looks for equal outputs by reading the texts of
# all outputs for an item again for each of its ratings.
GIVEN = """
    SELECT ratings.id, ratings.assignment, ratings.output, ratings.criterion,
        ratings.value, ratings.seconds, assignments.campaign, assignments.rater
    FROM ratings CROSS JOIN assignments ON assignments.id = ratings.assignment
    WHERE ratings.state = 'rated' AND ratings.value IS NOT NULL
        AND ratings.output IS NOT NULL AND assignments.kind = 'normal'
        AND assignments.campaign IN (
            SELECT id FROM campaigns WHERE task = ? AND scheme <> 'ranking'
        )
        AND NOT EXISTS (
            SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id
        )
    ORDER BY ratings.id
"""

WAVES = """
    SELECT waves.campaign, waves.checkpoint FROM waves
    JOIN campaigns ON campaigns.id = waves.campaign WHERE campaigns.task = ?
"""

STIMULUS = "SELECT item, sample, text FROM outputs WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating, as it counts for one output."""

    id: int
    """Number of the rating; equal outputs to one prompt share it."""
    rated: str
    """Id of the output that was shown; its text is this output's."""
    assignment: int
    """Number of what the rater was shown; all its criteria share it."""
    output: str
    """Id of the output."""
    criterion: str
    """The criterion."""
    value: float
    """The rating."""
    rater: int
    """Number of the rater."""
    kind: str
    """`person`, `simulated` or `imported`."""
    seconds: float | None
    """How long all criteria together took; None where that is unknown."""


@dataclass(frozen=True, slots=True)
class Given:
    """The ratings of a task, and how many do not count."""

    ratings: tuple[Rating, ...]
    """In the order they were given."""
    outdated: int
    """Ratings of outputs that no longer count."""
    asked_otherwise: int
    """Ratings left out because the question or scale has changed since."""
    rater_names: Mapping[int, str]
    """Number of each rater whose ratings count to the name."""


def given_ratings(
    study: StudyFile, task: str, outputs: Mapping[str, Sequence[Output]]
) -> Given:
    """The ratings that count for each of the outputs that count.

    Args:
        study: the study.
        task: name of the task.
        outputs: id of the checkpoint to its outputs that count.
    """
    raters = {row["id"]: row for row in study.rows("SELECT id, name, kind FROM raters")}
    ratings: list[Rating] = []
    asked: dict[tuple[int, str], tuple[int, str]] = {}
    questions = []
    outdated = 0
    for row, ids in _counted(study, task, outputs):
        id_, page, rated, criterion, value, seconds, campaign, rater = row
        if not ids:
            outdated += 1
            continue
        # Of very many ratings equal names are kept once.
        question = asked.setdefault((campaign, criterion), (campaign, criterion))
        criterion, kind = question[1], raters[rater]["kind"]
        for one in ids:
            shown = one if one == rated else rated
            ratings.append(
                Rating(id_, shown, page, one, criterion, value, rater, kind, seconds)
            )
            questions.append(question)
    # Of one question all answers count, or none do.
    newest = of_newest_question(
        study, task, [{"campaign": c, "criterion": name} for c, name in asked]
    )
    same = {(one["campaign"], one["criterion"]) for one in newest}
    kept = [question in same for question in questions]
    return Given(
        ratings=tuple(compress(ratings, kept)),
        outdated=outdated,
        asked_otherwise=len(
            {one.id for one, is_kept in zip(ratings, kept, strict=True) if not is_kept}
        ),
        rater_names={
            rater: raters[rater]["name"]
            for rater in dict.fromkeys(one.rater for one in compress(ratings, kept))
        },
    )


def _counted(
    study: StudyFile, task: str, outputs: Mapping[str, Sequence[Output]]
) -> Iterator[tuple[tuple[Json, ...], Sequence[str]]]:
    """Each row of `GIVEN` with the ids of the outputs that it counts for.

    Equal outputs to one prompt are rated once, and the rating is that of each
    checkpoint in the campaign; those from elsewhere bring their own.
    """
    waves: dict[int, set[str]] = {}
    for campaign, checkpoint in study.tuples(WAVES, [task]):
        waves.setdefault(campaign, set()).add(checkpoint)
    stimuli: dict[str, tuple[Json, ...]] = {}
    equal: dict[tuple[Json, ...], list[Output]] = {}
    current: dict[str, tuple[str, ...]] = {}
    for one in (one for some in outputs.values() for one in some):
        current[one.id] = (one.id,)
        if waves:
            stimuli[one.id] = (one.item, one.sample, one.text)
            equal.setdefault(stimuli[one.id], []).append(one)
    for row in study.tuples(GIVEN, [task]):
        rated, campaign = row[2], row[6]
        if campaign not in waves:
            yield row, current.get(rated, ())
            continue
        if rated not in stimuli:
            [stimuli[rated]] = study.tuples(STIMULUS, [rated])
        yield (
            row,
            [
                one.id
                for one in equal.get(stimuli[rated], ())
                if one.id == rated or one.checkpoint in waves[campaign]
            ],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The ratings of one criterion, a rater's repeats averaged."""

    outputs: tuple[str, ...]
    """Ids of the rated outputs, in the order they were first rated."""
    raters: tuple[int, ...]
    """Numbers of the raters, ascending."""
    row: Indices
    """Shape (ratings,), place of each rating's output."""
    column: Indices
    """Shape (ratings,), place of each rating's rater."""
    value: Floats
    """Shape (ratings,)."""

    @property
    def means(self) -> Floats:
        """Mean over the raters of each output, shape (outputs,)."""
        return np.bincount(self.row, self.value) / np.bincount(self.row)

    @property
    def table(self) -> Floats:
        """Shape (outputs, raters), NaN where missing."""
        table = np.full((len(self.outputs), len(self.raters)), np.nan)
        table[self.row, self.column] = self.value
        return table

    def shared(self) -> Columns:
        """The same without outputs that one rater alone rated."""
        several = np.bincount(self.row) > 1
        kept = several[self.row]
        return Columns(
            tuple(one for one, more in zip(self.outputs, several, strict=True) if more),
            self.raters,
            (np.cumsum(several) - 1)[self.row[kept]],
            self.column[kept],
            self.value[kept],
        )

    @property
    def mapping(self) -> dict[str, dict[int, float]]:
        """Output to rater to rating."""
        found: dict[str, dict[int, float]] = {one: {} for one in self.outputs}
        for row, column, value in zip(
            self.row.tolist(), self.column.tolist(), self.value.tolist(), strict=True
        ):
            found[self.outputs[row]][self.raters[column]] = value
        return found


@dataclass(frozen=True, slots=True, eq=False)
class GivenBy:
    """Who gave which rating to an output, for the few outputs that are shown."""

    columns: Columns
    """The ratings of a criterion."""
    order: Indices
    """Places of the ratings by output, each output's in the order they were given."""
    row_of: Mapping[str, int]
    """Id of each output to its place in `columns.outputs`."""

    @classmethod
    def of(cls, columns: Columns) -> GivenBy:
        """Of the ratings of a criterion."""
        order = np.argsort(columns.row, kind="stable")
        row_of = {one: row for row, one in enumerate(columns.outputs)}
        return cls(columns, order, row_of)

    def to(
        self, output: str, names: Mapping[int, str]
    ) -> tuple[tuple[str, float], ...]:
        """Each rater's name and rating of an output."""
        found, row = self.columns, self.row_of[output]
        ends = np.searchsorted(found.row, [row, row + 1], sorter=self.order)
        return tuple(
            (names[found.raters[found.column[at]]], float(found.value[at]))
            for at in self.order[slice(*ends)]
        )


def in_columns(ratings: Iterable[Rating], *, as_rated: bool) -> dict[str, Columns]:
    """Criterion to its ratings, in the order they were given.

    Args:
        ratings: as they count.
        as_rated: each rating once, under the output that was shown, rather than under
            each output that it counts for.
    """
    if as_rated:
        ratings = {rating.id: rating for rating in ratings}.values()
    by_criterion: dict[str, list[Rating]] = {}
    for rating in ratings:
        by_criterion.setdefault(rating.criterion, []).append(rating)
    return {
        criterion: _columns(
            [one.rated if as_rated else one.output for one in some],
            [one.rater for one in some],
            np.array([one.value for one in some], dtype=float),
        )
        for criterion, some in by_criterion.items()
    }


def _columns(outputs: list[str], raters: list[int], value: Floats) -> Columns:
    row_of: dict[str, int] = {}
    numbered = (row_of.setdefault(one, len(row_of)) for one in outputs)
    row = np.fromiter(numbered, np.intp, len(outputs))
    names, column = np.unique(np.array(raters), return_inverse=True)
    pair = row * len(names) + column
    if len(np.unique(pair)) < len(pair):
        _, first, same = np.unique(pair, return_index=True, return_inverse=True)
        # A rater's repeats stand where the first of them stood.
        value = np.bincount(same, value) / np.bincount(same)
        order = np.argsort(first)
        row, column, value = row[first[order]], column[first[order]], value[order]
    return Columns(tuple(row_of), tuple(names.tolist()), row, column, value)
