"""What counts as people's judgment: by hand, by pandas and scipy, on real ratings."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from report_study import fill
from scipy.stats import chi2_contingency, zscore

from harness.cli import main
from harness.errors import NotFound
from harness.report import report
from harness.reporting import render
from harness.reporting.evidence import gather
from harness.reporting.targets import TARGETS, adjusted, fits, named, standardised
from harness.stats.severity import severities


@pytest.fixture
def two(maker):
    """A function that rates three outputs of two checkpoints."""

    def make(**given):
        maker.metrics = ("exact_match",)
        keys = [str(n) for n in range(12)]
        maker.items(*((key, f"say {key}", (f"word {key}",)) for key in keys))
        for name in ("bad", "good"):
            maker.checkpoint(name, {key: f"{name} {key}" for key in keys})
        for rater, ratings in given.items():
            maker.rate(rater, "meaning", ratings)
        return maker

    return make


def values(evidence):
    """Rater's name and place to what counts."""
    place = {
        output.id: (label, evidence.items[output.item].key)
        for id_, label in evidence.labels.items()
        for output in evidence.outputs[id_]
    }
    return {
        (evidence.rater_names[one.rater], *place[one.output]): one.value
        for one in evidence.ratings
    }


def random_ratings(rng, items):
    places = [(name, str(key)) for name in ("bad", "good") for key in range(items)]
    return {place: float(rng.integers(1, 6)) for place in places}


def test_z_scores_by_hand(two):
    # Mean 3, population sd 2 of ann's; mean 4, sd 1 of ben's.
    ann = {("bad", "0"): 1, ("good", "0"): 5}
    ben = {("bad", "0"): 3, ("good", "0"): 5}
    evidence = gather(two(ann=ann, ben=ben).study, "rewrite")
    assert set(values(standardised(evidence).evidence).values()) == {-1.0, 1.0}
    assert standardised(evidence).evidence.mean_ratings["meaning"] == {
        output.id: sign
        for checkpoint, sign in zip(evidence.checkpoints, (-1.0, 1.0), strict=True)
        for output in evidence.outputs[checkpoint.id][:1]
    }


def test_z_scores_are_those_of_pandas_and_scipy(maker):
    evidence = gather(fill(maker).study, "rewrite")
    frame = pd.DataFrame([(r.criterion, r.rater, r.value) for r in evidence.ratings])
    expected = frame.groupby([0, 1])[2].transform(lambda given: zscore(given, ddof=0))
    found = [one.value for one in standardised(evidence).evidence.ratings]
    assert found == pytest.approx(expected.tolist())


def test_a_rating_of_equal_outputs_counts_once_in_its_raters_mean(two):
    given = {("bad", "0"): 1, ("bad", "1"): 2, ("bad", "2"): 6}
    evidence = gather(two(ann=given).study, "rewrite")
    twice = replace(evidence, ratings=(*evidence.ratings, evidence.ratings[2]))
    expected = [one.value for one in standardised(evidence).evidence.ratings]
    found = [one.value for one in standardised(twice).evidence.ratings]
    assert found == [*expected, expected[2]]


def test_who_always_gives_the_same_is_left_out_and_counted(two):
    ann = {("bad", "0"): 2, ("good", "0"): 4, ("bad", "1"): 1, ("good", "1"): 5}
    same = {("bad", "0"): 3, ("good", "0"): 3, ("bad", "2"): 3}
    made = two(ann=ann, same=same).study
    turned = standardised(gather(made, "rewrite"))
    assert {rater for rater, *_ in values(turned.evidence)} == {"ann"}
    said = (
        "1 of 2 raters gave one and the same rating on meaning and have no z-scores: "
        "3 ratings left out."
    )
    assert said in turned.warnings
    [task] = report(made, human="z", draws=20).tasks
    bad = task.checkpoints[0].human["meaning"]
    # Item 2 was rated by nobody else.
    assert (bad.n, bad.dropped) == (2, 1)
    assert said in task.notes


def test_a_study_of_constant_raters_alone_says_so_and_has_no_mean(two):
    same = {(name, "0"): 3 for name in ("bad", "good")}
    made = report(two(ann=same, ben=same).study, human="z", draws=20)
    [task] = made.tasks
    means = [c.human["meaning"].value for c in task.checkpoints if c.human]
    assert set(means) <= {None}
    assert any("have no z-scores: 4 ratings left out" in note for note in task.notes)
    assert json.loads(render(made, "json"))["tasks"][0]["agreement"] == []
    for form in ("text", "md"):
        assert "no z-scores" in render(made, form)


def test_adjusted_ratings_are_less_what_the_model_says(maker):
    evidence = gather(fill(maker, kinds=("person",) * 3).study, "rewrite")
    models = fits(evidence)
    found = values(adjusted(evidence, models).evidence)
    # The last criterion's ratings remain under each rater and place.
    model = severities(models["fluency"].ratings)
    for (rater, *place), before in values(evidence).items():
        at = models["fluency"].raters.index(
            next(n for n, name in evidence.rater_names.items() if name == rater)
        )
        assert found[rater, *place] == pytest.approx(before - model.of_rater[at])
    assert adjusted(evidence, models).warnings == ()


def test_where_severity_cannot_be_told_ratings_stand_and_that_is_said(two):
    apart = {"ann": {("bad", "0"): 2.0}, "ben": {("good", "0"): 4.0}}
    evidence = gather(two(**apart).study, "rewrite")
    turned = adjusted(evidence, fits(evidence))
    assert [*turned.evidence.ratings] == [*evidence.ratings]
    [warning] = turned.warnings
    assert "Severity on meaning cannot be told from noise" in warning


def test_raters_who_share_nothing_keep_their_ratings_and_are_counted(two):
    rng = np.random.default_rng(1)
    shared = [random_ratings(rng, 6) for _ in range(2)]
    alone = {("good", "9"): 4.0, ("bad", "9"): 1.0}
    evidence = gather(two(ann=shared[0], ben=shared[1], cem=alone).study, "rewrite")
    turned = adjusted(evidence, fits(evidence))
    assert "1 of 3 raters share no output with others on meaning" in turned.warnings[0]
    assert values(turned.evidence)["cem", "good", "9"] == 4.0


def test_raters_with_few_ratings_are_warned_of(two):
    rng = np.random.default_rng(2)
    many = random_ratings(rng, 12)
    few = dict(list(many.items())[:19])
    evidence = gather(two(many=many, few=few).study, "rewrite")
    [warning] = standardised(evidence).warnings
    assert "1 of 2 raters gave fewer than 20 ratings" in warning


def test_raters_who_saw_other_mixes_are_warned_of_as_scipy_tests_it(two):
    rng = np.random.default_rng(3)
    seen = {"ann": (12, 8), "ben": (2, 12), "cem": (12, 2)}
    given = {
        rater: {
            (name, str(k)): float(rng.integers(1, 6))
            for name, size in zip(("bad", "good"), sizes, strict=True)
            for k in range(size)
        }
        for rater, sizes in seen.items()
    }
    evidence = gather(two(**given).study, "rewrite")
    [mix] = [w for w in standardised(evidence).warnings if "mixes" in w]
    test = chi2_contingency(np.array(list(seen.values())), correction=False)
    size = np.sqrt(test.statistic / sum(map(sum, seen.values())))
    assert f"p {test.pvalue:.2g}, Cramér's V {size:.2f}" in mix


def test_raters_of_the_same_outputs_are_not_warned_of(maker):
    evidence = gather(fill(maker).study, "rewrite")
    assert standardised(evidence).warnings == ()


@pytest.mark.parametrize("human", TARGETS)
def test_what_is_said_of_raters_rests_on_raw_ratings(maker, human):
    fill(maker, kinds=("person",) * 3)
    [task] = report(maker.study, human=human, draws=20).tasks
    [raw] = report(maker.study, draws=20).tasks
    assert task.raters == raw.raters
    assert task.reliability == raw.reliability
    kind = {"raw": "raw", "z": "z", "adjusted": "adjusted"}[human]
    for checkpoint in task.checkpoints:
        for one in task.reliability:
            mean = getattr(one, kind)[checkpoint.label]
            assert checkpoint.human[one.criterion].value == mean.value


def test_the_target_reaches_means_agreement_scatter_and_disagreements(maker):
    fill(maker, kinds=("person",) * 3)
    evidence = gather(maker.study, "rewrite")
    means = standardised(evidence).evidence.mean_ratings["meaning"]
    [task] = report(maker.study, human="z", draws=20).tasks
    assert sorted(o.ratings["meaning"] for o in task.rated) == pytest.approx(
        sorted(means.values())
    )
    [found] = [
        one
        for one in task.agreement
        if (one.metric, one.criterion) == ("chrf", "meaning")
    ]
    scores = evidence.output_scores[found.signature]
    expected = np.corrcoef([scores[o] for o in means], list(means.values()))[0, 1]
    assert found.segment["none"].pearson.value == pytest.approx(expected)
    apart = next(one for one in task.disagreements if one.criterion == "meaning")
    assert any(o.ratings == apart.output.ratings for o in task.rated)


@pytest.mark.parametrize(
    ("human", "said"),
    [("z", "ratings as z-scores"), ("adjusted", "ratings adjusted for severity")],
)
@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_names_the_target(maker, human, said, form):
    made = report(fill(maker, items=3).study, human=human, draws=20)
    page = render(made, form)
    assert said in page
    assert f"meaning ({human})" in page
    assert json.loads(render(made, "json"))["human"] == human


def test_raw_ratings_are_the_default_and_named_in_the_json(rated):
    assert json.loads(render(rated, "json"))["human"] == "raw"
    assert "as they were given" in render(rated, "md")
    assert "meaning (raw)" not in render(rated, "text")


def test_another_target_is_refused_with_the_nearest_name(maker):
    with pytest.raises(NotFound, match="adjusted"):
        report(fill(maker, items=3).study, human="adjust", draws=20)
    assert [named(one) for one in TARGETS] == list(TARGETS)


PUBLISHED = {
    "bertscore_P": 0.617463,
    "bertscore_F1": 0.572982,
    "ibleu": 0.503749,
    "bertscore_R": 0.499577,
    "bleu": 0.496336,
    "sari": 0.358708,
    "fkgl": 0.117057,
    "samsa": 0.057665,
}


def call(capsys, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    return capsys.readouterr().out


@pytest.mark.realdata
@pytest.mark.slow
def test_simplicity_da_has_the_published_correlations_with_z_scores(
    realdata, tmp_path, monkeypatch, capsys
):
    folder, db = realdata / "simplicity_da", ("--db", tmp_path / "s.db")
    for what in ("outputs", "ratings"):
        file = folder / f"{what}.jsonl.gz"
        call(capsys, monkeypatch, "import", what, file, "--task", "simple", *db)
    out = call(capsys, monkeypatch, "report", *db, "--human", "z", "--json")
    [task] = json.loads(out)["tasks"]
    found = {
        one["metric"]: abs(one["segment"]["none"]["pearson"]["value"])
        for one in task["agreement"]
    }
    assert found == pytest.approx(PUBLISHED, abs=5e-7)
    alpha = task["raters"]["alpha"]["simplicity"]["value"]
    assert alpha == pytest.approx(0.2933, abs=5e-5)
    assert any("20 of 67 raters gave fewer than 20 ratings" in n for n in task["notes"])
    [elsewhere] = task["raters"]["campaigns"]
    assert len(elsewhere["raters"]) == 67
    without = task["raters"]["without_careless"]
    assert without["raters"] == [
        r["rater"] for r in elsewhere["raters"] if r["careless"]
    ]
    alphas = without["criteria"]["simplicity"]["alpha"]
    assert alphas["without"]["value"] > alphas["all"]["value"] + 0.05
