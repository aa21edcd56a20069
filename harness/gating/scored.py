"""How far a checkpoint is ahead by a metric, with an interval fit for few items.

The interval is that of `harness compare`, a paired bootstrap over items. Percentiles of
resamples are too narrow by about (n - 1) / n and as if the variance were known, so that
more than 2.5 % of gates would raise a false alarm with few items: its ends are moved
away from the value by sqrt(n / (n - 1)) times the ratio of the t to the normal quantile
(Hesterberg 2015, American Statistician 69, 371).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import HarnessError, Unscorable, UsageError
from harness.gating.model import Gain
from harness.metrics import Tallied, Whole
from harness.reporting.item_sums import able, item_tallies
from harness.stats.bootstrap import (
    WHOLE_DRAWS,
    corpus_estimate,
    undefined,
    whole_estimate,
)
from harness.stats.paired import paired_difference, paired_whole
from harness.stats.sharpened import unseen_share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from harness.gating.model import Rules
    from harness.metrics import Judged, Metric
    from harness.progress import Progress
    from harness.reporting.evidence import Evidence
    from harness.types import Estimate

    Floats = NDArray[np.float64]

_SAME = 1e-12
_SCALES = ((0.0, 1.0), (0.0, 100.0))


@dataclass(frozen=True, slots=True)
class ByMetric:
    """A metric, and what it is asked about."""

    evidence: Evidence
    """What counts for the task, as `rebuild` gives it."""
    metric: Metric
    """Rebuilt, with a direction."""
    candidate: str
    """Id of the checkpoint that is tested."""
    baseline: str | None
    """Id of the one that it is held against; None: a threshold."""
    threshold: float | None
    """On the metric's scale."""
    rules: Rules
    """How resamples are made."""
    progress: Progress
    """Told of every value of all outputs."""

    def gain(self) -> Gain:
        """The candidate's lead; above 0 is better.

        Raises:
            UsageError: a checkpoint has no scores, or they share no judged item.
        """
        self._refuse_unscored()
        if isinstance(self.metric, Whole):
            found = self._of_all(self.metric)
        elif isinstance(self.metric, Tallied):
            found = self._of_sums(self.metric)
        else:
            raise UsageError(f"{self.metric.name} has neither sums nor a value of all.")
        asked = set().union(*map(self._items, self._checkpoints))
        found = replace(found, dropped=len(asked) - found.n)
        notes: tuple[str, ...] = ()
        if found.dropped:
            notes = (f"{found.dropped} of {len(asked)} items could not be judged",)
        df = float(found.n - 1) if found.n > 1 else None
        return Gain(self._turned(found), df, notes)

    @property
    def _checkpoints(self) -> list[str]:
        both = (self.baseline, self.candidate)
        return [one for one in both if one is not None]

    def _refuse_unscored(self) -> None:
        for id_ in self._checkpoints:
            signature = self.metric.signature
            whole = signature in self.evidence.whole.get(id_, ())
            if not whole and signature not in self.evidence.scores[id_]:
                raise UsageError(
                    f"'{self.evidence.labels[id_]}' has no scores by "
                    f"{self.metric.name} on task '{self.evidence.task}'. "
                    "Make them first: harness score"
                )
            if self.evidence.descriptions[signature]["form"] == "whole" and not (
                isinstance(self.metric, Whole)
            ):
                raise UsageError(
                    f"{self.metric.name} cannot be rebuilt, and so not be tested."
                )

    def _of_sums(self, metric: Tallied) -> Estimate:
        found = [
            item_tallies(metric, self.evidence.scores[id_][metric.signature])
            for id_ in self._checkpoints
        ]
        shared = [item for item in found[0] if item in found[-1]]
        self._refuse_none(shared)
        sums = [np.array([one[item] for item in shared]) for one in found]
        draws, seed = self.rules.draws, self.rules.seed
        # Resamples may leave a metric without anything to divide by.
        with np.errstate(all="ignore"):
            values = [metric.output_value(one) for one in sums]
            if self.baseline is None:
                made = corpus_estimate(sums[0], metric.value, draws=draws, seed=seed)
                return _all_alike(made, values[0], values, paired=False)
            a, b = sums
            made = paired_difference(a, b, metric.value, draws=draws, seed=seed)
            return _all_alike(made, values[1] - values[0], values, paired=True)

    def _of_all(self, metric: Whole) -> Estimate:
        """As `harness compare` does it: each resample is valued anew."""
        written = [able(metric, self._items(id_)) for id_ in self._checkpoints]
        shared = [item for item in written[0] if item in written[-1]]
        self._refuse_none(shared)
        groups = [found[item] for found in written for item in shared]
        draws = min(self.rules.draws, WHOLE_DRAWS)
        done, values = count(1), len(written) * (1 + draws)
        reasons: list[str] = []

        def value_of(rows: NDArray[np.intp]) -> float:
            self.progress(f"gate: {metric.name}", next(done), values)
            try:
                return metric.value_or_error([one for r in rows for one in groups[r]])
            except Unscorable as reason:
                reasons.append(str(reason))
                return float("nan")

        found = self._bootstrap(len(shared), value_of, draws)
        if found.value is None and reasons:
            return undefined(reasons[0])
        return found

    def _bootstrap(
        self, items: int, value_of: Callable[[NDArray[np.intp]], float], draws: int
    ) -> Estimate:
        seed = self.rules.seed
        try:
            if self.baseline is None:
                found = whole_estimate(items, value_of, draws=draws, seed=seed)
            else:
                found, _ = paired_whole(
                    items, value_of, draws=draws, trials=0, seed=seed
                )
            return stretched(found)
        except HarnessError as error:
            return undefined(str(error))

    def _refuse_none(self, shared: list[str]) -> None:
        if not shared:
            names = " and ".join(self.evidence.labels[id_] for id_ in self._checkpoints)
            raise UsageError(
                f"{self.metric.name} could judge no item of task "
                f"'{self.evidence.task}' for {names}."
            )

    def _items(self, checkpoint: str) -> Mapping[str, list[Judged]]:
        """Item to what the checkpoint wrote for it, if it wrote anything."""
        found: dict[str, list[Judged]] = {}
        for output in self.evidence.outputs[checkpoint]:
            judged = (self.evidence.items[output.item], output.text)
            found.setdefault(output.item, []).append(judged)
        scores = self.evidence.scores[checkpoint].get(self.metric.signature)
        for item in scores.items if scores else ():
            found.setdefault(item, [])
        return found

    def _turned(self, found: Estimate) -> Estimate:
        """Less the threshold, and with more as better."""
        limit = self.threshold or 0.0
        if found.value is None:
            return found
        low = None if found.low is None else found.low - limit
        high = None if found.high is None else found.high - limit
        if self.metric.higher_is_better:
            return replace(found, value=found.value - limit, low=low, high=high)
        return replace(
            found,
            value=limit - found.value,
            low=None if high is None else -high,
            high=None if low is None else -low,
        )


def stretched(found: Estimate) -> Estimate:
    """The bootstrap interval, as wide as so few items make it; `n` counts them."""
    from scipy.special import ndtri, stdtrit

    if found.value is None or found.low is None or found.high is None or found.n < 2:  # noqa: PLR2004 - one item has no interval
        return found
    level = 0.975
    wider = np.sqrt(found.n / (found.n - 1)) * stdtrit(found.n - 1, level)
    wider = float(wider / ndtri(level))
    return replace(
        found,
        low=found.value - wider * (found.value - found.low),
        high=found.value + wider * (found.high - found.value),
        method=f"{found.method}, {wider:.3g} times as wide for {found.n} items",
    )


def _all_alike(
    found: Estimate, alike: Floats, values: list[Floats], *, paired: bool
) -> Estimate:
    """The interval, also where all items are alike and resamples do not vary.

    As for ratings that are all equal: n equal items leave at most a share of
    1 - 0.025^(1/n) of unlike ones unseen, which can move the mean as far as the scale
    reaches: 0 to 1, or else 0 to 100, where all values lie on it.
    """
    if found.value is None or found.low is not None:
        return stretched(found)
    every = np.concatenate(values)
    within = [s for s in _SCALES if (every >= s[0]).all() and (every <= s[1]).all()]
    if not within or not np.isfinite(alike).all() or np.ptp(alike) > _SAME:
        return found
    low, high = within[0]
    if paired:
        low, high = low - high, high - low
    unseen = unseen_share(found.n)
    return replace(
        found,
        low=found.value - unseen * max(0.0, found.value - low),
        high=found.value + unseen * max(0.0, high - found.value),
        method=f"all {found.n} items are alike: at most {unseen:.0%} of items differ",
    )
