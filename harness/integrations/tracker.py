"""What a tracker must do, and how one is named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from harness.errors import MissingPackage, UsageError
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.integrations.points import History
    from harness.study import StudyFile

trackers: Registry[type[Tracker]] = Registry("tracker")


class Tracker(ABC):
    """Where users look at curves."""

    name: ClassVar[str]
    """As in `--track NAME:PLACE`; also the extra, which brings its package."""
    package: ClassVar[str]
    """What is imported."""
    title: ClassVar[str]
    """As people call it."""
    wants: ClassVar[str]
    """What PLACE is, in capitals."""

    def __init__(self, place: str) -> None:
        """Take the place; nothing is opened yet.

        Raises:
            MissingPackage: the tracker's package is not installed.
            UsageError: there is no place.
        """
        if not place:
            raise UsageError(f"--track {self.name}: write {self.name}:{self.wants}.")
        if find_spec(self.package) is None:
            raise MissingPackage(f"Writing to {self.title}", self.name)
        self.place = place

    @property
    def key(self) -> str:
        """What a study calls it: never a secret."""
        return f"{self.name}:{self.place}"

    @abstractmethod
    def write(self, study: StudyFile, history: History) -> int:
        """Write what is not there yet.

        Returns:
            Points written.

        Raises:
            UsageError: the tracker refuses; says why.
        """

    def refused(self, error: Exception) -> UsageError:
        """An error of the tracker's client, in one line."""
        said = " ".join(str(error).split())
        return UsageError(
            f"{self.title} does not take the curves: {said[:500]} All results are in "
            "the study; the same command writes them later."
        )
