"""Patterns and groups, by hand; patterns that are none, or never end."""

import json
import time

import pytest

from harness.errors import InputError, Unscorable
from harness.metrics import Regex, build, describe, from_description
from harness.types import Item


def regex(text, pattern, *references, **settings):
    item = Item("1", "task", "1", "", references)
    return Regex(pattern=pattern, **settings).score(item, text)


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("The answer is 42.", r"\d+", 1),
        ("The answer is unknown.", r"\d+", 0),
        ("yes", "^yes$", 1),
        ("yes and no", "^yes$", 0),
        ("YES", "yes", 0),
        ("YES", "(?i)yes", 1),
        ("a\nb", "(?m)^b$", 1),
        ("", "^$", 1),
        ("", "a", 0),
        ("ไม่ใช่", r"^\p{Thai}+$", 1),
        ("答案：是", "答案：(是|否)", 1),
        ("نعم", "نعم", 1),
    ],
)
def test_finding_the_pattern_is_right(text, pattern, found):
    assert regex(text, pattern) == found


@pytest.mark.parametrize("group", [1, "answer"])
def test_what_a_group_finds_must_be_a_reference(group):
    pattern = r"Answer: *(?P<answer>.*)"
    assert regex("So.\nAnswer: 42 ", pattern, "41", " 42", group=group) == 1
    assert regex("Answer: 43", pattern, "41", "42", group=group) == 0
    assert regex("42", pattern, "42", group=group) == 0


def test_group_zero_is_the_whole_match():
    assert regex("so 42!", r"\d+", "42", group=0) == 1


def test_the_first_match_counts():
    assert regex("A1 A2", r"A(\d)", "1", group=1) == 1
    assert regex("A1 A2", r"A(\d)", "2", group=1) == 0


def test_a_group_that_took_no_part_is_wrong():
    assert regex("b", "(a)|b", "", group=1) == 0


def test_only_groups_need_references():
    assert regex("a", "a") == 1
    with pytest.raises(Unscorable, match="no reference"):
        regex("a", "(a)", group=1)


@pytest.mark.parametrize(
    ("pattern", "text"), [("(a|aa)+$", "a" * 60 + "b"), ("(.*?,){25}P", "1," * 40)]
)
def test_a_pattern_that_takes_ages_leaves_the_output_unscored(pattern, text):
    started = time.perf_counter()
    with pytest.raises(Unscorable, match="takes more than 1 s on it"):
        regex(text, pattern)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("pattern", ["(", "[", "*", "\\", "(?P<a", "a{99999999999}"])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(InputError, match="is no regular expression"):
        Regex(pattern=pattern)


def test_a_pattern_nested_too_deep_is_refused():
    with pytest.raises(InputError, match="is no regular expression"):
        Regex(pattern="(" * 5000 + ")" * 5000)


def test_a_pattern_is_needed():
    with pytest.raises(InputError, match="needs the setting 'pattern', as in"):
        Regex()


@pytest.mark.parametrize("group", [2, -1, "b"])
def test_a_group_that_is_not_there_is_refused(group):
    with pytest.raises(InputError, match=f"has no group {group!r}"):
        Regex(pattern="(?P<a>.)", group=group)


def test_signature_holds_every_setting_legibly():
    metric = Regex(pattern=r"(?i)a|b \d%", group=0)
    assert metric.signature == r"regex|pattern:(?i)a%7Cb%20\d%25|group:0|v1"


def test_other_patterns_have_other_signatures():
    patterns = ["a b", "a%20b", "a|b", "a%7Cb", "ab", "é", "è"]
    assert len({Regex(pattern=one).signature for one in patterns}) == len(patterns)


def test_a_group_named_none_is_not_no_group():
    named, none = Regex(pattern="(?P<None>x)", group="None"), Regex(pattern="x")
    assert named.signature.split("|")[2] != none.signature.split("|")[2]


def test_a_study_keeps_it(tmp_path):
    [metric] = build({"regex": {"pattern": "a: (.*)", "group": 1}}, tmp_path)
    description = json.loads(json.dumps(describe(metric)))
    spec = json.loads(description["spec"])
    assert build(spec, tmp_path) == [metric]
    rebuilt = from_description(description, tmp_path)
    assert rebuilt.signature == metric.signature
    assert description["form"] == "mean"
