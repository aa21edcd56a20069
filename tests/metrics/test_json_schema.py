"""JSON and schemas, by hand and against jsonschema; nothing is fetched."""

import json
import socket
import time

import jsonschema
import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import JsonSchema, build, describe, from_description
from harness.types import Item

ITEM = Item("1", "task", "1", "")
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0},
        "friends": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def score(text, schema=None, **settings):
    return JsonSchema(schema=schema, **settings).score(ITEM, text)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        ' {"a": [1, 2.5e3, null]} \n',
        '"a"',
        "0",
        "true",
        "1e999",
        '{"ก": "日本 قطة"}',
        r'"\ud800"',
        '{"a": 1, "a": 2}',
    ],
)
def test_json_is_json(text):
    assert score(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{'a': 1}",
        '{"a": 1,}',
        "[1] [2]",
        "// a\n1",
        "01",
        "None",
        "a",
        "NaN",
        "[NaN]",
        '{"a": Infinity}',
        "[-Infinity]",
        '"a\nb"',
        "Sure! {}",
    ],
)
def test_what_is_no_json_is_zero(text):
    assert score(text) == 0
    assert score(text, {}) == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ann"}',
        '{"name": ""}',
        '{"name": "Ann", "age": -1}',
        "[]",
        "null",
        '{"name": "Ann", "age": 1.0}',
        '{"age": 3}',
        '{"name": "Ann", "sex": "f"}',
        '{"name": "Ann", "friends": [{"name": "Ben", "friends": [{"name": 1}]}]}',
        '{"name": "Ann", "friends": [{"name": "Ben", "friends": []}]}',
    ],
)
def test_a_schema_says_what_jsonschema_says(text):
    expected = jsonschema.Draft202012Validator(PERSON).is_valid(json.loads(text))
    assert score(text, PERSON) == expected


def test_the_draft_that_the_schema_names_counts():
    """An array of `items` is a list of places in draft 7, and nothing in 2020-12."""
    schema = {"items": [{"type": "string"}]}
    older = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
    assert score('["a"]', older) == 1
    assert score("[1]", older) == 0
    with pytest.raises(InputError, match=r"no JSON Schema, at \$\.items"):
        JsonSchema(schema=schema)


@pytest.mark.parametrize(
    ("text", "fenced", "plain"),
    [
        ('Here:\n```json\n{"a": 1}\n```\nDone.', 1, 0),
        ('{"a": 1}', 1, 1),
        ("```json\n{\n```", 0, 0),
        ("```json\n{}", 0, 0),
        ("```json\n{}\n```\n```json\n{\n```", 1, 0),
        ('```json\n{"code": "```py```"}\n```', 1, 0),
        ("```\n{}\n```", 0, 0),
    ],
)
def test_a_fenced_block_counts_where_it_is_wanted(text, fenced, plain):
    assert score(text, fenced=True) == fenced
    assert score(text) == plain


# Hostile outputs and schemas.


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100000,
        "[" * 100000 + "]" * 100000,
        '{"a":' * 50000,
        "9" * 5000,
        '"' + "\\" * 200001,
        "```json\n" * 100000,
    ],
    ids=lambda text: text[:4],
)
@pytest.mark.parametrize("schema", [None, PERSON])
def test_outputs_that_cannot_be_read_are_zero_at_once(text, schema):
    started = time.perf_counter()
    assert score(text, schema, fenced=True) == 0
    assert time.perf_counter() - started < 2


def test_a_huge_text_is_read():
    assert score(json.dumps(["text"] * 300_000), {"items": {"type": "string"}}) == 1


def test_an_output_nested_too_deep_for_its_schema_is_unknown():
    nested = '{"name": "a", "friends": [' * 400 + "]}" * 400
    assert score(nested) == 1
    with pytest.raises(Unscorable, match="cannot be applied to it: RecursionError"):
        score(nested, PERSON)


def test_a_pattern_that_takes_ages_leaves_the_output_unscored():
    with pytest.raises(Unscorable, match="takes more than 1 s on it"):
        score(f'"{"a" * 60}b"', {"pattern": "(a|aa)+$"})


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {"(a|aa)+$": {}}},
        {"patternProperties": {"(a|aa)+$": {}}, "additionalProperties": False},
        {"propertyNames": {"pattern": "(a|aa)+$"}},
    ],
)
def test_so_does_a_pattern_of_keys(schema):
    with pytest.raises(Unscorable, match="takes more than 1 s"):
        score(f'{{"{"a" * 60}b": 1}}', schema)


def test_many_items_are_told_apart_at_once():
    text = json.dumps([{"a": number} for number in range(20_000)])
    before = time.monotonic()
    assert score(text, {"uniqueItems": True}) == 1
    assert score(f'{text[:-1]}, {{"a": 7.0}}]', {"uniqueItems": True}) == 0
    assert time.monotonic() - before < 5


VALUES = ("1", "1.0", "true", "false", "0", '"1"', "null", "[1]", "[true]", "[]")
KEYED = ('{"a": 1}', '{"a": true}', '{"b": 1, "a": 1.0}', '{"a": 1, "b": 1}', "{}")


@pytest.mark.parametrize("one", VALUES + KEYED)
def test_items_are_unique_as_jsonschema_has_it(one):
    for other in VALUES + KEYED:
        for text in (f"[{one}, {other}]", f"[[{one}], [{other}]]"):
            expected = jsonschema.Draft202012Validator({"uniqueItems": True})
            assert score(text, {"uniqueItems": True}) == expected.is_valid(
                json.loads(text)
            )


@pytest.mark.parametrize("rest", [True, False, {"type": "string"}])
@pytest.mark.parametrize("named", [{}, {"properties": {"x1": {"minimum": 5}}}])
@pytest.mark.parametrize("by", [{}, {"patternProperties": {"^x": {"type": "integer"}}}])
def test_keys_are_sorted_as_jsonschema_has_it(rest, named, by):
    schema = {**named, **by, "additionalProperties": rest}
    for text in ("{}", '{"x1": 7}', '{"x1": 1}', '{"x2": "a"}', '{"y": "a"}', "[1]"):
        expected = jsonschema.Draft202012Validator(schema).is_valid(json.loads(text))
        assert score(text, schema) == expected


def test_patterns_count():
    assert score('"ab"', {"pattern": "^a"}) == 1
    assert score('"ba"', {"pattern": "^a"}) == 0
    assert score("7", {"pattern": "^a"}) == 1


def test_a_remote_reference_is_refused_and_never_fetched(monkeypatch):
    def fails(*_):
        raise AssertionError("something opens a connection")

    monkeypatch.setattr(socket.socket, "connect", fails)
    monkeypatch.setattr(socket, "getaddrinfo", fails)
    for schema in (
        {"$ref": "https://example.com/schema.json"},
        {"properties": {"a": {"items": {"$ref": "http://127.0.0.1:9/a"}}}},
        {"$defs": {"a": {"$id": "https://example.com/a", "$ref": "b"}}},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/$defs/missing"},
    ):
        with pytest.raises(InputError, match=r"which is not in it; put what .* \$defs"):
            JsonSchema(schema=schema)


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "objekt"}, r"\$\.type: 'objekt'"),
        ({"properties": {"a": 5}}, r"\$\.properties\.a"),
        ({"pattern": "("}, r"\$\.pattern: '\('"),
        ({"patternProperties": {"(": {}}}, r"\$\.patternProperties"),
        ({"$ref": 5}, r"\$\['\$ref'\]"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_place(schema, place):
    with pytest.raises(InputError, match=f"no JSON Schema, at {place}"):
        JsonSchema(schema=schema)


def test_a_schema_that_names_no_draft_is_refused():
    with pytest.raises(InputError, match="metric 'json': no JSON Schema"):
        JsonSchema(schema={"$schema": 5})


# Schemas in files, signatures, studies.


def test_a_schema_is_read_from_the_tasks_folder(tmp_path):
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    [metric] = build("json:schema=person.json", tmp_path)
    assert metric.score(ITEM, '{"name": "Ann"}') == 1
    assert metric.score(ITEM, "{}") == 0
    assert metric.signature == JsonSchema(schema=PERSON).signature


def test_a_path_from_python_starts_where_python_runs(tmp_path, monkeypatch):
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    monkeypatch.chdir(tmp_path)
    metric = JsonSchema(schema="person.json")
    assert metric.score(ITEM, "{}") == 0
    assert metric.signature == JsonSchema(schema=PERSON).signature


@pytest.mark.parametrize("content", ["{", "[]", "true", '{"type": "objekt"}', "\xff"])
def test_a_file_without_schema_is_refused_by_name(tmp_path, content):
    (tmp_path / "bad.json").write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=r"bad\.json: no JSON Schema"):
        build("json:schema=bad.json", tmp_path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: no JSON Schema: .*No such file"):
        build("json:schema=none.json", tmp_path)


def test_signature_follows_what_the_schema_says():
    plain, person = JsonSchema(), JsonSchema(schema=PERSON)
    assert plain.signature == "json|fenced:False|schema:none|v1"
    assert JsonSchema(fenced=True).signature == "json|fenced:True|schema:none|v1"
    turned = dict(reversed(PERSON.items()))
    assert JsonSchema(schema=turned).signature == person.signature
    other = JsonSchema(schema=PERSON | {"required": []})
    assert len({plain.signature, person.signature, other.signature}) == 3


def test_a_study_keeps_the_schema_itself(tmp_path):
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    [metric] = build("json:schema=person.json,fenced=true", tmp_path)
    (tmp_path / "person.json").unlink()
    description = json.loads(json.dumps(describe(metric)))
    assert build(json.loads(description["spec"]), tmp_path) == [metric]
    assert from_description(description, tmp_path).signature == metric.signature
