"""The report as CSV: every estimate once, in full precision, and never a formula."""

import csv
import json
from io import StringIO

import pandas as pd
import pytest
from report_study import fill

from harness.report import report
from harness.reporting import render
from harness.reporting.as_csv import COLUMNS

SUBJECT = list(COLUMNS[:-6])
"""The columns that say what a row is about."""


def frame(made):
    return pd.read_csv(StringIO(render(made, "csv"), newline=""))


def estimates(value):
    """Every estimate of a JSON report, wherever it stands."""
    if isinstance(value, dict):
        if {"value", "low", "high", "method"} <= value.keys():
            yield tuple(value.values())
            return
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from estimates(inner)


def sorted_rows(rows):
    return sorted(rows, key=repr)


def test_every_estimate_of_the_json_report_is_one_row(rated):
    rows = frame(rated)[list(COLUMNS[-6:])].astype(object)
    rows = rows.where(rows.notna(), None).itertuples(index=False, name=None)
    expected = list(estimates(json.loads(render(rated, "json"))["tasks"]))
    assert len(expected) > 200
    assert sorted_rows(rows) == sorted_rows(expected)


def test_no_two_rows_are_about_the_same(maker):
    made = report(fill(maker, items=4, series=("a", "b")).study, draws=20)
    found = frame(made)
    assert list(found.columns) == list(COLUMNS)
    assert not found.duplicated(subset=SUBJECT).any()
    one = found.query(
        "part == 'ratings' and criterion == 'meaning' and series == 'b' and step == 40"
    )
    mean = made.tasks[0].checkpoints[5].human["meaning"]
    assert one[["value", "low", "high", "n"]].to_numpy().tolist() == [
        [mean.value, mean.low, mean.high, mean.n]
    ]


def test_what_is_unknown_is_an_empty_cell_beside_its_reason(maker):
    maker.items(("0", "say", ("yes",))).checkpoint("one", {"0": "yes"})
    found = frame(report(maker.study, draws=20)).query("metric == 'exact_match'")
    assert found["low"].isna().all()
    assert found["method"].str.contains("no interval: fewer than two items").all()
    assert found["step"].isna().all()


@pytest.mark.parametrize(
    "name",
    [
        *('=HYPERLINK("http://x.y")', "+1+1", "-2+3", "@SUM(A1)", "＝1+1"),
        *("\t=1+1", "\r=1+1", "\n=1+1", ' "=1+1"'),
    ],
)
def test_a_name_cannot_be_a_formula_nor_break_its_row(maker, name):
    maker.items(("0", "say", ("yes",)), ("1", "no", ("no",)))
    for step in (1, 2):
        texts = {"0": "yes", "1": "on"}
        maker.checkpoint(f"{name}{step}", texts, step=step, series=name)
    maker.rate("ann", name, {(f"{name}1", "0"): 3.0, (f"{name}1", "1"): 2.0})
    text = render(report(maker.study, draws=20), "csv")
    rows = list(csv.DictReader(StringIO(text, newline="")))
    named = ("series", "checkpoint", "criterion")
    told = [row for row in rows if row["part"] == "ratings"]
    texts = {row[column] for row in told for column in named}
    assert len(texts) == 2  # the checkpoint's, and one for series and criterion
    for one in texts:
        assert one[0] not in "=+-@＝\t\r\n"
        assert " ".join(name.replace("\r", "\\u000d").split()) in one
    assert text.count("\n") == len(rows) + 1


def test_numbers_below_zero_stay_numbers(rated):
    found = frame(rated).query("part == 'agreement'")
    assert found["value"].dtype == float
    assert (found["low"] < 0).any()
