"""Metrics against raters: matrices, correlations, the raters' own agreement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.progress import silent
from harness.reporting.by_rater import ratings_of
from harness.reporting.model import MetricAgreement, RatedOutput
from harness.stats.agreement import alpha
from harness.stats.ceiling import ceiling
from harness.stats.correlation import agreement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.progress import Progress
    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.stats.ceiling import Ceiling
    from harness.types import Estimate

    Floats = NDArray[np.float64]

MANY_RATINGS = 200_000
"""Outputs times raters above which the human ceiling has fewer resamples."""
FEW_DRAWS = 200
"""So many."""
THREADS = 2
"""Metrics at a time; each takes some hundred MB where outputs are many."""


def metric_agreements(
    evidence: Evidence, resampling: Resampling, *, progress: Progress = silent
) -> list[MetricAgreement]:
    """Each metric with a value per output against each criterion.

    Several rated samples of an item are averaged, on both sides alike. The score of
    a reference counts for every output of the checkpoint for the item.

    Raises:
        UsageError: checkpoints are to be resampled, and a metric has fewer than eight.
    """
    pairs = [
        (criterion, signature)
        for criterion in evidence.mean_ratings
        for signature, scores in evidence.output_scores.items()
        if scores
    ]
    # Sorting pairs of outputs takes most of the time, and lets others work meanwhile.
    with ThreadPoolExecutor(THREADS) as threads:
        one = partial(_agreement, evidence, resampling)
        results = threads.map(one, *zip(*pairs, strict=True)) if pairs else iter(())
        found = []
        for result in results:
            found.append(result)
            progress("metrics against people", len(found), len(pairs))
        return found


def _agreement(
    evidence: Evidence, resampling: Resampling, criterion: str, signature: str
) -> MetricAgreement:
    description = evidence.descriptions[signature]
    scores = evidence.output_scores[signature]
    metric, _ = matrices(evidence, scores, evidence.mean_ratings[criterion])
    try:
        result = agreement(
            metric if description["higher_is_better"] else -metric,
            ratings_of(evidence, criterion, scored=scores),
            draws=resampling.draws,
            seed=resampling.seed,
            over=resampling.over,
        )
    except UsageError as error:
        raise UsageError(f"{description['name']} and {criterion}: {error}") from error
    return MetricAgreement(
        metric=description["name"],
        signature=signature,
        criterion=criterion,
        system=result.system,
        pairwise_accuracy=result.pairwise_accuracy,
        spa=result.spa,
        segment={
            "none": result.pooled,
            "item": result.by_item,
            "system": result.by_system,
        },
        ceiling=_ceiling(evidence, criterion, signature, resampling),
    )


def _ceiling(
    evidence: Evidence, criterion: str, signature: str, resampling: Resampling
) -> Ceiling:
    """Metric and left-out raters against the same others, output by output."""
    outputs = list(evidence.by_rater[criterion])
    _, ratings = _table(evidence.by_rater[criterion])
    scores = evidence.output_scores[signature]
    sign = 1 if evidence.descriptions[signature]["higher_is_better"] else -1
    many = ratings.size > MANY_RATINGS
    return ceiling(
        [sign * scores.get(output, np.nan) for output in outputs],
        ratings,
        [evidence.item_of[output] for output in outputs],
        draws=min(resampling.draws, FEW_DRAWS) if many else resampling.draws,
        seed=resampling.seed,
    )


def alphas(evidence: Evidence, resampling: Resampling) -> dict[str, Estimate]:
    """Criterion to Krippendorff's alpha of its raters, with squared differences."""
    return {
        criterion: alpha(
            rating_table(evidence, criterion)[1],
            scale="interval",
            draws=resampling.draws,
            seed=resampling.seed,
        )
        for criterion in evidence.by_rater_once
    }


def rating_table(evidence: Evidence, criterion: str) -> tuple[list[int], Floats]:
    """Raters, and their ratings of shape (outputs, raters), NaN where missing.

    Equal outputs that were rated once are one row.
    """
    return _table(evidence.by_rater_once[criterion])


def _table(outputs: Mapping[str, Mapping[int, float]]) -> tuple[list[int], Floats]:
    raters = sorted({rater for given in outputs.values() for rater in given})
    column = {rater: number for number, rater in enumerate(raters)}
    ratings = np.full((len(outputs), len(column)), np.nan)
    for row, given in enumerate(outputs.values()):
        for rater, value in given.items():
            ratings[row, column[rater]] = value
    return raters, ratings


def rated_outputs(evidence: Evidence) -> list[RatedOutput]:
    """Every rated output with its scores, by checkpoint and item."""
    found = []
    for checkpoint in evidence.checkpoints:
        for output in evidence.outputs[checkpoint.id]:
            ratings = {
                criterion: means[output.id]
                for criterion, means in evidence.mean_ratings.items()
                if output.id in means
            }
            if not ratings:
                continue
            item = evidence.items[output.item]
            found.append(
                RatedOutput(
                    checkpoint=evidence.labels[checkpoint.id],
                    item=item.key,
                    sample=output.sample,
                    prompt=item.prompt,
                    references=item.references,
                    text=output.text,
                    scores={
                        signature: scores[output.id]
                        for signature, scores in evidence.output_scores.items()
                        if output.id in scores
                    },
                    ratings=ratings,
                    given={
                        criterion: _given(evidence, criterion, output.id)
                        for criterion in ratings
                    },
                )
            )
    return found


def _given(
    evidence: Evidence, criterion: str, output: str
) -> tuple[tuple[str, float], ...]:
    by_rater = evidence.by_rater[criterion][output]
    return tuple((evidence.rater_names[rater], by_rater[rater]) for rater in by_rater)


def matrices(
    evidence: Evidence, scores: Mapping[str, float], ratings: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """Scores and ratings, both of shape (checkpoints, items), NaN where missing."""
    column = {item: number for number, item in enumerate(evidence.items)}
    shape = (len(evidence.checkpoints), len(column))
    metric, human, counts = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for row, checkpoint in enumerate(evidence.checkpoints):
        for output in evidence.outputs[checkpoint.id]:
            if output.id in scores and output.id in ratings:
                place = row, column[output.item]
                metric[place] += scores[output.id]
                human[place] += ratings[output.id]
                counts[place] += 1
    counts[counts == 0] = np.nan
    return metric / counts, human / counts
