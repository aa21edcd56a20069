"""Diagnose: why is it not learning, by everything that is known of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.diagnosis.configuration import (
    DataFacts,
    check_configuration,
    read_settings,
)
from harness.diagnosis.curves import check_curves
from harness.diagnosis.data import check_data
from harness.diagnosis.found import RunFiles, find_files
from harness.diagnosis.model import Findings, NotChecked
from harness.diagnosis.outputs import check_outputs
from harness.diagnosis.outputs.checks import named_by_task
from harness.diagnosis.outputs.subject import DRAWS, subject_of
from harness.diagnosis.pairs import training_pairs
from harness.diagnosis.people import check_people
from harness.diagnosis.stopping import check_stopping
from harness.diagnosis.stored import stored_training
from harness.diagnosis.verdict import verdict
from harness.diagnosis.whole_answers import check_whole_answers
from harness.errors import InputError, MissingData, MissingPackage, StudyError
from harness.logs import TrainingLog, merged, read_training
from harness.progress import silent
from harness.report import report
from harness.study import StudyFile
from harness.study.items import stored_items, stored_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.configuration import Settings
    from harness.diagnosis.model import Diagnosis
    from harness.diagnosis.outputs.subject import Subject
    from harness.progress import Progress
    from harness.types import Item

    Pair = tuple[str, str]

NO_DATA = "no training data were named or found: --data FILE"
NO_LOG = "no training log was named, found or kept: --log FILE, or a run's folder"
NO_STUDY = "no study was named: --db STUDY"
NO_OUTPUTS = "the study has no outputs: harness run"
NO_CONFIG = "no settings were named or found: --config FILE, or a run's folder"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where all that is checked lies; None where there is nothing."""

    run: Path | None
    """Folder of the run."""
    data: Path | None
    """Training data."""
    data_named: bool
    """Whether a user named them; else they were found in the run's folder."""
    held_out: Path | str | None
    """Held-out data, or the name of a task."""
    tokenizer: Path | None
    """Folder with the run's tokenizer."""
    log: TrainingLog | None
    """All that the run logged."""
    settings: Settings
    """How the run was set up; empty where that is unknown."""
    study: StudyFile | None
    """Outputs and ratings."""
    no_study: str = NO_STUDY
    """Why there is none, where there is none."""


def diagnose(  # noqa: PLR0913 - one argument an option
    run_dir: Path | str | None = None,
    *,
    data: Path | str | None = None,
    held_out: Path | str | None = None,
    config: Path | str | None = None,
    log: Path | str | TrainingLog | None = None,
    study: StudyFile | None = None,
    progress: Progress = silent,
) -> Diagnosis:
    """Check what there is of a run, and name the likeliest causes of its failing.

    Nothing is needed; what cannot be checked for want of it is listed with the reason.

    Args:
        run_dir: folder of the run, in which log, settings, data and a study are
            looked for.
        data: training data.
        held_out: held-out data, or name of a task.
        config: file with the trainer's settings.
        log: training log or a folder of logs, or what was read of it; without one, and
            without a run's folder that has one, the curves that the study keeps.
        study: with outputs, scores and ratings of the run's checkpoints.
        progress: told of each area.

    Raises:
        InputError: a file that was named cannot be read, or a folder is none.
        NotFound: `held_out` is neither a file nor a task.
    """
    run = None if run_dir is None else Path(run_dir)
    files = RunFiles() if run is None else find_files(run)
    found, no_study = (None, "") if study is not None else _found_study(files.study)
    study = found if study is None else study
    known = log if isinstance(log, TrainingLog) else _read_log(log, run)
    if known is None and study is not None:
        known = stored_training(study, _tasks(study, held_out))
    given = Evidence(
        run=run,
        data=files.data if data is None else Path(data),
        data_named=data is not None,
        held_out=files.held_out if held_out is None else held_out,
        tokenizer=files.tokenizer,
        log=known,
        settings=read_settings(
            run,
            None if config is None else Path(config),
            () if known is None else (known,),
        ),
        study=study,
        no_study=no_study,
    )
    findings = _findings(given, progress)
    if found is not None:
        found.close()
    return replace(verdict(findings), log=known)


def _found_study(path: Path | None) -> tuple[StudyFile | None, str]:
    """The study in a run's folder, or why there is none."""
    if path is None:
        return None, NO_STUDY
    try:
        return StudyFile(path, must_exist=True), ""
    except StudyError as error:
        return None, str(error)


def _findings(given: Evidence, progress: Progress) -> list[Findings]:
    data, pairs = _data(given, progress)
    progress("diagnosis", 1, 4)
    configuration = _configuration(given, len(pairs) or None, data)
    progress("diagnosis", 2, 4)
    curves = _absent("curves", NO_LOG) if given.log is None else check_curves(given.log)
    progress("diagnosis", 3, 4)
    subjects = _subjects(given, pairs)
    outputs = _of_study(given, subjects)
    subject = subjects[0] if subjects else None
    both = [check_stopping(given.log, subject), check_whole_answers(given.log, subject)]
    progress("diagnosis", 4, 4)
    return [data, configuration, curves, *outputs, *both]


def _read_log(log: Path | str | None, run: Path | None) -> TrainingLog | None:
    """All logs as one; None where none was named and the run's folder has none."""
    place = run if log is None else Path(log)
    if place is None:
        return None
    if not place.exists():
        raise MissingData("there is no such log", file=place)
    found = read_training(place)
    problems = tuple(problem for one in found for problem in one.problems)
    if log is not None and not any(one.curves for one in found):
        told = "; ".join(problems) or "there is no training log in it"
        raise InputError(told, file=place)
    known = merged(found)
    if known is None and problems:
        return TrainingLog(str(place), "none", {}, problems=problems)
    return known


def _data(given: Evidence, progress: Progress) -> tuple[Findings, list[Pair]]:
    """What the training data show, and their prompts and answers."""
    if given.data is None:
        return _absent("data", NO_DATA), []
    try:
        found = check_data(
            given.data,
            _stored_held_out(given) or given.held_out,
            tokenizer=given.tokenizer,
            limit=given.settings.max_length,
            progress=progress,
        )
        return found, training_pairs(given.data)
    except MissingPackage as error:
        return _absent("data", str(error)), []
    except InputError as error:
        if given.data_named:
            raise
        return _absent("data", str(error)), []


def _stored_held_out(given: Evidence) -> list[Item]:
    """The study's items, of the task that was named or, if nothing was, of all."""
    if given.study is None:
        return []
    tasks = stored_tasks(given.study)
    if given.held_out is not None:
        tasks = [task for task in tasks if task == str(given.held_out)]
    return [one for task in tasks for one in stored_items(given.study, task)]


def _configuration(given: Evidence, rows: int | None, data: Findings) -> Findings:
    if not given.settings.values and not given.settings.problems:
        return _absent("configuration", NO_CONFIG)
    lengths = [one.value for one in data.checks if one.name == "example_length"]
    longest = int(lengths[0]) if lengths and isinstance(lengths[0], float) else None
    return check_configuration(given.settings, DataFacts(rows, longest))


def _subjects(given: Evidence, training: Sequence[Pair]) -> list[Subject]:
    if given.study is None:
        return []
    tasks = _tasks(given.study, given.held_out)
    found = [subject_of(given.study, task, training) for task in tasks]
    return [one for one in found if one is not None]


def _tasks(study: StudyFile, held_out: Path | str | None) -> list[str]:
    """The task that was named, else every task of the study."""
    tasks = stored_tasks(study)
    return [str(held_out)] if str(held_out) in tasks else tasks


def _of_study(given: Evidence, subjects: Sequence[Subject]) -> list[Findings]:
    """What outputs and ratings of each task show."""
    study = given.study
    if study is None or not subjects:
        reason = given.no_study if study is None else NO_OUTPUTS
        return [_absent("outputs", reason), _absent("people", reason)]
    found: list[Findings] = []
    for subject in subjects:
        task = subject.evidence.task
        made = report(study, [task], draws=DRAWS).tasks[0]
        of_task = [check_outputs(subject), check_people(subject, made)]
        several = len(subjects) > 1
        found += [named_by_task(o, task) for o in of_task] if several else of_task
    return found


def _absent(area: str, reason: str) -> Findings:
    return Findings(not_checked=(NotChecked(area, reason),))
