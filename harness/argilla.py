"""Argilla 2: rated units as a dataset on disk, with settings and responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.rated import Question, RatedCampaign, RatedUnit, Reply
    from harness.types import Json

USERS = "users.json"
"""Lists raters with the ids that their responses carry."""
YES = "flagged"
MISSING = "missing"


def write_argilla(campaigns: list[RatedCampaign], folder: Path) -> list[Path]:
    """Write a dataset for each campaign, in the form of `rg.Dataset.to_disk`.

    Argilla takes responses of users that it knows: create those in `users.json` with
    their ids first, then `rg.Dataset.from_disk`. Numbers are texts, for its ratings
    go up to 10, and ranks are ratings, for its rankings take sets of one size alone.
    Sides are those of the record, not of the page.
    """
    paths = []
    for campaign in campaigns:
        place = folder / campaign.name
        (place / ".argilla").mkdir(parents=True, exist_ok=True)
        # As `to_disk` writes it; an id would be that of a dataset on a server.
        about = {"name": campaign.name, "status": "ready", "allow_extra_metadata": True}
        contents: dict[str, Json] = {
            ".argilla/dataset.json": about,
            ".argilla/settings.json": _settings(campaign),
            "records.json": [_record(campaign, unit) for unit in campaign.units],
        }
        for name, content in contents.items():
            path = place / name
            path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
            paths.append(path)
    raters = {
        reply.rater
        for campaign in campaigns
        for unit in campaign.units
        for reply in unit.replies
    }
    users = [{"username": name, "id": _user(name)} for name in sorted(raters)]
    (folder / USERS).write_text(json.dumps(users, ensure_ascii=False), "utf-8")
    return [*paths, folder / USERS]


def _user(rater: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"tandem:rater:{rater}"))


def _settings(campaign: RatedCampaign) -> dict[str, Json]:
    texts = ["prompt", *_outputs(campaign)]
    questions = [made for one in campaign.questions for made in _questions(one)]
    questions.append(_question("comment", "Comment", {"type": "text"}))
    flag = _options("label_selection", [YES, "no"])
    questions.append(_question("flag", "For the owner to look at", flag))
    # At least one question must be required, and every reply has the first.
    questions[0]["required"] = True
    return {
        "guidelines": campaign.instructions or None,
        "allow_extra_metadata": True,
        "fields": [
            {
                "name": name,
                "title": name.replace("_", " ").capitalize(),
                "required": name == "prompt",
                "settings": {"type": "text", "use_markdown": False},
            }
            for name in texts
        ],
        "questions": questions,
        "vectors": [],
        "metadata": [],
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }


def _outputs(campaign: RatedCampaign) -> list[str]:
    return [f"output_{number}" for number in range(1, campaign.most_outputs + 1)]


def _questions(question: Question) -> Iterator[dict[str, Json]]:
    name, title, values = question.name, question.title, question.values
    if question.form == "number":
        yield _question(name, title, {"type": "text", "use_markdown": False})
    elif question.form == "rating":
        options: list[Json] = [{"value": value} for value in values]
        yield _question(name, title, {"type": "rating", "options": options})
    elif question.form == "choice":
        yield _question(name, title, _options("label_selection", values))
    else:
        field = {"field": f"output_{question.output}", "allow_overlapping": True}
        yield _question(name, title, _options("span", values) | field)
        missing = _options("multi_label_selection", values)
        yield _question(f"{name}_{MISSING}", "What is left out", missing)


def _question(name: str, title: str, settings: dict[str, Json]) -> dict[str, Json]:
    return {"name": name, "title": title, "required": False, "settings": settings}


def _options(kind: str, values: tuple[int | str, ...] | list[str]) -> dict[str, Json]:
    options = [{"value": value, "text": value} for value in map(str, values)]
    return {"type": kind, "options": options}


def _record(campaign: RatedCampaign, unit: RatedUnit) -> dict[str, Json]:
    fields = {"prompt": unit.prompt}
    fields |= dict(zip(_outputs(campaign), unit.outputs, strict=False))
    responses: dict[str, list[dict[str, Json]]] = {}
    for reply in unit.replies:
        for name, value in _values(campaign, reply).items():
            given = {"value": value, "user_id": _user(reply.rater)}
            responses.setdefault(name, []).append({**given, "status": "submitted"})
    return {
        "id": unit.id,
        "fields": fields,
        "metadata": {
            "kind": unit.kind,
            "item": unit.item,
            "checkpoints": list(unit.checkpoints),
            "references": list(unit.references),
        },
        "suggestions": {},
        "responses": responses,
        "vectors": {},
        "status": "completed",
    }


def _values(campaign: RatedCampaign, reply: Reply) -> Mapping[str, Json]:
    values: dict[str, Json] = {}
    for question in campaign.questions:
        answer = reply.answers.get(question.name)
        if answer is None:
            continue
        if question.form == "spans":
            values[question.name] = [
                {"start": one["start"], "end": one["end"], "label": one["severity"]}
                for one in answer
                if one["start"] is not None
            ]
            missing = [one["severity"] for one in answer if one["start"] is None]
            if missing:
                values[f"{question.name}_{MISSING}"] = missing
        else:
            values[question.name] = str(answer) if question.form == "number" else answer
    if reply.comment:
        values["comment"] = reply.comment
    values["flag"] = YES if reply.flagged else "no"
    return values
