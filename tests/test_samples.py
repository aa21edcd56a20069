"""Outputs from checkpoint to checkpoint: which items, and what differs from what."""

import time

import pytest
from report_study import Maker, fill
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import NotFound, UsageError
from harness.reporting.ratings import given_ratings
from harness.samples import Wish, samples
from harness.study import StudyFile

TEXTS = {
    1: {"a": "the cat sat", "b": "one", "c": "x y z"},
    2: {"a": "the dog sat", "b": "one", "c": "x y z"},
    3: {"a": "the dog sat", "b": "two", "c": "p q r"},
}


@pytest.fixture
def maker(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = Maker(study)
    made.metrics = ("perplexity", "exact_match")
    made.items(*((key, f"say {key}", (f"the {key}",)) for key in "abc"))
    for step, texts in TEXTS.items():
        nll = dict.fromkeys(texts, 10.0 / step)
        made.checkpoint(f"step-{step}", texts, step=step, nll=nll)
    yield made
    study.close()


def shown(study, **wish):
    [found] = samples(study, wish=Wish(**wish))
    return found


def outputs(found, place=0, history=0):
    return found.items[place].histories[history].outputs


def marked(output):
    marks = {"same": "{}", "removed": "-{}-", "added": "+{}+"}
    return "".join(marks[p.kind].format(p.text) for p in output.pieces)


def test_each_output_is_laid_over_the_one_before(maker):
    first, second, third = outputs(shown(maker.study))
    assert (first.over, first.pieces, first.same_since) == (None, (), None)
    assert (second.over, marked(second)) == ("step-1", "the -cat-+dog+ sat")
    assert (third.over, third.pieces, third.same_since) == ("step-2", (), "step-2")
    assert [one.step for one in (first, second, third)] == [1, 2, 3]


def test_outputs_may_be_laid_over_the_first_or_the_reference(maker):
    *_, third = outputs(shown(maker.study, against="first"))
    assert (third.over, marked(third)) == ("step-1", "the -cat-+dog+ sat")
    assert third.same_since == "step-2"
    first, *_ = outputs(shown(maker.study, against="reference"))
    assert (first.over, marked(first)) == ("reference", "the -a-+cat sat+")


def test_without_a_reference_nothing_is_laid_over_it(maker):
    maker.items(("a", "say a", ()))
    first, *_ = outputs(shown(maker.study, against="reference"))
    assert (first.over, first.pieces, first.not_compared) == (None, (), "")


def test_scores_and_ratings_stand_beside_their_output(maker):
    maker.rate("ana", "meaning", {("step-2", "a"): 4.0})
    maker.rate("ben", "meaning", {("step-2", "a"): 1.0, ("step-3", "b"): None})
    found = shown(maker.study)
    _, second, _ = outputs(found)
    by_label = {found.metrics[sig]: value for sig, value in second.scores.items()}
    # Ten nats over 10 tokens at step 1, half of them at step 2.
    assert by_label == {"exact_match": 0.0, "perplexity": pytest.approx(2.71828**0.5)}
    assert second.ratings["meaning"].mean == 2.5
    assert second.ratings["meaning"].raters == 2
    assert found.criteria == ("meaning",)
    assert all(not one.ratings for one in outputs(found, 1))
    assert not found.simulated


def test_simulated_ratings_are_named_as_such(maker):
    maker.rate("bot", "meaning", {("step-2", "a"): 4.0}, kind="simulated")
    assert shown(maker.study).simulated


def test_a_rating_taken_back_is_not_shown(maker):
    maker.rate("ana", "meaning", {("step-2", "a"): 4.0}).take_back(1)
    assert shown(maker.study).criteria == ()


@pytest.mark.parametrize(
    ("wish", "keys", "words"),
    [
        ({}, "abc", "3 of 3 items (the first)"),
        ({"limit": 2}, "ab", "2 of 3 items (the first)"),
        ({"items": ("c", "a")}, "ca", "2 of 3 items (as named)"),
        # 6 of 6 words changed; of "one" and "two" 2 of 2; of three words one each.
        ({"pick": "changed"}, "bca", "3 of 3 items (those whose words changed most)"),
        ({"pick": "rated"}, "abc", "3 of 3 items (none is rated)"),
    ],
)
def test_items_are_chosen_as_asked(maker, wish, keys, words):
    found = shown(maker.study, **wish)
    assert "".join(item.item for item in found.items) == keys
    assert found.chosen == words


def test_those_rated_most_come_first(maker):
    maker.rate("ana", "meaning", {("step-1", "b"): 4.0, ("step-2", "c"): 4.0})
    maker.rate("ben", "meaning", {("step-1", "c"): 4.0})
    found = shown(maker.study, pick="rated")
    assert "".join(item.item for item in found.items) == "cba"


def test_ratings_that_choose_items_are_read_once_and_shown_of_those_alone(
    maker, monkeypatch
):
    maker.rate("ana", "meaning", {("step-1", "b"): 4.0, ("step-2", "c"): 4.0})
    maker.rate("ben", "meaning", {("step-1", "c"): 4.0})
    maker.rate("sim", "fluency", {("step-1", "a"): 4.0}, kind="simulated")
    asked = []

    def counted(*given):
        asked.append(given)
        return given_ratings(*given)

    monkeypatch.setattr("harness.samples.given_ratings", counted)
    picked = shown(maker.study, pick="rated", limit=1)
    assert len(asked) == 1
    named = shown(maker.study, items=("c",))
    assert picked.items == named.items
    assert (picked.criteria, picked.simulated) == (named.criteria, named.simulated)
    assert (picked.criteria, picked.simulated) == (("meaning",), False)


def test_random_items_are_those_of_their_seed(tmp_path):
    made = fill(Maker(StudyFile(tmp_path / "study.db")), items=12, kinds=())
    picks = [
        tuple(item.item for item in shown(made.study, pick="random", seed=s).items)
        for s in (0, 0, 1)
    ]
    made.study.close()
    assert picks[0] == picks[1] != picks[2]
    assert len({*picks[0]}) == 10


def test_series_and_samples_have_histories_of_their_own(maker):
    maker.checkpoint("step-2b", {"a": ["one", "two"]}, step=2, series="other")
    maker.checkpoint("step-3b", {"a": ["one", "three"]}, step=3, series="other")
    item, *_ = shown(maker.study).items
    places = [(one.series, one.sample) for one in item.histories]
    assert places == [("other", 0), ("other", 1), ("run", 0)]
    assert [one.texts for one in item.histories] == [1, 2, 2]
    assert marked(item.histories[1].outputs[1]) == "-two-+three+"


def test_only_the_checkpoints_asked_for_are_compared(maker):
    found = outputs(shown(maker.study, checkpoints=("step-1", "run/step-3")))
    assert [one.checkpoint for one in found] == ["step-1", "step-3"]
    assert found[1].over == "step-1"


def test_a_checkpoint_without_an_output_is_left_out(maker):
    maker.checkpoint("step-4", {"a": "the dog sits"}, step=4)
    found = shown(maker.study)
    assert [len(outputs(found, place)) for place in range(3)] == [4, 3, 3]


def test_texts_too_long_to_compare_are_shown_with_the_reason(maker):
    maker.checkpoint("step-4", {"a": "ab " * 20_000}, step=4)
    maker.checkpoint("step-5", {"a": "ba " * 20_000}, step=5)
    *_, last = outputs(shown(maker.study))
    assert last.pieces == ()
    assert "too long" in last.not_compared
    assert shown(maker.study, pick="changed").items[0].item == "a"


@pytest.mark.parametrize(
    ("tasks", "wish", "error", "said"),
    [
        (["rewrit"], {}, NotFound, "Did you mean 'rewrite'"),
        (None, {"items": ("d",)}, NotFound, "There is: a, b, c"),
        (None, {"checkpoints": ("step-9",)}, NotFound, "Did you mean 'step-"),
        (None, {"limit": 0}, UsageError, "1 or more"),
    ],
)
def test_what_is_not_there_is_named(maker, tasks, wish, error, said):
    with pytest.raises(error, match=said):
        samples(maker.study, tasks, Wish(**wish))


def test_tasks_without_outputs_are_named(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    with pytest.raises(UsageError, match="no outputs to show"):
        samples(study)
    made = Maker(study, "likelihoods")
    made.items(("a", "say a", ("the a",))).checkpoint("only", {}, nll={"a": 3.0})
    with pytest.raises(UsageError, match="no outputs of likelihoods to show"):
        samples(study, ["likelihoods"])
    with pytest.raises(UsageError, match="no outputs to show"):
        samples(study)
    study.close()


def test_of_several_tasks_those_with_such_outputs_are_shown(maker):
    other = Maker(maker.study, "likelihoods")
    other.items(("a", "say a", ("the a",))).checkpoint("only", {}, nll={"a": 3.0})
    third = Maker(maker.study, "talk")
    third.items(("z", "say z", ())).checkpoint("step-1", {"z": "z"}, step=1)
    every = ["rewrite", "likelihoods", "talk"]
    assert [one.task for one in samples(maker.study, every)] == ["rewrite", "talk"]
    [found] = samples(maker.study, every, Wish(items=("z",)))
    assert [item.item for item in found.items] == ["z"]


def test_the_command_writes_every_form(maker, tmp_path):
    place = ["samples", "--db", str(maker.study.path)]
    run = CliRunner().invoke
    assert "the [-cat-]{+dog+} sat" in run(app, place).stdout
    assert "<del>cat</del><ins>dog</ins>" in run(app, [*place, "--format", "md"]).stdout
    out = tmp_path / "page.html"
    asked = [*place, "rewrite", "--item", "a", "--format", "html", "--out", str(out)]
    assert run(app, asked).exit_code == 0
    assert "<del>cat</del><ins>dog</ins>" in out.read_text("utf-8")


@pytest.mark.slow
def test_the_most_changed_of_many_are_found_in_seconds(tmp_path):
    made = Maker(StudyFile(tmp_path / "study.db"))
    made.metrics = ()
    made.items(*((str(key), f"say {key}", ()) for key in range(2000)))
    for step in range(10):
        texts = {
            str(k): f"{k} words {step * (k % 7)} and more " * 8 for k in range(2000)
        }
        made.checkpoint(f"step-{step}", texts, step=step)
    begun = time.process_time()
    found = shown(made.study, pick="changed")
    assert time.process_time() - begun < 10
    assert len(found.items) == 10
    made.study.close()
