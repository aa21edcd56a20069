"""What every metric can rely on: sums, reasons, failures, signatures."""

from dataclasses import dataclass

import numpy as np
import pytest

from harness.errors import MetricError, Unscorable
from harness.metrics import Accuracy, MeanMetric, describe, metrics
from harness.metrics.base import ratio
from harness.types import Item

ITEM = Item("1", "task", "seven", "prompt", ("reference",))


@dataclass(frozen=True)
class Longest(MeanMetric):
    """Share of a limit that a text fills."""

    name = "longest"
    limit: int = 4

    def score(self, item, text):
        if not text:
            raise Unscorable("nothing was written")
        return len(text) / self.limit


def test_mean_metrics_average_what_can_be_judged():
    tallies = Longest().tallies([(ITEM, "ab"), (ITEM, ""), (ITEM, "abcd")])
    first, reason, last = tallies
    assert str(reason) == "nothing was written"
    assert Longest().value(first + last) == 0.75
    assert Longest().output_value(np.array([first, last])) == pytest.approx([0.5, 1])


def test_the_mean_of_nothing_is_undefined():
    assert np.isnan(Longest().value(np.zeros(2)))


def test_a_failing_metric_is_named_with_the_item():
    with pytest.raises(
        MetricError, match=r"'longest' failed on item 'seven' .*ZeroDivisionError"
    ):
        Longest(limit=0).tallies([(ITEM, "ab")])


def test_signature_lists_the_settings():
    assert Longest().signature == "longest|limit:4|v1"
    assert Longest(limit=9).settings == {"limit": 9}


def test_no_setting_can_pose_as_another_in_a_signature():
    first = Accuracy(choices="a|answer:b", answer="c")
    second = Accuracy(choices="a", answer="b|answer:c")
    assert first.signature != second.signature
    assert Accuracy(answer="a|b").signature != Accuracy(answer="a%7Cb").signature
    assert Accuracy(lead=" ").signature != Accuracy(lead="").signature


@pytest.mark.parametrize("name", metrics.names())
def test_signatures_start_with_the_name_and_hold_no_space(name, made):
    signature = made(name).signature
    assert signature.split("|")[0] == name
    assert " " not in signature


@pytest.mark.parametrize("name", metrics.names())
def test_every_metric_has_a_direction_and_a_description(name):
    assert isinstance(metrics[name].higher_is_better, bool)
    assert metrics[name].__doc__


def test_ratio_is_undefined_rather_than_infinite():
    assert ratio([1, 0], [2, 0])[0] == 0.5
    assert np.isnan(ratio([1, 0], [2, 0])[1])
    assert np.isnan(ratio(1, 0))


def test_a_mean_metric_without_direction_comes_back_without():
    @dataclass(frozen=True)
    class Aimless(Longest):
        name = "aimless"
        directed = False

    # What is kept of the form `mean` cannot say that neither way is better.
    assert describe(Longest())["form"] == "mean"
    assert describe(Aimless())["form"] == "tallied"
