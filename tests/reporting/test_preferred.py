"""What raters prefer, in studies in which outputs are compared."""

import csv
import json
from collections import Counter
from io import StringIO

import pytest
from rated_study import a_rated_study
from reported_studies import ITEMS, a_compared_study, later_wins, ranked

from harness.report import report
from harness.reporting import render
from harness.reporting.preferred import comparisons_of
from harness.study.checkpoints import stored_checkpoints

ESTIMATE = {"value", "low", "high", "n", "dropped", "method"}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A study with its campaign and report."""
    path = tmp_path_factory.mktemp("pairs") / "s.db"
    study, campaign = a_compared_study(path, "pairwise", later_wins)
    yield study, campaign, report(study, draws=200)
    study.close()


def test_win_rates_are_those_of_the_campaign(pairs):
    study, _, made = pairs
    [task] = made.tasks
    won, met = Counter(), Counter()
    names = {c.id: c.name for c in stored_checkpoints(study, "modernize")}
    wrote = study.mapping("SELECT id, checkpoint FROM outputs")
    for row in study.rows("SELECT * FROM comparisons"):
        for side, share in (("a", row["outcome"]), ("b", 1 - row["outcome"])):
            key = names[wrote[row[f"output_{side}"]]], row["criterion"]
            won[key] += share
            met[key] += 1
    for one in task.preferred:
        assert list(one.checkpoints) == ["ckpt-0", "ckpt-1", "ckpt-2"]
        for label, found in one.checkpoints.items():
            key = label, one.criterion.name
            assert found.win_rate.value == pytest.approx(won[key] / met[key])
            assert found.win_rate.n == met[key]
            assert found.strength.low < found.strength.value < found.strength.high


def test_ties_both_bad_and_the_position_are_shares_of_what_was_asked(pairs):
    study, _, made = pairs
    meaning, fluency = made.tasks[0].preferred
    said = Counter(
        study.column(
            "SELECT choice FROM current_ratings WHERE criterion = 'meaning' "
            "AND kind = 'normal'"
        )
    )
    assert meaning.ties.n == meaning.both_bad.n == said.total()
    assert meaning.ties.value == pytest.approx(said["tie"] / said.total())
    assert meaning.both_bad.value == pytest.approx(said["both_bad"] / said.total())
    decided = said["first"] + said["second"]
    assert (meaning.left.n, meaning.left.dropped) == (decided, said.total() - decided)
    assert meaning.left.value == pytest.approx(said["first"] / decided)
    assert fluency.left.low > 0.6
    assert (fluency.ties.value, fluency.both_bad.value) == (0, 0)


def test_equal_outputs_are_counted_as_ties_that_nobody_was_asked_about(pairs):
    *_, made = pairs
    for one in made.tasks[0].preferred:
        assert one.identical == ITEMS // 4
        # Two raters on each pair that differs; equal outputs share one page.
        total = sum(found.win_rate.n for found in one.checkpoints.values()) // 2
        assert total == 2 * (3 * ITEMS - ITEMS // 4) + ITEMS // 4


def test_the_verdict_names_the_best_by_preference(pairs):
    *_, made = pairs
    [task] = made.tasks
    first, *_ = task.sentences
    assert first.startswith("People prefer ckpt-2 on meaning (it wins ")
    assert "clearly ahead of ckpt-1" in first
    assert "Nobody has rated" not in task.verdict
    assert task.sentences[-1].startswith("Next: ")
    assert [one.kind for one in task.leads] == ["preference", "preference"]
    assert task.raters.kinds == {"person": 2}
    assert any("none was rated by itself" in note for note in task.notes)
    assert not any("No output is rated" in note for note in task.notes)


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_shows_preferences(pairs, form):
    page = render(pairs[2], form)
    assert "What people prefer" in page
    for said in ("win rate", "strength", "ckpt-0", "decided comparisons", "both bad"):
        assert said in page
    assert "of equal outputs count as ties" in page


def test_the_json_says_it_in_estimates(pairs):
    [task] = json.loads(render(pairs[2], "json"))["tasks"]
    meaning, fluency = task["preferences"]
    assert (meaning["criterion"], fluency["criterion"]) == ("meaning", "fluency")
    assert meaning["ranked"] == ["ckpt-2", "ckpt-1", "ckpt-0"]
    for one in meaning["checkpoints"]:
        assert set(one["win_rate"]) == set(one["strength"]) == ESTIMATE
        assert one["strength"]["method"].startswith("Bradley-Terry with Davidson")
    for name in ("ties", "both_bad", "left", "alpha"):
        assert set(meaning[name]) == ESTIMATE
    assert task["agreement"] == []
    assert task["checkpoints"][0]["human"] == {}


def test_rankings_are_pairs_without_both_bad(tmp_path):
    study, _ = a_compared_study(tmp_path / "s.db", "ranking", ranked)
    made = report(study, draws=100)
    meaning, fluency = made.tasks[0].preferred
    assert meaning.ranked == ["ckpt-2", "ckpt-1", "ckpt-0"]
    assert meaning.checkpoints["ckpt-2"].win_rate.value == 1
    assert meaning.alpha.value == pytest.approx(1)
    assert meaning.both_bad.value is None
    assert "both bad" not in render(made, "text")
    assert fluency.ties.value > 0
    study.close()


def test_each_number_is_a_row_of_the_csv_report(pairs):
    _, _, made = pairs
    rows = list(csv.DictReader(StringIO(render(made, "csv"), newline="")))
    for one in made.tasks[0].preferred:
        for name in ("win_rate", "strength"):
            told = [
                float(row["value"])
                for row in rows
                if (row["statistic"], row["criterion"]) == (name, one.criterion.name)
            ]
            found = one.checkpoints.values()
            assert told == [getattr(preference, name).value for preference in found]
        [left] = [
            row
            for row in rows
            if (row["statistic"], row["criterion"]) == ("left", one.criterion.name)
        ]
        assert float(left["value"]) == one.left.value
    assert {"preference", "lead by preference"} <= {row["part"] for row in rows}


def test_simulated_raters_who_compare_are_told_from_people(tmp_path):
    study, _ = a_compared_study(
        tmp_path / "s.db", "pairwise", later_wins, raters=("P",), kind="simulated"
    )
    made = report(study, draws=50)
    [task] = made.tasks
    assert "people" not in render(made, "text").lower()
    assert task.verdict.startswith("SIMULATED: Simulated raters prefer ckpt-2")
    assert task.preferred[0].alpha.value is None
    assert any("One rater alone" in note for note in task.notes)
    study.close()


def test_nothing_is_said_of_comparisons_that_nobody_was_asked_for(tmp_path):
    study, campaign = a_compared_study(tmp_path / "s.db", "pairwise", None, raters=())
    assert campaign.items
    assert comparisons_of(study, "modernize").rows == ()
    [task] = report(study, draws=50).tasks
    assert task.preferred == ()
    assert task.sentences[-1] == "Next: rate some outputs (harness rate)."
    study.close()


def test_comparisons_stand_beside_ratings_of_the_same_task(tmp_path):
    study = a_rated_study(tmp_path / "s.db")
    [task] = report(study, draws=20).tasks
    [one] = task.preferred
    [made] = study.column("SELECT count(*) FROM preferences")
    assert sum(found.win_rate.n for found in one.checkpoints.values()) == 2 * made
    assert task.raters.ratings > 0
    assert task.raters.comparisons > 0
    assert "prefer" not in task.sentences[0]
    study.close()
