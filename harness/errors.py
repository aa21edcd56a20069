"""Every error that Tandem raises on purpose, as one tree.

HarnessError
├── UsageError         an argument or option that cannot be followed
├── NotFound           a name that nothing carries; suggests the nearest
├── InputError         a file, line, row or key that is not as it must be
│   └── MissingData    data that is not there, or cannot be reached
├── CheckpointError    a checkpoint that cannot be loaded or reached
│   └── ServerError    a server that refuses a request or gives no answer
├── MetricError        a metric, as a rule one that a user brought, that fails
├── StudyError         a study file that cannot be opened, locked or written
│   └── StudyBusy      another process holds its lock; later it will do
├── MissingPackage     an optional package that this step needs
└── RatingRefused      an answer that does not belong to the one who sent it

Unscorable stands apart: it is no failure but a metric's reason for saying nothing.
"""

from __future__ import annotations

from difflib import get_close_matches
from reprlib import Repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What code that others wrote is expected to raise when it fails."""


class HarnessError(Exception):
    """What went wrong, where, and what to do; shown to users without traceback."""


class UsageError(HarnessError):
    """An argument or option that cannot be followed."""


class NotFound(HarnessError):  # noqa: N818 - reads as what it says
    """A name that nothing carries."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        """Suggest the nearest of the known names, or list them all if they are few."""
        names = sorted(known)
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        if near:
            hint = f"Did you mean '{near[0]}'?"
        elif names:
            hint = f"There is: {', '.join(names[:20])}."
        else:
            hint = f"There is no {kind} yet."
        super().__init__(f"No {kind} named '{name}'. {hint}")


class InputError(HarnessError):
    """A file, line, row or key that is not as it must be."""

    def __init__(
        self, problem: str, *, file: Path | str | None = None, line: int | None = None
    ) -> None:
        """Put the place in front of the problem."""
        place = "" if file is None else f"{file}" + (f":{line}" if line else "") + ": "
        super().__init__(f"{place}{problem}")


class MissingData(InputError):  # noqa: N818 - reads as what it says
    """Data that is not there, or cannot be reached, rather than wrong."""


class CheckpointError(HarnessError):
    """A checkpoint that cannot be loaded or reached."""


class ServerError(CheckpointError):
    """A server that refuses a request or gives no usable answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        said: str = "",
        final: bool = False,
    ) -> None:
        """Keep what tells whether to go on.

        Args:
            message: for users.
            status: of HTTP, where the server answered.
            said: the server's own words.
            final: other requests would fare no better, say for want of a key.
        """
        super().__init__(message)
        self.status = status
        self.said = said
        self.final = final


class MetricError(HarnessError):
    """A metric, as a rule one that a user brought, that fails."""

    def __init__(
        self, metric: str, problem: str, cause: BaseException | None = None
    ) -> None:
        """Name the metric, and quote what was raised in it."""
        quoted = "" if cause is None else f": {type(cause).__name__}: {cause}"
        super().__init__(f"Metric '{metric}' {problem}{quoted}")


class StudyError(HarnessError):
    """A study file that cannot be opened, locked or written."""


class StudyBusy(StudyError):  # noqa: N818 - reads as what it says
    """A study file that another process has held locked for too long."""


class MissingPackage(HarnessError):  # noqa: N818 - reads as what it says
    """An optional package that this step needs."""

    def __init__(self, step: str, extra: str) -> None:
        """Name the extra that brings the package."""
        super().__init__(
            f"{step} needs packages that are not installed. "
            f"Install them from a clone of Tandem with: pip install '.[{extra}]'"
        )


class RatingRefused(HarnessError):  # noqa: N818 - reads as what it says
    """An answer that does not belong to the one who sent it; nothing was changed."""


class Unscorable(Exception):  # noqa: N818 - a reason, no error
    """Why a metric cannot judge an output; stored beside a NULL score."""


def shown(value: Any) -> str:
    """A value as a message quotes it: short, however long or deep it is."""
    brief = Repr()
    brief.maxstring = brief.maxother = brief.maxlong = 60
    return brief.repr(value)
