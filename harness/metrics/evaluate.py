"""Any module of Hugging Face's evaluate as a metric, by file or by name."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from harness.errors import FAILURES, InputError, MetricError, Unscorable
from harness.metrics.base import NO_REFERENCE, BatchedMean, MeanMetric, Whole, signed
from harness.metrics.settings import parsed
from harness.types import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.metrics.base import Judged, Metric
    from harness.types import Json, Tally

ANIMALS = ("cat", "dog", "owl", "cow", "fox")
NUMBERS = ("0", "1", "1", "0", "1")
"""What modules are tried on. Five, as sacreBLEU's own results hold lists of four."""

TEXTUAL = ("string", "list")


@dataclass(frozen=True)
class Options:
    """What a task may set beside the arguments of the module's `compute`."""

    key: str = ""
    """Which entry of the module's result is the value; empty: find it."""
    form: Literal["trial", "mean", "whole"] = "trial"
    """Whether that entry lists a value for each output, or is one value."""
    lower_is_better: bool | None = None
    """None: as the module's class says, else false."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A loaded evaluate module and how it is called."""

    loaded: Any
    """The `evaluate.EvaluationModule`."""
    name: str
    """Its own name, or the stem of its file."""
    source: str
    """Path or name by which the task calls it."""
    arguments: Mapping[str, Json]
    """Further arguments of its `compute`."""

    @property
    def features(self) -> list[Mapping[str, Any]]:
        """Columns and types that it takes, one mapping for each that it accepts."""
        features = self.loaded.features
        return list(features) if isinstance(features, list) else [features]

    def compute(self, judged: Sequence[Judged]) -> dict[str, Json]:
        """The module's result for these outputs.

        Raises:
            MetricError: the module failed, or gave something else than a dictionary.
        """
        columns = self._columns(judged)
        try:
            result = self.loaded.compute(**columns, **self.arguments)
        except FAILURES as error:
            raise MetricError(self.name, f"({self.source}) failed", error) from error
        if not isinstance(result, dict):
            raise self.error(f"gave {type(result).__name__} instead of a dictionary")
        return result

    def reason(self, item: Item, text: str) -> Unscorable | None:
        """Why the module cannot judge an output, if so."""
        features = self.features[0]
        if "references" in features and not item.references:
            return Unscorable(NO_REFERENCE)
        # A module for classes or numbers gets each text as the type it asks for.
        for column, value in self._row(item, text).items():
            dtype = _dtype(features.get(column))
            try:
                if dtype not in TEXTUAL:
                    features[column].encode_example(value)
            except (TypeError, ValueError):
                return Unscorable(f"the module wants {dtype}, not '{value:.40}'")
        return None

    def error(self, problem: str, cause: BaseException | None = None) -> MetricError:
        """An error that names metric and module."""
        return MetricError(self.name, f"({self.source}) {problem}", cause)

    def _columns(self, judged: Sequence[Judged]) -> dict[str, list[Json]]:
        rows = [self._row(item, text) for item, text in judged]
        wanted = self.features[0]
        unknown = [column for column in wanted if column not in rows[0]]
        if unknown:
            raise self.error(
                f"asks for {', '.join(unknown)}; outputs come with {', '.join(rows[0])}"
            )
        return {column: [row[column] for row in rows] for column in wanted}

    def _row(self, item: Item, text: str) -> dict[str, Json]:
        """All that a module can ask for; `data` is what measurements call texts."""
        several = any(_dtype(f.get("references")) == "list" for f in self.features)
        references = list(item.references) if several else (*item.references, "")[0]
        return {
            "predictions": text,
            "references": references,
            "sources": item.prompt,
            "data": text,
        }


class _Adapter:
    """What both forms share: a module, and the entry of its result that counts."""

    module: Module
    name: str
    key: str
    higher_is_better: bool

    @property
    def signature(self) -> str:
        """`NAME|evaluate:HASH OF ITS CODE|key:KEY|argument:value|...|v1`."""
        # evaluate's own hash covers the files that the module imports, too.
        code = self.module.loaded._hash[:8]  # noqa: SLF001
        arguments = [
            f"{name}:{signed(json.dumps(value))}"
            for name, value in sorted(self.module.arguments.items())
        ]
        key = f"key:{signed(self.key)}"
        return "|".join([self.name, f"evaluate:{code}", key, *arguments, "v1"])

    @property
    def settings(self) -> dict[str, Json]:
        """What `from_module` needs to make it again without a trial."""
        return {
            "key": self.key,
            "form": "mean" if isinstance(self, MeanMetric) else "whole",
            "lower_is_better": not self.higher_is_better,
            **self.module.arguments,
        }


@dataclass(frozen=True, kw_only=True)
class EvaluateMean(_Adapter, BatchedMean):
    """A module whose result lists a value for each output."""

    module: Module
    name: str
    key: str
    origin: str
    higher_is_better: bool = True

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """[value, 1] of each output, from one call of the module."""
        reasons = [self.module.reason(item, text) for item, text in judged]
        able = [one for one, no in zip(judged, reasons, strict=True) if no is None]
        values = iter(self._values(able) if able else ())
        return [no or _tally(next(values)) for no in reasons]

    def _values(self, judged: Sequence[Judged]) -> list[Json]:
        values = _listed(self.module.compute(judged).get(self.key))
        if values is None or len(values) != len(judged):
            raise self.module.error(
                f"gave no list of {len(judged)} numbers as '{self.key}'"
            )
        return values


@dataclass(frozen=True, kw_only=True)
class EvaluateWhole(_Adapter, Whole):
    """A module whose result is one value for all outputs."""

    module: Module
    name: str
    key: str
    origin: str
    higher_is_better: bool = True

    def reason(self, item: Item, text: str) -> Unscorable | None:
        """Why the module cannot judge an output, if so."""
        return self.module.reason(item, text)

    def value_of(self, judged: Sequence[Judged]) -> float:
        """The value of these outputs together.

        Raises:
            Unscorable: the module gives no value, or there is nothing to judge.
        """
        if not judged:
            raise Unscorable("there is no output")
        value = _plain(self.module.compute(judged).get(self.key, ""))
        if not _is_number(value):
            raise self.module.error(f"gave no number as '{self.key}'")
        tally = _tally(value)
        if isinstance(tally, Unscorable):
            raise tally
        return float(tally[0])


def from_module(source: str, base: Path, given: Mapping[str, Json]) -> Metric:
    """The metric that an evaluate module makes.

    Importing evaluate takes seconds. The module is tried once on five made-up outputs,
    to learn whether it gives a value for each, unless the task names key and form.
    Nothing is fetched: a module by name must have been loaded on this machine before.

    Args:
        source: path of a `.py` file, or of a folder with one of its name, or the name
            of a module.
        base: folder that paths start from.
        given: key, form, lower_is_better, and arguments of the module's `compute`.

    Raises:
        InputError: no such file, or a setting is not as it must be.
        MetricError: the module cannot be loaded or fails when it is tried.
    """
    name = Path(source).stem
    own = {key: value for key, value in given.items() if key in vars(Options())}
    options = Options(**parsed(Options, name, own))
    if options.form != "trial" and not options.key:
        raise InputError(f"metric '{name}' has a form, but no key to find it by")
    module = Module(
        loaded=_load(source, name, base),
        name=name,
        source=source,
        arguments={key: value for key, value in given.items() if key not in own},
    )
    key, form = options.key, str(options.form)
    if form == "trial":
        key, form = _tried(module, options.key)
    lower = options.lower_is_better
    if lower is None:
        lower = bool(getattr(module.loaded, "lower_is_better", False))
    kind = EvaluateMean if form == "mean" else EvaluateWhole
    origin = f"evaluate:{source}"
    return kind(
        module=module, name=name, key=key, origin=origin, higher_is_better=not lower
    )


def _load(source: str, name: str, base: Path) -> Any:
    path = base / source
    local = path.is_file() or (path / f"{path.name}.py").is_file()
    if not local and (source.startswith((".", "/")) or source.endswith(".py")):
        raise InputError("no such evaluate module", file=path)
    import evaluate

    try:
        with _offline():
            loaded = evaluate.load(
                str(path.resolve()) if local else source, keep_in_memory=True
            )
    except FAILURES as error:
        if not local and isinstance(error, OSError):
            raise MetricError(
                name,
                "is not on this machine; fetch the module once with: "
                f"python -c \"import evaluate; evaluate.load('{source}')\", "
                "or give the path of its file",
            ) from error
        raise MetricError(
            name,
            f"({source}) cannot be loaded (a module is a class derived from "
            "evaluate.Metric, with 'import evaluate'; it must not fetch anything)",
            error,
        ) from error
    # evaluate seeds numpy with it; it would differ from one process to the next.
    loaded.seed = 0
    return loaded


@contextmanager
def _offline() -> Iterator[None]:
    """Nothing is fetched by evaluate, which otherwise tries so for a while."""
    from evaluate import config

    before = config.HF_EVALUATE_OFFLINE
    config.HF_EVALUATE_OFFLINE = True
    try:
        yield
    finally:
        config.HF_EVALUATE_OFFLINE = before


def _tried(module: Module, key: str) -> tuple[str, str]:
    """Key and form of the value, found by five outputs."""
    numeric = _dtype(module.features[0].get("predictions")) not in TEXTUAL
    texts = NUMBERS if numeric else [f"The {animal} sat on it." for animal in ANIMALS]
    judged = [
        (Item(text, "trial", str(number), "What sat on it?", (text,)), text)
        for number, text in enumerate(texts)
    ]
    try:
        result = module.compute(judged)
    except MetricError as error:
        if error.__cause__ is None:
            raise
        raise module.error(
            f"failed when it was tried on '{texts[0]}' and the like; if it needs other "
            f"texts, name key and form, as in evaluate:{module.source}:KEY:form=mean",
            error.__cause__,
        ) from error
    found = _entry(result, len(texts), key, module.name)
    if found is None:
        problem = f"none is called '{key}'" if key else "which one counts is not plain"
        raise module.error(
            f"gives these values: {', '.join(result) or 'none'}; {problem}: name one, "
            f"as in evaluate:{module.source}:KEY"
        )
    return found


def _entry(
    result: Mapping[str, Json], outputs: int, key: str, name: str
) -> tuple[str, str] | None:
    """Key and form of the entry that counts; None where that is not plain."""
    lists = [k for k, v in result.items() if len(_listed(v) or ()) == outputs]
    numbers = [k for k, v in result.items() if v is not None and _is_number(_plain(v))]
    wanted = [key] if key else ["scores", "score", name]
    for form, entries in (("mean", lists), ("whole", numbers)):
        for entry in wanted:
            if entry in entries:
                return entry, form
        if entries and not key:
            return (entries[0], form) if len(entries) == 1 else None
    return None


def _dtype(feature: Any) -> str:
    """`string`, `list`, or what kind of number it is."""
    from datasets import Value

    if feature is None:
        return "string"
    if not isinstance(feature, Value):
        return "list"
    return "string" if "string" in feature.dtype else str(feature.dtype)


def _plain(value: Json) -> Json:
    """Arrays and tensors as lists and numbers."""
    return value.tolist() if hasattr(value, "tolist") else value


def _listed(value: Json) -> list[Json] | None:
    """A list of numbers as such; None for anything else."""
    values = _plain(value)
    if not isinstance(values, list | tuple):
        return None
    values = [_plain(one) for one in values]
    return values if all(_is_number(one) for one in values) else None


def _is_number(value: Json) -> bool:
    """Whether it is a number, or None for an unknown one."""
    return value is None or isinstance(value, int | float)


def _tally(value: float | None) -> Tally | Unscorable:
    if value is None or not math.isfinite(value):
        return Unscorable(f"the module gives {value} for it")
    return np.array([value, 1.0], dtype=np.float64)
