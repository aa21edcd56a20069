"""Weights & Biases: a run for each series, its curves over the steps of training."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from harness.integrations.journal import Adding
from harness.integrations.tracker import trackers

if TYPE_CHECKING:
    from harness.integrations.journal import Addition
    from harness.integrations.points import Sample

STEP = "harness/step"
"""What curves are drawn over: the client's own count of steps only ever grows."""
COLUMNS = ("step", "item", "prompt", "reference", "output")


@trackers.register("wandb")
class WandB(Adding):
    """`wandb:PROJECT` or `wandb:ENTITY/PROJECT`, by the account that `wandb login` has.

    WANDB_MODE=offline writes to WANDB_DIR, for `wandb sync` later.
    """

    name = package = "wandb"
    title = "Weights & Biases"
    wants = "PROJECT"

    def add(self, run: str | None, addition: Addition) -> str:
        """Log each step as a row of its own, and outputs as a table.

        Raises:
            UsageError: the client refuses, say for want of an account.
        """
        # What goes wrong here is nobody's business but the user's.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        entity, _, project = self.place.rpartition("/")
        settings = wandb.Settings(silent=True, console="off", save_code=False)
        try:
            log = wandb.init(
                entity=entity or None,
                project=project,
                id=run,
                name=addition.title,
                resume="allow" if run else None,
                settings=settings,
            )
            log.define_metric(STEP, hidden=True)
            log.define_metric("harness/*", step_metric=STEP)
            for step, points, samples in addition.steps():
                row: dict[str, Any] = {STEP: step}
                for point in points:
                    row |= point.scalars()
                log.log(row | _tables(samples))
            log.finish()
        except wandb.errors.Error as error:
            raise self.refused(error) from None
        return str(log.id)


def _tables(samples: list[Sample]) -> dict[str, Any]:
    import wandb

    rows: dict[str, list[list[Any]]] = {}
    for one in samples:
        row = [one.step, one.item, one.prompt, one.reference, one.output]
        rows.setdefault(f"harness/{one.task}/samples", []).append(row)
    return {
        name: wandb.Table(columns=list(COLUMNS), data=some)
        for name, some in rows.items()
    }
