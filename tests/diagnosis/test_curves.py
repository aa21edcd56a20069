"""What curves show: each fault by name, and nothing of healthy runs."""

import json

import made_logs
import numpy as np
import pytest
from made_logs import BASE, a_log, evaluated, falling, logged, rates

from harness.diagnosis.curves import check_curves
from harness.diagnosis.curves.course import Line, course_of
from harness.diagnosis.curves.generalising import as_good, generalisation_loss
from harness.diagnosis.verdict import causes
from harness.logs import read_training


def check(log, name):
    return next(one for one in check_curves(log).checks if one.name == name)


def missing(log):
    return {one.name: one.reason for one in check_curves(log).not_checked}


def named(log):
    return [one.cause for one in causes(check_curves(log).checks)]


@pytest.mark.parametrize(
    ("log", "first"),
    [
        (made_logs.learned_by_heart, "overfitting"),
        (made_logs.noisy_answers, "label_noise"),
        (made_logs.rate_too_low, "learning_rate_too_low"),
        (made_logs.rate_too_high, "learning_rate_too_high"),
        (made_logs.ended_early, "learning_rate_too_low"),
        (made_logs.no_numbers, "non_finite"),
        (made_logs.harmed_at_first, "no_warmup"),
        (made_logs.broke_down, "diverged"),
    ],
    ids=lambda given: given if isinstance(given, str) else given.__name__,
)
def test_each_fault_is_named_first(log, first):
    assert named(log())[0] == first


def test_an_unusual_end_may_also_be_a_short_run_and_that_is_said():
    [cause, *_] = causes(check_curves(made_logs.ended_early()).checks)
    assert cause.alternatives == ("under_trained",)
    assert "100 steps" in cause.next


def test_healthy_runs_have_no_cause_whatever_their_noise():
    found = {
        seed: named(made_logs.healthy(noise=noise, seed=seed))
        for seed in range(20)
        for noise in (0.02, 0.08, 0.15)
    }
    assert {seed: causes for seed, causes in found.items() if causes} == {}


def test_a_good_base_model_that_improves_little_but_levels_off_is_no_low_rate():
    log = made_logs.a_run(
        lambda steps: falling(steps, 1.2, 1.05, 30),
        lambda steps: falling(steps, 1.15, 1.07, 30),
        noise=0.02,
        learning_rate=rates(2e-4),
    )
    assert check(log, "loss_improvement").status == "notice"
    assert named(log) == []


def test_zeros_in_place_of_nan_are_told_by_norm_and_held_out_loss():
    found = check(made_logs.no_numbers(), "logged_zeros")
    assert found.status == "failure"
    assert "grad_norm and eval_loss" in found.says
    assert found.examples[0].where == "step 10"


def test_zeros_count_as_no_loss_for_other_checks():
    log = a_log(train_loss=([1, 2, 3, 4, 5, 6], [2.0, 1.9, 1.8, 0, 0, 0]))
    assert course_of(log).train.values.tolist() == [2.0, 1.9, 1.8]


def test_a_norm_that_a_loss_scaler_skipped_is_worth_a_word_only():
    norm = np.ones(len(logged()))
    norm[3] = np.inf
    log = made_logs.healthy(grad_norm=(logged(), norm))
    assert check(log, "finite_values").status == "notice"
    assert named(log) == []


def test_generalisation_loss_by_hand():
    # Prechelt: 100 * (2.2 / 2.0 - 1).
    line = Line(np.array([0, 10, 20]), np.array([3.0, 2.0, 2.2]))
    assert generalisation_loss(line) == pytest.approx(10)


def test_noise_is_that_of_single_values_about_a_trend():
    rng = np.random.default_rng(0)
    steps = np.arange(4000)
    line = Line(steps, 5 - steps / 1000 + rng.normal(0, 0.2, 4000))
    assert line.noise == pytest.approx(0.2, rel=0.05)
    assert Line(steps, 5 - steps / 1000).noise == pytest.approx(0)


def test_steps_as_good_as_the_best_are_those_within_twice_the_noise():
    values = np.array([3, 2.4, 2.02, 2.0, 2.01, 2.3, 2.6])
    line = Line(np.arange(7) * 10, values)
    limit = 2.0 + 2 * line.noise
    assert as_good(line) == [10 * n for n, value in enumerate(values) if value <= limit]


def test_a_rise_within_noise_is_no_overfitting():
    rng = np.random.default_rng(3)
    wobble = falling(evaluated(), BASE, 2.0, 20) + rng.normal(0, 0.15, len(evaluated()))
    wobble[-1] = wobble.min() * 1.06
    found = check(a_log(eval_loss=(evaluated(), wobble)), "overfitting")
    assert found.value == pytest.approx(6)
    assert found.status == "fine"


def test_a_lagging_window_of_a_falling_loss_is_no_label_noise():
    # The mean over the last 30 steps of a loss that halves every 30 is 1.44 times it.
    def loss(steps):
        return 4.0 * 0.5 ** (np.asarray(steps) / 30)

    lagging = [loss(np.arange(end - 29, end + 1)).mean() for end in evaluated()[1:]]
    log = a_log(
        train_loss=(evaluated()[1:], lagging),
        eval_loss=(evaluated(), loss(evaluated())),
    )
    assert lagging[-1] / loss(evaluated())[-1] > 1.4
    assert check(log, "training_above_held_out_loss").status == "fine"


def test_dropout_weakens_what_a_high_training_loss_says():
    log = made_logs.noisy_answers()
    dropped = a_log(
        settings={"attention_dropout": 0.1},
        **{n: (c.steps, c.values) for n, c in log.curves.items()},
    )
    name = "training_above_held_out_loss"
    assert check(log, name).weights["label_noise"] > 3
    assert check(dropped, name).weights["label_noise"] < 2
    assert named(dropped) == []


def test_rates_outside_all_bands_tell_only_of_adam():
    sgd = made_logs.healthy(settings={"optim": "sgd"}, learning_rate=rates(0.1))
    assert "another optimizer" in missing(sgd)["peak_learning_rate"]
    adam = made_logs.healthy(
        settings={"optim": "adamw_torch"}, learning_rate=rates(0.1)
    )
    assert check(adam, "peak_learning_rate").weights["learning_rate_too_high"] > 3


def test_a_log_that_ends_as_warmup_begins_tells_of_no_rate():
    begun = a_log(learning_rate=([0], [0.0]), train_loss=([0], [3.0]))
    assert "as warm-up begins" in missing(begun)["peak_learning_rate"]
    assert named(begun) == []
    never = a_log(learning_rate=([0, 9], [0.0, 0.0]), train_loss=([0, 9], [3.0, 3.0]))
    assert "learning_rate_too_low" in named(never)


def from_scratch(end=2.9, *, peak=4e-3, warmup=24, first=1, **curves):
    """A model that knew nothing: its loss falls from a guess among 1,000 tokens."""
    steps = np.concatenate([[first], logged()])
    rising = steps / warmup if warmup else np.ones(len(steps))
    rate = peak * np.minimum(1, np.minimum(rising, 1.1 * (1 - steps / 245)))
    found = {
        "train_loss": (steps, falling(steps, 6.9, end, 60)),
        "eval_loss": (evaluated(), falling(evaluated(), 6.9, end, 60)),
        "learning_rate": (steps, rate),
    }
    return a_log(**found | curves)


def test_a_model_that_knew_nothing_has_nothing_to_lose_at_a_high_rate():
    high = from_scratch(4.6, peak=4e-2)
    assert check(high, "rise_at_the_start").weights == {}
    assert named(high) == ["learning_rate_too_high"]
    assert check(made_logs.healthy(), "rise_at_the_start").weights == {
        "learning_rate_too_high": -1.0
    }
    assert named(from_scratch()) == []


def test_a_high_rate_at_the_first_step_is_no_warm_up():
    found = check(from_scratch(warmup=0), "first_steps")
    assert (found.status, found.weights) == ("warning", {"no_warmup": 3.0})
    assert named(from_scratch(warmup=0)) == ["no_warmup"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"peak": 2e-5, "warmup": 0},
        {"warmup": 0, "first": 3},
        {"warmup": 0, "settings": {"optim": "sgd"}},
    ],
    ids=["warmed up", "low rate", "first step not logged", "not Adam"],
)
def test_other_first_steps_do_not_name_a_missing_warm_up(given):
    assert named(from_scratch(**given)) == []


def stalling(values, peak=1e-2):
    return from_scratch(peak=peak, eval_loss=(evaluated(), values))


def test_a_loss_that_stands_at_a_high_rate_and_falls_with_it_is_a_hint():
    # Rates are above half of the peak until step 134: four losses, at 30 to 120.
    log = stalling([6.8, 4.85, 4.83, 4.87, 4.93, 4.8, 4.68, 4.63, 4.62])
    found = check(log, "stalled_at_high_rate")
    assert (found.status, found.value) == ("warning", pytest.approx(4.87 / 4.83))
    assert found.weights == {"learning_rate_too_high": 2.0}
    assert named(log) == []


@pytest.mark.parametrize(
    "values",
    [
        [6.8, 5.2, 4.3, 3.7, 3.3, 3.1, 3.0, 2.9, 2.9],
        [6.8, 4.85, 4.83, 4.87, 4.93, 4.9, 4.9, 4.89, 4.9],
        [6.8, 3.0, 2.9, 2.9, 2.9, 2.7, 2.6, 2.5, 2.5],
        [6.8, 5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7],
    ],
    ids=["falls throughout", "never falls again", "had fallen by half", "rises"],
)
def test_other_courses_at_a_high_rate_are_fine(values):
    assert check(stalling(values), "stalled_at_high_rate").status == "fine"


def test_spikes_are_counted_and_shown():
    log = made_logs.healthy(seed=1)
    values = log.curves["train_loss"].values.copy()
    values[[10, 20, 30]] *= 4
    spiky = a_log(train_loss=(logged(), values))
    found = check(spiky, "loss_spikes")
    assert (found.value, found.status) == (3, "notice")
    assert [one.where for one in found.examples] == ["step 55", "step 105", "step 155"]


def test_more_passes_that_bring_nothing_exhaust_the_data():
    passes = (logged(), logged() / 40)
    found = check(made_logs.learned_by_heart(epoch=passes), "data_exhausted")
    assert (found.status, found.value) == ("notice", 6)
    assert check(made_logs.healthy(epoch=passes), "data_exhausted").status == "fine"


def test_what_a_log_lacks_is_said_with_what_would_give_it():
    reasons = missing(a_log(train_loss=([1, 2], [2.0, 1.9])))
    assert "eval_on_start" in reasons["against_the_start"]
    assert "--config" in reasons["peak_learning_rate"]
    assert "eval_strategy" in reasons["overfitting"]
    assert missing(a_log())["finite_values"].startswith("the log has no loss")


def test_what_could_not_be_read_of_a_log_is_listed():
    log = a_log(problems=["line 3 is cut off"])
    assert missing(log)["training_log"] == "line 3 is cut off"


@pytest.mark.parametrize("values", [[], [0.0], [np.nan] * 9, [np.inf], [-1.0] * 9])
def test_no_curve_is_too_odd_to_look_at(values):
    steps = range(len(values))
    log = a_log(
        train_loss=(steps, values),
        eval_loss=(steps, values),
        learning_rate=(steps, values),
        epoch=(steps, values),
        grad_norm=(steps, values),
    )
    check_curves(log)


def test_a_trainers_state_with_bare_nan_is_read_and_told(tmp_path):
    history = [{"step": n, "loss": 0.0, "grad_norm": float("nan")} for n in range(1, 9)]
    history[0] = {"step": 1, "loss": 3.2, "grad_norm": 1.0}
    state = tmp_path / "trainer_state.json"
    state.write_text(json.dumps({"log_history": history}))
    [log] = read_training(state)
    assert named(log) == ["non_finite"]
