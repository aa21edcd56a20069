"""The report: its numbers by hand, by sacreBLEU and by SciPy, and what it says."""

import gc
import json
import re

import numpy as np
import pytest
import sacrebleu
from report_study import Maker, fill
from scipy import stats

from harness.errors import NotFound, StudyError
from harness.importing import import_outputs
from harness.report import report
from harness.reporting import evidence, render
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint, store_used, stored_checkpoints
from harness.study.outputs import Evaluation, store_evaluation
from harness.study.runs import start

REFERENCES = ("the cat sat on the mat", "a dog barked at night", "we saw rain fall")
BETTER = {"0": "the cat sat on the mat", "1": "a dog barked at dawn", "2": "rain fell"}
WORSE = {"0": "the cat sat", "1": "dogs bark", "2": "we saw rain fall"}
BLEU = "bleu|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"


@pytest.fixture
def maker(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    yield Maker(study)
    study.close()


@pytest.fixture
def cats(maker):
    """Three items, two checkpoints, no ratings."""
    rows = [(str(n), f"say {n}", (text,)) for n, text in enumerate(REFERENCES)]
    maker.items(*rows)
    return maker.checkpoint("worse", WORSE, step=1).checkpoint("better", BETTER, step=2)


def only(maker, **settings):
    """The report on the one task."""
    [task] = report(maker.study, **({"draws": 50} | settings)).tasks
    return task


def of(task, label):
    [found] = [c for c in task.checkpoints if c.label == label]
    return found


def agreement_of(task, metric, criterion="meaning"):
    [found] = [
        one
        for one in task.agreement
        if (one.metric, one.criterion) == (metric, criterion)
    ]
    return found


def test_corpus_bleu_is_that_of_sacrebleu(cats):
    task = only(cats)
    for label, texts in (("worse", WORSE), ("better", BETTER)):
        expected = sacrebleu.corpus_bleu(list(texts.values()), [list(REFERENCES)]).score
        found = of(task, label).metrics[BLEU]
        assert found.value == pytest.approx(expected)
        assert (found.n, found.dropped) == (3, 0)
        assert found.low <= found.value <= found.high


def test_outputs_that_cannot_be_judged_are_left_out_and_counted(maker):
    maker.items(("0", "say", ("the cat sat on the mat",)), ("1", "say", ()))
    found = only(maker.checkpoint("one", {"0": "the cat sat on", "1": "x"}))
    expected = sacrebleu.corpus_bleu(["the cat sat on"], [["the cat sat on the mat"]])
    [estimate] = [e for s, e in found.checkpoints[0].metrics.items() if "bleu" in s]
    assert estimate.value == pytest.approx(expected.score)
    assert (estimate.n, estimate.dropped) == (1, 1)


def test_outputs_that_rouge_cannot_read_are_noted(maker):
    maker.metrics = ("rouge1", "rougeL", "rouge1:tokenizer=unicode")
    rows = [("a", "say", ("the cat sat",)), ("b", "say", ("кошка сидит",))]
    maker.items(*rows, ("c", "say", ("the cat sat",)))
    maker.checkpoint("one", {"a": "кошка сидит", "b": "кошка", "c": "the café sat"})
    # Item b has no score by the default tokenizer, so nothing is lost there.
    task = only(maker)
    [note] = [one for one in task.notes if "most letters" in one]
    assert note.startswith("rouge1 and rougeL: of 1 output most letters are dropped")
    assert "tokenizer=unicode" in note
    [other] = [one for one in task.notes if "words break" in one]
    assert other.startswith("rouge1 and rougeL: in 1 output or their references")


def test_a_false_match_of_rouge_is_not_silent(maker):
    maker.metrics = ("rouge1", {"rouge1": {"tokenizer": "unicode"}})
    maker.items(("a", "say", ("café résumé",)))
    task = only(maker.checkpoint("one", {"a": "caf r sum"}))
    assert sorted(e.value for e in task.checkpoints[0].metrics.values()) == [0, 1]
    assert any("others match than are there" in note for note in task.notes)


def test_rouge_that_reads_every_letter_is_not_warned_of(maker):
    maker.metrics = ({"rouge1": {"tokenizer": "unicode"}},)
    maker.items(("a", "say", ("café résumé",)))
    found = only(maker.checkpoint("one", {"a": "caf r sum"}))
    assert not any("letters" in note for note in found.notes)


def test_a_tokenizer_that_goes_by_spaces_is_noted_where_there_are_none(maker):
    maker.metrics = ("bleu", "bleu:tokenize=zh")
    maker.items(("a", "say", ("今天天气很好。",)), ("b", "say", ("it rains",)))
    task = only(maker.checkpoint("one", {"a": "今天天气不好。", "b": "it rains"}))
    spaced, by_letter = (e.value for e in task.checkpoints[0].metrics.values())
    assert spaced < by_letter
    [note] = [one for one in task.notes if "tokenize=zh" in one]
    assert note.startswith("bleu: the references of 1 item have no spaces")
    other = Maker(maker.study, task="other")
    other.metrics = ("bleu:tokenize=zh", "chrf")
    other.items(("a", "say", ("今天天气很好。",)))
    other.checkpoint("one", {"a": "今天天气不好。"})
    [task] = report(maker.study, ["other"], draws=50).tasks
    assert not any("spaces" in one for one in task.notes)


def test_more_samples_of_the_same_items_do_not_narrow_an_interval(maker):
    """Samples of one prompt stay together; as items of their own they would."""
    maker.metrics = ("f1",)
    rng = np.random.default_rng(3)
    keys = [str(number) for number in range(30)]
    maker.items(*((key, f"say {key}", ("a b c d e",)) for key in keys))
    texts = {key: " ".join("abcde"[: rng.integers(1, 6)]) for key in keys}
    maker.checkpoint("once", texts)
    maker.checkpoint("thrice", {key: [text] * 3 for key, text in texts.items()})
    once, thrice = (
        next(iter(of(only(maker, draws=1000), name).metrics.values()))
        for name in ("once", "thrice")
    )
    assert (once.n, thrice.n) == (30, 90)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_outputs_that_rouge_reads_are_not_noted(maker):
    maker.metrics = ("rouge1:tokenizer=unicode", "bleu", "exact_match")
    maker.items(("a", "say", ("the cat sat",)))
    maker.checkpoint("one", {"a": "кошка"})
    maker.metrics = ("rouge1",)
    maker.checkpoint("two", {"a": "the cat – ‘sat’ 🙂"})
    assert not any("letters" in note for note in only(maker).notes)


def test_the_same_seed_gives_the_same_report_and_another_other_intervals(maker):
    fill(maker)
    once, again, other = (
        render(report(maker.study, draws=50, seed=seed), "json") for seed in (1, 1, 2)
    )
    assert once == again
    assert once != other


def test_mean_ratings_by_hand(cats):
    cats.rate("ann", "meaning", {("better", "0"): 5, ("better", "1"): 3})
    cats.rate("ben", "meaning", {("better", "0"): 4})
    found = of(only(cats), "better").human["meaning"]
    # Output 0 has mean 4.5, output 1 has 3.
    assert found.value == pytest.approx(3.75)
    assert (found.n, found.dropped) == (2, 0)
    # Two prompts tell next to nothing: t would reach beyond the scale.
    assert (found.low, found.high) == (1, 5)


def test_ratings_taken_back_do_not_count_and_questions_skipped_are_counted(cats):
    cats.rate("ann", "meaning", {("better", "0"): 1, ("better", "1"): 3})
    cats.take_back(1)
    cats.rate("ben", "meaning", {("better", "2"): None})
    task = only(cats)
    found = of(task, "better").human["meaning"]
    assert (found.value, found.n, found.dropped) == (3, 1, 1)
    assert task.raters.ratings == 1


def test_a_rater_who_rates_twice_counts_once(cats):
    cats.rate("ann", "meaning", {("better", "0"): 2})
    cats.rate("ann", "meaning", {("better", "0"): 4})
    cats.rate("ben", "meaning", {("better", "0"): 5})
    assert of(only(cats), "better").human["meaning"].value == pytest.approx(4)


def test_ratings_of_replaced_outputs_do_not_count(cats):
    cats.rate("ann", "meaning", {("better", "0"): 5, ("worse", "0"): 1})
    cats.study.db.execute(
        "UPDATE evaluations SET settings = 'newer' WHERE checkpoint = ?",
        [cats.checkpoints["worse"].id],
    )
    task = only(cats)
    assert task.raters.ratings == 1
    assert any("1 rating" in note and "replaced" in note for note in task.notes)


def test_agreement_is_that_of_scipy(maker):
    task = only(fill(maker))
    found = agreement_of(task, "chrf")
    outputs = [(o.scores[found.signature], o.ratings["meaning"]) for o in task.rated]
    scores, ratings = np.array(outputs).T
    pooled = found.segment["none"]
    assert pooled.pearson.value == pytest.approx(stats.pearsonr(scores, ratings)[0])
    assert pooled.spearman.value == pytest.approx(stats.spearmanr(scores, ratings)[0])
    assert pooled.kendall.value == pytest.approx(stats.kendalltau(scores, ratings)[0])
    means = [column.reshape(4, 12).mean(axis=1) for column in (scores, ratings)]
    assert found.system.pearson.value == pytest.approx(stats.pearsonr(*means)[0])
    assert found.system.kendall.value == pytest.approx(stats.kendalltau(*means)[0])
    within = [stats.kendalltau(scores[n::12], ratings[n::12])[0] for n in range(12)]
    assert found.segment["item"].kendall.value == pytest.approx(np.nanmean(within))


def test_a_metric_of_which_less_is_better_is_turned_and_carried_to_outputs(maker):
    task = only(fill(maker))
    found = agreement_of(task, "perplexity").segment["none"].spearman
    values = [(o.scores["perplexity|ref:first|per:token|v1"], o) for o in task.rated]
    expected = stats.spearmanr(
        [-value for value, _ in values], [o.ratings["meaning"] for _, o in values]
    )
    assert found.value == pytest.approx(expected[0])
    assert found.value > 0


def test_samples_of_an_item_are_averaged_on_both_sides(maker):
    maker.items(*((str(n), f"say {n}", (text,)) for n, text in enumerate(REFERENCES)))
    texts = {key: [text, WORSE[key], "never rated"] for key, text in BETTER.items()}
    maker.checkpoint("one", texts)
    ratings = {("one", key, n): float(n + int(key)) for key in texts for n in (0, 1)}
    task = only(maker.rate("ann", "meaning", ratings))
    found = agreement_of(task, "exact_match").segment["system"].pearson
    # Items have means .5, 1.5 and 2.5; of their rated samples .5, 0 and .5 are exact.
    human = task.checkpoints[0].human["meaning"]
    assert (human.value, human.n) == (pytest.approx(1.5), 6)
    expected = stats.pearsonr([0.5, 0, 0.5], [0.5, 1.5, 2.5])[0]
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_raters_own_agreement_stands_beside_it(maker):
    task = only(fill(maker))
    alpha = task.raters.alpha["meaning"]
    assert 0 < alpha.low < alpha.value < alpha.high < 1
    assert alpha.n == len(task.rated)
    assert "interval" in alpha.method


def test_raters_are_counted_by_kind_with_their_time_for_an_output(maker):
    raters = only(fill(maker)).raters
    assert raters.kinds == {"person": 2}
    assert (raters.ratings, raters.outputs, raters.seconds) == (192, 48, 8.0)


def test_the_copy_of_the_prompt_is_scored_as_sacrebleu_does(maker):
    source = "the cat sat upon the mat"
    maker.items(
        ("0", f"{source}\n=>", (REFERENCES[0],), {"source": source}),
        ("1", "a dog barked", (REFERENCES[1],)),
    ).checkpoint("one", {"0": "x", "1": "y"})
    [baseline] = only(maker).baselines
    copied = [source, "a dog barked"]
    expected = sacrebleu.corpus_bleu(copied, [list(REFERENCES[:2])]).score
    assert baseline.metrics[BLEU].value == pytest.approx(expected)
    exact = [e for s, e in baseline.metrics.items() if s.startswith("exact_match|")]
    assert [one.value for one in exact] == [0]


def test_the_lead_is_the_paired_difference_of_the_two_best(cats):
    ratings = {"worse": (1, 2, 4), "better": (3, 3, 4)}
    for name, values in ratings.items():
        pairs = {(name, str(n)): value for n, value in enumerate(values)}
        cats.rate("ann", "meaning", pairs)
    task = only(cats, draws=500)
    [rated] = [lead for lead in task.leads if lead.kind == "criterion"]
    assert (rated.best, rated.second) == ("better", "worse")
    assert rated.difference.value == pytest.approx(1)
    # Of differences 2, 1, 0 the t interval: t(2) is 4.303, the standard error 1/√3.
    assert rated.difference.low == pytest.approx(1 - 4.302653 / 3**0.5)
    assert not rated.clear
    # Their variance is 1, so (1.96 + .8416)² items.
    assert rated.needed == 8
    [by_bleu] = [lead for lead in task.leads if lead.by == BLEU]
    values = {c.label: c.metrics[BLEU].value for c in task.checkpoints}
    expected = values[by_bleu.best] - values[by_bleu.second]
    assert by_bleu.difference.value == pytest.approx(expected)


def test_a_lead_is_clear_if_its_interval_excludes_zero(cats):
    for name, value in (("worse", 1.0), ("better", 4.0)):
        pairs = {(name, str(n)): value + n % 2 * (value > 2) for n in range(3)}
        cats.rate("ann", "meaning", pairs)
    [lead] = [lead for lead in only(cats).leads if lead.kind == "criterion"]
    assert lead.clear
    assert 0 < lead.difference.low < 3


WHOLE = """
from dataclasses import dataclass
from harness.metrics import Whole

@dataclass(frozen=True)
class Longest(Whole):
    name = "longest"

    def value_of(self, judged):
        return float(max(len(text) for _, text in judged))
"""


def test_a_metric_of_all_outputs_is_computed_anew(cats):
    (cats.base / "longest.py").write_text(WHOLE)
    cats.metrics = ("longest.py",)
    cats.checkpoint("third", {"0": "12345", "1": "123", "2": "1"})
    task = only(cats)
    [found] = [e for s, e in of(task, "third").metrics.items() if "longest" in s]
    assert (found.value, found.n) == (5, 3)
    assert "all outputs" in found.method
    assert not any("longest" in s for s in of(task, "better").metrics)


TALLIED = """
from dataclasses import dataclass
import numpy as np
from harness.metrics import TextMetric

@dataclass(frozen=True)
class Letters(TextMetric):
    name = "letters"

    def tally(self, item, text):
        return np.array([len(text), 2.0, 3.0])

    def value(self, tally):
        return tally[..., 0] / tally[..., 1]
"""


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("return float(tally[0] / tally[1])", "fails on several tallies: TypeError"),
        ("return tally.sum() / 5", r"values of shape \(\) for 11 tallies"),
    ],
)
def test_a_metric_that_values_one_tally_alone_is_stood_in_for(cats, value, reason):
    own = TALLIED.replace("return tally[..., 0] / tally[..., 1]", value)
    (cats.base / "letters.py").write_text(own)
    cats.metrics = ("letters.py",)
    cats.checkpoint("third", {"0": "12345", "1": "123", "2": "1"})
    cats.checkpoint("fourth", {"0": ["1"] * 3, "1": ["123"] * 3, "2": ["1"] * 2})
    task = only(cats)
    [found] = [e for s, e in of(task, "third").metrics.items() if "letters" in s]
    assert found.n == 3
    assert found.value is not None
    assert any(re.search(reason, note) for note in task.notes)


SOLE = """
from dataclasses import dataclass
from harness.metrics import Whole

@dataclass(frozen=True)
class Sole(Whole):
    name = "sole"

    def value_of(self, judged):
        keys = [item.key for item, _ in judged]
        {trouble}
        return len(set(keys))
"""


@pytest.mark.parametrize(
    ("trouble", "value", "method"),
    [
        ("1 / (len(set(keys)) - 1)", 3, r"\d+ of them undefined and left out"),
        ("1 / 0", None, "undefined: Metric 'sole' failed: ZeroDivisionError"),
    ],
)
def test_a_resample_that_a_metric_cannot_bear_costs_no_value(
    cats, trouble, value, method
):
    (cats.base / "sole.py").write_text(SOLE.replace("{trouble}", trouble))
    cats.metrics = ("sole.py",)
    cats.checkpoint("third", {"0": "a", "1": "b", "2": "c"})
    [found] = [e for s, e in of(only(cats), "third").metrics.items() if "sole" in s]
    assert found.value == value
    assert re.search(method, found.method)


def test_the_mean_of_its_values_stands_in_for_a_metric_that_is_gone(cats):
    (cats.base / "letters.py").write_text(TALLIED)
    cats.metrics = ("letters.py",)
    cats.checkpoint("third", {"0": "12345", "1": "123", "2": "1"})
    (cats.base / "letters.py").unlink()
    task = only(cats)
    [found] = [e for s, e in of(task, "third").metrics.items() if "letters" in s]
    assert found.value == pytest.approx((2.5 + 1.5 + 0.5) / 3)
    assert any("letters cannot be rebuilt" in note for note in task.notes)


def test_two_metrics_of_a_name_are_told_apart_by_the_settings_that_differ(cats):
    cats.metrics = ({"bleu": {"tokenize": "intl"}},)
    cats.checkpoint("third", WORSE)
    labels = [metric.label for metric in only(cats).metrics]
    assert labels == ["bleu (tok:13a)", "exact_match", "bleu (tok:intl)"]


@pytest.mark.parametrize(
    "kinds",
    [("simulated", "simulated"), ("person", "simulated", "person"), ("simulated",)],
)
def test_a_simulated_rating_marks_everything_and_nobody_is_called_people(maker, kinds):
    made = report(fill(maker, items=6, kinds=kinds).study, draws=50)
    [task] = made.tasks
    assert made.simulated
    assert task.simulated
    assert task.verdict.startswith("SIMULATED: ")
    assert "people" not in task.verdict.lower()
    assert "imulated" in task.sentences[0].removeprefix("SIMULATED: ")
    assert "simulated" in task.sentences[-1]
    for form in ("text", "md"):
        page = render(made, form)
        assert "SIMULATED" in page[:200]
        assert "people" not in page.lower()
    assert json.loads(render(made, "json"))["tasks"][0]["simulated"] is True


def test_ratings_by_people_are_not_marked(maker):
    made = report(fill(maker, items=6).study, draws=50)
    assert not made.simulated
    assert made.tasks[0].verdict.startswith("People put ")
    for form in ("text", "md", "html"):
        assert "SIMULATED" not in render(made, form)


def test_a_simulated_rating_that_does_not_count_marks_nothing(cats):
    cats.rate("program", "meaning", {("better", "0"): 5}, kind="simulated")
    cats.rate("ann", "meaning", {("better", "0"): 5})
    cats.take_back(1)
    assert not only(cats).simulated


def test_what_others_write_meanwhile_waits_for_the_next_report(cats, monkeypatch):
    other = StudyFile(cats.study.path)
    read = evidence.current_outputs

    def written_to_first(study, task, checkpoint):
        other.insert("items", [cats.study.rows("SELECT * FROM items")[0] | {"id": "x"}])
        output = cats.study.rows("SELECT * FROM outputs")[0]
        other.insert("outputs", [output | {"id": "y", "item": "x"}])
        monkeypatch.undo()
        return read(study, task, checkpoint)

    monkeypatch.setattr(evidence, "current_outputs", written_to_first)
    assert (only(cats).items, only(cats).items) == (3, 4)
    other.close()


def test_no_garbage_is_looked_for_while_a_report_is_made(cats, monkeypatch):
    during = []

    def told(*_):
        during.append(gc.isenabled())
        return ()

    monkeypatch.setattr("harness.report.verdict", told)
    assert (only(cats).sentences, during) == ((), [False])
    assert gc.isenabled()


def test_garbage_is_looked_for_again_after_a_report_and_after_a_failed_one(
    cats, monkeypatch
):
    during = []

    def fails(*_):
        during.append(gc.isenabled())
        raise StudyError("no such disk")

    assert only(cats).items == 3
    assert gc.isenabled()
    monkeypatch.setattr(evidence, "current_outputs", fails)
    with pytest.raises(StudyError, match="no such disk"):
        report(cats.study)
    assert (during, gc.isenabled()) == ([False], True)


def test_an_unknown_task_is_refused_with_the_nearest_name(cats):
    with pytest.raises(NotFound, match="Did you mean 'rewrite'"):
        report(cats.study, ["rewrit"])


def test_tasks_are_reported_one_by_one_or_all(cats):
    other = Maker(cats.study, "other").items(("0", "say", ("yes",)))
    other.checkpoint("better", {"0": "yes"})
    assert [t.task for t in report(cats.study, draws=10).tasks] == ["rewrite", "other"]
    assert [t.task for t in report(cats.study, ["other"], draws=10).tasks] == ["other"]


def rendered(maker):
    """Every rendering, and the JSON as values; none may hold NaN."""
    made = report(maker.study, draws=20)
    pages = {form: render(made, form) for form in ("text", "md", "html", "json")}
    values = json.loads(pages["json"], parse_constant=pytest.fail)
    shown = pages["text"] + pages["md"]
    assert "nan" not in shown.lower().replace("finance", "")
    assert "None" not in shown
    return made, values


def test_an_empty_study_says_so(maker):
    made, values = rendered(maker)
    assert made.tasks == ()
    assert values["tasks"] == []
    assert "no outputs yet" in render(made, "text")


def test_without_ratings_metrics_speak_alone(cats):
    made, values = rendered(cats)
    assert "Nobody has rated" in made.tasks[0].verdict
    assert "harness rate" in made.tasks[0].verdict
    assert values["tasks"][0]["agreement"] == []
    assert values["tasks"][0]["raters"]["alpha"] == {}


def test_one_checkpoint_has_nothing_to_be_compared_with(maker):
    maker.items(("0", "say", ("yes",)), ("1", "say it", ("no",)))
    maker.checkpoint("one", {"0": "yes", "1": "yes"})
    maker.rate("ann", "meaning", {("one", "0"): 5, ("one", "1"): 1})
    made, values = rendered(maker)
    [task] = made.tasks
    assert task.leads == ()
    assert "leaves nothing to compare" in task.verdict
    assert "second checkpoint" in task.sentences[-1]
    system = values["tasks"][0]["agreement"][0]["system"]["pearson"]
    assert system["value"] is None
    assert system["method"]


def test_one_rater_leaves_agreement_among_raters_unknown(cats):
    ratings = {
        (name, key): float(len(name + key))
        for name in ("better", "worse")
        for key in BETTER
    }
    cats.rate("ann", "meaning", ratings)
    made, values = rendered(cats)
    alpha = values["tasks"][0]["raters"]["alpha"]["meaning"]
    assert alpha["value"] is None
    assert "fewer than two raters" in alpha["method"]
    assert any("One rater" in note for note in made.tasks[0].notes)


def test_one_item_has_no_interval(maker):
    maker.items(("0", "say", ("yes indeed",)))
    for name in ("a", "b"):
        maker.checkpoint(name, {"0": f"yes {name}"})
        for rater in ("ann", "ben"):
            maker.rate(rater, "meaning", {(name, "0"): 3})
    made, _ = rendered(maker)
    for checkpoint in made.tasks[0].checkpoints:
        for estimate in (*checkpoint.metrics.values(), *checkpoint.human.values()):
            assert estimate.low is None
            assert "no interval" in estimate.method


def test_without_references_metrics_say_why_they_say_nothing(maker):
    maker.items(("0", "say", ()), ("1", "tell", ()))
    for name in ("a", "b"):
        maker.checkpoint(name, {"0": "x", "1": "y"})
    made, _ = rendered(maker)
    [task] = made.tasks
    assert task.baselines == ()
    for estimate in task.checkpoints[0].metrics.values():
        assert (estimate.value, estimate.n, estimate.dropped) == (None, 0, 2)
        assert estimate.method.startswith("undefined")
    assert any("no references" in note for note in task.notes)


def test_without_any_metric_raters_speak_alone(maker):
    maker.metrics = ()
    maker.items(("0", "say", ("yes",)), ("1", "tell", ("no",)))
    for name in ("a", "b"):
        maker.checkpoint(name, {"0": f"x {name}", "1": f"y {name}"})
        maker.rate("ann", "meaning", {(name, key): float(ord(name)) for key in "01"})
    made, _ = rendered(maker)
    assert "People put b first on meaning" in made.tasks[0].verdict


def test_equal_ratings_leave_agreement_undefined(cats):
    for rater in ("ann", "ben"):
        same = {(name, key): 3.0 for name in ("better", "worse") for key in BETTER}
        cats.rate(rater, "meaning", same)
    made, values = rendered(cats)
    assert "level" in made.tasks[0].sentences[-1]
    for one in values["tasks"][0]["agreement"]:
        assert one["segment"]["none"]["kendall"]["value"] is None


def test_criteria_carry_what_the_campaign_asked(cats):
    cats.rate("ann", "meaning", {("better", "0"): 5})
    [criterion] = only(cats).criteria
    assert (criterion.question, criterion.low, criterion.high) == ("Kept?", 1, 5)


def test_outputs_without_a_score_are_noted(cats):
    cats.study.db.execute(
        "DELETE FROM scores WHERE rowid IN (SELECT min(rowid) FROM scores)"
    )
    assert any("not scored yet: bleu (1)" in note for note in only(cats).notes)


def test_items_without_a_likelihood_are_noted(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    maker = Maker(study)
    maker.metrics = ("perplexity",)
    maker.items(*((key, key, ("fine",)) for key in "abc"))
    texts = dict.fromkeys("abc", "fine")
    maker.checkpoint("whole", texts, step=1, nll=dict.fromkeys("abc", 2.0))
    maker.checkpoint("part", texts, step=2, nll={"a": 2.0})
    found = [note for note in only(maker).notes if "likelihood" in note]
    assert found == [
        "Items without a likelihood yet: perplexity (2). harness run adds them."
    ]


def test_scores_that_an_import_lacks_cannot_be_added_and_are_said_so(tmp_path):
    file = tmp_path / "outputs.jsonl"
    rows = [
        {"item": item, "system": "s", "output": "x", "scores": scores}
        for item, scores in (("a", {"bert": 1}), ("b", {}))
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    study = StudyFile(tmp_path / "s.db")
    import_outputs(study, file, "t")
    found = [note for note in only(Maker(study)).notes if "bert" in note]
    assert found == [
        "Outputs without an imported score, by the references of today: bert (1)."
    ]


def test_a_place_that_held_several_checkpoints_is_noted_with_the_last(cats):
    place = {"series": "run", "step": 1, "backend": "replay", "location": "/out/last"}
    first, second = (
        store_checkpoint(cats.study, name="last", fingerprint=one, **place)
        for one in ("bb2222", "aa1111")
    )

    def notes_once_asked(checkpoint):
        run = start(cats.study, "run", {})
        asked = Evaluation(checkpoint.id, cats.task, cats.version, "s", "l", 1)
        store_evaluation(cats.study, asked, run)
        return only(cats).notes

    said = (
        "{} were found in the same place, whose contents have changed: what the last "
        "run found there is {}."
    )
    assert not any("same place" in note for note in notes_once_asked(first))
    expected = said.format("last and last~aa1111", "last~aa1111")
    assert expected in notes_once_asked(second)
    assert said.format("last~aa1111 and last", "last") in notes_once_asked(first)


def test_what_checkpoints_ran_in_is_reported_and_a_difference_noted(cats):
    run = start(cats.study, "run", {})
    cats.study.db.execute("UPDATE evaluations SET run = ?", [run])
    precisions = {"worse": "float32", "better": "bfloat16"}
    for one in stored_checkpoints(cats.study):
        store_used(cats.study, run, one, {"dtype": precisions[one.name]})
    made = report(cats.study, draws=50)
    [task] = json.loads(render(made, "json"))["tasks"]
    assert {c["name"]: c["used"]["dtype"] for c in task["checkpoints"]} == precisions
    assert any("ran in bfloat16 and float32:" in note for note in task["notes"])
    for one in stored_checkpoints(cats.study):
        store_used(cats.study, run, one, {"dtype": "float32"})
    assert not any("ran in" in note for note in only(cats).notes)


def test_ratings_on_another_scale_do_not_enter_the_mean(maker):
    maker.items(("a", "p", ("w",)), ("b", "q", ("v",)))
    maker.checkpoint("one", {"a": "w", "b": "x"}, step=1)
    maker.rate("ann", "meaning", {("one", "a"): 90, ("one", "b"): 70})
    maker.study.insert(
        "campaigns",
        [
            {
                "task": maker.task,
                "name": "other",
                "scheme": "likert",
                "protocol": json.dumps(
                    {
                        "plan": {
                            "criteria": [{"name": "meaning", "question": "Excellent?"}],
                            "points": 7,
                        }
                    }
                ),
                "hash": "other",
                "created": "2026-01-02T00:00:00+00:00",
            }
        ],
    )
    with maker.study.transaction() as db:
        [newer] = maker.study.column("SELECT max(id) FROM campaigns")
        db.execute(
            "UPDATE assignments SET campaign = ? WHERE token LIKE ?",
            [newer, f"%{maker.output('one', 'b')}"],
        )
    [task] = report(maker.study, draws=50).tasks
    [checkpoint] = task.checkpoints
    assert checkpoint.human["meaning"].value == 70
    assert checkpoint.human["meaning"].n == 1
    assert any("1 rating of an earlier question" in note for note in task.notes)


def test_likelihoods_after_a_cut_prompt_are_counted_and_texts_too_long(cats):
    too_long = {"tokens": 0, "reason": "the text is longer than the positions"}
    cats.likelihoods(
        ("better", "0", {"truncated": True}),
        ("better", "1", {"truncated": True}),
        ("better", "2", {"truncated": False}),
        ("worse", "0", {"truncated": True, **too_long}),
    )
    notes = only(cats).notes
    assert (
        "Likelihoods of 2 texts are given a prompt that had to be cut to fit the model."
    ) in notes
    assert "1 text did not fit the model and got no likelihood." in notes


def test_prompts_that_were_cut_are_counted(cats):
    before = only(cats).notes
    assert not any("cut to fit" in note for note in before)
    cats.study.db.execute("UPDATE outputs SET truncated = 1 WHERE text = 'rain fell'")
    task = only(cats)
    assert "1 prompt had to be cut to fit the model." in task.notes
    assert any("cut at their beginning, after the start" in one for one in task.notes)
    found = report(cats.study, draws=50)
    for form in ("text", "html", "md"):
        assert "1 prompt had to be cut to fit the model" in render(found, form)
    [plain] = json.loads(render(found, "json"))["tasks"]
    cut = {one["name"]: one["prompts_cut"] for one in plain["checkpoints"]}
    assert cut == {"worse": 0, "better": 1}


def test_how_documents_were_read_is_said(cats):
    ways = ["document, start <s>, window 9", "document, start none, window 9"]
    document = {"target": "document:positions:window"}
    for name, way in zip(("better", "worse"), ways, strict=True):
        cats.likelihoods((name, "0", {**document, "policy": way}))
    notes = only(cats).notes
    assert f"Documents were read so: {'; '.join(ways)}." in notes
    assert not any("do not compare" in note for note in notes)


def test_documents_in_other_windows_for_the_same_metric_do_not_compare(cats):
    first, same, other = (
        {"target": f"document:{target}", "policy": f"document, start x, window {size}"}
        for target, size in (("a", 256), ("b", 512), ("a", 512))
    )
    cats.likelihoods(("better", "0", first), ("worse", "0", same))
    assert not any("do not compare" in note for note in only(cats).notes)
    cats.likelihoods(("worse", "0", other))
    assert any("do not compare" in note for note in only(cats).notes)


def test_a_task_without_outputs_has_a_report_of_metrics_alone(maker):
    maker.metrics = ("perplexity",)
    maker.items(*((str(n), f"say {n}", (text,)) for n, text in enumerate(REFERENCES)))
    for step, nats in ((1, 30.0), (2, 20.0)):
        maker.checkpoint(f"c{step}", {}, step=step, nll=dict.fromkeys("012", nats))
    task = only(maker)
    assert not task.has_outputs
    known, todo = task.sentences
    assert known == (
        "The task asks for likelihoods alone, so that only metrics speak; metrics put "
        "c2 first by perplexity (not tested)."
    )
    assert todo == "Next: add items, as these do not tell c2 from c1 by perplexity."
    said = " ".join(task.notes)
    assert "there are no outputs to be rated" in said
    assert not re.search("have no output|No output is rated|harness score", said)
    for form in ("text", "md", "json", "csv", "html"):
        page = render(report(maker.study, draws=50), form)
        assert "perplexity" in page
        assert "harness rate" not in page
