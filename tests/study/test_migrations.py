"""Older study files keep what they hold when they are brought up to date."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes import write_checkpoint, write_task
from rating_study import a_task

from harness.campaign import open_campaign
from harness.errors import StudyError
from harness.rate import Answer, answer, next_assignment, undo
from harness.run import run
from harness.study import StudyFile
from harness.study.migrations import TABLES
from harness.study.raters import ensure_rater
from harness.study.views import VIEWS
from harness.task import load_task

[OLD] = [one for one in TABLES if "CREATE TABLE likelihoods" in one]


def downgrade(path):
    """Give a study the table of likelihoods that it had before they had a target."""
    with sqlite3.connect(path) as old:
        for name in VIEWS:
            old.execute(f"DROP VIEW {name}")
        old.execute("ALTER TABLE likelihoods RENAME TO newer")
        old.execute(OLD)
        old.execute(
            "INSERT INTO likelihoods SELECT item, checkpoint, settings, refs_hash, "
            "nll, tokens, words, bytes, truncated, 'conditional, first reference', "
            "reason FROM newer WHERE target = 'reference:0'"
        )
        old.execute("DROP TABLE newer")
        for name, statement in VIEWS.items():
            old.execute(f"CREATE VIEW {name} AS {statement}")
        old.execute(
            "DELETE FROM _sqlite_migrations WHERE name = 'm003_likelihoods_of_any_text'"
        )
    old.close()


@pytest.fixture
def ran(tmp_path, echo):
    """A study with likelihoods, and the run that made them."""
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1")
    path = tmp_path / "s.db"

    def again(*metrics):
        task = load_task(write_task(tmp_path / "task", metrics=list(metrics)))
        study = StudyFile(path)
        done = run(study, [task], [str(folder)])
        return study, done

    again("perplexity")[0].close()
    return again


def test_likelihoods_of_older_studies_are_of_the_first_reference(ran, tmp_path, echo):
    study = StudyFile(tmp_path / "s.db")
    columns = "SELECT item, checkpoint, settings, refs_hash, nll, tokens FROM "
    before = study.rows(f"{columns} likelihoods ORDER BY item")
    study.close()
    downgrade(tmp_path / "s.db")
    study = StudyFile(tmp_path / "s.db")
    assert len(before) == 10
    assert study.rows(f"{columns} likelihoods ORDER BY item") == before
    assert study.rows(f"{columns} current_likelihoods ORDER BY item") == before
    assert set(study.column("SELECT target FROM likelihoods")) == {"reference:0"}
    assert set(study.column("SELECT policy FROM likelihoods")) == {
        "conditional, first reference"
    }
    assert study.column("PRAGMA foreign_key_check") == []
    assert study.column("PRAGMA integrity_check") == ["ok"]


def test_likelihoods_of_older_studies_are_not_asked_for_again(ran, tmp_path, echo):
    downgrade(tmp_path / "s.db")
    loads = echo.loads
    study, done = ran("perplexity")
    assert (echo.loads, done.scores) == (loads, 0)
    study.close()
    study, done = ran("perplexity", "bits_per_byte:of=document")
    assert (echo.loads, done.generations[0].likelihoods) == (loads + 1, 10)
    targets = study.column("SELECT DISTINCT target FROM likelihoods ORDER BY 1")
    assert targets == ["document:positions:window", "reference:0"]


def test_a_likelihood_is_stored_once_for_each_target(ran, tmp_path):
    study = StudyFile(tmp_path / "s.db")
    [row] = study.rows("SELECT * FROM likelihoods LIMIT 1")
    study.insert("likelihoods", [{**row, "target": "reference:1"}])
    with pytest.raises(StudyError, match="UNIQUE constraint failed"):
        study.insert("likelihoods", [row])
    with pytest.raises(StudyError, match="FOREIGN KEY constraint failed"):
        study.insert("likelihoods", [{**row, "item": "nobody"}])


def test_views_of_older_studies_are_those_of_today(ran, tmp_path):
    downgrade(tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as old:
        old.execute("DROP VIEW checkpoint_summary")
        old.execute("CREATE VIEW checkpoint_summary AS SELECT 1 AS outdated")
    old.close()
    study = StudyFile(tmp_path / "s.db")
    assert len(study.db.view_names()) == len(VIEWS)
    assert study.column("SELECT n FROM checkpoint_summary WHERE kind = 'metric'") == [
        10
    ]


def test_scores_of_likelihood_are_called_so_in_older_studies(ran, tmp_path):
    old_view = VIEWS["judgements"].replace("'likelihood'", "'reference'")
    with sqlite3.connect(tmp_path / "s.db") as old:
        old.execute("DROP VIEW judgements")
        old.execute(f"CREATE VIEW judgements AS {old_view}")
        old.execute("DELETE FROM _sqlite_migrations WHERE name LIKE 'm004_%'")
    old.close()
    study = StudyFile(tmp_path / "s.db")
    [view] = study.column("SELECT sql FROM sqlite_master WHERE name = 'judgements'")
    assert "'likelihood'" in view
    assert "'reference'" not in view


# m005: units

BEFORE_UNITS = Path(__file__).with_name("study_before_units.sql")
"""Made by the version before: three prompts, two checkpoints that write the same for
one, and a third that came later; answers, one of them mended, a skip, an undone answer
and an open lease, all at MADE."""
MADE = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def before_units(tmp_path):
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.executescript(BEFORE_UNITS.read_text("utf-8"))
    old.close()
    return tmp_path / "old.db"


def rows_of(path, query):
    with sqlite3.connect(path) as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def test_every_rating_made_before_units_stays(before_units):
    kept = (
        "SELECT ratings.id, assignment, output, criterion, ratings.state, value, "
        "comment, seconds, supersedes, token, rater FROM ratings "
        "JOIN assignments ON assignments.id = assignment ORDER BY 1"
    )
    before = rows_of(before_units, kept)
    study = StudyFile(before_units)
    assert rows_of(before_units, kept) == before
    assert len(before) == 2 * (4 + 1 + 2 + 1 + 1 + 1)
    assert study.column("PRAGMA foreign_key_check") == []
    assert study.column("PRAGMA integrity_check") == ["ok"]


def test_of_a_raters_answers_to_equal_outputs_before_units_the_first_counts(
    before_units,
):
    study = StudyFile(before_units)
    rated = study.rows(
        "SELECT rater, unit, group_concat(kind) AS kinds FROM assignments "
        "WHERE state = 'rated' GROUP BY rater, unit HAVING count(*) > 1"
    )
    assert [row["kinds"] for row in rated] == ["normal,repeat"]
    once = study.rows("SELECT rater, of_output, criterion FROM output_ratings")
    assert len({tuple(row.values()) for row in once}) == len(once)


def test_a_campaign_begun_before_units_goes_on_to_exactly_k(before_units):
    study = StudyFile(before_units)
    campaign = open_campaign(study, a_task())
    assert campaign.id == 1
    for number, name in enumerate(["ana", "ben", "eve", "new"]):
        rater = ensure_rater(study, name)
        now = MADE + timedelta(hours=number)
        while shown := next_assignment(study, campaign, rater, now=now):
            answer(study, rater, shown.token, Answer({"meaning": 1, "fluency": 1}))
    of_text = study.rows(
        "SELECT units.kind, unit, count(DISTINCT assignments.rater) AS raters "
        "FROM assignments JOIN units ON units.id = unit "
        "WHERE state = 'rated' GROUP BY unit"
    )
    # Three prompts of three checkpoints, the third of which writes the same, too.
    assert [row["raters"] for row in of_text if row["kind"] == "normal"] == [2] * 7
    assert [row["raters"] for row in of_text if row["kind"] == "anchor"] == [2]
    of_output = study.column(
        "SELECT count(DISTINCT rater) FROM output_ratings GROUP BY of_output"
    )
    assert of_output == [2] * 9


def test_what_lay_before_a_rater_before_units_still_does(before_units):
    tokens = {
        state: rows_of(
            before_units,
            f"SELECT token FROM assignments WHERE state = '{state}'",  # noqa: S608
        )[0][0]
        for state in ("open", "undone")
    }
    study = StudyFile(before_units)
    campaign = open_campaign(study, a_task())
    now = MADE + timedelta(minutes=1)
    eve, ben = ensure_rater(study, "eve"), ensure_rater(study, "ben")
    assert next_assignment(study, campaign, eve, now=now).token == tokens["open"]
    shown = next_assignment(study, campaign, ben, now=now)
    assert shown.token == tokens["undone"]
    assert shown.answer == Answer({"meaning": 4, "fluency": 3}, "note")
    assert undo(study, campaign, ben, now=now).answer.values["meaning"] == 5
