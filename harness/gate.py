"""Gate: does a checkpoint pass, with intervals taken into account?"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from harness.errors import NotFound, UsageError
from harness.gating.cases import OneTask
from harness.gating.deciding import decided
from harness.gating.model import MISSING, REQUIRED, Asked, GateResult, Rules, Verdict
from harness.gating.naming import LATEST, candidate_of, meant, names_of
from harness.progress import silent
from harness.stats.sharpened import ESTIMANDS, LIKE_THESE
from harness.study.items import stored_tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.gating.cases import Case
    from harness.progress import Progress
    from harness.study import StudyFile

__all__ = ["Asked", "GateResult", "Rules", "Verdict", "conditions", "gate"]

DEFAULT = Rules()
"""Fails where an interval says worse."""


def gate(  # noqa: PLR0913 - what is tested, and against what
    study: StudyFile,
    conditions: Sequence[Asked],
    *,
    against: str | None = None,
    candidate: str = LATEST,
    tasks: Sequence[str] | None = None,
    rules: Rules = DEFAULT,
    progress: Progress = silent,
) -> GateResult:
    """Test a checkpoint against another, or against thresholds.

    A condition is tested on each task that has its metric or criterion. With
    `not-worse` it fails where the 95 % interval of the candidate's gain lies wholly
    below `min_difference` (0 with a threshold); with `better` it passes only where the
    interval lies wholly above. Gains count better as more, whatever the metric.

    Args:
        study: with scores, and ratings where a criterion is tested.
        conditions: one or more, each with a threshold exactly where `against` is None.
        against: name of the baseline, SERIES/NAME, or `first` or `previous` of the
            candidate's series.
        candidate: name of a checkpoint, SERIES/NAME, or `latest`: the last step of the
            series that got a checkpoint last.
        tasks: only these; None: every task in the study.
        rules: how it is judged.
        progress: told of every condition, and of every value of all outputs.

    Raises:
        NotFound: no such checkpoint, task, metric or criterion; suggests the nearest.
        UsageError: what is asked makes no sense, a checkpoint was not evaluated,
            scored or rated, or the two share nothing that was.
    """
    _check(conditions, against, rules)
    known = stored_tasks(study)
    for name in tasks or ():
        if name not in known:
            raise NotFound("task with outputs", name, known)
    names = known if tasks is None else list(dict.fromkeys(tasks))
    tested = candidate_of(study, candidate, names)
    read = [OneTask.read(study, name, tested, against, rules) for name in names]
    cases = [one.case(asked) for asked in conditions for one in _having(read, asked)]
    _refuse_idle(cases, rules)
    gains = []
    for number, case in enumerate(cases):
        progress("gate", number, len(cases))
        gains.append(case.gain(progress))
    progress("gate", len(cases), len(cases))
    answers = decided(gains, [one.asked.min_difference for one in cases], rules)
    return GateResult(
        verdicts=tuple(
            case.verdict(gain, answer)
            for case, gain, answer in zip(cases, gains, answers, strict=True)
        ),
        rules=rules,
        simulated=any(case.simulated for case in cases),
    )


def conditions(
    on: str | Sequence[str],
    threshold: float | Sequence[float] = (),
    min_difference: float | Sequence[float] = (),
) -> list[Asked]:
    """Conditions from names, with a number for each or none at all.

    Raises:
        UsageError: there are other than as many numbers as names.
    """
    names = [on] if isinstance(on, str) else on
    limits = _for_each(names, "--threshold", threshold)
    margins = _for_each(names, "--min-difference", min_difference)
    return [
        Asked(name, limit, margin or 0.0)
        for name, limit, margin in zip(names, limits, margins, strict=True)
    ]


def _for_each(
    names: Sequence[str], option: str, given: float | Sequence[float]
) -> Sequence[float | None]:
    numbers = [given] if isinstance(given, int | float) else list(given)
    if numbers and len(numbers) != len(names):
        raise UsageError(
            f"There are {len(names)} --on but {len(numbers)} {option}: give one for "
            "each, in the same order, since each is on the scale of its own."
        )
    return numbers or [None] * len(names)


def _check(conditions: Sequence[Asked], against: str | None, rules: Rules) -> None:
    if not conditions:
        raise UsageError("Name at least one metric or criterion with --on.")
    for one in conditions:
        if (one.threshold is None) == (against is None):
            raise UsageError(
                "A gate needs one of --against CHECKPOINT and --threshold NUMBER."
            )
        if one.threshold is not None and one.min_difference:
            raise UsageError("--min-difference goes with --against, not --threshold.")
        if not isfinite(one.threshold or 0) or not isfinite(one.min_difference):
            raise UsageError("Thresholds and differences must be finite numbers.")
    choices: tuple[tuple[str, str, Sequence[str]], ...] = (
        ("requirement", rules.require, REQUIRED),
        ("estimand", rules.estimand, ESTIMANDS),
    )
    if rules.on_missing is not None:
        choices += (("answer to missing intervals", rules.on_missing, MISSING),)
    for kind, given, allowed in choices:
        if given not in allowed:
            raise NotFound(kind, given, allowed)


def _refuse_idle(cases: Sequence[Case], rules: Rules) -> None:
    """What would be ignored is refused, lest a gate be thought to be another."""
    if any(case.kind != "metric" for case in cases):
        return
    said = "but every --on is a metric here, and no ratings are tested."
    if rules.metric is not None:
        raise UsageError(f"--with {rules.metric} sharpens ratings, {said}")
    if rules.estimand != LIKE_THESE:
        raise UsageError(f"--estimand says what ratings are about, {said}")


def _having(tasks: Sequence[OneTask], asked: Asked) -> list[OneTask]:
    found = [one for one in tasks if meant(one.evidence, asked.on)]
    if not found:
        there = {name for one in tasks for name in names_of(one.evidence)}
        raise NotFound("metric or criterion", asked.on, there)
    return found
