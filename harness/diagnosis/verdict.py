"""From checks to causes: areas add, within an area only the strongest counts."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

from harness.diagnosis.causes import KNOWN
from harness.diagnosis.model import CAUSES, Cause, Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.diagnosis.model import Area, CauseName, Check, Findings

PRIOR = -log(19)
"""Log odds of each cause before anything is known: one run in twenty has it."""
NAMED = 0.5
"""Confidence from which on a cause is named: likelier than not."""
ALIKE = log(10)
"""Difference of log odds up to which evidence does not tell neighbours apart."""
SURE = 0.99
"""Nothing is surer than this."""
BELOW_ROOT = 0.95
"""A symptom's confidence over that of its root, at most."""


def verdict(findings: Iterable[Findings]) -> Diagnosis:
    """The diagnosis that the findings of all areas come to."""
    known = list(findings)
    checks = tuple(check for one in known for check in one.checks)
    return Diagnosis(
        causes=causes(checks),
        checks=checks,
        not_checked=tuple(one for some in known for one in some.not_checked),
    )


def causes(checks: Sequence[Check]) -> tuple[Cause, ...]:
    """The causes that are likelier than not, most likely first.

    Findings of one area are not independent, as they come from one file: of each area
    the strongest for a cause counts, and the strongest against it. Areas add up. What
    may be a mere symptom of another named cause comes after that.
    """
    odds = {cause: log_odds(checks, cause) for cause in CAUSES}
    sure = {cause: _confidence(one) for cause, one in odds.items()}
    named = {cause for cause in CAUSES if sure[cause] >= NAMED}
    ranked = sorted(named, key=lambda cause: -odds[cause])
    confidence = dict.fromkeys(ranked, 0.0)
    for cause in ranked:
        roots = [sure[root] for root in ranked if is_root(root, cause, checks)]
        confidence[cause] = min([sure[cause], *(BELOW_ROOT * one for one in roots)])
    return tuple(
        Cause(
            cause=cause,
            alternatives=(others := _alternatives(cause, odds, checks)),
            confidence=round(confidence[cause], 3),
            evidence=tuple(evidence(checks, cause)),
            refute=KNOWN[cause].refute,
            next=_experiment(cause, others),
        )
        for cause in sorted(ranked, key=lambda cause: -confidence[cause])
    )


def log_odds(checks: Iterable[Check], cause: CauseName) -> float:
    """How likely the cause is, as the natural logarithm of its odds."""
    for_: dict[Area, float] = {}
    against: dict[Area, float] = {}
    for check in checks:
        weight = check.weights.get(cause, 0.0)
        for_[check.area] = max(for_.get(check.area, 0.0), weight)
        against[check.area] = min(against.get(check.area, 0.0), weight)
    return PRIOR + sum(for_.values()) + sum(against.values())


def evidence(checks: Iterable[Check], cause: CauseName) -> list[Check]:
    """The checks that speak for a cause, strongest first."""
    speaking = [check for check in checks if check.weights.get(cause, 0.0) > 0]
    return sorted(speaking, key=lambda check: -check.weights[cause])


def is_root(root: CauseName, cause: CauseName, checks: Sequence[Check]) -> bool:
    """Whether one cause explains another: it may, and other evidence speaks for it.

    What a curve shows of overfitting also speaks for too few examples; only the data
    tell that these are the root.
    """
    areas = {check.area for check in evidence(checks, root)}
    own = {check.area for check in evidence(checks, cause)}
    return root in KNOWN[cause].roots and (areas != own or len(areas) > 1)


def _confidence(odds: float) -> float:
    return min(SURE, 1 / (1 + exp(-odds)))


def _alternatives(
    cause: CauseName, odds: Mapping[CauseName, float], checks: Sequence[Check]
) -> tuple[CauseName, ...]:
    """Neighbours about as likely by the evidence, likeliest first; no symptoms."""
    near = [
        other
        for other in KNOWN[cause].apart
        if odds[other] >= odds[cause] - ALIKE
        and evidence(checks, other)
        and not is_root(cause, other, checks)
    ]
    return tuple(sorted(near, key=lambda other: -odds[other]))


def _experiment(cause: CauseName, others: Sequence[CauseName]) -> str:
    known = KNOWN[cause]
    return known.apart[others[0]] if others else known.next
