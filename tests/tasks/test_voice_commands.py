"""The voice_commands task: sampled commands, their calls, and F1 over slots."""

import re
import sys
from collections import Counter

import evaluate
import pytest

from harness.data import load_function
from harness.demo.tasks import task_data
from harness.errors import MissingPackage
from harness.metrics.specs import build
from harness.task import bundled_tasks, load_items, load_task
from harness.types import Item

FOLDER = bundled_tasks()["voice_commands"].parent


@pytest.fixture(scope="module")
def data():
    return task_data("voice_commands")


@pytest.fixture(scope="module")
def slot_f1():
    return evaluate.load(str(FOLDER / "slot_f1.py"))


def everything(data):
    return data.held_out() + data.validation_pairs() + data.training_pairs()


def test_sizes(data):
    assert len(data.held_out()) == 200
    assert len(data.validation_pairs()) == 100
    assert len(data.training_pairs()) == 12_000


def test_no_command_occurs_twice(data):
    sources = Counter(row["source"] for row in everything(data))
    assert sources.most_common(1)[0][1] == 1


def test_ids_are_unique(data):
    assert len({row["id"] for row in everything(data)}) == 12_300


def test_templates_are_held_out_whole(data):
    test, validation, training = (
        {row["template"] for row in rows}
        for rows in (data.held_out(), data.validation_pairs(), data.training_pairs())
    )
    assert (len(test), len(validation)) == (100, 50)
    assert not test & validation
    assert not (test | validation) & training
    assert len(training) > 600


def test_each_intent_keeps_a_template_to_learn_it_from(data):
    def intents(rows):
        return {row["target"].partition("(")[0] for row in rows}

    assert intents(data.held_out()) <= intents(data.training_pairs())


def test_calls_have_one_canonical_form(data):
    call = re.compile(r"Hass\w+\((\w+=[^=,()]+(, \w+=[^=,()]+)*)?\)")
    for row in everything(data):
        assert call.fullmatch(row["target"]), row
        names = re.findall(r"(\w+)=", row["target"])
        assert names == sorted(set(names))


def test_commands_are_plain_text(data):
    unfilled = re.compile(r"[{}<>\[\]()|;]|  |^ | $")
    assert [row for row in everything(data) if unfilled.search(row["source"])] == []


def test_what_is_said_is_what_the_call_gets(data):
    # Not so for names of states and colours, for which hassil has other values.
    said = re.compile(r"(area|floor|name|item|message|search_query)=([^,)]+)")
    for row in data.held_out():
        for _, value in said.findall(row["target"]):
            assert value in row["source"]


def test_sampling_again_gives_the_same(data):
    held_out = load_function(FOLDER / "data.py", "held_out")
    assert held_out() == data.held_out()


def test_the_task_file_reads_these_items(data):
    items = load_items(load_task(bundled_tasks()["voice_commands"]))
    assert [item.references[0] for item in items] == [
        row["target"] for row in data.held_out()
    ]


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    held_out = load_function(FOLDER / "data.py", "held_out")
    monkeypatch.setitem(sys.modules, "home_assistant_intents", None)
    with pytest.raises(MissingPackage, match=r"pip install '\.\[demo\]'"):
        held_out()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HassTurnOn(area=kitchen, name=lamp)", 1),
        (" HassTurnOn(name=lamp,area=kitchen) ", 1),
        ("HassTurnOn(area=kitchen)", 2 * 2 / (2 + 3)),
        ("HassTurnOff(area=kitchen, name=lamp)", 2 * 2 / (3 + 3)),
        ("HassTurnOn(area=garage, name=lamp)", 2 * 2 / (3 + 3)),
        ("HassTurnOff()", 0),
        ("HassTurnOn(area=kitchen, name=lamp", 0),
        ("turn on the lamp", 0),
        ("", 0),
    ],
)
def test_slot_f1_by_hand(slot_f1, text, expected):
    wanted = "HassTurnOn(area=kitchen, name=lamp)"
    result = slot_f1.compute(predictions=[text], references=[wanted])
    assert result["scores"] == [pytest.approx(expected)]
    assert result["slot_f1"] == pytest.approx(expected)


def test_slot_f1_takes_the_best_of_several_references(slot_f1):
    result = slot_f1.compute(predictions=["A(x=1)"], references=[["B(y=2)", "A(x=1)"]])
    assert result["scores"] == [1]


def test_slot_f1_of_the_right_answers_is_one(slot_f1, data):
    right = [row["target"] for row in data.held_out()]
    assert slot_f1.compute(predictions=right, references=right)["slot_f1"] == 1


def test_the_harness_gets_a_score_for_each_output():
    (metric,) = build("evaluate:./slot_f1.py", FOLDER)
    assert metric.higher_is_better
    item = Item("1", "voice_commands", "1", "prompt", ("A(x=1)",))
    tallies = metric.tallies([(item, "A(x=1)"), (item, "A(x=2)")])
    assert [float(tally[0] / tally[1]) for tally in tallies] == [1, 0.5]
