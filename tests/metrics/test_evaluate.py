"""Modules of Hugging Face's evaluate, written to a folder and loaded from there."""

import json
import socket
from datetime import date

import numpy as np
import pytest

from harness.errors import InputError, MetricError, Unscorable
from harness.metrics import MeanMetric, Whole, build, describe, from_description
from harness.types import Item

MODULE = """
import datasets
import evaluate


class Anything(evaluate.Metric):
    {attribute}

    def _info(self):
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="",
            features=datasets.Features({features}),
        )

    def _compute(self, {arguments}):
        {body}
"""

TEXT = 'datasets.Value("string")'
FEATURES = {"predictions": TEXT, "references": TEXT}
CAPITALS = "[sum(map(str.isupper, p)) for p in predictions]"


@pytest.fixture
def module(tmp_path):
    """Writes a module with this body of `_compute`."""

    def write(body, *, name="capitals", features=FEATURES, **rest):
        columns = ", ".join(f'"{column}": {kind}' for column, kind in features.items())
        text = MODULE.format(
            features=f"{{{columns}}}",
            arguments=rest.get("arguments", ", ".join(features)),
            attribute=rest.get("attribute", "pass"),
            body=body,
        )
        (tmp_path / f"{name}.py").write_text(text)
        return f"evaluate:./{name}.py"

    return write


def item(*references, prompt="prompt"):
    return Item("1", "task", "1", prompt, references)


def one(spec, folder):
    (metric,) = build(spec, folder)
    return metric


def test_a_list_as_long_as_the_outputs_makes_a_mean(module, tmp_path):
    metric = one(module(f"return {{'scores': {CAPITALS}, 'n': 3}}"), tmp_path)
    assert isinstance(metric, MeanMetric)
    tallies = metric.tallies([(item("x"), "AB"), (item("x"), "c")])
    assert np.array_equal(tallies, [[2, 1], [0, 1]])
    assert metric.value(sum(tallies)) == 1
    assert metric.score(item("x"), "ABC") == 3


@pytest.mark.parametrize("key", ["scores", "score", "capitals", "anything_else"])
def test_the_value_is_found_under_the_usual_names_or_alone(module, tmp_path, key):
    spec = module(f"return {{'{key}': {CAPITALS}, 'four': [1, 2, 3, 4]}}")
    assert one(spec, tmp_path).score(item("x"), "AB") == 2


def test_one_number_makes_a_whole(module, tmp_path):
    metric = one(module(f"return {{'capitals': max({CAPITALS}), 'n': 1}}"), tmp_path)
    assert isinstance(metric, Whole)
    assert metric.value_of([(item("x"), "AB"), (item("x"), "c")]) == 2


def test_a_key_chooses_among_several(module, tmp_path):
    body = (
        f"return {{'low': 0.5, 'high': 1.5, 'each': {CAPITALS}, 'twice': {CAPITALS}}}"
    )
    spec = module(body)
    assert one(f"{spec}:high", tmp_path).value_of([(item("x"), "A")]) == 1.5
    assert one(f"{spec}:each", tmp_path).score(item("x"), "AB") == 2


def test_without_a_plain_choice_the_keys_are_listed(module, tmp_path):
    spec = module("return {'low': 0.5, 'high': 1.5}")
    message = r"gives these values: low, high; .*as in evaluate:\./capitals\.py:KEY"
    with pytest.raises(MetricError, match=message):
        build(spec, tmp_path)
    with pytest.raises(MetricError, match="low, high; none is called 'middle'"):
        build(f"{spec}:middle", tmp_path)


@pytest.mark.parametrize("unknown", ["None", "float('nan')", "float('inf')"])
def test_an_unknown_value_is_unscorable_rather_than_zero(module, tmp_path, unknown):
    body = f"return {{'scores': [1.0 if p else {unknown} for p in predictions]}}"
    metric = one(module(body), tmp_path)
    known, reason = metric.tallies([(item("x"), "a"), (item("x"), "")])
    assert list(known) == [1, 1]
    assert isinstance(reason, Unscorable)
    with pytest.raises(Unscorable):
        metric.score(item("x"), "")


def test_an_unknown_value_of_all_is_unscorable(module, tmp_path):
    body = "return {'score': 1.0 if any(predictions) else None}"
    metric = one(module(body), tmp_path)
    with pytest.raises(Unscorable, match="the module gives None"):
        metric.value_of([(item("x"), "")])


def test_arrays_are_lists_and_numbers_too(module, tmp_path):
    body = f"import numpy; return {{'scores': numpy.array({CAPITALS}) / 2}}"
    assert one(module(body), tmp_path).score(item("x"), "AB") == 1
    body = f"import numpy; return {{'score': numpy.mean({CAPITALS})}}"
    metric = one(module(body), tmp_path)
    assert metric.value_of([(item("x"), "AB"), (item("x"), "")]) == 1


def test_a_module_is_given_the_first_reference(module, tmp_path):
    body = "return {'scores': [len(reference) for reference in references]}"
    assert one(module(body), tmp_path).score(item("four", "by"), "") == 4


def test_or_all_of_them_if_it_asks_for_a_list(module, tmp_path):
    features = FEATURES | {"references": f"datasets.Sequence({TEXT})"}
    body = "return {'scores': [len(several) for several in references]}"
    metric = one(module(body, features=features), tmp_path)
    tallies = metric.tallies([(item("a", "b", "c"), ""), (item("a"), "")])
    assert [tally[0] for tally in tallies] == [3, 1]


def test_or_the_prompts_if_it_asks_for_sources(module, tmp_path):
    features = FEATURES | {"sources": TEXT}
    body = "return {'scores': [len(source) for source in sources]}"
    metric = one(module(body, features=features), tmp_path)
    assert metric.score(item("x", prompt="12345"), "") == 5


def test_without_references_it_judges_items_without_any(module, tmp_path):
    body = f"return {{'scores': {CAPITALS}}}"
    alone = one(module(body, features={"predictions": TEXT}), tmp_path)
    assert alone.score(item(), "AB") == 2
    metric = one(module(body), tmp_path)
    reason, tally = metric.tallies([(item(), "AB"), (item("x"), "AB")])
    assert str(reason) == "the item has no reference"
    assert tally[0] == 2


def test_a_measurement_is_given_the_texts_as_data(module, tmp_path):
    body = "return {'scores': [len(text) for text in data]}"
    metric = one(module(body, features={"data": TEXT}), tmp_path)
    assert metric.score(item(), "four") == 4


def test_a_module_that_takes_one_reference_or_several_is_given_all(tmp_path):
    columns = [
        f'datasets.Features({{"predictions": {TEXT}, "references": {kind}}})'
        for kind in (TEXT, f"datasets.Sequence({TEXT})")
    ]
    text = MODULE.format(
        features="FEATURES",
        arguments="predictions, references",
        attribute="pass",
        body="return {'scores': [len(several) for several in references]}",
    ).replace("datasets.Features(FEATURES)", f"[{', '.join(columns)}]")
    (tmp_path / "either.py").write_text(text)
    assert one("evaluate:either.py", tmp_path).score(item("a", "b"), "") == 2


def test_a_column_that_outputs_do_not_have_is_named(module, tmp_path):
    spec = module("return {}", features=FEATURES | {"images": TEXT})
    with pytest.raises(MetricError, match="asks for images; outputs come with predic"):
        build(spec, tmp_path)


def test_numbers_are_read_from_the_texts(module, tmp_path):
    whole = 'datasets.Value("int32")'
    body = "return {'scores': [float(p == r) for p, r in zip(predictions, references)]}"
    spec = module(body, features={"predictions": whole, "references": whole})
    metric = one(spec, tmp_path)
    right, wrong, reason = metric.tallies(
        [(item("3"), " 3"), (item("3"), "4"), (item("3"), "three")]
    )
    assert [right[0], wrong[0]] == [1, 0]
    assert str(reason) == "the module wants int32, not 'three'"


def test_arguments_reach_the_module_and_the_signature(module, tmp_path):
    body = f"return {{'scores': [times * n for n in {CAPITALS}]}}"
    spec = module(body, arguments="predictions, references, times=1")
    metric = one({spec: {"times": 3}}, tmp_path)
    assert metric.score(item("x"), "AB") == 6
    assert metric.signature.endswith("|key:scores|times:3|v1")
    assert one(f"{spec}:times=2", tmp_path).score(item("x"), "AB") == 4


def test_lower_is_better_as_the_class_says_unless_the_task_does(module, tmp_path):
    body = f"return {{'scores': {CAPITALS}}}"
    assert one(module(body), tmp_path).higher_is_better
    spec = module(body, attribute="lower_is_better = True")
    assert not one(spec, tmp_path).higher_is_better
    assert one(f"{spec}:lower_is_better=false", tmp_path).higher_is_better
    with pytest.raises(InputError, match="'lower_is_better' must be true or false"):
        build({spec: {"lower_is_better": "low"}}, tmp_path)


def test_no_two_values_of_an_argument_share_a_signature(module, tmp_path):
    spec = module("return {'x': [1.0] * len(predictions)}")
    given = [{"a": 1}, {"a": "1"}, {"a": True}, {"a": 1, "b": 2}, {"a": "1|b:2"}]
    built = [one({spec: {"key": "x", "form": "mean", **g}}, tmp_path) for g in given]
    assert len({metric.signature for metric in built}) == len(given)
    turned = one({spec: {"key": "x", "form": "mean", "b": 2, "a": 1}}, tmp_path)
    assert turned.signature == built[3].signature


def test_an_argument_that_a_study_cannot_keep_is_refused(module, tmp_path):
    spec = module("return {'x': [1.0] * len(predictions)}")
    with pytest.raises(InputError, match=r"'capitals': a study keeps settings as JSON"):
        one({spec: {"key": "x", "form": "mean", "day": date(2026, 1, 1)}}, tmp_path)


def test_the_signature_follows_the_code(module, tmp_path):
    first = one(module("return {'scores': [1.0 for p in predictions]}"), tmp_path)
    same = one(module("return {'scores': [1.0 for p in predictions]}"), tmp_path)
    other = one(module("return {'scores': [2.0 for p in predictions]}"), tmp_path)
    name, code, key, version = first.signature.split("|")
    assert (name, key, version) == ("capitals", "key:scores", "v1")
    assert code.startswith("evaluate:")
    assert len(code.removeprefix("evaluate:")) == 8
    assert first.signature == same.signature != other.signature
    assert first.origin == "evaluate:./capitals.py"


def test_a_failure_names_module_and_metric_and_quotes_it(module, tmp_path):
    body = f"return {{'scores': [1 / n for n in {CAPITALS}]}}"
    metric = one(module(body), tmp_path)
    message = r"'capitals' \(\./capitals\.py\) failed: ZeroDivisionError: division by"
    with pytest.raises(MetricError, match=message):
        metric.tallies([(item("x"), "no capital")])
    assert metric.score(item("x"), "A") == 1


def test_a_failure_on_the_trial_says_how_to_do_without(module, tmp_path):
    body = "import json; return {'scores': [json.loads(p)['n'] for p in predictions]}"
    spec = module(body)
    with pytest.raises(MetricError, match=r"tried on .*KEY:form=mean: JSONDecodeError"):
        build(spec, tmp_path)
    metric = one(f"{spec}:scores:form=mean", tmp_path)
    assert metric.score(item("x"), '{"n": 7}') == 7


def test_a_form_needs_a_key_and_there_are_two(module, tmp_path):
    spec = module("return {}")
    with pytest.raises(InputError, match="has a form, but no key"):
        build(f"{spec}:form=mean", tmp_path)
    with pytest.raises(InputError, match="'form' must be one of trial, mean, whole"):
        build(f"{spec}:scores:form=median", tmp_path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return {'scores': [1.0]}", "gave no list of 2 numbers as 'scores'"),
        ("return {'scores': ['a', 'b']}", "gave no list of 2 numbers as 'scores'"),
        ("return {}", "gave no list of 2 numbers as 'scores'"),
        ("return 0.5", "gave float instead of a dictionary"),
    ],
)
def test_a_result_of_another_shape_is_refused(module, tmp_path, body, message):
    metric = one(f"{module(body)}:scores:form=mean", tmp_path)
    with pytest.raises(MetricError, match=message):
        metric.tallies([(item("x"), "a"), (item("x"), "b")])


def test_a_whole_without_its_key_is_refused(module, tmp_path):
    metric = one(f"{module('return dict(a=1)')}:b:form=whole", tmp_path)
    with pytest.raises(MetricError, match="gave no number as 'b'"):
        metric.value_of([(item("x"), "a")])
    with pytest.raises(Unscorable, match="there is no output"):
        metric.value_of([])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_package", r"ImportError.*no_such_package"),
        ("def (", "SyntaxError"),
        ("x = 1", "a module is a class derived from evaluate.Metric"),
        ("from evaluate import Metric", "with 'import evaluate'"),
        (
            "from .far import x  # From: https://x.invalid/x.py",
            "must not fetch anything",
        ),
    ],
)
def test_a_module_that_cannot_be_loaded_says_why(tmp_path, text, message):
    (tmp_path / "broken.py").write_text(text + "\n")
    with pytest.raises(MetricError, match=rf"(?s)'broken' \(broken\.py\).*{message}"):
        build("evaluate:broken.py", tmp_path)


@pytest.mark.parametrize("source", ["./none.py", "none.py", "./none", "/none/none"])
def test_a_missing_file_is_named(tmp_path, source):
    with pytest.raises(InputError, match=r"none(\.py)?: no such evaluate module"):
        build(f"evaluate:{source}", tmp_path)


def test_a_name_is_never_fetched(tmp_path):
    from evaluate import config

    before = config.HF_EVALUATE_OFFLINE
    with pytest.raises(MetricError, match=r"evaluate\.load\('no_such_module_here'\)"):
        build("evaluate:no_such_module_here", tmp_path)
    assert before == config.HF_EVALUATE_OFFLINE


def test_no_address_is_ever_asked(module, tmp_path, monkeypatch):
    """Neither by a module of a file, nor by a name that is not on this machine."""

    def refuse(*address):
        raise AssertionError(f"the network was asked: {address}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    module(f"return {{'scores': {CAPITALS}}}")
    assert one("evaluate:./capitals.py", tmp_path).score(item("x"), "AB") == 2
    for name in ("bleu", "sacrebleu", "rouge", "perplexity"):
        with pytest.raises(MetricError, match="is not on this machine"):
            build(f"evaluate:{name}", tmp_path)


def test_a_name_that_is_at_hand_is_loaded_offline(module, tmp_path, monkeypatch):
    import evaluate

    body = f"return {{'scores': {CAPITALS}}}"
    path, load, seen = tmp_path / "capitals.py", evaluate.load, []
    module(body)

    def from_cache(name, **settings):
        seen.append((name, evaluate.config.HF_EVALUATE_OFFLINE))
        return load(str(path), **settings)

    monkeypatch.setattr(evaluate, "load", from_cache)
    assert one("evaluate:capitals", tmp_path / "elsewhere").name == "capitals"
    assert seen == [("capitals", True)]


def test_a_folder_with_a_module_of_its_name_will_do(module, tmp_path):
    (tmp_path / "inner").mkdir()
    module(f"return {{'scores': {CAPITALS}}}", name="inner/inner")
    assert one("evaluate:./inner", tmp_path).score(item("x"), "AB") == 2


def test_chance_in_a_module_is_the_same_every_time(module, tmp_path):
    body = "import numpy; return {'scores': list(numpy.random.rand(len(predictions)))}"
    spec = module(body)
    scores = [one(spec, tmp_path).score(item("x"), "a") for _ in range(2)]
    assert scores[0] == scores[1]


def test_a_stored_mean_needs_no_module(module, tmp_path):
    metric = one(module(f"return {{'scores': {CAPITALS}}}"), tmp_path)
    description = json.loads(json.dumps(describe(metric)))
    assert description["form"] == "mean"
    (tmp_path / "capitals.py").unlink()
    assert from_description(description, tmp_path).signature == metric.signature


def test_a_stored_whole_is_loaded_again_without_a_trial(module, tmp_path):
    spec = module(
        "assert not any('sat' in p for p in predictions)\n"
        f"        return {{'score': max({CAPITALS}) * times, 'other': 1}}",
        arguments="predictions, references, times=1",
        attribute="lower_is_better = True",
    )
    metric = one({f"{spec}:score": {"form": "whole", "times": 2}}, tmp_path)
    description = json.loads(json.dumps(describe(metric)))
    assert description["form"] == "whole"
    rebuilt = from_description(description, tmp_path)
    assert rebuilt.signature == metric.signature
    assert not rebuilt.higher_is_better
    assert rebuilt.value_of([(item("x"), "AB")]) == 4
    module("return {'score': 0.0, 'other': 1}")
    with pytest.raises(InputError, match="has changed since the study was scored"):
        from_description(description, tmp_path)


def test_no_outputs_call_no_module(module, tmp_path):
    metric = one(f"{module('raise ValueError')}:scores:form=mean", tmp_path)
    assert metric.tallies([]) == []
