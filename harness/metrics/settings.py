"""The settings of a metric: which it has, of what type, and what they may be."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.types import Json

DERIVED = MappingProxyType({"derived": True})
"""Metadata of a field that follows from the items, so that no task sets it."""

PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def types_of(metric: type, *, derived: bool = False) -> dict[str, Any]:
    """Name and type of each setting, in order.

    Args:
        metric: a dataclass.
        derived: also those that follow from the items.

    Raises:
        InputError: a type is not known at run time.
    """
    try:
        hints = get_type_hints(metric)
    except NameError as error:
        raise InputError(
            f"metric class {metric.__name__}: the type of a setting cannot be read "
            f"({error}); import it outside of TYPE_CHECKING"
        ) from error
    wanted = (f for f in fields(metric) if f.init)
    return {
        f.name: hints[f.name]
        for f in wanted
        if derived or not f.metadata.get("derived")
    }


def parsed(
    metric: type, name: str, given: Mapping[str, Json], *, derived: bool = False
) -> dict[str, Any]:
    """The settings that a task gives, each as the type that the metric wants.

    Args:
        metric: class of the metric.
        name: how the task calls it, for messages.
        given: name and value of each setting.
        derived: whether settings that follow from the items may be given, too.

    Raises:
        InputError: names metric, setting, and what would be right.
    """
    types = types_of(metric, derived=derived)
    for setting in given:
        if setting not in types:
            raise InputError(_unknown(name, setting, types))
    return {key: _cast(name, key, value, types[key]) for key, value in given.items()}


def check_choices(metric: object) -> None:
    """Refuse a value that is none of its setting's choices, also from Python.

    Raises:
        InputError: names metric, setting, and the nearest choice or all.
    """
    for setting, wanted in types_of(type(metric)).items():
        value = getattr(metric, setting)
        if get_origin(wanted) is Literal and value not in get_args(wanted):
            name = getattr(metric, "name", type(metric).__name__)
            raise InputError(_wrong(name, setting, value, wanted))


def check_least(metric: object, **least: int) -> None:
    """Refuse numbers below the least that makes sense for their setting.

    Raises:
        InputError: names metric, setting and the least.
    """
    for setting, low in least.items():
        value = getattr(metric, setting)
        if value < low:
            name = getattr(metric, "name", type(metric).__name__)
            raise InputError(
                f"metric '{name}': setting '{setting}' must be {low} or more, "
                f"but it is {value}"
            )


def _cast(name: str, setting: str, value: Json, wanted: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    if get_origin(wanted) is Literal:
        if value in get_args(wanted):
            return value
        raise InputError(_wrong(name, setting, value, wanted))
    try:
        return TypeAdapter(wanted).validate_python(value)
    except ValidationError as error:
        raise InputError(_wrong(name, setting, value, wanted)) from error


def _unknown(name: str, setting: str, known: Iterable[str]) -> str:
    names = list(known)
    if not names:
        return f"metric '{name}' has no settings, but '{setting}' is given"
    return (
        f"metric '{name}' has no setting '{setting}'{_nearest(setting, names)}; "
        f"it has: {', '.join(names)}"
    )


def _wrong(name: str, setting: str, value: Json, wanted: Any) -> str:
    near = _nearest(value, get_args(wanted)) if get_origin(wanted) is Literal else ""
    return (
        f"metric '{name}': setting '{setting}' must be {_words(wanted)}, "
        f"but it is {value!r}{near}"
    )


def _nearest(word: Json, known: Iterable[Any]) -> str:
    near = get_close_matches(str(word), [str(one) for one in known], n=1, cutoff=0.5)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _words(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(map(str, get_args(wanted)))}"
    if wanted is type(None):
        return "null"
    parts = [_words(part) for part in get_args(wanted)]
    return PLAIN.get(wanted) or " or ".join(parts) or str(wanted)
