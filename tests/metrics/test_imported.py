"""Metrics whose values came from elsewhere."""

import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import ImportedMetric
from harness.metrics.imported import StoredMean
from harness.types import Item

ITEM = Item("1", "task", "1", "prompt", ("reference",))


def test_signature_says_that_it_was_imported():
    assert ImportedMetric("comet").signature == "comet|imported"
    assert not ImportedMetric("cer", higher_is_better=False).higher_is_better


def test_a_given_value_becomes_a_score_whose_tally_adds_up():
    metric = ImportedMetric("comet")
    scores = [metric.given("c", "i", "o", value) for value in (0.5, 1.0)]
    assert [score.value for score in scores] == [0.5, 1.0]
    assert {score.signature for score in scores} == {"comet|imported"}
    assert metric.value(scores[0].tally + scores[1].tally) == 0.75


def test_a_value_that_was_not_given_is_unknown_rather_than_zero():
    score = ImportedMetric("comet").given("c", "i", "o", None)
    assert score.value is None
    assert score.tally is None
    assert score.reason == "no value was imported for it"


@pytest.mark.parametrize(
    "metric",
    [ImportedMetric("comet"), StoredMean(name="mine", stored_signature="mine|v1")],
)
def test_values_made_elsewhere_cannot_be_made_here(metric):
    (reason,) = metric.tallies([(ITEM, "text")])
    assert isinstance(reason, Unscorable)


@pytest.mark.parametrize("name", ["", " ", "a|b"])
def test_a_name_that_no_signature_can_hold_is_refused(name):
    with pytest.raises(InputError, match="cannot be named"):
        ImportedMetric(name)
