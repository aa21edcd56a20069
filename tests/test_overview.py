"""How a campaign stands, against figures worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task, add_scores, text_of

from harness.campaign import open_campaign
from harness.overview import standing
from harness.rate import Answer, answer, next_assignment
from harness.reporting.evidence import gather
from harness.reporting.rating_means import means_by_checkpoint
from harness.study.raters import ensure_rater

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def by_checkpoint(shown):
    """1 for the first checkpoint, 2 for the next, and always fluent."""
    return {"meaning": 1 + checkpoint_in(shown.outputs[0]), "fluency": 5}


def better_is_later(shown):
    one, two = map(checkpoint_in, shown.outputs)
    choice = "first" if one > two else "second"
    return {"meaning": choice, "fluency": "tie"}


def ranks(shown):
    numbers = sorted(map(checkpoint_in, shown.outputs), reverse=True)
    order = [1 + numbers.index(checkpoint_in(text)) for text in shown.outputs]
    return {"meaning": order, "fluency": order}


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=4, checkpoints=3)
    yield study
    study.close()


def stands(found):
    """Checkpoint to criterion to ratings and value."""
    return {
        one.checkpoint: {r.criterion: (r.ratings, r.estimate.value) for r in one.rated}
        for one in found.checkpoints
    }


def test_before_the_first_rating_nothing_is_known_and_nothing_is_zero(study):
    found = standing(study, open_campaign(study, a_task()))
    assert (found.units, found.finished, found.answers, found.missing) == (12, 0, 0, 24)
    assert (found.per_hour, found.seconds_left) == (None, None)
    assert [one.rated for one in found.checkpoints] == [(), (), ()]
    assert [one.units for one in found.checkpoints] == [4, 4, 4]
    assert [one.alpha.value for one in found.agreement] == [None, None]


def test_means_by_checkpoint_and_criterion(study):
    campaign = open_campaign(study, a_task())
    rate_all(study, campaign, {"ana": by_checkpoint, "ben": by_checkpoint})
    found = standing(study, campaign)
    assert (found.units, found.finished, found.missing) == (12, 12, 0)
    assert stands(found) == {
        f"ckpt-{n}": {"meaning": (8, 1 + n), "fluency": (8, 5)} for n in range(3)
    }
    agreement = {one.criterion: one.alpha for one in found.agreement}
    assert agreement["meaning"].value == pytest.approx(1)
    assert agreement["fluency"].value is None


def test_the_mean_has_an_interval_over_prompts(study):
    campaign = open_campaign(study, a_task(raters_per_output=1))

    def judge(shown):
        number = int(shown.prompt.split()[1])
        return {"meaning": 1 + number, "fluency": 3}

    rate_all(study, campaign, {"ana": judge})
    rated = {r.criterion: r for r in standing(study, campaign).checkpoints[0].rated}
    meaning = rated["meaning"].estimate
    assert meaning.value == pytest.approx((1 + 2 + 3 + 4) / 4)
    # t of three degrees of freedom, standard deviation of 1 to 4; no rating is below 1.
    assert meaning.low == 1
    assert meaning.high == pytest.approx(2.5 + 3.1824 * (5 / 3 / 4) ** 0.5, abs=1e-3)


@pytest.mark.parametrize("draw", ["random", "stratified", "active"])
def test_means_and_intervals_are_those_of_reports_however_prompts_were_drawn(
    tmp_path, draw
):
    study = a_study(tmp_path / "s.db", items=40, checkpoints=2)
    add_scores(study, lambda prompt, number: number * (1 + prompt % 9))
    task = a_task(items=24, draw=draw, raters_per_output=1)
    campaign = open_campaign(study, task)

    def judge(shown):
        prompt = int(shown.prompt.split()[1])
        return {"meaning": 1 + prompt % 9 // 2, "fluency": 5}

    rate_all(study, campaign, {"ana": judge})
    expected = means_by_checkpoint(gather(study, task.name))
    for number, found in zip(
        study.column("SELECT id FROM checkpoints ORDER BY step"),
        standing(study, campaign).checkpoints,
        strict=True,
    ):
        for rated in found.rated:
            wanted = expected[rated.criterion][number]
            said = rated.estimate
            assert (said.value, said.low, said.high, said.n) == pytest.approx(
                (wanted.value, wanted.low, wanted.high, 24)
            )
    study.close()


def test_of_one_rated_prompt_the_mean_has_no_interval(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    rate_all(study, campaign, {"ana": by_checkpoint})
    [[meaning, _]] = [one.rated for one in standing(study, campaign).checkpoints]
    assert (meaning.estimate.value, meaning.estimate.low) == (1, None)
    study.close()


def test_a_unit_is_finished_when_it_has_all_its_raters(study):
    campaign = open_campaign(study, a_task(raters_per_output=2))
    rate_all(study, campaign, {"ana": by_checkpoint})
    found = standing(study, campaign)
    assert (found.finished, found.answers, found.missing) == (0, 12, 12)
    ben = ensure_rater(study, "ben")
    shown = next_assignment(study, campaign, ben)
    answer(study, ben, shown.token, Answer(by_checkpoint(shown)))
    found = standing(study, campaign)
    assert (found.finished, found.answers, found.missing) == (1, 13, 11)
    assert sum(one.finished for one in found.checkpoints) == 1


def test_equal_outputs_count_for_each_checkpoint_but_once_in_all(tmp_path):
    study = a_study(
        tmp_path / "equal.db",
        items=2,
        checkpoints=2,
        text=lambda item, _: text_of(item, 0),
    )
    campaign = open_campaign(study, a_task(raters_per_output=1))
    rate_all(study, campaign, {"ana": by_checkpoint})
    found = standing(study, campaign)
    assert (found.units, [one.finished for one in found.checkpoints]) == (2, [2, 2])
    assert stands(found)["ckpt-1"]["meaning"] == (2, 1)
    study.close()


@pytest.mark.parametrize(
    ("scheme", "judge", "comparisons"),
    [("pairwise", better_is_later, 16), ("ranking", ranks, 16)],
)
def test_where_outputs_are_compared_there_are_win_rates(
    study, scheme, judge, comparisons
):
    campaign = open_campaign(study, a_task(scheme=scheme, criteria=COMPARED))
    rate_all(study, campaign, {"ana": judge, "ben": judge})
    found = standing(study, campaign)
    assert found.comparing
    won = {name: rated["meaning"] for name, rated in stands(found).items()}
    # Against two others on each of 4 prompts, twice.
    assert won == {
        "ckpt-0": (comparisons, 0),
        "ckpt-1": (comparisons, 0.5),
        "ckpt-2": (comparisons, 1),
    }
    agreement = {one.criterion: one.alpha.value for one in found.agreement}
    assert agreement["meaning"] == pytest.approx(1)


def test_win_rates_leave_out_who_is_not_compared(tmp_path):
    # Checkpoint 2 writes what 0 does, but does not take part.
    study = a_study(
        tmp_path / "s.db", items=2, checkpoints=3, text=lambda i, n: text_of(i, n % 2)
    )
    plan = {"criteria": COMPARED, "checkpoints": ["ckpt-0", "ckpt-1"]}
    campaign = open_campaign(study, a_task(scheme="pairwise", **plan))
    rate_all(study, campaign, {"ana": better_is_later, "ben": better_is_later})
    assert {
        name: of["meaning"] for name, of in stands(standing(study, campaign)).items()
    } == {
        "ckpt-0": (4, 0),
        "ckpt-1": (4, 1),
    }
    study.close()


def test_the_pace_is_that_of_the_last_half_hour(study):
    campaign = open_campaign(study, a_task(raters_per_output=1))
    ana = ensure_rater(study, "ana")
    for minute in (-300, 0, 1, 2):
        time = NOW + timedelta(minutes=minute)
        shown = next_assignment(study, campaign, ana, now=time)
        answer(study, ana, shown.token, Answer(by_checkpoint(shown)), now=time)
    found = standing(study, campaign, now=NOW + timedelta(minutes=4))
    # Two more since the first of late, in 4 minutes; 8 of 12 are left.
    assert found.per_hour == pytest.approx(30)
    assert found.seconds_left == pytest.approx(8 * 120)
    later = standing(study, campaign, now=NOW + timedelta(hours=3))
    assert (later.per_hour, later.seconds_left) == (None, None)


def test_simulated_raters_are_told(study):
    campaign = open_campaign(study, a_task())
    assert not standing(study, campaign).simulated
    rate_all(study, campaign, {"sim": by_checkpoint}, kind="simulated")
    assert standing(study, campaign).simulated
