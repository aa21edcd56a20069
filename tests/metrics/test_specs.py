"""What a task may write for a metric, and what a study keeps of it."""

import json
import subprocess
import sys

import pytest

from harness.errors import InputError, NotFound
from harness.metrics import (
    Bleu,
    ChrF,
    ChrFPlusPlus,
    DistinctN,
    ExactMatch,
    ImportedMetric,
    PassAtK,
    Perplexity,
    Rouge1,
    Rouge2,
    RougeL,
    build,
    describe,
    from_description,
    metrics,
    names,
)
from harness.types import Item


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("bleu", [Bleu()]),
        ("bleu:tokenize=intl", [Bleu(tokenize="intl")]),
        ("bleu:tokenize=13a,lowercase=true", [Bleu(lowercase=True)]),
        ("bleu:smooth_method=floor,smooth_value=1", [Bleu(
            smooth_method="floor", smooth_value=1.0
        )]),
        ({"bleu": {"tokenize": "intl"}}, [Bleu(tokenize="intl")]),
        ({"bleu": None}, [Bleu()]),
        ({"bleu:lowercase=true": {"tokenize": "zh"}}, [
            Bleu(lowercase=True, tokenize="zh")
        ]),
        ("chrf:char_order=4", [ChrF(char_order=4)]),
        ("chrf++", [ChrFPlusPlus()]),
        ("perplexity:per=word", [Perplexity(per="word")]),
        ("rouge", [Rouge1(), Rouge2(), RougeL()]),
        ("rouge:tokenizer=unicode", [
            kind(tokenizer="unicode") for kind in (Rouge1, Rouge2, RougeL)
        ]),
        ({"exact_match": {"normalize": "squad"}}, [ExactMatch(normalize="squad")]),
    ],
    ids=str,
)  # fmt: skip
def test_a_spec_becomes_its_metrics(spec, expected, tmp_path):
    assert build(spec, tmp_path) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "bleu:tokenise=intl",
            r"'bleu' has no setting 'tokenise' \(did you mean 'toke",
        ),
        ("bleu:nrefs=2", "'bleu' has no setting 'nrefs'"),
        ("bleu:tokenize=intel", "'tokenize' must be one of 13a, .*did you mean 'intl'"),
        (
            {"bleu": {"lowercase": "maybe"}},
            "'lowercase' must be true or false, .*'maybe'",
        ),
        ({"bleu": {"tokenize": 13}}, "'tokenize' must be one of 13a"),
        ("bleu:smooth_value=x", "'smooth_value' must be a number or null, .*'x'"),
        ("chrf:beta=x", "'beta' must be a whole number, but it is 'x'"),
        ("bleu:intl", "'bleu:intl': a setting is written name=value"),
        ("bleu:tokenize=[", "no single value"),
        ({"bleu": ["intl"]}, "its settings must map names to values"),
        ({"bleu": {}, "chrf": {}}, "a metric must be a name"),
        (7, "a metric must be a name, .*but it is 7"),
        ([], "a metric must be a name"),
    ],
    ids=str,
)
def test_a_wrong_spec_names_metric_setting_and_remedy(spec, message, tmp_path):
    with pytest.raises(InputError, match=message):
        build(spec, tmp_path)


@pytest.mark.parametrize("spec", ["blue", {"blue": {}}, "blue:tokenize=intl"])
def test_an_unknown_name_gets_a_suggestion(spec, tmp_path):
    with pytest.raises(NotFound, match=r"No metric named 'blue'\. Did you mean 'bleu'"):
        build(spec, tmp_path)


def test_all_names_can_be_built(made):
    assert {"rouge", "bleu", "perplexity"} <= set(names())
    for name in names():
        assert made(name)


@pytest.mark.parametrize("name", metrics.names())
def test_a_stored_metric_comes_back_with_its_signature(name, made, tmp_path):
    item = Item("1", "t", "1", "", ("a", "b"), meta={"choices": ["a", "c"]})
    metric = made(name).for_items([item])
    description = json.loads(json.dumps(describe(metric)))
    rebuilt = from_description(description, tmp_path)
    assert rebuilt.signature == metric.signature == description["signature"]
    assert rebuilt.higher_is_better == metric.higher_is_better
    assert (rebuilt.name, rebuilt.unit) == (metric.name, metric.unit)


@pytest.mark.parametrize(
    ("metric", "form"),
    [
        (Bleu(), "tallied"),
        (Perplexity(), "tallied"),
        (Rouge1(), "mean"),
        (ImportedMetric("comet"), "mean"),
        (PassAtK(), "tallied"),
        (DistinctN(), "whole"),
    ],
)
def test_a_description_tells_the_form(metric, form):
    assert describe(metric)["form"] == form


def test_a_description_in_full():
    metric = Bleu(tokenize="intl").for_items([Item("1", "t", "1", "", ("a",))])
    description = describe(metric)
    spec = json.loads(description.pop("spec"))
    assert spec["bleu"]["tokenize"] == "intl"
    assert spec["bleu"]["nrefs"] == 1
    assert description == {
        "name": "bleu",
        "signature": metric.signature,
        "form": "tallied",
        "unit": "",
        "higher_is_better": True,
    }


def test_importing_the_metrics_imports_nothing_heavy():
    heavy = "sacrebleu rouge_score nltk rapidfuzz evaluate scipy pydantic yaml regex"
    code = (
        "import sys, harness.metrics; "
        f"print(*[name for name in {heavy.split()} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
