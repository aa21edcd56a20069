"""From checks to causes: areas add, and what explains what."""

from math import log

import pytest

from harness.diagnosis import CAUSES, Check, Findings, NotChecked
from harness.diagnosis.causes import KNOWN
from harness.diagnosis.verdict import causes, log_odds, verdict


def check(name="one", area="data", **weights):
    return Check(name, area, "failure", 1.0, "any", "a test", "It is so.", (), weights)


def test_every_cause_is_explained_and_refers_to_causes():
    assert tuple(KNOWN) == CAUSES
    for cause, known in KNOWN.items():
        assert all((known.means, known.refute, known.next))
        assert cause not in {*known.apart, *known.roots}
        assert {*known.apart, *known.roots} <= {*CAUSES}


def test_no_two_causes_explain_each_other():
    both = [(a, b) for a in CAUSES for b in KNOWN[a].roots if a in KNOWN[b].roots]
    assert both == []


def test_log_odds_by_hand():
    checks = [
        check("a", "data", truncation=2.0),
        check("b", "data", truncation=1.5),  # of one area with a: does not count
        check("c", "curves", truncation=1.0),
        check("d", "outputs", truncation=-0.5),
    ]
    assert log_odds(checks, "truncation") == pytest.approx(2.0 + 1.0 - 0.5 - log(19))


def test_a_cause_needs_to_be_likelier_than_not():
    assert causes([check(truncation=2.9)]) == ()
    [found] = causes([check(truncation=3.0)])
    assert found.cause == "truncation"
    assert found.confidence == pytest.approx(1 / (1 + 19 / 20.0855), abs=1e-3)


def test_two_areas_name_what_neither_could_alone():
    one, other = check(leakage=1.6), check("two", "outputs", leakage=1.6)
    assert causes([one]) == causes([other]) == ()
    [found] = causes([one, other])
    assert [one.area for one in found.evidence] == ["data", "outputs"]


def test_twice_the_same_area_names_nothing():
    assert causes([check(leakage=1.6), check("two", leakage=1.6)]) == ()


def test_evidence_is_strongest_first_and_without_what_speaks_against():
    weights = {"a": 1.0, "b": 4.0, "c": -1.0}
    checks = [check(name, leakage=weight) for name, weight in weights.items()]
    [found] = causes([*checks, check("d", "outputs", leakage=1.0)])
    assert [one.name for one in found.evidence] == ["b", "a", "d"]


def test_a_symptom_comes_after_its_root_even_with_stronger_evidence():
    found = causes(
        [
            check("curve", "curves", overfitting=6.0, narrow_data=1.0),
            check("templates", narrow_data=3.5),
        ]
    )
    assert [one.cause for one in found] == ["narrow_data", "overfitting"]
    assert found[1].confidence < found[0].confidence


def test_what_one_area_alone_says_of_both_explains_nothing():
    curve = check("curve", "curves", overfitting=5.0, too_few_examples=3.0)
    assert [one.cause for one in causes([curve])] == ["overfitting", "too_few_examples"]


def test_neighbours_that_evidence_does_not_tell_apart_are_alternatives():
    curve = check(
        area="curves",
        learning_rate_too_high=3.3,
        under_trained=2.6,
        learning_rate_too_low=0.5,
    )
    [found] = causes([curve])
    assert found.alternatives == ("under_trained",)
    assert "third of the learning rate for 100 steps" in found.next


def test_under_trained_comes_first_where_the_rate_is_a_usual_one():
    curve = check(area="curves", learning_rate_too_low=3.5, under_trained=3.0)
    band = check("band", "configuration", learning_rate_too_low=-1.0)
    assert causes([curve])[0].cause == "learning_rate_too_low"
    assert causes([curve, band])[0].cause == "under_trained"


def test_a_verdict_holds_all_that_was_and_was_not_checked():
    missing = NotChecked("people", "nobody rated")
    found = verdict([Findings((check(),)), Findings(not_checked=(missing,))])
    assert (found.causes, found.not_checked) == ((), (missing,))
    assert [one.name for one in found.checks] == ["one"]
