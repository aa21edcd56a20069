"""Curves of training in a report: nothing that is no number is lost or drawn as one."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from harness.logs import Curve
from harness.reporting import render
from harness.reporting.curves import curves
from harness.reporting.learning import (
    MOST_MARKS,
    MOST_POINTS,
    learning_curves,
    learning_notes,
    learning_tables,
)
from harness.study.training_logs import SeriesLog

LOSS = {10: 2.0, 20: math.nan, 40: 1.5, 120: math.inf, 240: 1.0}
HELD_OUT = {0: 3.0, 40: 1.25, 240: 1.75}
HOSTILE = "</script><img src=x onerror=alert(1)>|loss"


def log_of(series="run", place="/x/run", **named):
    made = {
        name: Curve(name, np.array([*points]), np.array([*points.values()], float))
        for name, points in named.items()
    }
    return SeriesLog(series, place, "tensorboard", made)


@pytest.fixture(scope="module")
def made(rated):
    """The report on checkpoints of steps 0, 40, 120 and 240, its training logged."""
    log = log_of(train_loss=LOSS, eval_loss=HELD_OUT, **{HOSTILE: {1: 1.0}})
    learning = learning_curves([log])
    return replace(rated, tasks=(replace(rated.tasks[0], learning=learning),))


def test_a_long_curve_keeps_its_ends_spikes_and_what_is_no_number():
    values = np.sin(np.arange(100_000) / 1000)
    values[[777, 40_001, 99_000]] = 50, -50, math.nan
    steps = dict(enumerate(values))
    (curve,) = learning_curves([log_of(train_loss=steps)])
    assert len(curve.steps) <= MOST_POINTS + 1
    assert (curve.points, curve.lost) == (100_000, 1)
    assert {0, 777, 40_001, 99_000, 99_999} <= {*curve.steps}
    assert list(curve.steps) == sorted(curve.steps)
    (lost,) = learning_curves([log_of(train_loss=dict.fromkeys(steps, math.nan))])
    assert (len(lost.marks), lost.lost, lost.finite) == (MOST_MARKS, 100_000, [])


def test_what_is_no_number_is_a_cross_and_breaks_the_line(made):
    [one] = curves(made.tasks[0])
    traces = {trace.name: trace for trace in one.figure.data}
    assert traces["training loss"].y == (2.0, None, 1.5, None, 1.0)
    cross = traces["training loss: no number"]
    assert (cross.x, cross.y) == ((20, 120), (3.0, 3.0))
    assert cross.text[0] == "training loss is nan at step 20"
    assert "held-out loss: no number" not in traces


def test_losses_are_drawn_where_nothing_else_has_a_course(made):
    task = replace(made.tasks[0], reaches={})
    [one] = curves(task)
    assert one.losses
    assert one.figure.layout.yaxis2.domain == (0, 1)
    assert not one.figure.layout.yaxis.visible


def test_a_loss_that_falls_far_is_on_a_logarithmic_axis(made):
    log = log_of(train_loss={1: 3599.6, 2: 0.5})
    [one] = curves(replace(made.tasks[0], learning=learning_curves([log])))
    assert one.figure.layout.yaxis2.type == "log"


def test_the_table_has_what_was_logged_by_each_checkpoint(made):
    [table] = learning_tables(made.tasks[0])
    assert table.heads[:3] == ["step", "training loss", "held-out loss"]
    assert [row[:3] for row in table.rows] == [
        ["0", "–", "3.00"],
        ["40", "1.50", "1.25"],
        ["120", "infinite", "–"],
        ["240", "1.00", "1.75"],
    ]


def test_sentences_say_the_lowest_and_the_lost(made):
    assert learning_notes(made.tasks[0]) == [
        "Training loss is no number at 2 of 5 logged steps, first at step 20 (NaN).",
        "Held-out loss is lowest at step 40 (1.25); 1.75 at the end.",
    ]


def test_json_and_csv_have_null_and_say_what_was_logged(made):
    [task] = json.loads(render(made, "json"))["tasks"]
    loss = task["learning_curves"][0]
    assert loss["values"] == [2.0, None, 1.5, None, 1.0]
    assert loss["not_finite"] == {"n": 2, "at": [[20, "nan"], [120, "inf"]]}
    [row] = [
        line
        for line in render(made, "csv").splitlines()
        if "(tensorboard)" in line and line.endswith(": nan")
    ]
    assert "learning curve,run,,20" in row


def test_names_from_a_log_stay_text(made):
    assert HOSTILE not in render(made, "html")
    assert "<img" not in render(made, "md")
