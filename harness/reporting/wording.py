"""Sentences and headings that several renderings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.formats import counted, listed, number, with_interval

if TYPE_CHECKING:
    from harness.reporting.model import (
        Disagreement,
        MetricAgreement,
        Report,
        TaskReport,
    )
    from harness.stats.correlation import Coefficients

BANNER = (
    "SIMULATED: ratings in this report were made up by a program, to show how the "
    "report works. They say nothing about the outputs."
)

LEVELS = (
    ("of checkpoints", "Means of the checkpoints against each other."),
    ("all outputs", "All rated outputs together."),
    ("within items", "Across checkpoints within each item, averaged."),
    ("within checkpoints", "Across items within each checkpoint, averaged."),
)
"""Name and meaning of each level at which agreement is measured, in this order."""


def levels(one: MetricAgreement) -> tuple[Coefficients, ...]:
    """The coefficients of each of `LEVELS`."""
    at = one.segment
    return (one.system, at["none"], at["item"], at["system"])


def subtitle(task: TaskReport) -> str:
    """How much the report of a task rests on."""
    parts = [counted(len(task.checkpoints), "checkpoint"), counted(task.items, "item")]
    outputs = sum(checkpoint.outputs for checkpoint in task.checkpoints)
    parts.append(counted(outputs, "output"))
    parts.append(counted(task.raters.ratings, "rating"))
    return " · ".join(parts)


def who_rated(task: TaskReport) -> str:
    """Number and kind of the raters, what they did, and how long it took."""
    raters = task.raters
    if not raters.ratings:
        return "No ratings yet."
    person = "other rater" if raters.simulated else "person"
    persons = "other raters" if raters.simulated else "people"
    words = {
        "person": (person, persons),
        "simulated": ("simulated rater", "simulated raters"),
        "imported": ("imported rater", "imported raters"),
    }
    kinds = listed([counted(raters.kinds[k], *words[k]) for k in raters.kinds])
    text = (
        f"{counted(raters.ratings, 'rating')} of {counted(raters.outputs, 'output')} "
        f"by {kinds}"
    )
    if raters.seconds is not None:
        text += f", {number(raters.seconds, 0)} seconds for an output on average"
    return f"{text}."


def own_agreement(task: TaskReport, criterion: str) -> str:
    """The raters' agreement with one another, beside which all else is read."""
    alpha = task.raters.alpha.get(criterion)
    if alpha is None:
        return "Nobody has rated it."
    if alpha.value is None:
        reason = alpha.method.removeprefix("undefined: ")
        return f"Raters among themselves: unknown ({reason})."
    return (
        "Raters among themselves: Krippendorff's alpha (interval) "
        f"{with_interval(alpha)}, {counted(alpha.n, 'output')} rated twice or more."
    )


def difference(task: TaskReport, one: Disagreement) -> str:
    """Who ranks an output higher, in one line."""
    metric = task.metric(one.signature)
    score = number(one.output.scores[one.signature])
    rating = number(one.output.ratings[one.criterion])
    return (
        f"{metric.label} {score} (higher than {_percent(one.metric_rank)}), "
        f"{one.criterion} {rating} (higher than {_percent(one.rating_rank)})"
    )


def side_by_side(
    task: TaskReport,
) -> list[tuple[str, list[tuple[str, list[Disagreement]]]]]:
    """Criterion to its disagreements, by who ranks the outputs higher."""
    return [
        (
            criterion,
            [
                (title, [one for one in found if one.higher == higher])
                for higher, title in (
                    ("metric", "The metric ranks these higher"),
                    ("raters", "Raters rank these higher"),
                )
            ],
        )
        for criterion in dict.fromkeys(one.criterion for one in task.disagreements)
        if (found := [one for one in task.disagreements if one.criterion == criterion])
    ]


def how_it_was_done(report: Report, task: TaskReport) -> list[str]:
    """How numbers and intervals came about, in plain sentences."""
    raters = task.raters.noun
    return [
        (
            "Brackets hold 95 % percentile bootstrap intervals over items "
            f"({report.draws:,} draws, seed {report.seed}); metrics of all outputs "
            "together have at most 200 draws."
        ),
        (
            "A lead is the difference between best and next best on the items that "
            "both have, resampled together; it is clear if its interval excludes 0. "
            "The best was picked by the same data, so that leads are a little "
            "flattering."
        ),
        (
            "Agreement compares each metric's value for an output with the mean rating "
            f"that {raters} gave it; metrics for which less is better are turned, so "
            "that above 0 is agreement. A likelihood metric judges given texts, as the "
            "reference: its score counts for each of the checkpoint's outputs for the "
            "item. Intervals resample items and keep the checkpoints."
        ),
        (
            "The number of items still to be rated takes the present difference for "
            "the true one, at 80 % power: a rough guide."
        ),
        "A copy of the prompt is scored by built-in text metrics only.",
    ]


def _percent(rank: float) -> str:
    return f"{100 * rank:.0f} %"
