"""The study file: shared, whole, append-only, and plain about what is wrong."""

import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from rating_study import a_study

from harness.errors import NotFound, StudyBusy, StudyError
from harness.study import StudyFile, file
from harness.study.migrations import migrations

OPEN_AT_ONCE = """
import sys, time, pathlib
from harness.study import StudyFile
folder, number = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / f"ready-{number}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
study = StudyFile(folder / "new" / "study.db")
for n in range(20):
    study.insert("series", [{"name": f"{number}-{n}"}])
"""


def test_four_processes_create_one_study_at_the_same_moment(tmp_path):
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN_AT_ONCE, tmp_path, str(n)])
        for n in range(4)
    ]
    while len(list(tmp_path.glob("ready-*"))) < 4:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    study = StudyFile(tmp_path / "new" / "study.db")
    assert study.column("SELECT count(*) FROM series") == [80]
    assert study.column("SELECT count(*) FROM _sqlite_migrations") == [
        len(migrations._migrations)
    ]


def test_threads_each_have_a_connection(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    connections = {threading.get_ident(): study.db.conn}

    def write():
        connections[threading.get_ident()] = study.db.conn
        study.insert("series", [{"name": threading.current_thread().name}])
        study.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, connections.values()))) == len(connections) > 1
    assert study.column("SELECT count(*) FROM series") == [4]


def test_a_study_can_be_queried_with_plain_sqlite(tmp_path):
    a_study(tmp_path / "s.db", items=2, checkpoints=1)
    with sqlite3.connect(tmp_path / "s.db") as connection:
        [(mode,)] = connection.execute("PRAGMA journal_mode")
        [(count,)] = connection.execute("SELECT count(*) FROM current_outputs")
    connection.close()
    assert (mode, count) == ("wal", 2)


def test_opening_again_changes_nothing(tmp_path):
    path = tmp_path / "s.db"
    a_study(path).close()
    before = path.read_bytes()
    StudyFile(path).close()
    assert path.read_bytes() == before


# What is refused


def test_a_missing_study_that_must_exist_is_not_created(tmp_path):
    with pytest.raises(StudyError, match=r"no study file .*harness run.*--db"):
        StudyFile(tmp_path / "new" / "s.db", must_exist=True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("mark", [0, 7])
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path, mark):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute(f"PRAGMA application_id = {mark}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StudyError, match="the database of another program"):
        StudyFile(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" * 99])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(StudyError, match="it is no SQLite database, or it is damaged"):
        StudyFile(path)
    assert path.read_bytes() == content


def test_a_damaged_study_is_refused_when_the_damage_is_met(tmp_path):
    path = tmp_path / "s.db"
    study = a_study(path)
    study.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    study.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StudyError, match="damaged"):
        StudyFile(path).rows("SELECT * FROM outputs")


def test_an_empty_file_becomes_a_study(tmp_path):
    path = tmp_path / "s.db"
    path.touch()
    assert StudyFile(path).column("SELECT count(*) FROM outputs") == [0]


def test_a_study_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "s.db"
    study = StudyFile(path)
    newer = {"migration_set": "tandem", "name": "m999_future", "applied_at": "2030"}
    study.insert("_sqlite_migrations", [newer])
    study.close()
    with pytest.raises(StudyError, match="written by a newer version of Tandem"):
        StudyFile(path)


def test_a_study_of_an_older_version_is_brought_up_to_date(tmp_path):
    path = tmp_path / "s.db"
    study = StudyFile(path)
    with study.transaction() as db:
        for name in db.view_names():
            db.execute(f"DROP VIEW {name}")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm002_views'")
    study.close()
    assert StudyFile(path).column("SELECT count(*) FROM judgements") == [0]


@pytest.mark.parametrize(
    ("kind", "refused"),
    [("nfs4", True), ("lustre", True), ("ext4", False), ("overlay", False)],
)
def test_a_network_file_system_is_refused(tmp_path, monkeypatch, kind, refused):
    folder = tmp_path / "shared disk"
    folder.mkdir()
    mounts = tmp_path / "mounts"
    point = str(folder).replace(" ", "\\040")
    mounts.write_text(f"/dev/root / ext4 rw 0 0\nserver:/ {point} {kind} rw 0 0\n")
    monkeypatch.setattr(file, "MOUNTS", mounts)
    if not refused:
        StudyFile(folder / "s.db")
        return
    with pytest.raises(StudyError, match=rf"network file system \({kind}\).*--db"):
        StudyFile(folder / "new" / "s.db")
    assert not (folder / "new").exists()


def test_no_list_of_mounts_is_no_reason_to_refuse(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "MOUNTS", tmp_path / "none")
    StudyFile(tmp_path / "s.db")


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(StudyError, match=r"Not a directory|File exists"):
        StudyFile(tmp_path / "a" / "s.db")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(StudyError, match="cannot be opened"):
        StudyFile(tmp_path)


def test_writing_what_is_read_only_is_refused(tmp_path):
    # Permissions do not hold back root, which tests may run as.
    study = StudyFile(tmp_path / "s.db")
    study.db.execute("PRAGMA query_only = ON")
    with pytest.raises(StudyError, match="read-only"):
        study.insert("series", [{"name": "a"}])


def test_a_lock_that_is_held_too_long_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.05)
    holder, study = StudyFile(tmp_path / "s.db"), StudyFile(tmp_path / "s.db")
    with holder.transaction():
        with pytest.raises(StudyBusy, match=r"held the study's lock.*Nothing was lost"):
            study.insert("series", [{"name": "a"}])
        assert study.column("SELECT count(*) FROM series") == [0]
    study.insert("series", [{"name": "a"}])
    assert study.column("SELECT name FROM series") == ["a"]


def test_a_lock_is_waited_for(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    held = threading.Event()

    def hold():
        with study.transaction():
            held.set()
            time.sleep(0.2)
        study.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    study.insert("series", [{"name": "a"}])
    thread.join()
    assert study.column("SELECT name FROM series") == ["a"]


# All or nothing


def fill(study):
    """Leave no room in the file for more than about two pages."""
    [pages] = study.column("PRAGMA page_count")
    study.db.execute(f"PRAGMA max_page_count = {pages + 2}")


def test_a_full_disk_stores_all_of_a_transaction_or_nothing(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    study.insert("series", [{"name": "before"}])
    fill(study)
    rows = [{"name": f"{n}" * 100} for n in range(1000)]
    with pytest.raises(StudyError, match=r"the disk is full.*nothing is half-written"):
        study.insert("series", rows)
    assert study.column("SELECT name FROM series") == ["before"]
    assert not study.db.conn.in_transaction
    study.db.execute("PRAGMA max_page_count = 1000000")
    study.insert("series", rows[:5])
    assert study.column("SELECT count(*) FROM series") == [6]
    assert study.column("PRAGMA integrity_check") == ["ok"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_what_a_failed_transaction_wrote_is_undone(tmp_path, error):
    study = StudyFile(tmp_path / "s.db")

    def fail():
        with study.transaction():
            study.insert("series", [{"name": "a"}])
            with study.transaction():
                study.insert("series", [{"name": "b"}])
            raise error

    with pytest.raises(error):
        fail()
    assert study.column("SELECT name FROM series") == []
    assert not study.db.conn.in_transaction


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path):
    study = StudyFile(tmp_path / "s.db")

    def commit_a_broken_reference():
        with study.transaction() as db:
            db.execute("PRAGMA defer_foreign_keys = ON")
            db.execute("INSERT INTO invites VALUES ('hash', 99, 'now')")

    with pytest.raises(StudyError, match="FOREIGN KEY constraint failed"):
        commit_a_broken_reference()
    assert not study.db.conn.in_transaction
    study.insert("series", [{"name": "a"}])


def test_foreign_keys_are_kept(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    row = {"checkpoint": "none", "item": "none", "signature": "none", "key": ""}
    with pytest.raises(StudyError, match="FOREIGN KEY constraint failed"):
        study.insert("scores", [row])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ratings SET value = 5",
        "DELETE FROM ratings",
        "REPLACE INTO ratings SELECT * FROM ratings",
    ],
)
def test_ratings_are_append_only(tmp_path, statement):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    study.insert("raters", [{"name": "ann", "kind": "person", "created": "now"}])
    campaign = {"task": "t", "name": "c", "scheme": "likert", "protocol": "{}"}
    study.insert("campaigns", [{**campaign, "hash": "h", "created": "now"}])
    study.insert(
        "assignments", [{"campaign": 1, "rater": 1, "token": "x", "probability": 1.0}]
    )
    rating = {"assignment": 1, "criterion": "fit", "value": 3, "created": "now"}
    study.insert("ratings", [rating])
    with pytest.raises(StudyError, match="append-only"), study.transaction() as db:
        db.execute(statement)
    assert study.column("SELECT value FROM ratings") == [3]
    assert study.column("SELECT state FROM assignments") == ["rated"]


@pytest.mark.parametrize("value", ["\ud83d", 2**70], ids=["half a character", "huge"])
def test_a_value_that_no_column_holds_is_refused(tmp_path, value):
    study = StudyFile(tmp_path / "s.db")
    with pytest.raises(StudyError, match="no value to be stored"):
        study.insert("series", [{"name": value}])


HOSTILE = ["'; DROP TABLE series; --", '"', "\0", "a\nb", "\x1b[31m", "%s", "ü🙂" * 999]


def test_rows_that_are_there_are_left_alone_and_none_is_lost_for_want_of_a_value(
    tmp_path,
):
    study = StudyFile(tmp_path / "s.db")
    for kind in ("person", "imported"):
        row = {"name": "ann", "kind": kind, "created": "now"}
        study.insert("raters", [row], ignore=True)
    assert study.mapping("SELECT name, kind FROM raters") == {"ann": "person"}
    with pytest.raises(StudyError, match="NOT NULL constraint failed"):
        study.insert("raters", [{**row, "name": "bob", "kind": None}], ignore=True)


def test_hostile_texts_are_stored_as_they_are(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    study.insert("series", [{"name": text} for text in HOSTILE])
    assert study.column("SELECT name FROM series ORDER BY rowid") == HOSTILE
    assert study.rows("SELECT name FROM series WHERE name = ?", HOSTILE[:1])


# Reading


def test_rows_columns_and_mappings(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    study.insert("series", [{"name": "a"}, {"name": "b"}])
    query = "SELECT name, '{}' AS empty FROM series ORDER BY name"
    assert study.rows(query)[1] == {"name": "b", "empty": "{}"}
    assert study.column(query) == ["a", "b"]
    assert study.mapping(query) == {"a": "{}", "b": "{}"}


def test_columns_come_of_some_rows_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "AT_ONCE", 2)
    study = StudyFile(tmp_path / "s.db")
    study.insert("series", [{"name": name} for name in "abc"])
    query = "SELECT name, rowid FROM series ORDER BY name"
    assert list(study.columns(query)) == [(("a", "b"), (1, 2)), (("c",), (3,))]
    assert list(study.columns("SELECT name FROM series WHERE name = 'd'")) == []


@pytest.mark.parametrize("read", ["rows", "column", "mapping"])
@pytest.mark.parametrize("table", ["nowhere", "full_disks"])
def test_a_wrong_query_is_a_study_error(tmp_path, read, table):
    study = StudyFile(tmp_path / "s.db")
    with pytest.raises(StudyError, match=f"no such table: {table}"):
        getattr(study, read)(f"SELECT * FROM {table}")  # noqa: S608 - our own


def test_a_frame_has_the_columns_and_types_of_its_view(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=3)
    frame = study.frame("current_outputs")
    assert len(frame) == 6
    assert list(frame.columns) == [
        column.name for column in study.db["current_outputs"].columns
    ]
    assert frame["sample"].dtype == "int64"
    assert frame["prompt_tokens"].isna().all()


def test_an_empty_frame_keeps_its_columns(tmp_path):
    frame = StudyFile(tmp_path / "s.db").frame("judgements")
    assert frame.empty
    assert {"rating", "score", "signature", "rater"} <= set(frame.columns)


@pytest.mark.parametrize("name", ["judgments", "outputs; DROP TABLE outputs", ""])
def test_a_frame_of_nothing_is_not_found(tmp_path, name):
    with pytest.raises(NotFound, match="No table or view named"):
        StudyFile(tmp_path / "s.db").frame(name)
