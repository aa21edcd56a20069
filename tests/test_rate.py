"""Rating: tokens, answers that are never lost, undo, skip and progress."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from rating_study import a_study, a_task, add_outputs

from harness.assignments import LEASE
from harness.campaign import open_campaign
from harness.errors import InputError, RatingRefused
from harness.rate import Answer, answer, next_assignment, progress, skip, undo
from harness.study.raters import ensure_rater

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + LEASE + timedelta(seconds=1)
FINE = Answer({"meaning": 4, "fluency": 3}, "good", 5.0)
POOR = Answer({"meaning": 1, "fluency": 2})


@pytest.fixture
def study(tmp_path):
    return a_study(tmp_path / "s.db", items=3, checkpoints=2)


@pytest.fixture
def campaign(study):
    return open_campaign(study, a_task(raters_per_output=1))


@pytest.fixture
def ana(study):
    return ensure_rater(study, "ana")


@pytest.fixture
def ben(study):
    return ensure_rater(study, "ben")


def current(study):
    """Criterion, value and rater of each rating that counts."""
    rows = study.rows(
        "SELECT criterion, value, rater_name FROM current_ratings ORDER BY id"
    )
    return [tuple(row.values()) for row in rows]


def number_of_rows(study):
    return study.column("SELECT count(*) FROM ratings")[0]


@pytest.fixture
def single(tmp_path):
    """One output, one place, two raters."""
    study = a_study(tmp_path / "one.db", items=1, checkpoints=1)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    return study, campaign, ensure_rater(study, "ana"), ensure_rater(study, "ben")


# Answers


def test_an_answer_becomes_one_row_for_each_criterion(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    assert answer(study, ana, shown.token, FINE) == "stored"
    rows = study.rows("SELECT * FROM ratings")
    assert [(row["criterion"], row["value"]) for row in rows] == [
        ("meaning", 4),
        ("fluency", 3),
    ]
    for row in rows:
        assert row["state"] == "rated"
        assert row["comment"] == "good"
        text = study.column("SELECT text FROM outputs WHERE id = ?", [row["output"]])
        assert text == list(shown.outputs)


def test_the_same_answer_again_is_no_second_rating(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    answer(study, ana, shown.token, FINE)
    assert answer(study, ana, shown.token, FINE) == "again"
    assert number_of_rows(study) == 2


def test_another_answer_supersedes_and_nothing_is_deleted(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    answer(study, ana, shown.token, FINE)
    assert answer(study, ana, shown.token, POOR) == "replaced"
    assert current(study) == [("meaning", 1, "ana"), ("fluency", 2, "ana")]
    assert number_of_rows(study) == 4


def test_half_of_a_surrogate_pair_in_a_comment_does_not_lose_the_answer(
    study, campaign, ana
):
    shown = next_assignment(study, campaign, ana)
    cut = Answer({"meaning": 4, "fluency": 3}, "good \ud83d")
    assert answer(study, ana, shown.token, cut) == "stored"
    assert answer(study, ana, shown.token, cut) == "again"
    assert study.column("SELECT comment FROM ratings") == ["good \ufffd"] * 2


def test_a_changed_comment_is_another_answer(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    answer(study, ana, shown.token, FINE)
    assert answer(study, ana, shown.token, Answer(FINE.values, "bad")) == "replaced"


@pytest.mark.parametrize(
    "given",
    [
        Answer({"meaning": 4}),
        Answer({"meaning": 4, "fluency": 9}),
        Answer(FINE.values, "x" * 10_001),
        Answer(FINE.values, ["no text"]),
    ],
    ids=["incomplete", "off the scale", "endless comment", "no text"],
)
def test_a_malformed_answer_stores_nothing(study, campaign, ana, given):
    shown = next_assignment(study, campaign, ana)
    with pytest.raises(InputError):
        answer(study, ana, shown.token, given)
    assert number_of_rows(study) == 0


def test_a_failure_between_two_criteria_stores_neither(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    study.db.execute(
        "CREATE TRIGGER broken BEFORE INSERT ON ratings WHEN new.criterion = 'fluency' "
        "BEGIN SELECT RAISE(ABORT, 'broken'); END"
    )
    with pytest.raises(Exception, match="broken"):
        answer(study, ana, shown.token, FINE)
    assert number_of_rows(study) == 0


@pytest.mark.parametrize(
    ("measured", "stored"),
    [(5.0, 5.0), (1e9, 60.0), (-1, None), (math.nan, None), ("5", None), (True, None)],
)
def test_times_that_cannot_be_true_are_not_stored(
    study, campaign, ana, measured, stored
):
    shown = next_assignment(study, campaign, ana, now=NOW)
    given = Answer(FINE.values, seconds=measured)
    answer(study, ana, shown.token, given, now=NOW + timedelta(seconds=60))
    assert study.column("SELECT DISTINCT seconds FROM ratings") == [stored]


# Tokens


@pytest.mark.parametrize("token", ["", "forged", "' OR 1=1 --"])
def test_a_forged_token_is_refused(study, campaign, ana, token):
    next_assignment(study, campaign, ana)
    with pytest.raises(RatingRefused, match="not stored"):
        answer(study, ana, token, FINE)
    assert number_of_rows(study) == 0


def test_another_raters_token_is_refused_like_a_forged_one(study, campaign, ana, ben):
    shown = next_assignment(study, campaign, ana)
    with pytest.raises(RatingRefused) as foreign:
        answer(study, ben, shown.token, FINE)
    with pytest.raises(RatingRefused) as forged:
        answer(study, ben, "forged", FINE)
    assert str(foreign.value) == str(forged.value)
    with pytest.raises(RatingRefused):
        skip(study, ben, shown.token)
    assert number_of_rows(study) == 0


def test_a_stale_token_is_refused_once_others_have_the_place(single):
    study, campaign, ana, ben = single
    stale = next_assignment(study, campaign, ana, now=NOW)
    fresh = next_assignment(study, campaign, ben, now=LATER)
    with pytest.raises(RatingRefused, match="given to others"):
        answer(study, ana, stale.token, FINE, now=LATER)
    answer(study, ben, fresh.token, POOR, now=LATER)
    assert {name for _, _, name in current(study)} == {"ben"}


def test_a_late_answer_counts_while_the_place_is_free(single):
    study, campaign, ana, ben = single
    shown = next_assignment(study, campaign, ana, now=NOW)
    assert answer(study, ana, shown.token, FINE, now=LATER) == "stored"
    assert next_assignment(study, campaign, ben) is None


def test_a_rating_that_counts_can_be_mended_after_its_lease(study, campaign, ana):
    shown = next_assignment(study, campaign, ana, now=NOW)
    answer(study, ana, shown.token, FINE, now=NOW)
    assert answer(study, ana, shown.token, POOR, now=LATER) == "replaced"


# Undo


def test_undo_takes_back_and_shows_the_answer_again(study, campaign, ana):
    first = next_assignment(study, campaign, ana)
    answer(study, ana, first.token, FINE)
    next_assignment(study, campaign, ana)
    back = undo(study, campaign, ana)
    assert back.token == first.token
    assert back.outputs == first.outputs
    assert back.answer == Answer({"meaning": 4, "fluency": 3}, "good")
    assert current(study) == []
    states = study.column("SELECT state FROM ratings ORDER BY id")
    assert states == ["rated", "rated", "undone", "undone"]


def test_what_was_taken_back_comes_before_the_next_also_after_a_reload(
    study, campaign, ana
):
    shown = [next_assignment(study, campaign, ana)]
    for given in (FINE, POOR):
        answer(study, ana, shown[-1].token, given)
        shown.append(next_assignment(study, campaign, ana))
    undo(study, campaign, ana)
    undo(study, campaign, ana)
    order = []
    for _ in range(3):
        order.append(next_assignment(study, campaign, ana))
        answer(study, ana, order[-1].token, POOR)
    assert [one.token for one in order] == [one.token for one in shown]
    assert order[0].answer == Answer({"meaning": 4, "fluency": 3}, "good")
    assert number_of_rows(study) == 4 + 4 + 6


def test_an_answer_after_undo_supersedes_the_undoing(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    answer(study, ana, shown.token, FINE)
    undo(study, campaign, ana)
    assert answer(study, ana, shown.token, FINE) == "stored"
    assert current(study) == [("meaning", 4, "ana"), ("fluency", 3, "ana")]
    assert study.column("SELECT supersedes FROM ratings") == [None, None, 1, 2, 3, 4]


def test_undo_frees_no_place_before_its_lease_ends(single):
    study, campaign, ana, ben = single
    shown = next_assignment(study, campaign, ana, now=NOW)
    answer(study, ana, shown.token, FINE, now=NOW)
    undo(study, campaign, ana, now=NOW)
    assert next_assignment(study, campaign, ben, now=NOW) is None
    assert next_assignment(study, campaign, ben, now=LATER) is not None


def test_a_skip_can_be_undone_unless_others_have_the_place(single):
    study, campaign, ana, ben = single
    shown = next_assignment(study, campaign, ana, now=NOW)
    skip(study, ana, shown.token, "cannot tell", now=NOW)
    assert undo(study, campaign, ana, now=NOW).answer is None
    skip(study, ana, shown.token, "cannot tell", now=NOW)
    next_assignment(study, campaign, ben, now=NOW)
    with pytest.raises(RatingRefused, match="nothing to undo"):
        undo(study, campaign, ana, now=NOW)


def test_with_nothing_answered_there_is_nothing_to_undo(study, campaign, ana, ben):
    shown = next_assignment(study, campaign, ben)
    answer(study, ben, shown.token, FINE)
    assert undo(study, campaign, ana) is None
    assert len(current(study)) == 2


# Skip and progress


def test_a_skip_keeps_its_reason_and_counts_for_nothing(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    skip(study, ana, shown.token, "not in my language")
    skip(study, ana, shown.token, "not in my language")
    rows = study.rows("SELECT state, comment, value FROM ratings")
    assert (
        rows
        == [{"state": "skipped", "comment": "not in my language", "value": None}] * 2
    )
    assert current(study) == []


def test_what_is_rated_already_cannot_be_skipped(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    answer(study, ana, shown.token, FINE)
    with pytest.raises(RatingRefused, match="rated this one already"):
        skip(study, ana, shown.token)
    assert len(current(study)) == 2


def test_progress_counts_what_is_done_and_what_is_left(study, campaign, ana, ben):
    assert progress(study, campaign, ana).seconds_per_item is None
    time = NOW
    for seconds in (4.0, 8.0, 30.0):
        shown = next_assignment(study, campaign, ana, now=time)
        time += timedelta(minutes=1)
        given = Answer(FINE.values, seconds=seconds)
        answer(study, ana, shown.token, given, now=time)
    done = progress(study, campaign, ana, now=time)
    assert (done.done, done.left, done.seconds_per_item) == (3, 3, 8.0)
    # One output has one place: what ana rated is not left for ben.
    assert progress(study, campaign, ben, now=time).left == 3


def test_a_checkpoint_that_comes_later_is_left_to_rate(study, campaign, ana):
    while shown := next_assignment(study, campaign, ana):
        answer(study, ana, shown.token, FINE)
    assert progress(study, campaign, ana).left == 0
    add_outputs(study, items=3, checkpoints=3)
    # Three new ones, and a fifth of the six earlier ones again.
    assert progress(study, campaign, ana).left == 3 + 2
    assert next_assignment(study, campaign, ana) is not None
