"""Metrics against raters: matrices, correlations, the raters' own agreement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.progress import silent
from harness.reporting.by_rater import ratings_of
from harness.reporting.model import MetricAgreement, RatedOutput, RatedOutputs
from harness.reporting.ratings import GivenBy
from harness.stats.agreement import alpha
from harness.stats.ceiling import ceiling
from harness.stats.correlation import agreement
from harness.stats.once import Once

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from harness.progress import Progress
    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.stats.ceiling import Ceiling
    from harness.stats.crossed import Ratings
    from harness.types import Estimate

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

MANY_RATINGS = 200_000
"""Outputs times raters above which the human ceiling has fewer resamples."""
FEW_DRAWS = 200
"""So many."""


def metric_agreements(
    evidence: Evidence,
    resampling: Resampling,
    threads: Executor,
    *,
    progress: Progress = silent,
) -> list[MetricAgreement]:
    """Each metric with a value per output against each criterion.

    Several rated samples of an item are averaged, on both sides alike. The score of
    a reference counts for every output of the checkpoint for the item.

    Raises:
        UsageError: checkpoints are to be resampled, and a metric has fewer than eight.
    """
    people = [_People.of(evidence, criterion) for criterion in evidence.rating_columns]
    pairs = [(one, signature) for one in people for signature in evidence.score_values]
    one = partial(_agreement, evidence, resampling)
    results = threads.map(one, *zip(*pairs, strict=True)) if pairs else iter(())
    found = []
    for result in results:
        found.append(result)
        progress("metrics against people", len(found), len(pairs))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """What is said by one criterion, made ready for all metrics."""

    criterion: str
    """Its name."""
    means: Floats
    """Shape (outputs,): mean rating of each of `evidence.written`, NaN without one."""
    ratings: Ratings
    """One by one, outputs numbered as in `evidence.written`."""
    table: Floats
    """Shape (rated outputs, raters), NaN where missing, for the human ceiling."""
    places: Indices
    """Number of each row of the table."""
    few: bool
    """Whether the table is so large that the ceiling has fewer resamples."""
    once: Once
    """What metrics have in common beyond that."""

    @classmethod
    def of(cls, evidence: Evidence, criterion: str) -> _People:
        given = evidence.rating_columns[criterion]
        many = len(given.outputs) * len(given.raters) > MANY_RATINGS
        if many:
            # A single rating is held against nothing, and the table is large.
            given = given.shared()
        place_of = evidence.place_of
        return cls(
            criterion=criterion,
            means=evidence.rating_values[criterion],
            ratings=ratings_of(evidence, criterion),
            table=given.table,
            places=np.array([place_of[id_] for id_ in given.outputs], dtype=np.intp),
            few=many,
            once=Once(),
        )

    def ceiling(
        self, evidence: Evidence, scores: Floats, resampling: Resampling
    ) -> Ceiling:
        """Metric and left-out raters against the same others, output by output."""
        return ceiling(
            scores[self.places],
            self.table,
            _by_id(evidence)[evidence.cells[1][self.places]],
            draws=min(resampling.draws, FEW_DRAWS) if self.few else resampling.draws,
            seed=resampling.seed,
        )


def _agreement(
    evidence: Evidence, resampling: Resampling, people: _People, signature: str
) -> MetricAgreement:
    description = evidence.descriptions[signature]
    sign = 1 if description["higher_is_better"] else -1
    scores = evidence.score_values[signature]
    metric, _ = in_cells(evidence, scores, people.means)
    # An item of which one sample has a score lacks none.
    lacking = np.isnan(metric)[evidence.cells]
    counts = (~np.isnan(scores) | lacking)[people.ratings.output]
    try:
        result = agreement(
            sign * metric,
            people.ratings if counts.all() else people.ratings.kept(counts),
            draws=resampling.draws,
            seed=resampling.seed,
            over=resampling.over,
            once=people.once,
        )
    except UsageError as error:
        name = f"{description['name']} and {people.criterion}"
        raise UsageError(f"{name}: {error}") from error
    return MetricAgreement(
        metric=description["name"],
        signature=signature,
        criterion=people.criterion,
        system=result.system,
        pairwise_accuracy=result.pairwise_accuracy,
        spa=result.spa,
        segment={
            "none": result.pooled,
            "item": result.by_item,
            "system": result.by_system,
        },
        ceiling=people.ceiling(evidence, sign * scores, resampling),
    )


def _by_id(evidence: Evidence) -> NDArray[np.intp]:
    """Place of each item in the order of ids, by which resamples number them."""
    number = {item: at for at, item in enumerate(sorted(evidence.items))}
    return np.array([number[item] for item in evidence.items], dtype=np.intp)


def alphas(evidence: Evidence, resampling: Resampling) -> dict[str, Estimate]:
    """Criterion to Krippendorff's alpha of its raters, with squared differences."""
    return {
        criterion: alpha(
            rating_table(evidence, criterion)[1],
            scale="interval",
            draws=resampling.draws,
            seed=resampling.seed,
        )
        for criterion in evidence.rating_columns_once
    }


def rating_table(evidence: Evidence, criterion: str) -> tuple[list[int], Floats]:
    """Raters, and their ratings of shape (outputs, raters), NaN where missing.

    Equal outputs that were rated once are one row.
    """
    given = evidence.rating_columns_once[criterion]
    return list(given.raters), given.table


def rated_outputs(evidence: Evidence) -> RatedOutputs:
    """Every rated output with its scores, by checkpoint and item."""
    rated = np.zeros(len(evidence.written), dtype=bool)
    for ratings in evidence.rating_values.values():
        rated |= ~np.isnan(ratings)
    places = np.flatnonzero(rated)
    given = {
        name: GivenBy.of(columns) for name, columns in evidence.rating_columns.items()
    }

    def made(at: int) -> RatedOutput:
        place = int(places[at])
        output = evidence.written[place]
        item = evidence.items[output.item]
        scores, ratings = (
            {
                name: float(values[place])
                for name, values in found.items()
                if not np.isnan(values[place])
            }
            for found in (evidence.score_values, evidence.rating_values)
        )
        return RatedOutput(
            checkpoint=evidence.labels[output.checkpoint],
            item=item.key,
            sample=output.sample,
            prompt=item.prompt,
            references=item.references,
            text=output.text,
            scores=scores,
            ratings=ratings,
            given={
                name: given[name].to(output.id, evidence.rater_names)
                for name in ratings
            },
        )

    return RatedOutputs(
        made=made,
        size=len(places),
        scores={name: some[places] for name, some in evidence.score_values.items()},
        ratings={name: some[places] for name, some in evidence.rating_values.items()},
    )


def in_cells(
    evidence: Evidence, scores: Floats, ratings: Floats
) -> tuple[Floats, Floats]:
    """Scores and ratings, both of shape (checkpoints, items), NaN where missing.

    Several samples of an item are averaged, on both sides those that have both.

    Args:
        evidence: what counts.
        scores: shape (outputs,), a number for each of `evidence.written`, or NaN.
        ratings: shape (outputs,), mean ratings, likewise.
    """
    row, column = evidence.cells
    shape = (len(evidence.checkpoints), len(evidence.items))
    both = ~(np.isnan(scores) | np.isnan(ratings))
    place = row[both] * shape[1] + column[both]
    counts = np.bincount(place, minlength=shape[0] * shape[1]).astype(float)
    counts[counts == 0] = np.nan
    metric, human = (
        (np.bincount(place, values[both], len(counts)) / counts).reshape(shape)
        for values in (scores, ratings)
    )
    return metric, human
