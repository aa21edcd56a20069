"""What outputs show, on studies made by hand."""

import numpy as np
import pytest
from made_logs import a_log
from report_study import WORDS, Maker, corrupted

from harness.diagnosis.causes import KNOWN
from harness.diagnosis.model import Check
from harness.diagnosis.outputs import check_outputs
from harness.diagnosis.outputs.nearest import nearest_prompts
from harness.diagnosis.outputs.subject import subject_of
from harness.diagnosis.verdict import causes
from harness.diagnosis.whole_answers import check_whole_answers
from harness.study import StudyFile
from harness.types import Item

KEYS = [str(number) for number in range(20)]


@pytest.fixture
def maker(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    yield Maker(study)
    study.close()


def right_answers(seed=0):
    rng = np.random.default_rng(seed)
    return {key: " ".join(rng.permutation(WORDS.split())) for key in KEYS}


def filled(maker, texts, base=None, *, wanted=None, nll=None, prompts=None):
    """A study with a base model and the checkpoint that is diagnosed."""
    wanted = wanted or right_answers()
    prompts = prompts or {key: f"put it so: {key * 3}" for key in KEYS}
    maker.metrics = ("perplexity", "bleu", "exact_match")
    maker.items(*((key, prompts[key], (wanted[key],)) for key in KEYS))
    if base is not None:
        maker.checkpoint("base", base, step=0, nll=(nll or {}).get("base"))
    maker.checkpoint("last", texts, step=9, nll=(nll or {}).get("last"))
    return maker.study


def found_in(study, training=()):
    findings = check_outputs(subject_of(study, "rewrite", training))
    return {one.name: one for one in findings.checks}, {
        one.name: one.reason for one in findings.not_checked
    }


def test_good_outputs_have_no_finding(maker):
    rng = np.random.default_rng(1)
    wanted = right_answers()
    texts = {key: corrupted(text, 0.2, rng) for key, text in wanted.items()}
    worse = {key: corrupted(text, 0.7, rng) for key, text in wanted.items()}
    checks, _ = found_in(filled(maker, texts, worse))
    assert {one.status for one in checks.values()} == {"fine"}


def test_outputs_below_the_prompts_copy_are_worse_than_a_baseline(maker):
    wanted = right_answers()
    # The prompt is nearly the right answer, the output has nothing of it.
    prompts = {key: f"{text} indeed" for key, text in wanted.items()}
    texts = dict.fromkeys(KEYS, "zebras and violins everywhere, always and at once")
    checks, _ = found_in(filled(maker, texts, prompts=prompts))
    copy = checks["above_copy"]
    assert (copy.status, copy.weights["worse_than_baseline"]) == ("failure", 3.5)
    assert "trivial: " in copy.examples[0].text
    assert copy.examples[0].where == "last, item 0"


def test_outputs_below_a_trivial_answer_count_for_each_cause_of_that_and_name_none(
    maker,
):
    texts = dict.fromkeys(KEYS, "zebras and violins everywhere, always and at once")
    prompts = {key: f"{text} indeed" for key, text in right_answers().items()}
    checks, _ = found_in(filled(maker, texts, prompts=prompts))
    weights = dict(checks["above_copy"].weights)
    assert weights.pop("worse_than_baseline") > 3
    assert weights == dict.fromkeys(KNOWN["worse_than_baseline"].roots, 1.0)
    [only] = causes([checks["above_copy"]])
    assert only.cause == "worse_than_baseline"


def test_a_curve_that_hints_at_a_root_names_it_before_the_outputs_it_explains(maker):
    texts = dict.fromkeys(KEYS, "zebras and violins everywhere, always and at once")
    prompts = {key: f"{text} indeed" for key, text in right_answers().items()}
    checks, _ = found_in(filled(maker, texts, prompts=prompts))
    hint = Check(
        *("peak_learning_rate", "curves", "warning", 0.04, "any", "a test", "High."),
        weights={"learning_rate_too_high": 2.3},
    )
    assert causes([hint]) == ()
    found = [one.cause for one in causes([hint, *checks.values()])]
    assert found == ["learning_rate_too_high", "worse_than_baseline"]


def test_the_base_model_may_be_better(maker):
    rng = np.random.default_rng(1)
    wanted = right_answers()
    good = {key: corrupted(text, 0.2, rng) for key, text in wanted.items()}
    bad = {key: corrupted(text, 0.8, rng) for key, text in wanted.items()}
    checks, _ = found_in(filled(maker, bad, good))
    assert checks["above_base_model"].status == "failure"
    assert checks["above_base_model"].weights["diverged"] > 0


def test_without_another_checkpoint_it_is_said_how_to_get_one(maker):
    _, missing = found_in(filled(maker, right_answers()))
    assert "SERIES=BASE" in missing["above_base_model"]
    assert "--data" in missing["above_nearest_training_answer"]


def test_the_most_frequent_and_the_nearest_training_answer_are_baselines(maker):
    wanted = dict.fromkeys(KEYS, "turn on the light") | {"3": "turn off the light"}
    prompts = {key: f"light {key}" for key in KEYS}
    texts = dict.fromkeys(KEYS, "close all of the blinds now")
    training = [(f"light {key}", wanted[key]) for key in KEYS]
    study = filled(maker, texts, wanted=wanted, prompts=prompts)
    checks, _ = found_in(study, training)
    assert checks["above_most_frequent_answer"].status == "failure"
    assert checks["above_nearest_training_answer"].status == "failure"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "empty_outputs"),
        ("no, no, no, no, no, no, no, no, no, no, no, no.", "output_repetition"),
        ("The same for all of them, whatever was asked.", "one_answer_for_all"),
        ("short", "output_length"),
    ],
)
def test_degenerate_outputs(maker, text, name):
    checks, _ = found_in(filled(maker, dict.fromkeys(KEYS, text)))
    assert checks[name].status == "warning"


def test_prompts_given_back_are_copies(maker):
    prompts = {key: f"say {key} anew" for key in KEYS}
    checks, _ = found_in(filled(maker, prompts, prompts=prompts))
    assert checks["copied_prompts"].value == 1.0
    assert checks["copied_prompts"].weights["under_trained"] > 0


def test_wrong_answers_from_the_training_data_are_memorised(maker):
    training = [(f"other {key}", f"learned {key} by heart") for key in KEYS]
    texts = {key: f"Learned  {key} by heart" for key in KEYS}
    checks, _ = found_in(filled(maker, texts), training)
    memorised = checks["memorised_outputs"]
    assert (memorised.value, memorised.status) == (1.0, "warning")


def test_few_possible_answers_are_not_memorised(maker):
    wanted = {key: ("yes", "no")[int(key) % 2] for key in KEYS}
    wrong = {key: ("no", "yes")[int(key) % 2] for key in KEYS}
    training = [(f"q {key}", answer) for key, answer in wanted.items()]
    checks, _ = found_in(filled(maker, wrong, wanted=wanted), training)
    assert checks["memorised_outputs"].status == "fine"


def test_perplexity_that_improves_while_outputs_get_worse(maker):
    rng = np.random.default_rng(1)
    wanted = right_answers()
    good = {key: corrupted(text, 0.2, rng) for key, text in wanted.items()}
    bad = {key: corrupted(text, 0.8, rng) for key, text in wanted.items()}
    nll = {
        "base": {key: 40 + rng.normal() for key in KEYS},
        "last": {key: 10 + rng.normal() for key in KEYS},
    }
    checks, _ = found_in(filled(maker, bad, good, nll=nll))
    apart = checks["perplexity_against_task_metrics"]
    assert apart.status == "warning"
    assert apart.weights["metric_misleads"] > 0


def test_scores_that_rest_on_prompts_seen_before_speak_for_leakage(maker):
    wanted = right_answers()
    prompts = {
        key: f"a question about number {key} {'x' * int(key)}"
        if int(key) < 10
        else f"{chr(64 + int(key)) * 30}"
        for key in KEYS
    }
    texts = {key: wanted[key] if int(key) < 10 else "nothing of it" for key in KEYS}
    training = [(prompts[key], "an answer") for key in KEYS if int(key) < 10]
    study = filled(maker, texts, wanted=wanted, prompts=prompts)
    checks, _ = found_in(study, training)
    seen = checks["scores_by_similarity"]
    assert (seen.value, seen.weights) == (0.5, {"leakage": 2.0})
    assert "90 and more: 100 (n = 10)" in seen.says


def test_the_nearest_prompt_is_the_one_with_most_letters_in_common():
    items = [Item("a", "task", "a", "turn on the light")]
    rows = [("play music", "1"), ("turn off the light", "2"), ("turn on", "3")]
    assert nearest_prompts(items, rows)["a"].answer == "2"
    assert nearest_prompts(items, []) == {}


def lengths_study(maker, last, *, base=(4.0, 4.0)):
    """Nats a token of 15 short and 15 long items at both checkpoints."""
    maker.metrics = ("perplexity", "exact_match")
    keys = [str(number) for number in range(30)]
    long = {key: int(key) >= 15 for key in keys}
    answer = {key: f"answer {key} {'on and on ' * 9 * long[key]}" for key in keys}
    maker.items(*((key, f"ask {key}", (answer[key],)) for key in keys))
    for name, step, nats in (("base", 0, base), ("last", 9, last)):
        # Perplexity counts a token for each word.
        nll = {
            key: nats[long[key]] * len(answer[key].split()) * (1 + int(key) % 3 / 50)
            for key in keys
        }
        maker.checkpoint(name, answer, step=step, nll=nll)
    return maker.study


LONG_ROWS = [("ask 99", "answer 99 " + "on and on " * 9), ("a", "b")]
SHORT_ROWS = [("a", "b"), ("c", "d")]


def test_long_items_that_learned_nothing_though_they_were_there_were_cut(maker):
    # Left are 3.0 / 4.0 of the long ones and 0.5 / 4.0 of the short ones.
    study = lengths_study(maker, (0.5, 3.0))
    checks, _ = found_in(study, LONG_ROWS)
    found = checks["loss_by_length"]
    assert found.value == pytest.approx(0.75 - 0.125)
    assert (found.status, found.weights) == ("warning", {"truncation": 2.5})
    assert "50% of the training rows" in found.says


def test_long_items_of_which_the_training_data_have_none_are_unlike_them(maker):
    checks, _ = found_in(lengths_study(maker, (0.5, 3.0)), SHORT_ROWS)
    assert checks["loss_by_length"].weights == {"unrepresentative_data": 1.5}


@pytest.mark.parametrize(
    ("base", "last"),
    [
        ((4, 4), (0.5, 0.6)),
        ((2, 4), (0.5, 1.0)),
        ((4, 2), (1.0, 0.5)),
        ((6.7, 6.7), (0.01, 0.3)),
    ],
    ids=["all learned", "long ones are harder", "long ones are easier", "near nothing"],
)
def test_lengths_whose_losses_fell_alike_are_fine(maker, base, last):
    checks, _ = found_in(lengths_study(maker, last, base=base), LONG_ROWS)
    found = checks["loss_by_length"]
    assert (found.status, found.weights) == ("fine", {})


def curve(before, after):
    """A log with held-out losses before and after nine steps."""
    steps = np.array([0, 3, 9])
    return a_log(eval_loss=(steps, [before, (before + after) / 2, after]))


def test_a_logged_loss_that_fell_further_than_that_of_whole_answers_is_of_cut_ones(
    maker,
):
    subject = subject_of(lengths_study(maker, (2.0, 2.0)), "rewrite")
    [found] = check_whole_answers(curve(4.0, 0.4), subject).checks
    assert found.value == pytest.approx(2.0 / 4.0 - 0.4 / 4.0)
    assert (found.status, found.area) == ("warning", "curves")
    assert found.weights["truncation"] == 2.0
    assert causes([found]) == ()


@pytest.mark.parametrize(
    ("before", "after"), [(4.0, 2.0), (3.6, 1.6), (6.0, 3.0), (4.0, 3.5)]
)
def test_a_logged_loss_that_fell_as_far_is_fine(maker, before, after):
    subject = subject_of(lengths_study(maker, (2.0, 2.0)), "rewrite")
    [found] = check_whole_answers(curve(before, after), subject).checks
    assert (found.status, found.weights) == ("fine", {})


def test_losses_are_held_together_only_where_both_are_known(maker):
    subject = subject_of(lengths_study(maker, (2.0, 2.0)), "rewrite")
    late = a_log(eval_loss=([3, 6, 9], [3.0, 2.0, 1.0]))
    for log, what in ((None, subject), (curve(4, 1), None), (late, subject)):
        [missing] = check_whole_answers(log, what).not_checked
        assert "--log" in missing.reason
        assert "--db" in missing.reason


def test_a_task_without_outputs_is_not_diagnosed(maker):
    maker.items(("a", "say a", ("a",)))
    assert subject_of(maker.study, "rewrite") is None
