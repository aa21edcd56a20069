"""Reports resample raters from five on, and say where they do not."""

import json

import numpy as np
import pytest

from harness.report import report
from harness.reporting import render
from harness.reporting.by_rater import few_raters, ratings_of
from harness.reporting.evidence import gather

CHECKPOINTS = ("base", "tuned", "last")
ITEMS = 12


@pytest.fixture
def rated_by(maker):
    """A function that makes a study of three checkpoints and so many raters."""

    def make(raters, *, only=CHECKPOINTS):
        rng = np.random.default_rng(raters)
        maker.metrics = ("bleu",)
        words = [
            "a",
            "man",
            "saw",
            "the",
            "old",
            "road",
            "go",
            "down",
            "to",
            "the",
            "river",
            "at",
            "dawn",
        ]
        maker.items(*((str(n), f"say {n}", (" ".join(words),)) for n in range(ITEMS)))
        for name in CHECKPOINTS:
            texts = {
                str(n): " ".join(words[: rng.integers(6, 13)]) for n in range(ITEMS)
            }
            maker.checkpoint(name, texts)
        for rater in range(raters):
            given = {
                (name, str(n)): int(np.clip(rng.integers(1, 5) + rater % 2, 1, 5))
                for name in (only if rater > 3 else CHECKPOINTS)
                for n in range(ITEMS)
            }
            maker.rate(f"rater {rater}", "meaning", given)
        return maker.study

    return make


def test_ratings_lie_by_checkpoint_item_and_rater(maker):
    maker.metrics = ()
    maker.items(("a", "say a", ()), ("b", "say b", ()))
    maker.checkpoint("base", {"a": "one", "b": "two"})
    maker.checkpoint("tuned", {"b": ["three", "four"]})
    maker.rate("ann", "meaning", {("base", "b"): 2, ("tuned", "b", 1): 4})
    maker.rate("ben", "meaning", {("tuned", "b", 0): 5, ("tuned", "b", 1): 3})
    evidence = gather(maker.study, "rewrite")
    got = ratings_of(evidence, "meaning")
    rows = sorted(zip(got.system, got.item, got.rater, got.value, strict=True))
    assert rows == [(0, 1, 1, 2), (1, 1, 1, 4), (1, 1, 2, 3), (1, 1, 2, 5)]
    assert len(set(got.output)) == 3
    tuned = maker.checkpoints["tuned"].id
    assert list(ratings_of(evidence, "meaning", [tuned]).value) == [5, 4, 3]


def test_from_five_raters_on_means_leads_and_agreement_name_them(rated_by):
    made = report(rated_by(6), draws=50)
    [task] = made.tasks
    for checkpoint in task.checkpoints:
        assert "about other raters (6 rated)" in checkpoint.human["meaning"].method
    [lead] = [lead for lead in task.leads if lead.kind == "criterion"]
    assert "also about other raters (6 rated)" in lead.difference.method
    [found] = task.agreement
    assert "and of 6 raters, left out in turn" in found.segment["none"].pearson.method
    assert not [note for note in task.notes if "Fewer than 5 raters" in note]
    assert "By 5 raters or more" in render(made, "md")


def test_below_five_items_alone_are_resampled_and_the_report_warns(rated_by):
    made = report(rated_by(3), draws=50)
    [task] = made.tasks
    said = "fewer than 5 raters, who are not resampled"
    alone = "about these raters alone"
    assert alone in task.checkpoints[0].human["meaning"].method
    assert said in task.agreement[0].segment["none"].pearson.method
    note = (
        "Fewer than 5 raters on meaning (3): the intervals of mean ratings and of "
        "agreement are about other items alone and say nothing of other raters."
    )
    assert note in task.notes
    assert note in render(made, "md")
    assert "By 5 raters or more" not in render(made, "md")
    means = json.loads(render(made, "json"))["tasks"][0]["checkpoints"][0]["human"]
    assert alone in means["meaning"]["method"]


def test_the_checkpoint_with_the_fewest_raters_counts(rated_by):
    study = rated_by(6, only=("base",))
    [note] = few_raters(gather(study, "rewrite"))
    assert "meaning (4)" in note


def test_without_ratings_nobody_is_warned(rated_by):
    assert few_raters(gather(rated_by(0), "rewrite")) == []
