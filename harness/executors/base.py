"""What an executor must do: give a checkpoint's model, wherever it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from harness.backends import Backend, Loading, Model
    from harness.identity import FileStamp
    from harness.types import Checkpoint, Json


@dataclass(frozen=True, slots=True)
class Order:
    """A checkpoint to be loaded, and by what one knows that it is the one meant."""

    backend: str
    """Name of the backend, or the absolute path of its file."""
    location: str
    """What the backend loads: as a rule the absolute path of a folder."""
    fingerprint: str
    """That of the checkpoint, as this machine found it."""
    identity: Mapping[str, Json]
    """What else decides its outputs, say the dtype; part of each output's key."""
    loading: Loading
    """How it is loaded."""
    known: Mapping[FileStamp, str]
    """Hashes of files by their stamps, which spares reading those again."""

    @classmethod
    def of(
        cls,
        checkpoint: Checkpoint,
        *,
        loading: Loading,
        identity: Mapping[str, Json],
        known: Mapping[FileStamp, str],
    ) -> Order:
        """The order for a checkpoint that is somewhere."""
        return cls(
            backend=checkpoint.backend,
            location=checkpoint.location or "",
            fingerprint=checkpoint.fingerprint,
            identity=identity,
            loading=loading,
            known=known,
        )

    def holds(self, backend: Backend) -> bool:
        """Whether the checkpoint that is meant is still where it was found."""
        # Names of other places are all that is known of them.
        if not Path(self.location).is_absolute():
            return True
        try:
            found = backend.fingerprint(self.location, dict(self.known))
        except (CheckpointError, OSError):
            return False
        return found == self.fingerprint


class Executor(ABC):
    """Where models run. All of them give the same rows."""

    has_lanes = False
    """Whether it can run several checkpoints side by side."""

    @abstractmethod
    def load(self, backend: Backend, order: Order) -> Model:
        """The model, ready to run.

        Args:
            backend: the one that the order names, on this machine.
            order: the checkpoint.

        Raises:
            CheckpointError: it cannot be loaded; says why and where.
            MissingPackage: a package that it needs is not installed.
            UsageError: it cannot run as the order asks for.
        """

    def lanes(self, checkpoints: int, loading: Loading) -> Sequence[Executor]:  # noqa: ARG002 - others can divide themselves
        """What it is divided into to run checkpoints side by side, each closed apart.

        Args:
            checkpoints: how many there are to run; more lanes would be idle.
            loading: how they are loaded.

        Raises:
            HarnessError: as `load`.
        """
        return [self]

    def close(self) -> None:  # noqa: B027 - this machine needs none
        """End what was started for it, also while another thread uses it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Local(Executor):
    """Models run in this process."""

    def __init__(self, *, lean: bool = False) -> None:
        """`lean`: whether running models is all that this process is for."""
        self._is_lean = lean

    def load(self, backend: Backend, order: Order) -> Model:
        """The model in this process's memory."""
        return (backend.lean() if self._is_lean else backend).load(order.location)


LOCAL = Local()
"""For programs that do other things as well."""


def identity_of(backend: Backend, location: str) -> dict[str, Json]:
    """What beside a checkpoint's contents decides its outputs, the version included.

    Raises:
        CheckpointError: nothing can be loaded from there; says what is missing.
    """
    found = dict(backend.identity(location))
    if backend.version:
        found["version"] = backend.version
    return found
