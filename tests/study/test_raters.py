"""Raters, invites and sessions: only hashes are stored, and sessions end."""

from datetime import UTC, datetime, timedelta

import pytest

from harness.errors import UsageError
from harness.study import StudyFile
from harness.study.raters import (
    SESSION_LENGTH,
    Rater,
    add_rater,
    close_session,
    ensure_rater,
    open_session,
    rater_for_invite,
    rater_for_session,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


def test_an_invite_stands_for_its_rater(study):
    invite = add_rater(study, "Ana")
    assert rater_for_invite(study, invite) == Rater(1, "Ana", "person")
    assert rater_for_invite(study, invite + "x") is None


def test_a_second_invite_leaves_the_first_valid(study):
    first, second = add_rater(study, "Ana"), add_rater(study, "Ana")
    assert first != second
    assert rater_for_invite(study, first) == rater_for_invite(study, second)


def test_neither_invites_nor_sessions_are_in_the_file(study):
    invite = add_rater(study, "Ana")
    session = open_session(study, ensure_rater(study, "Ana"))
    study.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = study.path.read_bytes()
    assert b"Ana" in content
    assert invite.encode() not in content
    assert session.encode() not in content


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "a\u202eb"])
def test_odd_names_are_refused(study, name):
    with pytest.raises(UsageError, match="rater's name"):
        add_rater(study, name)


def test_a_name_cannot_be_a_person_and_a_program(study):
    add_rater(study, "Ana")
    with pytest.raises(UsageError, match="is person, not simulated"):
        add_rater(study, "Ana", "simulated")


def test_a_session_ends(study):
    ana = ensure_rater(study, "Ana")
    session = open_session(study, ana, now=NOW)
    just_before = NOW + SESSION_LENGTH - timedelta(seconds=1)
    assert rater_for_session(study, session, now=just_before) == ana
    assert rater_for_session(study, session, now=NOW + SESSION_LENGTH) is None


def test_a_closed_session_is_worthless(study):
    session = open_session(study, ensure_rater(study, "Ana"))
    close_session(study, session)
    assert rater_for_session(study, session) is None
    assert rater_for_session(study, "") is None


def test_ended_sessions_are_swept_out(study):
    ana = ensure_rater(study, "Ana")
    open_session(study, ana, now=NOW)
    open_session(study, ana, now=NOW + 2 * SESSION_LENGTH)
    assert study.column("SELECT count(*) FROM sessions") == [1]
