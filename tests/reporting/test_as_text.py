"""The report for a terminal."""

from harness.reporting import render


def test_it_fits_a_hundred_columns(rated, hostile):
    for report in (rated, hostile):
        assert max(map(len, render(report, "text").splitlines())) <= 100


def test_the_verdict_comes_before_any_table(rated):
    page = render(rated, "text")
    assert page.index("People put") < page.index("run-240  ")


def test_outputs_cannot_command_the_terminal(hostile):
    page = render(hostile, "text")
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\u001b[31m" in page


def test_every_metric_and_checkpoint_is_shown_whatever_the_width(rated):
    page = render(rated, "text")
    for metric in rated.tasks[0].metrics:
        assert metric.label in page
    assert page.count("run-120 ") >= 2
