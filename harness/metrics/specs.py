"""From what a task or a study says of a metric to the metric, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.errors import InputError, NotFound, shown
from harness.metrics.base import MeanMetric, Metric, Tallied, Whole, metrics
from harness.metrics.custom import metric_of_file, plugin, plugins
from harness.metrics.imported import StoredMean
from harness.metrics.settings import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.types import Json

GROUPS = {"rouge": ("rouge1", "rouge2", "rougeL")}
"""Names that stand for several metrics."""

EVALUATE = "evaluate:"


def names() -> list[str]:
    """All names that a task may call a metric by, sorted."""
    return sorted({*metrics.names(), *GROUPS, *plugins()})


def build(spec: Json, base: Path) -> list[Metric]:
    """The metrics that an entry of a task's list stands for.

    A metric out of a file or of `evaluate:` is loaded, which runs its code.

    Args:
        spec: `bleu`, `bleu:tokenize=intl` (more settings after commas), `my_metric.py`,
            `evaluate:PATH_OR_NAME[:KEY]`, or a mapping of one such name to settings.
        base: folder that paths start from.

    Raises:
        NotFound: no metric has this name.
        InputError: an unknown or ill-typed setting, no such file, or one that fails.
        MetricError: a package's metric fails to load.
    """
    name, given = _split(spec)
    found = _built(name, given, base)
    for metric in found:
        _check_settings(metric)
    return found


def describe(metric: Metric) -> dict[str, Json]:
    """What a study stores, so that a report can work with the metric's scores.

    Returns:
        `name`, `signature`, `form` (`mean`, `tallied` or `whole`), `spec` (JSON),
        `unit` and `higher_is_better`.
    """
    return {
        "name": metric.name,
        "signature": metric.signature,
        "form": _form(metric),
        "spec": json.dumps(spec_of(metric), ensure_ascii=False),
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
    }


def spec_of(metric: Metric) -> dict[str, dict[str, Json]]:
    """What a task would write for the metric, with all its settings."""
    return {metric.origin or metric.name: metric.settings}


def from_description(description: Mapping[str, Json], base: Path) -> Metric:
    """The metric that a study stored; only its form `mean` needs no files.

    Args:
        description: as `describe` gives it.
        base: folder that the paths of the user's own metrics start from.

    Raises:
        InputError: the file of a user's metric is gone, or no longer the one that
            gave the scores.
        NotFound: the package that brought the metric is gone.
    """
    if description["form"] == "mean":
        return StoredMean(
            name=description["name"],
            stored_signature=description["signature"],
            higher_is_better=bool(description["higher_is_better"]),
            unit=description["unit"],
        )
    ((name, settings),) = json.loads(description["spec"]).items()
    (metric,) = _built(name, settings, base, derived=True)
    if metric.origin and metric.signature != description["signature"]:
        raise InputError(
            f"metric '{metric.name}' ({metric.origin}) has changed since the study was "
            f"scored: it was {description['signature']} and is {metric.signature}; "
            "score again"
        )
    return metric


def _check_settings(metric: Metric) -> None:
    try:
        json.dumps(metric.settings)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"metric '{metric.name}': a study keeps settings as JSON, which these are "
            f"not: {shown(metric.settings)} ({error})"
        ) from error


def _form(metric: Metric) -> str:
    if isinstance(metric, Whole):
        return "whole"
    # Of the form `mean` nothing is kept but the values and which way is better.
    if not isinstance(metric, MeanMetric) or not metric.directed:
        return "tallied"
    kind = type(metric)
    values = (kind.value, kind.output_value, kind.item_tally)
    plain = values == (MeanMetric.value, Tallied.output_value, Tallied.item_tally)
    return "mean" if plain else "tallied"


def _built(
    name: str, given: Mapping[str, Json], base: Path, *, derived: bool = False
) -> list[Metric]:
    if name.startswith(EVALUATE):
        from harness.metrics.evaluate import from_module

        return [from_module(name.removeprefix(EVALUATE), base, given)]
    if name.endswith(".py"):
        classes = [metric_of_file(base / name)]
        classes[0].origin = name
    else:
        classes = [_class(member) for member in GROUPS.get(name, (name,))]
    return [
        kind(**parsed(kind, name, given, derived=derived)).beside(base)
        for kind in classes
    ]


def _class(name: str) -> type[Metric]:
    if name in metrics:
        return metrics[name]
    if name in plugins():
        return plugin(name)
    raise NotFound("metric", name, names())


def _split(spec: Json) -> tuple[str, dict[str, Json]]:
    """Name and settings; for `evaluate:` path and key are part of the name."""
    if isinstance(spec, str):
        return _split_text(spec)
    if isinstance(spec, dict) and len(spec) == 1:
        ((text, given),) = spec.items()
        name, settings = _split_text(str(text))
        if given is None or isinstance(given, dict):
            return name, settings | (given or {})
        raise InputError(
            f"metric '{name}': its settings must map names to values, "
            f"but they are {given!r:.80}"
        )
    raise InputError(
        "a metric must be a name, or one name with its settings as in "
        f"{{bleu: {{tokenize: intl}}}}, but it is {spec!r:.80}"
    )


def _split_text(text: str) -> tuple[str, dict[str, Json]]:
    name, *rest = text.split(":")
    settings: dict[str, Json] = {}
    if text.startswith(EVALUATE):
        source, *rest = rest
        name = EVALUATE + source
        if rest and "=" not in rest[0]:
            settings["key"] = rest.pop(0)
    for pair in ",".join(rest).split(",") if rest else ():
        setting, sign, value = pair.partition("=")
        if not sign:
            raise InputError(
                f"metric '{text}': a setting is written name=value, "
                f"as in bleu:tokenize=intl, but this one is '{pair}'"
            )
        settings[setting.strip()] = _scalar(value, text)
    return name, settings


def _scalar(value: str, text: str) -> Json:
    """The value as it would be read in the task's file."""
    import yaml

    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise InputError(f"metric '{text}': '{value}' is no single value") from error
