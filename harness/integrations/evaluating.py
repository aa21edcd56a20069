"""A suite, run on a model that is being trained, as `harness run` would run it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.backends import AUTOMATIC
from harness.backends.transformers import TransformersBackend
from harness.checkpoints import LOCAL, Found, register
from harness.errors import UsageError
from harness.integrations.memory import InMemory, undisturbed
from harness.run import Plan, carry_out
from harness.study import StudyFile
from harness.study.checkpoints import known_hashes
from harness.task import find_suite, load_tasks, suite_name
from harness.values import values_of
from harness.work import Work, prepare

if TYPE_CHECKING:
    from harness.types import Checkpoint
    from harness.values import Value


@dataclass(frozen=True, slots=True)
class Moment:
    """The model at one step of its training."""

    network: Any
    """The model."""
    tokenizer: Any
    """Its tokenizer."""
    step: int
    """Optimizer steps so far."""
    saved: Path
    """A folder that it was saved to now, perhaps for a moment."""
    location: Path
    """Where it is, or would be, kept."""
    precision: str = "no"
    """Of accelerate's mixed precision."""


@dataclass(slots=True)
class Evaluator:
    """A suite and the study that its results go to."""

    suite: str
    """Path of a task or suite file, or the name of a bundled one."""
    db: Path
    """The study file."""
    series: str
    """What the training is called in the study."""
    batch_size: int | None = None
    """Most texts at a time; None: what suits."""
    works: tuple[Work, ...] = ()
    """The tasks, read and checked."""
    evaluated: dict[int, Checkpoint] = field(default_factory=dict)
    """Step to what it is in the study."""

    @classmethod
    def of(
        cls,
        suite: str | Path,
        db: str | Path | None,
        series: str,
        *,
        batch_size: int | None = None,
    ) -> Evaluator:
        """Read and check a suite.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            db: the study file; None: `results/SUITE.db`.
            series: what the training is called; as a rule its folder's name.
            batch_size: most texts at a time; None: what suits.

        Raises:
            HarnessError: something is not as it must be; says what and where.
        """
        name = str(suite)
        path = Path("results") / f"{suite_name(find_suite(name))}.db"
        works = tuple(map(prepare, load_tasks(name)))
        # As `--checkpoint SERIES=PATH` takes it.
        plain = re.sub(r"[^\w.-]+", "-", series).lstrip("-._") or "run"
        return cls(name, Path(db or path), plain, batch_size, works)

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return [work.task.name for work in self.works]

    def evaluate(self, moment: Moment) -> list[Value]:
        """Generate and score, as far as the study lacks it; the values of all metrics.

        Raises:
            HarnessError: the model cannot read the prompts, or a metric fails.
        """
        network, tokenizer = plain(moment.network), text_tokenizer(moment.tokenizer)
        print_ = TransformersBackend().fingerprint(str(moment.saved), {})
        planned = Plan(
            checkpoints=(f"{self.series}={moment.location}",),
            loading=AUTOMATIC,
            works=self.works,
            found=(self._found(moment.step, moment.location),),
            prints=(print_,),
            backend=InMemory(
                network,
                tokenizer,
                print_,
                precision=moment.precision,
                batch_size=self.batch_size,
            ),
        )
        study = StudyFile(self.db)
        try:
            with undisturbed(network, tokenizer):
                done = carry_out(study, planned)
            self.evaluated[moment.step] = done.checkpoints[0]
            return values_of(study, self.tasks, done.checkpoints[0])
        finally:
            study.close()

    def keep(self, step: int, location: Path) -> None:
        """Note that what was evaluated at a step was saved, and how it was trained."""
        checkpoint = self.evaluated.get(step)
        if checkpoint is None:
            return
        study = StudyFile(self.db)
        hashes = known_hashes(study)
        found = self._found(step, location)
        if TransformersBackend().fingerprint(found.location, hashes) == (
            checkpoint.fingerprint
        ):
            register(study, [found], [checkpoint.fingerprint])
        study.close()

    def _found(self, step: int, location: Path) -> Found:
        return Found(LOCAL, str(location.resolve()), location.name, self.series, step)


def plain(network: Any) -> Any:
    """The network of the transformers package in a wrapper of PEFT or torch.

    Raises:
        UsageError: there is none.
    """
    for name in ("module", "_orig_mod"):
        network = getattr(network, name, network)
    if hasattr(network, "get_base_model"):
        network = network.get_base_model()
    if not hasattr(network, "get_input_embeddings") or not hasattr(network, "config"):
        raise UsageError(
            f"{type(network).__name__} is no model of the transformers package, so "
            "that it cannot be evaluated in memory. Save checkpoints that harness can "
            "run, and use harness watch."
        )
    return network


def text_tokenizer(tokenizer: Any) -> Any:
    """The tokenizer, also of a processor of several kinds of input.

    Raises:
        UsageError: there is none.
    """
    found = getattr(tokenizer, "tokenizer", tokenizer)
    if found is None or not hasattr(found, "padding_side"):
        raise UsageError(
            "There is no tokenizer to evaluate with. Pass it to the trainer as "
            "processing_class."
        )
    return found
