"""Evidence made from matrices, for tests of what is concluded from it."""

from types import SimpleNamespace

import numpy as np

from harness.reporting.evidence import Evidence
from harness.reporting.given_ratings import Rating
from harness.reporting.lead import Lead
from harness.reporting.model import CriterionInfo
from harness.study.scores import Scores
from harness.types import Checkpoint, Estimate, Item, Output

METRIC = "chrf|v1"
METRICS = {METRIC: SimpleNamespace(directed=True)}


def evidence_of(human, scores=None, *, scale=(1, 5)):
    """Ratings (raters, checkpoints, items) with NaN, scores (checkpoints, items)."""
    _, checkpoints, items = human.shape
    ids = [f"c{number}" for number in range(checkpoints)]
    keys = [f"i{number}" for number in range(items)]
    given = zip(*np.nonzero(np.isfinite(human)), strict=True)
    return Evidence(
        task="task",
        description="",
        items={key: Item(key, "task", key, key) for key in keys},
        checkpoints=tuple(
            Checkpoint(id_, id_, "run", step, "echo", id_)
            for step, id_ in enumerate(ids)
        ),
        outputs={
            id_: tuple(Output(f"{id_}/{key}", key, id_, "text") for key in keys)
            for id_ in ids
        },
        scores={}
        if scores is None
        else {
            id_: {METRIC: _scores(id_, keys, row)}
            for id_, row in zip(ids, scores, strict=True)
        },
        whole={},
        descriptions={METRIC: {"name": "chrf"}},
        ratings=tuple(
            Rating(
                id=number,
                rated=f"c{c}/i{i}",
                assignment=number,
                output=f"c{c}/i{i}",
                criterion="meaning",
                value=float(human[r, c, i]),
                rater=int(r),
                kind="person",
                seconds=None,
            )
            for number, (r, c, i) in enumerate(given)
        ),
        skipped=frozenset(),
        outdated=0,
        criteria=(CriterionInfo("meaning", low=scale[0], high=scale[1]),),
    )


def lead_of(human):
    """The best over the next best by mean rating, as the report finds them."""
    means = np.nanmean(human, axis=(0, 2))
    second, best = np.argsort(means, kind="stable")[-2:]
    return Lead("criterion", "meaning", f"c{best}", f"c{second}", Estimate(1.0))


def _scores(checkpoint, keys, values):
    return Scores(
        items=keys,
        outputs=[f"{checkpoint}/{key}" for key in keys],
        values=np.asarray(values, float),
        tallied=np.ones(len(keys), bool),
        tallies=np.column_stack([values, np.ones(len(keys))]),
    )
