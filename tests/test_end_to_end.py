"""The whole way once: fine-tune, evaluate, rate through the page, report."""

import json
import math
import re
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager

import httpx
import pytest
import sacrebleu
from rater_client import RaterPage
from scipy.stats import kendalltau

STEPS, CHECKPOINTS = 12, 2
HARNESS = (sys.executable, "-u", "-m", "harness")


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
        [*HARNESS, *map(str, arguments)],
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


@contextmanager
def served(db, *raters):
    """The rating page as a user starts it; gives the root and each rater's invite."""
    names = [part for rater in raters for part in ("--rater", rater)]
    command = [*HARNESS, "rate", "modernize", "--port=0"]
    with subprocess.Popen(
        [*command, "--no-browser", "--db", str(db), *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            links, seen = [], []
            while len(links) < len(raters):
                line = server.stdout.readline()
                assert line, f"the server ended: {seen}"
                seen.append(line)
                links += re.findall(r"(http://[^/]+)/i/(\S+)", line)
            yield links[0][0], [invite for _, invite in links]
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=30) in {0, 130}


def rate_everything(root, invite, opinion):
    """Rate what the page shows until nothing is left; the number of ratings."""
    rated = 0
    with httpx.Client(base_url=root, follow_redirects=True, timeout=60) as http:
        page = RaterPage(http, invite)
        screen = page.current()
        while screen["shown"]:
            screen = page.submit(opinion(screen["shown"]["outputs"][0]))
            rated += 1
    return rated


@pytest.mark.slow
def test_ratings_given_through_the_page_are_what_the_report_rests_on(made):
    from harness import Study

    folder, _, db = made

    def longer_is_better(text):
        return {"meaning": min(5, 1 + len(text) // 20), "fluency": 3}

    with served(db, "ann", "ben") as (root, invites):
        # Another process writes to the study while the page is in use.
        again = subprocess.Popen(
            [
                *HARNESS,
                "run",
                "modernize",
                "-c",
                folder / "run" / "checkpoint-0",
                "--db",
                db,
            ],
            stdout=subprocess.DEVNULL,
        )
        rated = sum(rate_everything(root, one, longer_is_better) for one in invites)
        assert again.wait(timeout=120) == 0
    assert rated == 20 * CHECKPOINTS * 2  # prompts, checkpoints, raters per output

    judged = Study(db).frame("judgements").query("criterion == 'meaning'")
    task = report_of(db)
    assert not task["simulated"]
    for checkpoint in task["checkpoints"]:
        mine = judged[judged["checkpoint"] == checkpoint["name"]]
        expected = mine.groupby("output_id")["rating"].mean().mean()
        found = checkpoint["human"]["meaning"]
        assert found["value"] == pytest.approx(expected)
        assert found["n"] == 20
    # Both raters said the same of each output.
    assert task["raters"]["alpha"]["meaning"]["value"] == pytest.approx(1.0)

    means, scores = defaultdict(float), {}
    bleu = judged[judged["signature"].str.startswith("bleu|")]
    for row in bleu.itertuples():
        means[row.output_id] += row.rating / 2
        scores[row.output_id] = row.score
    expected = kendalltau([means[key] for key in scores], list(scores.values()))
    [found] = [
        one["segment"]["none"]["kendall"]
        for one in task["agreement"]
        if one["metric"] == "bleu" and one["criterion"] == "meaning"
    ]
    assert found["value"] == pytest.approx(expected.statistic)
