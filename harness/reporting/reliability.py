"""How far ratings can be relied upon: chance-corrected agreement, ICC, severity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.agreement import rating_table
from harness.reporting.estimates import Estimator
from harness.reporting.people import RaterSeverity, Reliability
from harness.stats.bootstrap import undefined
from harness.stats.chance import gwet
from harness.stats.icc import icc
from harness.stats.severity import severities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.reporting.model import CriterionInfo
    from harness.stats.severity import Severities
    from harness.types import Estimate

    Floats = NDArray[np.float64]

MOST_POINTS = 11
"""Points of a scale up to which its answers count as categories."""


def reliability(evidence: Evidence, resampling: Resampling) -> tuple[Reliability, ...]:
    """What is known of the raters of each criterion."""
    found = []
    severity_of: dict[tuple[str, int], float] = {}
    for criterion in evidence.criteria:
        raters, table = rating_table(evidence, criterion.name)
        fitted = severities(table)
        one = _of_criterion(evidence, criterion, raters, table, fitted, resampling)
        found.append(one)
        if fitted is not None:
            known = np.nan_to_num(fitted.of_rater)
            for rater, severity in zip(raters, known, strict=True):
                severity_of[criterion.name, rater] = float(severity)
    adjusted = _adjusted(evidence, severity_of, resampling)
    return tuple(
        replace(one, adjusted=adjusted.get(one.criterion, {})) for one in found
    )


def _of_criterion(
    evidence: Evidence,
    criterion: CriterionInfo,
    raters: list[int],
    table: Floats,
    fitted: Severities | None,
    resampling: Resampling,
) -> Reliability:
    draws, seed = resampling.draws, resampling.seed
    of_rater, noise = (
        (fitted.of_rater, fitted.noise_of_rater)
        if fitted
        else (np.full(len(raters), np.nan),) * 2
    )
    return Reliability(
        criterion=criterion.name,
        ac2=_ac2(criterion, table, resampling),
        icc=icc(table, draws=draws, seed=seed),
        icc_of_means=icc(table, averaged=True, draws=draws, seed=seed),
        severity_sd=fitted.severity_sd if fitted else None,
        noise_sd=fitted.noise_sd if fitted else None,
        raters=tuple(
            RaterSeverity(
                rater=evidence.rater_names[rater],
                ratings=int(np.isfinite(table[:, at]).sum()),
                severity=_finite(of_rater[at]),
                noise=_finite(noise[at]),
            )
            for at, rater in enumerate(raters)
        ),
    )


def _ac2(criterion: CriterionInfo, table: Floats, resampling: Resampling) -> Estimate:
    low, high = criterion.low, criterion.high
    if low is None or high is None:
        return undefined("the points of the scale are not known")
    if high - low + 1 > MOST_POINTS:
        return undefined(f"the scale has more than {MOST_POINTS} points")
    points = list(np.arange(low, high + 1))
    if not np.isin(table[np.isfinite(table)], points).all():
        return undefined("some ratings lie between the points of the scale")
    return gwet(
        table,
        points,
        weighting="quadratic",
        draws=resampling.draws,
        seed=resampling.seed,
    )


def _adjusted(
    evidence: Evidence,
    severity_of: dict[tuple[str, int], float],
    resampling: Resampling,
) -> dict[str, dict[str, Estimate]]:
    """Criterion to checkpoint label to mean rating less the raters' severities."""
    ratings = tuple(
        replace(one, value=one.value - severity_of[one.criterion, one.rater])
        for one in evidence.ratings
        if (one.criterion, one.rater) in severity_of
    )
    estimator = Estimator(replace(evidence, ratings=ratings), {}, resampling)
    found: dict[str, dict[str, Estimate]] = {}
    for checkpoint in evidence.checkpoints:
        label = evidence.labels[checkpoint.id]
        for criterion, mean in estimator.ratings(checkpoint.id).items():
            method = f"less each rater's severity, taken as known; {mean.method}"
            found.setdefault(criterion, {})[label] = replace(mean, method=method)
    return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
