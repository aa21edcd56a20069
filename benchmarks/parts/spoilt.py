"""Training runs with injected faults, each in a folder such as a user would have.

RUN/train.jsonl, held_out.jsonl     prompts and completions
RUN/train_config.yaml               what the run was started with
RUN/checkpoint-0, checkpoint-N      the first and the last weights, with tokenizer
RUN/trainer_state.json, runs/       the curves, as transformers' Trainer writes them
RUN/evaluation/study.db             outputs and scores of both checkpoints
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from parts.narrow import narrow_pairs

from harness.demo.batches import IGNORED, SimilarLengths, encode, padded, prompt
from harness.demo.tasks import task_data
from harness.demo.training import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from parts.faults import Fault

    Row = Mapping[str, str]

WHOLE = 512
"""Tokens of an example that are kept where nothing is cut."""
ITEMS = 50
"""Held-out examples that both checkpoints answer."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a task is trained when nothing is wrong."""

    task: str
    steps: int
    learning_rate: float
    batch_size: int
    limit: int
    """Tokens that the fault `limit` leaves of an example."""


RECIPES = {
    "modernize": Recipe("modernize", 240, 3e-3, 32, limit=28),
    "voice_commands": Recipe("voice_commands", 400, 4e-3, 64, limit=15),
}


def train_run(recipe: Recipe, fault: Fault, seed: int, folder: Path) -> dict[str, Any]:
    """Train one run into a folder, evaluate it, and say how it went.

    Returns:
        Task, fault, seed, seconds, the first and last held-out loss (None where it is
        no number), and each metric's value of the last checkpoint.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    rows, held_out = spoilt_rows(recipe.task, fault, seed), _held_out(recipe.task)
    _write_rows(folder / "train.jsonl", rows)
    _write_rows(folder / "held_out.jsonl", held_out)
    settings = settings_of(recipe, fault, seed)
    text = yaml.safe_dump(settings, sort_keys=False)
    (folder / "train_config.yaml").write_text(text, encoding="utf-8")
    log = _train(recipe.task, settings, rows, folder)
    trained = time.perf_counter()
    losses = [entry["eval_loss"] for entry in log if "eval_loss" in entry]
    return {
        "task": recipe.task,
        "fault": fault.name,
        "seed": seed,
        "run": folder.name,
        "first": _number(losses[0]),
        "final": _number(losses[-1]),
        **_evaluate(recipe.task, folder, held_out),
        "training_seconds": round(trained - begun, 1),
        "evaluation_seconds": round(time.perf_counter() - trained, 1),
    }


def spoilt_rows(task: str, fault: Fault, seed: int) -> list[Row]:
    """The training rows of source and target, as the fault leaves them."""
    random = np.random.default_rng(seed)
    data = task_data(task)
    if fault.templates:
        return [*narrow_pairs(task, fault.templates, fault.examples or 0, seed=seed)]
    rows = list(data.training_pairs())
    if fault.examples:
        chosen = random.choice(len(rows), fault.examples, replace=False)
        rows = [rows[place] for place in chosen]
    if fault.shuffled:
        size = round(fault.shuffled * len(rows))
        chosen = random.choice(len(rows), size, replace=False)
        targets = [rows[place]["target"] for place in random.permutation(chosen)]
        for place, target in zip(chosen, targets, strict=True):
            rows[place] = {**rows[place], "target": target}
    if fault.leaked:
        rows += [*data.held_out(), *data.validation_pairs()]
    return [rows[place] for place in random.permutation(len(rows))]


def settings_of(recipe: Recipe, fault: Fault, seed: int) -> dict[str, Any]:
    """The settings of a run, named as TRL's files name them."""
    steps = round(recipe.steps * fault.steps)
    return {
        "model_name_or_path": "checkpoint-0",
        "dataset_name": "train.jsonl",
        "learning_rate": recipe.learning_rate * fault.rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": steps // 10 if fault.warmup else 0,
        "max_steps": steps,
        "per_device_train_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": 1,
        "max_length": recipe.limit if fault.limited else WHOLE,
        "dtype": "float16" if fault.half else "float32",
        "optim": "adamw_torch",
        "weight_decay": 0.01,
        "seed": seed,
    }


def _held_out(task: str) -> list[Row]:
    return list(task_data(task).held_out())


def _write_rows(file: Path, rows: Sequence[Row]) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for row in rows:
            example = {"prompt": prompt(row), "completion": row["target"]}
            lines.write(json.dumps(example, ensure_ascii=False) + "\n")


def _number(loss: float) -> float | None:
    return loss if np.isfinite(loss) else None


def _model(task: str, seed: int) -> tuple[Any, Any]:
    """The weights and the tokenizer that a run begins with; float32."""
    from harness.demo import model

    if task == "modernize":
        with quiet():
            return model.load(model.BASE_FOLDER)
    rows = task_data(task).training_pairs()
    texts = [row[side] for row in rows for side in ("source", "target")]
    tokenizer = model.new_tokenizer(texts, model.SCRATCH.vocabulary)
    return model.new_model(model.SCRATCH, tokenizer, seed=seed), tokenizer


def _cut(rows: Sequence[Mapping[str, Any]], limit: int) -> list[Mapping[str, Any]]:
    """Encoded rows of at most so many tokens; those with no answer left are dropped."""
    cut = [{name: ids[:limit] for name, ids in row.items()} for row in rows]
    return [row for row in cut if any(label != IGNORED for label in row["labels"])]


def _train(
    task: str, settings: Mapping[str, Any], rows: Sequence[Row], folder: Path
) -> list[dict[str, Any]]:
    """Train as the settings say; returns what the Trainer logged."""
    from torch.utils.tensorboard import SummaryWriter
    from transformers import PrinterCallback
    from transformers.integrations import TensorBoardCallback

    model, tokenizer = _model(task, settings["seed"])
    if settings["dtype"] == "float16":
        model = model.half()
    _save(model, tokenizer, folder / "checkpoint-0")
    training, watched = (
        _cut(encode(part, tokenizer), settings["max_length"])
        for part in (rows, task_data(task).validation_pairs())
    )
    writer = SummaryWriter(folder / "runs")
    trainer = _trainer(training, settings)(
        model=model,
        args=_arguments(settings, folder),
        train_dataset=training,
        eval_dataset=watched,
        data_collator=partial(padded, padding=tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[TensorBoardCallback(writer)],
    )
    trainer.remove_callback(PrinterCallback)
    with quiet():
        trainer.train()
    trainer.save_state()
    writer.close()
    log: list[dict[str, Any]] = trainer.state.log_history
    return log


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    with quiet():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _arguments(settings: Mapping[str, Any], folder: Path) -> Any:
    from transformers import TrainingArguments

    steps = settings["max_steps"]
    names = (
        *("learning_rate", "lr_scheduler_type", "warmup_steps", "max_steps"),
        *("per_device_train_batch_size", "optim", "weight_decay", "seed"),
    )
    return TrainingArguments(
        output_dir=str(folder),
        **{name: settings[name] for name in names},
        per_device_eval_batch_size=50,
        eval_strategy="steps",
        eval_steps=steps // 8,
        eval_on_start=True,
        logging_steps=max(steps // 48, 1),
        logging_first_step=True,
        save_strategy="steps",
        save_steps=steps,
        save_only_model=True,
        report_to="none",
        disable_tqdm=True,
        use_cache=True,
        use_cpu=True,
        dataloader_pin_memory=False,
    )


def _trainer(training: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Any:
    """The Trainer, but with batches of rows of similar length."""
    from torch.utils.data import DataLoader
    from transformers import Trainer

    size, seed = settings["per_device_train_batch_size"], settings["seed"]
    lengths = [len(row["input_ids"]) for row in training]

    class BatchingTrainer(Trainer):  # type: ignore[misc]
        def get_train_dataloader(self) -> Any:
            batches = SimilarLengths(lengths, size, seed=seed)
            return DataLoader(
                training, batch_sampler=batches, collate_fn=self.data_collator
            )

    return BatchingTrainer


TASK = """\
name: {task}
data: items.jsonl
prompt: "{{{{ prompt }}}}"
references: [completion]
generation: {{max_new_tokens: 64, stop: ["\\n"], temperature: 0, samples: 1}}
metrics: [perplexity, exact_match, bleu, chrf]
"""


def _evaluate(task: str, folder: Path, held_out: Sequence[Row]) -> dict[str, float]:
    """Have both checkpoints answer and be scored; the last one's mean scores."""
    from harness.errors import CheckpointError
    from harness.run import run
    from harness.study import StudyFile
    from harness.task import load_task

    place = folder / "evaluation"
    place.mkdir()
    _write_rows(place / "items.jsonl", held_out[:: len(held_out) // ITEMS])
    (place / "task.yaml").write_text(TASK.format(task=task), encoding="utf-8")
    tasks = [load_task(place / "task.yaml")]
    study = StudyFile(place / "study.db")
    steps = sorted(int(path.name.split("-")[1]) for path in folder.glob("checkpoint-*"))
    for step in steps:
        # Weights that are no numbers answer nothing; the user is told so.
        with suppress(CheckpointError):
            run(study, tasks, [str(folder / f"checkpoint-{step}")])
    rows = study.rows(
        "SELECT name, mean_per_output FROM checkpoint_summary WHERE step = ?",
        [steps[-1]],
    )
    study.close()
    return {row["name"].split("|")[0]: row["mean_per_output"] for row in rows}
