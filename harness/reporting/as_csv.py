"""The report as one tidy CSV table: a row for each estimate of the JSON report."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import TYPE_CHECKING

from harness.reporting.formats import on_one_line
from harness.reporting.trust import of_checkpoints, of_outputs
from harness.types import Estimate

if TYPE_CHECKING:
    from harness.reporting.combined import Combined
    from harness.reporting.lead import Lead
    from harness.reporting.learning import LearningCurve
    from harness.reporting.model import (
        MetricAgreement,
        MetricInfo,
        Parting,
        Report,
        TaskReport,
    )
    from harness.reporting.people import BothWays, Preferred
    from harness.types import Json

COLUMNS = (
    *("task", "simulated", "human", "part", "series", "checkpoint", "step", "against"),
    *("metric", "signature", "criterion", "level", "grouping"),
    *("campaign", "rater", "raters", "statistic"),
    *("value", "low", "high", "n", "dropped", "method"),
)
"""What is not known of a row, or is no question in its part, is an empty cell."""

FORMULA = tuple("=+-@＝＋－＠")
"""Signs that make a formula of a cell in some spreadsheet, wide ones too."""

Row = Mapping[str, "Json"]
Rows = Iterator[tuple[Row, "Estimate"]]


def csv_text(report: Report) -> str:
    """The report as comma-separated values in full precision, as of RFC 4180.

    Spreadsheets run cells that begin with one of `FORMULA`; texts that do, and come
    from models, raters or files, get an apostrophe before it. Texts are on one line,
    with control characters spelled out.
    """
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for task in report.tasks:
        shared = {
            "task": task.task,
            "simulated": task.simulated,
            "human": task.human,
        }
        for row, estimate in _rows(task):
            cells = {**shared, **row, **estimate.as_json()}
            writer.writerow({name: _cell(value) for name, value in cells.items()})
    return out.getvalue()


def _cell(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    line = on_one_line(value)
    return f"'{line}" if line.startswith(FORMULA) else line


def _rows(task: TaskReport) -> Rows:
    """What tells each estimate from the others, and the estimate."""
    known = {metric.signature: _metric(metric) for metric in task.metrics}
    yield from _checkpoints(task, known)
    for lead in task.leads:
        yield _lead(task, lead, known), lead.difference
    for row in task.combined:
        yield from _combined(task, row, known)
    for parting in task.partings:
        yield from _parting(task, parting, known)
    for curve in task.learning:
        yield from _learning(curve)
    for one in task.agreement:
        yield from _agreement(one)
    for preferred in task.preferred:
        yield from _preferred(task, preferred)
    yield from _raters(task)
    yield from _recount(task, known)


def _metric(metric: MetricInfo) -> Row:
    return {"metric": metric.name, "signature": metric.signature}


def _checkpoints(task: TaskReport, known: Mapping[str, Row]) -> Rows:
    for one in task.checkpoints:
        where = {"series": one.series, "checkpoint": one.name, "step": one.step}
        for signature, value in one.metrics.items():
            what = {"part": "metric", "statistic": "value", **known[signature]}
            yield {**where, **what}, value
        for criterion, value in one.human.items():
            what = {"part": "ratings", "statistic": "mean", "criterion": criterion}
            yield {**where, **what}, value
    for baseline in task.baselines:
        for signature, value in baseline.metrics.items():
            what = {"part": "baseline", "checkpoint": baseline.name}
            yield {**what, "statistic": "value", **known[signature]}, value


def _where(task: TaskReport, label: str) -> Row:
    """The columns of a checkpoint, by its label."""
    one = next(one for one in task.checkpoints if one.label == label)
    return {"series": one.series, "checkpoint": one.name, "step": one.step}


def _lead(task: TaskReport, lead: Lead, known: Mapping[str, Row]) -> Row:
    by = known[lead.by] if lead.kind == "metric" else {"criterion": lead.by}
    what = {"part": f"lead by {lead.kind}", "statistic": "difference"}
    return {**what, **by, **_where(task, lead.best), "against": lead.second}


def _combined(task: TaskReport, one: Combined, known: Mapping[str, Row]) -> Rows:
    subject = {
        "part": f"combined by {one.kind}",
        "against": one.against,
        "criterion": one.criterion,
        "grouping": one.question,
        **_where(task, one.checkpoint),
        **({} if one.metric is None else known[one.metric]),
    }
    yield {**subject, "statistic": "alone"}, one.alone.as_estimate()
    yield {**subject, "statistic": "combined"}, one.both.as_estimate()


def _parting(task: TaskReport, one: Parting, known: Mapping[str, Row]) -> Rows:
    subject = {
        "part": "parting",
        "against": one.start,
        "criterion": one.criterion,
        **_where(task, one.end),
        **known[one.signature],
    }
    yield {**subject, "statistic": "metric_change"}, one.metric
    yield {**subject, "statistic": "rating_change"}, one.ratings


def _learning(one: LearningCurve) -> Rows:
    known = dict(one.finite)
    subject = {"part": "learning curve", "series": one.series, "statistic": one.name}
    for step, value in zip(one.steps, one.values, strict=True):
        how = f"as logged ({one.form}) of {one.run}"
        if step not in known:
            how += f": {value}"
        yield {**subject, "step": step}, Estimate(known.get(step), n=1, method=how)


def _agreement(one: MetricAgreement) -> Rows:
    subject = {
        "part": "agreement",
        "metric": one.metric,
        "signature": one.signature,
        "criterion": one.criterion,
    }
    of_systems = {**subject, "level": "system"}
    for name, estimate in of_checkpoints(one).items():
        yield {**of_systems, "statistic": name}, estimate
    for grouping, at in one.segment.items():
        of_segments = {**subject, "level": "segment", "grouping": grouping}
        for name, estimate in of_outputs(at).items():
            yield {**of_segments, "statistic": name}, estimate
    for name in ("rater", "metric", "difference"):
        what = {**subject, "part": "ceiling", "statistic": name}
        yield what, getattr(one.ceiling, name)


def _preferred(task: TaskReport, one: Preferred) -> Rows:
    subject = {"part": "preference", "criterion": one.criterion.name}
    for label, found in one.checkpoints.items():
        where = {**subject, **_where(task, label)}
        yield {**where, "statistic": "win_rate"}, found.win_rate
        yield {**where, "statistic": "strength"}, found.strength
    for name in ("ties", "both_bad", "left", "alpha"):
        yield {**subject, "statistic": name}, getattr(one, name)


def _raters(task: TaskReport) -> Rows:
    for criterion, alpha in task.raters.alpha.items():
        yield {"part": "raters", "criterion": criterion, "statistic": "alpha"}, alpha
    for one in task.reliability:
        subject = {"part": "raters", "criterion": one.criterion}
        for name in ("ac2", "icc", "icc_of_means"):
            yield {**subject, "statistic": name}, getattr(one, name)
        for human in ("raw", "z", "adjusted"):
            for label, mean in getattr(one, human).items():
                where = {**subject, **_where(task, label), "human": human}
                yield {**where, "statistic": "mean"}, mean
    for campaign in task.campaigns:
        for rater in campaign.raters:
            who = {"campaign": campaign.campaign, "rater": rater.quality.rater}
            what = {"part": "rater", "statistic": "agreement"}
            yield {**what, **who}, rater.quality.agreement


def _recount(task: TaskReport, known: Mapping[str, Row]) -> Rows:
    """With all raters, and without the careless."""
    if task.recount is None:
        return
    rows: list[tuple[Row, BothWays]] = []
    for one in task.recount.criteria:
        subject = {"part": "recount", "criterion": one.criterion}
        rows.append(({**subject, "statistic": "alpha"}, one.alpha))
        for label, mean in one.means.items():
            where = {**subject, **_where(task, label)}
            rows.append(({**where, "statistic": "mean"}, mean))
        for signature, tau in one.kendall.items():
            rows.append(({**subject, **known[signature], "statistic": "kendall"}, tau))
    for chosen in task.recount.preferences:
        subject = {"part": "recount of choices", "criterion": chosen.criterion}
        rows.append(({**subject, "statistic": "alpha"}, chosen.alpha))
        for name in ("win_rate", "strength"):
            for label, both in getattr(chosen, f"{name}s").items():
                where = {**subject, **_where(task, label)}
                rows.append(({**where, "statistic": name}, both))
    for row, both in rows:
        yield {**row, "raters": "all"}, both.all
        yield {**row, "raters": "without"}, both.without
