"""The answer of a gate as text, as JUnit XML, and as Markdown for GitHub.

Names come from files and may hold anything: what cannot be seen is spelled out, which
also keeps characters out of XML that it cannot hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.errors import UsageError
from harness.reporting.as_markdown import plain
from harness.reporting.formats import interval, number, on_one_line, places
from harness.reporting.wording import BANNER

ONE_LOOK = (
    "Intervals are 95 %, for this n, looked at once. Gates on many checkpoints, or "
    "again after more ratings, are as many looks, each with 2.5 % of false alarms."
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.gating.model import GateResult, Verdict
    from harness.types import Estimate


def text(result: GateResult) -> str:
    """One line a condition, with the numbers and why, and a last line of all."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: GateResult) -> Iterator[str]:
    if result.simulated:
        yield f"{BANNER}\n"
    for one in result.verdicts:
        mark = "pass" if one.passed else "FAIL"
        yield f"{mark}  {_subject(one)}: {_numbers(one)}; {on_one_line(one.why)}"
        for note in _notes(one):
            yield f"      {on_one_line(note)}"
    yield ONE_LOOK
    yield _summary(result)


def _notes(one: Verdict) -> tuple[str, ...]:
    """What limits a number; of people's judgment also what the interval is about."""
    told = one.outcome == "cannot tell" or one.kind == "metric"
    return one.notes if told else (one.gain.method, *one.notes)


def _summary(result: GateResult) -> str:
    failed = sum(not one.passed for one in result.verdicts)
    total = len(result.verdicts)
    of = f"of {total} condition{'s' if total > 1 else ''}"
    return (
        f"The gate fails: {failed} {of}." if failed else f"The gate passes: {of[3:]}."
    )


def _subject(one: Verdict) -> str:
    arrow = "" if one.higher_is_better else " ↓"
    return f"{on_one_line(one.task)}, {on_one_line(one.on)}{arrow}"


def _numbers(one: Verdict) -> str:
    """Value and interval; of a difference what is better counts as more."""
    found = shown(one)
    signed = one.threshold is None
    decimals = places([found.value, found.low, found.high])
    size = number(found.value, decimals, sign=signed)
    size = f"{size} {interval(found, decimals, sign=signed)}".strip()
    candidate = on_one_line(one.candidate)
    if one.baseline is None:
        return f"{candidate} {size}, n {found.n}"
    return f"{candidate} gains {size} on {on_one_line(one.baseline)}, n {found.n}"


def shown(one: Verdict) -> Estimate:
    """What is printed: the gain, or with a threshold the value on its own scale."""
    gain, limit = one.gain, one.threshold
    if limit is None or gain.value is None:
        return gain
    if one.higher_is_better:
        low, high, value = gain.low, gain.high, gain.value + limit
        return replace(gain, value=value, low=_sum(low, limit), high=_sum(high, limit))
    low = None if gain.high is None else limit - gain.high
    high = None if gain.low is None else limit - gain.low
    return replace(gain, value=limit - gain.value, low=low, high=high)


def _sum(end: float | None, limit: float) -> float | None:
    return None if end is None else end + limit


def junit(result: GateResult) -> str:
    """JUnit XML: a test case for each condition, its numbers as properties.

    A condition that passes although nothing can be told counts as skipped.
    """
    failed = str(sum(not one.passed for one in result.verdicts))
    skipped = str(sum(map(_untold, result.verdicts)))
    counts = {"tests": str(len(result.verdicts)), "failures": failed}
    counts |= {"errors": "0", "skipped": skipped}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": "harness gate", **counts})
    for one in result.verdicts:
        _test_case(suite, one)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _untold(one: Verdict) -> bool:
    return one.passed and one.outcome == "cannot tell"


def _test_case(suite: ET.Element, one: Verdict) -> None:
    candidate = on_one_line(one.candidate)
    baseline = "threshold" if one.baseline is None else on_one_line(one.baseline)
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"harness.gate.{on_one_line(one.task)}",
        name=f"{on_one_line(one.on)}: {candidate} against {baseline}",
        time="0",
    )
    properties = ET.SubElement(case, "properties")
    for name, value in _properties(one).items():
        if value is not None:
            told = on_one_line(str(value))
            ET.SubElement(properties, "property", name=name, value=told)
    told = f"{_numbers(one)}; {on_one_line(one.why)}"
    if not one.passed:
        failure = ET.SubElement(case, "failure", message=told, type=one.outcome)
        failure.text = "\n".join([told, *map(on_one_line, _notes(one))])
    elif _untold(one):
        ET.SubElement(case, "skipped", message=told)


def _properties(one: Verdict) -> dict[str, str | float | None]:
    return {
        "signature": one.signature,
        "candidate": one.candidate,
        "baseline": one.baseline,
        "threshold": one.threshold,
        "min_difference": one.min_difference,
        "gain": one.gain.value,
        "low": one.gain.low,
        "high": one.gain.high,
        "n": one.gain.n,
        "dropped": one.gain.dropped,
        "p": one.p,
        "p_adjusted": one.p_adjusted,
        "outcome": one.outcome,
        "method": one.gain.method,
    }


def markdown(result: GateResult) -> str:
    """A table for the summary of a GitHub job."""
    return "\n".join(_markdown(result)) + "\n"


def _markdown(result: GateResult) -> Iterator[str]:
    yield f"### {_summary(result)}\n"
    if result.simulated:
        yield f"{BANNER}\n"
    yield "| | Condition | Result | Why |"
    yield "| --- | --- | --- | --- |"
    for one in result.verdicts:
        mark = "pass" if one.passed else "**fail**"
        why = "; ".join([one.why, *_notes(one)])
        cells = (_subject(one), _numbers(one), why)
        yield f"| {mark} | {' | '.join(map(plain, cells))} |"
    yield ""
    yield (
        f"{ONE_LOOK} Of a difference, more is better, also where less of the metric "
        "(↓) is.\n"
    )


def write_junit(result: GateResult, file: Path) -> None:
    """Write JUnit XML, in place of what the file held.

    Raises:
        UsageError: the file cannot be written.
    """
    _write(file, junit(result), "w")


def add_summary(result: GateResult, file: Path) -> None:
    """Add Markdown to a file, as GITHUB_STEP_SUMMARY names one.

    Raises:
        UsageError: the file cannot be written.
    """
    _write(file, markdown(result), "a")


def _write(file: Path, content: str, mode: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open(mode, encoding="utf-8") as out:
            out.write(content)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
