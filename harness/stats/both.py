"""Intervals over systems as well as items, for any estimates of a sample.

BOOT-BOTH of Deutsch, Dror and Roth 2021 (arXiv 2104.00054): each resample draws systems
and items anew and computes every value from them. A system that is drawn twice counts
twice, but is never compared with its own copy.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harness.errors import UsageError
from harness.stats.bootstrap import with_interval
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.stats.sample import Sample

    Found = TypeVar("Found")

LEAST_SYSTEMS = 8
"""Systems that are enough to be resampled."""
BOTH_DRAWS = 200
"""Most resamples, each of which computes everything anew."""


def over_both(sample: Sample, values: Callable[[Sample], Found], draws: int) -> Found:
    """The estimates of a sample, with intervals over systems and items.

    Args:
        sample: judgments; its own resamples are not used.
        values: makes a dataclass of estimates, or of dataclasses of them.
        draws: number of resamples, at most 200 are made.

    Raises:
        UsageError: there are fewer than eight systems.
    """
    systems = int(sample.judged.any(axis=1).sum())
    if systems < LEAST_SYSTEMS:
        raise UsageError(
            f"Intervals over checkpoints need {LEAST_SYSTEMS} checkpoints or more, and "
            f"{systems} have outputs with both a score and a rating. So few, as a rule "
            "of one run and dependent, do not say what others would give: resample "
            "items alone."
        )
    rng = np.random.default_rng(sample.seed)
    whole = values(replace(sample, weights=sample.weights[:1], bare=True))
    drawn = [values(sample.redrawn(rng)) for _ in range(min(draws, BOTH_DRAWS))]
    found: Found = _combined(whole, drawn)
    return found


def _combined(whole: Any, drawn: list[Any]) -> Any:
    if isinstance(whole, Estimate):
        return _estimate(whole, drawn)
    if not is_dataclass(whole) or isinstance(whole, type):
        return whole
    parts = {
        field.name: _combined(
            getattr(whole, field.name), [getattr(one, field.name) for one in drawn]
        )
        for field in fields(whole)
    }
    return type(whole)(**parts)


def _estimate(whole: Estimate, drawn: list[Estimate]) -> Estimate:
    if whole.value is None:
        return whole
    values = [np.nan if one.value is None else one.value for one in drawn]
    return with_interval(
        whole.value,
        np.array(values, dtype=float),
        n=whole.n,
        dropped=whole.dropped,
        method=whole.method,
        unit="checkpoints and items",
    )
