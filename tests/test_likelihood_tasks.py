"""Tasks of likelihoods alone, the whole way: run, compare, report, and no rating."""

import json
import math

import pytest
import torch
from backends.tiny_models import LINES, save_checkpoint
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

from harness.api import Study
from harness.cli import app
from harness.compare import compare
from harness.errors import InputError, UsageError

WINDOW = 32
METRICS = [
    f"perplexity:of=document,window={WINDOW}",
    "bits_per_byte:of=document",
    "perplexity:ref=all",
    "accuracy",
    "accuracy:normalize=characters,answer=label",
]


def rows():
    """Lines to read, with a cut of each to complete and choices for it."""
    for number, line in enumerate(LINES[:3]):
        words = line.split()
        ends = [" ".join(["", *words[4:7]]), " a lamp", " the fox jumps"]
        yield {
            "id": f"q{number}",
            "text": " ".join(words[:4]),
            "end": [ends[0], ends[1]],
            "choices": ends if number % 2 else ends[::-1],
            "label": "A" if number % 2 else 2,
        }


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A tokenizer with automatic BOS, one without, and one that has none at all."""
    root = tmp_path_factory.mktemp("checkpoints")
    folders = {kind: save_checkpoint(kind, root / kind) for kind in ("llama", "gpt2")}
    folders["bare"] = save_checkpoint("gpt2", root / "bare")
    file = folders["bare"] / "tokenizer_config.json"
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({k: v for k, v in kept.items() if "_token" not in k}))
    return folders


@pytest.fixture
def task(tmp_path):
    """Write the task, with other keys; returns its path."""

    def write(**keys):
        data = "".join(json.dumps(row) + "\n" for row in rows())
        (tmp_path / "rows.jsonl").write_text(data, encoding="utf-8")
        plain = {
            "name": "read",
            "data": "rows.jsonl",
            "prompt": "{{ text }}",
            "references": ["end"],
            "generation": "none",
            "metrics": METRICS,
        }
        path = tmp_path / "task.yaml"
        path.write_text(json.dumps(plain | keys))
        return str(path)

    return write


@pytest.fixture
def study(tmp_path):
    opened = Study(tmp_path / "study.db")
    yield opened
    opened.close()


def given(folder, context, text):
    """Nats and tokens of a text after a context, by one pass of the model."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    whole = tokenizer(context + text)["input_ids"]
    before = len(tokenizer(context)["input_ids"]) if context else 0
    start = before or int(whole[0] == tokenizer.bos_token_id)
    if not start and tokenizer.eos_token_id is not None:
        whole, start = [tokenizer.eos_token_id, *whole], 1
    ids = torch.tensor([whole])
    labels = torch.tensor([[-100] * start + whole[start:]])
    with torch.no_grad():
        loss = model(ids, labels=labels).loss.item()
    count = len(whole) - max(start, 1)
    return loss * count, count


def value(study, name, checkpoint):
    [found] = [
        estimate.value
        for one in study.report().tasks[0].checkpoints
        if one.name == checkpoint
        for signature, estimate in one.metrics.items()
        if signature.startswith(name)
    ]
    return found


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bare"])
def test_every_value_is_that_of_plain_passes(kind, checkpoints, task, study):
    folder = checkpoints[kind]
    done = study.run(task(), [str(folder)])
    assert done.generations[0].likelihoods == 3 * (2 + 2 + 3)
    assert study.frame("outputs").empty
    documents = [given(folder, "", row["text"]) for row in rows()]
    nats, tokens = map(sum, zip(*documents, strict=True))
    found = value(study, "perplexity|of:document", kind)
    assert found == pytest.approx(math.exp(nats / tokens), rel=1e-3)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lost = 0
    if kind == "bare":  # Nothing stands before the first token, so it is not scored.
        firsts = [tokenizer(row["text"])["input_ids"][0] for row in rows()]
        lost = sum(len(tokenizer.decode([one])) for one in firsts)
        assert lost >= 3
    size = sum(len(row["text"].encode()) for row in rows()) - lost
    found = value(study, "bits_per_byte|of:document", kind)
    assert found == pytest.approx(nats / math.log(2) / size, rel=1e-3)
    ends = [given(folder, row["text"], end) for row in rows() for end in row["end"]]
    nats, tokens = map(sum, zip(*ends, strict=True))
    found = value(study, "perplexity|ref:all", kind)
    assert found == pytest.approx(math.exp(nats / tokens), rel=1e-3)


def test_accuracy_is_that_of_the_most_probable_choices(checkpoints, task, study):
    study.run(task(), [str(checkpoints["llama"])])
    right = {"none": 0, "characters": 0}
    for row in rows():
        choices = row["choices"]
        nats = {
            one: given(checkpoints["llama"], row["text"], one)[0] for one in choices
        }
        # Without a column for the answer both references count as right.
        right["none"] += min(choices, key=nats.__getitem__) in row["end"]
        likeliest = min(choices, key=lambda one: nats[one] / len(one))
        right["characters"] += likeliest == row["end"][0]
    for name, count in right.items():
        prefix = "accuracy|choices:choices|answer:"
        prefix += f"{'label' if name == 'characters' else ''}|normalize:{name}"
        assert value(study, prefix, "llama") == pytest.approx(count / 3)


def test_run_report_and_compare_work_without_outputs(checkpoints, task, tmp_path):
    runner, db = CliRunner(), str(tmp_path / "study.db")
    path = task()
    models = [f"-cx={checkpoints[kind]}" for kind in ("gpt2", "llama")]
    done = runner.invoke(app, ["run", path, *models, "--db", db])
    assert done.exit_code == 0, done.output
    assert "0 outputs generated" in done.stderr
    assert "asks for likelihoods alone" in done.stdout
    assert "start <end>, window" in done.stdout.replace("\n", " ")
    again = runner.invoke(app, ["run", path, *models, "--db", db])
    assert "0 scores added" in again.stderr
    for form in ("text", "html", "md", "json", "csv"):
        done = runner.invoke(app, ["report", "--db", db, "--format", form])
        assert done.exit_code == 0, done.output
        assert "accuracy" in done.stdout
    with_study = Study(db)
    [compared] = compare(with_study.file, "gpt2", "llama", draws=20)
    assert {row.name for row in compared.rows} >= {"perplexity", "accuracy"}
    assert compared.changed == ()
    with_study.close()
    done = runner.invoke(app, ["compare", "gpt2", "llama", "--db", db])
    assert done.exit_code == 0, done.output


def test_such_a_task_cannot_be_rated(checkpoints, task, tmp_path):
    from harness.task import load_tasks
    from ui.serve import serve

    path, db = task(), tmp_path / "study.db"
    with_study = Study(db)
    with_study.run(path, [str(checkpoints["gpt2"])])
    with_study.close()
    with pytest.raises(UsageError, match="asks for likelihoods alone"):
        serve(db, load_tasks(path), tell=print)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"metrics": ["bleu", "accuracy"]}, "metric 'bleu' judges outputs, but with"),
        ({"metrics": []}, "asks for nothing; name a metric of likelihood"),
        ({"metrics": ["accuracy:choices=options"]}, "item 'q0' of task 'read' has no"),
        ({"metrics": ["accuracy:answer=text"]}, "is none of its choices"),
        ({"metrics": ["perplexity:of=document,column=body"]}, "no column 'body'"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_a_model_loads(
    keys, problem, task, study, tmp_path
):
    # A folder without any model would be refused as well, but later.
    with pytest.raises(InputError, match=problem):
        study.run(task(**keys), [str(tmp_path)])


def test_a_window_that_the_model_does_not_have_is_refused(checkpoints, task, study):
    path = task(metrics=["perplexity:of=document,window=1000"])
    with pytest.raises(UsageError, match=r"window is 1000, .* only 256 positions"):
        study.run(path, [str(checkpoints["gpt2"])])


def test_prompts_cut_to_fit_the_model_are_counted_in_the_report(
    checkpoints, tmp_path, task, study
):
    path = task(metrics=["perplexity"])
    long = {"id": "a", "text": "the cat sat on it " * 100, "end": " again"}
    too_long = {"id": "b", "text": "the cat", "end": " sat on it" * 200}
    data = "".join(json.dumps(row) + "\n" for row in (long, too_long))
    (tmp_path / "rows.jsonl").write_text(data)
    study.run(path, [str(checkpoints["gpt2"])])
    [made] = study.report().tasks
    assert (
        "Likelihoods of 1 text are given a prompt that had to be cut to fit the model."
    ) in made.notes
    assert "1 text did not fit the model and got no likelihood." in made.notes
    [estimate] = made.checkpoints[0].metrics.values()
    assert (estimate.n, estimate.dropped) == (1, 1)
