"""One training run with transformers' Trainer, on the CPU and repeatable."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends.threads import suited_threads
from harness.demo.batches import SimilarLengths, encode, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Rows = Sequence[Mapping[str, str]]
    Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What decides, with the data, how a run goes."""

    steps: int
    """Optimizer steps, 1 or more."""
    learning_rate: float
    """Its peak; a cosine leads from there to zero."""
    warmup_steps: int
    batch_size: int = 32
    """Rows, about 1,500 tokens."""
    checkpoints: int = 0
    """How many are kept, step 0 among them; fewer where steps are few."""
    seed: int = 0

    @property
    def kept(self) -> tuple[int, ...]:
        """The steps of the checkpoints: dense at first, where most is learned."""
        last = max(self.checkpoints - 1, 1)
        parts = [i / last for i in range(self.checkpoints)]
        return tuple(sorted({round(self.steps * part**1.5) for part in parts}))


def train(
    model: Any,
    tokenizer: Any,
    plan: Plan,
    folder: Path,
    *,
    data: tuple[Rows, Rows],
    progress: Progress | None = None,
) -> list[Path]:
    """Train the model where it is, and keep checkpoints and curves in the folder.

    Args:
        model: a causal language model in float32; its weights change.
        tokenizer: its tokenizer, saved with each checkpoint.
        plan: steps, rates, seed and how many checkpoints.
        folder: gets checkpoint-N and, in `runs`, TensorBoard's event files.
        data: rows of source and target, to train on and to measure the loss on.
        progress: told (steps done, steps in all) after each step.

    Returns:
        The folders of the checkpoints, in the order of training.
    """
    from torch.utils.tensorboard import SummaryWriter
    from transformers import PrinterCallback
    from transformers.integrations import TensorBoardCallback

    training, validation = (encode(rows, tokenizer) for rows in data)
    trainer = _trainer(plan, training)(
        model=model,
        args=_arguments(plan, folder),
        train_dataset=training,
        eval_dataset=validation,
        data_collator=partial(padded, padding=tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[
            TensorBoardCallback(SummaryWriter(folder / "runs")),
            _keeper(plan, progress),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    with suited_threads(model), quiet():
        trainer.train()
    return [folder / f"checkpoint-{step}" for step in plan.kept]


def _arguments(plan: Plan, folder: Path) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(folder),
        max_steps=plan.steps,
        per_device_train_batch_size=plan.batch_size,
        per_device_eval_batch_size=50,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=plan.warmup_steps,
        weight_decay=0.01,
        eval_strategy="steps",
        eval_steps=max(plan.steps // 8, 1),
        eval_on_start=True,
        logging_steps=max(plan.steps // 48, 1),
        logging_first_step=True,
        # A window that held no number must show, not pass for a loss of zero.
        logging_nan_inf_filter=False,
        save_strategy="no",
        save_only_model=True,
        report_to="none",
        disable_tqdm=True,
        use_cache=True,  # in the saved configuration, for whoever generates
        use_cpu=True,
        dataloader_pin_memory=False,
        seed=plan.seed,
    )


def _trainer(plan: Plan, training: Any) -> Any:
    """The Trainer, but with batches of rows of similar length."""
    from torch.utils.data import DataLoader
    from transformers import Trainer

    class BatchingTrainer(Trainer):  # type: ignore[misc]
        def get_train_dataloader(self) -> Any:
            lengths = [len(row["input_ids"]) for row in training]
            batches = SimilarLengths(lengths, plan.batch_size, seed=plan.seed)
            return DataLoader(
                training, batch_sampler=batches, collate_fn=self.data_collator
            )

    return BatchingTrainer


def _keeper(plan: Plan, progress: Progress | None) -> Any:
    """A callback that keeps the plan's checkpoints and reports progress."""
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):  # type: ignore[misc]
        """Step 0 is written here, since the Trainer saves only after a step."""

        def on_evaluate(self, args: Any, state: Any, control: Any, **run: Any) -> None:  # noqa: ARG002
            if state.global_step == 0 and 0 in plan.kept:
                folder = Path(args.output_dir) / "checkpoint-0"
                run["model"].save_pretrained(folder)
                run["processing_class"].save_pretrained(folder)
                state.save_to_json(str(folder / "trainer_state.json"))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            if state.global_step in plan.kept:
                control.should_evaluate = control.should_save = True
            if progress is not None:
                progress(state.global_step, plan.steps)

    return Keeper()


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars for files that are read and written in a moment."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
