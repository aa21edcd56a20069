"""Blind assignments: what is shown, exactly k raters per output, and leases."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from rating_study import a_study, a_task

from harness.assignments import LEASE, next_assignment
from harness.campaign import open_campaign
from harness.identity import content_hash
from harness.rate import Answer, answer
from harness.study import StudyFile
from harness.study.raters import ensure_rater

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + LEASE + timedelta(seconds=1)
FINE = Answer({"meaning": 4, "fluency": 3}, "good", 5.0)


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
def single(tmp_path):
    """One output, one place, two raters."""
    study = a_study(tmp_path / "one.db", items=1, checkpoints=1)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    return study, campaign, ensure_rater(study, "ana"), ensure_rater(study, "ben")


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
        "render",
        "rendered",
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
    assert study.column("SELECT count(*) FROM ratings") == [15 * places * 2]


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


def test_an_open_lease_keeps_the_place(single):
    study, campaign, ana, ben = single
    assert next_assignment(study, campaign, ana, now=NOW) is not None
    assert next_assignment(study, campaign, ben, now=NOW) is None


def test_an_ended_lease_gives_the_place_to_another(single):
    study, campaign, ana, ben = single
    next_assignment(study, campaign, ana, now=NOW)
    assert next_assignment(study, campaign, ben, now=LATER) is not None
    assert next_assignment(study, campaign, ana, now=LATER) is None


def test_looking_again_renews_the_lease(single):
    study, campaign, ana, ben = single
    next_assignment(study, campaign, ana, now=NOW)
    next_assignment(study, campaign, ana, now=NOW + LEASE / 2)
    assert next_assignment(study, campaign, ben, now=LATER) is None
