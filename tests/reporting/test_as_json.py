"""The report as JSON: its shape, which others rely on."""

import json

from harness.reporting import render

ESTIMATE = {"value", "low", "high", "n", "dropped", "method"}
COEFFICIENTS = {"pearson", "spearman", "kendall"}
OF_SYSTEMS = COEFFICIENTS | {"pairwise_accuracy", "spa"}
OF_SEGMENTS = COEFFICIENTS | {"acc_eq", "acc_star_eq", "epsilon", "pdp"}


def test_the_shape_that_others_rely_on(rated):
    values = json.loads(render(rated, "json"))
    assert values["version"] == 1
    [task] = values["tasks"]
    assert task["task"] == "rewrite"
    names = [(c["name"], c["series"], c["step"]) for c in task["checkpoints"]]
    assert names == [(f"run-{step}", "run", step) for step in (0, 40, 120, 240)]
    first = task["checkpoints"][0]
    assert set(first["human"]) == {"meaning", "fluency"}
    assert {signature.split("|")[0] for signature in first["metrics"]} == {
        *("perplexity", "bleu", "chrf", "rouge1", "rouge2", "rougeL", "exact_match")
    }
    for estimate in (*first["metrics"].values(), *first["human"].values()):
        assert set(estimate) == ESTIMATE
    assert len(task["agreement"]) == 14
    for one in task["agreement"]:
        assert one["signature"].startswith(f"{one['metric']}|")
        assert set(one["segment"]) == {"none", "item", "system"}
        assert set(one["system"]) >= OF_SYSTEMS
        assert all(set(level) >= OF_SEGMENTS for level in one["segment"].values())
        for level in (one["system"], *one["segment"].values()):
            assert all(set(estimate) == ESTIMATE for estimate in level.values())
    assert set(task["raters"]["alpha"]) == {"meaning", "fluency"}
    assert set(task["raters"]["alpha"]["meaning"]) == ESTIMATE


def test_more_keys_say_the_verdict_baselines_and_disagreements(rated):
    [task] = json.loads(render(rated, "json"))["tasks"]
    assert task["verdict"] == rated.tasks[0].verdict
    assert task["simulated"] is False
    [baseline] = task["baselines"]
    assert baseline["name"] == "copy of the prompt (baseline)"
    for one in task["disagreements"]:
        assert {"prompt", "references", "output", "rating", "score"} <= set(one)
