"""Exports hold every value as it is, and nothing that lets somebody in."""

import csv
import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from fakes import write_rows
from rated_study import GIVEN, a_rated_study
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.errors import NotFound, UsageError
from harness.exporting import SECRETS, archive, export, export_ratings
from harness.importing import import_outputs, import_ratings
from harness.rate import Answer, answer, next_assignment
from harness.study import StudyFile
from harness.study.owners import invite_owner, open_owner_session
from harness.study.raters import add_rater, ensure_rater, open_session

TEXTS = ["plain", "", 'a "b", c\n\r\nd', "=1+1", "ü 🙂 \u2028", "\0", "NULL"]


@pytest.fixture
def study(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    rows = [
        {
            "item": f"i{n}",
            "system": "base",
            "output": text,
            "scores": {"m": 1 / (n + 3)},
        }
        for n, text in enumerate(TEXTS)
    ]
    import_outputs(study, write_rows(tmp_path / "o.jsonl", rows), "t")
    return study


def parsed(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def test_every_table_and_view_is_written(study, tmp_path):
    written = export(study, tmp_path / "new" / "folder")
    tables = {n for n in study.db.table_names() if not n.startswith(("_", "sqlite_"))}
    wanted = (tables | set(study.db.view_names())) - SECRETS
    assert {path.name for path in written} == {f"{name}.csv" for name in wanted}
    assert sorted(tmp_path.glob("new/folder/*")) == sorted(written)


def test_jsonl_comes_back_as_it_was(study, tmp_path):
    for path in export(study, tmp_path / "out", kind="jsonl"):
        rows = parsed(path)
        stored = list(study.db[path.stem].rows)
        for row in stored:
            if row.get("tally"):
                row["tally"] = row["tally"].hex()
        assert rows == stored


def test_csv_comes_back_as_it_was(study, tmp_path):
    [path] = export(study, tmp_path / "out", names=["outputs"])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == TEXTS
    stored = study.rows("SELECT * FROM outputs")
    assert [list(row) for row in rows] == [list(row) for row in stored]


def test_an_empty_table_keeps_its_header(study, tmp_path):
    [path] = export(study, tmp_path / "out", names=["ratings"])
    [header] = path.read_text().splitlines()
    assert header.startswith("id,assignment,output,criterion")


def test_a_tally_can_be_read_back_from_its_digits(study, tmp_path):
    import numpy as np

    [path] = export(study, tmp_path / "out", kind="jsonl", names=["scores"])
    rows = parsed(path)
    assert [np.frombuffer(bytes.fromhex(r["tally"])).tolist() for r in rows] == [
        [1 / (n + 3), 1.0] for n in range(len(TEXTS))
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_lets_somebody_in_is_not_exported(study, tmp_path, kind):
    invite = add_rater(study, "ann")
    session = open_session(study, ensure_rater(study, "ann"))
    secrets = [invite, session, invite_owner(study), open_owner_session(study)]
    hashes = [row["hash"] for table in SECRETS for row in study.db[table].rows]
    assert len(hashes) == 4
    written = export(study, tmp_path / "out", kind=kind)
    text = "".join(path.read_text(encoding="utf-8") for path in written)
    assert "ann" in text
    assert not [one for one in (*secrets, *hashes) if one in text]


@pytest.mark.parametrize(
    "name",
    [
        "judgments",
        "sessions",
        "invites",
        "owner_invites",
        "_sqlite_migrations",
        "sqlite_master",
    ],
)
def test_what_is_not_there_is_not_found(study, tmp_path, name):
    with pytest.raises(NotFound, match=f"No table or view named '{name}'"):
        export(study, tmp_path / "out", names=["outputs", name])
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file_is_refused(study, tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="cannot be written: File exists"):
        export(study, tmp_path / "out")


def test_an_export_replaces_the_one_before(study, tmp_path):
    for _ in range(2):
        [path] = export(study, tmp_path / "out", names=["outputs"])
    assert path.read_text(encoding="utf-8").count("imported,,,0,") == len(TEXTS)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["outputs.csv"]


# What people rated


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_units_kinds_flags_and_marks_are_exported(tmp_path, kind):
    study = a_rated_study(tmp_path / "s.db")
    export(study, tmp_path / "out", kind=kind)
    rows = {
        name: [
            {key: value for key, value in row.items() if value not in {"", None}}
            for row in parsed_as(tmp_path / "out" / f"{name}.{kind}", kind)
        ]
        for name in ("units", "unit_outputs", "assignments", "current_ratings")
    }
    assert {row["kind"] for row in rows["units"]} == {"normal"}
    units = {str(row["id"]) for row in rows["units"]}
    for name in ("unit_outputs", "assignments", "current_ratings"):
        assert {str(row["unit"]) for row in rows[name]} <= units
    assert all("probability" in row and "places" in row for row in rows["assignments"])
    assert {str(row["flagged"]) for row in rows["current_ratings"]} == {"0", "1"}
    marks = [row["spans"] for row in rows["current_ratings"] if "spans" in row]
    assert [json.loads(one) for one in marks] == [GIVEN["spans"]["errors"]] * 3
    preferred = parsed_as(tmp_path / "out" / f"preferences.{kind}", kind)
    # Three answers in pairs, and three rankings of three outputs each.
    assert len(preferred) == 3 + 3 * 3
    assert {float(row["outcome"]) for row in preferred} == {0.0, 0.5, 1.0}


def parsed_as(path, kind):
    if kind == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    return parsed(path)


@pytest.mark.parametrize("scheme", ["likert", "slider", "spans"])
def test_exported_judgements_are_ratings_to_be_imported_again(tmp_path, scheme):
    study = a_study(tmp_path / "s.db", items=3, checkpoints=2)
    criteria = [{"name": "meaning", "question": "Does it keep the meaning?"}]
    campaign = open_campaign(study, a_task(scheme=scheme, criteria=criteria))
    rater = ensure_rater(study, "ana")
    value = 0
    while shown := next_assignment(study, campaign, rater):
        value = value % 5 + 1
        answer(study, rater, shown.token, Answer({"meaning": value}, "so, so"))
    export(study, tmp_path / "out", names=["judgements"])
    rows = parsed_as(tmp_path / "out" / "judgements.csv", "csv")
    flat = [
        {
            "item": row["item"],
            "system": row["checkpoint"],
            "series": row["series"],
            "rater": row["rater"],
            "criterion": row["criterion"],
            "value": float(row["rating"]),
        }
        for row in rows
    ]
    other = a_study(tmp_path / "other.db", items=3, checkpoints=2)
    import_ratings(other, write_rows(tmp_path / "flat.jsonl", flat), "modernize")
    columns = "SELECT checkpoint, item, criterion, rating FROM judgements ORDER BY 1, 2"
    assert other.rows(columns) == study.rows(columns)
    assert len(other.rows(columns)) == 6


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_archive_holds_the_files_of_an_export(study, tmp_path, kind):
    written = export(study, tmp_path / "out", kind=kind)
    file = BytesIO()
    archive(study, file, kind=kind)
    with ZipFile(file) as packed:
        assert packed.testzip() is None
        found = {name: packed.read(name) for name in packed.namelist()}
    assert found == {path.name: path.read_bytes() for path in written}


@pytest.mark.parametrize("form", ["argilla", "label-studio"])
def test_an_archive_for_another_tool_keeps_its_folders(tmp_path, form):
    study = a_rated_study(tmp_path / "rated.db")
    written = export_ratings(study, tmp_path / "out", form)
    file = BytesIO()
    archive(study, file, kind=form)
    with ZipFile(file) as packed:
        found = {name: packed.read(name) for name in packed.namelist()}
    assert found == {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in written
    }
