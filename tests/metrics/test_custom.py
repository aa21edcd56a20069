"""Metrics that users bring in a file or a package."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from harness.errors import InputError, MetricError, NotFound
from harness.metrics import Bleu, build, describe, from_description, metrics
from harness.types import Item

METRIC = '''
from __future__ import annotations

from dataclasses import dataclass

from harness.metrics import MeanMetric{imports}


{decorator}@dataclass(frozen=True)
class Shout(MeanMetric):
    """Share of capitals."""

    name = "{name}"
    bonus: float = 0.0

    def score(self, item, text):
        return sum(map(str.isupper, text)) / len(text) + self.bonus
'''

ITEM = Item("1", "task", "1", "prompt")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shout.py"
    path.write_text(METRIC.format(imports="", decorator="", name="shout"))
    return path


@pytest.fixture
def registry(monkeypatch):
    """The registry, put back in order afterwards."""
    monkeypatch.setattr(metrics, "_entries", dict(metrics._entries))
    return metrics


def test_the_only_metric_of_a_file_is_taken(file):
    (metric,) = build("shout.py", file.parent)
    assert metric.score(ITEM, "AbCd") == 0.5
    assert metric.origin == "shout.py"


def test_its_settings_are_set_and_checked(file):
    (metric,) = build("./shout.py:bonus=1", file.parent)
    assert metric.score(ITEM, "AbCd") == 1.5
    with pytest.raises(InputError, match=r"'bonus' must be a number.*'much'"):
        build({"./shout.py": {"bonus": "much"}}, file.parent)
    with pytest.raises(InputError, match=r"no setting 'bonos' \(did you mean 'bonus'"):
        build("./shout.py:bonos=1", file.parent)


def test_a_metric_without_settings_says_so(file):
    file.write_text(file.read_text().replace("bonus: float = 0.0", "bonus = 0.0"))
    with pytest.raises(InputError, match="has no settings, but 'bonus' is given"):
        build("shout.py:bonus=1", file.parent)


def test_a_type_that_is_unknown_at_run_time_is_named(file):
    file.write_text(file.read_text().replace("bonus: float", "bonus: Decimal"))
    with pytest.raises(InputError, match=r"class Shout: .*'Decimal' is not defined"):
        build("shout.py:bonus=1", file.parent)


def test_an_edited_file_is_another_metric(file):
    (before,) = build("shout.py", file.parent)
    (same,) = build("shout.py", file.parent)
    file.write_text(file.read_text().replace("isupper", "islower"))
    (after,) = build("shout.py", file.parent)
    assert before.signature == same.signature
    assert before.signature.startswith("shout|bonus:0.0|v1+")
    assert before.signature != after.signature


def test_the_registered_of_several_metrics_is_taken(file, registry):
    first = METRIC.format(
        imports=", metrics", decorator='@metrics.register("loud")\n', name="loud"
    )
    second = METRIC.format(imports="", decorator="", name="other")
    file.write_text(first + second.replace("from __future__ import annotations", ""))
    (metric,) = build("shout.py", file.parent)
    (again,) = build("shout.py", file.parent)
    assert metric.name == again.name == "loud"


def test_a_name_that_is_taken_is_refused_and_stays_what_it_was(file, registry):
    file.write_text(
        METRIC.format(
            imports=", metrics", decorator='@metrics.register("bleu")\n', name="bleu"
        )
    )
    with pytest.raises(InputError, match=r"shout\.py: it registers 'bleu', which is"):
        build("shout.py", file.parent)
    assert metrics["bleu"] is Bleu


def test_two_tasks_may_each_have_a_copy_of_a_file_that_registers(file, registry):
    text = METRIC.format(
        imports=", metrics", decorator='@metrics.register("loud")\n', name="loud"
    )
    built = []
    for task in ("one", "two"):
        (file.parent / task).mkdir()
        (file.parent / task / "shout.py").write_text(text)
        built += build("shout.py", file.parent / task)
    assert [metric.name for metric in built] == ["loud", "loud"]
    assert built[0].signature == built[1].signature


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "but it holds none"),
        ("x = 1 / 0", "cannot be loaded: ZeroDivisionError"),
        ("def (", "cannot be loaded: SyntaxError"),
        ("import no_such_package", "cannot be loaded: ModuleNotFoundError"),
        (
            METRIC.replace('name = "{name}"', "").replace("{decorator}", ""),
            "class Shout needs a name",
        ),
        (
            METRIC.replace('"{name}"', '"a|b"').replace("{decorator}", ""),
            r"class Shout needs a name without '\|'",
        ),
        (
            METRIC.replace('"{name}"', "3").replace("{decorator}", ""),
            r"class Shout needs a name without '\|'",
        ),
        (
            METRIC.replace("@dataclass(frozen=True)", "").replace("{decorator}", ""),
            r"put @dataclass\(frozen=True\) on class Shout",
        ),
        (
            METRIC.replace("name =", "name: str =").replace("{decorator}", ""),
            "write name = ... without annotation",
        ),
    ],
    ids=[
        *("empty", "fails", "syntax", "import", "nameless", "bar", "number"),
        *("no dataclass", "annotated"),
    ],
)
def test_a_file_without_a_usable_metric_says_what_to_do(file, text, message):
    file.write_text(text.replace("{imports}", ""))
    with pytest.raises((InputError, MetricError), match=rf"shout\.py.*{message}"):
        build("shout.py", file.parent)


def test_a_file_with_two_metrics_wants_one_registered(file):
    other = METRIC.format(imports="", decorator="", name="other")
    other = other.replace("from __future__ import annotations", "")
    file.write_text(file.read_text() + other.replace("Shout", "Whisper"))
    with pytest.raises(InputError, match="it holds Shout, Whisper"):
        build("shout.py", file.parent)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.py: no such Python file"):
        build("none.py", tmp_path)


def test_a_report_needs_no_file_for_a_mean(file):
    (metric,) = build("shout.py", file.parent)
    description = describe(metric)
    file.unlink()
    rebuilt = from_description(description, file.parent)
    assert rebuilt.signature == metric.signature
    assert rebuilt.value(sum(metric.tallies([(ITEM, "AB"), (ITEM, "ab")]))) == 0.5


def test_a_report_refuses_other_code_than_gave_the_tallies(file):
    text = METRIC.format(imports="", decorator="", name="shout")
    text += "\n    def output_value(self, tally):\n        return tally[..., 0]\n"
    file.write_text(text)
    (metric,) = build("shout.py", file.parent)
    description = describe(metric)
    assert description["form"] == "tallied"
    rebuilt = from_description(description, file.parent)
    assert rebuilt.signature == metric.signature
    file.write_text(text + "\n\nEDITED = True\n")
    with pytest.raises(InputError, match=r"'shout' \(shout\.py\) has changed since"):
        from_description(description, file.parent)


@pytest.fixture
def package(monkeypatch):
    """Entry points of a package that brings metrics."""

    def entry_points(**wanted):
        points = [
            EntryPoint("again", "harness.metrics.bleu:Bleu", "harness.metrics"),
            EntryPoint("broken", "no_such_package:Metric", "harness.metrics"),
            EntryPoint("number", "math:pi", "harness.metrics"),
        ]
        return EntryPoints(points).select(**wanted)

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


def test_an_installed_package_brings_metrics(package, tmp_path):
    (metric,) = build("again:tokenize=intl", tmp_path)
    assert metric == Bleu(tokenize="intl")


def test_a_broken_package_is_named(package, tmp_path):
    with pytest.raises(
        MetricError, match=r"'broken' \(no_such_package:Metric\) cannot"
    ):
        build("broken", tmp_path)
    with pytest.raises(MetricError, match="is no subclass of Metric"):
        build("number", tmp_path)


def test_metrics_of_packages_are_suggested(package, tmp_path):
    with pytest.raises(NotFound, match="Did you mean 'broken'"):
        build("brokn", tmp_path)
