"""The study's owner in the study file: what lets them in, apart from raters."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.study.file import now as stamp
from harness.study.raters import (
    SECRET_BYTES,
    SESSION_LENGTH,
    secret_hash,
    stored_time,
)

if TYPE_CHECKING:
    from harness.study.file import StudyFile


def invite_owner(study: StudyFile) -> str:
    """Make a new invite for the owner, of which only the hash is stored.

    Earlier invites stay valid, so that a link kept since yesterday still works.
    """
    invite = secrets.token_urlsafe(SECRET_BYTES)
    row = {"hash": secret_hash(invite), "created": stamp()}
    study.insert("owner_invites", [row])
    return invite


def is_owner_invite(study: StudyFile, invite: str) -> bool:
    """Whether it is one of this study's invites for its owner."""
    query = "SELECT 1 FROM owner_invites WHERE hash = ?"
    return bool(study.column(query, [secret_hash(invite)]))


def open_owner_session(study: StudyFile, *, now: datetime | None = None) -> str:
    """A secret that stands for the owner until the session ends."""
    session = secrets.token_urlsafe(SECRET_BYTES)
    time = now or datetime.now(UTC)
    row = {
        "hash": secret_hash(session),
        "created": stored_time(time),
        "expires": stored_time(time + SESSION_LENGTH),
    }
    with study.transaction() as db:
        db.execute("DELETE FROM owner_sessions WHERE expires <= ?", [row["created"]])
        study.insert("owner_sessions", [row])
    return session


def is_owner_session(
    study: StudyFile, session: str, *, now: datetime | None = None
) -> bool:
    """Whether it is a session of the owner that has not ended."""
    time = stored_time(now or datetime.now(UTC))
    query = "SELECT 1 FROM owner_sessions WHERE hash = ? AND expires > ?"
    return bool(study.column(query, [secret_hash(session), time]))


def close_owner_session(study: StudyFile, session: str) -> None:
    """Make a session's secret worthless."""
    with study.transaction() as db:
        db.execute("DELETE FROM owner_sessions WHERE hash = ?", [secret_hash(session)])
