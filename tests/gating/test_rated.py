"""Gates on what people judged say what reports and comparisons say."""

from random import Random

import numpy as np
import pytest
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task, text_of
from report_study import Maker, fill

from harness.campaign import open_campaign
from harness.compare import compare
from harness.errors import UsageError
from harness.gate import Rules, conditions, gate
from harness.report import report
from harness.reporting.combined import Asked
from harness.stats.sharpened import EXACTLY_THESE, LIKE_THESE
from harness.study import StudyFile


@pytest.fixture
def rated(tmp_path):
    """Six raters, some severe, of two prompts in three; half were drawn often."""
    maker = fill(Maker(StudyFile(tmp_path / "s.db")), items=24, kinds=())
    rng = np.random.default_rng(2)
    keys = [key for key in maker.made if int(key) % 3]
    for rater in range(6):
        for criterion in ("meaning", "fluency"):
            given = {
                (name, key): float(np.clip(rng.normal(2 + step - rater % 3, 1), 1, 5))
                for step, name in enumerate(maker.checkpoints)
                for key in keys
            }
            maker.rate(f"rater {rater}", criterion, given)
    often = "SELECT assignment FROM ratings JOIN outputs ON outputs.id = output "
    often += "JOIN items ON items.id = item WHERE CAST(items.key AS INTEGER) < 12"
    with maker.study.transaction() as db:
        db.execute("UPDATE assignments SET probability = 0.2")
        db.execute(f"UPDATE assignments SET probability = 0.8 WHERE id IN ({often})")  # noqa: S608
    yield maker.study
    maker.study.close()


@pytest.fixture
def compared(tmp_path):
    """The first two checkpoints write the same to every fourth prompt."""

    def wrote(item, checkpoint):
        return text_of(item, max(checkpoint, 1) if item % 4 == 0 else checkpoint)

    def judge(shown):
        numbers = [checkpoint_in(text) for text in shown.outputs]
        surely = "first" if numbers[0] > numbers[1] else "second"
        mostly = surely if chance.random() < 0.7 else chance.choice(["first", "tie"])
        return {"meaning": mostly, "fluency": surely}

    chance = Random(5)  # noqa: S311 - no secret
    study = a_study(tmp_path / "c.db", items=24, checkpoints=3, text=wrote)
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=COMPARED))
    rate_all(study, campaign, {"ana": judge, "ben": judge})
    yield study
    study.close()


def interval(estimate, null=0.0):
    assert None not in {estimate.value, estimate.low, estimate.high}
    ends = (estimate.value, estimate.low, estimate.high)
    return pytest.approx([end - null for end in ends])


def of_gate(study, row, asked):
    rules = Rules(estimand=asked.estimand, metric=asked.metric)
    about = {"candidate": row.checkpoint, "against": row.against, "rules": rules}
    [found] = gate(study, conditions(row.criterion), **about).verdicts
    return [found.gain.value, found.gain.low, found.gain.high], found


@pytest.mark.parametrize(
    "asked",
    [Asked(), Asked(LIKE_THESE, "none"), Asked(EXACTLY_THESE, "chrf")],
    ids=["default", "no metric", "chrf, these"],
)
def test_gate_report_and_compare_say_one_interval_of_ratings(rated, asked):
    rows = report(rated, draws=20, asked=asked).tasks[0].combined
    assert {one.criterion for one in rows} == {"meaning", "fluency"}
    for row in rows:
        assert row.raters == 6
        said, found = of_gate(rated, row, asked)
        assert said == interval(row.both)
        assert found.gain.method == row.both.as_estimate().method
        pair = (row.against, row.checkpoint)
        [both] = compare(rated, *pair, draws=20, asked=asked)
        [same] = [one for one in both.combined if one.criterion == row.criterion]
        assert said == interval(same.both)
        [same] = [one for one in both.rows if one.signature == row.criterion]
        assert said == interval(same.difference)


@pytest.mark.parametrize("estimand", [LIKE_THESE, EXACTLY_THESE])
def test_gate_report_and_compare_say_one_interval_of_win_rates(compared, estimand):
    asked = Asked(estimand)
    rows = report(compared, draws=20, asked=asked).tasks[0].combined
    assert any("wrote the same" in row.both.why for row in rows)
    for row in rows:
        said, _ = of_gate(compared, row, asked)
        assert said == interval(row.both, 0.5)
        [both] = compare(compared, row.against, row.checkpoint, draws=20, asked=asked)
        [same] = [one for one in both.combined if one.criterion == row.criterion]
        assert said == interval(same.both, 0.5)


@pytest.mark.parametrize(
    ("on", "numbers", "says"),
    [
        ("meaning", {"threshold": 9.0}, "from 1 to 5: 9 is no threshold"),
        ("meaning", {"threshold": 0.5}, "from 1 to 5"),
        ("meaning", {"min_difference": -5.0}, "differ by at most 4: -5"),
        ("meaning", {"min_difference": 4.5}, "differ by at most 4"),
    ],
)
def test_a_limit_beyond_the_scale_is_refused(rated, on, numbers, says):
    against = None if "threshold" in numbers else "first"
    with pytest.raises(UsageError, match=says):
        gate(rated, conditions(on, **numbers), against=against)


def test_a_win_rate_is_no_further_from_one_half_than_one_half(compared):
    with pytest.raises(UsageError, match=r"at most 0\.5 from one half"):
        gate(compared, conditions("meaning", min_difference=0.6), against="first")


def test_a_threshold_is_held_against_the_interval_that_the_report_prints(rated):
    [task] = report(rated, draws=20).tasks
    for checkpoint in task.checkpoints:
        for criterion, mean in checkpoint.human.items():
            asked = conditions(criterion, threshold=3.0)
            [found] = gate(rated, asked, candidate=checkpoint.name).verdicts
            gain = found.gain
            assert [gain.value, gain.low, gain.high] == interval(mean, 3.0)
            assert gain.method == mean.method
            assert "other raters (6 rated)" in gain.method
            assert "unequal probabilities" in gain.method
            assert gain.n == 16


def test_a_metric_sharpens_a_threshold_s_interval_where_it_is_named(rated):
    asked = conditions("meaning", threshold=3.0)
    found = [
        gate(rated, asked, candidate="run-240", rules=Rules(metric=metric)).verdicts[0]
        for metric in ("none", "chrf")
    ]
    assert ["the scores explain" in one.gain.method for one in found] == [False, True]
