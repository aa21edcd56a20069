"""Metrics that users bring: a Python file, or a package's entry point."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from harness.errors import FAILURES, InputError, MetricError
from harness.identity import content_hash
from harness.metrics.base import Metric, metrics
from harness.pythonfile import PREFIX, classes_in, load_module

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

GROUP = "harness.metrics"
"""Entry points in this group name metric classes."""


def plugins() -> list[str]:
    """Names of the metrics that installed packages bring."""
    from importlib.metadata import entry_points

    return sorted(point.name for point in entry_points(group=GROUP))


def plugin(name: str) -> type[Metric]:
    """A metric class that an installed package brings.

    Raises:
        MetricError: it cannot be imported, or is no metric.
    """
    from importlib.metadata import entry_points

    (point, *_) = entry_points(group=GROUP, name=name)
    try:
        found = point.load()
    except FAILURES as error:
        raise MetricError(name, f"({point.value}) cannot be loaded", error) from error
    if not (isinstance(found, type) and issubclass(found, Metric)):
        raise MetricError(name, f"({point.value}) is no subclass of Metric")
    return found


def metric_of_file(file: Path) -> type[Metric]:
    """The metric class of a Python file: the one it registers, else its only one.

    A hash of the file becomes part of the version, so that what was scored before an
    edit is scored anew.

    Raises:
        InputError: no such file, it fails to load, or holds not exactly one metric.
    """
    module, registered = _loaded(file)
    classes = registered or classes_in(module, Metric)
    if len(classes) != 1:
        names = ", ".join(sorted(found.__name__ for found in classes)) or "none"
        raise InputError(
            "it must hold one subclass of harness.metrics.Metric (of several, put "
            f"@metrics.register(...) on the one that is meant), but it holds {names}",
            file=file,
        )
    (metric,) = classes
    _check(metric, file)
    metric.version = f"{metric.version}+{content_hash(file.read_text('utf-8'))[:8]}"
    return metric


def _loaded(file: Path) -> tuple[ModuleType, set[type[Metric]]]:
    """The module, and the metrics that it registers."""
    before = {name: metrics[name] for name in metrics.names()}
    module = load_module(file)
    changed = {n for n in metrics.names() if metrics[n] is not before.get(n)}
    for taken in changed & before.keys():
        # Tasks may each have a file of their own that registers the same name.
        if not before[taken].__module__.startswith(PREFIX):
            metrics.register(taken)(before[taken])
            raise InputError(
                f"it registers '{taken}', which is taken; choose another name",
                file=file,
            )
    return module, {metrics[n] for n in changed}


def _check(metric: type[Metric], file: Path) -> None:
    class_ = metric.__name__
    name = getattr(metric, "name", "")
    if not isinstance(name, str) or not name.strip() or "|" in name:
        raise InputError(
            f"class {class_} needs a name without '|', as in name = 'mine'", file=file
        )
    if not is_dataclass(metric):
        raise InputError(f"put @dataclass(frozen=True) on class {class_}", file=file)
    settings = {field.name for field in fields(metric)}
    for attribute in settings & Metric.__annotations__.keys():
        raise InputError(
            f"class {class_}: write {attribute} = ... without annotation; "
            "an annotated attribute is a setting",
            file=file,
        )
