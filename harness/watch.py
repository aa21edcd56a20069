"""Watch: run the suite on every checkpoint of a training as it appears."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from harness.arrivals import Arrivals, Signs, state_of
from harness.backends import AUTOMATIC
from harness.backends.folder import base_of, read_json
from harness.checkpoints import find_checkpoints, fingerprints, step_of
from harness.errors import CheckpointError, MetricError, UsageError
from harness.executors import LOCAL
from harness.progress import silent
from harness.pruning import Evaluated, Pruning, delete
from harness.run import Plan, carry_out
from harness.study.checkpoints import known_hashes, stored_checkpoints
from harness.work import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.arrivals import State
    from harness.backends import Loading
    from harness.checkpoints import Found
    from harness.executors import Executor
    from harness.progress import Progress
    from harness.run import Run
    from harness.study import StudyFile
    from harness.task import Task
    from harness.work import Work

NO_BASE = (
    "Step 0 is missing: nothing says which model '{run}' began with. To have it in "
    "every curve and comparison, name its folder: --base PATH"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is watched for, and what becomes of it."""

    folder: Path
    """Where training writes checkpoints; it may be still to come."""
    pattern: str = "checkpoint-*"
    """Glob of the checkpoints in it; `*/checkpoint-*` for several runs."""
    base: str | None = None
    """The model that training began with, as `run` takes checkpoints; None: what the
    first checkpoint says."""
    every: int = 1
    """Steps from one checkpoint that is evaluated to the next, or more; the last one
    always is."""
    keep_best: str | None = None
    """Metric or criterion by which folders of worse checkpoints are deleted; None:
    nothing is deleted."""
    signs: Signs = field(default_factory=Signs)
    """By what a checkpoint is whole and training over."""
    poll: float = 1.0
    """Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be watched: read and checked, nothing of it stored."""

    wish: Wish
    """What was asked for."""
    works: tuple[Work, ...]
    """The tasks."""
    loading: Loading
    """How checkpoints are loaded."""
    pruning: Pruning | None
    """What says which folders are deleted."""


def plan(tasks: Sequence[Task], wish: Wish, loading: Loading = AUTOMATIC) -> Planned:
    """Check all data and metrics, and what is to be watched; loads no model.

    Raises:
        HarnessError: something is not as it must be; says what and where.
    """
    if wish.every < 1:
        raise UsageError(f"--every {wish.every}: write a number of steps, 1 or more.")
    _check(wish.signs)
    if not wish.folder.is_dir() and not wish.folder.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {wish.folder}, nor the one in which training could "
            "make it."
        )
    if wish.base is not None:
        find_checkpoints([wish.base], loading)
    works = tuple(prepare(task) for task in tasks)
    by = wish.keep_best
    return Planned(wish, works, loading, Pruning.of(works, by) if by else None)


def watch(
    study: StudyFile,
    planned: Planned,
    *,
    executor: Executor = LOCAL,
    progress: Progress = silent,
    remark: Callable[[str], None] = lambda _: None,
) -> Watch:
    """Evaluate each checkpoint once it is whole, until training is over.

    Step 0 comes first, then checkpoints in the order of their steps; what the study
    holds already is not made again. Whoever ends it, by an exception or a kill, can
    begin again: nothing that was stored is lost.

    Args:
        study: where everything is stored.
        planned: what to watch, as `plan` gives it.
        executor: where models run; whoever made it closes it.
        progress: told what is being done.
        remark: told what users should know, as of a checkpoint that was left out.

    Returns:
        What does it while it is iterated over.
    """
    signs = replace(planned.wish.signs, pickles=planned.loading.allow_pickle)
    wish = planned.wish
    arrivals = Arrivals(wish.folder.resolve(), wish.pattern, signs)
    return Watch(study, planned, arrivals, progress, remark, executor)


@dataclass(slots=True)
class Watch:
    """A training that is watched: iterating over it gives each checkpoint's run."""

    study: StudyFile
    """Where everything is stored."""
    planned: Planned
    """What is watched."""
    arrivals: Arrivals
    """The checkpoints."""
    progress: Progress
    """Told what is being done."""
    remark: Callable[[str], None]
    """Told what users should know."""
    executor: Executor = LOCAL
    """Where models run."""
    failures: list[str] = field(default_factory=list)
    """What could not be evaluated, and why."""
    looked_at: dict[Path, State] = field(default_factory=dict)
    """Folders that are done with, as they were then."""
    passed_over: set[Path] = field(default_factory=set)
    """Those of them that were not due."""
    evaluated: dict[Path, Evaluated] = field(default_factory=dict)
    """Those of them that were evaluated."""
    begun: set[Path] = field(default_factory=set)
    """Runs whose step 0 is done with."""

    def __iter__(self) -> Iterator[Run]:
        if not self.arrivals.folders():
            wish = self.planned.wish
            self.remark(f"Waiting for {wish.pattern} in {wish.folder}.")
        if self.planned.wish.base is not None and "/" not in self.planned.wish.pattern:
            yield from self._step_zero(self.arrivals.folder)
        while True:
            # Whatever was whole when training ended is seen by the look that follows.
            over = self.arrivals.is_over()
            look = self.arrivals.look(time.monotonic())
            ending = over and look.is_still
            last = {folder.parent: folder for folder in look.whole}.values()
            for folder, state in look.whole.items():
                # Which one is the last is not known before the end.
                late = ending and folder in last and folder in self.passed_over
                if late or self.looked_at.get(folder) != state:
                    yield from self._step_zero(folder.parent, folder)
                    yield from self._evaluate(
                        folder, state, must=ending and folder in last
                    )
            if ending:
                for folder in look.left_out:
                    self.remark(f"{folder} is not whole, and was left out.")
                return
            time.sleep(self.planned.wish.poll)

    def _step_zero(self, run: Path, first: Path | None = None) -> Iterator[Run]:
        """The model that a training began with, before its first checkpoint."""
        if run in self.begun:
            return
        self.begun.add(run)
        siblings = [one for one in self.arrivals.folders() if one.parent == run]
        if any(step_of(one) == 0 for one in siblings):
            return
        base = self.planned.wish.base or (first and _base_named_by(first))
        if base is None:
            self.remark(NO_BASE.format(run=run.name))
            return
        [found] = find_checkpoints([str(base)], self.planned.loading)
        try:
            yield self._carried_out(replace(found, series=run.name, step=0))
        except CheckpointError as error:
            self._fail(f"{base}, where training began: {error}")

    def _evaluate(self, folder: Path, state: State, *, must: bool) -> Iterator[Run]:
        """One checkpoint, unless it is not due, or has changed since it was seen."""
        if not must and not self._is_due(folder):
            self.looked_at[folder] = state
            self.passed_over.add(folder)
            return
        self.passed_over.discard(folder)
        try:
            [found] = find_checkpoints([str(folder)], self.planned.loading)
            # A link belongs to where it lies.
            found = replace(
                found,
                series=folder.parent.name,
                name=folder.name,
                step=step_of(folder),
            )
            done = self._carried_out(found)
        except (CheckpointError, FileNotFoundError) as error:
            if state_of(folder) == state:
                self.looked_at[folder] = state
                self._fail(f"{folder} was left out: {error}")
            elif not folder.is_dir():
                self.remark(f"{folder} was deleted before it was evaluated.")
            return
        except MetricError as error:
            self.looked_at[folder] = state
            self._fail(f"{folder}: {error}")
            return
        self.looked_at[folder] = state
        self.evaluated[folder] = Evaluated(state, done.checkpoints[0])
        yield done
        self._prune(folder.parent)

    def _is_due(self, folder: Path) -> bool:
        """Whether a checkpoint is `every` steps from the one that was evaluated before.

        One whose step was evaluated is too: it may have been written anew, or its
        evaluation been interrupted.
        """
        step = step_of(folder)
        known = stored_checkpoints(self.study)
        steps = [one.step for one in known if one.series == folder.parent.name]
        if step is None or step in steps:
            return True
        before = [one for one in steps if one is not None and one < step]
        return not before or step - max(before) >= self.planned.wish.every

    def _carried_out(self, found: Found) -> Run:
        known = known_hashes(self.study)
        hashes = dict(known)
        prints = fingerprints([found], hashes, self.planned.loading, self.progress)
        planned = Plan(
            checkpoints=(f"{found.series}={found.location}",),
            loading=self.planned.loading,
            works=self.planned.works,
            found=(found,),
            prints=tuple(prints),
            hashes={stamp: hashes[stamp] for stamp in hashes.keys() - known.keys()},
        )
        return carry_out(self.study, planned, self.progress, self.executor)

    def _prune(self, run: Path) -> None:
        pruning = self.planned.pruning
        if pruning is None:
            return
        own = {
            folder: self.evaluated[folder]
            for folder in self.arrivals.folders()
            if folder.parent == run and folder in self.evaluated
        }
        for folder in pruning.doomed(self.study, own):
            if self.arrivals.is_own(folder):
                delete(folder, own[folder].state, self.remark)

    def _fail(self, problem: str) -> None:
        self.failures.append(problem)
        self.remark(problem)


def _check(signs: Signs) -> None:
    """Refuse what could never be, or always.

    Raises:
        UsageError: says what and why.
    """
    if not 0 <= signs.settle < inf:
        raise UsageError(f"--settle {signs.settle:g}: write seconds, 0 or more.")
    for option, name in (("--ready-marker", signs.ready), ("--until", signs.until)):
        if name is not None and (name in {"", ".."} or name != Path(name).name):
            raise UsageError(f"{option} '{name}': write the name of a file.")


def _base_named_by(checkpoint: Path) -> Path | None:
    """The folder of the model that a checkpoint says it was made from."""
    try:
        if (checkpoint / "adapter_config.json").is_file():
            return base_of(checkpoint)
        named = read_json(checkpoint / "config.json").get("_name_or_path")
    except (CheckpointError, OSError):
        return None
    base = Path(str(named or ""))
    # What trainings go on from may be the very folder that they write to.
    if not named or not (base / "config.json").is_file() or base == checkpoint:
        return None
    return base.resolve()
