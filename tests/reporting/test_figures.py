"""Figures: what is drawn, and that what is drawn is true."""

from dataclasses import replace

import pytest
from report_study import Maker, fill

from harness.report import report
from harness.reporting.figures import series_of, trends
from harness.reporting.scatter import MOST_POINTS, scatter
from harness.study import StudyFile


@pytest.fixture(scope="module")
def task(rated):
    return rated.tasks[0]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    study = StudyFile(tmp_path_factory.mktemp("runs") / "study.db")
    made = report(fill(Maker(study), items=4, series=("a", "b")).study, draws=20)
    study.close()
    return made.tasks[0]


def test_each_criterion_and_metric_has_a_panel_criteria_first(task):
    panels = trends(task)
    assert [panel.title for panel in panels[:3]] == [
        "meaning",
        "fluency",
        "perplexity ↓",
    ]
    assert [panel.rated for panel in panels] == [True] * 2 + [False] * 7


def test_a_line_shows_values_over_steps_inside_its_band(task):
    band, line = trends(task)[0].figure.data
    means = [checkpoint.human["meaning"] for checkpoint in task.checkpoints]
    assert list(line.x) == [0, 40, 120, 240]
    assert list(line.y) == [mean.value for mean in means]
    assert list(band.y[:4]) == [mean.high for mean in means]
    assert list(band.y[4:]) == [mean.low for mean in reversed(means)]


def test_every_series_has_its_own_line_colour_and_symbol(two_runs):
    assert series_of(two_runs) == ["a", "b"]
    lines = [t for t in trends(two_runs)[0].figure.data if t.meta["role"] == "values"]
    assert len(lines) == 2
    for look in ("line.color", "line.dash", "marker.symbol"):
        assert lines[0][look] != lines[1][look]


def test_the_copy_of_the_prompt_is_a_line_across(task):
    [bleu] = [panel for panel in trends(task) if panel.title == "bleu"]
    [line] = bleu.figure.layout.shapes
    copied = next(
        e for s, e in task.baselines[0].metrics.items() if s.startswith("bleu|")
    )
    assert line.y0 == line.y1 == copied.value


def test_checkpoints_without_steps_stand_side_by_side(task):
    bare = replace(
        task, checkpoints=tuple(replace(c, step=None) for c in task.checkpoints)
    )
    [points] = trends(bare)[0].figure.data
    assert list(points.x) == ["run-0", "run-40", "run-120", "run-240"]
    assert points.mode == "markers"
    assert points.error_y.array[0] > 0


def test_one_checkpoint_has_no_trend(task):
    assert trends(replace(task, checkpoints=task.checkpoints[:1])) == []


def test_a_scatter_holds_every_rated_output_and_every_pair(task):
    made = scatter(task)
    assert made.points == made.outputs == len(task.rated) == 48
    assert len(made.metrics) == 7
    assert list(made.criteria) == ["meaning", "fluency"]
    signature, criterion = made.shown
    [trace] = made.figure.data
    for output, x, y, told in zip(
        task.rated, trace.x, trace.y, trace.customdata, strict=True
    ):
        score, rating = output.scores[signature], output.ratings[criterion]
        assert (told[0], told[1]) == (score, rating)
        assert abs(y - rating) < 0.1
        assert abs(x - score) < 2


def test_a_scatter_draws_no_more_points_than_a_page_bears(task):
    many = replace(task, rated=tuple(task.rated) * 50)
    made = scatter(many)
    assert (made.points, made.outputs) == (MOST_POINTS, 2400)
    assert made.figure == scatter(many).figure


def test_without_ratings_there_is_no_scatter(task):
    assert scatter(replace(task, agreement=(), rated=())) is None
