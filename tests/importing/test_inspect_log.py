"""Logs of Inspect come in as outputs with their scores.

The logs are written as inspect_ai 0.3.285 writes them with `--log-format json`.
"""

import gzip
import json

import pytest

from harness.errors import InputError
from harness.importing import import_outputs
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.study.items import stored_items


def sample(key, said, epoch=1, **columns):
    """A sample on which the model answered."""
    message = {"content": said, "source": "generate", "role": "assistant"}
    return {
        "id": key,
        "epoch": epoch,
        "input": f"old {key}",
        "target": f"new {key}",
        "messages": [{"content": "be brief", "role": "system"}],
        "output": {
            "model": "mockllm/model",
            "choices": [{"message": message, "stop_reason": "stop"}],
            "completion": said if isinstance(said, str) else "",
        },
        "scores": {"match": {"value": "C", "answer": said, "explanation": said}},
        "metadata": {},
        **columns,
    }


def failed(key):
    """A sample on which the model failed."""
    return {
        **sample(key, ""),
        "output": {"model": "mockllm/model", "choices": [], "completion": ""},
        "scores": {},
        "error": {"message": "ConnectionError()", "traceback": "..."},
    }


def log_of(samples, **keys):
    return {
        "version": 2,
        "status": "success",
        "eval": {"task": "verse", "model": "mockllm/model", "config": {"epochs": 2}},
        "plan": {"name": "plan", "steps": []},
        "samples": samples,
        **keys,
    }


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def logged(study, tmp_path):
    """Import samples, or a whole log."""

    def take_in(samples=(), log=None, **options):
        file = tmp_path / "log.json"
        file.write_text(json.dumps(log_of(samples) if log is None else log, indent=2))
        return import_outputs(study, file, "t", **options)

    return take_in


def select(study, query):
    return [tuple(row.values()) for row in study.rows(query)]


def scores(study):
    query = "SELECT signature, value FROM scores ORDER BY rowid"
    return select(study, query)


OUTPUTS = "SELECT key, sample, text FROM current_outputs ORDER BY 1, 2"


def test_samples_come_back_with_input_target_and_scores(study, logged):
    done = logged([sample("a", "new a"), sample(2, "new 2")])
    assert (done.rows, done.items, done.checkpoints, done.left_out) == (2, 2, 1, 0)
    assert [(i.key, i.prompt, i.references) for i in stored_items(study, "t")] == [
        ("a", "old a", ("new a",)),
        ("2", "old 2", ("new 2",)),
    ]
    assert [c.name for c in stored_checkpoints(study)] == ["mockllm/model"]
    query = "SELECT name, mean_per_output, n FROM checkpoint_summary"
    assert select(study, query) == [("match|imported", 1.0, 2)]


def test_epochs_are_samples_of_one_item(study, logged):
    samples = [sample("a", f"take {n}", epoch=n) for n in (2, 1)]
    assert logged(samples).items == 1
    assert select(study, OUTPUTS) == [("a", 0, "take 1"), ("a", 1, "take 2")]


def test_of_content_parts_the_texts_are_the_output(study, logged):
    parts = [
        {"type": "reasoning", "reasoning": "hm", "redacted": False},
        {"type": "text", "text": "part one "},
        {"type": "image", "image": "data:image/png;base64,"},
        {"type": "text", "text": "part two"},
    ]
    logged([sample("a", parts)])
    assert select(study, OUTPUTS) == [("a", 0, "part one part two")]


def test_messages_are_shown_as_turns(study, logged):
    asked = [
        {"id": "x", "role": "user", "content": "old?"},
        {"id": "y", "role": "assistant", "content": [{"type": "text", "text": "yes"}]},
        {"id": "z", "role": "user", "content": "then say it"},
    ]
    logged([sample("a", "x", input=asked), sample("b", "x", input=asked[:1])])
    assert [item.prompt for item in stored_items(study, "t")] == [
        "user: old?\nassistant: yes\nuser: then say it",
        "old?",
    ]


def test_choices_are_shown_below_the_question(study, logged):
    logged([sample(1, "ANSWER: B", choices=["cat", "dog"], target="B")])
    [item] = stored_items(study, "t")
    assert (item.prompt, item.references) == ("old 1\n\nA) cat\nB) dog", ("B",))


@pytest.mark.parametrize(
    ("target", "references"),
    [
        ("x", ("x",)),
        (["x", "y"], ("x", "y")),
        ("", ()),
        (None, ()),
        (["", "x"], ("x",)),
    ],
)
def test_targets_are_references(study, logged, target, references):
    logged([sample("a", "x", target=target)])
    assert [item.references for item in stored_items(study, "t")] == [references]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("C", 1.0),
        ("P", 0.5),
        ("I", 0.0),
        ("N", 0.0),
        ("Yes", 1.0),
        ("false", 0.0),
        ("0.25", 0.25),
        (0.75, 0.75),
        (3, 3.0),
        (True, 1.0),
        (False, 0.0),
    ],
)
def test_grades_are_the_numbers_that_inspect_takes_them_for(
    study, logged, value, stored
):
    logged([sample("a", "x", scores={"judge": {"value": value}})])
    assert scores(study) == [("judge|imported", stored)]


@pytest.mark.parametrize(
    "value", ["B", "c", "nan", None, float("nan"), [1, 2], 10**400]
)
def test_what_is_no_number_is_no_value_rather_than_zero(study, logged, value):
    rows = [("good", "C"), ("odd", value)]
    logged([sample("a", "x", scores={name: {"value": v} for name, v in rows})])
    assert scores(study) == [("good|imported", 1.0)]


def test_a_value_that_is_missing_is_null_with_the_reason(study, logged):
    values = {"a": 1.0, "b": float("nan")}
    logged([sample(k, "x", scores={"f1": {"value": v}}) for k, v in values.items()])
    query = "SELECT value, reason FROM scores ORDER BY rowid"
    assert select(study, query) == [
        (1.0, None),
        (None, "no value was imported for it"),
    ]


def test_a_scorer_of_several_values_gives_several_metrics(study, logged):
    value = {"length": 3, "kind": "P", "grade": "B"}
    logged([sample("a", "x", scores={"parts": {"value": value}})])
    assert scores(study) == [
        ("parts.length|imported", 3.0),
        ("parts.kind|imported", 0.5),
    ]


def test_the_user_says_of_which_metrics_less_is_better(study, logged):
    logged([sample("a", "x")], lower_is_better=["match"])
    assert select(study, "SELECT higher_is_better FROM metrics") == [(0,)]


def test_samples_that_failed_are_left_out_and_counted(study, logged):
    done = logged([sample("a", "x"), failed("b"), failed("c")])
    assert (done.rows, done.left_out) == (1, 2)
    assert [item.key for item in stored_items(study, "t")] == ["a"]


def test_the_user_may_name_the_system(study, logged):
    logged([sample("a", "x")], system="step-20")
    assert [(c.name, c.step) for c in stored_checkpoints(study)] == [("step-20", 20)]


def test_a_gzipped_log_is_read(study, tmp_path):
    file = tmp_path / "log.json.gz"
    with gzip.open(file, "wt") as stream:
        json.dump(log_of([sample("a", "cut \ud83d")]), stream)
    import_outputs(study, file, "t")
    assert select(study, OUTPUTS) == [("a", 0, "cut \ufffd")]


# Refused

SAME = {"input": "old a", "target": "new a"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": None}, "log.json, sample None, epoch 1: 'id' must be a text or number"),
        ({"epoch": 0}, "log.json, sample 'b', epoch 0: 'id' must be a text or number"),
        (
            {"input": 3},
            "log.json, sample 'b', epoch 1: 'input' must be a text or a lis",
        ),
        ({"input": []}, "'input' must be a text or a list of messages, but it is []"),
        ({"input": ["x"]}, "'input' must be a text or a list of messages"),
        (
            {"target": 3},
            "log.json, sample 'b', epoch 1: 'target' must be a text or a l",
        ),
        (
            {"output": {"choices": [1]}},
            "'output.choices' must hold messages, but it is",
        ),
        (
            {"id": "a", **SAME},
            "sample 'a', epoch 1: system 'mockllm/model' has an output for",
        ),
        ({"id": "a", "epoch": 2}, "item 'a' had another prompt or other references"),
        ({"id": "b\n"}, "log.json, sample 'b\\n', epoch 1: column 'item' must hold a"),
    ],
)
def test_a_wrong_sample_is_named_and_nothing_is_stored(study, logged, columns, message):
    with pytest.raises(InputError) as caught:
        logged([sample("a", "x"), {**sample("b", "x"), **columns}])
    assert message in str(caught.value)
    assert study.frame("tasks").empty


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (log_of([]), "log.json: the log holds no samples"),
        (log_of(None), "log.json: the log holds no samples"),
        (
            log_of([failed("a")], status="error"),
            "of its 1 samples has an output; its st",
        ),
        (log_of(["a"]), "log.json: a sample must be a mapping, not 'a'"),
        (log_of([], eval={}), "log.json: it names no model in 'eval.model'; add --sys"),
        (log_of([], eval=None), "log.json: it names no model"),
        ({"a": 1}, "log.json: a .json file must be an Inspect log, with 'eval'"),
        (
            [1],
            "must be an Inspect log, with 'eval' and 'samples', but this one holds [1]",
        ),
    ],
)
def test_what_is_no_log_with_outputs_is_refused(study, logged, log, message):
    with pytest.raises(InputError) as caught:
        logged(log=log)
    assert message in str(caught.value)
    assert study.frame("tasks").empty


def test_broken_json_is_named_with_its_line(study, tmp_path):
    file = tmp_path / "log.json"
    file.write_text('{\n"eval": {},\n,')
    with pytest.raises(InputError, match=r"log\.json:3: not valid JSON"):
        import_outputs(study, file, "t")
