"""The ratings that count for a task: which they are, and as columns of numbers."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.given_ratings import GivenRatings, numbered
from harness.reporting.questions import of_newest_question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.given_ratings import Rating
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
class Given:
    """The ratings of a task, and how many do not count."""

    ratings: GivenRatings
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
    every, campaigns, outdated = _every_rating(
        study, task, outputs, {number: one["kind"] for number, one in raters.items()}
    )
    questions = [*zip(campaigns, every.criterion, strict=True)]
    # Of one question all answers count, or none do.
    newest = of_newest_question(
        study,
        task,
        [{"campaign": c, "criterion": name} for c, name in dict.fromkeys(questions)],
    )
    same = {(one["campaign"], one["criterion"]) for one in newest}
    kept = np.array([one in same for one in questions], dtype=bool)
    counting = every.kept(kept)
    return Given(
        ratings=counting,
        outdated=outdated,
        asked_otherwise=len(np.unique(every.id[~kept])),
        rater_names={
            rater: raters[rater]["name"]
            for rater in dict.fromkeys(counting.rater.tolist())
        },
    )


def _every_rating(
    study: StudyFile,
    task: str,
    outputs: Mapping[str, Sequence[Output]],
    kinds: Mapping[int, str],
) -> tuple[GivenRatings, Sequence[int], int]:
    """Ratings of all questions, the campaign of each, and how many are outdated."""
    counted_for = _counted_for(study, task, outputs)
    ids, pages, campaigns, raters = (array("q") for _ in range(4))
    values, seconds = array("d"), array("d")
    rated: list[str] = []
    output: list[str] = []
    criteria: list[str] = []
    outdated = 0
    for row in study.tuples(GIVEN, [task]):
        id_, page, shown, criterion, value, took, campaign, rater = row
        found = counted_for(shown, campaign)
        outdated += not found
        for one in found:
            ids.append(id_)
            pages.append(page)
            # Of very many ratings equal names are kept once.
            rated.append(one if one == shown else shown)
            output.append(one)
            criteria.append(intern(criterion))
            values.append(value)
            seconds.append(np.nan if took is None else took)
            campaigns.append(campaign)
            raters.append(rater)
    every = GivenRatings(
        id=np.array(ids),
        rated=rated,
        assignment=np.array(pages),
        output=output,
        criterion=criteria,
        value=np.array(values),
        rater=np.array(raters),
        kind=[kinds[number] for number in raters],
        seconds=np.array(seconds),
    )
    return every, campaigns, outdated


def _counted_for(
    study: StudyFile, task: str, outputs: Mapping[str, Sequence[Output]]
) -> Callable[[str, int], Sequence[str]]:
    """Ids of the outputs that a rating counts for, by what was shown and the campaign.

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

    def found(rated: str, campaign: int) -> Sequence[str]:
        if campaign not in waves:
            return current.get(rated, ())
        if rated not in stimuli:
            [stimuli[rated]] = study.tuples(STIMULUS, [rated])
        return [
            one.id
            for one in equal.get(stimuli[rated], ())
            if one.id == rated or one.checkpoint in waves[campaign]
        ]

    return found


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


def in_columns(ratings: Sequence[Rating], *, as_rated: bool) -> dict[str, Columns]:
    """Criterion to its ratings, in the order they were given.

    Args:
        ratings: as they count.
        as_rated: each rating once, under the output that was shown, rather than under
            each output that it counts for.
    """
    given = GivenRatings.of(ratings)
    by_criterion = (given.once() if as_rated else given).by_criterion()
    return {
        criterion: _columns(
            some.rated if as_rated else some.output, some.rater, some.value
        )
        for criterion, some in by_criterion.items()
    }


def _columns(outputs: Sequence[str], raters: Indices, value: Floats) -> Columns:
    rated, row = numbered(outputs)
    names, column = np.unique(raters, return_inverse=True)
    pair = row * len(names) + column
    if len(np.unique(pair)) < len(pair):
        _, first, same = np.unique(pair, return_index=True, return_inverse=True)
        # A rater's repeats stand where the first of them stood.
        value = np.bincount(same, value) / np.bincount(same)
        order = np.argsort(first)
        row, column, value = row[first[order]], column[first[order]], value[order]
    return Columns(rated, tuple(names.tolist()), row, column, value)
