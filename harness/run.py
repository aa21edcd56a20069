"""Run: generate and score every checkpoint of a suite, resumable at any moment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from harness.alongside import ScoringAlongside
from harness.backends import AUTOMATIC, Usage
from harness.backends.openai_jobs import training_files
from harness.checkpoints import Found, find_checkpoints, fingerprints, register
from harness.errors import MetricError, ServerError
from harness.executors import LOCAL
from harness.generate import Generation, generate, is_open
from harness.lanes import in_lanes
from harness.logs import merged, read_training
from harness.progress import silent
from harness.study.checkpoints import known_hashes, store_hashes
from harness.study.runs import finish, start
from harness.study.training_logs import store_log
from harness.work import Work, asked_by, prepare, score_work, store_work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.backends import Backend, Loading
    from harness.executors import Executor
    from harness.identity import FileStamp
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.task import Task
    from harness.types import Checkpoint


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do: all of it read and checked, nothing of it stored."""

    checkpoints: tuple[str, ...]
    """The checkpoints as the user named them."""
    loading: Loading
    """How they are loaded."""
    works: tuple[Work, ...]
    """The tasks."""
    found: tuple[Found, ...]
    """The checkpoints, by series and step."""
    prints: tuple[str, ...]
    """The fingerprint of each."""
    hashes: Mapping[FileStamp, str] = field(default_factory=dict)
    """Hashes of the files that had to be read for that."""
    backend: Backend | None = None
    """What runs the checkpoints in place of those that they name, say one that holds a
    model in memory."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did."""

    id: int
    """Number of the run in the study."""
    checkpoints: tuple[Checkpoint, ...]
    """The checkpoints it evaluated, by series and step."""
    generations: tuple[Generation, ...]
    """What was generated, for each checkpoint and task."""
    scores: int
    """Scores stored now."""
    judging: Usage
    """What servers were asked by metrics; they may have other prices."""
    remarks: tuple[str, ...] = ()
    """What users should know of the checkpoints and of what their training logged."""

    @property
    def usage(self) -> Usage:
        """What servers were asked for answers, over all checkpoints and tasks."""
        return sum((one.usage for one in self.generations), Usage())


def plan(
    tasks: Sequence[Task],
    checkpoints: Sequence[str],
    *,
    hashes: Mapping[FileStamp, str],
    loading: Loading = AUTOMATIC,
    progress: Progress = silent,
) -> Plan:
    """Check all data, metrics and checkpoints of a run; no model is loaded.

    Args:
        tasks: what to evaluate on.
        checkpoints: each `[SERIES=]PATH`, a glob, or `[SERIES=]BACKEND:NAME`.
        hashes: those of checkpoint files that were read before.
        loading: in which precision, where, and what is trusted.
        progress: told of every checkpoint that was read.

    Raises:
        HarnessError: something is not as it must be; says what and where.
    """
    found = find_checkpoints(checkpoints, loading)
    works = [prepare(task) for task in tasks]
    known = dict(hashes)
    prints = fingerprints(found, known, loading, progress)
    return Plan(
        checkpoints=tuple(checkpoints),
        loading=loading,
        works=tuple(works),
        found=tuple(found),
        prints=tuple(prints),
        hashes={stamp: known[stamp] for stamp in known.keys() - hashes.keys()},
    )


def run(  # noqa: PLR0913 - three things, and how they are worked on
    study: StudyFile,
    tasks: Sequence[Task],
    checkpoints: Sequence[str],
    *,
    rehash: bool = False,
    loading: Loading = AUTOMATIC,
    executor: Executor = LOCAL,
    progress: Progress = silent,
) -> Run:
    """Generate and score, as far as it has not been done.

    All data, metrics and checkpoint folders are checked before anything of them is
    stored and any model is loaded. A metric that fails keeps neither other metrics nor
    other checkpoints from being evaluated.

    Args:
        study: where everything is stored.
        tasks: what to evaluate on.
        checkpoints: each `[SERIES=]PATH`, a glob, or `[SERIES=]BACKEND:NAME`.
        rehash: read every file of a checkpoint again, also one that looks unchanged.
        loading: in which precision, where, and what is trusted.
        executor: where models run; whoever made it closes it.
        progress: told what is being done.

    Raises:
        HarnessError: something is not as it must be; says what and where.
    """
    hashes = {} if rehash else known_hashes(study)
    planned = plan(
        tasks, checkpoints, hashes=hashes, loading=loading, progress=progress
    )
    return carry_out(study, planned, progress, executor)


def carry_out(
    study: StudyFile,
    planned: Plan,
    progress: Progress = silent,
    executor: Executor = LOCAL,
    judging: Lock | None = None,
) -> Run:
    """Generate and score what was planned, as far as it has not been done.

    Checkpoints are evaluated side by side where the executor can.

    Args:
        study: where everything is stored.
        planned: what is done.
        progress: told what is being done.
        executor: where models run; whoever made it closes it.
        judging: held while a metric judges; for whoever carries out several plans of
            the same tasks at once.

    Raises:
        HarnessError: a model or a metric fails.
    """
    works, loading = planned.works, planned.loading
    store_hashes(study, planned.hashes)
    found = register(study, planned.found, planned.prints)
    remarks = _save_logs(study, planned.found)
    for work in works:
        store_work(study, work)
    number = start(
        study,
        "run",
        {"checkpoints": list(planned.checkpoints), "loading": asdict(loading)},
    )
    done = in_lanes(
        _lanes(study, planned, found, executor),
        found,
        _Evaluation(study, planned, number, judging or Lock()),
        progress=progress,
        leave=study.close,
    )
    for one in done:
        if one.failures:
            raise one.failures[0]
    finish(study, number)
    return Run(
        id=number,
        checkpoints=tuple(found),
        generations=tuple(made for one in done for made in one.generations),
        scores=sum(one.scores for one in done),
        judging=asked_by(works),
        remarks=tuple(remarks),
    )


def _lanes(
    study: StudyFile,
    planned: Plan,
    found: Sequence[Checkpoint],
    executor: Executor,
) -> Sequence[Executor]:
    """For the checkpoints that have to be loaded, as many as the executor has."""
    if planned.backend is not None or not executor.has_lanes or len(found) == 1:
        return [executor]
    works, loading = planned.works, planned.loading
    number = sum(is_open(study, one, works, loading) for one in found)
    return executor.lanes(number, loading)


@dataclass(frozen=True, slots=True)
class _Evaluated:
    generations: list[Generation]
    scores: int
    failures: list[MetricError]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Called with a checkpoint, where it runs and what is told: evaluates it."""

    study: StudyFile
    planned: Plan
    run: int
    judging: Lock

    def __call__(
        self, checkpoint: Checkpoint, executor: Executor, progress: Progress
    ) -> _Evaluated:
        study, works = self.study, self.planned.works
        with ScoringAlongside(
            study, checkpoint, works, progress, self.judging
        ) as alongside:
            generations = generate(
                study,
                checkpoint,
                works,
                run=self.run,
                loading=self.planned.loading,
                backend=self.planned.backend,
                executor=executor,
                stored=alongside.take,
                progress=progress,
            )
        scores, failures = alongside.stored, []
        for work in works:
            try:
                with self.judging:
                    scores += score_work(study, checkpoint, work, progress)
            except MetricError as error:
                failures.append(error)
        return _Evaluated(generations, scores, failures)


def logs_of(study: StudyFile, series: str) -> Path:
    """The folder beside the study in which a hosted training's logs are kept."""
    return study.path.parent / f"{study.path.stem}.logs" / series


def _save_logs(study: StudyFile, found: Sequence[Found]) -> list[str]:
    """Keep what hosted trainings logged; what of it cannot be had is no failure.

    Returns:
        What users should know, also of the checkpoints.
    """
    remarks = [remark for one in found for remark in one.remarks]
    for job, series in {one.job: one.series for one in found if one.job}.items():
        try:
            logged = training_files(job)
        except ServerError as error:
            remarks.append(f"Its logs are missing: {error}")
            continue
        folder = logs_of(study, series)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in logged.files.items():
            (folder / name).write_bytes(content)
        log = merged(read_training(folder))
        if log is not None:
            store_log(study, series, str(folder.resolve()), log)
        remarks += logged.remarks
    return remarks
