"""How far a checkpoint is ahead by ratings, sharpened by a metric's scores.

The samples of a prompt are averaged, rater by rater. Which metric helps is settled
before any rating is seen: the one that is named, else the first of the task that has a
direction and scores of single outputs of both checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError
from harness.gating.model import Gain
from harness.stats import combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.evidence import Evidence
    from harness.stats.sharpened import Estimand, Estimate
    from harness.study import StudyFile

    Floats = NDArray[np.float64]

EVEN = 0.5
"""Win rate of checkpoints that are equally good."""
DRAWN = """
    SELECT assignments.id, campaign, probability FROM assignments
    JOIN campaigns ON campaigns.id = assignments.campaign WHERE campaigns.task = ?
"""


@dataclass(frozen=True, slots=True)
class ByPeople:
    """A criterion, and what it is asked about."""

    evidence: Evidence
    """What counts for the task."""
    drawn: Mapping[int, tuple[int, float]]
    """Assignment to its campaign and the probability with which it was drawn."""
    criterion: str
    """Its name."""
    candidate: str
    """Id of the checkpoint that is tested."""
    baseline: str | None
    """Id of the one that it is held against; None: a threshold."""
    threshold: float | None
    """On the scale of the ratings."""
    metric: str | None
    """Signature of the metric that may help; None: none."""
    estimand: Estimand
    """What the interval is about."""

    def of_ratings(self) -> Gain:
        """The mean rating of the candidate, less the baseline's or the threshold.

        Raises:
            UsageError: nobody rated one of them, or no prompt was rated for both.
        """
        items = self._items()
        human = [self._ratings(id_, items) for id_ in self._checkpoints]
        rated = [_judged(one) for one in human]
        for id_, some in zip(self._checkpoints, rated, strict=True):
            if not some.any():
                raise self._nobody(self.evidence.labels[id_])
        both = rated[0] & rated[-1]
        if not both.any():
            raise UsageError(
                f"No prompt of task '{self.evidence.task}' was rated on "
                f"{self.criterion} for both {self._names()}."
            )
        scores = [self._scores(id_, items) for id_ in self._checkpoints]
        # Where only one of the two was rated, the prompt is dropped and counted.
        design = self._design(items, both, self._assignments_of_ratings())
        made = self._combined(human, scores, design)
        dropped = int((rated[0] | rated[-1]).sum() - both.sum())
        return self._gain(made, self.threshold or 0.0, dropped)

    def _combined(
        self,
        human: Sequence[Floats],
        scores: Sequence[Floats | None],
        design: combine.Design,
    ) -> Estimate:
        scale, estimand = self._scale(), self.estimand
        if self.baseline is None:
            return combine.mean(
                human[0], scores[0], estimand=estimand, scale=scale, design=design
            )
        return combine.paired_difference(
            human[0],
            human[1],
            scores[0],
            scores[1],
            estimand=estimand,
            scale=scale,
            design=design,
        )

    def of_comparisons(self) -> Gain:
        """How far the candidate's win rate lies above one half.

        Raises:
            UsageError: there is no baseline, or nobody compared the two.
        """
        if self.baseline is None:
            raise UsageError(
                f"Outputs were compared on {self.criterion}: a win rate needs a "
                "checkpoint to win against. Give --against instead of --threshold."
            )
        items = self._items()
        rows = [
            row
            for row in self.evidence.comparisons.rows
            if row["criterion"] == self.criterion
            and {row["one"], row["two"]} == {self.candidate, self.baseline}
        ]
        column = {one: at for at, one in enumerate({row["rater"] for row in rows})}
        total = np.zeros((len(items), max(1, len(column))))
        times = np.zeros_like(total)
        for row in rows:
            if row["item"] in items:
                place = items[row["item"]], column[row["rater"]]
                ahead = row["one"] == self.candidate
                total[place] += row["outcome"] if ahead else 1 - row["outcome"]
                times[place] += 1
        if not times.any():
            raise self._nobody(self._names())
        outcomes = _quotient(total, times)
        before, after = (self._scores(id_, items) for id_ in self._checkpoints)
        scores = None if before is None or after is None else after - before
        given = [(row["assignment"], row["item"]) for row in rows]
        made = combine.win_rate(
            outcomes,
            scores,
            estimand=self.estimand,
            design=self._design(items, _judged(outcomes), given),
        )
        return self._gain(made, EVEN, 0)

    @property
    def _checkpoints(self) -> list[str]:
        both = (self.baseline, self.candidate)
        return [one for one in both if one is not None]

    def _names(self) -> str:
        return " and ".join(self.evidence.labels[id_] for id_ in self._checkpoints)

    def _nobody(self, whom: str) -> UsageError:
        return UsageError(
            f"Nobody has judged {whom} on {self.criterion} of task "
            f"'{self.evidence.task}'. Collect ratings first: harness rate"
        )

    def _items(self) -> dict[str, int]:
        """Item that all checkpoints answered to its row."""
        answered = [
            {output.item for output in self.evidence.outputs[id_]}
            for id_ in self._checkpoints
        ]
        shared = set.intersection(*answered)
        return {
            item: row
            for row, item in enumerate(i for i in self.evidence.items if i in shared)
        }

    def _ratings(self, checkpoint: str, items: Mapping[str, int]) -> Floats:
        """(items, raters), each rater's ratings of an item's samples averaged."""
        given = self.evidence.by_rater[self.criterion]
        raters = sorted({rater for some in given.values() for rater in some})
        column = {rater: place for place, rater in enumerate(raters)}
        total = np.zeros((len(items), len(raters)))
        times = np.zeros_like(total)
        for output in self.evidence.outputs[checkpoint]:
            if output.item in items:
                for rater, value in given.get(output.id, {}).items():
                    total[items[output.item], column[rater]] += value
                    times[items[output.item], column[rater]] += 1
        return _quotient(total, times)

    def _scores(self, checkpoint: str, items: Mapping[str, int]) -> Floats | None:
        """(items,), the metric's mean over an item's samples; None without metric."""
        if self.metric is None:
            return None
        value = self.evidence.output_scores[self.metric]
        total, times = np.zeros(len(items)), np.zeros(len(items))
        for output in self.evidence.outputs[checkpoint]:
            if output.item in items and output.id in value:
                total[items[output.item]] += value[output.id]
                times[items[output.item]] += 1
        return _quotient(total, times)

    def _scale(self) -> tuple[float, float] | None:
        [asked] = [one for one in self.evidence.criteria if one.name == self.criterion]
        if asked.low is None or asked.high is None:
            return None
        return asked.low, asked.high

    def _assignments_of_ratings(self) -> list[tuple[int | None, str]]:
        item_of = self.evidence.item_of
        return [
            (one.assignment, item_of[one.output])
            for one in self.evidence.ratings
            if one.criterion == self.criterion
        ]

    def _design(
        self,
        items: Mapping[str, int],
        judged: NDArray[np.bool_],
        given: Iterable[tuple[int | None, str]],
    ) -> combine.Design:
        """With what probability each prompt was drawn by some campaign.

        Where every campaign drew all prompts alike, all are alike. Else a campaign
        that did not draw a prompt had its mean chance of doing so.
        """
        chance: dict[int, dict[str, float]] = {}
        for assignment, item in given:
            if assignment is not None and item in items:
                campaign, probability = self.drawn[assignment]
                chance.setdefault(campaign, {})[item] = probability
        if all(np.ptp(list(of.values())) < 1e-9 for of in chance.values()):  # noqa: PLR2004
            return combine.AT_RANDOM
        missed = np.ones(len(items))
        for of in chance.values():
            mean = float(np.mean(list(of.values())))
            missed *= [1 - of.get(item, mean) for item in items]
        return combine.Design(probabilities=np.where(judged, 1 - missed, np.nan))

    def _gain(self, made: Estimate, less: float, dropped: int) -> Gain:
        found = replace(made.as_estimate(), dropped=dropped)
        if found.value is not None:
            found = replace(found, value=found.value - less)
        if found.low is not None and found.high is not None:
            found = replace(found, low=found.low - less, high=found.high - less)
        notes: tuple[str, ...] = ()
        if made.method == "regression" and made.saved:
            notes = (f"the metric was worth {made.saved} more rated prompts",)
        return Gain(found, made.df, notes)


def drawing(study: StudyFile, task: str) -> dict[int, tuple[int, float]]:
    """Assignment to its campaign and the probability with which it was drawn."""
    return {
        row["id"]: (row["campaign"], row["probability"])
        for row in study.rows(DRAWN, [task])
    }


def helping_metric(
    evidence: Evidence, directed: Mapping[str, bool], checkpoints: Iterable[str]
) -> str | None:
    """Signature of the first metric with a direction and scores of all checkpoints.

    Args:
        evidence: what counts for the task.
        directed: signature of each metric to whether it has a direction.
        checkpoints: ids of those that need scores of single outputs.
    """
    outputs = [{output.id for output in evidence.outputs[id_]} for id_ in checkpoints]
    for signature in evidence.signatures:
        scored = evidence.output_scores[signature].keys()
        if directed[signature] and all(some & scored for some in outputs):
            return signature
    return None


def _judged(table: Floats) -> NDArray[np.bool_]:
    """(items,), whether anybody judged each; `table` is (items, raters)."""
    return np.asarray(np.isfinite(table).any(axis=1))


def _quotient(total: Floats, times: Floats) -> Floats:
    found = np.full(total.shape, np.nan)
    np.divide(total, times, out=found, where=times > 0)
    return found
