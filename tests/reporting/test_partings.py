"""Where metric and ratings part ways, from the study to the sentence."""

import csv
import json
from dataclasses import replace
from io import StringIO

import pytest
from report_study import Maker, fill
from reported_studies import a_run

from harness.report import report
from harness.reporting import render
from harness.reporting.partings import said
from harness.study import StudyFile


@pytest.fixture(scope="module")
def parted(tmp_path_factory):
    study = StudyFile(tmp_path_factory.mktemp("parted") / "study.db")
    made = report(a_run(Maker(study)).study, draws=200)
    study.close()
    return made


def test_a_parting_is_told_with_both_changes_and_their_intervals(parted):
    [task] = parted.tasks
    one = next(one for one in task.partings if one.signature.startswith("bleu"))
    assert (one.start, one.end, one.criterion) == ("run-300", "run-900", "meaning")
    assert one.to_the_end
    bleu = [checkpoint.metrics[one.signature].value for checkpoint in task.checkpoints]
    mean = [checkpoint.human["meaning"].value for checkpoint in task.checkpoints]
    assert one.metric.value == pytest.approx(bleu[3] - bleu[1])
    assert one.ratings.value == pytest.approx(mean[3] - mean[1])
    assert one.metric.low > 0 > one.ratings.high
    text = said(task, one)
    assert text.startswith("bleu rises from step 300 on (+")
    assert "while ratings of meaning fall (−" in text
    for ends in (one.metric, one.ratings):
        assert ends.n == 30


def test_a_metric_of_which_less_is_better_is_turned_and_told_as_it_is(parted):
    [task] = parted.tasks
    one = next(one for one in task.partings if one.signature.startswith("perplexity"))
    assert one.metric.low > 0
    text = said(task, one)
    assert text.startswith("perplexity falls, which is better, from step 300 on (−")
    assert text.endswith("])")


def test_metrics_without_direction_or_tallies_are_not_judged(parted):
    [task] = parted.tasks
    found = {one.signature.split("|")[0] for one in task.partings}
    assert found == {"perplexity", "bleu", "chrf"}


def test_every_rendering_says_so(parted):
    [task] = parted.tasks
    assert len(task.partings) == 3
    for form in ("text", "md", "html"):
        shown = " ".join(render(parted, form).replace("\\", "").split())
        assert shown.count("while ratings of meaning fall") >= 3
    told = json.loads(render(parted, "json"))["tasks"][0]["partings"]
    assert [one["steps"] for one in told] == [[300, 900]] * 3
    assert told[0]["rating_change"]["value"] == task.partings[0].ratings.value
    rows = list(csv.DictReader(StringIO(render(parted, "csv"), newline="")))
    found = [row for row in rows if row["part"] == "parting"]
    assert [float(row["value"]) for row in found[:2]] == [
        task.partings[0].metric.value,
        task.partings[0].ratings.value,
    ]


def test_the_series_is_named_where_there_are_several(maker):
    a_run(maker, series="a")
    task = report(a_run(maker, (2.0, 3.0, 4.0, 4.5), series="b").study, draws=50).tasks[
        0
    ]
    assert {one.series for one in task.partings} == {"a"}
    assert "from step 300 on of a (" in said(task, task.partings[0])


def test_a_parting_that_ends_before_training_does_says_where(parted):
    [task] = parted.tasks
    one = replace(task.partings[0], to_the_end=False)
    assert "from step 300 to 900 (" in said(task, one)


@pytest.mark.parametrize(
    "liked", [(2.0, 2.8, 3.4, 4.0), (3.0,) * 4], ids=["rise too", "stay"]
)
def test_nothing_is_said_where_ratings(maker, liked):
    task = report(a_run(maker, liked).study, draws=50).tasks[0]
    assert task.partings == ()


def test_checkpoints_without_steps_and_few_items_show_nothing(maker):
    made = report(fill(maker, items=6).study, draws=20).tasks[0]
    assert made.partings == ()


@pytest.mark.slow
def test_reports_of_runs_without_a_parting_rarely_claim_one(tmp_path):
    claims = 0
    for seed in range(60):
        study = StudyFile(tmp_path / f"{seed}.db")
        made = report(a_run(Maker(study), (3.0,) * 4, seed=seed).study, draws=50)
        claims += bool(made.tasks[0].partings)
        study.close()
    assert claims <= 6  # 3 expected at most; more than 6 has a chance of 3 %
