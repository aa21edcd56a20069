"""Sentences and headings that several renderings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting import trust
from harness.reporting.formats import (
    MISSING,
    counted,
    listed,
    number,
    with_interval,
)
from harness.reporting.together import TOGETHER
from harness.stats.crossed import LEAST_RATERS

if TYPE_CHECKING:
    from harness.reporting.lead import Lead
    from harness.reporting.model import (
        MetricAgreement,
        Report,
        TaskReport,
    )
    from harness.reporting.people import Preferred, Reliability
    from harness.types import Estimate

BANNER = (
    "SIMULATED: ratings in this report were made up by a program, to show how the "
    "report works. They say nothing about the outputs."
)

PREFERRED = (
    "Where outputs were compared, a win rate is the share of comparisons won, ties "
    "counted half; strengths (Bradley-Terry, with Davidson's ties) are log-odds "
    "against the average, which allow for who was compared with whom. Intervals "
    "resample prompts, each with all its comparisons. The best is clearly ahead if "
    "the interval of its strength less the next one's excludes 0."
)

CEILING = (
    "Human ceiling: each rater in turn is left out, and rater and metric are "
    "correlated (Pearson) with the mean of the others, output by output. A metric "
    "whose difference is above 0 follows raters better than one of them does."
)

CLUSTERS = (
    "Metrics of one cluster cannot be told apart: from the best downwards, a metric "
    "opens a new cluster where one of the present cluster agrees significantly better "
    "with raters (PERM-BOTH, one-sided, not adjusted for the number of metrics)."
)

OTHER_RATERS = (
    f"By {LEAST_RATERS} raters or more, intervals of mean ratings and leads hold what "
    "raters differ by, and agreement leaves out each of them in turn: they speak of "
    "other raters as well as of other items."
)

PARTINGS = (
    "Metric and raters part ways where, from one checkpoint of a series to a later "
    "one, the metric's paired change and that of the mean rating are both significant "
    "and opposite (jackknife t-tests over items, Holm-adjusted over all changes of all "
    "metrics and criteria, so that where nothing parts, one is claimed with a chance "
    "of at most 5 %)."
)

CURVES = (
    "All on one axis, turned so that up is better. A line runs from its worst to its "
    "best checkpoint (of all series) if these surely differ; else it is pale, marked "
    "'not sure', and as flat as its changes are small beside the noise. Compare the "
    "courses, not the heights. Bars are 95 % intervals; ratings are the thick lines."
)

LOSSES = (
    "Above are the losses as training logged them; a cross marks where one was no "
    "number. Below, over the same steps:"
)

CONFIGURATIONS = (
    "Settings are those in which the series differ, as far as files beside the "
    "checkpoints say. Each result is the best of the series' checkpoints by that "
    "measure, which flatters, the more the more checkpoints there are; harness compare "
    "tests the difference between two."
)

SHADED = "Shaded is where a metric and ratings part ways."

SEVERITIES = (
    "Severity, from a mixed model, is how many points a rater gives above the others "
    "(below 0: below them) on the same outputs, shrunk where there are few; noise is "
    "the standard deviation of what is left. Adjusted means are less each rater's "
    "severity."
)

WORK = (
    "Of each rater: agreement is the correlation (Pearson) with the mean of the others "
    "on the same outputs, seconds are the median for one unit, severity and noise are "
    "in points. Who is flagged still counts; what looks careless is set apart once, "
    "with and without. Severity alone is not careless."
)

_RESTS = (
    "Means, leads, agreement with metrics, clusters, ceilings and disagreements rest "
    "on that; alpha, ICC and severity rest on the ratings as they were given."
)

HUMAN = {
    "raw": "Ratings count as they were given (--human z or adjusted: otherwise).",
    "z": "Ratings count as z-scores: less the mean of all that the rater gave on the "
    "criterion, over their standard deviation (of a population, divided by n). "
    + _RESTS,
    "adjusted": "Ratings count less their rater's severity from a mixed model, which "
    "rests on all ratings; intervals of means and of leads also hold how far it may be "
    f"off, all others take it as known. {_RESTS}",
}
"""What counts as people's judgment, by its name."""

MEAN = {"raw": "mean rating", "z": "mean z-score", "adjusted": "mean, adjusted"}
"""What a checkpoint's value on a criterion is."""

SHORT_HUMAN = {
    "raw": "",
    "z": "ratings as z-scores",
    "adjusted": "ratings adjusted for severity",
}


def subtitle(task: TaskReport) -> str:
    """How much the report of a task rests on."""
    parts = [counted(len(task.checkpoints), "checkpoint"), counted(task.items, "item")]
    outputs = sum(checkpoint.outputs for checkpoint in task.checkpoints)
    parts.append(counted(outputs, "output"))
    parts.append(counted(task.raters.ratings, "rating"))
    if task.raters.comparisons:
        parts.append(counted(task.raters.comparisons, "comparison"))
    if task.raters.ratings and SHORT_HUMAN[task.human]:
        parts.append(SHORT_HUMAN[task.human])
    return " · ".join(parts)


def who_rated(task: TaskReport) -> str:
    """Number and kind of the raters, what they did, and how long it took."""
    raters = task.raters
    if not raters.ratings and not raters.comparisons:
        return "No ratings yet."
    person = "other rater" if raters.simulated else "person"
    persons = "other raters" if raters.simulated else "people"
    words = {
        "person": (person, persons),
        "simulated": ("simulated rater", "simulated raters"),
        "imported": ("imported rater", "imported raters"),
    }
    kinds = listed([counted(raters.kinds[k], *words[k]) for k in raters.kinds])
    given = []
    if raters.ratings:
        outputs = counted(raters.outputs, "output")
        given.append(f"{counted(raters.ratings, 'rating')} of {outputs}")
    if raters.comparisons:
        given.append(counted(raters.comparisons, "comparison"))
    text = f"{listed(given)} by {kinds}"
    if raters.seconds is not None:
        what = "an output" if raters.ratings else "a comparison"
        text += f", {number(raters.seconds, 0)} seconds for {what} on average"
    return f"{text}."


def own_agreement(task: TaskReport, criterion: str) -> str:
    """The raters' agreement with one another, beside which all else is read."""
    alpha = task.raters.alpha.get(criterion)
    if alpha is None:
        return "Nobody has rated it."
    if alpha.value is None:
        return f"Raters among themselves: unknown ({_why(alpha)})."
    return (
        "Raters among themselves: Krippendorff's alpha (interval) "
        f"{with_interval(alpha)}, {counted(alpha.n, 'output')} rated twice or more."
    )


def clusters(task: TaskReport, criterion: str) -> str:
    """Which metrics follow raters better than others; empty where that is no question.

    `Clusters of metrics within items: (1) rouge2; (2) bleu and chrf. Kendall's ...`
    """
    for one in task.clusters:
        if one.criterion != criterion:
            continue
        named: dict[int, list[str]] = {}
        for signature, rank in one.ranks.items():
            if rank is not None:
                named.setdefault(rank, []).append(task.metric(signature).label)
        if not named:
            return f"No clusters of metrics: {one.method.removeprefix('undefined: ')}."
        said = "; ".join(f"({rank}) {listed(named[rank])}" for rank in sorted(named))
        left = f", {one.dropped:,} left out" if one.dropped else ""
        return (
            f"Clusters of metrics within items, the best first: {said}. By Kendall's "
            f"tau of {counted(one.n, 'output')}{left}; {one.method}; p ≤ 0.05."
        )
    return ""


def ceilings(task: TaskReport, criterion: str) -> list[MetricAgreement]:
    """The metrics that can be held against a left-out rater."""
    return [
        one
        for one in task.agreement
        if one.criterion == criterion and one.ceiling.difference.value is not None
    ]


def ceiling_cell(estimate: Estimate) -> str:
    """Value and interval, and how many raters nothing varies for."""
    left = f" ({counted(estimate.dropped, 'rater')} left out)"
    return with_interval(estimate) + (left if estimate.dropped else "")


def no_ceiling(task: TaskReport, criterion: str) -> str:
    """Why there is no human ceiling; empty where there is one."""
    found = [one for one in task.agreement if one.criterion == criterion]
    if not found or ceilings(task, criterion):
        return ""
    return f"No human ceiling: {_why(found[0].ceiling.difference)}."


def of_reliability(task: TaskReport, one: Reliability) -> list[str]:
    """What ratings of one criterion are worth, in sentences."""
    found = [own_agreement(task, one.criterion)]
    if one.icc.value is None:
        return found
    found.append(
        f"Reliability of one rating: ICC(1) {with_interval(one.icc)}; of the mean of "
        f"an output's raters: ICC(1,k) {with_interval(one.icc_of_means)}."
    )
    if one.ac2.value is None:
        found.append(f"Gwet's AC2: not given ({_why(one.ac2)}).")
    else:
        found.append(f"{one.ac2.method.split(';')[0]}: {with_interval(one.ac2)}.")
    if one.severity_sd is None or one.noise_sd is None:
        found.append(
            "Severity cannot be told from noise: raters share too few outputs."
        )
    else:
        found.append(
            f"Raters' severities have a standard deviation of "
            f"{number(one.severity_sd)} points, beside noise of "
            f"{number(one.noise_sd)} points in each rating."
        )
    return found


def of_preferences(task: TaskReport, one: Preferred) -> list[str]:
    """Who leads, how comparisons ended, whether the position matters, and alpha."""
    found = [
        _ahead(lead)
        for lead in task.leads_of("preference")
        if lead.by == one.criterion.name and lead.difference.value is not None
    ]
    found += [
        f"Of {counted(one.ties.n, 'comparison')} {percent(one.ties)} ended in a tie"
        + (f" and {percent(one.both_bad)} in both bad" if one.both_bad.n else "")
        + "."
    ]
    if one.identical:
        found.append(
            f"{counted(one.identical, 'pair')} of equal outputs count as ties, too; "
            "nobody was asked about them."
        )
    if one.left.value is None:
        found.append(f"Whether the position matters is unknown ({_why(one.left)}).")
    else:
        found.append(
            f"The output shown first won {percent(one.left)} of "
            f"{counted(one.left.n, 'decided comparison')}; 50 % means that the "
            "position does not matter."
        )
    if one.alpha.value is None:
        found.append(f"Raters among themselves: unknown ({_why(one.alpha)}).")
    else:
        found.append(
            "Raters among themselves: Krippendorff's alpha (nominal) "
            f"{with_interval(one.alpha)}, {counted(one.alpha.n, 'pair')} judged twice "
            "or more."
        )
    return found


def _ahead(lead: Lead) -> str:
    gap = with_interval(lead.difference)
    if lead.unit == "log-odds":
        return f"{lead.best} leads {lead.second} by {gap} of strength."
    return f"The win rate of {lead.best} over {lead.second} is {gap} above one half."


def percent(share: Estimate) -> str:
    """`61 % [52, 70]` of a share from 0 to 1; a dash where there is none."""
    if share.value is None:
        return MISSING
    text = f"{100 * share.value:.0f} %"
    if share.low is None or share.high is None:
        return text
    return f"{text} [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _why(undefined: Estimate) -> str:
    return undefined.method.removeprefix("undefined: ")


def how_it_was_done(report: Report, task: TaskReport) -> list[str]:
    """How numbers and intervals came about, in plain sentences."""
    raters = task.raters.noun
    return [
        (
            "Brackets hold 95 % percentile bootstrap intervals over items "
            f"({report.draws:,} draws, seed {report.seed}); metrics of all outputs "
            "together have at most 200 draws. Those of mean ratings are t intervals "
            "over prompts, cut off where the scale ends."
        ),
        (
            "A lead is the difference between best and next best on the items that "
            "both have, resampled together; it is clear if its interval excludes 0. "
            "The best was picked by the same data, so that leads are a little "
            "flattering. By ratings it is that of ratings and scores together."
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
        *([trust.MEANING] if task.agreement else []),
        *([HUMAN[task.human]] if task.raters.ratings else []),
        *([TOGETHER] if task.combined else []),
        *([WORK] if task.campaigns else []),
        *([PARTINGS] if task.partings else []),
        *([CLUSTERS] if any(one.ranks for one in task.clusters) else []),
        *([OTHER_RATERS] if task.raters.count >= LEAST_RATERS else []),
        *([SEVERITIES] if any(one.adjusted for one in task.reliability) else []),
        *([PREFERRED] if task.preferred else []),
    ]
