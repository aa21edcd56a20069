"""Generating fills in what is missing, and nothing else."""

from dataclasses import replace

import pytest
from fakes import ROWS, EchoModel, register, write_task
from fakes import write_checkpoint as folder_of

from harness.checkpoints import find_checkpoints
from harness.errors import CheckpointError
from harness.generate import generate
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint
from harness.study.outputs import (
    current_likelihoods,
    current_outputs,
    store_outputs,
)
from harness.task import load_task
from harness.work import prepare, store_work


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def checkpoint(tmp_path, study, echo):
    folder = folder_of(tmp_path / "run" / "checkpoint-1")
    return register(study, find_checkpoints([str(folder)]))[0]


@pytest.fixture
def work(tmp_path, study):
    """A task made ready; keys as in a task file."""

    def ready(rows=ROWS, **keys):
        found = prepare(load_task(write_task(tmp_path / "task", rows, **keys)))
        store_work(study, found)
        return found

    return ready


def texts(study, checkpoint):
    return [one.text for one in current_outputs(study, "echo", checkpoint.id)]


def test_every_item_is_answered_in_batches(study, checkpoint, work, echo):
    [done] = generate(study, checkpoint, [work()])
    assert (done.generated, done.reused, done.likelihoods) == (10, 0, 0)
    assert echo.generated == [(f"q{n}", 0) for n in range(10)]
    assert texts(study, checkpoint) == [f"calm question {n}" for n in range(10)]


def test_what_a_model_says_of_its_answers_is_stored(study, checkpoint, work):
    generate(study, checkpoint, [work(ROWS[:1], generation={"max_new_tokens": 2})])
    [output] = current_outputs(study, "echo", checkpoint.id)
    assert output.text == "calm question"
    assert output.finish == "length"
    assert (output.prompt_tokens, output.new_tokens) == (2, 2)
    assert not output.truncated


def test_nothing_missing_loads_no_model(study, checkpoint, work, echo):
    generate(study, checkpoint, [work()])
    [done] = generate(study, checkpoint, [work()])
    assert (done.generated, done.reused) == (0, 10)
    assert echo.loads == 1


def test_one_load_serves_all_tasks(study, checkpoint, work, echo):
    works = [work(name="one"), work(name="two")]
    assert [done.task for done in generate(study, checkpoint, works)] == ["one", "two"]
    assert echo.loads == 1
    assert len(echo.generated) == 20


@pytest.mark.parametrize("batches", [0, 1, 2, 3])
def test_a_crash_keeps_the_batches_before_it(study, checkpoint, work, echo, batches):
    echo.fails_after = batches
    with pytest.raises(RuntimeError, match="the power is gone"):
        generate(study, checkpoint, [work()])
    assert len(texts(study, checkpoint)) == 3 * batches
    echo.fails_after = None
    echo.generated.clear()
    [done] = generate(study, checkpoint, [work()])
    assert (done.generated, done.reused) == (10 - 3 * batches, 3 * batches)
    assert echo.generated == [(f"q{n}", 0) for n in range(3 * batches, 10)]
    assert texts(study, checkpoint) == [f"calm question {n}" for n in range(10)]


def test_the_model_is_closed_after_a_crash_too(study, checkpoint, work, echo):
    echo.fails_after = 1
    with pytest.raises(RuntimeError):
        generate(study, checkpoint, [work()])
    assert echo.closed == 1
    echo.fails_after = None
    generate(study, checkpoint, [work()])
    assert (echo.loads, echo.closed) == (2, 2)


@pytest.mark.parametrize(
    "generation",
    [
        {"max_new_tokens": 7},
        {"stop": ["\n"]},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"seed": 1},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_another_generation_setting_asks_anew(
    study, checkpoint, work, echo, generation
):
    generate(study, checkpoint, [work()])
    before = texts(study, checkpoint)
    [done] = generate(study, checkpoint, [work(generation=generation)])
    assert (done.generated, done.reused) == (10, 0)
    assert len(texts(study, checkpoint)) == 10
    generate(study, checkpoint, [work()])
    assert texts(study, checkpoint) == before
    assert echo.loads == 2


def test_another_dtype_asks_anew(study, checkpoint, work, echo):
    keys = {"metrics": ["perplexity"]}
    generate(study, checkpoint, [work(**keys)])
    echo.dtype = "bfloat16"
    [done] = generate(study, checkpoint, [work(**keys)])
    assert (done.generated, done.reused, done.likelihoods) == (10, 0, 10)
    assert len(texts(study, checkpoint)) == 10
    assert len(current_likelihoods(study, "echo", checkpoint.id)) == 10


def test_more_samples_draw_only_the_new_ones(study, checkpoint, work, echo):
    keys = {"temperature": 1}
    generate(study, checkpoint, [work(generation={**keys, "samples": 2})])
    echo.generated.clear()
    [done] = generate(study, checkpoint, [work(generation={**keys, "samples": 3})])
    assert (done.generated, done.reused) == (10, 20)
    assert {sample for _, sample in echo.generated} == {2}
    generate(study, checkpoint, [work(generation={**keys, "samples": 1})])
    assert len(texts(study, checkpoint)) == 10
    assert echo.loads == 2


def test_a_new_item_is_the_only_one_answered(study, checkpoint, work, echo):
    generate(study, checkpoint, [work(ROWS[:9])])
    echo.generated.clear()
    generate(study, checkpoint, [work(ROWS)])
    assert echo.generated == [("q9", 0)]


def test_another_prompt_is_answered_anew_and_the_old_one_no_longer_counts(
    study, checkpoint, work, echo
):
    generate(study, checkpoint, [work()])
    generate(study, checkpoint, [work(prompt="{{ question }}, please")])
    assert texts(study, checkpoint)[0] == "calm question 0, please"
    assert len(texts(study, checkpoint)) == 10
    assert study.column("SELECT count(*) FROM outputs") == [20]


def test_likelihoods_are_computed_only_for_metrics_that_ask(
    study, checkpoint, work, echo
):
    generate(study, checkpoint, [work()])
    assert echo.judged == []
    [done] = generate(study, checkpoint, [work(metrics=["perplexity"])])
    assert (done.generated, done.likelihoods) == (0, 10)
    assert echo.judged == [f"q{n}" for n in range(10)]


def test_a_likelihood_counts_tokens_words_and_bytes(study, checkpoint, work):
    rows = [{"question": "q", "answer": ["ünder the  sea", "other"]}]
    generate(study, checkpoint, [work(rows, metrics=["perplexity"])])
    [one] = current_likelihoods(study, "echo", checkpoint.id)
    assert (one.nll, one.tokens, one.words, one.bytes) == (3.0, 3, 3, 15)


def test_an_item_without_reference_has_no_likelihood(study, checkpoint, work, echo):
    rows = [{"id": "a", "question": "q", "answer": ""}, {**ROWS[0]}]
    [done] = generate(study, checkpoint, [work(rows, metrics=["perplexity"])])
    assert (done.generated, done.likelihoods) == (2, 1)
    assert echo.judged == ["q0"]


CHOICES = [{**row, "choices": [row["answer"], "bold", "no"]} for row in ROWS]


def targets(study):
    return set(study.column("SELECT DISTINCT target FROM current_likelihoods"))


def test_every_text_that_a_metric_asks_for_gets_a_likelihood(study, checkpoint, work):
    metrics = ["accuracy", "perplexity", "perplexity:of=document,window=8"]
    [done] = generate(study, checkpoint, [work(CHOICES, metrics=metrics)])
    assert done.likelihoods == 10 * (3 + 1 + 1)
    choices = {f"choice:{number}:choices" for number in range(3)}
    assert targets(study) == {*choices, "reference:0", "document:8:8"}
    found = current_likelihoods(study, "echo", checkpoint.id)
    words = {(one.item, one.target): one.words for one in found}
    assert len(words) == 50
    assert sorted(words.values()) == [1] * 20 + [2] * 10 + [3] * 20


def test_texts_that_several_metrics_share_are_asked_for_once(
    study, checkpoint, work, echo
):
    rows = [{**row, "answer": [row["answer"], "also"]} for row in ROWS]
    metrics = ["perplexity", "perplexity:per=word", "bits_per_byte:ref=all"]
    [done] = generate(study, checkpoint, [work(rows, metrics=metrics)])
    assert done.likelihoods == 20
    assert targets(study) == {"reference:0", "reference:1"}


def test_a_metric_that_is_added_asks_only_for_its_own_texts(
    study, checkpoint, work, echo
):
    generate(study, checkpoint, [work(CHOICES, metrics=["perplexity"])])
    metrics = ["perplexity", "accuracy"]
    [done] = generate(study, checkpoint, [work(CHOICES, metrics=metrics)])
    assert (done.generated, done.likelihoods) == (0, 30)


def test_changed_choices_are_asked_for_anew(study, checkpoint, work, echo):
    generate(study, checkpoint, [work(CHOICES, metrics=["accuracy"])])
    mended = [{**CHOICES[0], "choices": [CHOICES[0]["answer"], "other"]}, *CHOICES[1:]]
    echo.judged.clear()
    [done] = generate(study, checkpoint, [work(mended, metrics=["accuracy"])])
    assert (done.likelihoods, echo.judged) == (2, ["q0", "q0"])
    assert len(current_likelihoods(study, "echo", checkpoint.id)) == 2 + 9 * 3


def test_words_and_bytes_are_those_of_what_was_scored(
    study, checkpoint, work, monkeypatch
):
    real = EchoModel._judge
    monkeypatch.setattr(
        EchoModel, "_judge", lambda *asked: replace(real(*asked), skipped=3)
    )
    rows = [{"question": "üb er den Fluss", "answer": "x"}]
    generate(study, checkpoint, [work(rows, metrics=["perplexity:of=document"])])
    [one] = current_likelihoods(study, "echo", checkpoint.id)
    assert (one.words, one.bytes) == (3, len("er den Fluss"))


def test_without_outputs_only_likelihoods_are_asked_for(study, checkpoint, work, echo):
    keys = {"metrics": ["perplexity"], "generation": "none"}
    [done] = generate(study, checkpoint, [work(**keys)])
    assert (done.generated, done.reused, done.likelihoods) == (0, 0, 10)
    assert (echo.generated, texts(study, checkpoint)) == ([], [])
    [done] = generate(study, checkpoint, [work(**keys)])
    assert (done.likelihoods, echo.loads) == (0, 1)


def test_outputs_of_a_task_that_no_longer_asks_for_them_do_not_count(
    study, checkpoint, work
):
    generate(study, checkpoint, [work(metrics=["perplexity"])])
    keys = {"metrics": ["perplexity"], "generation": "none"}
    [done] = generate(study, checkpoint, [work(**keys)])
    assert (done.likelihoods, texts(study, checkpoint)) == (0, [])
    [done] = generate(study, checkpoint, [work(metrics=["perplexity"])])
    assert (done.generated, done.reused) == (0, 10)


def test_a_crash_keeps_likelihoods_before_it(study, checkpoint, work, echo):
    ready = work(metrics=["perplexity"])
    generate(study, checkpoint, [replace(ready, metrics=[])])
    echo.fails_after = 2
    with pytest.raises(RuntimeError):
        generate(study, checkpoint, [ready])
    echo.fails_after = None
    echo.judged.clear()
    generate(study, checkpoint, [ready])
    assert echo.judged == [f"q{n}" for n in range(6, 10)]


def test_a_mended_reference_costs_a_likelihood_but_no_answer(
    study, checkpoint, work, echo
):
    generate(study, checkpoint, [work(metrics=["perplexity"])])
    echo.judged.clear()
    mended = [{**ROWS[0], "answer": "another and longer one"}, *ROWS[1:]]
    [done] = generate(study, checkpoint, [work(mended, metrics=["perplexity"])])
    assert (done.generated, done.likelihoods) == (0, 1)
    assert echo.judged == ["q0"]
    found = current_likelihoods(study, "echo", checkpoint.id)
    assert sorted(one.tokens for one in found) == [3] * 9 + [4]


def test_a_reference_that_is_mended_meanwhile_gets_no_likelihood_of_the_old_one(
    study, checkpoint, work, monkeypatch
):
    ready = work(metrics=["perplexity"])
    mended = [{**row, "answer": "another and longer one"} for row in ROWS]
    real = EchoModel.loglikelihood

    def mend_first(model, passages):
        work(mended, metrics=["perplexity"])
        return real(model, passages)

    monkeypatch.setattr(EchoModel, "loglikelihood", mend_first)
    generate(study, checkpoint, [ready])
    assert current_likelihoods(study, "echo", checkpoint.id) == []
    generate(study, checkpoint, [work(mended, metrics=["perplexity"])])
    found = current_likelihoods(study, "echo", checkpoint.id)
    assert [one.tokens for one in found] == [4] * 10


def test_hostile_answers_are_stored_as_they_are(study, checkpoint, work, monkeypatch):
    hostile = ["", "\0", "<script>alert(1)</script>", "'; DROP TABLE x; --", "\x1b[2J"]
    rows = [{"id": f"{n}", "question": "q", "answer": "a"} for n in range(6)]
    answers = iter([*hostile, "cut \ud83d"])
    real = EchoModel._answer
    monkeypatch.setattr(
        EchoModel, "_answer", lambda *asked: replace(real(*asked), text=next(answers))
    )
    generate(study, checkpoint, [work(rows)])
    assert texts(study, checkpoint) == [*hostile, "cut \ufffd"]


def test_what_another_process_stored_first_is_not_told_in_other_words(
    tmp_path, study, checkpoint, work, monkeypatch
):
    ready, real, told = work(), EchoModel._answer, []

    def late(*asked):
        answer = real(*asked)
        if answer.item in rivals:
            store_outputs(study, [rivals.pop(answer.item)])
        return replace(answer, text="mine")

    generate(study, checkpoint, [work()])
    first, *_ = current_outputs(study, "echo", checkpoint.id)
    rivals = {first.item: replace(first, text="theirs")}
    with study.transaction() as db:
        db.execute("DELETE FROM outputs")
    monkeypatch.setattr(EchoModel, "_answer", late)
    generate(study, checkpoint, [ready], stored=lambda _, some: told.extend(some))
    assert texts(study, checkpoint) == ["theirs"] + ["mine"] * 9
    assert [one.text for one in told] == ["mine"] * 9


def test_an_imported_system_has_no_model_to_run(study, work):
    system = store_checkpoint(
        study, series="s", name="gpt", step=None, backend="replay", fingerprint="f"
    )
    with pytest.raises(CheckpointError, match="'gpt' was imported"):
        generate(study, system, [work()])


def test_progress_is_told_of_every_batch(study, checkpoint, work):
    told = []
    ready = work(metrics=["perplexity"])
    generate(study, checkpoint, [ready], progress=lambda *step: told.append(step))
    steps = [(0, 10), (3, 10), (6, 10), (9, 10), (10, 10)]
    assert told[:2] == [("checkpoint-1: load", 0, 1), ("checkpoint-1: load", 1, 1)]
    assert told[2:] == [
        (f"checkpoint-1: {verb}", *step)
        for verb in ("generate", "likelihood")
        for step in steps
    ]
