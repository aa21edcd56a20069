"""All on one axis: what is drawn is true, and noise is not drawn as change."""

from dataclasses import replace

import numpy as np
import pytest
from report_study import Maker, fill

from harness.report import report
from harness.reporting.curves import FAINT, INK, curves, scale_of
from harness.reporting.tables import columns
from harness.study import StudyFile
from harness.types import Estimate


@pytest.fixture(scope="module")
def task(rated):
    return rated.tasks[0]


def lines(task, place=0):
    return {line.name: line for line in curves(task)[place].figure.data}


def rated_as(task, means, half_widths, reach):
    """The task with other mean ratings of meaning."""
    checkpoints = tuple(
        replace(one, human={**one.human, "meaning": Estimate(mean, mean - w, mean + w)})
        for one, mean, w in zip(task.checkpoints, means, half_widths, strict=True)
    )
    reaches = {**task.reaches, (True, "meaning"): reach}
    return replace(task, checkpoints=checkpoints, reaches=reaches)


def test_a_sure_line_runs_from_its_worst_to_its_best(task):
    clear = Estimate(2.0, 1.8, 2.2)
    [line] = [
        line
        for name, line in lines(
            rated_as(task, (1, 3, 2.5, 2), [0.1] * 4, clear)
        ).items()
        if name == "meaning"
    ]
    assert list(line.x) == [0, 40, 120, 240]
    assert line.y == pytest.approx((0, 1, 0.75, 0.5))
    assert line.error_y.array == pytest.approx([0.05] * 4)
    assert line.opacity == 1


def test_less_is_better_is_turned(task):
    line = lines(task)["perplexity ↓"]
    [signature] = [m.signature for m in task.metrics if m.name == "perplexity"]
    cells = [checkpoint.metrics[signature] for checkpoint in task.checkpoints]
    values = np.array([cell.value for cell in cells])
    expected = (values.max() - values) / np.ptp(values)
    assert line.y == pytest.approx(expected)
    high = (values.max() - [cell.low for cell in cells]) / np.ptp(values)
    assert line.error_y.array == pytest.approx(high - expected)


def test_noise_is_pale_said_and_flat(task):
    # Six pairs of four checkpoints: 2.638 for 1.96 standard errors of 0.1.
    unsure = Estimate(0.2, 0.2 - 0.196, 0.2 + 0.196)
    shown = rated_as(task, (3.0, 3.2, 3.1, 3.0), [0.2] * 4, unsure)
    line = lines(shown)["meaning (not sure)"]
    assert line.opacity == FAINT
    assert np.ptp(line.y) == pytest.approx(0.2 / 0.2638, rel=1e-3)
    assert (min(line.y) + max(line.y)) / 2 == pytest.approx(0.5)


def test_a_difference_that_only_the_choice_makes_is_not_sure(task):
    """Its plain interval excludes 0; best and worst of four were chosen for it."""
    chosen = Estimate(0.22, 0.02, 0.42)
    shown = rated_as(task, (3.0, 3.22, 3.1, 3.0), [0.2] * 4, chosen)
    [meaning, *_] = columns(shown)
    assert not scale_of(shown, meaning).sure


def test_values_that_are_all_alike_lie_in_the_middle(task):
    shown = rated_as(task, [3.0] * 4, [0.0] * 4, Estimate(0.0))
    assert list(lines(shown)["meaning (not sure)"].y) == [0.5] * 4


def test_ratings_stand_apart_and_no_two_lines_look_alike(task):
    found = lines(task)
    people = {name for name, line in found.items() if line.line.color == INK}
    assert people == {"meaning", "fluency"}
    looks = {
        (one.line.color, one.line.dash, one.marker.symbol) for one in found.values()
    }
    assert len(looks) == len(found) == 9
    dashes = {one.line.dash for name, one in found.items() if name in people}
    assert len(dashes) == 2


def test_the_true_values_are_told_at_each_point(task):
    text = lines(task)["meaning"].text
    mean = task.checkpoints[3].human["meaning"]
    assert text[3].startswith("run-240<br>meaning ")
    assert f"{mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]" in text[3]
    assert text[3].endswith(f"n = {mean.n}")


def test_several_series_share_the_scale(tmp_path):
    study = StudyFile(tmp_path / "study.db")
    made = report(fill(Maker(study), items=4, series=("a", "b")).study, draws=20)
    study.close()
    [task] = made.tasks
    assert [one.series for one in curves(task)] == ["a", "b"]
    ends = [lines(task, place)["bleu"].y for place in (0, 1)]
    assert min(map(min, ends)) == pytest.approx(0)
    assert max(map(max, ends)) == pytest.approx(1)
    assert min(map(max, ends)) < 1


def test_without_steps_there_is_no_such_figure(task):
    bare = tuple(replace(one, step=None) for one in task.checkpoints)
    assert curves(replace(task, checkpoints=bare)) == []
    assert curves(replace(task, checkpoints=task.checkpoints[:1])) == []
