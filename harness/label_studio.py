"""Label Studio: rated units as tasks with annotations, and a labelling interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

if TYPE_CHECKING:
    from pathlib import Path

    from harness.rated import Question, RatedCampaign, RatedUnit, Reply
    from harness.types import Json

FORMS = {"rating": "Rating", "number": "Number", "choice": "Choices", "spans": "Labels"}
MISSING = "missing"
"""Ends the name of the choice that says what an output leaves out."""
COLOURS = {"minor": "#e0a800", "major": "#c0392b"}


def write_label_studio(campaigns: list[RatedCampaign], folder: Path) -> list[Path]:
    """Write `NAME.tasks.json` and `NAME.config.xml` for each campaign.

    Label Studio refuses annotations by users that it does not know, so that whoever
    imports these becomes their author; the rater's name is the answer to `rater`.
    Ranks are ratings, for its ranker knows no ties, and sides are those of the task's
    data, not of the page.
    """
    paths = []
    for campaign in campaigns:
        tasks = folder / f"{campaign.name}.tasks.json"
        config = folder / f"{campaign.name}.config.xml"
        rows = [_task(campaign, unit) for unit in campaign.units]
        tasks.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
        config.write_text(_config(campaign), "utf-8")
        paths += [tasks, config]
    return paths


def _config(campaign: RatedCampaign) -> str:
    view = Element("View")
    _text(view, "prompt", "Prompt")
    for number in range(1, campaign.most_outputs + 1):
        _text(view, f"output_{number}", f"Output {number}")
    for question in campaign.questions:
        _control(view, question)
    for name, title in (("comment", "Comment"), ("rater", "Rater")):
        SubElement(view, "Header", value=title)
        SubElement(view, "TextArea", name=name, toName="output_1")
    flag = SubElement(view, "Choices", name="flag", toName="output_1")
    SubElement(flag, "Choice", value="flagged")
    indent(view)
    return tostring(view, encoding="unicode") + "\n"


def _text(view: Element, name: str, title: str) -> None:
    SubElement(view, "Header", value=title)
    SubElement(view, "Text", name=name, value=f"${name}", granularity="symbol")


def _control(view: Element, question: Question) -> None:
    SubElement(view, "Header", value=question.title)
    about = {"name": question.name, "toName": f"output_{question.output}"}
    if question.form == "rating":
        about["maxRating"] = str(question.values[-1])
    elif question.form == "number" and question.values:
        low, high = map(str, question.values)
        about |= {"min": low, "max": high, "step": "1"}
    control = SubElement(view, FORMS[question.form], about)
    if question.form == "choice":
        for value in question.values:
            SubElement(control, "Choice", value=str(value))
    elif question.form == "spans":
        about |= {"name": f"{question.name}_{MISSING}", "choice": "multiple"}
        missing = SubElement(view, "Choices", about)
        for value in map(str, question.values):
            SubElement(control, "Label", value=value, background=COLOURS[value])
            SubElement(missing, "Choice", value=value)


def _task(campaign: RatedCampaign, unit: RatedUnit) -> dict[str, Json]:
    data: dict[str, Json] = {
        "unit": unit.id,
        "kind": unit.kind,
        "item": unit.item,
        "prompt": unit.prompt,
        "references": list(unit.references),
        "checkpoints": list(unit.checkpoints),
    }
    # Of a smaller set the interface still asks for every text.
    for number in range(1, campaign.most_outputs + 1):
        there = number <= len(unit.outputs)
        data[f"output_{number}"] = unit.outputs[number - 1] if there else ""
    replies = [_annotation(campaign, unit, reply) for reply in unit.replies]
    return {"data": data, "annotations": replies}


def _annotation(
    campaign: RatedCampaign, unit: RatedUnit, reply: Reply
) -> dict[str, Json]:
    result: list[dict[str, Json]] = []
    for question in campaign.questions:
        if question.name in reply.answers:
            result += _results(question, reply.answers[question.name], unit)
    result.append(_result("rater", "TextArea", {"text": [reply.rater]}))
    if reply.comment:
        result.append(_result("comment", "TextArea", {"text": [reply.comment]}))
    if reply.flagged:
        result.append(_result("flag", "Choices", {"choices": ["flagged"]}))
    made: dict[str, Json] = {"result": result}
    if reply.seconds is not None:
        made["lead_time"] = reply.seconds
    return made


def _results(
    question: Question, answer: Json, unit: RatedUnit
) -> list[dict[str, Json]]:
    name, output, tag = question.name, question.output, FORMS[question.form]
    if question.form == "choice":
        return [_result(name, tag, {"choices": [answer]}, output)]
    if question.form != "spans":
        return [_result(name, tag, {question.form: answer}, output)]
    text = unit.outputs[output - 1]
    marks: list[dict[str, Json]] = []
    for number, span in enumerate(answer):
        if span["start"] is not None:
            where = {"start": span["start"], "end": span["end"]}
            words = text[span["start"] : span["end"]]
            value = {**where, "text": words, "labels": [span["severity"]]}
            marks.append({"id": f"mark-{number}"} | _result(name, tag, value, output))
    if missing := [span["severity"] for span in answer if span["start"] is None]:
        value = {"choices": missing}
        marks.append(_result(f"{name}_{MISSING}", "Choices", value, output))
    return marks


def _result(
    name: str, tag: str, value: dict[str, Json], output: int = 1
) -> dict[str, Json]:
    return {
        "from_name": name,
        "to_name": f"output_{output}",
        "type": tag.lower(),
        "value": value,
    }
