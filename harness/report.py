"""Report: metrics and raters side by side, with a verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from harness.errors import NotFound, StudyError
from harness.metrics.signatures import labels
from harness.progress import silent
from harness.reporting.agreement import alphas, metric_agreements, rated_outputs
from harness.reporting.baselines import copy_baseline
from harness.reporting.clusters import metric_clusters
from harness.reporting.combined import Asked, Combiner
from harness.reporting.conduct import protocol_of
from harness.reporting.curves import reaches
from harness.reporting.disagreements import disagreements
from harness.reporting.estimates import Estimator, Resampling, leads, rebuild
from harness.reporting.evidence import gather
from harness.reporting.keeping import keeping_all
from harness.reporting.leading import combined
from harness.reporting.learning import learning_curves
from harness.reporting.model import CheckpointReport, MetricInfo, Report, TaskReport
from harness.reporting.notes import notes
from harness.reporting.partings import partings
from harness.reporting.preferred import preferred
from harness.reporting.rater_notes import rater_notes
from harness.reporting.rater_work import rated_here, rater_work
from harness.reporting.recount import recount
from harness.reporting.reliability import reliability
from harness.reporting.targets import fits, named, target
from harness.reporting.verdict import verdict
from harness.stats.side_by_side import side_by_side
from harness.study.checkpoints import configurations_for
from harness.study.items import stored_tasks
from harness.study.training_logs import stored_logs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor, Future

    from harness.campaign import Campaign
    from harness.metrics import Metric
    from harness.progress import Progress
    from harness.reporting.combined import Combined
    from harness.reporting.evidence import Evidence
    from harness.reporting.lead import Lead
    from harness.reporting.model import Parting
    from harness.reporting.people import Preferred, Raters, Reliability
    from harness.reporting.targets import Fit, Human
    from harness.stats.correlation import Over
    from harness.study import StudyFile
    from harness.types import Checkpoint, Estimate, Json

    OfRaters = tuple[Raters, tuple[Reliability, ...]]
    Values = Mapping[str, Mapping[str, Estimate]]

DRAWS = 1000
PACKAGES = ("tandem-eval", "numpy", "scipy", "sacrebleu", "rouge-score", "evaluate")


def report(  # noqa: PLR0913 - one argument a setting
    study: StudyFile,
    tasks: Sequence[str] | None = None,
    *,
    human: str = "raw",
    draws: int = DRAWS,
    seed: int = 0,
    over: Over = "items",
    asked: Asked | None = None,
    progress: Progress = silent,
) -> Report:
    """What metrics and raters say of each checkpoint, and how far they agree.

    No model is loaded and nothing is stored. The same study gives the same report.

    Args:
        study: what was generated, scored and rated.
        tasks: names; None: every task in the study.
        human: what counts as people's judgment: `raw`, `z` or `adjusted`; see
            `harness.reporting.targets.target`.
        draws: resamples behind each interval.
        seed: seed of the resamples.
        over: what intervals of agreement resample: `items`, or `both` items and
            checkpoints, which needs eight checkpoints and takes longer.
        asked: which metric's scores go with ratings, and what those intervals are
            about; None: the first metric that can, and prompts like these.
        progress: told of every task, and of every metric compared with people.

    Raises:
        NotFound: the study has no such task or metric, or there is no such `human` or
            estimand; the nearest name is suggested.
        UsageError: checkpoints are to be resampled where there are fewer than eight.
    """
    judged_by, asked = named(human), (asked or Asked()).checked()
    known = stored_tasks(study)
    for name in tasks or ():
        if name not in known:
            raise NotFound("task with outputs", name, known)
    wanted = known if tasks is None else list(dict.fromkeys(tasks))
    found = []
    for number, name in enumerate(wanted):
        progress("report", number, len(wanted))
        resampling = Resampling(draws, seed, over)
        with keeping_all():
            made = _task_report(study, name, judged_by, (resampling, asked), progress)
        found.append(made)
    progress("report", len(wanted), len(wanted))
    return Report(
        study=study.path.name,
        tasks=tuple(found),
        draws=draws,
        seed=seed,
        versions=_versions(),
        human=judged_by,
    )


def _task_report(
    study: StudyFile,
    task: str,
    human: Human,
    settings: tuple[Resampling, Asked],
    progress: Progress,
) -> TaskReport:
    resampling, asked = settings
    given, metrics, missing = rebuild(gather(study, task))
    # All in here, so that numbers do not depend on how many threads multiply matrices.
    with side_by_side() as threads:
        models = fits(given)
        whom = threads.submit(_of_raters, given, models, resampling)
        judged = target(given, human, models)
        scaled = human == "raw"
        estimator = Estimator(judged.evidence, metrics, resampling, scaled)
        combiner = Combiner.of(judged.evidence, metrics, asked, scaled=scaled)
        found = _results(estimator, combiner, whom, threads, progress)
        found = replace(
            found,
            human=human,
            notes=(*missing, *judged.warnings, *notes(given, found.raters)),
        )
        found = _with_people(found, study, given)
        found = _with_configurations(found, configurations_for(study, task), given)
        found = replace(
            found,
            recount=recount(found, given, resampling),
            learning=learning_curves(stored_logs(study, task)),
        )
        return replace(found, sentences=verdict(found))


def _of_raters(
    given: Evidence, models: Mapping[str, Fit], resampling: Resampling
) -> OfRaters:
    """Who rated, and how far they can be relied upon."""
    raters = given.raters(alphas(given, resampling))
    return raters, reliability(given, models, resampling)


def _results(
    estimator: Estimator,
    combiner: Combiner,
    whom: Future[OfRaters],
    threads: Executor,
    progress: Progress,
) -> TaskReport:
    """What metrics and raters say of the outputs, and how far they agree."""
    evidence, resampling = estimator.evidence, estimator.resampling
    rated = rated_outputs(evidence)
    values = estimator.values_of([one.id for one in evidence.checkpoints])
    human = estimator.ratings()
    baseline = copy_baseline(evidence, resampling)
    # Metrics may be anybody's code, which runs in one thread at a time.
    ranked = threads.submit(_Between.of, estimator, combiner, values, human)
    tested = threads.submit(metric_clusters, evidence, resampling, progress=progress)
    agreement = metric_agreements(evidence, resampling, threads, progress=progress)
    infos = _infos(evidence, estimator.metrics)
    between, (raters, reliable) = ranked.result(), whom.result()
    return TaskReport(
        task=evidence.task,
        description=evidence.description,
        items=len(evidence.items),
        metrics=infos,
        criteria=evidence.criteria,
        checkpoints=tuple(
            _checkpoint_report(evidence, one, values[one.id], human[one.id])
            for one in evidence.checkpoints
        ),
        baselines=(baseline,) if baseline else (),
        agreement=tuple(agreement),
        clusters=tuple(tested.result()),
        disagreements=tuple(disagreements(rated, agreement, infos)),
        raters=raters,
        reliability=reliable,
        rated=rated,
        sentences=(),
        notes=(),
        has_outputs=evidence.has_outputs,
        preferred=between.preferred,
        leads=between.leads,
        combined=between.combined,
        partings=between.partings,
        reaches=between.reaches,
    )


@dataclass(frozen=True, slots=True)
class _Between:
    """What a report says of checkpoints beside each other, by its own names."""

    leads: tuple[Lead, ...]
    """See `TaskReport`, as of all of these."""
    combined: tuple[Combined, ...]
    """By criterion."""
    preferred: tuple[Preferred, ...]
    """By criterion."""
    partings: tuple[Parting, ...]
    """The surest first."""
    reaches: Mapping[tuple[bool, str], Estimate]
    """Of the checkpoints with steps."""

    @classmethod
    def of(
        cls, estimator: Estimator, combiner: Combiner, values: Values, human: Values
    ) -> _Between:
        """By values and mean ratings of each checkpoint."""
        evidence = estimator.evidence
        preferences, ahead = preferred(
            evidence.comparisons, evidence.labels, estimator.resampling
        )
        found = (*leads(estimator, values, human), *ahead)
        rows, rested = combined(combiner, found)
        return cls(
            leads=rested,
            combined=rows,
            preferred=tuple(preferences),
            partings=partings(estimator),
            reaches=reaches(estimator, values, human),
        )


def _with_people(found: TaskReport, study: StudyFile, given: Evidence) -> TaskReport:
    """The report with how each rater worked, and what is to be noted of that."""
    unread: tuple[str, ...] = ()
    campaigns: list[Campaign] = []
    try:
        campaigns = rated_here(study, found.task)
    except StudyError as error:
        unread = (str(error),)
    work = rater_work(study, campaigns, given, found.reliability)
    of_raters = (*unread, *rater_notes(study, campaigns, work))
    return replace(
        found,
        campaigns=work,
        protocol=protocol_of(study, given),
        rater_notes=of_raters,
        notes=(*found.notes, *of_raters),
    )


def _with_configurations(
    task: TaskReport, trained: Mapping[str, Mapping[str, Json]], evidence: Evidence
) -> TaskReport:
    """The report with how its checkpoints were trained, and what of that is unknown."""
    known = [trained.get(checkpoint.id, {}) for checkpoint in evidence.checkpoints]
    problems = dict.fromkeys(one for some in known for one in some.get("problems", ()))
    return replace(
        task,
        checkpoints=tuple(
            replace(checkpoint, configuration=some.get("values", {}))
            for checkpoint, some in zip(task.checkpoints, known, strict=True)
        ),
        notes=(*task.notes, *(f"Not read: {problem}" for problem in problems)),
    )


def _checkpoint_report(
    evidence: Evidence,
    checkpoint: Checkpoint,
    metrics: Mapping[str, Estimate],
    human: Mapping[str, Estimate],
) -> CheckpointReport:
    outputs = evidence.outputs[checkpoint.id]
    return CheckpointReport(
        name=checkpoint.name,
        series=checkpoint.series,
        step=checkpoint.step,
        label=evidence.labels[checkpoint.id],
        outputs=len(outputs),
        metrics=metrics,
        human=human,
        prompts_cut=sum(output.truncated for output in outputs),
        used=evidence.used.get(checkpoint.id, {}),
    )


def _infos(evidence: Evidence, metrics: Mapping[str, Metric]) -> tuple[MetricInfo, ...]:
    from harness.metrics import Whole

    label = labels(evidence.signatures)
    return tuple(
        MetricInfo(
            signature=signature,
            name=evidence.descriptions[signature]["name"],
            label=label[signature],
            unit=metric.unit,
            higher_is_better=metric.higher_is_better,
            directed=metric.directed,
            of="likelihoods"
            if evidence.of_likelihoods(signature)
            else "whole"
            if isinstance(metric, Whole)
            else "outputs",
        )
        for signature, metric in metrics.items()
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
