"""Which folders of a watched training are deleted, so that the best remain."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.arrivals import best_of_trainer, state_of
from harness.errors import NotFound, UsageError
from harness.metrics.signatures import labels, named
from harness.values import meant, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.arrivals import State
    from harness.study import StudyFile
    from harness.types import Checkpoint
    from harness.work import Work

COMPARING = ("pairwise", "ranking")
"""Schemes by which outputs have no rating of their own."""
RATED = """
    SELECT task, avg(value) FROM output_ratings
    WHERE checkpoint = ? AND criterion = ? AND rater_kind <> 'simulated' GROUP BY task
"""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A checkpoint's folder that was evaluated."""

    state: State
    """Its files, as they were then."""
    checkpoint: Checkpoint
    """What it is in the study."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """The rule by which worse checkpoints of a run are deleted."""

    tasks: tuple[str, ...]
    """Names of the tasks; the best on each remains."""
    by: str
    """A metric or a criterion."""
    is_criterion: bool
    """Whether it is a criterion."""

    @classmethod
    def of(cls, works: Sequence[Work], name: str) -> Pruning:
        """The rule for a metric's or criterion's name.

        Raises:
            NotFound: no task has either of that name.
            UsageError: outputs are not rated one by one, or no way is better.
        """
        tasks = tuple(work.task.name for work in works)
        ratings = [work.task.file.rating for work in works]
        criteria = {
            criterion.name: rating.scheme
            for rating in ratings
            if rating is not None
            for criterion in rating.criteria
        }
        if name in criteria:
            if criteria[name] in COMPARING:
                raise UsageError(
                    f"Outputs are compared by {name}, so that no checkpoint has a mean "
                    "of its own: name a metric for --keep-best."
                )
            return cls(tasks, name, is_criterion=True)
        known: set[str] = set()
        for work in works:
            directed = {one.signature: one.directed for one in work.metrics}
            found = named([*directed], name)
            _refuse_unclear(name, found, directed)
            known |= {*labels([*directed]).values(), *([name] if found else [])}
        if name not in known:
            raise NotFound("metric or criterion", name, known | criteria.keys())
        return cls(tasks, name, is_criterion=False)

    def doomed(self, study: StudyFile, run: Mapping[Path, Evaluated]) -> list[Path]:
        """The folders that may be deleted.

        Never the best on a task, the last one, step 0, what the trainer itself calls
        its best, or what nobody has judged.

        Args:
            study: with scores and ratings.
            run: the evaluated checkpoints of one training, by step.
        """
        values = {
            path: self._values(study, one.checkpoint) for path, one in run.items()
        }
        known = {path: found for path, found in values.items() if found}
        tasks = {task for found in known.values() for task in found}
        kept = {
            max(known, key=lambda path: known[path].get(task, float("-inf")))
            for task in tasks
        }
        last = [*run][-1]
        kept |= {last, *(path for path, one in run.items() if not one.checkpoint.step)}
        best = best_of_trainer(last)
        return [
            path
            for path, found in known.items()
            if found.keys() == tasks and path not in kept and path.name != best
        ]

    def _values(self, study: StudyFile, checkpoint: Checkpoint) -> dict[str, float]:
        """Task to what is known of a checkpoint, turned so that more is better."""
        if self.is_criterion:
            return study.mapping(RATED, [checkpoint.id, self.by])
        found = meant(values_of(study, self.tasks, checkpoint), self.by)
        return {
            one.task: one.value if one.higher_is_better else -one.value
            for one in found
            if one.value is not None
        }


def _refuse_unclear(
    name: str, found: Mapping[str, str], directed: Mapping[str, bool]
) -> None:
    """Refuse a name of several metrics of a task, or of one without a direction."""
    if len(found) > 1:
        raise UsageError(
            f"Several metrics are named '{name}'. Write one of them for --keep-best: "
            f"{'; '.join(found.values())}"
        )
    if not all(directed[signature] for signature in found):
        raise UsageError(
            f"By {name} neither more nor less is better: name another metric for "
            "--keep-best."
        )


def delete(folder: Path, state: State, remark: Callable[[str], None]) -> bool:
    """Delete a checkpoint's folder, unless it is no longer as it was evaluated.

    Links in it are deleted, and what they lead to is not.
    """
    if folder.is_symlink() or state_of(folder) != state:
        return False
    # Whoever looks meanwhile must find it whole or not at all.
    doomed = folder.with_name(f".deleted-{folder.name}")
    try:
        if doomed.exists():
            shutil.rmtree(doomed)
        folder.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        remark(f"{folder} cannot be deleted: {error.strerror}")
        return False
    remark(f"deleted {folder}: others are better; what it wrote stays in the study")
    return True
