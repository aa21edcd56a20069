"""What a backend must do: know a checkpoint, load it, generate, score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness import identity
from harness.backends.loading import AUTOMATIC
from harness.errors import CheckpointError, UsageError
from harness.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping, Sequence

    from harness.backends.loading import Loading
    from harness.identity import FileStamp
    from harness.types import Generation, Item, Json, Passage

backends: Registry[Backend] = Registry("backend")

NO_LIKELIHOODS = "the backend gives no likelihoods"


@dataclass(frozen=True, slots=True)
class Request:
    """One answer wanted."""

    item: Item
    """The item whose prompt is to be answered."""
    sample: int = 0
    """Number of the sample, from 0; decides the seed together with the item."""


@dataclass(frozen=True, slots=True)
class Generated:
    """One answer as a model gave it."""

    item: str
    """Id of the item."""
    sample: int
    """Number of the sample."""
    text: str
    """The answer without the stop text and without special tokens."""
    finish: str = "stop"
    """`stop` (by itself or by a stop text), `length` (cut) or `filtered` (hidden)."""
    prompt_tokens: int | None = None
    """Tokens read, padding left out; None where a server does not say."""
    new_tokens: int | None = None
    """Tokens written, the end-of-sequence token left out; None as above."""
    truncated: bool = False
    """Whether the prompt was cut on the left to fit the model."""

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise CheckpointError(
                f"An answer must be a text, but is {self.text!r:.60}."
            )


@dataclass(frozen=True, slots=True)
class Scored:
    """How probable a model finds a passage."""

    item: str
    """Id of the item."""
    target: str
    """Which passage of the item."""
    nll: float = 0.0
    """Summed negative log-likelihood of the scored tokens, in nats."""
    tokens: int = 0
    """Scored tokens; 0 if the text is empty or by itself too long."""
    truncated: bool = False
    """Whether the prompt was cut on the left, or the text was too long."""
    reason: str | None = None
    """Why nothing was scored, as metrics will report it; `tokens` is then 0."""
    policy: str = "conditional"
    """How it was read: given the prompt, or as a document after which start token and
    in which windows."""
    skipped: int = 0
    """Letters of the text's first token, where it is not scored as nothing stands
    before it."""

    def __post_init__(self) -> None:
        if not isinstance(self.nll, float | int) or isnan(self.nll):
            raise CheckpointError(
                f"A likelihood must be a number, but is {self.nll!r}."
            )


@dataclass(frozen=True, slots=True)
class Usage:
    """What answers have cost so far."""

    requests: int = 0
    """Requests that were answered."""
    prompt_tokens: int = 0
    """Tokens read, as the server counts them."""
    new_tokens: int = 0
    """Tokens written, as the server counts them."""
    cost: float | None = None
    """In the currency of the prices; None where no prices are known."""
    remarks: tuple[str, ...] = ()
    """What users should know of how the answers came about."""

    def __add__(self, other: Usage) -> Usage:
        costs = [one for one in (self.cost, other.cost) if one is not None]
        return Usage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.new_tokens + other.new_tokens,
            sum(costs) if costs else None,
            tuple(dict.fromkeys(self.remarks + other.remarks)),
        )

    def since(self, earlier: Usage) -> Usage:
        """What was added after `earlier`."""
        cost = None if self.cost is None else self.cost - (earlier.cost or 0.0)
        return Usage(
            self.requests - earlier.requests,
            self.prompt_tokens - earlier.prompt_tokens,
            self.new_tokens - earlier.new_tokens,
            cost,
            tuple(one for one in self.remarks if one not in earlier.remarks),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checkpoint can be found that is no folder."""

    location: str
    """What `fingerprint`, `identity` and `load` take; stored, so never a secret."""
    name: str
    """What the checkpoint is called."""
    series: str
    """Its series, unless the user names another."""


class Model(ABC):
    """One loaded checkpoint."""

    @abstractmethod
    def generate(
        self, requests: Sequence[Request], settings: Generation
    ) -> Iterator[list[Generated]]:
        """One answer for each request, in batches as they are finished, in any order.

        Answers end before the stop texts of the settings. Each batch is stored before
        the next one is asked for.
        """

    def loglikelihood(self, passages: Sequence[Passage]) -> Iterator[list[Scored]]:
        """One likelihood, or the reason for none, for each passage, in any order.

        By default there are none, with that reason.

        Raises:
            UsageError: a window is longer than the model can read.
        """
        yield [
            Scored(one.item.id, one.target, reason=NO_LIKELIHOODS) for one in passages
        ]

    @property
    def description(self) -> Mapping[str, Json]:
        """What it runs as, say dtype and device; recorded with the run, in no key."""
        return {}

    @property
    def usage(self) -> Usage:
        """What was used since loading; nothing for models that cost nothing."""
        return Usage()

    def close(self) -> None:  # noqa: B027 - most models have nothing to give back
        """Give back memory and connections."""


class Backend(ABC):
    """A way to run checkpoints of one kind.

    A subclass must have a name and `load`. What else is here suits checkpoints that are
    folders, and for others `place` is enough.
    """

    name: ClassVar[str]
    version: ClassVar[str] = ""
    """Part of every output's key: changed whenever the backend would give another
    answer. That of a user's file ends with a hash of the file."""
    is_remote: ClassVar[bool] = False
    """Whether models run elsewhere, say behind a server, so that more machines on this
    side do not make them faster."""

    def place(self, name: str) -> Place | None:  # noqa: ARG002 - for others
        """The checkpoint that a user's `BACKEND:NAME` means; None: NAME is a folder.

        Raises:
            UsageError: the name is not as it must be.
        """
        return None

    def with_loading(self, loading: Loading) -> Backend:
        """This backend, loading as a user asks for; by default it cannot be asked.

        Raises:
            MissingPackage: the backend's packages are not installed.
            UsageError: the backend or the machine lacks what is asked for.
        """
        if loading != AUTOMATIC:
            raise UsageError(
                f"{', '.join(loading.asked)}: that is for checkpoint folders, and "
                f"others decide how '{self.name}' models are loaded. Leave it out, or "
                "run them by a command of their own."
            )
        return self

    def lean(self) -> Backend:
        """This backend for a process that does nothing but run its models.

        It may import less than programs that go on with other things may need.
        """
        return self

    def fingerprint(self, location: str, known: MutableMapping[FileStamp, str]) -> str:
        """Hash of all that the checkpoint is made of; loads nothing.

        By default that is every file of its folder that is not hidden. What is no
        absolute path is known by its name alone, and marked unverified.

        Args:
            location: the folder, or the location of its `Place`.
            known: hashes of files by their stamps; those read now are added.

        Raises:
            CheckpointError: nothing can be loaded from there; says what is missing.
        """
        path = Path(location)
        if not path.is_absolute():
            return identity.content_hash(self.name, location) + "-unverified"
        try:
            files = identity.all_files(path)
            found = identity.fingerprint(files, known)
        except OSError as error:
            raise CheckpointError(f"{location} cannot be read: {error}") from None
        if not files:
            raise CheckpointError(f"{location}: there is no file in it")
        return identity.content_hash(self.name, found)

    def identity(self, location: str) -> Mapping[str, Json]:  # noqa: ARG002
        """What changes outputs beside contents and settings, say the dtype.

        Loads nothing. It is part of every output's key, so it must name neither the
        device nor anything else that leaves the outputs as they are. The version is
        added to it.
        """
        return {"backend": self.name}

    @abstractmethod
    def load(self, location: str) -> Model:
        """The checkpoint, ready to run.

        Raises:
            CheckpointError: it cannot be loaded; says why.
            MissingPackage: the backend's packages are not installed.
        """
