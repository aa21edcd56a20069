"""Metrics against people: the human ceiling beside their agreement."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from report_study import fill

from harness.importing import import_outputs, import_ratings
from harness.report import report
from harness.reporting import render
from harness.stats.ceiling import ceiling

LACKING = ({"item": "b", "system": "two"}, {"item": "d", "system": "one"})
"""Outputs that one of two metrics has no score for."""


def test_the_ceiling_is_that_of_the_statistics(rated):
    task = rated.tasks[0]
    for metric, sign in (("chrf", 1), ("perplexity", -1)):
        [one] = [
            one
            for one in task.agreement
            if (one.metric, one.criterion) == (metric, "meaning")
        ]
        # Each rater's mean of the two is known from the other's.
        assert one.ceiling.rater.n == 2
        assert one.ceiling.rater.value > 0.5
        gap = one.ceiling.metric.value - one.ceiling.rater.value
        assert one.ceiling.difference.value == pytest.approx(gap)
        scores = [sign * o.scores[one.signature] for o in task.rated]
        means = [o.ratings["meaning"] for o in task.rated]
        assert np.corrcoef(scores, means)[0, 1] > one.ceiling.metric.value > 0


def test_the_ceiling_by_hand(maker):
    texts = {str(n): f"a b c d e {'x ' * (n % 5)}" for n in range(15)}
    maker.metrics = ("f1",)
    maker.items(*((key, f"say {key}", ("a b c d e",)) for key in texts))
    maker.checkpoint("one", texts)
    raters = {
        "ann": [float(1 + (3 * n) % 5) for n in range(15)],
        "ben": [float(1 + (3 * n) % 5 // 2) for n in range(15)],
        "cem": [float(1 + n % 4) for n in range(15)],
    }
    for name, values in raters.items():
        maker.rate(name, "meaning", {("one", str(n)): v for n, v in enumerate(values)})
    [task] = report(maker.study, draws=20).tasks
    [one] = task.agreement
    scores = [o.scores[one.signature] for o in task.rated]
    order = [int(o.item) for o in task.rated]
    table = np.array(list(raters.values())).T[order]
    expected = ceiling(scores, table, order, draws=20)
    assert one.ceiling.rater.value == pytest.approx(expected.rater.value)
    assert one.ceiling.metric.value == pytest.approx(expected.metric.value)
    of_ann = np.corrcoef(table[:, 0], table[:, 1:].mean(axis=1))[0, 1]
    others = [np.corrcoef(table[:, i], np.delete(table, i, 1).mean(1)) for i in (1, 2)]
    mean = np.mean([of_ann, *(r[0, 1] for r in others)])
    assert one.ceiling.rater.value == pytest.approx(mean)


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_shows_the_ceiling(rated, form):
    page = render(rated, form)
    assert "uman ceiling" in page
    assert ("metric less a rater" if form == "html" else "a rater") in page


def test_the_json_has_the_ceiling(rated):
    [task] = json.loads(render(rated, "json"))["tasks"]
    for one in task["agreement"]:
        assert set(one["ceiling"]) == {"rater", "metric", "difference"}
        assert one["ceiling"]["difference"]["method"].startswith("Pearson's r with")


def test_one_rater_has_no_ceiling_and_the_report_says_why(maker):
    made = report(fill(maker, items=4, kinds=("person",)).study, draws=20)
    assert made.tasks[0].agreement[0].ceiling.rater.value is None
    for form in ("text", "md", "html"):
        page = render(made, form)
        assert "No human ceiling: fewer than two raters share" in page
        assert "metric less a rater" not in page


def test_rated_outputs_without_a_score_are_counted_and_move_no_value(maker):
    rng = np.random.default_rng(4)
    outputs, ratings = [], []
    for item, system in product("abcdef", ("one", "two", "three")):
        place = {"item": item, "system": system}
        scores = {"whole": rng.normal(), "partly": rng.normal()}
        if place in LACKING:
            del scores["partly"]
        outputs.append(place | {"output": f"{item} {system}", "scores": scores})
        for rater in "uvwxyz":
            given = {"rater": rater, "criterion": "meaning", "value": rng.normal()}
            ratings.append(place | given)

    def agreed(rated):
        for name, rows in (("outputs", outputs), ("ratings", rated)):
            text = "\n".join(map(json.dumps, rows))
            (maker.base / f"{name}.jsonl").write_text(text)
        task = f"of_{len(rated)}"
        import_outputs(maker.study, maker.base / "outputs.jsonl", task)
        import_ratings(maker.study, maker.base / "ratings.jsonl", task)
        [found] = report(maker.study, [task], draws=20).tasks
        return {one.metric: one for one in found.agreement}

    found = agreed(ratings)
    assert found["whole"].segment["none"].pearson.dropped == 0
    partly = found["partly"].segment["none"]
    assert (partly.pearson.n, partly.pearson.dropped) == (16, 2)
    assert (partly.acc_eq.n, partly.acc_eq.dropped) == (16, 2)
    lacking = [{"item": one["item"], "system": one["system"]} for one in ratings]
    rest = [r for r, one in zip(ratings, lacking, strict=True) if one not in LACKING]
    alone = agreed(rest)["partly"].segment["none"]
    assert partly.pearson == replace(alone.pearson, dropped=2)
