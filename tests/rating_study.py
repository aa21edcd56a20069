"""A study with outputs to rate, for tests of everything about rating."""

from pathlib import Path

from harness.identity import content_hash
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint
from harness.study.items import store_items, store_task
from harness.study.outputs import (
    Evaluation,
    output_id,
    store_evaluation,
    store_outputs,
)
from harness.study.scores import store_metric, store_scores
from harness.task import Task
from harness.taskfile import TaskFile
from harness.types import Item, Output, Score

MEANING = {
    "name": "meaning",
    "question": "Does the rewrite keep the meaning?",
    "definition": "Nothing added, lost or changed.",
    "anchors": {1: "Another meaning", 3: "Partly", 5: "The same meaning"},
}
FLUENCY = {"name": "fluency", "question": "Is it good English?"}
SETTINGS = "settings"


def a_task(name="modernize", **rating):
    plan = {"criteria": [MEANING, FLUENCY], "raters_per_output": 2, "seed": 7}
    keys = {
        "name": name,
        "description": "Rewrite the verse in modern English.",
        "data": "rows.jsonl",
        "prompt": "{{ source }}",
        "rating": plan | {"items": "all"} | rating,
    }
    return Task(TaskFile.model_validate(keys), Path("task.yaml"), f"name: {name}\n")


def text_of(item, checkpoint):
    return f"Answer of model {checkpoint} to prompt {item}."


def add_outputs(study, *, task="modernize", items=6, checkpoints=3, text=text_of):
    """Outputs of checkpoints `ckpt-0` ... for prompts 0 ...; safe to call again."""
    version = store_task(study, task, f"name: {task}\n", None)
    rows = [
        Item(
            id=content_hash(task, n),
            task=task,
            key=f"item-{n}",
            prompt=f"Prompt {n} of {task}",
            references=(f"Reference {n}",),
        )
        for n in range(items)
    ]
    store_items(study, task, rows)
    for number in range(checkpoints):
        checkpoint = store_checkpoint(
            study,
            series="lr-canary",
            name=f"ckpt-{number}",
            step=100 * number,
            backend="replay",
            fingerprint=content_hash("fingerprint", number),
        )
        store_evaluation(
            study,
            Evaluation(checkpoint.id, task, version, SETTINGS, SETTINGS, 1),
        )
        store_outputs(
            study,
            [
                Output(
                    output_id(item.id, checkpoint.id, 0, SETTINGS),
                    item.id,
                    checkpoint.id,
                    text(n, number),
                    settings=SETTINGS,
                )
                for n, item in enumerate(rows)
            ],
        )


def add_scores(study, value, *, name="chrf"):
    """A metric's scores: `value` of the numbers of prompt and checkpoint."""
    about = {"spec": name, "form": "mean", "unit": "", "higher_is_better": True}
    store_metric(study, {"signature": f"{name}|v1", "name": name} | about)
    items = study.rows("SELECT id, refs_hash, key FROM items")
    checkpoints = study.column("SELECT id FROM checkpoints ORDER BY step")
    found = []
    for item in items:
        prompt = int(item["key"].split("-")[1])
        for number, checkpoint in enumerate(checkpoints):
            output = output_id(item["id"], checkpoint, 0, SETTINGS)
            said = float(value(prompt, number))
            score = Score(checkpoint, item["id"], f"{name}|v1", output, said)
            found.append((score, item["refs_hash"]))
    store_scores(study, found)


def a_study(path, **outputs):
    study = StudyFile(path)
    add_outputs(study, **outputs)
    return study


def token_of(ticket):
    """The token of the assignment that a page's ticket is for."""
    return ticket.rpartition(".")[0]
