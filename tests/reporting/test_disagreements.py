"""Outputs that a metric and the raters see differently."""

import pytest

from harness.reporting.disagreements import closest, disagreements
from harness.reporting.model import MetricAgreement, MetricInfo, RatedOutput
from harness.stats.ceiling import Ceiling
from harness.stats.correlation import Coefficients, Segment
from harness.types import Estimate


def one_agreement(signature, tau):
    none = Coefficients(Estimate(None), Estimate(None), Estimate(tau))
    segment = Segment(*[Estimate(None)] * 2, Estimate(tau), *[Estimate(None)] * 5)
    levels = dict.fromkeys(("none", "item", "system"), segment)
    nothing = Estimate(None)
    return MetricAgreement(
        "m", signature, "good", none, nothing, nothing, levels, Ceiling(*[nothing] * 3)
    )


def outputs(pairs, signature="m|v1"):
    return [
        RatedOutput("c", str(n), 0, "", (), "", {signature: score}, {"good": rating})
        for n, (score, rating) in enumerate(pairs)
    ]


PAIRS = [(1, 1), (2, 2), (9, 0), (4, 4), (0, 9), (6, 6)]


def test_the_furthest_come_first_in_both_directions():
    metrics = [MetricInfo("m|v1", "m", "m")]
    found = disagreements(outputs(PAIRS), [one_agreement("m|v1", 0.3)], metrics)
    assert [(one.higher, one.output.item) for one in found] == [
        ("metric", "2"),
        ("raters", "4"),
    ]
    # Of six outputs the metric puts number 2 last but above five: midrank 5.5 of 6.
    assert found[0].metric_rank == pytest.approx(5.5 / 6)
    assert found[0].rating_rank == pytest.approx(0.5 / 6)


def test_a_metric_of_which_less_is_better_is_turned():
    metrics = [MetricInfo("m|v1", "m", "m", higher_is_better=False)]
    turned = outputs([(-score, rating) for score, rating in PAIRS])
    found = disagreements(turned, [one_agreement("m|v1", 0.3)], metrics)
    assert [one.output.item for one in found] == ["2", "4"]


def test_metrics_of_likelihoods_are_passed_over():
    metrics = [MetricInfo("m|v1", "m", "m", of="likelihoods")]
    assert not disagreements(outputs(PAIRS), [one_agreement("m|v1", 0.9)], metrics)


def test_few_outputs_or_equal_order_give_none():
    metrics = [MetricInfo("m|v1", "m", "m")]
    agreed = [one_agreement("m|v1", 1.0)]
    assert not disagreements(outputs(PAIRS[:4]), agreed, metrics)
    assert not disagreements(outputs([(n, n) for n in range(9)]), agreed, metrics)


def test_the_closest_metric_has_the_highest_tau():
    found = [one_agreement("a|v1", 0.2), one_agreement("b|v1", 0.5)]
    assert closest(found, "good").signature == "b|v1"
    assert closest([one_agreement("c|v1", None)], "good") is None
    assert closest(found, "other") is None


def test_every_metric_has_its_own_and_the_closest_comes_first():
    rated = [
        RatedOutput("c", str(n), 0, "", (), "", {"a|v1": n, "b|v1": -n}, {"good": n})
        for n in range(8)
    ]
    metrics = [MetricInfo(f"{name}|v1", name, name) for name in "ab"]
    agreed = [one_agreement("b|v1", -1.0), one_agreement("a|v1", 1.0)]
    found = disagreements(rated, agreed, metrics)
    # In a nothing is apart; in b the first is best and the last is worst.
    assert {one.signature for one in found} == {"b|v1"}
    assert [one.output.item for one in found] == ["0", "1", "2", "7", "6", "5"]
    both = disagreements(
        [*rated, *outputs(PAIRS, "a|v1")],
        [one_agreement("b|v1", None), one_agreement("a|v1", 0.2)],
        metrics,
    )
    assert list(dict.fromkeys(one.signature for one in both)) == ["a|v1", "b|v1"]


def test_of_equally_far_outputs_the_first_are_shown():
    pairs = [(1, 9)] * 8 + [(9, 1)] * 8 + [(10, 0), (5, 5)]
    metrics = [MetricInfo("m|v1", "m", "m")]
    found = disagreements(outputs(pairs), [one_agreement("m|v1", 0.3)], metrics)
    assert [(one.higher, one.output.item) for one in found] == [
        *(("metric", number) for number in ("16", "8", "9")),
        *(("raters", number) for number in ("0", "1", "2")),
    ]
