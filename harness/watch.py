"""Watch: run the suite on every checkpoint of a training as it appears."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from math import inf
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from harness.arrivals import Arrivals, Signs, state_of
from harness.backends import AUTOMATIC
from harness.backends.folder import base_of, read_json
from harness.checkpoints import find_checkpoints, fingerprints, step_of
from harness.errors import CheckpointError, MetricError, StudyBusy, UsageError
from harness.executors import LOCAL
from harness.generate import is_open
from harness.lanes import as_made
from harness.progress import silent
from harness.pruning import Evaluated, Pruning, delete
from harness.run import Plan, carry_out
from harness.study.checkpoints import known_hashes, store_hashes, stored_checkpoints
from harness.work import prepare

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Generator,
        Iterator,
        Mapping,
        Sequence,
    )

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
    if wish.folder.exists() and not wish.folder.is_dir():
        raise UsageError(f"{wish.folder} is a file: name the folder of checkpoints.")
    if not wish.folder.is_dir() and not wish.folder.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {wish.folder}, nor the one in which training could "
            "make it."
        )
    if wish.base is not None and len(find_checkpoints([wish.base], loading)) > 1:
        raise UsageError(f"--base {wish.base} stands for several: write one of them.")
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
    under_way: list[Path] = field(default_factory=list)
    """Folders whose turn it is, and of which the study need not know yet."""
    judging: Lock = field(default_factory=Lock)
    """Held while a metric judges."""

    def __iter__(self) -> Iterator[Run]:
        return self.runs()

    def runs(self) -> Generator[Run]:
        """Each checkpoint's run; closing it ends what is under way."""
        wish = self.planned.wish
        if not self.arrivals.folders():
            self.remark(f"Waiting for {wish.pattern} in {wish.folder}.")
        while True:
            # Whatever was whole when training ended is seen by the look that follows.
            over = self.arrivals.is_over()
            look = self.arrivals.look(time.monotonic())
            ending = over and look.is_still
            try:
                if wish.base is not None and "/" not in wish.pattern:
                    yield from self._step_zero(self.arrivals.folder)
                yield from self._evaluate(look.whole, ending=ending)
            except StudyBusy as busy:
                # Training may go on for days after whoever held the lock.
                self.remark(f"{busy} It is tried again now.")
                ending = False
            if ending:
                for folder in look.left_out:
                    self.remark(f"{folder} is not whole, and was left out.")
                return
            time.sleep(wish.poll)

    def _evaluate(self, whole: Mapping[Path, State], *, ending: bool) -> Iterator[Run]:
        """What is whole and due, side by side where the executor can."""
        last = {folder.parent: folder for folder in whole}.values() if ending else ()
        due = self._due(whole, last)
        at_once = None if self.executor.has_lanes else 1
        while some := list(islice(due, at_once)):
            for folder in some:
                yield from self._step_zero(folder.parent, folder)
            lanes = [self.executor]
            if len(some) > 1:
                lanes = [*self.executor.lanes(self._unmade(some), self.planned.loading)]
            made = as_made(
                lanes,
                some,
                self._attempt,
                progress=self.progress,
                leave=self.study.close,
            )
            with closing(made):
                for folder, done in zip(some, made, strict=True):
                    yield from self._settled(folder, whole[folder], done)
            self.under_way.clear()

    def _due(
        self, whole: Mapping[Path, State], last: Collection[Path]
    ) -> Iterator[Path]:
        """Those that are new, or written anew, and not nearer than they may be."""
        self.under_way.clear()
        for folder, state in whole.items():
            # Which one is the last is not known before the end.
            late = folder in last and folder in self.passed_over
            if not late and self.looked_at.get(folder) == state:
                continue
            if folder in last or self._is_due(folder):
                self.passed_over.discard(folder)
                self.under_way.append(folder)
                yield folder
            else:
                self.looked_at[folder] = state
                self.passed_over.add(folder)

    def _step_zero(self, run: Path, first: Path | None = None) -> Iterator[Run]:
        """The model that a training began with, before its first checkpoint."""
        if run in self.begun:
            return
        siblings = [one for one in self.arrivals.folders() if one.parent == run]
        if any(step_of(one) == 0 for one in siblings):
            self.begun.add(run)
            return
        base = self.planned.wish.base or (first and _base_named_by(first))
        if base is None:
            self.begun.add(run)
            self.remark(NO_BASE.format(run=run.name))
            return
        try:
            [found] = find_checkpoints([str(base)], self.planned.loading)
            found = replace(found, series=run.name, step=0)
            done = self._carried_out(found, self.executor, self.progress)
        except (CheckpointError, FileNotFoundError, MetricError) as error:
            self.begun.add(run)
            self._fail(f"{base}, where training began: {error}")
            return
        self.begun.add(run)
        yield done

    def _attempt(
        self, folder: Path, executor: Executor, progress: Progress
    ) -> Run | Exception:
        """A checkpoint's run, or why there is none, which keeps no other from one."""
        try:
            return self._carried_out(self._found(folder), executor, progress)
        except (CheckpointError, FileNotFoundError, MetricError) as error:
            return error

    def _found(self, folder: Path) -> Found:
        [found] = find_checkpoints([str(folder)], self.planned.loading)
        # A link belongs to where it lies.
        return replace(
            found, series=folder.parent.name, name=folder.name, step=step_of(folder)
        )

    def _unmade(self, folders: Sequence[Path]) -> int:
        """How many of these have to be loaded, as far as they can be."""
        known, before = known_hashes(self.study), stored_checkpoints(self.study)
        there = {(one.series, one.fingerprint): one for one in before}
        works, loading, number = self.planned.works, self.planned.loading, 0
        hashes = dict(known)
        for folder in folders:
            # What is wrong with one is told when its turn comes.
            with suppress(CheckpointError, FileNotFoundError):
                found = self._found(folder)
                [print_] = fingerprints([found], hashes, loading, self.progress)
                stored = there.get((found.series, print_))
                number += stored is None or is_open(
                    self.study, replace(stored, location=found.location), works, loading
                )
        store_hashes(self.study, {s: hashes[s] for s in hashes.keys() - known.keys()})
        return number

    def _settled(
        self, folder: Path, state: State, done: Run | Exception
    ) -> Iterator[Run]:
        """What became of a checkpoint that was as it was seen, or has changed since."""
        if isinstance(done, MetricError):
            self.looked_at[folder] = state
            self._fail(f"{folder}: {done}")
        elif isinstance(done, Exception):
            if state_of(folder) == state:
                self.looked_at[folder] = state
                self._fail(f"{folder} was left out: {done}")
            elif not folder.is_dir():
                self.remark(f"{folder} was deleted before it was evaluated.")
        else:
            self.looked_at[folder] = state
            self.evaluated[folder] = Evaluated(state, done.checkpoints[0])
            yield done
            self._prune(folder.parent)

    def _is_due(self, folder: Path) -> bool:
        """Whether a checkpoint is `every` steps from the one that was evaluated before.

        One whose step was evaluated is too: it may have been written anew, or its
        evaluation been interrupted.
        """
        step, run = step_of(folder), folder.parent
        known = stored_checkpoints(self.study)
        steps = [one.step for one in known if one.series == run.name]
        steps += [step_of(one) for one in self.under_way if one.parent == run]
        if step is None or step in steps:
            return True
        before = [one for one in steps if one is not None and one < step]
        return not before or step - max(before) >= self.planned.wish.every

    def _carried_out(
        self,
        found: Found,
        executor: Executor,
        progress: Progress,
    ) -> Run:
        known = known_hashes(self.study)
        hashes = dict(known)
        prints = fingerprints([found], hashes, self.planned.loading, progress)
        planned = Plan(
            checkpoints=(f"{found.series}={found.location}",),
            loading=self.planned.loading,
            works=self.planned.works,
            found=(found,),
            prints=tuple(prints),
            hashes={stamp: hashes[stamp] for stamp in hashes.keys() - known.keys()},
        )
        return carry_out(self.study, planned, progress, executor, self.judging)

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
