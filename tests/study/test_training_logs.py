"""Logs that go on, that begin anew, and numbers that are none."""

import math

import numpy as np
import pytest

from harness.logs import Curve, TrainingLog
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint
from harness.study.training_logs import MOST_OTHERS, store_log

QUERY = "SELECT name, step, value FROM learning_curves ORDER BY name, step"
LOSSES = {1: 3.0, 2: math.nan, 3: math.inf}


@pytest.fixture
def study(tmp_path):
    made = StudyFile(tmp_path / "study.db")
    store_checkpoint(
        made, series="a", name="c", step=1, backend="echo", fingerprint="f"
    )
    yield made
    made.close()


def log_of(form="trainer_state", **curves):
    made = {
        name: Curve(name, np.array([*points]), np.array([*points.values()], float))
        for name, points in curves.items()
    }
    return TrainingLog("somewhere", form, made)


def logged(study):
    return [tuple(row.values()) for row in study.rows(QUERY)]


def test_nan_is_null_and_infinity_stays(study):
    assert store_log(study, "a", "/run", log_of(train_loss=LOSSES)) == 3
    assert logged(study) == [
        ("train_loss", 1, 3.0),
        ("train_loss", 2, None),
        ("train_loss", 3, math.inf),
    ]


def test_a_log_that_went_on_adds_only_what_is_new(study):
    store_log(study, "a", "/run", log_of(train_loss=LOSSES))
    more = log_of(train_loss=LOSSES | {4: 1.0}, eval_loss={2: 0.5})
    assert store_log(study, "a", "/run", more) == 2
    assert store_log(study, "a", "/run", more) == 0
    assert len(logged(study)) == 5
    assert study.column("SELECT count(*) FROM training_logs") == [1]


@pytest.mark.parametrize(
    "other",
    [
        log_of(train_loss={1: 3.0, 2: 2.0}),
        log_of(train_loss={1: 3.0}),
        log_of(eval_loss={1: 3.0}),
        log_of("tensorboard", train_loss=LOSSES),
    ],
    ids=["another value", "fewer points", "another name", "another form"],
)
def test_another_story_supersedes_what_was_known(study, other):
    store_log(study, "a", "/run", log_of(train_loss=LOSSES))
    store_log(study, "a", "/run", other)
    assert len(logged(study)) == sum(len(one.steps) for one in other.curves.values())
    assert study.column("SELECT supersedes FROM training_logs") == [None, 1]
    assert study.column("SELECT count(*) FROM training_points WHERE log = 1") == [3]


def test_runs_in_other_folders_stand_side_by_side(study):
    store_log(study, "a", "/run", log_of(train_loss={1: 3.0}))
    store_log(study, "a", "/resumed", log_of(train_loss={2: 2.0}))
    assert [row[2] for row in logged(study)] == [3.0, 2.0]


def test_what_has_nothing_to_do_with_learning_is_left_out(study):
    losses = {f"eval_{n:02}_loss": {1: float(n)} for n in range(MOST_OTHERS + 5)}
    store_log(study, "a", "/run", log_of(**losses, eval_runtime={1: 9.0}))
    assert [row[0] for row in logged(study)] == [*losses][:MOST_OTHERS]
    assert store_log(study, "a", "/empty", log_of(eval_runtime={1: 9.0})) == 0
