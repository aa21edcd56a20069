"""The whole way once: fine-tune, evaluate, rate through the page, report."""

import json
import math
import subprocess
import sys

import pytest
import sacrebleu

STEPS, CHECKPOINTS = 12, 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A short fine-tune, evaluated by the command that users type."""
    from harness.demo.finetune import fine_tune
    from harness.demo.tasks import task_data

    folder = tmp_path_factory.mktemp("whole-way")
    rows = task_data("modernize").training_pairs()[:600]
    checkpoints = fine_tune(
        folder / "run", steps=STEPS, checkpoints=CHECKPOINTS, rows=rows
    )
    db = folder / "study.db"
    done = harness("run", "modernize", "-c", f"{folder}/run/checkpoint-*", "--db", db)
    assert done.returncode == 0, done.stderr
    return folder, checkpoints, db


def harness(*arguments):
    """The command line, as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "harness", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def report_of(db):
    """The JSON report of the study."""
    done = harness("report", "--db", db, "--format", "json")
    assert done.returncode == 0, done.stderr
    [task] = json.loads(done.stdout)["tasks"]
    return task


def metric(checkpoint, name):
    """The estimate of the one metric of that name."""
    [found] = [
        estimate
        for signature, estimate in checkpoint["metrics"].items()
        if signature.startswith(f"{name}|")
    ]
    return found


@pytest.mark.slow
def test_bleu_of_the_report_is_sacrebleus_own(made):
    from harness import Study

    _, _, db = made
    frame = (
        Study(db)
        .frame("current_outputs")
        .merge(Study(db).frame("items"), left_on="item", right_on="id")
    )
    names = Study(db).frame("checkpoints").set_index("id")["name"]
    for checkpoint in report_of(db)["checkpoints"]:
        rows = frame[frame["checkpoint"].map(names) == checkpoint["name"]]
        references = [[json.loads(refs)[0] for refs in rows["refs"]]]
        expected = sacrebleu.corpus_bleu(list(rows["text"]), references)
        found = metric(checkpoint, "bleu")
        assert found["value"] == pytest.approx(expected.score, abs=1e-9)
        assert found["n"] == len(rows) == 200
        assert found["low"] < found["value"] < found["high"]


@pytest.mark.slow
def test_perplexity_of_the_report_is_that_of_one_forward_per_verse(made):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from harness.task import load_items, load_tasks

    _, checkpoints, db = made
    items = load_items(load_tasks("modernize")[0])
    for folder, reported in zip(checkpoints, report_of(db)["checkpoints"], strict=True):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        nll, tokens = 0.0, 0
        for item in items:
            prompt = tokenizer(item.prompt, add_special_tokens=False)["input_ids"]
            whole = tokenizer(
                item.prompt + item.references[0], add_special_tokens=False
            )["input_ids"]
            assert whole[: len(prompt)] == prompt
            with torch.no_grad():
                logits = model(torch.tensor([whole])).logits[0].double()
            steps = torch.log_softmax(logits, dim=-1)[len(prompt) - 1 : -1]
            answer = torch.tensor(whole[len(prompt) :])
            nll -= steps.gather(1, answer[:, None]).sum().item()
            tokens += len(answer)
        found = metric(reported, "perplexity")["value"]
        assert found == pytest.approx(math.exp(nll / tokens), rel=1e-4)


@pytest.mark.slow
def test_an_unchanged_checkpoint_is_never_run_again(made):
    folder, _, db = made
    again = harness("run", "modernize", "-c", f"{folder}/run/checkpoint-*", "--db", db)
    assert again.returncode == 0
    assert "0 outputs generated, 400 were there already; 0 scores added" in again.stderr
