"""Which cause is named first for each run, and how often that is right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parts.faults import FAULTS, NOTHING, is_right

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.diagnosis import Diagnosis

WITH, WITHOUT = "Tandem", "Tandem without configuration"


@dataclass(frozen=True, slots=True)
class Naming:
    """What one tool said of one run."""

    tool: str
    run: str
    fault: str
    named: str
    """The first cause, or `NOTHING`."""
    right: bool


def with_settings(run: Path) -> Diagnosis:
    """What the run's folder says, with its data and outputs."""
    from harness.diagnose import diagnose
    from harness.study import StudyFile

    return diagnose(
        run,
        data=run / "train.jsonl",
        held_out=run / "held_out.jsonl",
        study=StudyFile(run / "evaluation" / "study.db"),
    )


def without_settings(run: Path) -> Diagnosis:
    """The same from log, data and outputs alone: no folder, no settings.

    A trainer's state holds the rates that were logged, but no settings.
    """
    from harness.diagnose import diagnose
    from harness.study import StudyFile

    return diagnose(
        data=run / "train.jsonl",
        held_out=run / "held_out.jsonl",
        log=run / "trainer_state.json",
        study=StudyFile(run / "evaluation" / "study.db"),
    )


OURS: Mapping[str, Callable[[Path], Diagnosis]] = {
    WITH: with_settings,
    WITHOUT: without_settings,
}


def first_cause(diagnosis: Diagnosis) -> str:
    """The most likely cause, or `NOTHING`."""
    return diagnosis.causes[0].cause if diagnosis.causes else NOTHING


def judged(
    tool: str, runs: Sequence[Mapping[str, Any]], names: Mapping[str, Sequence[str]]
) -> list[Naming]:
    """Whether what was named first is right, run by run.

    Args:
        tool: whose names these are.
        runs: as `train_run` returns them; healthy ones of each task and seed too.
        names: run to what was named first: several causes where the tool's message
            fits several, of which one has to be right; none where it named nothing.
    """
    faults = {fault.name: fault for fault in FAULTS}
    healthy = {
        (run["task"], run["seed"]): run["final"]
        for run in runs
        if not faults[run["fault"]].accepted
    }
    found = []
    for run in runs:
        causes = names[run["run"]] or [NOTHING]
        near = healthy.get((run["task"], run["seed"]))
        fault = faults[run["fault"]]
        fitting = [
            cause
            for cause in causes
            if is_right(fault, cause, final=run["final"], healthy=near)
        ]
        named = fitting[0] if fitting else causes[0]
        found.append(Naming(tool, run["run"], fault.name, named, bool(fitting)))
    return found


def table(namings: Iterable[Naming]) -> str:
    """Rows of faults, columns of tools: how many runs are right, and what was wrong."""
    known = list(namings)
    tools = list(dict.fromkeys(one.tool for one in known))
    lines = [["fault", *tools], ["---"] * (len(tools) + 1)]
    for fault in dict.fromkeys(one.fault for one in known):
        cells = [
            _cell([one for one in known if one.tool == tool and one.fault == fault])
            for tool in tools
        ]
        lines.append([fault, *cells])
    totals = [_share([one for one in known if one.tool == tool]) for tool in tools]
    lines.append(["names the right cause first", *totals])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(namings: Sequence[Naming]) -> str:
    wrong = Counter(one.named for one in namings if not one.right)
    told = ", ".join(f"{count} {name}" for name, count in wrong.most_common())
    return f"{_share(namings)}{f' ({told})' if told else ''}"


def _share(namings: Sequence[Naming]) -> str:
    return f"{sum(one.right for one in namings)} of {len(namings)}"
