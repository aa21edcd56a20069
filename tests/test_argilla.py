"""Exports for Argilla 2: complete, in its form, and read by its own package."""

import json
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from rated_study import COMMENT, a_rated_study

from harness.exporting import export_ratings


@pytest.fixture
def folder(tmp_path):
    study = a_rated_study(tmp_path / "s.db")
    export_ratings(study, tmp_path / "out", "argilla")
    return tmp_path / "out"


def read(folder):
    """Settings and records of each campaign, oldest first."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert len(names) == 5
    return [
        (
            json.loads((folder / name / ".argilla/settings.json").read_text("utf-8")),
            json.loads((folder / name / "records.json").read_text("utf-8")),
        )
        for name in names
    ]


def test_each_scheme_has_questions_that_fit(folder):
    types = [
        [question["settings"]["type"] for question in settings["questions"]]
        for settings, _ in read(folder)
    ]
    end = ["text", "label_selection"]
    assert types == [
        ["rating", *end],
        ["text", *end],
        ["label_selection", *end],
        ["rating", "rating", "rating", *end],
        ["span", "multi_label_selection", "text", *end],
    ]


def test_every_reply_is_there_under_its_raters_id(folder):
    users = json.loads((folder / "users.json").read_text("utf-8"))
    ids = {user["id"]: user["username"] for user in users}
    assert sorted(ids.values()) == ["ana", "ben"]
    assert all(UUID(number) for number in ids)
    for settings, records in read(folder):
        first = settings["questions"][0]["name"]
        given = [one for record in records for one in record["responses"][first]]
        assert sorted(ids[one["user_id"]] for one in given) == ["ana", "ana", "ben"]
        assert all(one["status"] == "submitted" for one in given)
        comments = [r["responses"].get("comment", []) for r in records]
        assert {one["value"] for of in comments for one in of} == {COMMENT}


def test_marks_lie_in_the_text_of_their_field(folder):
    *_, (settings, records) = read(folder)
    assert settings["questions"][0]["settings"]["field"] == "output_1"
    for record in records:
        for one in record["responses"]["errors"]:
            assert [mark["label"] for mark in one["value"]] == ["major", "minor"]
            length = len(record["fields"]["output_1"])
            assert all(0 <= m["start"] < m["end"] <= length for m in one["value"])


def test_another_export_replaces_the_one_before(folder, tmp_path):
    before = read(folder)
    study = a_rated_study(tmp_path / "other.db")
    export_ratings(study, folder, "argilla")
    assert [settings for settings, _ in read(folder)] == [one for one, _ in before]


def test_its_own_package_reads_settings_records_and_responses(folder, monkeypatch):
    rg = pytest.importorskip("argilla", reason="argilla is not installed")
    # There is no server; what would be sent to one is looked at.
    monkeypatch.setattr(rg.Argilla, "_get_default", MagicMock)
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        settings = rg.Settings.from_json(path / ".argilla/settings.json")
        settings.validate()
        model = rg.Dataset._load_dataset_model(path / ".argilla/dataset.json")
        dataset = rg.Dataset(model.name, settings=settings, client=MagicMock())
        rows = json.loads((path / "records.json").read_text("utf-8"))
        for row in rows:
            record = rg.Record.from_dict(row, dataset=dataset)
            sent = record.api_model().model_dump()
            values = {
                name: [one["value"] for one in given]
                for name, given in row["responses"].items()
            }
            found = {}
            for response in sent["responses"]:
                assert str(response["status"]).endswith("submitted")
                for name, value in response["values"].items():
                    found.setdefault(name, []).append(value["value"])
            assert found == values
