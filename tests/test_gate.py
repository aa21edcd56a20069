"""Gates on studies whose every number is known."""

import json
import re
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from rating_study import a_study, a_task
from report_study import Maker, fill

import harness
from harness.campaign import open_campaign
from harness.cli import main
from harness.errors import NotFound, UsageError
from harness.gate import Rules, conditions, gate
from harness.rate import Answer, answer, next_assignment
from harness.stats.combine import paired_difference
from harness.study import StudyFile
from harness.study.raters import ensure_rater

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
KEYS = [str(number) for number in range(20)]
HOSTILE = 'ba<d>&"|`\x1b[31m\u202e\x01*'


@pytest.fixture
def maker(tmp_path):
    """Four checkpoints that get better, rated by two."""
    study = StudyFile(tmp_path / "study.db")
    yield fill(Maker(study), items=20)
    study.close()


def bare(path, *metrics, **texts):
    """Checkpoints by name, each with one text for every item, which wants `good`."""
    maker = Maker(StudyFile(path / "bare.db"))
    maker.metrics = metrics
    maker.items(*((key, key, ("good",)) for key in KEYS))
    for step, (name, text) in enumerate(texts.items()):
        maker.checkpoint(name, dict.fromkeys(KEYS, text), step=step)
    return maker


def one(maker, on, **options):
    numbers = [options.pop(name, ()) for name in ("threshold", "min_difference")]
    found = gate(maker.study, conditions(on, *numbers), **options)
    [verdict] = found.verdicts
    return verdict


def test_the_latest_passes_against_the_first_and_not_the_other_way_round(maker):
    for on in ("meaning", "bleu", "perplexity"):
        ahead = one(maker, on, against="first")
        assert (ahead.candidate, ahead.baseline) == ("run-240", "run-0")
        assert (ahead.outcome, ahead.passed) == ("better", True)
        behind = one(maker, on, against="run-240", candidate="run-0")
        assert (behind.outcome, behind.passed) == ("worse", False)
        assert behind.gain.value == pytest.approx(-ahead.gain.value)


def test_a_criterion_is_tested_by_the_combined_estimate(maker):
    found = one(maker, "meaning", against="run-0")
    rated = {name: [] for name in ("run-0", "run-240")}
    for name, values in rated.items():
        for key in KEYS:
            query = "SELECT value FROM output_ratings WHERE of_output = ? "
            query += "AND criterion = 'meaning' ORDER BY rater"
            values.append(maker.study.column(query, [maker.output(name, key)]))
    expected = paired_difference(*rated.values(), scale=(1, 5))
    assert found.gain.value == pytest.approx(expected.value)
    assert found.gain.low == pytest.approx(expected.low)
    assert "prompts like these" in found.gain.method


def test_a_margin_is_what_may_be_lost_or_must_be_won(maker):
    gain = one(maker, "meaning", against="run-0").gain
    assert one(maker, "meaning", against="run-0", min_difference=gain.low - 0.1).passed
    beyond = one(maker, "meaning", against="run-0", min_difference=gain.high + 0.1)
    assert (beyond.outcome, beyond.passed) == ("worse", False)
    back = {"against": "run-240", "candidate": "run-0"}
    assert one(maker, "meaning", **back, min_difference=-gain.high + 0.01).passed


def test_a_threshold_knows_the_metrics_direction(maker):
    assert one(maker, "perplexity", threshold=100).outcome == "better"
    assert one(maker, "perplexity", threshold=1).outcome == "worse"
    assert one(maker, "bleu", threshold=1).outcome == "better"
    assert one(maker, "meaning", threshold=4.9).outcome == "worse"


def test_previous_is_the_step_before(maker):
    found = one(maker, "bleu", against="previous", candidate="run-120")
    assert found.baseline == "run-40"


def test_a_series_that_grew_last_is_the_newest(tmp_path):
    maker = bare(tmp_path, "exact_match")
    for name, series, step in (("a", "old", 9), ("b", "new", 2), ("c", "new", 1)):
        maker.checkpoint(name, dict.fromkeys(KEYS, name), step=step, series=series)
    found = one(maker, "exact_match", threshold=0.5)
    assert found.candidate == "new/b"


def test_a_series_without_steps_has_no_latest(tmp_path):
    maker = bare(tmp_path, "exact_match")
    for name in ("a", "b"):
        maker.checkpoint(name, dict.fromkeys(KEYS, name))
    with pytest.raises(UsageError, match="have no steps"):
        one(maker, "exact_match", threshold=0.5)


def test_items_that_are_all_alike_still_say_that_it_is_worse(tmp_path):
    maker = bare(tmp_path, "exact_match", old="good", new="bad")
    found = one(maker, "exact_match", against="old")
    # Of 20 items at most 1 - 0.025^(1/20) = 17 % differ, by at most 2.
    assert found.gain.high == pytest.approx(-1 + 2 * (1 - 0.025 ** (1 / 20)))
    assert (found.outcome, found.passed) == ("worse", False)
    assert one(maker, "exact_match", threshold=0.5).outcome == "worse"


def test_equal_outputs_pass(tmp_path):
    maker = bare(tmp_path, "exact_match", old="good", new="good")
    found = one(maker, "exact_match", against="old")
    assert (found.gain.value, found.outcome, found.passed) == (0, "not clear", True)


def test_a_metric_of_all_outputs_is_tested_by_resampling_them(tmp_path):
    maker = Maker(StudyFile(tmp_path / "whole.db"))
    maker.metrics = ("distinct_n",)
    maker.items(*((key, key, ("x",)) for key in KEYS))
    maker.checkpoint("same", dict.fromkeys(KEYS, "one two three four"), step=1)
    maker.checkpoint("own", {k: f"{k}a {k}b {k}c {k}d" for k in KEYS}, step=2)
    found = one(maker, "distinct_n", against="same")
    assert (found.outcome, found.passed) == ("better", True)
    assert one(maker, "distinct_n", against="own", candidate="same").outcome == "worse"


def test_a_metric_without_direction_is_refused(tmp_path):
    maker = bare(tmp_path, "length_ratio", old="good", new="bad")
    with pytest.raises(UsageError, match="neither more nor less is better"):
        one(maker, "length_ratio", against="old")


def test_win_rates_are_held_against_one_half(tmp_path):
    study = a_study(tmp_path / "pairs.db", items=20, checkpoints=2)
    asked = [{"name": "fit", "question": "Which fits?"}]
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=asked))
    rater = ensure_rater(study, "ann")
    newest = study.column("SELECT name FROM checkpoints ORDER BY step")[-1]
    while (shown := next_assignment(study, campaign, rater)) is not None:
        query = "SELECT checkpoints.name FROM assignment_outputs JOIN outputs ON "
        query += "outputs.id = output JOIN checkpoints ON checkpoints.id = checkpoint "
        query += "JOIN assignments ON assignments.id = assignment WHERE token = ? "
        [first, _] = study.column(query + "ORDER BY position", [shown.token])
        won = "first" if first == newest else "second"
        answer(study, rater, shown.token, Answer({"fit": won}, seconds=1.0))
    asked = conditions("fit")
    [won] = gate(study, asked, against="first").verdicts
    assert (won.kind, won.gain.value, won.outcome) == ("preference", 0.5, "better")
    [lost] = gate(study, asked, against=won.candidate, candidate=won.baseline).verdicts
    assert (lost.gain.value, lost.outcome) == (-0.5, "worse")
    with pytest.raises(UsageError, match="a win rate needs a checkpoint"):
        gate(study, conditions("fit", threshold=0.5))
    study.close()


def test_unequal_drawing_probabilities_are_undone(tmp_path):
    maker = bare(tmp_path, "exact_match", old="a", new="b")
    for name, gains in (("old", (0, 0)), ("new", (2, 0))):
        rated = {(name, key): 2.0 + gains[int(key) // 10] for key in KEYS}
        maker.rate("ann", "meaning", rated)
    plain = one(maker, "meaning", against="old")
    assert plain.gain.value == pytest.approx(1.0)
    often = "SELECT assignment FROM ratings JOIN outputs ON outputs.id = output "
    often += "JOIN items ON items.id = item WHERE CAST(items.key AS INTEGER) < 10"
    with maker.study.transaction() as db:
        db.execute("UPDATE assignments SET probability = 0.2")
        db.execute(f"UPDATE assignments SET probability = 0.8 WHERE id IN ({often})")  # noqa: S608
    # Prompts that gained 2 were drawn four times as often: 10 * 2 / 0.8 = 25, over
    # 10 / 0.8 + 10 / 0.2 = 62.5.
    found = one(maker, "meaning", against="old", rules=Rules(metric="none"))
    assert found.gain.value == pytest.approx(25 / 62.5)


def test_the_samples_of_a_prompt_count_once(tmp_path):
    maker = Maker(StudyFile(tmp_path / "samples.db"))
    maker.metrics = ("exact_match",)
    maker.items(*((key, key, ("x",)) for key in KEYS))
    for step, name in enumerate(("old", "new")):
        maker.checkpoint(name, {key: ["a", "b"] for key in KEYS}, step=step)
        for number, key in enumerate(KEYS):
            given = {(name, key, 0): 2, (name, key, 1): 3 + step * (number % 2)}
            maker.rate("ann", "meaning", given)
    found = one(maker, "meaning", against="old")
    assert (found.gain.n, found.gain.value) == (20, pytest.approx(0.25))


@pytest.mark.parametrize(
    ("on", "options", "error", "says"),
    [
        ("meening", {"against": "run-0"}, NotFound, "Did you mean 'meaning'"),
        ("bleu", {"against": "run-00"}, NotFound, "Did you mean 'run-0'"),
        ("bleu", {"against": "run-0", "candidate": "x"}, NotFound, "No checkpoint"),
        ("bleu", {"against": "run-0", "tasks": ["rewrit"]}, NotFound, "'rewrite'"),
        ("bleu", {}, UsageError, "needs one of --against"),
        ("bleu", {"against": "run-0", "threshold": 3}, UsageError, "needs one of"),
        ("bleu", {"threshold": 3, "min_difference": 1}, UsageError, "goes with"),
        ("bleu", {"threshold": float("nan")}, UsageError, "finite"),
        ("bleu", {"against": "run-240"}, UsageError, "is candidate and baseline"),
        (["bleu", "chrf"], {"threshold": 3}, UsageError, "2 --on but 1 --threshold"),
        ([], {"against": "run-0"}, UsageError, "at least one"),
        (
            "bleu",
            {"against": "first", "candidate": "run-0"},
            UsageError,
            "Before 'run-0' there is no",
        ),
        (
            "meaning",
            {"against": "run-0", "rules": Rules(metric="blue")},
            NotFound,
            "Did you mean 'bleu'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(maker, on, options, error, says):
    with pytest.raises(error, match=re.escape(says)):
        one(maker, on, **options)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (Rules(metric="nonsense"), "--with nonsense sharpens ratings"),
        (Rules(metric="chrf"), "every --on is a metric"),
        (Rules(estimand="exactly these prompts"), "--estimand says what ratings"),
    ],
)
def test_what_ratings_alone_know_is_refused_of_metrics_alone(maker, rules, says):
    with pytest.raises(UsageError, match=says):
        one(maker, "bleu", against="run-0", rules=rules)
    both = gate(maker.study, conditions(["bleu", "meaning"]), against="run-0")
    assert both.passed


def test_a_checkpoint_that_nobody_rated_is_no_pass(maker):
    keys = dict.fromkeys(KEYS, "new words")
    maker.checkpoint("run-300", keys, step=300, nll=dict.fromkeys(KEYS, 9.0))
    with pytest.raises(UsageError, match="Nobody has judged run-300 on meaning"):
        one(maker, "meaning", against="previous")
    maker.rate("rater 0", "meaning", {("run-300", "1"): 3})
    [found] = gate(maker.study, conditions("meaning"), against="run-0").verdicts
    assert (found.outcome, found.passed, found.gain.n) == ("cannot tell", True, 1)
    assert found.gain.dropped == 19


def test_a_checkpoint_without_scores_is_no_pass(maker):
    maker.metrics = ("exact_match",)
    maker.checkpoint("run-300", dict.fromkeys(KEYS, "new words"), step=300)
    with pytest.raises(UsageError, match="'run-300' has no scores by bleu"):
        one(maker, "bleu", against="run-0")


def test_ratings_that_no_rater_repeated_say_nothing_of_exactly_these_prompts(tmp_path):
    maker = bare(tmp_path, "exact_match", old="a", new="b")
    for name in ("old", "new"):
        maker.rate("ann", "meaning", {(name, key): int(key) % 5 + 1 for key in KEYS})
    rules = Rules(estimand="exactly these prompts")
    with pytest.raises(UsageError, match="needs the noise of raters"):
        one(maker, "meaning", against="old", rules=rules)


def test_the_study_has_gates_too(maker):
    study = harness.Study(maker.study.path)
    result = study.gate(["bleu", "meaning"], against="first", min_difference=[1, 0.1])
    assert result.passed
    assert [one.min_difference for one in result.verdicts] == [1, 0.1]
    study.close()


# The command


@pytest.fixture
def command(maker, monkeypatch, capsys):
    """Call the command line beside the study; returns exit code, stdout and stderr."""
    monkeypatch.chdir(maker.study.path.parent)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return (caught.value.code or 0, *capsys.readouterr())

    return call


GATE = ("gate", "rewrite", "--db", "study.db")


def test_exit_codes_tell_pass_failure_and_wrong_usage(command):
    code, out, _ = command(*GATE, "--on", "bleu", "--against", "first")
    assert code == 0
    assert out.startswith("pass  rewrite, bleu: run-240 gains +")
    backwards = ("--candidate", "run-0", "--against", "run-240")
    code, out, _ = command(*GATE, "--on", "bleu", "--on", "meaning", *backwards)
    assert code == 1
    assert out.count("FAIL  ") == 2
    assert out.endswith("The gate fails: 2 of 2 conditions.\n")
    code, out, err = command(*GATE, "--on", "blue", "--against", "first")
    assert (code, out) == (2, "")
    assert "Did you mean 'bleu'" in err
    wrong = ("--on", "bleu", "--against", "first", "--with", "nonsense")
    code, out, err = command(*GATE, *wrong)
    assert (code, out) == (2, "")
    assert "--with nonsense sharpens ratings" in err


def test_every_answer_says_that_it_is_of_one_look(command, tmp_path):
    asked = ("--on", "bleu", "--against", "first", "--summary", "s.md")
    _, out, _ = command(*GATE, *asked)
    assert out.splitlines()[-2].startswith("Intervals are 95 %, for this n, looked at")
    assert "looked at once" in (tmp_path / "s.md").read_text("utf-8")


def test_better_may_be_asked_for(command):
    strict = ("--against", "run-120", "--require", "better")
    assert command(*GATE, "--on", "fluency", *strict)[0] == 1
    assert command(*GATE, "--on", "fluency", *strict, "--min-difference", -2)[0] == 0


def test_json_holds_every_number(command):
    _, out, _ = command(*GATE, "--on", "bleu", "--threshold", "90", "--json")
    found = json.loads(out)
    [condition] = found["conditions"]
    assert (found["passed"], condition["outcome"]) == (False, "worse")
    assert condition["gain"]["high"] < 0
    assert condition["threshold"] == 90


def test_files_for_ci_say_the_same(command, tmp_path):
    (tmp_path / "s.md").write_text("before\n")
    files = ("--junit", "out/j.xml", "--summary", "s.md")
    backwards = ("--candidate", "run-0", "--against", "run-240")
    code, *_ = command(*GATE, "--on", "bleu", "--on", "length", *backwards)
    assert code == 2
    code, *_ = command(*GATE, "--on", "bleu", "--on", "chrf", *backwards, *files)
    root = ET.parse(tmp_path / "out" / "j.xml").getroot()  # noqa: S314 - our own
    assert (code, root.get("tests"), root.get("failures")) == (1, "2", "2")
    cases = root.findall("testsuite/testcase")
    assert [case.get("name").split(":")[0] for case in cases] == ["bleu", "chrf"]
    numbers = {p.get("name"): p.get("value") for p in cases[0].iter("property")}
    assert float(numbers["high"]) < 0
    assert cases[0].find("failure").get("type") == "worse"
    summary = (tmp_path / "s.md").read_text()
    assert summary.startswith("before\n### The gate fails: 2 of 2")
    assert summary.count("| **fail** |") == 2


def test_a_file_that_cannot_be_written_is_one_line(command, tmp_path):
    (tmp_path / "taken").write_text("")
    options = ("--on", "bleu", "--against", "first", "--junit", "taken/j.xml")
    code, _, err = command(*GATE, *options)
    assert code == 2
    assert err.startswith("error: taken/j.xml cannot be written")


def test_names_cannot_break_text_xml_or_markdown(tmp_path):
    from harness.gating import writing

    maker = Maker(StudyFile(tmp_path / "x.db"), task=HOSTILE)
    maker.metrics = ("exact_match",)
    maker.items(*((key, key, ("good",)) for key in KEYS))
    maker.checkpoint("old", dict.fromkeys(KEYS, "good"), step=1)
    maker.checkpoint(HOSTILE, dict.fromkeys(KEYS, "bad"), step=2)
    result = gate(maker.study, conditions("exact_match"), against="old")
    text = writing.text(result)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text.splitlines()) == 3
    root = ET.fromstring(writing.junit(result))  # noqa: S314 - our own
    [case] = root.iter("testcase")
    assert 'ba<d>&"|`\\u001b[31m\\u202e' in case.get("name")
    [row] = [x for x in writing.markdown(result).splitlines() if "fail**" in x]
    assert "<d>" not in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_what_cannot_be_told_and_passes_is_skipped_in_junit(maker):
    from harness.gating import writing

    maker.checkpoint("run-300", dict.fromkeys(KEYS, "new"), step=300)
    maker.rate("rater 0", "meaning", {("run-300", "1"): 3})
    result = gate(maker.study, conditions("meaning"), against="run-0")
    root = ET.fromstring(writing.junit(result))  # noqa: S314 - our own
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")


def test_simulated_ratings_are_said_to_be_simulated(tmp_path):
    from harness.gating import writing

    maker = fill(Maker(StudyFile(tmp_path / "s.db")), kinds=("simulated",))
    rated = gate(maker.study, conditions("meaning"), against="first")
    assert writing.text(rated).startswith("SIMULATED")
    scored = gate(maker.study, conditions("bleu"), against="first")
    assert not scored.simulated


# The README


def test_the_workflow_in_the_readme_runs(maker, command, tmp_path, monkeypatch):
    section = README.split("## Gates in CI")[1].split("\n## ")[0]
    [block] = re.findall(r"```yaml\n(.*?)```", section, flags=re.DOTALL)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    steps = yaml.safe_load(block)["jobs"]["gate"]["steps"]
    gates = [one["run"] for one in steps if "harness gate" in one.get("run", "")]
    assert gates
    for step in gates:
        line = step.replace("\\\n", " ")
        line = line.replace("$GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        program, *arguments = shlex.split(line)
        assert program == "harness"
        arguments = ["rewrite" if one == "questions.yaml" else one for one in arguments]
        code, out, err = command(*arguments, "--db", "study.db")
        assert code == 0, err
        assert "The gate passes" in out
    assert (tmp_path / "summary.md").read_text().startswith("### The gate passes")
    assert ET.parse(tmp_path / "gate.xml").getroot().get("failures") == "0"  # noqa: S314 - our own
