"""The desk: several campaigns one after the other, and what the page is told."""

import pytest
from rating_study import a_study, a_task, add_outputs, token_of

from harness.campaign import open_campaign
from harness.desk import Desk
from harness.errors import InputError
from harness.rate import Answer, answer, next_assignment
from harness.study.raters import ensure_rater
from harness.tickets import STALE

FINE = Answer({"meaning": 4, "fluency": 3})


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=1)
    add_outputs(study, task="summarize", items=1, checkpoints=1)
    return study


@pytest.fixture
def desk(study):
    campaigns = (
        open_campaign(study, a_task()),
        open_campaign(study, a_task("summarize")),
    )
    return Desk(study, campaigns, ensure_rater(study, "Ana"))


def work_off(desk):
    """Answer everything; the screens seen."""
    screens = [desk.current()]
    while screens[-1].shown:
        screens.append(desk.submit(screens[-1].shown.token, FINE))
    return screens


def test_campaigns_are_served_one_after_the_other(desk):
    *screens, end = work_off(desk)
    tasks = [screen.shown.prompt.split()[-1] for screen in screens]
    assert tasks == ["modernize", "modernize", "summarize"]
    assert [(screen.done, screen.left) for screen in screens] == [
        (0, 3),
        (1, 2),
        (2, 1),
    ]
    assert (end.done, end.left, end.rater) == (3, 0, "Ana")


def test_undo_goes_back_over_the_border_between_campaigns(desk):
    *screens, end = work_off(desk)
    last = end.last
    for before in reversed(screens):
        back = desk.undo(last)
        last = back.last
        # The same assignment, by a ticket that tells it was answered and taken back.
        assert token_of(back.shown.token) == token_of(before.shown.token)
        assert back.shown.token != before.shown.token
        assert desk.current().shown.token == back.shown.token
        assert back.shown.answer.values == FINE.values
    assert last is None


def test_the_same_undo_again_takes_no_other_answer_back(desk):
    for _ in range(2):
        end = desk.submit(desk.current().shown.token, FINE)
    before = desk.study.column("SELECT count(*) FROM current_ratings")
    once = desk.undo(end.last)
    again = desk.undo(end.last)
    assert "Nothing was taken back" in again.problem
    assert again.shown == once.shown
    counted = desk.study.column("SELECT count(*) FROM current_ratings")
    assert [2 * number for number in counted] == before
    assert "does not belong to you" in desk.undo("forged").problem


POOR = Answer({"meaning": 1, "fluency": 1})


def rows(study):
    return study.column("SELECT count(*) FROM ratings")


def test_the_same_answer_sent_again_counts_once(desk, study):
    first = desk.current().shown
    desk.submit(first.token, FINE)
    stored = rows(study)
    again = desk.submit(first.token, FINE)
    assert (again.notice, again.problem) == ("Saved before; it counts once", "")
    assert rows(study) == stored


@pytest.mark.parametrize("meanwhile", ["answered", "answered and taken back"])
@pytest.mark.parametrize("sent", ["another answer", "a skip"])
def test_what_a_page_sends_of_an_earlier_state_changes_nothing(
    desk, study, meanwhile, sent
):
    stale = desk.current().shown.token
    screen = desk.submit(stale, FINE)
    if meanwhile == "answered and taken back":
        desk.undo(screen.last)
    stored = rows(study)
    reply = (
        desk.submit(stale, POOR) if sent == "another answer" else desk.skip(stale, "")
    )
    assert reply.problem == STALE
    assert rows(study) == stored


def test_an_answer_replayed_after_it_was_taken_back_stays_taken_back(desk, study):
    first = desk.current().shown.token
    desk.undo(desk.submit(first, FINE).last)
    stored = rows(study)
    assert desk.submit(first, FINE).problem == STALE
    assert rows(study) == stored
    assert desk.submit(desk.current().shown.token, POOR).notice == "Saved"


def test_an_undo_replayed_after_a_new_answer_takes_nothing_back(desk, study):
    last = desk.submit(desk.current().shown.token, FINE).last
    anew = desk.undo(last).shown.token
    desk.submit(anew, POOR)
    stored = rows(study)
    assert "not your newest answer" in desk.undo(last).problem
    assert rows(study) == stored


def test_a_skip_sent_again_changes_nothing_and_one_taken_back_stays_so(desk, study):
    first = desk.current().shown.token
    screen = desk.skip(first, "cannot tell")
    stored = rows(study)
    assert desk.skip(first, "cannot tell").problem == ""
    assert rows(study) == stored
    desk.undo(screen.last)
    assert desk.skip(first, "cannot tell").problem == STALE


def test_an_answer_opened_in_two_windows_is_changed_by_the_first_alone(desk):
    token = desk.submit(desk.current().shown.token, FINE).last
    windows = [desk.reopen(token).shown.token for _ in range(2)]
    notice = desk.submit(windows[0], POOR).notice
    assert notice.startswith("Saved; it replaces")
    assert (
        desk.submit(windows[1], Answer({"meaning": 2, "fluency": 2})).problem == STALE
    )
    # An old ticket opens the answer as it stands.
    assert desk.reopen(token).shown.answer.values == POOR.values


def test_the_page_is_told_what_became_of_an_answer(desk):
    token = desk.current().shown.token
    assert desk.submit(token, FINE).notice == "Saved"
    assert "counts once" in desk.submit(token, FINE).notice
    anew = desk.reopen(token).shown.token
    assert "replaces" in desk.submit(anew, POOR).notice
    assert desk.skip(desk.current().shown.token, "").notice == "Skipped"


def test_a_refused_answer_comes_back_with_the_reason_and_what_to_do_next(desk):
    token = desk.current().shown.token
    screen = desk.submit("forged", FINE)
    assert "not stored" in screen.problem
    assert screen.shown.token == token


def test_an_incomplete_answer_leaves_the_page_as_it_is(desk):
    token = desk.current().shown.token
    with pytest.raises(InputError, match="no rating yet"):
        desk.submit(token, Answer({"meaning": 1}))
    assert desk.current().shown.token == token


def test_simulated_ratings_are_announced(desk, study):
    assert not desk.current().simulated
    robot = ensure_rater(study, "robot", "simulated")
    shown = next_assignment(study, desk.campaigns[1], robot)
    answer(study, robot, shown.token, FINE)
    assert desk.current().simulated
