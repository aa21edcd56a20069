"""Items in the study: in order, as they are now, and nothing lost."""

from dataclasses import replace

import pytest
from rating_study import a_study

from harness.errors import InputError
from harness.study import StudyFile
from harness.study.items import (
    store_items,
    store_task,
    stored_items,
    stored_tasks,
    truth_of,
)
from harness.types import Item

TURNS = ({"role": "user", "content": "Why? 🙂"},)
ITEMS = [
    Item("i2", "t", "b", "prompt b", ("x", "y"), (), {"n": 1.5, "tags": ["u", None]}),
    Item("i1", "t", "a", "user: Why? 🙂", (), TURNS),
]


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


def test_items_come_back_as_they_were_and_in_their_order(study):
    store_items(study, "t", ITEMS)
    assert stored_items(study, "t") == ITEMS


def test_storing_the_same_items_again_writes_nothing(study):
    store_items(study, "t", ITEMS)
    before = study.db.conn.total_changes
    store_items(study, "t", ITEMS)
    assert study.db.conn.total_changes == before


def test_items_that_left_come_back_where_they_were(study):
    store_items(study, "t", ITEMS)
    store_items(study, "t", ITEMS[1:])
    assert stored_items(study, "t") == ITEMS[1:]
    store_items(study, "t", ITEMS)
    assert stored_items(study, "t") == ITEMS


def test_incomplete_items_join_those_that_are_there(study):
    store_items(study, "t", ITEMS[:1])
    store_items(study, "t", ITEMS[1:], complete=False)
    assert stored_items(study, "t") == ITEMS


def test_items_of_other_tasks_stay(study):
    store_items(study, "t", ITEMS)
    store_items(study, "u", [replace(ITEMS[0], id="u1", task="u")])
    assert len(stored_items(study, "t")) == 2


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ({"references": ("x",)}, True),
        ({"references": ("y", "x")}, True),
        ({"meta": {"n": 2.5, "tags": ["u", None]}}, True),
        ({"prompt": "another"}, False),
        ({}, False),
    ],
)
def test_references_and_columns_are_the_truth(change, new):
    changed = replace(ITEMS[0], **change)
    assert (truth_of(changed) != truth_of(ITEMS[0])) is new


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


def circle():
    value = {}
    value["again"] = value
    return value


@pytest.mark.parametrize("value", [{(1, 2): "a"}, circle(), deep()])
def test_a_column_that_no_json_holds_is_refused_and_nothing_stored(study, value):
    odd = replace(ITEMS[1], meta={"odd": value})
    with pytest.raises(InputError, match="item 'a' of task 't' has a column that"):
        store_items(study, "t", [ITEMS[0], odd])
    assert stored_items(study, "t") == []


def test_each_version_of_a_task_is_kept_once(study):
    versions = {store_task(study, "t", text, None) for text in ("one", "two", "one")}
    assert len(versions) == 2
    assert study.column("SELECT text FROM tasks ORDER BY rowid") == ["one", "two"]


def test_tasks_are_those_with_outputs_in_the_order_they_were_seen(tmp_path):
    study = a_study(tmp_path / "s.db", task="zebra", items=1)
    a_study(tmp_path / "s.db", task="ant", items=1)
    store_task(study, "bare", "name: bare", None)
    assert stored_tasks(study) == ["zebra", "ant"]
