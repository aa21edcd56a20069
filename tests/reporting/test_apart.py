"""What is said of outputs that a metric and raters see differently."""

from types import SimpleNamespace

from harness.reporting.apart import by_criterion, each_rater, of_the_closest
from harness.reporting.model import Disagreement, RatedOutput


def output(given):
    return RatedOutput("c", "1", 0, "", (), "", {}, {"good": 1.0}, {"good": given})


def apart(criterion, signature, higher):
    return Disagreement(criterion, signature, higher, 1.0, 0.0, output(()))


def test_each_rater_is_named_up_to_a_number():
    assert (
        each_rater(output((("Ana", 5.0), ("Ben", 2.5))), "good") == "Ana: 5, Ben: 2.5"
    )
    many = tuple((f"r{n}", 1.0) for n in range(1_012))
    assert each_rater(output(many), "good").endswith("r11: 1, and 1,000 more")
    assert each_rater(output(()), "good") == ""
    assert each_rater(output(()), "other") == ""


def test_disagreements_are_by_criterion_and_metric_in_their_order():
    found = [
        apart("good", "b", "metric"),
        apart("good", "b", "raters"),
        apart("good", "a", "raters"),
        apart("short", "a", "metric"),
    ]
    task = SimpleNamespace(disagreements=found)
    grouped = by_criterion(task)
    assert {
        name: [one.signature for one in some] for name, some in grouped.items()
    } == {
        "good": ["b", "a"],
        "short": ["a"],
    }
    assert grouped["good"][0].by_metric == (found[0],)
    assert grouped["good"][1].by_metric == ()
    assert list(of_the_closest(task)) == [found[0], found[1], found[3]]
