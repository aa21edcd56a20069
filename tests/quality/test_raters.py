"""Each rater's quality: by hand, against scipy, and on raters of known habits."""

import json

import numpy as np
import pytest
from rated_study import GIVEN, a_rated_study
from scipy import stats
from simulated_raters import Habit, Simulation, a_campaign

from harness.campaign import campaigns_of
from harness.quality import rater_quality
from harness.quality.answers import Answered, means_of_others, totals_of
from harness.quality.measures import (
    DRAWS,
    LEAST_DRAWS,
    agreement,
    at_most,
    commonest_share,
    degraded_hits,
    gold_hits,
    left_share,
    longest_run,
    repeats,
    severity,
    sign_p,
)


def rated(unit, value, *, kind="normal", rater="ana", criterion="meaning"):
    one = Answered(unit, kind, rater, "person", (0,))
    one.points[criterion] = {(0,): value}
    one.page[criterion] = value
    return one


def compared(unit, choice, *, kind="normal", rater="ana", places=(0, 1)):
    one = Answered(unit, kind, rater, "person", places)
    left, right = places
    outcome = {"first": 1.0, "second": 0.0}.get(choice, 0.5)
    one.points["meaning"] = {(left, right): outcome, (right, left): 1 - outcome}
    one.page["meaning"] = choice
    return one


def of(rater, *values, kind="normal"):
    return [
        rated(unit, value, rater=rater, kind=kind) for unit, value in enumerate(values)
    ]


def beside(mine, others):
    """Means of the others, of whom the rater is one or none."""
    everybody = others if mine[0] in others else [*mine, *others]
    return means_of_others(totals_of(everybody), mine)


def test_agreement_is_pearsons_r_with_the_mean_of_the_others():
    rng = np.random.default_rng(0)
    scores = rng.integers(1, 6, size=(3, 30)).astype(float)
    answers = [
        one for name, row in zip("abc", scores, strict=True) for one in of(name, *row)
    ]
    mine = [one for one in answers if one.rater == "a"]
    found = agreement(mine, beside(mine, answers), 4)
    wanted = stats.pearsonr(scores[0], scores[1:].mean(axis=0)).statistic
    assert found.value == pytest.approx(wanted)
    assert found.n == 30
    assert found.low < found.value < found.high


def test_agreement_is_the_mean_over_criteria_and_checks_have_no_part_in_it():
    meaning = of("a", 1, 2, 3, 4)
    fluency = [
        rated(u, v, rater="a", criterion="fluency") for u, v in enumerate((1, 2, 3, 4))
    ]
    others = [*of("b", 1, 2, 3, 4)]
    others += [
        rated(u, v, rater="b", criterion="fluency") for u, v in enumerate((4, 3, 2, 1))
    ]
    gold = of("a", 5, 1, 5, 1, kind="gold")
    found = agreement([*meaning, *fluency, *gold], beside(meaning + fluency, others), 4)
    assert found.value == pytest.approx(0)
    assert agreement(meaning, {}, 4).value is None


def test_in_comparisons_it_does_not_matter_which_output_comes_first():
    # Everybody prefers the first output of each unit: no variation, full agreement.
    mine = [compared(unit, "first") for unit in range(4)]
    others = [compared(unit, "second", rater="b", places=(1, 0)) for unit in range(4)]
    assert agreement(mine, beside(mine, others), 1).value == pytest.approx(1)
    wrong = [compared(unit, "first", rater="b", places=(1, 0)) for unit in range(4)]
    assert agreement(mine, beside(mine, wrong), 1).value == pytest.approx(-1)


def test_severity_is_the_mean_difference_on_shared_units():
    answers = [*of("a", 1, 2, 3), *of("b", 3, 3), *of("c", 3, 5)]
    found = severity(answers[:3], beside(answers[:3], answers))
    assert found.value == pytest.approx(((1 - 3) + (2 - 4)) / 2)
    assert found.n == 2


def test_gold_is_right_whichever_side_it_stands_on():
    contents = {9: json.dumps({"expected": {"meaning": ["first"]}})}
    shown = [
        compared(9, "first", kind="gold"),
        compared(9, "second", kind="gold", places=(1, 0)),
        compared(9, "first", kind="gold", places=(1, 0)),
        compared(9, "tie", kind="gold"),
    ]
    found = gold_hits(shown, contents, "pairwise")
    assert (found.hits, found.shown, found.share) == (2, 4, 0.5)


def test_repeats_are_held_against_the_first_answer_and_chance():
    first = of("ana", 1, 5, 3)
    again = [rated(0, 2, kind="repeat"), rated(1, 5, kind="repeat")]
    found = repeats([*first, *again])
    assert (found.shown, found.same, found.difference) == (2, 0.5, 0.5)
    assert found.by_chance == pytest.approx((4 + 2 + 2) / 3)
    sides = [compared(0, "first"), compared(0, "second", kind="repeat", places=(1, 0))]
    assert repeats(sides).same == 1
    assert repeats(first).same is None


def test_damage_is_seen_where_the_copy_is_rated_strictly_lower():
    mine = [
        *of("ana", 4, 4, 4, 1),
        rated(10, 3, kind="degraded"),
        rated(11, 4, kind="degraded"),
        rated(12, 5, kind="degraded"),
        rated(13, 1, kind="degraded"),
        rated(14, 1, kind="degraded"),
    ]
    copy_of = {10: 0, 11: 1, 12: 2, 13: 3, 14: 99}
    found = degraded_hits(mine, copy_of, 1)
    # 13's original had the lowest rating already, and 14's is not rated.
    assert (found.hits, found.shown, found.p) == (1, 3, 0.75)


def test_damage_is_seen_where_the_original_is_preferred():
    mine = [
        compared(10, "first", kind="degraded"),
        compared(11, "second", kind="degraded", places=(1, 0)),
        compared(12, "second", kind="degraded"),
        compared(13, "tie", kind="degraded"),
    ]
    found = degraded_hits(mine, {}, 0)
    assert (found.hits, found.shown) == (2, 4)
    assert found.p == pytest.approx(0.5)


@pytest.mark.parametrize(("hits", "of"), [(0, 5), (3, 7), (7, 7), (20, 30)])
def test_tails_of_the_binomial_are_scipys(hits, of):
    wanted = stats.binomtest(hits, of, 0.5, alternative="greater").pvalue
    assert sign_p(hits, of) == pytest.approx(wanted)
    assert at_most(hits, of, 0.7) == pytest.approx(stats.binom.cdf(hits, of, 0.7))


def test_runs_and_the_commonest_answer_by_hand():
    assert longest_run(["a", "a", "b", "a", "a", "a"]) == 3
    assert commonest_share(["a", "a", "b", "a"]) == 0.75
    assert (longest_run([]), commonest_share([])) == (0, None)


def test_the_share_of_left_is_of_decided_comparisons():
    choices = ["first", "first", "second", "tie", "both_bad", "first"]
    mine = [compared(unit, choice) for unit, choice in enumerate(choices)]
    found = left_share(mine)
    assert (found.value, found.n) == (0.75, 4)
    assert left_share(of("ana", 1, 2)).value is None
    mine[0].page = {"meaning": [2, 1, 3]}
    assert left_share(mine).n == 3


def test_every_scheme_has_quality_and_only_pairs_have_a_left(tmp_path):
    study = a_rated_study(tmp_path / "s.db")
    answers = {}
    for campaign in campaigns_of(study, "modernize"):
        [ana, _] = rater_quality(study, campaign)
        answers[campaign.plan.scheme] = ana.rated, ana.left.n
    assert answers == {scheme: (2, 2 * (scheme == "pairwise")) for scheme in GIVEN}


def honest(count, seed):
    rng = np.random.default_rng(seed)
    return {
        f"honest {number}": Habit(noise=rng.uniform(0.3, 0.7), shift=rng.normal(0, 0.2))
        for number in range(count)
    }


@pytest.fixture(scope="module")
def likert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("likert")
    study, campaign = a_campaign(folder, items=40, raters_per_output=5)
    odd = {
        "clicker": Habit(random=True),
        "severe": Habit(shift=-1.5),
        "same": Habit(same=True),
    }
    Simulation(study, campaign, honest(7, 1) | odd, seed=2).work()
    return {one.rater: one for one in rater_quality(study, campaign)}


def test_odd_raters_are_flagged_for_what_they_do(likert):
    assert "agrees" in "; ".join(likert["clicker"].warnings)
    assert likert["clicker"].severity.n > 20
    assert "more severe" in "; ".join(likert["severe"].warnings)
    assert "same answer in 100%" in "; ".join(likert["same"].warnings)
    assert likert["same"].repeats.same == 1


def test_careful_raters_pass_the_checks_and_are_not_flagged(likert):
    careful = [one for name, one in likert.items() if name.startswith("honest")]
    assert [one.warnings for one in careful] == [()] * 7
    for one in careful:
        assert one.gold.share > 0.8
        assert one.degraded.p < 0.2
        assert one.agreement.value > 0.5
    assert sum(one.gold.shown for one in careful) > 30
    apart, by_chance = (
        np.mean([getattr(one.repeats, name) for one in careful])
        for name in ("difference", "by_chance")
    )
    assert apart < 0.6 * by_chance


def test_who_always_prefers_left_is_found_and_others_are_not(tmp_path):
    study, campaign = a_campaign(tmp_path, scheme="pairwise", raters_per_output=2)
    habits = honest(3, 3) | {"left": Habit(left=0.8)}
    Simulation(study, campaign, habits, seed=4).work()
    found = {one.rater: one for one in rater_quality(study, campaign)}
    assert any("preferred the left" in one for one in found["left"].warnings)
    assert [found[name].warnings for name in habits if name != "left"] == [()] * 3
    assert found["honest 0"].severity.value is None
    assert found["honest 0"].degraded.share > 0.7


def test_the_json_form_is_complete_and_plain(likert):
    plain = json.loads(json.dumps(likert["severe"].as_json()))
    assert plain["gold"].keys() == {"hits", "shown", "p"}
    assert plain["agreement"]["n"] == likert["severe"].agreement.n
    assert plain["warnings"] == list(likert["severe"].warnings)


def test_of_very_many_answers_there_are_fewer_resamples():
    mine = [rated(unit, float(unit % 5)) for unit in range(20_000)]
    others = {(unit, "meaning", (0,)): float(unit % 4) for unit in range(20_000)}
    assert f"{LEAST_DRAWS} draws" in severity(mine, others).method
    assert f"{LEAST_DRAWS} draws" in agreement(mine, others, 4.0).method
    assert f"{DRAWS} draws" in severity(mine[:100], others).method
