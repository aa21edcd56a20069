"""Trackers that only add: what they were told is noted in the study.

Such a tracker has one run for each series. A value that has changed since, as the mean
of ratings does, is added at its step again; nothing else is told twice.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.integrations.tracker import Tracker
from harness.study.tracked import Tracked, store_tracked, tracked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from harness.integrations.points import History, Point, Sample
    from harness.study import StudyFile
    from harness.study.tracked import Values


@dataclass(frozen=True, slots=True)
class Addition:
    """What is to be added to the run of one series."""

    study: str
    """Name of the study."""
    series: str
    """The training run."""
    points: tuple[Point, ...]
    """By step and name."""
    samples: tuple[Sample, ...]
    """By step."""

    @property
    def title(self) -> str:
        """What the run is called: no other series or study is called so."""
        return f"{self.study}-{self.series}"

    def steps(self) -> Iterator[tuple[int, list[Point], list[Sample]]]:
        """What there is of each step."""
        found = {point.step for point in self.points}
        for step in sorted(found | {sample.step for sample in self.samples}):
            points = [one for one in self.points if one.step == step]
            yield step, points, [one for one in self.samples if one.step == step]


class Adding(Tracker):
    """A tracker that takes a series piece by piece."""

    tells_later_steps_again: ClassVar[bool] = False
    """Whether with a step all later ones are to be told."""

    def write(self, study: StudyFile, history: History) -> int:
        """Add what the study does not note as told.

        Raises:
            UsageError: the tracker refuses; says why.
        """
        told = 0
        for series, own in history.by_series():
            known = tracked(study, self.key, series)
            if known is not None and not self.has(known.run):
                known = None
            before = {} if known is None else known.values
            points, samples = self._lacking(own, before)
            if not points:
                continue
            addition = Addition(own.study, series, tuple(points), tuple(samples))
            run = self.add(None if known is None else known.run, addition)
            values = {_key(one): _values(one) for one in points}
            store_tracked(study, self.key, series, Tracked(run, values))
            told += len(points)
        return told

    def _lacking(
        self, own: History, before: Mapping[tuple[str, int], Values]
    ) -> tuple[list[Point], list[Sample]]:
        """What of a series is to be told."""
        points = [one for one in own.points if before.get(_key(one)) != _values(one)]
        samples = [one for one in own.samples if not _is_told(one, before)]
        if points and self.tells_later_steps_again:
            first = min(point.step for point in points)
            points = [one for one in own.points if one.step >= first]
            samples = [one for one in own.samples if one.step >= first]
        return points, samples

    def has(self, run: str) -> bool:  # noqa: ARG002 - for others
        """Whether a run is still there; by default nobody can tell."""
        return True

    @abstractmethod
    def add(self, run: str | None, addition: Addition) -> str:
        """Add to a run, or to a new one.

        Args:
            run: by what the tracker knows the series' run; None: there is none.
            addition: what to add.

        Returns:
            By what the tracker knows the run.

        Raises:
            UsageError: the tracker refuses; says why.
        """


def _key(point: Point) -> tuple[str, int]:
    return point.name, point.step


def _values(point: Point) -> Values:
    return point.value, point.low, point.high


def _is_told(sample: Sample, before: Collection[tuple[str, int]]) -> bool:
    """Outputs are told together with the first values of their task and step."""
    task = f"harness/{sample.task}/"
    return any(step == sample.step and name.startswith(task) for name, step in before)
