"""JSON: whether a program can read an output, and it has the shape it must have."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import InputError, Unscorable, shown
from harness.identity import content_hash
from harness.metrics.base import MeanMetric, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.types import Item, Json

FENCE, END = "```json", "\n```"


@metrics.register("json")
@dataclass(frozen=True)
class JsonSchema(MeanMetric):
    """1 if the output is JSON and matches the schema, if there is one; else 0.

    JSON as RFC 8259 has it: NaN and Infinity are none. Nor is what Python does not
    read: about a thousand levels of nesting, or a number of over 4300 digits. Schemas
    are JSON Schema of the draft that `$schema` names, else 2020-12, by jsonschema;
    `format` is not checked, as the draft has it.
    """

    name = "json"
    fenced: bool = False
    """Whether the first block fenced by ```json counts where there is one."""
    schema: str | dict[str, Any] | None = None
    """A JSON Schema, or the path of its file, from the task's folder; its references
    may not lead out of it, since nothing is fetched."""

    def __post_init__(self) -> None:
        """Refuse what is no schema.

        Raises:
            InputError: says where in the schema.
        """
        super().__post_init__()
        if isinstance(self.schema, dict):
            _check(self.schema)

    def beside(self, folder: Path) -> JsonSchema:
        """With the schema that the path leads to.

        Raises:
            InputError: no such file, or no JSON Schema in it.
        """
        if not isinstance(self.schema, str):
            return self
        file = folder / self.schema
        try:
            schema = json.loads(file.read_text(encoding="utf-8"))
            return replace(self, schema=_mapping(schema))
        except (OSError, ValueError, RecursionError, InputError) as error:
            raise InputError(f"no JSON Schema: {error}", file=file) from error

    @property
    def signature(self) -> str:
        """`json|fenced:...|schema:HASH OF ITS CONTENT|v1`."""
        text = json.dumps(self._schema, sort_keys=True)
        schema = "none" if self.schema is None else content_hash(text)[:8]
        return f"{self.name}|fenced:{self.fenced}|schema:{schema}|{self.version}"

    def score(self, item: Item, text: str) -> float:  # noqa: ARG002
        """0 or 1.

        Raises:
            Unscorable: the schema cannot be applied to it.
        """
        try:
            value = json.loads(self._body(text), parse_constant=_refused)
        except (ValueError, RecursionError):
            return 0.0
        if self._validator is None:
            return 1.0
        try:
            return float(self._validator.is_valid(value))
        except (RecursionError, ArithmeticError) as error:
            raise Unscorable(
                f"the schema cannot be applied to it: {type(error).__name__}"
            ) from error

    def _body(self, text: str) -> str:
        """The fenced block where that is wanted and there is one, else all."""
        _, fence, rest = text.partition(FENCE)
        block, end, _ = rest.partition(END)
        return block if self.fenced and fence and end else text

    @cached_property
    def _schema(self) -> dict[str, Any] | None:
        """The schema itself, also where Python gave a path."""
        schema = self.beside(Path()).schema
        return schema if isinstance(schema, dict) else None

    @cached_property
    def _validator(self) -> Any:
        from referencing.jsonschema import EMPTY_REGISTRY

        if self._schema is None:
            return None
        # An empty registry, since the default one fetches what a reference leads to.
        return _kind(self._schema)(self._schema, registry=EMPTY_REGISTRY)


def _refused(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


def _mapping(schema: Json) -> dict[str, Any]:
    if isinstance(schema, dict):
        return schema
    raise InputError(f"a schema is an object, but this is {shown(schema)}")


def _kind(schema: dict[str, Any]) -> Any:
    from jsonschema import Draft202012Validator, validators

    known: Any = validators
    kind = known.validator_for(schema, default=Draft202012Validator)
    return known.extend(kind, KEYWORDS)


def _pattern(_: Any, pattern: str, instance: Json, __: Json) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError("no match")


def _pattern_properties(
    validator: Any, schemas: Json, instance: Json, _: Json
) -> Iterator[Any]:
    for key, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, schema in schemas.items():
            if _found(pattern, key):
                yield from validator.descend(value, schema)


def _additional_properties(
    validator: Any, rest: Json, instance: Json, schema: Json
) -> Iterator[Any]:
    named, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for key, value in instance.items() if isinstance(instance, dict) else ():
        if key not in named and not any(_found(one, key) for one in patterns):
            yield from validator.descend(value, rest)


def _unique_items(_: Any, unique: Json, instance: Json, __: Json) -> Iterator[Any]:
    from jsonschema import ValidationError

    items = instance if unique and isinstance(instance, list) else []
    if len(set(map(_hashable, items))) < len(items):
        yield ValidationError("repeated")


KEYWORDS = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}
"""Keywords on which jsonschema's own program may spend any time."""


def _found(pattern: str, text: str) -> bool:
    import regex

    from harness.metrics.regex import search

    return search(regex.compile(pattern), text) is not None


def _hashable(value: Json) -> object:
    """What equal JSON values share: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, dict):
        return dict, frozenset((key, _hashable(one)) for key, one in value.items())
    if isinstance(value, list):
        return list, tuple(map(_hashable, value))
    return isinstance(value, bool), value


def _check(schema: dict[str, Any]) -> None:
    """Refuse a mapping that is no schema, or that refers to something outside it."""
    import regex
    from jsonschema import SchemaError
    from referencing import Resource, exceptions
    from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

    try:
        _kind(schema).check_schema(schema)
        root = Resource.from_contents(schema, default_specification=DRAFT202012)
        name = root.id() or ""
        registry = EMPTY_REGISTRY.with_resource(name, root).crawl()
        _look_up(root, registry.resolver(name))
    except SchemaError as error:
        raise InputError(
            f"metric 'json': no JSON Schema, at {error.json_path}: {error.message:.200}"
        ) from error
    except exceptions.Unresolvable as error:
        raise InputError(
            f"metric 'json': the schema refers to '{error.ref}', which is not in it; "
            "put what it refers to under $defs, as nothing is fetched"
        ) from error
    except (RecursionError, AttributeError, TypeError, regex.error) as error:
        raise InputError(f"metric 'json': no JSON Schema: {error}") from error


def _look_up(resource: Any, resolver: Any) -> None:
    """Look up all references of a schema and of those within it; compile patterns."""
    import regex

    if isinstance(resource.contents, dict):
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in resource.contents:
                resolver.lookup(resource.contents[keyword])
        regex.compile(resource.contents.get("pattern", ""))
    for inner in resource.subresources():
        _look_up(inner, resolver.in_subresource(inner))
