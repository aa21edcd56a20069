"""Reads from a study how a task was done.

From the study alone, so that it says what was, and not what the task file says today.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.campaign import find_campaign
from harness.errors import StudyError
from harness.identity import content_hash
from harness.quality import rater_quality
from harness.reporting.protocol import (
    Answers,
    Asked,
    CampaignProtocol,
    Checks,
    Command,
    ModelSource,
    Protocol,
    Wave,
)
from harness.reporting.questions import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.reporting.evidence import Evidence
    from harness.study import StudyFile
    from harness.types import Json

# These count most rows of their tables, which read in order are read fastest.
ANSWERS = """
    SELECT campaign, kind, state, count(*) AS answers FROM assignments NOT INDEXED
    WHERE campaign IN (SELECT id FROM campaigns WHERE task = ?)
    GROUP BY campaign, kind, state
"""

RATERS = """
    SELECT answered.campaign, raters.kind, count(*) AS raters
    FROM (
        SELECT DISTINCT campaign, rater FROM assignments NOT INDEXED
        WHERE state = 'rated' AND kind <> 'example'
            AND campaign IN (SELECT id FROM campaigns WHERE task = ?)
    ) AS answered
    JOIN raters ON raters.id = answered.rater
    GROUP BY answered.campaign, raters.kind
"""

GIVEN = """
    SELECT assignments.campaign, min(ratings.created) AS first,
        max(ratings.created) AS last,
        count(DISTINCT CASE WHEN ratings.flagged THEN assignment END) AS flagged,
        count(DISTINCT CASE WHEN ratings.comment <> '' THEN assignment END) AS remarks
    FROM ratings NOT INDEXED
    CROSS JOIN assignments ON assignments.id = ratings.assignment
    WHERE assignments.campaign IN (SELECT id FROM campaigns WHERE task = ?)
    GROUP BY assignments.campaign
"""

REPLACED = """
    SELECT assignments.campaign,
        count(DISTINCT CASE WHEN newer.state = 'rated' AND older.state = 'rated'
            THEN newer.assignment END) AS changed,
        count(DISTINCT CASE WHEN newer.state = 'undone'
            THEN newer.assignment END) AS taken_back
    FROM ratings AS newer
    CROSS JOIN ratings AS older ON older.id = newer.supersedes
    CROSS JOIN assignments ON assignments.id = newer.assignment
    WHERE newer.supersedes IS NOT NULL
        AND assignments.campaign IN (SELECT id FROM campaigns WHERE task = ?)
    GROUP BY assignments.campaign
"""

SETTLED = """
    SELECT campaign, count(DISTINCT unit) FROM adjudicated WHERE task = ?
    GROUP BY campaign
"""

JOINED = """
    SELECT campaign, wave, checkpoint, joined FROM waves
    WHERE campaign IN (SELECT id FROM campaigns WHERE task = ?) ORDER BY wave
"""

COMMANDS = """
    SELECT DISTINCT runs.id, command, runs.version, started, finished
    FROM runs JOIN evaluations ON evaluations.run = runs.id
    WHERE evaluations.task = ? ORDER BY runs.id
"""


def protocol_of(study: StudyFile, evidence: Evidence) -> Protocol:
    """How a task was done, as the study has it."""
    task = evidence.task
    [newest, *_] = study.rows(
        "SELECT hash, text FROM tasks WHERE name = ? ORDER BY rowid DESC LIMIT 1",
        [task],
    )
    items = study.rows(
        "SELECT id, refs_hash FROM items WHERE task = ? AND active ORDER BY id", [task]
    )
    return Protocol(
        campaigns=_campaigns(study, evidence),
        models=tuple(
            ModelSource(evidence.labels[one.id], one.backend, one.fingerprint)
            for one in evidence.checkpoints
        ),
        items_fingerprint=content_hash(
            *([row["id"], row["refs_hash"]] for row in items)
        ),
        task_fingerprint=newest["hash"],
        task_file=_task_file(newest["text"]),
        commands=tuple(
            Command(row["command"], row["version"], row["started"], row["finished"])
            for row in study.rows(COMMANDS, [task])
        ),
        outdated=evidence.outdated,
        asked_otherwise=evidence.asked_otherwise,
    )


def _task_file(text: str) -> dict[str, Json]:
    import yaml

    try:
        keys = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    wanted = ("data", "prompt", "messages", "references", "generation")
    return {key: keys[key] for key in wanted if isinstance(keys, dict) and key in keys}


def _campaigns(study: StudyFile, evidence: Evidence) -> tuple[CampaignProtocol, ...]:
    task = [evidence.task]
    rows = study.rows("SELECT * FROM campaigns WHERE task = ? ORDER BY id", task)
    answered = _by_campaign(study.rows(ANSWERS, task))
    raters = _by_campaign(study.rows(RATERS, task))
    given = _by_campaign(study.rows(GIVEN, task))
    replaced = _by_campaign(study.rows(REPLACED, task))
    settled = study.mapping(SETTLED, task)
    waves = _by_campaign(study.rows(JOINED, task))
    found = []
    for row in rows:
        number = row["id"]
        [when], [changes] = given.get(number, [{}]), replaced.get(number, [{}])
        answers = _answers(answered.get(number, ()), when, changes, settled.get(number))
        frozen = json.loads(row["protocol"])
        plan = frozen.get("plan", frozen)
        low, high = scale_of(plan)
        found.append(
            CampaignProtocol(
                name=row["name"],
                scheme=row["scheme"],
                created=row["created"],
                hash=row["hash"],
                criteria=tuple(map(_asked, plan.get("criteria", ()))),
                low=low,
                high=high,
                answers=answers,
                raters={one["kind"]: one["raters"] for one in raters.get(number, ())},
                first=when.get("first"),
                last=when.get("last"),
                instructions=frozen.get("instructions", ""),
                plan={} if row["scheme"] == "imported" else plan,
                prompts=len(frozen.get("items", ())),
                drawn_from=frozen.get("drawn_from", 0),
                gold=len(frozen.get("gold", ())),
                examples=len(frozen.get("examples", ())),
                waves=_waves(waves.get(number, ()), evidence.labels),
                checks=_checks(study, number, answers),
            )
        )
    return tuple(found)


def _by_campaign(
    rows: Iterable[Mapping[str, Json]],
) -> dict[int, list[Mapping[str, Json]]]:
    found: dict[int, list[Mapping[str, Json]]] = {}
    for row in rows:
        found.setdefault(row["campaign"], []).append(row)
    return found


def _asked(criterion: Mapping[str, Json]) -> Asked:
    name = criterion["name"]
    question = str(criterion.get("question") or "")
    return Asked(
        name=name,
        # Of imported ratings only the name is known, and stands for the question.
        question="" if question == name else question,
        definition=criterion.get("definition") or "",
        anchors={str(k): v for k, v in (criterion.get("anchors") or {}).items()},
    )


def _answers(
    counts: Iterable[Mapping[str, Json]],
    given: Mapping[str, Json],
    changes: Mapping[str, Json],
    adjudicated: int | None,
) -> Answers:
    number = {(row["kind"], row["state"]): row["answers"] for row in counts}
    return Answers(
        rated=number.get(("normal", "rated"), 0),
        skipped=sum(n for (_, state), n in number.items() if state == "skipped"),
        changed=changes.get("changed", 0),
        taken_back=changes.get("taken_back", 0),
        anchors=number.get(("anchor", "rated"), 0),
        examples=number.get(("example", "rated"), 0),
        gold=number.get(("gold", "rated"), 0),
        repeats=number.get(("repeat", "rated"), 0),
        degraded=number.get(("degraded", "rated"), 0),
        flagged=given.get("flagged", 0),
        remarks=given.get("remarks", 0),
        adjudicated=adjudicated or 0,
    )


def _waves(
    rows: Iterable[Mapping[str, Json]], labels: Mapping[str, str]
) -> tuple[Wave, ...]:
    joined: dict[int, str] = {}
    members: dict[int, set[str]] = {}
    for row in rows:
        joined.setdefault(row["wave"], row["joined"])
        members.setdefault(row["wave"], set()).add(row["checkpoint"])
    return tuple(
        Wave(number, joined[number], tuple(labels[id_] for id_ in labels if id_ in own))
        for number, own in members.items()
    )


def _checks(study: StudyFile, campaign: int, answers: Answers) -> Checks | None:
    if not answers.gold + answers.repeats + answers.degraded:
        return None
    try:
        raters = rater_quality(study, find_campaign(study, campaign))
    except StudyError:
        return None
    repeats = [one.repeats for one in raters if one.repeats.same is not None]
    shown = sum(one.shown for one in repeats)
    same = sum((one.same or 0.0) * one.shown for one in repeats)
    return Checks(
        gold_right=sum(one.gold.hits for one in raters),
        gold=sum(one.gold.shown for one in raters),
        repeats_same=same / shown if shown else None,
        repeats=shown,
        degraded_lower=sum(one.degraded.hits for one in raters),
        degraded=sum(one.degraded.shown for one in raters),
    )
