"""Ratings and scores together in every rendering, and what sentences say of them."""

import csv
import json
import re
from dataclasses import replace
from io import StringIO

import pytest
from report_study import Maker, fill

from harness.compare import compare
from harness.report import report
from harness.reporting import render
from harness.reporting.combined import BEST, Asked
from harness.reporting.comparison import comparison_json, comparison_text
from harness.reporting.formats import number
from harness.reporting.together import saved_in_short, together_tables, worth
from harness.reporting.verdict import verdict
from harness.study import StudyFile


class FewRatings(Maker):
    """Only the first prompts are rated."""

    def rate(self, rater, criterion, ratings, **about):
        few = {place: value for place, value in ratings.items() if int(place[1]) < 24}
        return super().rate(rater, criterion, few, **about)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    found = StudyFile(tmp_path_factory.mktemp("few") / "study.db")
    fill(FewRatings(found), items=90)
    yield found
    found.close()


@pytest.fixture(scope="module")
def made(study):
    return report(study, draws=60)


@pytest.fixture(scope="module")
def task(made):
    return made.tasks[0]


def a_row(task, criterion="meaning"):
    [row] = [
        one
        for one in task.combined
        if one.criterion == criterion and one.question == BEST
    ]
    return row


def test_the_first_metric_saves_ratings_and_the_verdict_rests_on_it(task):
    row = a_row(task)
    assert row.metric == task.metrics[0].signature
    assert row.both.method == "regression"
    assert (row.both.n, row.prompts) == (24, 90)
    [lead] = [o for o in task.leads if o.by == "meaning"]
    assert lead.difference == row.both.as_estimate()
    gap = f"(by {number(row.both.value)} points [{number(row.both.low)}, "
    assert gap in task.sentences[0]


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_both_estimates_stand_side_by_side(made, task, form):
    text = render(made, form)
    for row in task.combined:
        for found in (row.alone, row.both):
            value = number(found.value, sign=True)
            assert value in text or f"\\{value}" in text
            assert f"[{number(found.low)}, {number(found.high)}]" in text
        assert worth(row) in text
    assert saved_in_short(task) in text
    assert "prompts like these" in text


def test_every_number_of_the_json_is_that_of_the_report(made, task):
    [found] = json.loads(render(made, "json"))["tasks"]
    assert len(found["combined"]) == len(task.combined) == 8
    for given, row in zip(found["combined"], task.combined, strict=True):
        assert given["alone"] == row.alone.as_estimate().as_json()
        assert given["combined"] == row.both.as_estimate().as_json()
        assert (given["saved"], given["r2"]) == (row.saved, row.both.r2)
        assert given["estimand"] == "prompts like these"
        assert (given["rated"], given["prompts"]) == (24, 90)


def test_the_csv_has_a_row_for_each(made, task):
    rows = list(csv.DictReader(StringIO(render(made, "csv"))))
    mine = [row for row in rows if row["part"] == "combined by criterion"]
    assert len(mine) == 2 * len(task.combined)
    values = {float(row["value"]) for row in mine if row["statistic"] == "combined"}
    assert values == {row.both.value for row in task.combined}


def test_a_named_metric_or_none_and_the_estimand_are_said(study):
    [other] = report(
        study, draws=20, asked=Asked("exactly these prompts", "chrf")
    ).tasks
    assert a_row(other).metric.startswith("chrf|")
    said = together_tables(other)[0].note
    assert "about exactly these prompts" in said
    assert "named with --with" in said
    [alone] = report(study, draws=20, asked=Asked(metric="none")).tasks
    assert a_row(alone).both == a_row(alone).alone
    assert "Ratings stand alone" in together_tables(alone)[0].note
    assert saved_in_short(alone) == ""


def test_the_sentence_counts_what_was_saved_and_has_an_honest_zero(task):
    row = a_row(task)
    good = replace(row, both=replace(row.both, method="regression", effective_n=38.4))
    none = replace(
        row,
        criterion="fluency",
        both=replace(row.both, method="classical", effective_n=24.0, r2=0.03),
    )
    said = saved_in_short(replace(task, combined=(good, none)))
    assert said == (
        "Scores of perplexity were worth 14 more rated prompts on meaning and none on "
        "fluency (R² 0.03)."
    )


def test_an_unbeaten_third_is_named_rather_than_called_behind(task):
    [lead, *others] = task.leads
    clear = replace(lead.difference, value=0.5, low=0.2, high=0.8)
    found = replace(lead, difference=clear, rival="run-40")
    said = verdict(replace(task, leads=(found, *others)))
    assert "(by 0.50 points [0.20, 0.80]), but not clearly ahead of run-40" in said[0]
    assert "to tell run-240 from run-40 on meaning" in said[-1]


def test_two_checkpoints_get_the_same_estimates_as_in_the_report(study, task):
    row = a_row(task)
    [found] = compare(study, row.against, row.checkpoint, draws=50)
    [mine] = [one for one in found.combined if one.criterion == "meaning"]
    assert (mine.alone, mine.both) == (row.alone, row.both)
    [meaning] = [one for one in found.rows if one.name == "meaning"]
    assert meaning.p == pytest.approx(row.both.p_value())
    text = comparison_text([found])
    assert "Ratings and scores together on meaning" in text
    assert f"{number(row.both.value, sign=True)} [{number(row.both.low)}" in text
    [plain] = json.loads(json.dumps(comparison_json([found])))
    assert plain["combined"][0]["combined"] == row.both.as_estimate().as_json()


def test_names_of_checkpoints_are_not_cut_in_the_table(made):
    text = render(made, "text")
    assert re.search(r"^run-240 − run-0 ", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 100
