"""Generate: fill in what a checkpoint has not answered yet, batch by batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, TypeVar

from harness.backends import AUTOMATIC, Request, Usage, backend_named
from harness.data import whole_text
from harness.errors import CheckpointError
from harness.executors import LOCAL, Order, identity_of
from harness.identity import content_hash
from harness.progress import silent
from harness.study.checkpoints import known_hashes, store_used
from harness.study.items import task_version
from harness.study.outputs import (
    Evaluation,
    output_id,
    store_evaluation,
    store_likelihoods,
    store_outputs,
)
from harness.types import Likelihood, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.backends import Backend, Generated, Loading, Model, Scored
    from harness.executors import Executor
    from harness.progress import Progress
    from harness.study import StudyFile
    from harness.types import Checkpoint, Passage
    from harness.work import Work

Key = TypeVar("Key", int, str)
LIKELIHOOD_POLICY = "conditional, first reference"
"""Part of every likelihood's key, and kept as it was when only these were asked for,
so that they stay valid; what a likelihood is of now stands in its target."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What generating for one task did."""

    task: str
    """Name of the task."""
    checkpoint: str
    """Id of the checkpoint."""
    generated: int
    """Outputs written now."""
    reused: int
    """Outputs that were there already."""
    likelihoods: int
    """Likelihoods computed now."""
    usage: Usage = field(default_factory=Usage)
    """What a server was asked for it."""


@dataclass(frozen=True, slots=True)
class _Gap:
    work: Work
    evaluation: Evaluation
    requests: list[Request]
    unscored: list[Passage]


def generate(  # noqa: PLR0913 - three things, and how they are worked on
    study: StudyFile,
    checkpoint: Checkpoint,
    works: Sequence[Work],
    *,
    run: int | None = None,
    loading: Loading = AUTOMATIC,
    backend: Backend | None = None,
    executor: Executor = LOCAL,
    stored: Callable[[str, Sequence[Output]], None] = lambda *_: None,
    progress: Progress = silent,
) -> list[Generation]:
    """Outputs and likelihoods of one checkpoint for tasks, as far as they are missing.

    The model is loaded once, and only if something is missing. Every batch is
    committed before the next one starts, so that nothing is lost at a crash.

    Args:
        study: where everything is stored.
        checkpoint: what is run.
        works: the tasks.
        run: number of the run that asks for it.
        loading: how the checkpoint is loaded.
        backend: what runs it in place of the one that it names.
        executor: where it runs; a backend that is given runs in this process.
        stored: told of a task's outputs once they are in the study.
        progress: told of loading and of every batch.

    Raises:
        CheckpointError: the model cannot be loaded, its server not reached, its folder
            was overwritten, or it gives more or fewer answers than were asked for.
    """
    if checkpoint.location is None:
        raise CheckpointError(
            f"'{checkpoint.name}' was imported: it has outputs but no model to run."
        )
    if backend is None:
        backend = backend_named(checkpoint.backend).with_loading(loading)
    else:
        executor = LOCAL
    identity = identity_of(backend, checkpoint.location)
    gaps = [_find_gap(study, checkpoint, work, identity) for work in works]
    store_used(study, run, checkpoint, identity)
    for gap in gaps:
        store_evaluation(study, gap.evaluation, run)
    usages = [Usage() for _ in gaps]
    if any(gap.requests or gap.unscored for gap in gaps):
        progress(f"{checkpoint.name}: load", 0, 1)
        known = known_hashes(study)
        order = Order.of(checkpoint, loading=loading, identity=identity, known=known)
        model = _loaded(executor, backend, order)
        progress(f"{checkpoint.name}: load", 1, 1)
        store_used(study, run, checkpoint, {**identity, **model.description})
        try:
            for number, gap in enumerate(gaps):
                before = model.usage
                for outputs in _answers(study, model, checkpoint, gap, progress):
                    stored(gap.work.task.name, outputs)
                _judge_passages(study, model, checkpoint, gap, progress)
                usages[number] = model.usage.since(before)
        except CheckpointError as error:
            _name(error, checkpoint)
            raise
        finally:
            model.close()
    return [_done(gap, usage) for gap, usage in zip(gaps, usages, strict=True)]


def is_open(
    study: StudyFile, checkpoint: Checkpoint, works: Sequence[Work], loading: Loading
) -> bool:
    """Whether a model has to be loaded to fill in what a checkpoint has not answered.

    Raises:
        CheckpointError: nothing can be loaded from where it lies.
    """
    backend = backend_named(checkpoint.backend).with_loading(loading)
    if checkpoint.location is None or backend.is_remote:
        return False
    identity = identity_of(backend, checkpoint.location)
    gaps = (_find_gap(study, checkpoint, work, identity) for work in works)
    return any(gap.requests or gap.unscored for gap in gaps)


def _done(gap: _Gap, usage: Usage) -> Generation:
    asked = len(gap.work.items) * gap.evaluation.samples
    return Generation(
        task=gap.work.task.name,
        checkpoint=gap.evaluation.checkpoint,
        generated=len(gap.requests),
        reused=asked - len(gap.requests),
        likelihoods=len(gap.unscored),
        usage=usage,
    )


def _name(error: CheckpointError, checkpoint: Checkpoint) -> None:
    """Have the error tell the checkpoint's name: a model does not know its own."""
    if checkpoint.name not in str(error):
        error.args = (f"{checkpoint.name}: {error}",)


def _loaded(executor: Executor, backend: Backend, order: Order) -> Model:
    """The checkpoint's model, which must be the one that its fingerprint is of.

    A run may take hours to come to a checkpoint, and training goes on meanwhile.
    """
    model = executor.load(backend, order)
    if not order.holds(backend):
        model.close()
        raise CheckpointError(
            f"{order.location} was written to, or deleted, after the run had begun. "
            "Nothing of the new contents was stored; run the same command again."
        )
    return model


def _find_gap(
    study: StudyFile, checkpoint: Checkpoint, work: Work, identity: dict[str, object]
) -> _Gap:
    drawing = work.task.generation
    samples = drawing.samples if drawing else 0
    settings = asdict(drawing) if drawing else {"generation": "none"}
    # One more sample is no other setting: the earlier ones stay as they are.
    settings.pop("samples", None)
    evaluation = Evaluation(
        checkpoint=checkpoint.id,
        task=work.task.name,
        task_hash=task_version(work.task.name, work.task.text),
        settings=content_hash(settings, identity),
        likelihood_settings=content_hash(LIKELIHOOD_POLICY, identity),
        samples=samples,
    )
    answered, scored = _answered(study, evaluation), _scored(study, evaluation)
    return _Gap(
        work=work,
        evaluation=evaluation,
        requests=[
            Request(item, sample)
            for item in work.items
            for sample in range(samples)
            if (item.id, sample) not in answered
        ],
        unscored=[
            passage
            for passage in work.passages
            if (passage.item.id, passage.target) not in scored
        ],
    )


def _answered(study: StudyFile, evaluation: Evaluation) -> set[tuple[str, int]]:
    """Item and sample of every output that is there."""
    rows = study.rows(
        "SELECT item, sample FROM outputs WHERE checkpoint = ? AND settings = ?",
        [evaluation.checkpoint, evaluation.settings],
    )
    return {(row["item"], row["sample"]) for row in rows}


def _scored(study: StudyFile, evaluation: Evaluation) -> set[tuple[str, str]]:
    """Item and target of every likelihood of today's texts that is there."""
    rows = study.rows(
        "SELECT likelihoods.item, target FROM likelihoods JOIN items "
        "ON items.id = likelihoods.item AND items.refs_hash = likelihoods.refs_hash "
        "WHERE checkpoint = ? AND settings = ?",
        [evaluation.checkpoint, evaluation.likelihood_settings],
    )
    return {(row["item"], row["target"]) for row in rows}


def _answers(
    study: StudyFile,
    model: Model,
    checkpoint: Checkpoint,
    gap: _Gap,
    progress: Progress,
) -> Iterator[list[Output]]:
    """Generate and store what is missing, a batch at a time."""
    label, done, total = f"{checkpoint.name}: generate", 0, len(gap.requests)
    drawing = gap.work.task.generation
    if not total or drawing is None:
        return
    progress(label, done, total)
    waiting = {(one.item.id, one.sample) for one in gap.requests}
    for batch in model.generate(gap.requests, drawing):
        _strike(waiting, [(one.item, one.sample) for one in batch], checkpoint)
        settings = gap.evaluation.settings
        outputs = [_output(one, checkpoint, settings) for one in batch]
        # Of what another process stored first, it is that one's words that count.
        yield store_outputs(study, outputs)
        done += len(batch)
        progress(label, done, total)
    _check_none_left(waiting, "answers", checkpoint)


def _judge_passages(
    study: StudyFile,
    model: Model,
    checkpoint: Checkpoint,
    gap: _Gap,
    progress: Progress,
) -> None:
    label, done, total = f"{checkpoint.name}: likelihood", 0, len(gap.unscored)
    if not total:
        return
    progress(label, done, total)
    passages = {(one.item.id, one.target): one for one in gap.unscored}
    waiting = set(passages)
    for batch in model.loglikelihood(gap.unscored):
        _strike(waiting, [(one.item, one.target) for one in batch], checkpoint)
        settings = gap.evaluation.likelihood_settings
        asked = [passages[one.item, one.target] for one in batch]
        store_likelihoods(
            study,
            [
                _likelihood(one, passage.text, checkpoint, settings)
                for one, passage in zip(batch, asked, strict=True)
            ],
            items=[passage.item for passage in asked],
        )
        done += len(batch)
        progress(label, done, total)
    _check_none_left(waiting, "likelihoods", checkpoint)


def _strike(
    waiting: set[tuple[str, Key]], given: list[tuple[str, Key]], checkpoint: Checkpoint
) -> None:
    """Take what a backend gave from what it was asked for."""
    for one in given:
        if one not in waiting:
            raise CheckpointError(
                f"Backend '{checkpoint.backend}' gave for checkpoint "
                f"'{checkpoint.name}' what it was not asked for, or gave it twice: "
                f"item '{one[0]}', '{one[1]}'."
            )
        waiting.remove(one)


def _check_none_left(
    waiting: set[tuple[str, Key]], what: str, checkpoint: Checkpoint
) -> None:
    if waiting:
        raise CheckpointError(
            f"Backend '{checkpoint.backend}' gave {len(waiting)} {what} of checkpoint "
            f"'{checkpoint.name}' less than it was asked for."
        )


def _output(one: Generated, checkpoint: Checkpoint, settings: str) -> Output:
    return Output(
        id=output_id(one.item, checkpoint.id, one.sample, settings),
        item=one.item,
        checkpoint=checkpoint.id,
        text=whole_text(one.text),
        sample=one.sample,
        settings=settings,
        finish=one.finish,
        prompt_tokens=one.prompt_tokens,
        new_tokens=one.new_tokens,
        truncated=one.truncated,
    )


def _likelihood(
    one: Scored, text: str, checkpoint: Checkpoint, settings: str
) -> Likelihood:
    counted = text[one.skipped :]
    return Likelihood(
        item=one.item,
        checkpoint=checkpoint.id,
        nll=one.nll,
        tokens=one.tokens,
        words=len(counted.split()),
        bytes=len(counted.encode("utf-8", "surrogatepass")),
        truncated=one.truncated,
        settings=settings,
        reason=one.reason,
        target=one.target,
        policy=one.policy,
    )
