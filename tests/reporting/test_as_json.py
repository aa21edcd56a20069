"""The report as JSON: its shape, which others rely on."""

import json
import re
from pathlib import Path

from harness.reporting import render

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
DOCUMENTED = set(
    re.findall(r'"(\w+)"', README.split("The JSON is stable")[1].split("```")[1])
)
FREE = {"packages", "kinds", "used", "configuration", "task_file", "plan"}
"""Objects with keys of their own."""
NAMED = {"metrics", "human", "alpha", "kendall", "ranks", "reliability", "means"}
NAMED |= {"raw", "z", "adjusted", "criteria", "win_rates", "strengths", "preferences"}
"""Objects that may have signatures, criteria or checkpoints for keys."""
SHORTENED = {"campaigns", "models", "commands"}
"""Parts of the protocol, of which the README names some keys alone."""

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


def words_of(value, parent=""):
    """Keys in parsed JSON, but for those that are names of something, and choices."""
    if isinstance(value, str) and value.isidentifier():
        yield "choice", value
    elif isinstance(value, list):
        for one in value:
            yield from words_of(one)
    elif isinstance(value, dict):
        own = parent not in FREE | NAMED
        for key, one in value.items():
            estimate = parent in NAMED and key in ESTIMATE
            if own or estimate:
                yield "key", key
            if parent != "protocol" or key not in SHORTENED:
                yield from words_of(one, key if own else "")


def test_the_readme_names_every_key_and_no_other(telling):
    found = [word for made in telling.values() for word in words_of(parsed(made))]
    keys = {word for kind, word in found if kind == "key"}
    assert keys - DOCUMENTED == set()
    choices = {word for kind, word in found if kind == "choice"}
    of_protocol = {"name", "scheme", "created", "hash", "answers", "prompts"}
    of_protocol |= {"drawn_from", "waves", "checks", "plan"}
    assert DOCUMENTED - keys - choices - of_protocol == set()


def parsed(made):
    return json.loads(render(made, "json"))
