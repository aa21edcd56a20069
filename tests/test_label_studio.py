"""Exports for Label Studio: complete, in its form, and read by its own package."""

import json
from xml.etree import ElementTree

import pytest
from rated_study import COMMENT, a_rated_study

from harness.errors import StudyError, UsageError
from harness.exporting import export_ratings
from harness.study import StudyFile


@pytest.fixture
def written(tmp_path):
    """Name of each campaign to its interface and tasks."""
    study = a_rated_study(tmp_path / "s.db")
    paths = export_ratings(study, tmp_path / "out", "label-studio")
    assert len(paths) == 10
    return {
        path.name.removesuffix(".tasks.json"): (
            path.with_name(path.name.replace("tasks.json", "config.xml")).read_text(),
            json.loads(path.read_text("utf-8")),
        )
        for path in paths
        if path.suffix == ".json"
    }


def annotations(tasks):
    return [one for task in tasks for one in task["annotations"]]


def test_every_reply_is_an_annotation_of_its_rater(written):
    for _, tasks in written.values():
        raters = [
            result["value"]["text"][0]
            for one in annotations(tasks)
            for result in one["result"]
            if result["from_name"] == "rater"
        ]
        assert sorted(raters) == ["ana", "ana", "ben"]
        assert COMMENT in json.dumps(tasks, ensure_ascii=False)
        assert all("completed_by" not in one for one in annotations(tasks))
        assert all(0 <= one["lead_time"] <= 5 for one in annotations(tasks))


def test_each_scheme_has_controls_that_fit(written):
    tags = [
        [child.tag for child in ElementTree.fromstring(config)]  # noqa: S314 - our own
        for config, _ in written.values()
    ]
    asked = [[tag for tag in of if tag not in {"Header", "Text"}] for of in tags]
    end = ["TextArea", "TextArea", "Choices"]
    assert asked == [
        ["Rating", *end],
        ["Number", *end],
        ["Choices", *end],
        ["Rating", "Rating", "Rating", *end],
        ["Labels", "Choices", "Number", *end],
    ]


def test_results_name_controls_and_texts_that_the_interface_has(written):
    for config, tasks in written.values():
        root = ElementTree.fromstring(config)  # noqa: S314 - our own
        named = {one.get("name"): one for one in root.iter() if one.get("name")}
        for result in [r for one in annotations(tasks) for r in one["result"]]:
            control = named[result["from_name"]]
            assert control.get("toName") == result["to_name"]
            assert control.tag.lower() == result["type"]
        variables = {one.get("value").removeprefix("$") for one in root.iter("Text")}
        assert all(variables <= task["data"].keys() for task in tasks)


def test_marks_say_which_words_they_are_on(written):
    *_, (_, tasks) = written.values()
    marks = [
        (task["data"]["output_1"], result["value"])
        for task in tasks
        for one in task["annotations"]
        for result in one["result"]
        if result["type"] == "labels"
    ]
    assert len(marks) == 3 * 2
    for text, value in marks:
        assert text[value["start"] : value["end"]] == value["text"]
        assert value["labels"] in (["minor"], ["major"])


def test_its_own_package_accepts_interface_and_annotations(written):
    sdk = pytest.importorskip(
        "label_studio_sdk.label_interface", reason="label-studio-sdk is not installed"
    )
    for config, tasks in written.values():
        interface = sdk.LabelInterface(config)
        interface.validate()
        for task in tasks:
            data = {"data": task["data"]}
            assert interface.validate_task(data)
            for one in task["annotations"]:
                errors = interface.validate_prediction(one, return_errors=True)
                assert errors == []


def test_a_study_without_ratings_says_what_to_do(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    with pytest.raises(StudyError, match="no ratings to export"):
        export_ratings(study, tmp_path / "out", "argilla")


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    study = a_rated_study(tmp_path / "s.db")
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        export_ratings(study, tmp_path / "out", "label-studio")
