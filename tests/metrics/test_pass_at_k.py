"""pass@k: by hand, against all choices, by simulation, and in a report."""

import json
from itertools import combinations
from math import comb

import numpy as np
import pytest
from fakes import write_checkpoint, write_task
from report_study import Maker

from harness.compare import compare
from harness.errors import InputError, MetricError, Unscorable
from harness.metrics import ExactMatch, PassAtK, build, describe, from_description
from harness.metrics.pass_at_k import pass_at_k
from harness.report import report
from harness.run import run
from harness.study import StudyFile
from harness.task import load_task
from harness.types import Item

OWN = '''
from dataclasses import dataclass
from harness.metrics import MeanMetric

@dataclass(frozen=True)
class Tests(MeanMetric):
    """Share of tests that a text passes."""
    name = "tests"

    def score(self, item, text):
        return float(text)
'''


def item(key="1", *references):
    return Item(key, "task", key, "", references or ("yes",))


@pytest.fixture
def study(tmp_path):
    made = StudyFile(tmp_path / "study.db")
    yield made
    made.close()


@pytest.fixture
def maker(study):
    """Three items; four samples of each, of which 2, 0 and 4 are right."""
    made = Maker(study)
    made.metrics = ("exact_match", "pass_at_k", {"pass_at_k": {"k": 2}})
    made.items(*((key, f"say {key}", ("yes",)) for key in "abc"))
    texts = {"a": ["yes", "no", "yes", "no"], "b": ["no"] * 4, "c": ["yes"] * 4}
    return made.checkpoint("late", texts, step=2)


def estimates(maker, label="late", **settings):
    [task] = report(maker.study, **({"draws": 200} | settings)).tasks
    [checkpoint] = [c for c in task.checkpoints if c.label == label]
    short = {m.signature: m.label for m in task.metrics}
    return {short[s]: value for s, value in checkpoint.metrics.items()}


# One item.


def test_by_hand():
    # One of four is right. Of the 6 pairs, 3 hold it; of the 4 triples, 3 do.
    assert pass_at_k(4, 1, 1) == pytest.approx(1 / 4)
    assert pass_at_k(4, 1, 2) == pytest.approx(3 / 6)
    assert pass_at_k(4, 1, 3) == pytest.approx(3 / 4)
    assert pass_at_k(4, 1, 4) == 1
    assert pass_at_k(4, 0, 4) == 0
    assert pass_at_k(4, 4, 1) == 1


@pytest.mark.parametrize("samples", [1, 2, 5, 7])
def test_it_is_the_share_of_all_choices_that_hold_a_right_one(samples):
    for right in range(samples + 1):
        drawn = [1] * right + [0] * (samples - right)
        for k in range(1, samples + 1):
            choices = [any(choice) for choice in combinations(drawn, k)]
            expected = sum(choices) / len(choices)
            assert pass_at_k(samples, right, k) == pytest.approx(expected, abs=1e-12)


def test_binomials_too_large_for_floats_do_not_matter():
    expected = 1 - comb(4900, 1000) / comb(5000, 1000)  # exact whole numbers
    assert comb(5000, 1000) > 1e308
    assert pass_at_k(5000, 100, 1000) == pytest.approx(expected, rel=1e-12)


def test_the_estimate_is_unbiased():
    """Its mean over many draws of n samples is 1 - (1 - p)^k."""
    draws, p, n, k = np.random.default_rng(4), 0.15, 10, 5
    found = [pass_at_k(n, right, k) for right in draws.binomial(n, p, size=20_000)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(1 - (1 - p) ** k, abs=4 * error)
    # The obvious estimate, 1 - (1 - c/n)^k, is biased by many standard errors.
    naive = [1 - (1 - right / n) ** k for right in draws.binomial(n, p, size=20_000)]
    assert np.mean(naive) < 1 - (1 - p) ** k - 10 * error


def test_the_samples_of_an_item_become_one_tally():
    metric = PassAtK(k=2)
    tallies = metric.tallies([(item(), text) for text in ("yes", "no", "no", "no")])
    assert [list(tally) for tally in tallies] == [[1, 1], [0, 1], [0, 1], [0, 1]]
    assert list(metric.item_tally(np.array(tallies))) == [pytest.approx(0.5), 1]
    assert list(metric.output_value(np.array(tallies))) == [1, 0, 0, 0]


def test_fewer_samples_than_k_are_unknown_rather_than_wrong():
    with pytest.raises(Unscorable, match="fewer than 3 samples"):
        PassAtK(k=3).item_tally(np.array([[1.0, 1.0], [0.0, 1.0]]))


# What is right.


def test_a_sample_that_cannot_be_judged_keeps_the_reason():
    (reason,) = PassAtK().tallies([(Item("1", "task", "1", ""), "yes")])
    assert str(reason) == "the item has no reference"
    with pytest.raises(Unscorable, match="no reference"):
        PassAtK().tally(Item("1", "task", "1", ""), "yes")


@pytest.mark.parametrize(
    ("text", "right"), [("1.0", 1), ("2", 1), ("0.99", 0), ("0", 0), ("-1", 0)]
)
def test_half_right_is_not_right(text, right, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    [metric] = build({"pass_at_k": {"of": "own.py"}}, tmp_path)
    assert list(metric.tally(item(), text)) == [right, 1]


def test_nan_is_unknown_rather_than_wrong(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    [metric] = build({"pass_at_k": {"of": "own.py"}}, tmp_path)
    with pytest.raises(Unscorable, match="'tests' gives nan for it"):
        metric.tally(item(), "nan")


def test_a_failing_metric_is_named(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    [metric] = build({"pass_at_k": {"of": "own.py"}}, tmp_path)
    with pytest.raises(MetricError, match="'tests' failed on item '1'"):
        metric.tallies([(item(), "no number")])


@pytest.mark.parametrize(
    "of", ["bleu", "rouge", "perplexity", "repetition", "distinct_n", "pass_at_k"]
)
def test_what_does_not_say_right_or_wrong_of_one_output_is_refused(of, tmp_path):
    with pytest.raises(InputError, match=f"'of' must be one metric .*'{of}' is none"):
        build({"pass_at_k": {"of": of}}, tmp_path)


def test_the_metric_itself_will_do():
    metric = PassAtK(k=2, of=ExactMatch(lowercase=True))
    assert list(metric.tally(item(), "YES")) == [1, 1]


def test_k_below_one_is_refused():
    with pytest.raises(InputError, match="'k' must be 1 or more, but it is 0"):
        PassAtK(k=0)


# What a study keeps.


def test_signature_holds_that_of_the_other_metric(tmp_path):
    spec = {"pass_at_k": {"k": 5, "of": {"numeric": {"absolute": 0.5}}}}
    [metric] = build(spec, tmp_path)
    [judge] = build("numeric:absolute=0.5", tmp_path)
    assert metric.signature == f"pass_at_k|k:5|of:{judge.signature}|v1"


def test_a_report_needs_no_program_that_says_what_is_right(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    [metric] = build({"pass_at_k": {"k": 3, "of": "own.py"}}, tmp_path)
    description = json.loads(json.dumps(describe(metric)))
    (tmp_path / "own.py").unlink()
    stored = from_description(description, tmp_path)
    assert "|of:tests|v1+" in stored.signature
    assert stored.signature == metric.signature == description["signature"]
    assert description["form"] == "tallied"
    tallies = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    assert list(stored.item_tally(tallies)) == [1, 1]
    (reason,) = stored.tallies([(item(), "1")])
    assert isinstance(reason, Unscorable)


# A study with several samples.


def test_a_report_gives_the_mean_over_items(maker):
    found = estimates(maker)
    assert found["exact_match"].value == pytest.approx(6 / 12)
    at_1, at_2 = found["pass_at_k (k:1)"], found["pass_at_k (k:2)"]
    # Of item a, 2 of 4 are right: 1 - C(2, 2) / C(4, 2) = 5/6. Then 0 and 1.
    assert at_1.value == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert at_2.value == pytest.approx((5 / 6 + 0 + 1) / 3)
    assert (at_2.n, at_2.dropped) == (12, 0)
    assert "bootstrap of items" in at_2.method


def test_the_interval_is_a_bootstrap_over_items(maker):
    found = estimates(maker, draws=4000)["pass_at_k (k:2)"]
    draws = np.random.default_rng(8)
    means = draws.choice([5 / 6, 0, 1], size=(20_000, 3)).mean(axis=1)
    expected = np.quantile(means, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.06)


def test_items_with_fewer_samples_than_k_are_counted_as_dropped(study):
    made = Maker(study)
    made.metrics = ({"pass_at_k": {"k": 2}},)
    made.items(("a", "say a", ("yes",)), ("b", "say b", ("yes",)), ("c", "say c", ()))
    made.checkpoint("late", {"a": ["yes", "no", "no"], "b": ["no"], "c": ["x"] * 3})
    found = estimates(made)["pass_at_k"]
    assert found.value == pytest.approx(2 / 3)
    assert (found.n, found.dropped) == (3, 4)
    reason = "1 item left out: fewer than 2 samples that could be judged"
    assert found.method.endswith(reason)


def test_without_any_item_with_k_samples_there_is_no_value(study):
    made = Maker(study)
    made.metrics = ({"pass_at_k": {"k": 5}},)
    made.items(("a", "say a", ("yes",)), ("b", "say b", ("yes",)))
    made.checkpoint("late", {"a": ["yes", "no"], "b": ["yes"]})
    found = estimates(made)["pass_at_k"]
    assert found.value is None
    assert (found.n, found.dropped) == (0, 3)
    assert "2 items left out: fewer than 5 samples" in found.method


def test_checkpoints_are_compared_item_by_item(maker):
    texts = {"a": ["no", "no", "yes", "no"], "b": ["no"] * 4, "c": ["yes"] * 4}
    maker.checkpoint("early", texts, step=1)
    [found] = compare(maker.study, "early", "late", draws=200)
    [by] = [row for row in found.rows if row.signature.startswith("pass_at_k|k:2")]
    # Item a goes from 1 of 4, 1/2, to 2 of 4, 5/6; the others stay.
    assert by.difference.value == pytest.approx((5 / 6 - 1 / 2) / 3)
    assert (by.wins, by.ties, by.losses) == (1, 2, 0)
    [task] = report(maker.study, draws=200).tasks
    [lead] = [one for one in task.leads if one.by == by.signature]
    assert (lead.best, lead.second) == ("late", "early")
    assert lead.difference.value == pytest.approx((5 / 6 - 1 / 2) / 3)


def test_raters_are_held_against_the_single_output(maker):
    rated = {("late", key, n): 1.0 + n for key in "abc" for n in range(4)}
    maker.rate("ann", "good", rated)
    [task] = report(maker.study, draws=50).tasks
    [signature] = [m.signature for m in task.metrics if "|k:2|" in m.signature]
    scores = {(one.item, one.sample): one.scores[signature] for one in task.rated}
    assert [scores["a", n] for n in range(4)] == [1, 0, 1, 0]
    assert {scores["b", n] for n in range(4)} == {0}


def test_a_copy_of_the_prompt_is_not_sampled_and_has_no_value(maker):
    [task] = report(maker.study, draws=50).tasks
    [baseline] = task.baselines
    assert [s.split("|")[0] for s in baseline.metrics] == ["exact_match"]


def test_a_task_asks_for_samples_and_a_report_counts_them(tmp_path, study, echo):
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1")
    of = {"regex": {"pattern": "sample-[012] "}}
    task = write_task(
        tmp_path / "task",
        generation={"samples": 5, "temperature": 1},
        metrics=[{"pass_at_k": {"k": 2, "of": of}}],
    )
    run(study, [load_task(task)], [str(folder)])
    [checkpoint] = report(study, draws=50).tasks[0].checkpoints
    [found] = checkpoint.metrics.values()
    # Of every item's five samples three are right: 1 - C(2, 2) / C(5, 2).
    assert found.value == pytest.approx(1 - 1 / 10)
    assert (found.n, found.dropped) == (50, 0)
