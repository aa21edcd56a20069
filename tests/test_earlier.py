"""Earlier answers: listed without a hint, opened again, replaced or left."""

from dataclasses import fields

import pytest
from rating_study import a_study, a_task, token_of

from harness.campaign import open_campaign
from harness.desk import Desk
from harness.earlier import MOST_EARLIER, Earlier
from harness.errors import InputError, RatingRefused
from harness.rate import Answer
from harness.study.raters import ensure_rater

FINE = Answer({"meaning": 3, "fluency": 2}, "so so")
BETTER = Answer({"meaning": 5, "fluency": 4})


@pytest.fixture
def desk(tmp_path):
    study = a_study(tmp_path / "s.db")
    campaign = open_campaign(study, a_task(show_references=True))
    yield Desk(study, (campaign,), ensure_rater(study, "Ana"))
    study.close()


def other(desk):
    return Desk(desk.study, desk.campaigns, ensure_rater(desk.study, "Ben"))


def answered(desk, count, given=FINE):
    """Answer so many; what was shown."""
    shown = []
    for _ in range(count):
        shown.append(desk.current().shown)
        desk.submit(shown[-1].token, given)
    return shown


def counted(desk):
    return desk.study.column("SELECT value FROM current_ratings ORDER BY id")


def tokens(some):
    """The tokens of the assignments that a page shows or lists."""
    return [token_of(one.token) for one in some]


def test_the_newest_answer_comes_first_in_words(desk):
    shown = answered(desk, 2)
    listed = desk.earlier()
    assert tokens(listed) == tokens([shown[1], shown[0]])
    assert listed[1].prompt == shown[0].prompt
    assert listed[0].said == ("3 Partly", "2")


def test_nothing_answered_nothing_listed(desk):
    desk.current()
    assert desk.earlier() == ()


def test_the_last_twenty_are_listed_with_the_beginning_of_a_long_prompt(tmp_path):
    study = a_study(tmp_path / "s.db", items=22, checkpoints=1)
    study.db.execute("UPDATE items SET prompt = prompt || ?", [" and\n so  on" * 99])
    study.db.conn.commit()
    desk = Desk(study, (open_campaign(study, a_task()),), ensure_rater(study, "Ana"))
    shown = answered(desk, 22)
    listed = desk.earlier()
    assert tokens(listed) == tokens(shown[:1:-1])
    assert len(listed) == MOST_EARLIER
    assert all(len(one.prompt) == 121 for one in listed)
    assert "and so on" in listed[0].prompt
    study.close()


def test_an_answer_opened_again_still_counts_until_it_is_replaced(desk):
    first, second = answered(desk, 2)
    now = desk.current().shown.token
    screen = desk.reopen(first.token)
    assert screen.reopened
    assert screen.shown.outputs == first.outputs
    assert screen.shown.answer == FINE
    assert counted(desk) == [3, 2, 3, 2]
    after = desk.submit(screen.shown.token, BETTER)
    assert "replaces your earlier answer" in after.notice
    assert (after.shown.token, after.reopened) == (now, False)
    assert counted(desk) == [3, 2, 5, 4]
    assert desk.earlier()[0].said == ("5 The same meaning", "4")
    assert tokens(desk.earlier()) == tokens([first, second])


def test_leaving_it_goes_on_where_one_was_and_changes_nothing(desk):
    [first] = answered(desk, 1)
    now = desk.current()
    desk.reopen(first.token)
    assert desk.current() == now
    assert counted(desk) == [3, 2]
    assert desk.study.column("SELECT count(*) FROM ratings") == [2]


@pytest.mark.parametrize("token", ["", "forged", "' OR 1=1 --"])
def test_a_forged_token_opens_nothing(desk, token):
    answered(desk, 1)
    screen = desk.reopen(token)
    assert "does not belong to you" in screen.problem
    assert not screen.reopened
    with pytest.raises(RatingRefused):
        desk.differences(token)


def test_another_raters_answer_opens_for_nobody_else(desk):
    [theirs] = answered(desk, 1)
    ben = other(desk)
    assert ben.earlier() == ()
    mine = ben.current().shown.token
    screen = ben.reopen(theirs.token)
    assert "does not belong to you" in screen.problem
    assert (screen.shown.token, screen.reopened) == (mine, False)
    with pytest.raises(RatingRefused):
        ben.differences(theirs.token)


def test_what_is_open_skipped_or_explained_cannot_be_opened_again(desk):
    skipped = desk.current().shown.token
    desk.skip(skipped, "It upsets me")
    [example] = answered(desk, 1)
    desk.study.db.execute(
        "UPDATE assignments SET kind = 'example' WHERE token = ?",
        tokens([example]),
    )
    desk.study.db.conn.commit()
    for token in (skipped, example.token, desk.current().shown.token):
        assert desk.reopen(token).problem == "This answer can no longer be changed."
    assert desk.earlier() == ()


def test_a_repeat_on_the_desk_hides_what_was_said_the_first_time(desk):
    first, second = answered(desk, 2)
    now = desk.current().shown.token
    desk.study.db.execute(
        "UPDATE assignments SET kind = 'repeat', unit = "
        "(SELECT unit FROM assignments WHERE token = ?) WHERE token = ?",
        [*tokens([first]), token_of(now)],
    )
    desk.study.db.conn.commit()
    assert tokens(desk.earlier()) == tokens([second])
    assert desk.reopen(first.token).problem
    desk.submit(now, FINE)
    assert tokens([first])[0] in tokens(desk.earlier())


def test_an_entry_has_no_field_that_tells_what_it_was_asked_for():
    assert {field.name for field in fields(Earlier)} == {
        "token",
        "prompt",
        "said",
        "at",
    }


def test_an_output_is_compared_with_the_one_right_answer(desk):
    shown = desk.current().shown
    found = desk.differences(shown.token)
    [reference], [output] = shown.references, shown.outputs
    assert [reference[start:end] for start, end in found.first] == ["Reference"]
    assert output[: found.second[0][1]].startswith("Answer of model")


def test_one_text_alone_cannot_be_compared(tmp_path):
    study = a_study(tmp_path / "s.db")
    desk = Desk(study, (open_campaign(study, a_task()),), ensure_rater(study, "Ana"))
    with pytest.raises(InputError, match="no two texts"):
        desk.differences(desk.current().shown.token)
    study.close()
