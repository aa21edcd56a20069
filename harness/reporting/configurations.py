"""How the series differ in their configurations, beside their best results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.configuration import DATA_FINGERPRINT, ONE_NAME, PEAK
from harness.reporting.formats import MISSING, counted, on_one_line, shortened
from harness.reporting.tables import columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.reporting.model import CheckpointReport, TaskReport
    from harness.reporting.tables import Column
    from harness.types import Estimate, Json

MOST_SETTINGS = 12
"""Settings shown; the JSON report has all."""
LONGEST = 60
"""Letters shown of a setting."""
FIRST = (*ONE_NAME, DATA_FINGERPRINT)
"""Settings that are shown before others."""
PLACES = frozenset(
    ("output_dir", "logging_dir", "run_name", "hub_model_id", "overwrite_output_dir")
)
"""Settings that name the run itself, and differ without making a difference."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best result of a series by a metric or criterion."""

    column: Column
    """The metric or criterion."""
    checkpoint: str
    """Name of the checkpoint within its series."""
    value: Estimate
    """Its value."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series: how it was trained, and how good it became."""

    series: str
    """Its name."""
    settings: tuple[str, ...]
    """Value of each setting in which series differ; a dash where it is unknown."""
    best: tuple[Best | None, ...]
    """By each criterion and metric with a direction; None without values."""


@dataclass(frozen=True, slots=True)
class Configurations:
    """The settings in which series differ, against their results."""

    settings: tuple[str, ...]
    """Names of the settings shown."""
    left: int
    """How many more differ."""
    columns: tuple[Column, ...]
    """Criteria and metrics."""
    rows: tuple[SeriesRow, ...]
    """One a series."""


def configurations(task: TaskReport) -> Configurations | None:
    """The table, or None where series do not differ as far as is known."""
    runs: dict[str, list[CheckpointReport]] = {}
    for one in task.checkpoints:
        runs.setdefault(one.series, []).append(one)
    known = {series: _settings(own) for series, own in runs.items()}
    names = _differing([settings for settings in known.values() if settings])
    if not names:
        return None
    directed = {metric.signature for metric in task.metrics if metric.directed}
    shown = [c for c in columns(task) if c.rated or c.key in directed]
    return Configurations(
        settings=tuple(names[:MOST_SETTINGS]),
        left=max(0, len(names) - MOST_SETTINGS),
        columns=tuple(shown),
        rows=tuple(
            SeriesRow(
                series=series,
                settings=tuple(
                    known[series].get(name, MISSING) for name in names[:MOST_SETTINGS]
                ),
                best=tuple(_best(column, own) for column in shown),
            )
            for series, own in runs.items()
        ),
    )


def left_out(found: Configurations) -> list[str]:
    """That there are more settings than are shown; empty where there are not."""
    more = counted(found.left, "more setting")
    differ = "differs" if found.left == 1 else "differ"
    return [f"{more} {differ}: see the JSON report."] if found.left else []


def _settings(run: Sequence[CheckpointReport]) -> dict[str, str]:
    """Name of each setting to its value; where it changed, to all in their order."""
    found: dict[str, list[str]] = {}
    for checkpoint in run:
        for name, value in _of_checkpoint(checkpoint).items():
            text = shortened(on_one_line(_text(value)), LONGEST)
            values = found.setdefault(on_one_line(name), [])
            if name == PEAK:
                # Of what was logged so far, the last checkpoint has seen most.
                values[:] = [text]
            elif text not in values:
                values.append(text)
    return {name: " → ".join(values) for name, values in found.items()}


def _of_checkpoint(checkpoint: CheckpointReport) -> Mapping[str, Json]:
    told = {k: v for k, v in checkpoint.configuration.items() if k not in PLACES}
    dtype = checkpoint.used.get("dtype")
    return {**told, "evaluated in": dtype} if dtype and told else told


def _text(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _differing(series: Sequence[Mapping[str, str]]) -> list[str]:
    """Settings that are not alike in all series of which any are known."""
    every = dict.fromkeys(name for settings in series for name in settings)
    names = sorted(every, key=lambda name: name not in FIRST)
    return [n for n in names if len({settings.get(n) for settings in series}) > 1]


def _best(column: Column, run: Sequence[CheckpointReport]) -> Best | None:
    known = [
        (column.sign * cell.value, checkpoint.name, cell)
        for checkpoint in run
        if (cell := column.checkpoints.get(checkpoint.label)) and cell.value is not None
    ]
    if not known:
        return None
    _, name, cell = max(known, key=lambda one: one[0])
    return Best(column, name, cell)
