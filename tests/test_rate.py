"""Rating: k raters per output, leases, tokens, and answers that are never lost."""

import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from rating_study import a_study, a_task, add_outputs

from harness.assignments import LEASE
from harness.campaign import open_campaign
from harness.errors import InputError, RatingRefused
from harness.identity import content_hash
from harness.rate import Answer, answer, next_assignment, progress, skip, undo
from harness.study import StudyFile
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


def only(study):
    """A study in which one output is to be rated, by one rater."""
    other = a_study(study.path.parent / "one.db", items=1, checkpoints=1)
    return other, open_campaign(other, a_task(raters_per_output=1))


# What is shown


def test_what_is_shown_holds_no_word_of_its_origin(study, campaign, ana):
    shown = next_assignment(study, campaign, ana)
    assert set(asdict(shown)) == {
        "token",
        "instructions",
        "prompt",
        "references",
        "outputs",
        "controls",
        "answer",
    }
    text = json.dumps(asdict(shown))
    ids = study.column("SELECT id FROM outputs UNION SELECT id FROM checkpoints")
    for secret in ["ckpt-", "lr-canary", "item-", "Reference", "settings", *ids]:
        assert secret not in text


def test_references_are_shown_only_where_the_plan_says_so(study, ana):
    hidden = open_campaign(study, a_task())
    open_ = open_campaign(study, a_task(show_references=True))
    assert next_assignment(study, hidden, ana).references == ()
    [reference] = next_assignment(study, open_, ana).references
    assert reference.startswith("Reference ")


def test_what_was_shown_is_stored_with_the_assignment(study, ana):
    campaign = open_campaign(study, a_task(show_references=True))
    shown = next_assignment(study, campaign, ana)
    [stimulus] = map(json.loads, study.column("SELECT stimulus FROM assignments"))
    assert stimulus == {
        "render": "raw",
        "references_shown": True,
        "prompt": content_hash(shown.prompt),
        "outputs": [content_hash(shown.outputs[0])],
        "references": content_hash(*shown.references),
    }


def test_a_reload_shows_the_same_assignment(study, campaign, ana):
    first = next_assignment(study, campaign, ana)
    assert next_assignment(study, campaign, ana) == first
    assert study.column("SELECT count(*) FROM assignments") == [1]


def test_another_process_finds_the_rater_where_they_were(study, campaign, ana):
    first = next_assignment(study, campaign, ana)
    study.close()
    again = StudyFile(study.path)
    assert (
        next_assignment(again, open_campaign(again, a_task(raters_per_output=1)), ana)
        == first
    )


# Exactly k raters


@pytest.mark.parametrize("places", [1, 3])
def test_twenty_racing_raters_leave_each_output_with_exactly_k(tmp_path, places):
    study = a_study(tmp_path / "s.db", items=5, checkpoints=3)
    campaign = open_campaign(study, a_task(raters_per_output=places))
    raters = [ensure_rater(study, f"rater-{number}") for number in range(20)]

    def work(rater):
        own = StudyFile(tmp_path / "s.db")
        while shown := next_assignment(own, campaign, rater):
            answer(own, rater, shown.token, FINE)
        own.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, raters))
    counts = study.column(
        "SELECT count(DISTINCT rater) FROM current_ratings GROUP BY output"
    )
    assert counts == [places] * 15
    assert len(current(study)) == 15 * places * 2


RACER = """
import sys
from harness.campaign import find_campaign
from harness.rate import Answer, answer, next_assignment
from harness.study import StudyFile
from harness.study.raters import ensure_rater
study = StudyFile(sys.argv[1])
campaign, rater = find_campaign(study, 1), ensure_rater(study, sys.argv[2])
while shown := next_assignment(study, campaign, rater):
    answer(study, rater, shown.token, Answer({"meaning": 1, "fluency": 1}))
"""


def test_racing_processes_leave_each_output_with_exactly_k(tmp_path):
    study = a_study(tmp_path / "s.db", items=10, checkpoints=3)
    open_campaign(study, a_task(raters_per_output=2))
    processes = [
        subprocess.Popen([sys.executable, "-c", RACER, study.path, f"rater-{number}"])
        for number in range(3)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    counts = study.column(
        "SELECT count(DISTINCT rater) FROM current_ratings GROUP BY output"
    )
    assert counts == [2] * 30


def test_an_open_lease_keeps_the_place(study, ana, ben):
    study, campaign = only(study)
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
    assert next_assignment(study, campaign, ana, now=NOW) is not None
    assert next_assignment(study, campaign, ben, now=NOW) is None


def test_an_ended_lease_gives_the_place_to_another(study):
    study, campaign = only(study)
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
    next_assignment(study, campaign, ana, now=NOW)
    assert next_assignment(study, campaign, ben, now=LATER) is not None
    assert next_assignment(study, campaign, ana, now=LATER) is None


def test_looking_again_renews_the_lease(study):
    study, campaign = only(study)
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
    next_assignment(study, campaign, ana, now=NOW)
    next_assignment(study, campaign, ana, now=NOW + LEASE / 2)
    assert next_assignment(study, campaign, ben, now=LATER) is None


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


def test_a_stale_token_is_refused_once_others_have_the_place(study):
    study, campaign = only(study)
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
    stale = next_assignment(study, campaign, ana, now=NOW)
    fresh = next_assignment(study, campaign, ben, now=LATER)
    with pytest.raises(RatingRefused, match="given to others"):
        answer(study, ana, stale.token, FINE, now=LATER)
    answer(study, ben, fresh.token, POOR, now=LATER)
    assert {name for _, _, name in current(study)} == {"ben"}


def test_a_late_answer_counts_while_the_place_is_free(study):
    study, campaign = only(study)
    ana = ensure_rater(study, "ana")
    shown = next_assignment(study, campaign, ana, now=NOW)
    assert answer(study, ana, shown.token, FINE, now=LATER) == "stored"
    assert next_assignment(study, campaign, ensure_rater(study, "ben")) is None


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


def test_undo_frees_no_place_before_its_lease_ends(study):
    study, campaign = only(study)
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
    shown = next_assignment(study, campaign, ana, now=NOW)
    answer(study, ana, shown.token, FINE, now=NOW)
    undo(study, campaign, ana, now=NOW)
    assert next_assignment(study, campaign, ben, now=NOW) is None
    assert next_assignment(study, campaign, ben, now=LATER) is not None


def test_a_skip_can_be_undone_unless_others_have_the_place(study):
    study, campaign = only(study)
    ana, ben = ensure_rater(study, "ana"), ensure_rater(study, "ben")
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
    assert progress(study, campaign, ana).left == 3
    assert next_assignment(study, campaign, ana) is not None
