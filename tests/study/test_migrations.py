"""Older study files keep what they hold when they are brought up to date."""

import sqlite3

import pytest
from fakes import write_checkpoint, write_task

from harness.errors import StudyError
from harness.run import run
from harness.study import StudyFile
from harness.study.tables import TABLES
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
