"""Comparing two checkpoints, on studies whose every number is known."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import sacrebleu
from report_study import WORDS, Maker, corrupted

from harness.compare import compare
from harness.errors import NotFound, UsageError
from harness.metrics import build
from harness.report import report
from harness.reporting import render
from harness.reporting.comparison import comparison_json, comparison_text
from harness.score import score
from harness.study import StudyFile

WANTED = {
    "a": "the old road led down to a quiet river",
    "b": "two men were fishing there at dawn",
    "c": "nobody spoke for a very long time",
}
WORSE = {"a": "the old road was long", "b": WANTED["b"], "c": "nobody spoke"}


@pytest.fixture
def maker(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.items(*((key, f"say {key}", (text,)) for key, text in WANTED.items()))
    made.checkpoint("early", WORSE, step=1)
    made.checkpoint("late", WANTED, step=2)
    yield made
    study.close()


def command(program, *arguments, cwd):
    """What a command prints on stdout."""
    found = [sys.executable, "-m", program, *arguments]
    return subprocess.run(
        found, cwd=cwd, capture_output=True, text=True, check=True
    ).stdout


def row(comparison, name):
    [found] = [one for one in comparison.rows if one.name == name]
    return found


def test_a_difference_is_second_minus_first_in_the_metrics_own_unit(maker):
    [found] = compare(maker.study, "early", "late", draws=200)
    references = [list(WANTED.values())]
    expected = (
        sacrebleu.corpus_bleu(list(WANTED.values()), references).score
        - sacrebleu.corpus_bleu(list(WORSE.values()), references).score
    )
    bleu = row(found, "bleu")
    assert bleu.difference.value == pytest.approx(expected)
    assert (bleu.wins, bleu.ties, bleu.losses) == (2, 1, 0)
    exact = row(found, "exact_match")
    assert exact.difference.value == pytest.approx(2 / 3)


def test_turning_the_two_round_turns_the_sign(maker):
    [there], [back] = (
        compare(maker.study, *names, draws=200)
        for names in (("early", "late"), ("late", "early"))
    )
    first, second = row(there, "bleu"), row(back, "bleu")
    assert first.difference.value == pytest.approx(-second.difference.value)
    assert first.p == pytest.approx(second.p, abs=0.05)
    assert (first.wins, first.losses) == (second.losses, second.wins)


def test_three_items_cannot_show_who_is_better(maker):
    [found] = compare(maker.study, "early", "late", draws=200)
    # Of the eight ways to swap, two are as extreme: p is at least a quarter.
    assert all(one.better is None for one in found.rows)
    assert row(found, "bleu").p >= 0.2


def test_many_items_can_and_a_lower_is_better_metric_is_read_rightly(tmp_path):
    study = StudyFile(tmp_path / "many.db")
    maker = Maker(study)
    maker.metrics = ("ter", "exact_match")
    keys = [str(number) for number in range(12)]
    maker.items(*((key, key, (f"number {key} is here",)) for key in keys))
    maker.checkpoint("early", dict.fromkeys(keys, "nothing at all"), step=1)
    maker.checkpoint("late", {key: f"number {key} is here" for key in keys}, step=2)
    [found] = compare(study, "early", "late", draws=500)
    ter = row(found, "ter")
    assert ter.difference.value < 0
    assert ter.better == "second"
    assert (ter.wins, ter.ties, ter.losses) == (12, 0, 0)
    assert ter.p_holm <= 2 * ter.p + 1e-12
    study.close()


def test_ratings_are_compared_beside_the_metrics(maker):
    maker.rate("ann", "meaning", {("early", key): 2 for key in WANTED})
    maker.rate("ann", "meaning", {("late", key): 5 for key in WANTED})
    [found] = compare(maker.study, "early", "late", draws=200)
    meaning = row(found, "meaning")
    assert meaning.kind == "criterion"
    assert meaning.difference.value == pytest.approx(3)
    assert (meaning.wins, meaning.difference.n) == (3, 3)
    assert not found.simulated


def test_a_comparison_that_rests_on_simulated_ratings_says_so(maker):
    maker.rate(
        "bot", "meaning", {("early", "a"): 2, ("late", "a"): 4}, kind="simulated"
    )
    text = comparison_text(compare(maker.study, "early", "late", draws=50))
    assert text.startswith("SIMULATED")
    assert "people" not in text


def test_the_items_that_changed_most_come_first_and_unchanged_ones_do_not(maker):
    [found] = compare(maker.study, "early", "late", draws=50)
    assert {one.item for one in found.changed} == {"a", "c"}
    gains = [abs(one.gain) for one in found.changed]
    assert gains == sorted(gains, reverse=True)


def test_a_hostile_output_stays_one_line_of_text(tmp_path):
    study = StudyFile(tmp_path / "hostile.db")
    maker = Maker(study)
    maker.items(("a", "p", ("fine",)))
    maker.checkpoint("early", {"a": "\x1b[31mred\nnext [bold]x[/bold]"}, step=1)
    maker.checkpoint("late", {"a": "fine"}, step=2)
    text = comparison_text(compare(study, "early", "late", draws=50))
    assert "\x1b" not in text
    assert "[bold]x[/bold]" in text
    study.close()


def test_json_has_the_estimate_in_its_stable_form(maker):
    [found] = comparison_json(compare(maker.study, "early", "late", draws=50))
    assert found["rows"][0]["difference"].keys() == {
        "value", "low", "high", "n", "dropped", "method",
    }  # fmt: skip


def test_names_that_are_wrong_or_the_same_are_refused(maker):
    with pytest.raises(NotFound, match="Did you mean 'late'"):
        compare(maker.study, "early", "lat")
    with pytest.raises(UsageError, match="same checkpoint"):
        compare(maker.study, "late", "late")
    with pytest.raises(NotFound, match="rewrite"):
        compare(maker.study, "early", "late", task="rewrit")


def test_checkpoints_without_a_task_in_common_are_refused(maker):
    other = Maker(maker.study, task="other")
    other.items(("z", "p", ("w",)))
    other.checkpoint("alone", {"z": "w"})
    with pytest.raises(UsageError, match="share no task"):
        compare(maker.study, "early", "alone")


def test_the_commands_numbers_are_those_of_sacrebleus_command(tmp_path):
    rng = np.random.default_rng(8)
    texts = [" ".join(rng.permutation(WORDS.split())) for _ in range(60)]
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.metrics = ("bleu", "chrf", "ter")
    made.items(*((str(n), f"say {n}", (text,)) for n, text in enumerate(texts)))
    (tmp_path / "wanted").write_text("\n".join(texts))
    for name, share in (("one", 0.4), ("two", 0.34)):
        written = [corrupted(text, share, rng) for text in texts]
        made.checkpoint(name, {str(n): text for n, text in enumerate(written)})
        (tmp_path / name).write_text("\n".join(written))
    study.close()
    options = ["-m", "bleu", "chrf", "ter", "--paired-ar", "--format", "json"]
    theirs = command("sacrebleu", "wanted", "-i", "one", "two", *options, cwd=tmp_path)
    first, second = json.loads(theirs)
    ours = ["compare", "one", "two", "--db", "study.db", "--json"]
    [found] = json.loads(command("harness", *ours, cwd=tmp_path))
    for one, name in zip(found["rows"], ("BLEU", "chrF2", "TER"), strict=True):
        difference = second[name]["score"] - first[name]["score"]
        assert one["difference"]["value"] == pytest.approx(difference)
        p = second[name]["p_value"]
        # Three standard errors; TER's swaps with just the real difference besides.
        spread = 3 * np.sqrt(2 * p * (1 - p) / 10_000) + 0.01 * (name == "TER")
        assert one["p"] == pytest.approx(p, abs=spread)


# Metrics of all outputs together

LONGEST = """
from dataclasses import dataclass
from harness.errors import Unscorable
from harness.metrics import Whole

@dataclass(frozen=True)
class Longest(Whole):
    name = "longest"

    def value_of(self, judged):
        judged = [text for _, text in judged]
        {trouble}
        return max(map(len, judged))
"""

SPREAD = """
import datasets
import evaluate

class Spread(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="",
            features=datasets.Features({"predictions": text}),
        )

    def _compute(self, predictions):
        return {"spread": max(map(len, predictions)) - min(map(len, predictions))}
"""


@pytest.fixture
def many(tmp_path):
    """Twelve items of which the first checkpoint answers all alike."""
    study = StudyFile(tmp_path / "many.db")
    made = Maker(study)
    keys = [str(number) for number in range(12)]
    made.items(*((key, f"say {key}", (f"number {key} is here",)) for key in keys))
    made.metrics = ()
    made.checkpoint("early", dict.fromkeys(keys, "nothing at all"), step=1)
    made.checkpoint("late", {key: f"no {key} it{key} is{key}" for key in keys}, step=2)
    yield made
    study.close()


def rescored(maker, *specs, draws=200):
    metrics = [metric for spec in specs for metric in build(spec, maker.base)]
    for checkpoint in maker.checkpoints.values():
        score(maker.study, checkpoint, maker.task, metrics, base=maker.base)
    return compare(maker.study, "early", "late", draws=draws)


def test_a_metric_of_all_outputs_has_a_difference_an_interval_and_a_p(many):
    [found] = rescored(many, {"distinct_n": {"n": 1}})
    distinct = row(found, "distinct_n")
    # 3 words of 36, and of 48 all but "no", which stands twelve times.
    assert distinct.difference.value == pytest.approx(37 / 48 - 3 / 36)
    assert distinct.difference.low < distinct.difference.value
    assert distinct.better == "second"
    assert (distinct.wins, distinct.ties, distinct.losses) == (None, None, None)
    assert "200 draws; p by 500 random swaps" in distinct.difference.method
    assert distinct.difference.n == 12


def test_outputs_that_an_evaluate_module_cannot_judge_are_left_out(tmp_path):
    text = SPREAD.replace(
        '{"predictions": text}', '{"predictions": text, "references": text}'
    )
    (tmp_path / "spread.py").write_text(
        text.replace("predictions):", "predictions, references):")
    )
    made = Maker(StudyFile(tmp_path / "study.db"))
    made.items(("a", "p", ("x",)), ("b", "p", ("x",)), ("c", "p", ()))
    made.metrics = ("evaluate:./spread.py:spread:form=whole",)
    made.checkpoint("one", {"a": "1", "b": "12", "c": "1234567"})
    made.checkpoint("two", {"a": "1", "b": "1234", "c": "12345678"})
    made.checkpoint("none", {"c": "1"})
    values = {
        found.name: next(iter(found.metrics.values()))
        for found in report(made.study, draws=20).tasks[0].checkpoints
    }
    value, nothing = values["one"], values["none"]
    assert (value.value, value.n, value.dropped) == (1, 2, 1)
    assert (nothing.value, nothing.n, nothing.dropped) == (None, 0, 1)
    assert nothing.method == "undefined: the item has no reference"
    [found] = compare(made.study, "one", "two", draws=20)
    difference = row(found, "spread").difference
    assert (difference.value, difference.n, difference.dropped) == (2, 2, 1)
    made.study.close()


def test_a_corpus_value_of_an_evaluate_module_is_compared_too(many):
    (many.base / "spread.py").write_text(SPREAD)
    [found] = rescored(many, "evaluate:./spread.py", draws=20)
    # From "no 0 it0 is0" to "no 10 it10 is10".
    assert row(found, "spread").difference.value == 3
    assert row(found, "spread").p < 0.05


def test_a_metric_of_all_outputs_enters_holms_correction(many):
    [alone] = rescored(many, "chrf")
    [both] = rescored(many, "distinct_n")
    assert row(both, "chrf").p == row(alone, "chrf").p
    assert row(both, "chrf").p_holm == pytest.approx(2 * row(alone, "chrf").p_holm)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("raise Unscorable('no output is long')", "no output is long"),
        ("raise KeyError('oh')", "Metric 'longest' failed: KeyError: 'oh'"),
        ("assert len({*judged}) in {1, 12}, 'no repeats'", "no repeats"),
        ("return float('nan')", "no finite value"),
        ("return None", "'longest' failed: TypeError"),
    ],
)
def test_a_metric_of_all_outputs_that_fails_keeps_its_row_and_says_why(
    many, trouble, reason
):
    (many.base / "longest.py").write_text(LONGEST.replace("{trouble}", trouble))
    found = rescored(many, "longest.py", "exact_match")
    longest = row(found[0], "longest")
    assert (longest.difference.value, longest.p, longest.p_holm) == (None, None, None)
    assert reason in longest.difference.method
    assert reason in " ".join(comparison_text(found).split())
    assert row(found[0], "exact_match").p == 1


def test_a_metric_that_cannot_be_rebuilt_keeps_its_row_and_is_noted(many):
    (many.base / "longest.py").write_text(LONGEST.replace("{trouble}", "pass"))
    rescored(many, "longest.py")
    (many.base / "longest.py").unlink()
    found = compare(many.study, "early", "late", draws=50)
    longest = row(found[0], "longest")
    assert longest.difference.method == "undefined: the metric cannot be rebuilt"
    assert longest.wins is None
    assert "longest cannot be rebuilt: there is no corpus value" in found[0].notes[0]
    assert "Note: longest cannot be rebuilt" in comparison_text(found)


def test_progress_is_told_of_every_value_of_all_outputs(many):
    rescored(many, "distinct_n")
    told = []
    compare(many.study, "early", "late", draws=10, progress=lambda *a: told.append(a))
    values = [done for label, done, total in told if label == "compare: distinct_n"]
    # Both checkpoints once, ten times resampled and a hundred times swapped.
    assert values == list(range(1, 2 * 111 + 1))
    assert told[-1] == ("compare", 1, 1)


# Little or nothing in common


def everything(maker, *names):
    """As JSON, which knows no NaN, and as text."""
    found = compare(maker.study, *names, draws=50)
    [plain] = json.loads(json.dumps(comparison_json(found), allow_nan=False))
    return plain, comparison_text(found)


@pytest.fixture
def unlike(tmp_path):
    study = StudyFile(tmp_path / "unlike.db")
    made = Maker(study)
    made.metrics = ("bleu", "chrf", "ter", "rouge", "distinct_n", "perplexity")
    made.items(*((key, f"say {key}", (text,)) for key, text in WANTED.items()))
    yield made
    study.close()


def test_checkpoints_without_a_shared_item(unlike):
    unlike.checkpoint("one", {"a": WANTED["a"]}, nll={"a": 9.0})
    unlike.checkpoint("two", {"b": WANTED["b"], "c": "x"}, nll={"b": 9.0})
    found, text = everything(unlike, "one", "two")
    assert len(found["rows"]) == 8
    for one in found["rows"]:
        assert one["difference"]["value"] is None
        assert (one["difference"]["n"], one["difference"]["dropped"]) == (0, 3)
        assert (one["p"], one["p_holm"], one["better"]) == (None, None, None)
    assert "bleu: undefined: no item was scored for both" in text
    assert "distinct_n: undefined: no item was answered by both" in text
    assert "By no metric has a shared item changed." in text


def test_one_shared_item_has_a_difference_but_proves_nothing(unlike):
    unlike.checkpoint("one", {"a": "the old road"}, nll={"a": 9.0})
    unlike.checkpoint("two", {"a": WANTED["a"], "b": "x"}, nll={"a": 8.0})
    found, text = everything(unlike, "one", "two")
    for one in found["rows"]:
        assert one["difference"]["value"] is not None
        assert one["difference"]["low"] is None
        assert (one["p"], one["better"]) == (1, None)
    assert "1 of 2" in text
    assert [one["item"] for one in found["changed"]] == ["a"]


def test_identical_outputs_tie_everywhere(unlike):
    for name in ("one", "two"):
        unlike.checkpoint(name, WORSE, nll=dict.fromkeys(WORSE, 9.0))
    found, text = everything(unlike, "one", "two")
    for one in found["rows"]:
        assert (one["difference"]["value"], one["p"]) == (0, 1)
        assert (one["wins"], one["ties"], one["losses"]) in {(0, 3, 0), (None,) * 3}
    assert (found["changed_by"], found["changed"]) == (None, [])
    assert "By no metric has a shared item changed." in text


def test_items_that_a_metric_could_not_judge_are_left_out_and_counted(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.items(("a", "p", ("x y",)), ("b", "q", ()), ("c", "r", ("z",)))
    made.checkpoint("one", {"a": "x", "b": "y", "c": "z"})
    made.checkpoint("two", {"a": "x y", "b": "y"})
    found, text = everything(made, "one", "two")
    for one in found["rows"]:
        assert (one["difference"]["n"], one["difference"]["dropped"]) == (1, 2)
    assert "1 of 3" in text
    study.close()


def test_a_metric_that_scored_only_one_of_them_says_so(maker):
    score(maker.study, maker.checkpoints["early"], maker.task, build("f1", maker.base))
    found, text = everything(maker, "early", "late")
    assert [one["name"] for one in found["rows"]] == ["bleu", "exact_match", "f1"]
    assert "f1: undefined: no item was scored for both" in text


def test_samples_that_add_up_in_another_order_tie(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.metrics = ("rouge1:measure=recall",)
    made.items(("a", "p", (" ".join("abcdefghij"),)), ("b", "q", ("a b",)))
    samples = ["a", "a b", "a b c"]  # 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1
    made.checkpoint("one", {"a": samples, "b": ["a"] * 3})
    made.checkpoint("two", {"a": samples[::-1], "b": ["a"] * 3})
    for names in (("one", "two"), ("two", "one")):
        [found] = compare(study, *names, draws=50)
        [recall] = found.rows
        assert (recall.wins, recall.ties, recall.losses, recall.p) == (0, 2, 0, 1)
    study.close()


# The items that changed most


def test_items_are_put_in_order_by_the_first_metric_that_tells_them_apart(maker):
    maker.metrics = ("exact_match", "chrf")
    maker.checkpoint("third", {**WORSE, "a": "a road"}, step=3)
    maker.checkpoint("fourth", {**WORSE, "a": "an old road"}, step=4)
    [found] = compare(maker.study, "third", "fourth", draws=50)
    assert found.changed_by.startswith("chrf|")
    assert [one.item for one in found.changed] == ["a"]


def test_outputs_stand_side_by_side_with_prompt_and_reference(maker):
    found = compare(maker.study, "early", "late", draws=50)
    text = comparison_text(found)
    assert "Items that changed most by bleu:" in text
    for line in (r"prompt +say c", rf"wanted +{WANTED['c']}", r" early +late"):
        assert re.search(rf"^ *{line}$", text, re.MULTILINE)
    assert re.search(rf"^ *{WORSE['c']} {{2,}}{WANTED['c']}$", text, re.MULTILINE)
    [plain] = comparison_json(found)
    assert {one["item"]: (one["first"], one["second"]) for one in plain["changed"]} == {
        key: (WORSE[key], WANTED[key]) for key in ("a", "c")
    }
    assert plain["changed_by"].startswith("bleu|")


def test_a_long_output_is_shown_in_part_and_kept_whole_in_json(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.items(("a", "p", ("fine",)))
    made.checkpoint("one", {"a": "word " * 2000})
    made.checkpoint("two", {"a": "fine"})
    found, text = everything(made, "one", "two")
    assert len(text.splitlines()) < 50
    assert re.search(r"\(9,\d\d\d more characters\)", " ".join(text.split()))
    assert found["changed"][0]["first"] == "word " * 2000
    study.close()


def test_metrics_of_one_name_are_told_apart_by_their_settings(maker):
    maker.metrics = ("bleu", {"bleu": {"tokenize": "char"}})
    for name, texts in (("early", WORSE), ("late", WANTED)):
        maker.checkpoint(name, texts)
    found = compare(maker.study, "early", "late", draws=50)
    assert [one.name for one in found[0].rows].count("bleu") == 2
    text = comparison_text(found)
    assert "bleu (tok:13a)" in text
    assert "bleu (tok:char)" in text


def test_nobody_is_ahead_by_a_metric_without_direction(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.metrics = ("length_ratio", "bleu")
    wanted = {f"k{number}": WANTED["a"] for number in range(12)}
    made.items(*((key, f"say {key}", (text,)) for key, text in wanted.items()))
    made.checkpoint("fits", wanted)
    made.checkpoint("long", {key: f"{text} and on" for key, text in wanted.items()})
    [found] = compare(study, "fits", "long", draws=100)
    length = row(found, "length_ratio")
    assert length.difference.value == pytest.approx(2 / 9)
    assert length.p_holm < 0.05
    assert (length.better, length.wins, length.ties, length.losses) == (None,) * 4
    assert row(found, "bleu").better == "first"
    assert found.changed_by.startswith("bleu|")
    assert re.search(
        r"length_ratio \(no best\) .* – +12 +–$", comparison_text([found]), re.MULTILINE
    )
    told = report(study, draws=100)
    assert [lead.by.partition("|")[0] for lead in told.tasks[0].leads] == ["bleu"]
    text = " ".join(render(told, "text").split())
    assert "length_ratio (no best)" in text
    assert "by length_ratio" not in text
    study.close()
