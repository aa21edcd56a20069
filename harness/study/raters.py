"""Raters in the study file: who they are, and what lets them in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from harness.errors import UsageError
from harness.study.file import now as stamp

if TYPE_CHECKING:
    from harness.study.file import StudyFile

Kind = Literal["person", "simulated", "imported"]

SESSION_LENGTH = timedelta(days=30)
MOST_NAME_LETTERS = 60
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class Rater:
    """Somebody, or something, that rates."""

    id: int
    """Number in this study."""
    name: str
    """Unique in this study."""
    kind: Kind
    """`simulated` raters are programs and kept apart in every count."""


def add_rater(study: StudyFile, name: str, kind: Kind = "person") -> str:
    """Make a new invite for a rater, who is added if there is none of that name.

    Only the hash of an invite is stored. Earlier invites stay valid, so that a link
    sent yesterday still works.

    Raises:
        UsageError: the name is empty, too long, or that of a rater of another kind.
    """
    rater = ensure_rater(study, name, kind)
    invite = secrets.token_urlsafe(SECRET_BYTES)
    with study.transaction() as db:
        db.execute(
            "INSERT INTO invites (hash, rater, created) VALUES (?, ?, ?)",
            [secret_hash(invite), rater.id, stamp()],
        )
    return invite


def ensure_rater(study: StudyFile, name: str, kind: Kind = "person") -> Rater:
    """The rater of that name, added if there is none.

    Raises:
        UsageError: the name is empty, too long, or that of a rater of another kind.
    """
    name = name.strip()
    if not name or len(name) > MOST_NAME_LETTERS or not name.isprintable():
        raise UsageError(
            f"A rater's name must have 1 to {MOST_NAME_LETTERS} printable letters, "
            f"but this one is {name!r:.80}."
        )
    with study.transaction() as db:
        db.execute(
            "INSERT OR IGNORE INTO raters (name, kind, created) VALUES (?, ?, ?)",
            [name, kind, stamp()],
        )
        [row] = study.rows("SELECT id, name, kind FROM raters WHERE name = ?", [name])
    if row["kind"] != kind:
        raise UsageError(
            f"The rater '{name}' of this study is {row['kind']}, not {kind}. "
            "Give the new one another name."
        )
    return Rater(**row)


def rater_for_invite(study: StudyFile, invite: str) -> Rater | None:
    """Whom an invite is for; None if it is none of this study's."""
    rows = study.rows(
        "SELECT raters.id, raters.name, raters.kind FROM invites "
        "JOIN raters ON raters.id = invites.rater WHERE invites.hash = ?",
        [secret_hash(invite)],
    )
    return Rater(**rows[0]) if rows else None


def open_session(study: StudyFile, rater: Rater, *, now: datetime | None = None) -> str:
    """A secret that stands for the rater until the session ends.

    Only its hash is stored, so that a copy of the study lets nobody in.
    """
    session = secrets.token_urlsafe(SECRET_BYTES)
    time = now or datetime.now(UTC)
    with study.transaction() as db:
        db.execute("DELETE FROM sessions WHERE expires <= ?", [stored_time(time)])
        db.execute(
            "INSERT INTO sessions (hash, rater, created, expires) VALUES (?, ?, ?, ?)",
            [
                secret_hash(session),
                rater.id,
                stored_time(time),
                stored_time(time + SESSION_LENGTH),
            ],
        )
    return session


def rater_for_session(
    study: StudyFile, session: str, *, now: datetime | None = None
) -> Rater | None:
    """Whom a session is for; None if it is unknown, closed or has ended."""
    rows = study.rows(
        "SELECT raters.id, raters.name, raters.kind FROM sessions "
        "JOIN raters ON raters.id = sessions.rater "
        "WHERE sessions.hash = ? AND sessions.expires > ?",
        [secret_hash(session), stored_time(now or datetime.now(UTC))],
    )
    return Rater(**rows[0]) if rows else None


def close_session(study: StudyFile, session: str) -> None:
    """Make a session's secret worthless."""
    with study.transaction() as db:
        db.execute("DELETE FROM sessions WHERE hash = ?", [secret_hash(session)])


def revoke(study: StudyFile, rater: int) -> None:
    """Make all invites and sessions of a rater worthless; their ratings stay."""
    with study.transaction() as db:
        for table in ("invites", "sessions"):
            db.execute(
                f"DELETE FROM {table} WHERE rater = ?",  # noqa: S608 - constants
                [rater],
            )


def secret_hash(secret: str) -> str:
    """What the study stores of a secret that lets somebody in."""
    # A plain hash is enough: the secrets are long and random, nobody chose them.
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def stored_time(time: datetime) -> str:
    """A time as the study stores it: UTC, ISO 8601, microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")
