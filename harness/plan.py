"""Plan: how many prompts and raters it takes to tell two checkpoints apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import NotFound, UsageError
from harness.metrics.signatures import labels
from harness.reporting.evidence import gather
from harness.reporting.formats import counted, listed, on_one_line
from harness.reporting.plans import Basis, Curve, Need, Plan
from harness.reporting.preferred import COMPARING
from harness.reporting.rated_pairs import compared_pairs, rated_pairs
from harness.stats.components import LEAST_PROMPTS, Pilot, pilot
from harness.stats.planning import MOST, Goal, detectable, prompts_needed
from harness.stats.planning import power as power_of
from harness.stats.sharpened import EXACTLY_THESE, LIKE_THESE
from harness.stats.typical import Typical, typical_comparisons, typical_ratings
from harness.study.items import stored_tasks
from harness.task import load_items, load_tasks
from harness.yardstick import yardstick

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.reporting.evidence import Evidence
    from harness.reporting.model import CriterionInfo
    from harness.reporting.rated_pairs import RatedPairs
    from harness.study import StudyFile
    from harness.task import Task
    from harness.taskfile import RatingPlan

RATERS = (1, 2, 3, 5)
"""Raters of each output that are planned for."""
POINTS = 80
"""Of each curve of power."""
FEWEST = 4
LONGEST = 2_000
"""Prompts at which curves end at the latest."""
SLIDER = 100.0
POWER = 0.8
"""Chance to find a difference, where none is asked for."""
EVEN = 0.5
"""Most that a win rate can differ from that of equals."""


def plan(
    study: StudyFile | None,
    suite: str,
    criterion: str,
    detect: float,
    *,
    power: float = POWER,
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
        evidence = default = None
        if study is not None and name in stored_tasks(study):
            evidence, default = gather(study, name), yardstick(study, name)
        about = _About(name, task, evidence, criterion, default)
        known |= about.criteria
        if criterion in about.criteria:
            found.append(_made(about, Goal(detect, power, total=about.total)))
    if not found:
        raise NotFound("criterion", criterion, known)
    return found


def outlook(study: StudyFile, task: Task, prompts: int) -> str:
    """What a campaign is likely to find by each criterion, in one line.

    Args:
        study: with outputs, and ratings if there are some.
        task: asks for ratings.
        prompts: of the campaign.
    """
    asked = task.file.rating
    if asked is None:
        return ""
    evidence = gather(study, task.name)
    found = []
    for criterion in asked.criteria:
        about = _About(task.name, task, evidence, criterion.name)
        known, _ = _known(about)
        goal = Goal(EVEN, POWER, total=about.total)
        least = detectable(known.spread(), goal, prompts, asked.raters_per_output)
        name = on_one_line(criterion.name)
        if least >= (about.most or np.inf):
            found.append(f"no difference by {name}")
        elif about.comparing:
            found.append(f"a win rate of about {EVEN + least:.2f} by {name}")
        else:
            found.append(f"a difference of about {least:.2g} by {name}")
    raters = counted(asked.raters_per_output, "rater")
    return (
        f"they can find {listed(found)} (power {POWER:g}, {raters} of each output; "
        "more: harness plan)"
    )


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
    default: str | None = None
    """Signature of the metric that reports and gates take where none is named."""

    @cached_property
    def rated(self) -> dict[str, CriterionInfo]:
        """Criteria by which single outputs were rated."""
        found = () if self.evidence is None else self.evidence.criteria
        return {one.name: one for one in found}

    @cached_property
    def compared(self) -> set[str]:
        """Criteria by which outputs were compared."""
        found = () if self.evidence is None else self.evidence.comparisons.criteria
        return {one.name for one in found}

    @cached_property
    def criteria(self) -> set[str]:
        """All that were rated or are asked for."""
        asked = self.task.file.rating if self.task is not None else None
        own = () if asked is None else asked.criteria
        return {one.name for one in own} | {*self.rated} | self.compared

    @cached_property
    def asked(self) -> RatingPlan | None:
        """The task file's rating plan, if it has the criterion."""
        found = self.task.file.rating if self.task is not None else None
        names = () if found is None else [one.name for one in found.criteria]
        return found if self.criterion in names else None

    @property
    def comparing(self) -> bool:
        """Whether outputs are compared: as asked, or as was done if only that was."""
        if (self.criterion in self.rated) != (self.criterion in self.compared):
            return self.criterion in self.compared
        return self.asked is not None and self.asked.scheme in COMPARING

    @property
    def points(self) -> bool:
        """Whether raters choose one of a few points rather than a place on a line."""
        if self.asked is not None:
            return self.asked.scheme == "likert"
        return self.length is not None and self.length < SLIDER

    @property
    def length(self) -> float | None:
        """Of the scale; None where it is unknown."""
        info = self.rated.get(self.criterion)
        if info is not None and info.low is not None and info.high is not None:
            return info.high - info.low
        if self.asked is None or self.asked.scheme in COMPARING:
            return None
        return self.asked.points - 1.0 if self.asked.scheme == "likert" else SLIDER

    @property
    def most(self) -> float | None:
        """By how much two checkpoints can differ; None where that is unknown."""
        return EVEN if self.comparing else self.length

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
    if about.most is not None and goal.detect > about.most:
        raise UsageError(
            f"By '{about.criterion}' two checkpoints differ by at most {about.most:g}: "
            f"{goal.detect:g} cannot be detected."
        )
    sources, pairs = _known(about)
    basis = replace(_basis(sources, pairs, goal), default=_default(about))
    helped = (False, True) if sources.spread(metric=True).explained else (False,)
    asked = sources.found.asked if isinstance(sources, Pilot) else 1.0
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


def _known(about: _About) -> tuple[Pilot | Typical, RatedPairs | None]:
    """How ratings vary, and those that tell so, if there are any."""
    pairs = about.pairs()
    known = None if pairs is None else pilot(pairs.differences)
    return _typical(about) if known is None else known, pairs


def _typical(about: _About) -> Typical:
    if about.comparing:
        return typical_comparisons()
    if about.length is None:
        raise UsageError(
            f"Ratings by '{about.criterion}' tell too little to plan from, and its "
            f"scale is unknown. Rate {LEAST_PROMPTS} prompts of two checkpoints, or "
            "name a task file that has the criterion."
        )
    return typical_ratings(about.length, points=about.points)


def _default(about: _About) -> str | None:
    """Label of the metric that reports and gates take where none is named."""
    if about.evidence is None or about.default is None:
        return None
    return labels(list(about.evidence.signatures)).get(about.default)


def _basis(known: Pilot | Typical, pairs: RatedPairs | None, goal: Goal) -> Basis:
    spread = known.spread(metric=True)
    found = known.found if isinstance(known, Pilot) else None
    alone, helped = (
        prompts_needed(known.spread(metric=metric), replace(goal, total=None), 1)
        or MOST
        for metric in (False, True)
    )
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
        worth=max(0, alone - helped),
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
    ratings = None if prompts is None else ceil(round(prompts * raters * pages, 6))
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
