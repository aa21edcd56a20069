"""A callback of transformers' Trainer, and so of TRL, axolotl and Unsloth."""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import partial
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import DefaultFlowCallback, TrainerCallback

from harness.backends.transformers import quiet
from harness.errors import HarnessError, UsageError
from harness.integrations.elsewhere import Elsewhere
from harness.integrations.evaluating import Evaluator, Moment, plain, text_tokenizer
from harness.integrations.holding import held
from harness.integrations.stopping import check_known
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.values import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.integrations.stopping import Stopping
    from harness.values import Value

PREFIX = "eval_"
"""Before every key in the Trainer's log: what it looks for, and what trackers show as
`eval/...`."""
WHOLLY_DIVIDED = 3
"""Stage of ZeRO at which no process has all weights."""
warn: Callable[[str], None] = logging.getLogger(__name__).warning


class HarnessCallback(TrainerCallback):  # type: ignore[misc]
    """Evaluates a suite at step 0 and at every save.

    Values go into the Trainer's log as `eval_harness/TASK/METRIC` and so to every
    tracker, and `metric_for_best_model` may name them. A training is never ended by
    what fails here: a remark says what it was.
    """

    def __init__(  # noqa: PLR0913 - one argument an option
        self,
        suite: str | Path,
        trainer: Any,
        *,
        db: str | Path | None = None,
        series: str | None = None,
        process: bool = False,
        device: str = "auto",
        stop: Stopping | None = None,
        batch_size: int | None = None,
        remark: Callable[[str], None] = warn,
    ) -> None:
        """Read and check the suite; `trainer.add_callback` comes next.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            trainer: the Trainer that it is added to.
            db: the study file; None: `results/SUITE.db`.
            series: what the training is called; None: its output folder's name.
            process: whether another process evaluates, while training goes on.
            device: of that process, as `cuda:1`.
            stop: by what the training is stopped early; None: by nothing.
            batch_size: most texts at a time in this process; None: what suits.
            remark: told what users should know; by default a warning is logged.

        Raises:
            HarnessError: something is not as it must be; says what and where.
        """
        self.trainer = trainer
        self.output = Path(trainer.args.output_dir)
        named = series or self.output.resolve().name
        self.evaluator = Evaluator.of(suite, db, named, batch_size=batch_size)
        self.stop = stop
        self.remark = remark
        self.values: dict[int, list[Value]] = {}
        self.said: set[str] = set()
        self.elsewhere: Elsewhere | None = None
        if stop is not None:
            check_known(stop, self.evaluator)
        if process:
            one = self.evaluator
            self.elsewhere = Elsewhere(one.suite, one.db, one.series, device)

    # The Trainer's events. Each is called on all processes of a training.

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - as the Trainer calls it
        """Evaluate step 0, unless a training is taken up again."""
        self._be_first()
        self._check()
        if state.global_step:
            self._remember(state.global_step)
        elif self.elsewhere is None:
            self._evaluate(state, control)
        elif self._is_divided():
            self._say("Step 0 is not evaluated, as the model is divided already.")
        elif state.is_world_process_zero:
            job = self.elsewhere.hold(0, self._folder(0))
            self.trainer.save_model(str(job.folder), _internal_call=True)
            self.elsewhere.add(job)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, *, metrics: Any, **_: Any
    ) -> None:
        """Add the values of this step to the Trainer's own, for its choices."""
        if not self.trainer.is_in_train:
            return
        asked = str(args.metric_for_best_model or "").removeprefix(PREFIX)
        chooses = asked.startswith("harness/")
        if self.elsewhere is None and (chooses or control.should_save):
            self._evaluate(state, control)
        found = self.values.get(state.global_step, ())
        metrics.update({PREFIX + one.key: _or_nan(one.value) for one in found})
        if chooses and PREFIX + asked not in metrics:
            known = ", ".join(one.key for one in found) or "nothing"
            self._say(f"There is no {asked} at step {state.global_step}, but {known}")
            metrics[PREFIX + asked] = nan

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - as the Trainer calls it
        """Evaluate what was saved, unless `on_evaluate` has."""
        folder = self._folder(state.global_step)
        if self.elsewhere is None:
            self._evaluate(state, control, is_saved=folder.is_dir())
            if state.is_world_process_zero and folder.is_dir():
                self._tried(partial(self.evaluator.keep, state.global_step, folder))
        elif state.is_world_process_zero and folder.is_dir():
            self.elsewhere.take(state.global_step, folder)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - as the Trainer calls it
        """Take in what another process has evaluated meanwhile."""
        if self.elsewhere is not None:
            self._collect(state, control, wait=False)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - as the Trainer calls it
        """Wait for the other process, so that nothing is missing."""
        if self.elsewhere is not None:
            self._collect(state, control, wait=True)

    # What they have in common

    def _evaluate(self, state: Any, control: Any, *, is_saved: bool = False) -> None:
        """The model as it is now, once a step, by the first process for all."""
        step = state.global_step
        if step in self.values:
            return
        found: list[Value] | None = None
        if state.is_world_process_zero:
            folder = self._folder(step)
            with nullcontext(folder) if is_saved else self._saved(folder.name) as saved:
                moment = Moment(
                    network=self.trainer.model,
                    tokenizer=self.trainer.processing_class,
                    step=step,
                    saved=saved,
                    location=folder,
                    precision=str(self.trainer.accelerator.mixed_precision),
                )
                found = self._tried(partial(self.evaluator.evaluate, moment))
        self.values[step] = _shared(found) or []
        self._log(state, step)
        self._consider(state, control)

    def _collect(self, state: Any, control: Any, *, wait: bool) -> None:
        done = False
        if self.elsewhere is not None and state.is_world_process_zero:
            for job, problem in self.elsewhere.finished(wait=wait):
                done = True
                if problem is not None:
                    self.remark(f"Step {job.step} was not evaluated: {problem}")
                    continue
                self._tried(partial(self._take_in, job.step, job.kept))
                self._log(state, job.step)
        self._consider(state, control, anew=done)

    def _take_in(self, step: int, kept: Path) -> None:
        study = StudyFile(self.evaluator.db)
        for one in stored_checkpoints(study):
            # A folder that was overwritten is another one of the same name.
            if one.series == self.evaluator.series and one.step == step:
                self.evaluator.evaluated[step] = one
        checkpoint = self.evaluator.evaluated[step]
        self.values[step] = values_of(study, self.evaluator.tasks, checkpoint)
        study.close()
        if kept.is_dir():
            self.evaluator.keep(step, kept)

    def _log(self, state: Any, step: int) -> None:
        """Into the Trainer's log, under the step that was evaluated."""
        known = self.values.get(step, ())
        logs = {PREFIX + one.key: one.value for one in known if one.value is not None}
        if not logs or not state.is_world_process_zero:
            return
        then = copy(state)
        then.global_step = step
        state.log_history.append({**logs, "step": step})
        # The Trainer's own is not to be told that it has logged.
        self.trainer.callback_handler.on_log(
            self.trainer.args, then, copy(self.trainer.control), logs
        )

    def _consider(self, state: Any, control: Any, *, anew: bool = True) -> None:
        over = False
        if self.stop is not None and anew and state.is_world_process_zero:
            over = bool(self._tried(self._is_over))
        if self.stop is not None and _shared(over):
            control.should_training_stop = True

    def _is_over(self) -> bool:
        stop = self.stop
        if stop is None or not any(self.values.values()):
            return False
        study = StudyFile(self.evaluator.db)
        try:
            curve = stop.curve(self.evaluator, study, self.values, remark=self._say)
        finally:
            study.close()
        over = stop.is_over(curve)
        if over:
            best = max(curve, key=lambda step: (curve[step], -step))
            self.remark(
                f"Training stops at step {max(curve)}: by {stop.by} the last "
                f"{stop.patience} evaluations are no better than step {best}."
            )
        return over

    def _tried(self, work: Callable[[], Any]) -> Any:
        """What it gives; None, and a remark, if it cannot be done."""
        try:
            return work()
        except (HarnessError, OSError) as error:
            self._say(str(error))
            return None

    def _say(self, problem: str) -> None:
        """Once, as the same is wrong at every step."""
        if problem not in self.said:
            self.said.add(problem)
            self.remark(problem)

    @contextmanager
    def _saved(self, name: str) -> Iterator[Path]:
        """A folder that the model as it is now is saved to, for a moment."""
        # A half of a checkpoint must not be taken for one by who resumes a training.
        with held(self.output) as holder:
            saved = holder / name
            with quiet():
                self.trainer.save_model(str(saved), _internal_call=True)
            yield saved

    def _folder(self, step: int) -> Path:
        return self.output / f"checkpoint-{step}"

    def _be_first(self) -> None:
        """Before trackers, which close at the end, and those that stop a training."""
        handler = self.trainer.callback_handler
        if self not in handler.callbacks:
            raise UsageError("Add the callback to the Trainer that it was made for.")
        others = [one for one in handler.callbacks if one is not self]
        flow = [one for one in others if isinstance(one, DefaultFlowCallback)]
        rest = [one for one in others if not isinstance(one, DefaultFlowCallback)]
        # The list that is being gone through stays as it is.
        handler.callbacks = [*flow, self, *rest]

    def _check(self) -> None:
        """Refuse what cannot work before hours were spent on it.

        Raises:
            UsageError: says what to do instead.
        """
        if self.elsewhere is not None:
            asked = str(self.trainer.args.metric_for_best_model or "")
            if asked.removeprefix(PREFIX).startswith("harness/"):
                raise UsageError(
                    f"metric_for_best_model={asked} is wanted at once, and another "
                    "process takes its time: leave process=True out."
                )
            return
        if self._is_divided():
            raise UsageError(
                "The model is divided among processes, so that none can generate: "
                "evaluate saved checkpoints, with process=True."
            )
        plain(self.trainer.model)
        text_tokenizer(self.trainer.processing_class)

    def _is_divided(self) -> bool:
        plugin = getattr(self.trainer.accelerator.state, "deepspeed_plugin", None)
        parts = plugin is not None and plugin.zero_stage == WHOLLY_DIVIDED
        return bool(self.trainer.is_fsdp_enabled or parts)

    def _remember(self, last: int) -> None:
        """What was evaluated before a training was interrupted."""
        if not self.evaluator.db.is_file() or not self.trainer.is_world_process_zero():
            return
        study = StudyFile(self.evaluator.db)
        for one in stored_checkpoints(study):
            if one.series == self.evaluator.series and (one.step or 0) < last:
                self.evaluator.evaluated[one.step or 0] = one
        for step, one in self.evaluator.evaluated.items():
            self.values[step] = values_of(study, self.evaluator.tasks, one)
        study.close()


def _or_nan(value: float | None) -> float:
    return nan if value is None else value


def _shared(value: Any) -> Any:
    """What the first process of a training has."""
    import torch.distributed as processes

    if not processes.is_available() or not processes.is_initialized():
        return value
    box = [value]
    processes.broadcast_object_list(box, src=0)
    return box[0]
