"""Worker: answers parts of what a checkpoint is asked, in its own process."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.backends import Usage, backend_named
from harness.errors import (
    FAILURES,
    CheckpointError,
    HarnessError,
    InputError,
    ServerError,
    UsageError,
)
from harness.executors.base import identity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.backends import Generated, Model, Request, Scored
    from harness.executors.base import Order
    from harness.types import Generation, Json, Passage

Row = TypeVar("Row")

KINDS = {kind.__name__: kind for kind in (CheckpointError, InputError, UsageError)}
"""Errors that mean something to whoever catches them; all others become the first."""
SAME_PATH = (
    "Every machine must find the checkpoint at that path, as on a shared disk, or run "
    "with --executor local."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it travels: errors themselves need not survive being pickled."""

    kind: str
    """Name of its class."""
    message: str
    """For users."""

    @classmethod
    def of(cls, error: Exception, location: str) -> Problem:
        """What an error says, and on which machine and of what it was raised."""
        place = f"Worker on {platform.node()}: "
        if not isinstance(error, HarnessError):
            quoted = " ".join(f"{type(error).__name__}: {error}".split())
            said = f"{place}{location}: the model failed: {quoted}"
            return cls("CheckpointError", said)
        kind = "CheckpointError"
        if not isinstance(error, ServerError) and type(error).__name__ in KINDS:
            kind = type(error).__name__
        return cls(kind, f"{place}{error}")

    def error(self) -> HarnessError:
        """An error to raise here."""
        return KINDS[self.kind](self.message)


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """What came of one call."""

    rows: Sequence[Row] = ()
    """Answers or likelihoods, all that there are before the problem."""
    usage: Usage = field(default_factory=Usage)
    """What the worker has used since it loaded the model."""
    description: Mapping[str, Json] = field(default_factory=dict)
    """What the model runs as."""
    problem: Problem | None = None
    """Why there is not all that was asked for."""


class Worker:
    """Holds one checkpoint's model; loading it is the first thing that it does."""

    def __init__(self, order: Order) -> None:
        """`order` names the checkpoint."""
        self._order = order
        self._model: Model | None = None

    def load(self) -> Part[Generated]:
        """Load the model; a problem if it is not the one that is meant."""
        try:
            self._model = loaded(self._order)
            return Part(description=dict(self._model.description))
        except (HarnessError, *FAILURES) as error:
            return Part(problem=Problem.of(error, self._order.location))

    def generate(
        self, requests: Sequence[Request], settings: Generation
    ) -> Part[Generated]:
        """One answer for each request."""
        return self._collect(self._ready.generate(requests, settings))

    def loglikelihood(self, passages: Sequence[Passage]) -> Part[Scored]:
        """One likelihood for each passage."""
        return self._collect(self._ready.loglikelihood(passages))

    @property
    def _ready(self) -> Model:
        if self._model is None:
            raise CheckpointError(f"{self._order.location} was not loaded before.")
        return self._model

    def _collect(self, batches: Iterable[Sequence[Row]]) -> Part[Row]:
        rows: list[Row] = []
        problem = None
        try:
            for batch in batches:
                rows += batch
        except (HarnessError, *FAILURES) as error:
            problem = Problem.of(error, self._order.location)
        return Part(rows, self._ready.usage, problem=problem)


def loaded(order: Order) -> Model:
    """The model, after making sure that it is the one that is meant.

    Raises:
        CheckpointError: it cannot be loaded, or other contents lie at its path, or
            this machine would run it in another way.
    """
    backend = backend_named(order.backend).with_loading(order.loading).lean()
    try:
        found = identity_of(backend, order.location)
        _check_alike(order, found)
        model = backend.load(order.location)
    except CheckpointError as error:
        raise CheckpointError(f"{error} {SAME_PATH}") from error
    if backend.fingerprint(order.location, dict(order.known)) != order.fingerprint:
        model.close()
        raise CheckpointError(
            f"{order.location} holds other weights than on the machine that the run "
            f"was started on, or was written to meanwhile. {SAME_PATH}"
        )
    return model


def _check_alike(order: Order, found: Mapping[str, Json]) -> None:
    names = sorted({*order.identity, *found})
    for name in names:
        here, there = found.get(name), order.identity.get(name)
        if here != there:
            advice = (
                f"Say which you want: --dtype {here}, or --dtype {there}."
                if name == "dtype"
                else "Install the same packages and files on all machines."
            )
            raise UsageError(
                f"this machine would run {order.location} with {name} '{here}', that "
                f"on which the run was started with '{there}'. {advice}"
            )
