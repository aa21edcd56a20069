"""The desk: several campaigns one after the other, and what the page is told."""

import pytest
from rating_study import a_study, a_task, add_outputs

from harness.campaign import open_campaign
from harness.desk import Desk
from harness.errors import InputError
from harness.rate import Answer, answer, next_assignment
from harness.study.raters import ensure_rater

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
        assert back.shown.token == before.shown.token
        assert desk.current().shown.token == before.shown.token
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


def test_the_page_is_told_what_became_of_an_answer(desk):
    token = desk.current().shown.token
    assert desk.submit(token, FINE).notice == "Saved"
    assert "counts once" in desk.submit(token, FINE).notice
    changed = Answer({"meaning": 1, "fluency": 1})
    assert "replaces" in desk.submit(token, changed).notice
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
