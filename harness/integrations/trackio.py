"""Trackio: a run for each series in a local project, or where its variables say."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from harness.integrations.journal import Adding
from harness.integrations.tracker import trackers

if TYPE_CHECKING:
    from harness.integrations.journal import Addition


@trackers.register("trackio")
class Trackio(Adding):
    """`trackio:PROJECT`, in TRACKIO_DIR; seen by `trackio show --project PROJECT`."""

    name = package = "trackio"
    title = "Trackio"
    wants = "PROJECT"

    def add(self, run: str | None, addition: Addition) -> str:
        """Log each step, outputs as Markdown in which nothing is drawn or loaded.

        Raises:
            UsageError: the client refuses.
        """
        import trackio

        try:
            # It says on stdout, which is for results, how to see them.
            with redirect_stdout(sys.stderr):
                log = trackio.init(
                    self.place,
                    name=run or addition.title,
                    resume="allow" if run else "never",
                    embed=False,
                    auto_log_gpu=False,
                    auto_log_cpu=False,
                )
                for step, points, samples in addition.steps():
                    row: dict[str, Any] = {}
                    for point in points:
                        row |= point.scalars()
                    texts = {
                        one.name: trackio.Markdown(one.markdown()) for one in samples
                    }
                    log.log(row | texts, step=step)
                trackio.finish()
        except (ValueError, OSError, RuntimeError) as error:
            raise self.refused(error) from None
        return str(log.name)
