"""One study file: opened safely, one connection a thread, errors in plain words."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import NotFound, StudyBusy, StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from harness.study.sqlite import Database
    from harness.types import Json

APPLICATION_ID = 0x544E444D  # "TNDM", as `file` and SQLite show it
BUSY_SECONDS = 30.0
AT_ONCE = 500  # rows: so few that Python does not look for garbage among them
MOUNTS = Path("/proc/self/mounts")
PLAIN_WORDS = {
    "locked": f"another process held the study's lock for {BUSY_SECONDS:.0f} seconds. "
    "Nothing was lost; run the same command again.",
    "disk is full": "the disk is full. Everything before this is stored and nothing is "
    "half-written; free some space and run the same command again.",
    "disk I/O": "the disk cannot be read or written; it may be full.",
    "not a database": "it is no SQLite database, or it is damaged ({message}).",
    "malformed": "it is no SQLite database, or it is damaged ({message}).",
    "readonly": "the file or its folder is read-only.",
    "unable to open": "it cannot be opened; is its folder there and may you write to "
    "it?",
}
"""What SQLite says, by a part of it, as users read it."""
NETWORK_FILE_SYSTEMS = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs"),
        *("lustre", "gpfs", "beegfs", "ceph", "fuse.ceph", "fuse.glusterfs"),
    )
)


class StudyFile:
    """An SQLite database in WAL mode that several processes and threads can share."""

    def __init__(self, path: Path | str, *, must_exist: bool = False) -> None:
        """Open the file, create it if need be, and bring its tables up to date.

        Raises:
            StudyError: it is no study file, is newer than this program, lies on a
                network file system, or cannot be opened.
        """
        self.path = Path(path)
        self._local = threading.local()
        if must_exist and not self.path.is_file():
            raise StudyError(
                f"There is no study file {self.path}. `harness run` or "
                "`harness import` creates one; --db names another."
            )
        self._refuse_network_file_system()
        with self._plain_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()

    @property
    def db(self) -> Database:
        """This thread's connection."""
        if not hasattr(self._local, "db"):
            self._local.db = self._connect()
        db: Database = self._local.db
        return db

    def close(self) -> None:
        """Close this thread's connection."""
        if hasattr(self._local, "db"):
            self._local.db.close()
            del self._local.db

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """All or nothing, with the write lock held from the start.

        Raises:
            StudyError: the lock was not to be had, or the disk is full.
        """
        with self._plain_errors():
            if self.db.conn.in_transaction:
                yield self.db
                return
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.commit()
            except BaseException:
                self.db.rollback()
                raise

    def rows(self, sql: str, parameters: Sequence[Json] = ()) -> list[dict[str, Json]]:
        """The rows of a query, each as column name to value."""
        return list(self.each(sql, parameters))

    def each(
        self, sql: str, parameters: Sequence[Json] = ()
    ) -> Iterator[dict[str, Json]]:
        """As `rows`, one by one, for results that may not fit in memory."""
        with self._plain_errors():
            cursor = self.db.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            for row in cursor:
                yield dict(zip(names, row, strict=True))

    def tuples(
        self, sql: str, parameters: Sequence[Json] = ()
    ) -> Iterator[tuple[Json, ...]]:
        """As `each`, without the names, for very many rows."""
        with self._plain_errors():
            yield from self.db.execute(sql, list(parameters))

    def columns(
        self, sql: str, parameters: Sequence[Json] = ()
    ) -> Iterator[tuple[tuple[Json, ...], ...]]:
        """As `tuples`, but column by column of some rows at a time.

        Whoever keeps numbers of the rows rather than the rows themselves is fastest so.
        """
        with self._plain_errors():
            cursor = self.db.execute(sql, list(parameters))
            while rows := cursor.fetchmany(AT_ONCE):
                yield tuple(zip(*rows, strict=True))

    def column(self, sql: str, parameters: Sequence[Json] = ()) -> list[Json]:
        """The first column of a query."""
        with self._plain_errors():
            return [row[0] for row in self.db.execute(sql, list(parameters))]

    def mapping(self, sql: str, parameters: Sequence[Json] = ()) -> dict[Json, Json]:
        """The first column of a query to the second."""
        with self._plain_errors():
            return dict(self.db.execute(sql, list(parameters)))

    def names(self) -> list[str]:
        """All tables, then all views."""
        with self._plain_errors():
            return self.db.table_names() + self.db.view_names()

    def insert(
        self, table: str, rows: Iterable[Mapping[str, Json]], *, ignore: bool = False
    ) -> None:
        """Append rows; with `ignore` those that are there already are left as is."""
        rows = list(rows)
        if not rows:
            return
        # OR IGNORE would leave out rows that lack a value, too, and say nothing.
        there = " ON CONFLICT DO NOTHING" if ignore else ""
        names = list(rows[0])
        with self.transaction() as db:
            db.conn.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) "  # noqa: S608 - our own
                f"VALUES ({', '.join('?' * len(names))}){there}",
                ([row[name] for name in names] for row in rows),
            )

    def frame(self, name: str) -> pd.DataFrame:
        """A table or view as a pandas data frame.

        Raises:
            NotFound: there is no such table or view; the nearest is suggested.
        """
        import pandas as pd

        known = self.names()
        if name not in known:
            raise NotFound("table or view", name, known)
        with self._plain_errors():
            cursor = self.db.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - known
            columns = [column[0] for column in cursor.description]
            return pd.DataFrame.from_records(
                cursor.fetchall(), columns=columns, coerce_float=True
            )

    def _connect(self) -> Database:
        from harness.study.sqlite import Database

        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        # Else REPLACE would delete without asking the triggers that forbid it.
        connection.execute("PRAGMA recursive_triggers = ON")
        return Database(connection, execute_plugins=False)

    def _prepare(self) -> None:
        from harness.study.migrations import bring_up_to_date, migrations

        if self._mark() != APPLICATION_ID or migrations.pending(self.db):
            # The lock first: two processes may open a new file at one moment.
            with self.transaction() as db:
                if self._mark() != APPLICATION_ID and db.table_names():
                    raise StudyError(
                        f"{self.path} is the database of another program. "
                        "Name another file with --db."
                    )
                bring_up_to_date(db)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        known = {migration.name for migration in migrations._migrations}  # noqa: SLF001
        if {row.name for row in migrations.applied(self.db)} - known:
            raise StudyError(
                f"{self.path} was written by a newer version of Tandem. "
                "Update your clone of Tandem and install it again."
            )
        self._enable_wal()

    def _mark(self) -> int:
        return int(self.db.execute("PRAGMA application_id").fetchone()[0])

    def _enable_wal(self) -> None:
        # Of two processes that switch at one moment SQLite refuses one, at once.
        give_up = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self.db.enable_wal()
            except sqlite3.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
            else:
                return

    def _refuse_network_file_system(self) -> None:
        kind = _file_system(self.path)
        if kind in NETWORK_FILE_SYSTEMS:
            raise StudyError(
                f"{self.path} lies on a network file system ({kind}), where SQLite "
                "can lose data. Name a file on a local disk with --db."
            )

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            kind = StudyBusy if "locked" in str(error) else StudyError
            raise kind(f"{self.path}: {_in_plain_words(error)}") from error
        except OSError as error:
            raise StudyError(f"{self.path}: {error.strerror}") from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise StudyError(f"{self.path}: no value to be stored: {error}") from error


def now() -> str:
    """The time as the study stores it: UTC, ISO 8601, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _in_plain_words(error: sqlite3.Error) -> str:
    message = str(error)
    known = (words for sign, words in PLAIN_WORDS.items() if sign in message)
    return next(known, message).replace("{message}", message)


def _file_system(path: Path) -> str:
    """Kind of file system that a path lies on; empty where that is unknown."""
    if not MOUNTS.is_file():
        return ""
    place, best, kind = os.path.realpath(path), "", ""
    for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind
