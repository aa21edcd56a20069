"""Published figures of real human-rated sets, through import and report.

The figures of REALSumm's paper (Bhandari et al. 2020) are not among those of the
report: its notebook averages only the documents' taus with p <= .05, which makes every
metric look better the less it is sure of. That is done here by hand, on
`harness.stats`, so that one can see where the difference comes from.
"""

import gzip
import json
import sys

import numpy as np
import pytest
from real_ratings import matrices
from scipy import stats

from harness.cli import main
from harness.report import report
from harness.reporting import render
from harness.stats.correlation import agreement
from harness.study import StudyFile

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

FEW = 20
"""Resamples; the figures are no intervals."""

# Metric; system Pearson and Kendall, pairs in order of 300, SPA; tau-b, acc_eq, acc*_eq
# and epsilon by item.
REALSUMM = """
rouge_1_recall    .914237 .772575 266 .878987 .406364 .568767 .568933 .0064
rouge_2_recall    .962190 .859532 279 .926130 .348774 .536967 .537733 .00472
rouge_l_recall    .871148 .759197 264 .870320 .392906 .561667 -       -
bert_recall_score .768422 .551839 233 .784300 .347377 .552167 -       -
js-2              .780292 .511706 227 .776457 .256946 .512000 -       -
"""
OVER_ALL = {
    "bert_recall_score": 0.3474,
    "mover_score": 0.2806,
    "rouge_1_recall": 0.4064,
    "rouge_2_recall": 0.3488,
    "rouge_l_recall": 0.3929,
    "js-2": 0.2569,
}
PUBLISHED = {
    "bert_recall_score": 0.4683862209,
    "mover_score": 0.4359919796,
    "rouge_1_recall": 0.4891359443,
    "rouge_2_recall": 0.4859542610,
    "rouge_l_recall": 0.4870908341,
    "js-2": 0.4254850921,
}
SIMPLICITY = {
    "bertscore_P": 0.617463,
    "bertscore_F1": 0.572982,
    "ibleu": 0.503749,
    "bertscore_R": 0.499577,
    "bleu": 0.496336,
    "sari": 0.358708,
    "fkgl": 0.117057,
    "samsa": 0.057665,
}


def run(*words):
    """A command as it is typed."""
    before, sys.argv = sys.argv, ["harness", *map(str, words)]
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        sys.argv = before
    assert not stop.value.code


@pytest.fixture(scope="module")
def study_of(realdata, tmp_path_factory):
    """A study into which the set of that name was imported."""
    folder = tmp_path_factory.mktemp("published")

    def imported(name):
        db = folder / f"{name}.db"
        if not db.exists():
            for what in ("outputs", "ratings"):
                file = realdata / name / f"{what}.jsonl.gz"
                run("import", what, file, "--task", name, "--db", db)
        return StudyFile(db)

    return imported


def task_of(study, **more):
    [task] = json.loads(render(report(study, draws=FEW, **more), "json"))["tasks"]
    return task


@pytest.fixture(scope="module")
def realsumm(study_of):
    task = task_of(study_of("realsumm"))
    return {one["metric"]: one for one in task["agreement"]}


@pytest.fixture(scope="module")
def topical_chat(study_of):
    task = task_of(study_of("topical_chat"))
    return {(one["metric"], one["criterion"]): one for one in task["agreement"]}


@pytest.fixture(scope="module")
def simplicity_da(study_of):
    return task_of(study_of("simplicity_da"))


@pytest.mark.parametrize("row", REALSUMM.split("\n")[1:-1], ids=lambda r: r.split()[0])
def test_realsumm_agrees_with_the_reference_implementation(realsumm, row):
    metric, *given = row.split()
    numbers = (None if word == "-" else float(word) for word in given)
    pearson, kendall, ordered, spa, tau, equal, calibrated, epsilon = numbers
    system, item = realsumm[metric]["system"], realsumm[metric]["segment"]["item"]
    assert system["pearson"]["value"] == pytest.approx(pearson, abs=6e-7)
    assert system["kendall"]["value"] == pytest.approx(kendall, abs=6e-7)
    pairs = system["pairwise_accuracy"]
    assert (round(pairs["value"] * pairs["n"], 9), pairs["n"]) == (ordered, 300)
    assert system["spa"]["value"] == pytest.approx(spa, abs=0.01)
    assert item["kendall"]["value"] == pytest.approx(tau, abs=6e-7)
    assert item["acc_eq"]["value"] == pytest.approx(equal, abs=6e-7)
    if calibrated is not None:
        assert item["acc_star_eq"]["value"] == pytest.approx(calibrated, abs=6e-7)
        assert item["epsilon"]["value"] == pytest.approx(epsilon, abs=6e-6)


@pytest.mark.parametrize(("metric", "tau"), OVER_ALL.items(), ids=list(OVER_ALL))
def test_taus_of_the_report_are_over_all_documents(realsumm, metric, tau):
    found = realsumm[metric]["segment"]["item"]["kendall"]
    assert found["value"] == pytest.approx(tau, abs=6e-5)
    assert found["n"] == 100


@pytest.mark.parametrize(("metric", "tau"), PUBLISHED.items(), ids=list(PUBLISHED))
def test_published_taus_leave_out_documents_that_are_not_significant(
    realdata, metric, tau
):
    scores, ratings = matrices(realdata / "realsumm", metric, "content_recall")
    taus = [
        agreement(scores[:, [at]], ratings[:, [at]], draws=2).by_item.kendall.value
        for at in range(100)
    ]
    sure = [
        stats.kendalltau(scores[:, at], ratings[:, at]).pvalue <= 0.05
        for at in range(100)
    ]
    assert np.mean(np.array(taus)[sure]) == pytest.approx(tau, abs=1e-9)
    assert np.mean(taus) == pytest.approx(OVER_ALL[metric], abs=6e-5)
    assert tau > OVER_ALL[metric] + 0.05


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("overall", (0.632796, 0.662583, 0.487272)),
        ("naturalness", (0.443666, 0.513986, 0.373973)),
    ],
)
def test_topical_chat_agrees_with_unieval(topical_chat, name, expected):
    found = topical_chat[f"unieval_{name}", name]["segment"]["none"]
    values = [found[name]["value"] for name in ("pearson", "spearman", "kendall")]
    assert values == pytest.approx(expected, abs=6e-7)
    assert found["pearson"]["n"] == 360


def test_alpha_of_simplicity_ratings_is_on_the_ratings_as_given(simplicity_da):
    alpha = simplicity_da["raters"]["alpha"]["simplicity"]
    assert alpha["value"] == pytest.approx(0.2933, abs=5e-5)
    assert (alpha["n"], simplicity_da["raters"]["count"]) == (600, 67)


@pytest.fixture(scope="module")
def z_means(realdata):
    """Output to the mean of its raters' z-scores."""
    with gzip.open(realdata / "simplicity_da" / "ratings.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    by_rater, scored = {}, {}
    for row in rows:
        by_rater.setdefault(row["rater"], []).append(row["value"])
    for row in rows:
        given = by_rater[row["rater"]]
        z = (row["value"] - np.mean(given)) / np.std(given)
        scored.setdefault((row["item"], row["system"]), []).append(z)
    return {output: np.mean(found) for output, found in scored.items()}


@pytest.mark.parametrize(("metric", "r"), SIMPLICITY.items(), ids=list(SIMPLICITY))
def test_simplicity_metrics_against_means_of_z_scores(realdata, z_means, metric, r):
    with gzip.open(realdata / "simplicity_da" / "outputs.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    items = {key: at for at, key in enumerate(dict.fromkeys(r["item"] for r in rows))}
    systems = {s: at for at, s in enumerate(dict.fromkeys(r["system"] for r in rows))}
    scores = np.full((len(systems), len(items)), np.nan)
    ratings = np.full_like(scores, np.nan)
    for row in rows:
        at = systems[row["system"]], items[row["item"]]
        scores[at] = row["scores"][metric]
        ratings[at] = z_means[row["item"], row["system"]]
    found = agreement(scores, ratings, draws=2).pooled.pearson
    assert abs(found.value) == pytest.approx(r, abs=6e-7)
    assert found.n == 600


def test_simplicity_metrics_in_a_report_on_z_scores(study_of):
    task = task_of(study_of("simplicity_da"), human="z")
    for one in task["agreement"]:
        found = one["segment"]["none"]["pearson"]["value"]
        assert abs(found) == pytest.approx(SIMPLICITY[one["metric"]], abs=6e-7)
