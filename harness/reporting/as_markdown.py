"""The report as Markdown; names and outputs stay text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.reporting import methods, trust
from harness.reporting.apart import difference, each_rater, of_the_closest
from harness.reporting.cautions import closest_metric, of_values
from harness.reporting.configurations import configurations, left_out
from harness.reporting.formats import (
    MISSING,
    interval,
    number,
    on_one_line,
    shortened,
    visible,
    with_interval,
)
from harness.reporting.learning import learning_notes, learning_tables
from harness.reporting.partings import all_said
from harness.reporting.rater_tables import (
    means_table,
    of_recount,
    recount_tables,
    severity_table,
    work_tables,
)
from harness.reporting.tables import columns
from harness.reporting.together import saved_in_short, together_tables
from harness.reporting.wording import (
    BANNER,
    CEILING,
    CONFIGURATIONS,
    ceiling_cell,
    ceilings,
    clusters,
    how_it_was_done,
    no_ceiling,
    of_preferences,
    of_reliability,
    own_agreement,
    percent,
    subtitle,
    who_rated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.reporting.configurations import Best
    from harness.reporting.model import (
        Disagreement,
        MetricAgreement,
        Report,
        TaskReport,
    )
    from harness.reporting.rater_tables import Table
    from harness.reporting.tables import Column
    from harness.types import Estimate

LONGEST = 2_000
"""Letters shown of a prompt, reference or output."""

SPECIAL = re.compile(
    r"[\\`*|~$]"  # marks anywhere
    r"|(?<!\w)_|_(?!\w)"  # emphasis does not begin or end inside a word
    r"|\](?=[(\[:])"  # closes the text of a link or the name of a definition
    r"|^[#>\-=]|^\+(?=\s|$)"  # makes a heading, quotation or list of the line
)
NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
"""What makes a numbered list of a line."""
ADDRESS = re.compile(r"://|(?<=www)\.", re.IGNORECASE)
"""What makes a link of a bare address."""


def markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown."""
    lines = ["# Report", ""]
    if report.simulated:
        lines += [f"> **{BANNER}**", ""]
    if not report.tasks:
        lines += ["The study has no outputs yet.", ""]
    for task in report.tasks:
        lines += _task(report, task)
    return "\n".join(lines).rstrip("\n") + "\n"


def _task(report: Report, task: TaskReport) -> Iterator[str]:
    yield from (f"## {plain(task.task)}", "", subtitle(task), "")
    if task.description:
        yield from (plain(task.description), "")
    first, *others = task.sentences
    yield from (f"**{plain(first)}**", "")
    for sentence in others:
        yield from (plain(sentence), "")
    yield from _values(task)
    yield from _together(task)
    yield from _preferences(task)
    if task.partings:
        yield from ("### Where metric and ratings part ways over training", "")
    yield from _listed(all_said(task))
    yield from _learning(task)
    yield from _configurations(task)
    yield from _agreement(task)
    yield from _disagreements(task)
    yield from _raters(task)
    yield from _method(report, task)


def _listed(sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from (f"- {plain(sentence)}" for sentence in sentences)
        yield ""


def _values(task: TaskReport) -> Iterator[str]:
    found = columns(task)
    labels = [checkpoint.label for checkpoint in task.checkpoints]
    if not labels or not found:
        return
    labels += [baseline.name for baseline in task.baselines]
    rows = [[plain(label), *(_cell(c, label) for c in found)] for label in labels]
    rows.append(["lead of the best", *map(_lead, found)])
    yield from ("### Checkpoints", "")
    yield from tabled(["", *map(_heading, found)], rows)
    for said in of_values(task):
        yield from (plain(said), "")


def _heading(column: Column) -> str:
    count = "" if column.n is None else f" (n = {column.n:,})"
    return plain(column.heading) + count


def _cell(column: Column, label: str) -> str:
    estimate = column.cells.get(label)
    if estimate is None:
        return MISSING
    value = number(estimate.value, column.decimals)
    value = f"**{value}**" if label in column.best else value
    parts = [value, plain(interval(estimate, column.decimals))]
    if estimate.value is not None and estimate.n != column.n:
        parts.append(f"n = {estimate.n:,}")
    if estimate.dropped:
        parts.append(f"{estimate.dropped:,} left out")
    return " ".join(part for part in parts if part)


def _lead(column: Column) -> str:
    if column.lead is None or column.lead.difference.value is None:
        return MISSING
    gap = column.lead.difference
    sizes = f"{number(gap.value, column.decimals)} {interval(gap, column.decimals)}"
    return plain(f"{sizes} {column.lead.answer}")


def _together(task: TaskReport) -> Iterator[str]:
    if task.combined:
        yield from ("### Ratings and scores together", "")
    if said := saved_in_short(task):
        yield from (plain(said), "")
    for table in together_tables(task):
        yield from _rater_table(table)


def _learning(task: TaskReport) -> Iterator[str]:
    if task.learning:
        yield from ("### What training logged", "")
    for table in learning_tables(task):
        yield from _rater_table(table)
    yield from _listed(learning_notes(task))


def _configurations(task: TaskReport) -> Iterator[str]:
    found = configurations(task)
    if found is None:
        return
    yield from ("### How the series differ", "")
    heads = [*found.settings, *(f"best {column.heading}" for column in found.columns)]
    rows = [[row.series, *row.settings, *map(_best, row.best)] for row in found.rows]
    yield from tabled(["", *map(plain, heads)], [[*map(plain, row)] for row in rows])
    yield from (" ".join([*left_out(found), CONFIGURATIONS]), "")


def _best(best: Best | None) -> str:
    if best is None:
        return MISSING
    value = with_interval(best.value, best.column.decimals)
    return f"{value} ({best.checkpoint})"


def _preferences(task: TaskReport) -> Iterator[str]:
    if task.preferred:
        yield from (f"### What {task.raters.noun} prefer", "")
    for one in task.preferred:
        yield from (f"#### {plain(one.criterion.name)}", "")
        if one.criterion.question:
            yield from (f"Asked: {plain(one.criterion.question)}", "")
        rows = [
            [
                plain(label),
                plain(percent(found.win_rate)),
                plain(with_interval(found.strength)),
                f"{found.win_rate.n:,}",
            ]
            for label, found in one.checkpoints.items()
        ]
        yield from tabled(["", "win rate", "strength", "comparisons"], rows)
        yield from (f"- {plain(sentence)}" for sentence in of_preferences(task, one))
        first = next(iter(one.checkpoints.values()))
        methods = (first.win_rate.method, first.strength.method, one.left.method)
        yield f"- {plain('. '.join(f'{m[:1].upper()}{m[1:]}' for m in methods))}."
        yield ""


def _agreement(task: TaskReport) -> Iterator[str]:
    if not task.agreement:
        return
    yield from (f"### Agreement with {task.raters.noun}", "")
    for criterion in task.criteria:
        yield from (f"#### {plain(criterion.name)}", "")
        if criterion.question:
            yield from (f"Asked: {plain(criterion.question)}", "")
        yield from (plain(own_agreement(task, criterion.name)), "")
        if said := closest_metric(task, criterion.name):
            yield from (plain(said), "")
        found = [one for one in task.agreement if one.criterion == criterion.name]
        for level, meaning in trust.LEVELS:
            yield from (f"**{level.capitalize()}**: {plain(meaning)}", "")
            yield from _level(task, found, level)
        yield from _ceiling(task, criterion.name)
        if said := clusters(task, criterion.name):
            yield from (plain(said), "")
        for sentence in trust.undefined(task, criterion.name):
            yield from (plain(sentence), "")


def _level(
    task: TaskReport, found: Sequence[MetricAgreement], level: str
) -> Iterator[str]:
    """Metrics down, statistics of one level across."""
    table = {
        task.metric(one.signature).label: trust.at_levels(one)[level] for one in found
    }
    names = next(iter(table.values()), {}).keys()
    usual = {}
    for name in names:
        known = [own[name].n for own in table.values() if own[name].value is not None]
        usual[name] = max(known, key=known.count, default=None)
    heads = [
        trust.TITLES[name] + ("" if n is None else f" (n = {n:,})")
        for name, n in usual.items()
    ]
    rows = [
        [label, *(_statistic(name, own[name], usual[name]) for name in names)]
        for label, own in table.items()
    ]
    yield from tabled(
        ["metric", *map(plain, heads)], [[*map(plain, row)] for row in rows]
    )


def _statistic(name: str, estimate: Estimate, usual: int | None) -> str:
    decimals = trust.decimals(estimate) if name == "epsilon" else 2
    text = with_interval(estimate, decimals)
    if estimate.value is None:
        return text
    mind = [f"n = {estimate.n:,}"] if estimate.n != usual else []
    mind += [f"{estimate.dropped:,} left out"] if estimate.dropped else []
    return f"{text} ({', '.join(mind)})" if mind else text


def _ceiling(task: TaskReport, criterion: str) -> Iterator[str]:
    found = ceilings(task, criterion)
    if not found:
        why = no_ceiling(task, criterion)
        yield from (plain(why), "") if why else ()
        return
    yield from (CEILING, "")
    rows = []
    for one in found:
        at = one.ceiling
        cells = [ceiling_cell(e) for e in (at.metric, at.rater, at.difference)]
        rows.append([plain(task.metric(one.signature).label), *map(plain, cells)])
    yield from tabled(["human ceiling", "metric", "a rater", "difference"], rows)


def _disagreements(task: TaskReport) -> Iterator[str]:
    if not task.disagreements:
        return
    yield from (f"### Where metric and {task.raters.noun} are furthest apart", "")
    for one in of_the_closest(task):
        yield from _disagreement(task, one)


def _disagreement(task: TaskReport, one: Disagreement) -> Iterator[str]:
    output = one.output
    yield from (f"**{plain(difference(task, one))}**", "")
    yield from (f"{plain(output.checkpoint)}, item {plain(output.item)}", "")
    if given := each_rater(output, one.criterion):
        yield from (f"Raters: {plain(given)}", "")
    texts = [("Prompt", output.prompt)]
    texts += [("Reference", reference) for reference in output.references]
    for title, text in [*texts, ("Output", output.text)]:
        yield from (f"{title}:", "", *fenced(shortened(text, LONGEST)), "")


def _raters(task: TaskReport) -> Iterator[str]:
    yield from ("### Raters", "", plain(who_rated(task)), "")
    for table in work_tables(task):
        yield from _rater_table(table)
    for one in task.reliability:
        yield from (f"#### Raters on {plain(one.criterion)}", "")
        yield from (f"- {plain(sentence)}" for sentence in of_reliability(task, one))
        yield ""
        for found in (severity_table(task, one), means_table(task, one)):
            yield from _rater_table(found) if found else ()
    if said := of_recount(task):
        yield from (plain(said), "")
    for table in recount_tables(task):
        yield from _rater_table(table)
    for note in task.rater_notes:
        yield from (plain(note), "")


def _rater_table(table: Table) -> Iterator[str]:
    rows = [
        [plain(c if isinstance(c, str) else with_interval(c)) for c in row]
        for row in table.rows
    ]
    yield from (f"**{plain(table.title)}**", "")
    yield from tabled([plain(head) for head in table.heads], rows)
    yield from (plain(table.note), "") if table.note else ()


def _method(report: Report, task: TaskReport) -> Iterator[str]:
    yield from ("### How this was done", "")
    notes = [note for note in task.notes if note not in task.rater_notes]
    for sentence in (*notes, *how_it_was_done(report, task)):
        yield f"- {plain(sentence)}"
    yield f"- Exclusions: {plain(methods.excluded(task))}."
    yield ""
    yield from protocol(task)
    if task.metrics:
        yield from ("Signatures:", "")
        yield from (f"- {plain(metric.signature)}" for metric in task.metrics)
        yield ""
    versions = ", ".join(f"{name} {found}" for name, found in report.versions.items())
    yield from (f"Study {plain(report.study)}; {plain(versions)}.", "")


def protocol(task: TaskReport) -> Iterator[str]:
    """What raters were asked, models and data, each under a heading."""
    for campaign in task.protocol.campaigns:
        yield from (f"#### Campaign {plain(campaign.name)}", "")
        yield from listing(methods.of_campaign(campaign))
    yield from ("#### Models", "")
    rows = [[*map(plain, row)] for row in methods.of_models(task)]
    yield from tabled(["", "run by", "fingerprint", "with"], rows)
    yield from ("#### Data", "")
    yield from listing(methods.of_data(task.protocol))


def listing(said: methods.Said) -> Iterator[str]:
    """Labels in bold, each with what is said under it."""
    yield from (f"- **{plain(label)}**: {plain(text)}" for label, text in said)
    yield ""


def tabled(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of cells that are Markdown already."""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def plain(untrusted: str) -> str:
    """The text on one line, with nothing in it that Markdown or HTML would read."""
    text = SPECIAL.sub(r"\\\g<0>", on_one_line(untrusted))
    text = NUMBERED.sub(r"\1\\\2", text)
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")
    return ADDRESS.sub(lambda match: f"&#{ord(match[0][0])};{match[0][1:]}", text)


def fenced(untrusted: str) -> list[str]:
    """The text as a code block, fenced by more backticks than it holds in a row."""
    runs = re.findall("`+", untrusted)
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return [f"{fence}text", *visible(untrusted).split("\n"), fence]
