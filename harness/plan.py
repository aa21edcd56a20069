"""Plan: how many prompts and raters it takes to tell two checkpoints apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import NotFound, UsageError
from harness.reporting.evidence import gather
from harness.reporting.formats import labels
from harness.reporting.preferred import COMPARING
from harness.reporting.rated_pairs import compared_pairs, rated_pairs
from harness.stats.components import LEAST_PROMPTS, Pilot, pilot
from harness.stats.planning import Goal, detectable, prompts_needed
from harness.stats.planning import power as power_of
from harness.stats.sharpened import EXACTLY_THESE, LIKE_THESE
from harness.stats.typical import Typical, typical_comparisons, typical_ratings
from harness.study.items import stored_tasks
from harness.task import load_items, load_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.reporting.evidence import Evidence
    from harness.reporting.rated_pairs import RatedPairs
    from harness.stats.sharpened import Estimand
    from harness.study import StudyFile
    from harness.task import Task
    from harness.types import Json

RATERS = (1, 2, 3, 5)
"""Raters of each output that are planned for."""
POINTS = 80
"""Of each curve of power."""
FEWEST = 4
LONGEST = 2_000
"""Prompts at which curves end at the latest."""
SLIDER = 100.0
EVEN = 0.5
"""Most that a win rate can differ from that of equals."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one way of rating takes to reach the power."""

    estimand: Estimand
    """What the interval would be about."""
    raters: int
    """Raters of each output."""
    metric: bool
    """Whether the best metric helps."""
    prompts: int | None
    """Prompts to rate for both checkpoints; None if all there are do not suffice."""
    low: int | None
    """The same if ratings vary as little as they may."""
    high: int | None
    """The same if they vary as much as they may; None as above."""
    ratings: int | None
    """Ratings, or comparisons, of all raters together; None as above."""
    minutes: float | None
    """Time for them, of all raters together; None where the pace is unknown."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Power over prompts, for prompts like these."""

    raters: int
    """Raters of each output."""
    metric: bool
    """Whether the best metric helps."""
    prompts: tuple[int, ...]
    """Rated prompts."""
    power: tuple[float, ...]
    """Chance to find the difference, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What the plan rests on."""

    measured: bool
    """Whether ratings of the study told the variances; else they are typical ones."""
    source: str
    """Where typical ones were measured; empty if they are the study's."""
    prompts: int
    """Prompts rated so far, whatever the pair of checkpoints."""
    pairs: int
    """Pairs of checkpoints that were pooled."""
    item_sd: float
    """Standard deviation of true differences from prompt to prompt, in points."""
    rater_sd: float
    """Standard deviation of what one rater adds to a prompt's difference, in points."""
    severity_sd: float | None
    """Standard deviation of raters' severities; None where it is unknown."""
    shared: float | None
    """How far the same raters rated both outputs of a pair, 0 to 1; None as above."""
    split: bool
    """Whether the study told prompts' and raters' shares of the variance apart."""
    metric: str | None
    """The metric that helps most; None without one."""
    r2: float
    """Share of the variance of one rater's differences that it explains on prompts
    which it was not chosen on, 0 to 1."""
    seconds: float | None
    """Median time of a rater for a page, with all its criteria; None if unknown."""
    simulated: bool
    """Whether a program gave the ratings."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many prompts and raters find a difference of two checkpoints."""

    task: str
    """Name of the task."""
    criterion: str
    """What raters judge."""
    kind: Literal["difference", "win rate"]
    """Of mean ratings, or from 0.5 where outputs are compared directly."""
    detect: float
    """The difference, in points, or of the win rate from 0.5."""
    power: float
    """Chance to find it, 0 to 1."""
    total: int
    """Prompts that the task has."""
    wanted: int
    """Prompts of a campaign, as the task file says."""
    basis: Basis
    """What is known of the variance."""
    needs: tuple[Need, ...]
    """By estimand, then without and with the metric, then raters."""
    finds: tuple[tuple[int, float], ...]
    """Raters, and the difference that `wanted` prompts find with them and the power."""
    curves: tuple[Curve, ...]
    """Without and with the metric, then by raters."""

    def need(
        self, raters: int, *, metric: bool = False, estimand: Estimand = LIKE_THESE
    ) -> Need:
        """One of the needs; of a metric that there is not, the same without."""
        [*_, found] = [
            one
            for one in self.needs
            if (one.raters, one.estimand) == (raters, estimand) and one.metric <= metric
        ]
        return found

    def as_json(self) -> dict[str, Json]:
        """All fields by name."""
        return asdict(self)


def plan(
    study: StudyFile | None,
    suite: str,
    criterion: str,
    detect: float,
    *,
    power: float = 0.8,
) -> list[Plan]:
    """One plan for each task of a suite that asks for the criterion.

    Args:
        study: with ratings, if there are some; None: nothing is rated yet.
        suite: path of a task or suite file, name of a bundled one, or of a task in the
            study.
        criterion: what raters judge.
        detect: difference of two checkpoints to be found, in points of the scale, or
            of a win rate from 0.5.
        power: chance to find it.

    Raises:
        NotFound: no such suite, or no task in it has the criterion.
        UsageError: `detect` or `power` is out of range, or a scale is unknown.
    """
    Goal(detect, power)
    found: list[Plan] = []
    known: set[str] = set()
    for name, task in _tasks(study, suite):
        evidence = None
        if study is not None and name in stored_tasks(study):
            evidence = gather(study, name)
        about = _About.of(name, task, evidence, criterion)
        known |= about.criteria
        if criterion in about.criteria:
            found.append(_made(about, Goal(detect, power, total=about.total)))
    if not found:
        raise NotFound("criterion", criterion, known)
    return found


def _tasks(study: StudyFile | None, suite: str) -> list[tuple[str, Task | None]]:
    try:
        return [(task.name, task) for task in load_tasks(suite)]
    except NotFound:
        if study is not None and suite in stored_tasks(study):
            return [(suite, None)]
        raise


@dataclass(frozen=True)
class _About:
    """A task and what it asks by a criterion."""

    name: str
    task: Task | None
    evidence: Evidence | None
    criterion: str
    criteria: frozenset[str]
    comparing: bool
    length: float | None
    points: bool

    @classmethod
    def of(
        cls, name: str, task: Task | None, evidence: Evidence | None, criterion: str
    ) -> _About:
        asked = task.file.rating if task is not None else None
        own = {one.name for one in asked.criteria} if asked is not None else set()
        rated = {} if evidence is None else {one.name: one for one in evidence.criteria}
        compared = () if evidence is None else evidence.comparisons.criteria
        names = own | {*rated} | {one.name for one in compared}
        length, points = None, False
        comparing = criterion not in rated
        if asked is not None and criterion in own:
            comparing, points = asked.scheme in COMPARING, asked.scheme == "likert"
            length = asked.points - 1.0 if points else SLIDER
        elif criterion in rated:
            low, high = rated[criterion].low, rated[criterion].high
            length = None if low is None or high is None else high - low
            points = length is not None and length < SLIDER
        return cls(
            name, task, evidence, criterion, frozenset(names), comparing, length, points
        )

    @cached_property
    def total(self) -> int:
        """Prompts with outputs, or of the task file while there are none."""
        if self.evidence is not None:
            return len(set(self.evidence.item_of.values()))
        return len(load_items(self.task)) if self.task is not None else 0

    @property
    def wanted(self) -> int:
        """Prompts of a campaign."""
        asked = self.task.file.rating if self.task is not None else None
        if asked is None or asked.items == "all":
            return self.total
        return min(asked.items, self.total)

    def pairs(self) -> RatedPairs | None:
        """What raters said so far."""
        if self.evidence is None:
            return None
        read = compared_pairs if self.comparing else rated_pairs
        return read(self.evidence, self.criterion)


def _made(about: _About, goal: Goal) -> Plan:
    longest = EVEN if about.comparing else about.length
    if longest is not None and goal.detect > longest:
        raise UsageError(
            f"By '{about.criterion}' two checkpoints differ by at most {longest:g}: "
            f"{goal.detect:g} cannot be detected."
        )
    pairs = about.pairs()
    known = None if pairs is None else pilot(pairs.differences)
    sources: Pilot | Typical = _typical(about) if known is None else known
    basis = _basis(sources, pairs)
    helped = (False, True) if sources.spread(metric=True).explained else (False,)
    asked = known.found.asked if known is not None else 1.0
    pages = (0 if about.comparing else 1) + asked
    needs = tuple(
        _need(sources, replace(goal, estimand=estimand), raters, pages, basis, metric)
        for estimand in (LIKE_THESE, EXACTLY_THESE)
        for metric in helped
        for raters in RATERS
    )
    alone = sources.spread()
    return Plan(
        task=about.name,
        criterion=about.criterion,
        kind="win rate" if about.comparing else "difference",
        detect=goal.detect,
        power=goal.power,
        total=about.total,
        wanted=about.wanted,
        basis=basis,
        needs=needs,
        finds=tuple(
            (raters, detectable(alone, goal, about.wanted, raters)) for raters in RATERS
        ),
        curves=tuple(_curves(sources, goal, needs, helped)),
    )


def _typical(about: _About) -> Typical:
    if about.comparing:
        return typical_comparisons()
    if about.length is None:
        raise UsageError(
            f"Too little is rated by '{about.criterion}' to plan from, and its scale "
            f"is unknown. Rate {LEAST_PROMPTS} prompts of two checkpoints, or name a "
            "task file that has the criterion."
        )
    return typical_ratings(about.length, points=about.points)


def _basis(known: Pilot | Typical, pairs: RatedPairs | None) -> Basis:
    spread = known.spread(metric=True)
    found = known.found if isinstance(known, Pilot) else None
    metric = None
    if found is None:
        metric = "a metric"
    elif pairs is not None and found.metric is not None:
        signatures = pairs.signatures
        metric = labels(signatures)[signatures[found.metric]]
    return Basis(
        measured=found is not None,
        source=known.source if isinstance(known, Typical) else "",
        prompts=known.prompts if isinstance(known, Pilot) else 0,
        pairs=known.pairs if isinstance(known, Pilot) else 0,
        item_sd=spread.item**0.5,
        rater_sd=spread.noise**0.5,
        severity_sd=found.severity**0.5 if found is not None and found.split else None,
        shared=found.shared if found is not None else None,
        split=found is not None and found.split,
        metric=metric,
        r2=min(spread.explained, spread.item) / spread.of_prompt(1),
        seconds=None if pairs is None else pairs.seconds,
        simulated=pairs is not None and pairs.simulated,
    )


def _need(
    known: Pilot | Typical,
    goal: Goal,
    raters: int,
    pages: float,
    basis: Basis,
    metric: bool,  # noqa: FBT001 - likewise
) -> Need:
    spread = known.spread(metric=metric)
    low, high = (
        prompts_needed(spread.times(factor), goal, raters)
        for factor in known.range_of(raters, metric=metric)
    )
    prompts = prompts_needed(spread, goal, raters)
    ratings = None if prompts is None else ceil(prompts * raters * pages)
    pace = basis.seconds
    return Need(
        estimand=goal.estimand,
        raters=raters,
        metric=metric,
        prompts=prompts,
        low=low,
        high=high,
        ratings=ratings,
        minutes=None if ratings is None or pace is None else ratings * pace / 60,
    )


def _curves(
    known: Pilot | Typical, goal: Goal, needs: Sequence[Need], helped: Sequence[bool]
) -> Iterator[Curve]:
    most = max(one.prompts or LONGEST for one in needs if one.estimand == LIKE_THESE)
    end = min(LONGEST, max(10 * FEWEST, ceil(1.25 * most)))
    prompts = np.unique(np.linspace(FEWEST, end, POINTS).astype(int))
    for metric in helped:
        for raters in RATERS:
            found = power_of(known.spread(metric=metric), goal, prompts, raters)
            yield Curve(raters, metric, tuple(prompts.tolist()), tuple(found.tolist()))
