"""Files of known answers: what is read, and what is said of a wrong row."""

import json
from dataclasses import replace

import pytest
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.errors import InputError
from harness.gold import as_shown, is_right, read_known

ROW = {"prompt": "P", "output": "O", "expected": {"meaning": 5}}
PAIR = {"prompt": "P", "outputs": ["A", "B"], "expected": {"meaning": "first"}}
TWO = {"criteria": [{"name": "meaning", "question": "Same meaning?"}]}


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(tmp_path, *rows, **rating):
    write(tmp_path / "gold.jsonl", *rows)
    plan = a_task(**TWO, **rating).file.rating
    return read_known("gold.jsonl", tmp_path, plan)


@pytest.mark.parametrize(
    ("scheme", "given", "kept"),
    [
        ("likert", 5, (5, 5)),
        ("likert", [3, 5], (3, 5)),
        ("slider", 95, (85, 100)),
        ("slider", 5, (0, 15)),
        ("slider", [60, 70], (60, 70)),
        ("spans", 50, (40, 60)),
    ],
)
def test_a_number_or_a_range_is_expected_and_sliders_have_a_tolerance(
    tmp_path, scheme, given, kept
):
    row = ROW | {"expected": {"meaning": given}}
    [known] = read(tmp_path, row, scheme=scheme)
    assert known.expected == {"meaning": kept}
    assert (known.prompt, known.outputs, known.references) == ("P", ("O",), ())


@pytest.mark.parametrize("given", ["tie", ["tie", "both_bad"]])
def test_a_choice_or_several_are_expected_of_pairs(tmp_path, given):
    row = PAIR | {"expected": {"meaning": given}}
    [known] = read(tmp_path, row, scheme="pairwise")
    assert set(known.expected["meaning"]) == ({given} if given == "tie" else set(given))


@pytest.mark.parametrize(
    ("scheme", "row", "problem"),
    [
        ("likert", ROW | {"expected": {"meaning": 6}}, "number from 1 to 5"),
        ("likert", ROW | {"expected": {"meaning": True}}, "number from 1 to 5"),
        ("likert", ROW | {"expected": {"meaning": [4, 3]}}, r"range of them as \[low"),
        ("likert", ROW | {"expected": {"meaning": "5"}}, "not '5'"),
        ("likert", ROW | {"expected": {}}, "must map criteria"),
        ("likert", ROW | {"expected": {"sense": 5}}, "'sense', which is no criterion"),
        ("likert", {"prompt": "P", "expected": {}}, "either 'output'"),
        ("likert", ROW | {"outputs": ["O"]}, "either 'output'"),
        ("likert", ROW | {"reference": "R"}, "did you mean 'references'"),
        ("likert", {"output": "O", "expected": {"meaning": 5}}, "'prompt' must hold"),
        ("likert", ROW | {"references": [1]}, "list of texts"),
        ("likert", ROW | {"feedback": 3}, "'feedback' must hold a text, but it is 3"),
        ("spans", ROW | {"expected": {"errors": []}}, "which is no criterion"),
        ("slider", ROW | {"expected": {"meaning": 101}}, "number from 0 to 100"),
        ("pairwise", ROW, "shows 2 outputs at a time, but there is 1"),
        ("pairwise", PAIR | {"expected": {"meaning": "left"}}, "must be one of first"),
        ("pairwise", PAIR | {"expected": {"meaning": []}}, "must be one of first"),
        ("pairwise", PAIR | {"outputs": ["A", "A"]}, "are the same"),
        ("ranking", PAIR | {"expected": {"meaning": [1, 3]}}, "2 ranks from 1 to 2"),
        ("ranking", PAIR | {"expected": {"meaning": "first"}}, "2 ranks from 1 to 2"),
        ("ranking", PAIR | {"outputs": list("ABCDEF")}, "shows 2 to 5 outputs"),
    ],
)
def test_a_wrong_row_is_named_with_file_line_and_reason(tmp_path, scheme, row, problem):
    good = (
        ROW | {"output": "first row"}
        if scheme in {"likert", "slider", "spans"}
        else (
            PAIR
            | {"outputs": ["X", "Y"]}
            | {"expected": {"meaning": [1, 2] if scheme == "ranking" else "tie"}}
        )
    )
    with pytest.raises(InputError, match=problem) as caught:
        read(tmp_path, good, row, scheme=scheme)
    assert str(caught.value).startswith(f"{tmp_path / 'gold.jsonl'}:2: ")


def test_the_same_row_twice_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"gold.jsonl:2: .*twice"):
        read(tmp_path, ROW, ROW)
    with pytest.raises(InputError, match=r"none.jsonl: no such file"):
        read_known("none.jsonl", tmp_path, a_task().file.rating)


def test_answers_are_right_in_terms_of_the_page_whichever_side_is_where():
    assert is_right("likert", (4, 5), 4)
    assert not is_right("likert", (4, 5), 3)
    for places, right in (((0, 1), "first"), ((1, 0), "second")):
        shown = as_shown("pairwise", ("first", "tie"), places)
        assert is_right("pairwise", shown, right)
        assert is_right("pairwise", shown, "tie")
        assert not is_right("pairwise", shown, "both_bad")
    shown = as_shown("ranking", (1, 2, 3), (2, 0, 1))
    assert shown == (3, 1, 2)
    assert is_right("ranking", shown, [3, 1, 2])
    assert not is_right("ranking", shown, [1, 2, 3])
    assert is_right("ranking", (1, 2, 2), [1, 3, 3])


def test_gold_is_frozen_and_another_file_begins_another_campaign(tmp_path):
    study = a_study(tmp_path / "s.db")
    path = tmp_path / "gold.jsonl"
    task = replace(a_task(gold="gold.jsonl"), path=tmp_path / "task.yaml")
    write(path, ROW)
    first = open_campaign(study, task)
    assert open_campaign(study, task) == first
    assert [one.prompt for one in first.gold] == ["P"]
    write(path, ROW | {"expected": {"meaning": 4}})
    second = open_campaign(study, task)
    assert second.id != first.id
    write(path, ROW)
    assert open_campaign(study, task) == first
    hashes = study.column("SELECT hash FROM campaigns")
    assert len(set(hashes)) == 2
    units = "SELECT campaign, kind, item, json_extract(content, '$.prompt') FROM units"
    assert study.db.execute(units).fetchall() == [
        (first.id, "gold", None, "P"),
        (second.id, "gold", None, "P"),
    ]


def test_a_wrong_gold_file_opens_no_campaign(tmp_path):
    study = a_study(tmp_path / "s.db")
    task = replace(a_task(gold="gold.jsonl"), path=tmp_path / "task.yaml")
    write(tmp_path / "gold.jsonl", ROW | {"expected": {}})
    with pytest.raises(InputError, match=r"gold\.jsonl:1"):
        open_campaign(study, task)
    assert study.column("SELECT count(*) FROM campaigns") == [0]
