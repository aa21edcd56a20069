"""Clusters of metrics that cannot be told apart by how far they follow people."""

import json

import numpy as np
import pytest

from harness.importing import import_outputs, import_ratings
from harness.report import report
from harness.reporting import clusters, render

CHECKPOINTS, ITEMS = 5, 30
METRICS = {"good": 0.2, "turned": 0.2, "poor": 3.0}
"""Imported metrics and the noise in each; `turned` is better when it is lower."""


@pytest.fixture
def scored(maker):
    """A function that reports on outputs with imported scores; some may lack one."""

    def make(lacking=()):
        rng = np.random.default_rng(2)
        rows, ratings = [], []
        for step in range(CHECKPOINTS):
            for key in range(ITEMS):
                place = {"item": str(key), "system": f"c{step}"}
                quality = rng.normal()
                scores = {m: quality + rng.normal(0, sd) for m, sd in METRICS.items()}
                scores["turned"] *= -1
                for metric in scores.keys() & set(lacking) if key == step == 3 else ():
                    del scores[metric]
                rows.append(place | {"output": f"{step} {key}", "scores": scores})
                given = {"rater": "ann", "criterion": "meaning", "value": quality}
                ratings.append(place | given)
        for name, lines in (("outputs", rows), ("ratings", ratings)):
            text = "\n".join(map(json.dumps, lines))
            (maker.base / f"{name}.jsonl").write_text(text)
        import_outputs(
            maker.study,
            maker.base / "outputs.jsonl",
            "news",
            lower_is_better=["turned"],
        )
        import_ratings(maker.study, maker.base / "ratings.jsonl", "news")
        return report(maker.study, draws=200)

    return make


def ranks(made):
    [one] = made.tasks[0].clusters
    return {signature.split("|")[0]: rank for signature, rank in one.ranks.items()}


def test_a_metric_of_noise_is_in_a_lower_cluster(scored):
    made = scored()
    assert ranks(made) == {"good": 1, "turned": 1, "poor": 2}
    [one] = made.tasks[0].clusters
    assert (one.n, one.dropped) == (CHECKPOINTS * ITEMS, 0)
    assert one.method.startswith("200 random swaps of scores")


def test_outputs_without_a_score_are_left_out_and_counted(scored):
    made = scored(lacking={"poor"})
    [one] = made.tasks[0].clusters
    assert (one.n, one.dropped) == (CHECKPOINTS * ITEMS - 1, 1)
    assert "149 outputs, 1 left out" in render(made, "text").replace("\n", " ")


def test_each_sample_of_an_item_counts_as_an_output(maker):
    maker.metrics = ("f1", "exact_match")
    maker.items(*((str(n), f"say {n}", ("a b",)) for n in range(4)))
    for name in ("one", "two"):
        maker.checkpoint(name, {str(n): ["a b", "a"] for n in range(4)})
        given = {(name, str(n), at): n + at for n in range(4) for at in range(2)}
        maker.rate("ann", "meaning", given)
    [one] = report(maker.study, draws=20).tasks[0].clusters
    assert (one.n, one.dropped) == (16, 0)


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_names_the_clusters(scored, form):
    page = " ".join(render(scored(), form).split())
    assert "the best first: (1) good and turned; (2) poor. By " in page
    assert "cannot be told apart" in page or form == "text"


def test_the_json_has_a_rank_for_each_metric(scored):
    [task] = json.loads(render(scored(), "json"))["tasks"]
    [one] = task["clusters"]
    assert set(one) == {"criterion", "ranks", "n", "dropped", "method"}
    assert set(one["ranks"]) == {a["signature"] for a in task["agreement"]}


def test_of_very_many_outputs_a_sample_of_items_is_tested_and_the_report_says_so(
    scored, monkeypatch
):
    monkeypatch.setattr(clusters, "MOST", 3 * CHECKPOINTS * ITEMS - 1)
    monkeypatch.setattr(clusters, "SAMPLED", 3 * CHECKPOINTS * ITEMS // 2)
    monkeypatch.setattr(clusters, "LEAST_ITEMS", 10)
    made = scored()
    [one] = made.tasks[0].clusters
    assert one.ranks.keys() == {f"{name}|imported" for name in METRICS}
    assert one.n == one.dropped == CHECKPOINTS * ITEMS // 2
    assert "on a random 15 of 30 items" in one.method
    assert "on a random 15 of 30 items" in render(made, "json")
    assert one == scored().tasks[0].clusters[0]


def test_of_many_checkpoints_fewer_items_are_tested(scored, monkeypatch):
    monkeypatch.setattr(clusters, "MOST", 3 * CHECKPOINTS * ITEMS)
    monkeypatch.setattr(clusters, "SAMPLED", 3 * CHECKPOINTS * ITEMS)
    monkeypatch.setattr(clusters, "LEAST_ITEMS", 10)
    assert "random" not in scored().tasks[0].clusters[0].method.split("between")[1]
    monkeypatch.setattr(clusters, "MANY_CHECKPOINTS", CHECKPOINTS / 2)
    assert "on a random 15 of 30 items" in scored().tasks[0].clusters[0].method


def test_a_sample_has_at_least_fifty_items(scored, monkeypatch):
    monkeypatch.setattr(clusters, "MOST", 1)
    monkeypatch.setattr(clusters, "SAMPLED", 1)
    assert clusters.LEAST_ITEMS == 50
    assert scored().tasks[0].clusters[0].n == CHECKPOINTS * ITEMS
    monkeypatch.setattr(clusters, "LEAST_ITEMS", 20)
    assert scored().tasks[0].clusters[0].n == CHECKPOINTS * 20


def test_a_metric_that_seldom_tells_outputs_apart_is_not_ranked(maker):
    maker.metrics = ("f1", "chrf", "exact_match")
    maker.items(*((str(n), f"say {n}", ("x y",)) for n in range(6)))
    for name, text in (("one", "x"), ("two", "c d"), ("three", "x c c")):
        maker.checkpoint(name, {str(n): text for n in range(6)} | {"0": text + " y"})
        maker.rate("ann", "good", {(name, str(n)): len(text) + n for n in range(6)})
    made = report(maker.study, draws=20)
    assert [name for name, rank in ranks(made).items() if not rank] == ["exact_match"]
    [one] = made.tasks[0].clusters
    assert one.method.endswith("not ranked, as few items vary by it: exact_match")
    assert one.method in " ".join(render(made, "text").split())


def test_one_metric_or_one_checkpoint_has_no_clusters(maker):
    maker.metrics = ("f1", "exact_match")
    maker.items(*((str(n), f"say {n}", ("a b",)) for n in range(4)))
    maker.checkpoint("only", {str(n): "a b" if n % 2 else "a" for n in range(4)})
    maker.rate("ann", "meaning", {("only", str(n)): float(n) for n in range(4)})
    made = report(maker.study, draws=20)
    assert made.tasks[0].clusters == ()
    assert "Clusters" not in render(made, "text")


def test_a_metric_that_judged_no_rated_output_is_not_in_the_way_of_others(maker):
    maker.metrics = ("f1", "chrf")
    maker.items(*((str(n), f"say {n}", ("x y",)) for n in range(6)))
    for name, text in (("one", "x"), ("two", "c d"), ("three", "x c c")):
        maker.checkpoint(name, {str(n): text for n in range(6)} | {"0": text + " y"})
        maker.rate("ann", "good", {(name, str(n)): len(text) + n for n in range(6)})
    maker.metrics = ("f1", "chrf", "exact_match")
    maker.checkpoint("later", {str(n): "x" for n in range(6)})
    assert ranks(report(maker.study, draws=20)).keys() == {"f1", "chrf"}


def test_metrics_of_different_outputs_alone_have_no_rank_and_end_no_report(maker):
    maker.items(*((str(n), f"say {n}", ("x y",)) for n in range(6)))
    for name, metric in (("one", "f1"), ("two", "chrf")):
        maker.metrics = (metric,)
        maker.checkpoint(name, {str(n): "x y" if n % 2 else "x" for n in range(6)})
        maker.rate("ann", "good", {(name, str(n)): float(n) for n in range(6)})
    made = report(maker.study, draws=20)
    [one] = made.tasks[0].clusters
    assert (one.n, one.dropped) == (0, 12)
    assert set(one.ranks.values()) == {None}
    assert "no two metrics have a value on the outputs" in render(made, "text")
