"""How far ratings can be relied upon: chance-corrected agreement, ICC, severity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.people import RaterSeverity, Reliability
from harness.reporting.rating_means import means_by_checkpoint
from harness.reporting.targets import spreads
from harness.stats.bootstrap import undefined
from harness.stats.chance import gwet
from harness.stats.icc import icc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.reporting.estimates import Resampling
    from harness.reporting.evidence import Evidence
    from harness.reporting.given_ratings import Turn
    from harness.reporting.model import CriterionInfo
    from harness.reporting.rating_means import Unsure
    from harness.reporting.targets import Fit
    from harness.types import Estimate

    Floats = NDArray[np.float64]

MOST_POINTS = 11
"""Points of a scale up to which its answers count as categories."""


def reliability(
    evidence: Evidence, models: Mapping[str, Fit], resampling: Resampling
) -> tuple[Reliability, ...]:
    """What is known of the raters of each criterion.

    Args:
        evidence: with the ratings as they were given.
        models: of the same evidence, see `harness.reporting.targets.fits`.
        resampling: how intervals are made.
    """
    raw = _means(evidence)
    z = _means(evidence, {k: s.z for k, s in spreads(evidence).items()})
    less = _means(
        evidence,
        {k: m.less_severity for k, m in models.items()},
        {k: m.unsure for k, m in models.items()},
    )
    return tuple(
        replace(
            _of_criterion(evidence, criterion, models[criterion.name], resampling),
            raw=raw.get(criterion.name, {}),
            z=_said(z.get(criterion.name, {}), "z-scores of each rater's ratings"),
            adjusted=_said(
                less.get(criterion.name, {}),
                "less each rater's severity",
            )
            if models[criterion.name].severities
            else {},
        )
        for criterion in evidence.criteria
    )


def _of_criterion(
    evidence: Evidence,
    criterion: CriterionInfo,
    model: Fit,
    resampling: Resampling,
) -> Reliability:
    draws, seed = resampling.draws, resampling.seed
    raters, table, fitted = model.raters, model.ratings, model.severities
    sizes = np.isfinite(table).sum(axis=0).tolist()
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
                ratings=sizes[at],
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


def _means(
    evidence: Evidence,
    turns: Mapping[str, Turn] | None = None,
    unsure: Mapping[str, Unsure] | None = None,
) -> dict[str, dict[str, Estimate]]:
    """Criterion to checkpoint label to mean."""
    found = means_by_checkpoint(evidence, turns, unsure)
    return {
        criterion: {evidence.labels[id_]: mean for id_, mean in means.items()}
        for criterion, means in found.items()
    }


def _said(means: Mapping[str, Estimate], what: str) -> dict[str, Estimate]:
    """The means, with what they are of in their methods."""
    return {
        label: replace(mean, method=f"{what}; {mean.method}")
        for label, mean in means.items()
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
