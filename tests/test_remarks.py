"""Comments, skips and flags: what the owner reads, and with which texts."""

import pytest
from raters_at_work import COMPARED
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.rate import Answer, answer, next_assignment, skip, undo
from harness.remarks import EXCERPT, remarks, whole_remark
from harness.study.raters import ensure_rater

FINE = {"meaning": 4, "fluency": 3}


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=4, checkpoints=2)
    yield study
    study.close()


@pytest.fixture
def campaign(study):
    return open_campaign(study, a_task())


@pytest.fixture
def ana(study):
    return ensure_rater(study, "ana")


def say(study, campaign, rater, comment="", *, flagged=False):
    shown = next_assignment(study, campaign, rater)
    answer(study, rater, shown.token, Answer(FINE, comment, flagged=flagged))
    return shown


def test_what_was_said_comes_newest_first_with_its_texts(study, campaign, ana):
    first = say(study, campaign, ana, "odd word")
    say(study, campaign, ana)
    shown = next_assignment(study, campaign, ana)
    skip(study, ana, shown.token, "I cannot judge it")
    newest, oldest = remarks(study, [campaign])
    assert (newest.skipped, newest.comment) == (True, "I cannot judge it")
    assert newest.answers == ()
    assert (oldest.skipped, oldest.comment, oldest.rater) == (False, "odd word", "ana")
    assert oldest.answers == ("meaning: 4", "fluency: 3")
    assert oldest.prompt.text == first.prompt
    [output] = oldest.outputs
    assert output.text == first.outputs[0]
    assert f"model {output.checkpoint.removeprefix('ckpt-')} " in output.text


def test_only_what_is_flagged_can_be_asked_for(study, campaign, ana):
    say(study, campaign, ana, "a comment")
    say(study, campaign, ana, flagged=True)
    assert [one.flagged for one in remarks(study, [campaign])] == [True, False]
    [flagged] = remarks(study, [campaign], flagged_only=True)
    assert (flagged.flagged, flagged.comment) == (True, "")


def test_what_was_taken_back_is_gone(study, campaign, ana):
    say(study, campaign, ana, "a comment", flagged=True)
    undo(study, campaign, ana)
    assert remarks(study, [campaign]) == []


def test_pages_follow_one_another(study, campaign, ana):
    for number in range(5):
        say(study, campaign, ana, f"comment {number}")
    first = remarks(study, [campaign], most=2)
    rest = remarks(study, [campaign], before=first[-1].newest)
    assert [one.comment[-1] for one in (*first, *rest)] == list("43210")


def test_a_long_text_is_shown_in_part_and_one_remark_whole(tmp_path):
    study = a_study(
        tmp_path / "long.db", items=1, checkpoints=1, text=lambda *_: "x" * 5000
    )
    campaign = open_campaign(study, a_task())
    say(study, campaign, ensure_rater(study, "ana"), "long")
    [remark] = remarks(study, [campaign])
    [output] = remark.outputs
    assert (len(output.text), output.hidden) == (EXCERPT, 5000 - EXCERPT)
    [whole] = whole_remark(study, [campaign], remark.assignment).outputs
    assert (len(whole.text), whole.hidden) == (5000, 0)
    assert whole_remark(study, [campaign], 99) is None
    study.close()


def test_the_sides_are_those_of_the_raters_page(study):
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=COMPARED))
    for name in ("ana", "ben", "cem"):
        rater = ensure_rater(study, name)
        shown = next_assignment(study, campaign, rater)
        given = Answer({"meaning": "first", "fluency": "tie"}, "look")
        answer(study, rater, shown.token, given)
        newest = remarks(study, [campaign])[0]
        assert tuple(one.text for one in newest.outputs) == shown.outputs
        assert newest.answers == ("meaning: A is better", "fluency: Equally good")
