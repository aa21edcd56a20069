"""JSON: whether an output can be read by a program, and has the shape it must have."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import InputError, Unscorable, shown
from harness.identity import content_hash
from harness.metrics.base import MeanMetric, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.types import Item, Json

DEEPEST = 200
"""Levels of nesting beyond which a text counts as no JSON; readers may set a limit
(RFC 8259, section 9), and a fixed one gives each machine the same scores."""

LONGEST = 4000
"""Digits beyond which Python reads no whole number."""

MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
OPENING = re.compile(r"^ {0,3}```json[ \t]*\n", re.IGNORECASE | re.MULTILINE)
CLOSING = re.compile(r"^ {0,3}```[ \t]*$", re.MULTILINE)


@metrics.register("json")
@dataclass(frozen=True)
class JsonSchema(MeanMetric):
    """1 if the output is JSON and matches the schema, if there is one; else 0.

    JSON as RFC 8259 has it: NaN and Infinity are none, nor is what nests more than
    200 deep. Schemas are JSON Schema, draft 2020-12, by jsonschema; `format` is not
    checked, as the draft has it.
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
        text = json.dumps(self._read.schema, sort_keys=True)
        schema = "none" if self.schema is None else content_hash(text)[:8]
        return f"{self.name}|fenced:{self.fenced}|schema:{schema}|{self.version}"

    def score(self, item: Item, text: str) -> float:  # noqa: ARG002
        """0 or 1.

        Raises:
            Unscorable: the schema cannot be applied to it.
        """
        try:
            value = _parsed(self._body(text))
        except ValueError:
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
        opening = OPENING.search(text) if self.fenced else None
        if opening is None:
            return text
        closing = CLOSING.search(text, opening.end())
        return text if closing is None else text[opening.end() : closing.start()]

    @cached_property
    def _read(self) -> JsonSchema:
        """With the schema itself, also where Python gave a path."""
        return self.beside(Path())

    @cached_property
    def _validator(self) -> Any:
        schema = self._read.schema
        return None if schema is None else _validator(schema)


def _parsed(text: str) -> Json:
    depth = 0
    for mark in MARKS.finditer(text):
        depth += (mark[0] in "[{") - (mark[0] in "]}")
        if depth > DEEPEST:
            raise ValueError("nested too deep")
    return json.loads(text, parse_constant=_refused, parse_int=_whole)


def _refused(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < LONGEST else float(digits)


def _mapping(schema: Json) -> dict[str, Any]:
    if isinstance(schema, dict):
        return schema
    raise InputError(f"a schema is an object, but this is {shown(schema)}")


def _validator(schema: Mapping[str, Any]) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing.jsonschema import EMPTY_REGISTRY

    # An empty registry, since the default one fetches what a reference leads to.
    kind = extend(Draft202012Validator, {"pattern": _pattern})
    return kind(schema, registry=EMPTY_REGISTRY)


def _pattern(
    validator: Any, pattern: str, instance: Json, schema: Json
) -> Iterator[Any]:
    """The keyword `pattern`, for which jsonschema itself would take all its time."""
    import regex
    from jsonschema import ValidationError

    from harness.metrics.regex import search

    del schema
    if validator.is_type(instance, "string"):
        if search(regex.compile(pattern), instance) is None:
            yield ValidationError("no match")


def _check(schema: dict[str, Any]) -> None:
    """Refuse a mapping that is no schema, or that refers to something outside it."""
    import regex
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import exceptions
    from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

    try:
        Draft202012Validator.check_schema(schema)
        root = DRAFT202012.create_resource(schema)
        name = root.id() or ""
        registry = EMPTY_REGISTRY.with_resource(name, root).crawl()
        _resolve(root, registry.resolver(name))
    except SchemaError as error:
        raise InputError(
            f"metric 'json': no JSON Schema, at {error.json_path}: {error.message:.200}"
        ) from error
    except exceptions.Unresolvable as error:
        raise InputError(
            f"metric 'json': the schema refers to '{error.ref}', which is not in it; "
            "put what it refers to under $defs, as nothing is fetched"
        ) from error
    except (RecursionError, TypeError, regex.error) as error:
        raise InputError(f"metric 'json': no JSON Schema: {error}") from error


def _resolve(resource: Any, resolver: Any) -> None:
    """Look up all references of a schema and of those within it."""
    if isinstance(resource.contents, dict):
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in resource.contents:
                resolver.lookup(resource.contents[keyword])
    for inner in resource.subresources():
        _resolve(inner, resolver.in_subresource(inner))
