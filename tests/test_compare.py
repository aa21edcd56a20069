"""Comparing two checkpoints, on studies whose every number is known."""

import pytest
import sacrebleu
from report_study import Maker

from harness.compare import compare
from harness.errors import NotFound, UsageError
from harness.reporting.comparison import comparison_json, comparison_text
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


def test_items_are_ordered_by_the_first_metric_that_tells_them_apart(tmp_path):
    study = StudyFile(tmp_path / "level.db")
    maker = Maker(study)
    maker.metrics = ("exact_match", "chrf")
    maker.items(*((key, key, (text,)) for key, text in WANTED.items()))
    maker.checkpoint("early", dict.fromkeys(WANTED, "no"), step=1)
    maker.checkpoint("late", dict.fromkeys(WANTED, "nobody"), step=2)
    [found] = compare(study, "early", "late", draws=50)
    assert found.changed_by.startswith("chrf|")
    assert found.changed[0].item == "c"
    assert "Changed most by chrf; above 0 is better:\n" in comparison_text([found])
    study.close()


def test_metrics_of_one_name_are_told_apart(tmp_path):
    study = StudyFile(tmp_path / "twins.db")
    maker = Maker(study)
    maker.metrics = ("bleu", "bleu:tokenize=intl")
    maker.items(*((key, key, (text,)) for key, text in WANTED.items()))
    maker.checkpoint("early", WORSE, step=1)
    maker.checkpoint("late", WANTED, step=2)
    [found] = compare(study, "early", "late", draws=50)
    assert [one.name for one in found.rows] == ["bleu (tok:13a)", "bleu (tok:intl)"]
    study.close()


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
