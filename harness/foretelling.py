"""What people would say of checkpoints that nobody has rated, by a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.metrics.signatures import labels
from harness.stats.calibration import Calibration, calibrate
from harness.yardstick import yardstick

if TYPE_CHECKING:
    from harness.study import StudyFile

RATED = """
    SELECT item, avg(rating) AS rating, min(score) AS score,
        max(rater_kind = 'simulated') FROM judgements
    WHERE task = ? AND criterion = ? AND signature = ? AND score IS NOT NULL
    GROUP BY output_id
"""
MEANS = """
    SELECT checkpoint, avg(value) FROM current_scores
    WHERE task = ? AND signature = ? AND value IS NOT NULL GROUP BY checkpoint
"""


@dataclass(frozen=True, slots=True)
class Foretold:
    """Predicted mean ratings of every checkpoint with scores."""

    means: dict[str, float]
    """Id of the checkpoint to the predicted mean rating."""
    metric: str
    """Name of the metric."""
    line: Calibration
    """What they are made by."""
    simulated: bool
    """Whether any rating that it rests on was made up by a program."""


def foretell(study: StudyFile, task: str, criterion: str) -> Foretold:
    """Predicted mean ratings on a criterion, by the metric that reports rest on.

    Raises:
        UsageError: no metric has scores everywhere, too little is rated, or the metric
            says nothing of the ratings.
    """
    signature = yardstick(study, task)
    if signature is None:
        raise UsageError(
            f"No metric of task '{task}' has a direction and scores of every "
            "checkpoint, by which ratings could be foretold."
        )
    name = labels([signature])[signature]
    rows = list(study.tuples(RATED, [task, criterion, signature]))
    if not rows:
        raise UsageError(
            f"Nobody has rated outputs on {criterion} of task '{task}' yet. Collect "
            "ratings of any checkpoints: harness rate"
        )
    items, ratings, scores, kinds = zip(*rows, strict=True)
    simulated = any(kinds)
    line = calibrate(ratings, scores, items)
    if not line.tells:
        which = "ratings, some of them SIMULATED," if simulated else "ratings"
        raise UsageError(
            f"{name} says nothing sure of {which} on {criterion} of task '{task}': a "
            f"unit more is worth {line.slope:.3g} [{line.low:.3g}, {line.high:.3g}] "
            f"points on {line.items} prompts."
        )
    means = study.tuples(MEANS, [task, signature])
    foretold = {id_: line.predict(mean) for id_, mean in means}
    return Foretold(foretold, name, line, simulated)
