"""How a task was done, in sentences with a label, for every rendering.

Instructions, questions and names are as their authors wrote them: whoever prints them
escapes them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.reporting.formats import counted, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.reporting.model import TaskReport
    from harness.reporting.protocol import Asked, CampaignProtocol, Protocol

Said = list[tuple[str, str]]
"""Labels, each with what is said under it."""

COMPARING = frozenset(("pairwise", "ranking"))
TOGETHER = {"pairwise": "pair", "ranking": "set"}
"""What raters judge in one go, where it is not one output."""

INSTRUMENTS = {
    "likert": "one of {points} buttons, {low:g} to {high:g}",
    "slider": "a line from {low:g} to {high:g} without a position to start from",
    "pairwise": "A is better, B is better, equally good, or both bad",
    "ranking": "a rank for each output, 1 for the best; equal ranks are ties",
    "spans": (
        "minor and major errors and what is missing are marked in the text, then a "
        "line from {low:g} to {high:g}"
    ),
}
"""How each scheme takes an answer."""

RENDERED = {
    "raw": "exactly as the models wrote them",
    "markdown": "as Markdown, without HTML or images",
    "code": "as code, in a fixed-width font",
}

DIGITS = 12
"""Digits of a fingerprint that are shown; the JSON report has all."""


def day(moment: str | None) -> str:
    """The date of a time in ISO 8601."""
    return (moment or "unknown")[:10]


def instrument(one: CampaignProtocol) -> str:
    """How a campaign takes an answer."""
    if one.scheme not in INSTRUMENTS or (one.low is None and _has_scale(one)):
        return "unknown"
    ends = {"low": one.low, "high": one.high, "points": one.plan.get("points", 5)}
    return INSTRUMENTS[one.scheme].format(**ends)


def _has_scale(one: CampaignProtocol) -> bool:
    return one.scheme not in COMPARING


def raters_of(kinds: Mapping[str, int]) -> str:
    """How many raters of each kind; beside programs nobody is called people."""
    words = {
        "person": ("other rater", "other raters")
        if kinds.get("simulated")
        else ("person", "people"),
        "simulated": (
            "simulated rater (a program)",
            "simulated raters (programs)",
        ),
        "imported": (
            "rater known from imported ratings alone",
            "raters known from imported ratings alone",
        ),
    }
    return listed([counted(n, *words[kind]) for kind, n in kinds.items()]) or "nobody"


def sample(one: CampaignProtocol) -> str:
    """Which prompts were drawn, and how."""
    if one.imported or not one.prompts:
        return "unknown"
    if one.prompts == one.drawn_from:
        return f"all {counted(one.prompts, 'prompt')} that had outputs"
    return (
        f"{one.prompts:,} of the {counted(one.drawn_from, 'prompt')} that had outputs, "
        f"drawn at random (seed {one.plan.get('seed', 0)}) before anybody rated"
    )


def design(one: CampaignProtocol) -> str:
    """Who is shown what, in which order, and what is kept from them."""
    unit = TOGETHER.get(one.scheme, "output")
    number = one.plan.get("raters_per_output", 1)
    text = (
        f"{counted(number, 'rater', 'different raters')} for each {unit}, never more; "
        "an order of their own for each rater, with all checkpoints equally often"
    )
    if one.scheme == "pairwise":
        only = " (neighbours in training order)" * (
            one.plan.get("pairs") == "neighbours"
        )
        text += f"; pairs of checkpoints{only}, sides that change"
    return (
        f"{text}. Equal outputs to one prompt are shown once and count for each "
        "checkpoint"
    )


def blinding(one: CampaignProtocol) -> str:
    """What raters saw, and that it named no checkpoint."""
    references = "shown" if one.plan.get("show_references") else "not shown"
    outputs = RENDERED.get(one.plan.get("render", "raw"), "")
    return (
        "nothing that a rater's browser gets names a checkpoint, step, metric or "
        f"score; shown are instructions, prompt and outputs ({outputs}); references "
        f"are {references}"
    )


def training(one: CampaignProtocol) -> str:
    """What raters learn from before they begin."""
    if not one.examples:
        return "none beyond the instructions"
    return (
        f"{counted(one.examples, 'worked example')} with the right answer and "
        "feedback, before anything else"
    )


def checks(one: CampaignProtocol) -> str:
    """Which checks came among the rest, and how raters did on them."""
    plan = one.plan
    asked = []
    if one.gold:
        asked.append(
            f"{counted(one.gold, 'gold item')} with known answers "
            f"({_share(plan.get('gold_rate'))} of what is shown)"
        )
    if plan.get("repeat_rate"):
        asked.append(f"repeats ({_share(plan['repeat_rate'])})")
    if plan.get("degraded_rate"):
        asked.append(f"damaged copies of outputs ({_share(plan['degraded_rate'])})")
    if not asked:
        return "none"
    text = f"{listed(asked)}, which look like the rest and never count"
    found = one.checks
    if found is None:
        return f"{text}; none was answered"
    done = []
    if found.gold:
        done.append(f"{found.gold_right:,} of {found.gold:,} answers to gold right")
    if found.repeats_same is not None:
        done.append(
            f"{found.repeats_same:.0%} of answers the same again on "
            f"{counted(found.repeats, 'repeat')}".replace("%", " %", 1)
        )
    if found.degraded:
        done.append(
            f"{found.degraded_lower:,} of {found.degraded:,} damaged copies rated lower"
        )
    return f"{text}; {listed(done)}" if done else text


def _share(rate: float | None) -> str:
    return f"{100 * (rate or 0.0):g} %"


def answers(one: CampaignProtocol) -> str:
    """What was answered, and what of it does not count."""
    given = one.answers
    others = [
        (given.skipped, "skipped"),
        (given.changed, "changed afterwards (the later answer counts)"),
        (given.taken_back, "taken back"),
        (given.examples, "to worked examples"),
        (given.gold, "to gold items"),
        (given.repeats, "to repeats"),
        (given.degraded, "to damaged copies"),
        (given.anchors, "to outputs shown again, for drift alone"),
    ]
    said = [f"{counted(given.rated, 'answer')} on outputs of checkpoints"]
    said += [f"{number:,} {what}" for number, what in others if number]
    text = "; ".join(said)
    marked = [
        f"{number:,} {what}"
        for number, what in (
            (given.flagged, "flagged for the study's owner"),
            (given.remarks, "with a comment or a reason"),
            (given.adjudicated, "settled by the owner, beside the ratings"),
        )
        if number
    ]
    return f"{text}. Of all, {listed(marked)}" if marked else text


def of_criterion(asked: Asked) -> str:
    """Question, definition and anchors, word for word."""
    text = " ".join(part for part in (asked.question, asked.definition) if part)
    anchors = "; ".join(f"{point} = {what}" for point, what in asked.anchors.items())
    text = f"{text} ({anchors})" if anchors else text
    return text or "unknown: ratings were imported with the criterion's name alone"


def of_campaign(one: CampaignProtocol) -> Said:
    """How a campaign was done."""
    criteria = [(f"Criterion {one_.name}", of_criterion(one_)) for one_ in one.criteria]
    if one.imported:
        return [
            ("Protocol", "ratings made elsewhere; how they were asked for is unknown"),
            ("Imported", f"{day(one.created)}, {_hash(one.hash)}"),
            *criteria,
            ("Raters", raters_of(one.raters)),
            ("Answers", answers(one)),
        ]
    return [
        ("Frozen", f"{day(one.created)}, before the first answer; {_hash(one.hash)}"),
        ("Instructions", one.instructions or "none"),
        *criteria,
        ("Answered by", instrument(one)),
        ("Prompts", sample(one)),
        *[
            (f"Wave {wave.number}", f"{listed(wave.checkpoints)}, {day(wave.joined)}")
            for wave in one.waves
        ],
        ("Design", design(one)),
        ("Blinding", blinding(one)),
        ("Training", training(one)),
        ("Checks", checks(one)),
        ("Raters", raters_of(one.raters)),
        ("Answers", answers(one)),
        ("When", when(one)),
    ]


def when(one: CampaignProtocol) -> str:
    """Days of the first and the last answer."""
    if one.first is None:
        return "nobody has answered yet"
    first, last = day(one.first), day(one.last)
    return first if first == last else f"{first} to {last}"


def of_data(protocol: Protocol) -> Said:
    """What outputs were made from: items, prompt, generation, commands."""
    keys = protocol.task_file
    said = [("Items", _hash(protocol.items_fingerprint))]
    said.append(("Task file", _hash(protocol.task_fingerprint)))
    names = {
        "data": "Data",
        "prompt": "Prompt",
        "messages": "Messages",
        "references": "References",
        "generation": "Generation",
    }
    for key, name in names.items():
        if key in keys:
            value = keys[key]
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            said.append((name, text))
    for command in protocol.commands:
        state = "finished" if command.finished else "not finished"
        text = f"tandem-eval {command.version}, {day(command.started)}, {state}"
        said.append((f"harness {command.command}", text))
    return said


def of_models(task: TaskReport) -> list[tuple[str, str, str, str]]:
    """Checkpoint, backend, fingerprint and what was used, one row a checkpoint."""
    used = {one.label: one.used for one in task.checkpoints}
    return [
        (
            one.checkpoint,
            "made elsewhere" if one.backend == "replay" else one.backend,
            one.fingerprint[:DIGITS],
            ", ".join(
                f"{name} {value}"
                for name, value in used[one.checkpoint].items()
                if name != "backend"
            ),
        )
        for one in task.protocol.models
    ]


def excluded(task: TaskReport) -> str:
    """Which ratings do not count, and why."""
    found = task.protocol
    reasons = [
        (found.outdated, "of outputs that a later run, setting or task has replaced"),
        (found.asked_otherwise, "of an earlier question, scale or source"),
    ]
    said = [f"{counted(n, 'rating')} {why}" for n, why in reasons if n]
    if not said:
        return "no rating was left out; no rater was excluded"
    return f"left out: {listed(said)}; no rater was excluded"


def in_short(task: TaskReport) -> list[str]:
    """A line for each campaign, and where the rest is."""
    lines = []
    for one in task.protocol.campaigns:
        if one.imported:
            lines.append(
                f"{one.name}: ratings made elsewhere on "
                f"{listed([asked.name for asked in one.criteria])}, by "
                f"{raters_of(one.raters)}"
            )
            continue
        lines.append(
            f"{one.name}: {one.scheme}, {sample(one)}; "
            f"{counted(one.plan.get('raters_per_output', 1), 'rater')} for each "
            f"{TOGETHER.get(one.scheme, 'output')}; {raters_of(one.raters)}; "
            f"checks: {checks(one)}; protocol {_hash(one.hash)}"
        )
    return lines


def _hash(fingerprint: str) -> str:
    return f"fingerprint {fingerprint[:DIGITS]}"
