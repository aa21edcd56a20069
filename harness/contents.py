"""What a study holds, taken in and given out: what `Study` has besides verbs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.exporting import export, export_ratings
from harness.importing import Imported, import_outputs, import_ratings
from harness.study.checkpoints import stored_checkpoints
from harness.study.items import stored_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    import pandas as pd

    from harness.study import StudyFile
    from harness.types import Checkpoint


class StudyContents:
    """Takes in outputs and ratings, and gives out what is stored."""

    file: StudyFile

    def import_outputs(
        self,
        file: Path | str,
        task: str,
        *,
        lower_is_better: Sequence[str] = (),
        form: str | None = None,
        system: str | None = None,
    ) -> Imported:
        """Store outputs made elsewhere; see `harness.importing.import_outputs`."""
        return import_outputs(
            self.file,
            Path(file),
            task,
            lower_is_better=lower_is_better,
            form=form,
            system=system,
        )

    def import_ratings(self, file: Path | str, task: str) -> Imported:
        """Store ratings given elsewhere; see `harness.importing.import_ratings`."""
        return import_ratings(self.file, Path(file), task)

    def export(
        self,
        folder: Path | str,
        *,
        kind: Literal["csv", "jsonl"] = "csv",
        names: Sequence[str] = (),
    ) -> list[Path]:
        """Write tables and views to files; see `harness.exporting.export`."""
        return export(self.file, Path(folder), kind=kind, names=names)

    def export_ratings(
        self, folder: Path | str, form: Literal["label-studio", "argilla"]
    ) -> list[Path]:
        """Write all ratings for another tool, campaign by campaign.

        Raises:
            StudyError: nothing has been rated.
            UsageError: the folder cannot be written.
        """
        return export_ratings(self.file, Path(folder), form)

    def tasks(self) -> list[str]:
        """Names of the tasks that the study has outputs or likelihoods of."""
        return stored_tasks(self.file)

    def checkpoints(self, task: str | None = None) -> list[Checkpoint]:
        """All checkpoints, or those evaluated on a task, by series and step."""
        return stored_checkpoints(self.file, task)

    def frame(self, name: str) -> pd.DataFrame:
        """A table or view, as `judgements` or `scores`, as a pandas data frame.

        Raises:
            NotFound: there is no such table or view; the nearest is suggested.
        """
        return self.file.frame(name)

    def close(self) -> None:
        """Close this thread's connection."""
        self.file.close()
