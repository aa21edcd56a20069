"""The owner's invites and sessions: hashed, apart from raters', ended in time."""

from datetime import UTC, datetime, timedelta

import pytest

from harness.study import StudyFile
from harness.study.owners import (
    close_owner_session,
    invite_owner,
    is_owner_invite,
    is_owner_session,
    open_owner_session,
)
from harness.study.raters import (
    SESSION_LENGTH,
    add_rater,
    ensure_rater,
    open_session,
    rater_for_invite,
    rater_for_session,
    revoke,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def study(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    yield study
    study.close()


def test_invites_are_stored_as_hashes_and_all_stay_valid(study):
    invites = [invite_owner(study) for _ in range(2)]
    assert all(is_owner_invite(study, invite) for invite in invites)
    assert not is_owner_invite(study, "forged")
    assert not {*invites} & {*study.column("SELECT hash FROM owner_invites")}


def test_a_session_ends_when_it_is_closed_or_its_time_is_over(study):
    session = open_owner_session(study, now=NOW)
    last = NOW + SESSION_LENGTH - timedelta(seconds=1)
    assert is_owner_session(study, session, now=last)
    assert not is_owner_session(study, session, now=NOW + SESSION_LENGTH)
    close_owner_session(study, session)
    assert not is_owner_session(study, session, now=NOW)


def test_raters_are_no_owners_and_owners_no_raters(study):
    invite = add_rater(study, "ana")
    session = open_session(study, ensure_rater(study, "ana"))
    assert not is_owner_invite(study, invite)
    assert not is_owner_session(study, session)
    assert rater_for_invite(study, invite_owner(study)) is None
    assert rater_for_session(study, open_owner_session(study)) is None


def test_revoking_shuts_one_rater_out_and_nobody_else(study):
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
    invites = [add_rater(study, name) for name in ("ana", "ana", "ben")]
    sessions = [open_session(study, rater) for rater in (ana, ben)]
    revoke(study, ana.id)
    assert [rater_for_invite(study, invite) for invite in invites] == [None, None, ben]
    assert [rater_for_session(study, one) for one in sessions] == [None, ben]
    again = add_rater(study, "ana")
    assert rater_for_invite(study, again) == ana
