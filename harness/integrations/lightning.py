"""A callback of Lightning's Trainer, for modules that hold a transformers model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Callback

from harness.errors import HarnessError, UsageError
from harness.integrations.evaluating import Evaluator, Moment, plain, text_tokenizer
from harness.integrations.holding import held

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.values import Value

warn: Callable[[str], None] = logging.getLogger(__name__).warning


class HarnessCallback(Callback):  # type: ignore[misc]
    """Evaluates a suite at step 0 and after every validation, or else every epoch.

    Values are logged as `harness/TASK/METRIC`, which `ModelCheckpoint` and
    `EarlyStopping` may monitor.
    """

    def __init__(  # noqa: PLR0913 - one argument an option
        self,
        suite: str | Path,
        tokenizer: Any,
        *,
        network: Callable[[Any], Any] = lambda module: module.model,
        db: str | Path | None = None,
        series: str = "lightning",
        batch_size: int | None = None,
        remark: Callable[[str], None] = warn,
    ) -> None:
        """Read and check the suite.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            tokenizer: the model's.
            network: says which part of the LightningModule is the transformers model.
            db: the study file; None: `results/SUITE.db`.
            series: what the training is called.
            batch_size: most texts at a time; None: what suits.
            remark: told what users should know; by default a warning is logged.

        Raises:
            HarnessError: something is not as it must be; says what and where.
        """
        super().__init__()
        self.evaluator = Evaluator.of(suite, db, series, batch_size=batch_size)
        self.tokenizer = tokenizer
        self.network = network
        self.remark = remark

    # Lightning's events

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Evaluate step 0, unless a training is taken up again.

        Raises:
            UsageError: the model is divided among processes, or none of transformers.
        """
        strategy = type(trainer.strategy).__name__
        if any(name in strategy for name in ("FSDP", "DeepSpeed", "ModelParallel")):
            raise UsageError(
                f"Lightning's {strategy} divides the model among processes, so that "
                "none can generate: evaluate saved checkpoints, with harness watch."
            )
        plain(self.network(pl_module))
        text_tokenizer(self.tokenizer)
        if trainer.global_step == 0:
            found = self._evaluate(trainer, pl_module)
            for logger in trainer.loggers:
                logger.log_metrics(found, step=0)

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Evaluate before checkpoints are chosen by what was logged."""
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._log(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Evaluate where there is no validation."""
        if not trainer.enable_validation:
            self._log(trainer, pl_module)

    # What they have in common

    def _log(self, trainer: Any, pl_module: Any) -> None:
        found = self._evaluate(trainer, pl_module)
        found = trainer.strategy.broadcast(found)
        pl_module.log_dict(found, rank_zero_only=True)

    def _evaluate(self, trainer: Any, pl_module: Any) -> dict[str, float]:
        if not trainer.is_global_zero:
            return {}
        network = self.network(pl_module)
        step = trainer.global_step
        root = Path(trainer.default_root_dir)
        with held(root) as holder:
            saved = holder / f"checkpoint-{step}"
            network.save_pretrained(saved)
            self.tokenizer.save_pretrained(saved)
            moment = Moment(
                network=network,
                tokenizer=self.tokenizer,
                step=step,
                saved=saved,
                location=root / saved.name,
                precision=_mixed(str(trainer.precision)),
            )
            found: list[Value] = []
            try:
                found = self.evaluator.evaluate(moment)
            except (HarnessError, OSError) as error:
                self.remark(str(error))
        return {one.key: one.value for one in found if one.value is not None}


def _mixed(precision: str) -> str:
    """Lightning's word for mixed precision, as accelerate has it: `no` if it is not."""
    kind, _, how = precision.partition("-")
    return {"16": "fp16", "bf16": "bf16"}.get(kind, "no") if how == "mixed" else "no"
