"""Campaigns: what people rate on a task, frozen before the first rating."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from harness.choosing import Chance, choose
from harness.errors import NotFound, StudyError, UsageError
from harness.gold import Known, read_known
from harness.identity import content_hash
from harness.schemes import Scheme, schemes
from harness.study.checkpoints import is_named, stored_checkpoints
from harness.study.file import now
from harness.taskfile import RatingPlan
from harness.units import NewUnit, store_units
from harness.yardstick import values_by, yardstick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.study import StudyFile
    from harness.task import Task
    from harness.types import Json
    from harness.units import Kind


@dataclass(frozen=True)
class Campaign:
    """A frozen protocol: the same questions about the same prompts for everybody."""

    id: int
    """Number in this study."""
    name: str
    """The task's name, with a number from the second campaign on."""
    task: str
    """Name of the task."""
    instructions: str
    """The task's description, as raters read it."""
    plan: RatingPlan
    """The task's rating plan when the campaign began."""
    items: tuple[str, ...]
    """Ids of the chosen prompts, in the order in which they were drawn."""
    drawn_from: int
    """Prompts of the task that had outputs when these were drawn."""
    gold: tuple[Known, ...] = ()
    """Items whose right answers are known, shown among the others."""
    examples: tuple[Known, ...] = ()
    """Items that each rater begins with, to learn what is meant."""

    @property
    def scheme(self) -> Scheme:
        """What is asked."""
        return schemes[self.plan.scheme].of(self.plan)

    @property
    def raters_per_output(self) -> int:
        """How many different raters each output gets."""
        return self.plan.raters_per_output


def open_campaign(study: StudyFile, task: Task) -> Campaign:
    """The campaign with the task's rating plan; a new one if the plan has changed.

    The prompts are drawn with the plan's seed from those that have outputs (see
    `harness.choosing`), and stay the same from then on. Checkpoints are not frozen:
    what a later one writes for these prompts is rated too. A campaign is drawn anew as
    long as it has fewer prompts than wanted and nobody has seen any of them. Gold items
    and examples are as frozen as the plan: when their files change, a new campaign
    begins.

    Raises:
        UsageError: the task has no rating plan, or asks for no outputs.
        InputError: the plan's file of gold items or examples is not as it must be.
        NotFound: it names a checkpoint that the study does not have, or a metric
            that has no scores.
        StudyError: there is nothing to rate yet, or no scores to draw by.
    """
    plan = _plan_of(task)
    _refuse_unknown(study, task, plan)
    known = _Known.of(task, plan)
    with study.transaction():
        pool = _prompts_with_outputs(study, task.name)
        found = _same_plan(study, task.name, plan, known)
        if found is not None and _still_good(study, found, pool):
            return found
        if not pool:
            raise StudyError(
                f"{study.path} has no outputs of task '{task.name}' to rate. "
                "Generate some first: harness run"
            )
        chances = choose(pool, plan, _gaps(study, task.name, plan))
        protocol = {
            "task": task.name,
            "instructions": task.file.description,
            "plan": plan.model_dump(mode="json"),
            "items": [one.item for one in chances if one.place is not None],
            "drawn_from": len(pool),
            "gold": [json.loads(one.content) for one in known.gold],
            "examples": [json.loads(one.content) for one in known.examples],
        }
        campaign = _stored(study, task.name, protocol)
        rows = [{"campaign": campaign.id, **asdict(one)} for one in chances]
        study.insert("campaign_items", rows)
        store_units(study, campaign, _units_of(campaign))
    return campaign


def _stored(study: StudyFile, task: str, protocol: dict[str, Json]) -> Campaign:
    with study.transaction() as db:
        db.execute(
            "INSERT INTO campaigns (task, name, scheme, protocol, hash, created) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                task,
                _free_name(study, task),
                protocol["plan"]["scheme"],
                json.dumps(protocol, sort_keys=True, ensure_ascii=False),
                content_hash(protocol),
                now(),
            ],
        )
        [row] = study.rows("SELECT * FROM campaigns ORDER BY id DESC LIMIT 1")
    return _campaign_of(row)


@dataclass(frozen=True)
class _Known:
    """What the plan's files of known answers hold."""

    gold: tuple[Known, ...]
    examples: tuple[Known, ...]

    @classmethod
    def of(cls, task: Task, plan: RatingPlan) -> _Known:
        gold, examples = (
            () if source is None else read_known(source, task.path.parent, plan)
            for source in (plan.gold, plan.examples)
        )
        return cls(gold, examples)


def _units_of(campaign: Campaign) -> Iterator[NewUnit]:
    kinds: tuple[tuple[Kind, tuple[Known, ...]], ...] = (
        ("example", campaign.examples),
        ("gold", campaign.gold),
    )
    for kind, rows in kinds:
        for place, row in enumerate(rows):
            yield NewUnit(1, kind, None, place, 1.0, content=row.content)


def _plan_of(task: Task) -> RatingPlan:
    if task.generation is None:
        raise UsageError(
            f"Task '{task.name}' has no outputs that people could rate: it says "
            f"'generation: none'. Say in {task.path} how outputs are drawn."
        )
    if task.file.rating is None:
        raise UsageError(
            f"Task '{task.name}' says nothing about rating. "
            f"Add a section 'rating:' to {task.path}."
        )
    return task.file.rating


def _refuse_unknown(study: StudyFile, task: Task, plan: RatingPlan) -> None:
    if plan.checkpoints == "all":
        return
    known = stored_checkpoints(study, task.name)
    for name in plan.checkpoints:
        if not any(is_named(checkpoint, [name]) for checkpoint in known):
            raise NotFound(
                "checkpoint", name, [checkpoint.name for checkpoint in known]
            )


def campaigns_of(study: StudyFile, task: str) -> list[Campaign]:
    """The campaigns of a task that people rate in, oldest first.

    Raises:
        StudyError: one of them was made by another version of Tandem.
    """
    rows = study.rows(
        "SELECT * FROM campaigns WHERE task = ? AND scheme <> 'imported' ORDER BY id",
        [task],
    )
    return [_campaign_of(row) for row in rows]


def find_campaign(study: StudyFile, number: int) -> Campaign:
    """The campaign with this number.

    Raises:
        StudyError: it was made by another version of Tandem.
    """
    [row] = study.rows("SELECT * FROM campaigns WHERE id = ?", [number])
    return _campaign_of(row)


def has_outputs(study: StudyFile, task: str) -> bool:
    """Whether there is anything to rate on a task."""
    return bool(_prompts_with_outputs(study, task))


def has_simulated_raters(study: StudyFile, campaign: Campaign) -> bool:
    """Whether programs have rated, or are rating, in the campaign."""
    return bool(
        study.column(
            "SELECT 1 FROM raters WHERE kind = 'simulated' AND EXISTS (SELECT 1 "
            "FROM assignments WHERE campaign = ? AND rater = raters.id) LIMIT 1",
            [campaign.id],
        )
    )


def _prompts_with_outputs(study: StudyFile, task: str) -> list[str]:
    return study.column(
        "SELECT DISTINCT item FROM current_outputs WHERE task = ? AND sample = 0",
        [task],
    )


def _gaps(study: StudyFile, task: str, plan: RatingPlan) -> dict[str, float]:
    """Prompt to how far the metric puts the campaign's checkpoints apart."""
    if plan.draw == "random":
        return {}
    signature = yardstick(study, task, plan.draw_by)
    values: dict[str, list[float]] = {}
    if signature is not None:
        known = stored_checkpoints(study, task)
        wanted = plan.checkpoints
        rated = {c.id for c in known if wanted == "all" or is_named(c, wanted)}
        for (checkpoint, item), value in values_by(study, task, signature).items():
            if checkpoint in rated:
                values.setdefault(item, []).append(value)
    gaps = {i: max(of) - min(of) for i, of in values.items() if len(of) > 1}
    if not gaps:
        raise StudyError(
            f"Prompts of task '{task}' are drawn by how far a metric puts checkpoints "
            f"apart (draw: {plan.draw}), and no prompt has scores of two checkpoints. "
            "Score them first: harness score"
        )
    return gaps


def chances_of(study: StudyFile, campaign: Campaign) -> dict[str, Chance]:
    """Every prompt that could have been drawn for the campaign, by its id."""
    rows = study.rows(
        "SELECT item, probability, stratum, place FROM campaign_items "
        "WHERE campaign = ?",
        [campaign.id],
    )
    if rows:
        return {row["item"]: Chance(**row) for row in rows}
    # An older version drew all alike, and noted no more than of how many.
    share = len(campaign.items) / campaign.drawn_from
    place = {item: number for number, item in enumerate(campaign.items)}
    return {
        item: Chance(item, share, place=place.get(item))
        for item in study.column(
            "SELECT id FROM items WHERE task = ? AND active", [campaign.task]
        )
    } | {item: Chance(item, share, place=place[item]) for item in campaign.items}


def _same_plan(
    study: StudyFile, task: str, plan: RatingPlan, known: _Known
) -> Campaign | None:
    same = [
        one
        for one in campaigns_of(study, task)
        if one.plan == plan and _Known(one.gold, one.examples) == known
    ]
    return same[-1] if same else None


def _still_good(study: StudyFile, campaign: Campaign, pool: list[str]) -> bool:
    """Whether its prompts are still the task's, and no more of them could be had."""
    chosen = json.dumps(campaign.items)
    [active] = study.column(
        "SELECT count(*) FROM items JOIN json_each(?) AS chosen "
        "ON chosen.value = items.id WHERE items.active",
        [chosen],
    )
    if active < len(campaign.items):
        return False
    begun = study.column(
        "SELECT 1 FROM assignments WHERE campaign = ? LIMIT 1", [campaign.id]
    )
    wanted = campaign.plan.items
    most = len(pool) if wanted == "all" else min(wanted, len(pool))
    return bool(begun) or most <= len(campaign.items)


def _free_name(study: StudyFile, task: str) -> str:
    [before] = study.column("SELECT count(*) FROM campaigns WHERE task = ?", [task])
    return f"{task}-{before + 1}" if before else task


def _campaign_of(row: Mapping[str, Json]) -> Campaign:
    protocol = json.loads(row["protocol"])
    try:
        plan = RatingPlan.model_validate_json(json.dumps(protocol["plan"]))
    except (ValidationError, KeyError) as error:
        raise StudyError(
            f"Campaign '{row['name']}' was made by another version of Tandem and "
            "cannot be read. Update your clone of Tandem and install it again."
        ) from error
    return Campaign(
        id=row["id"],
        name=row["name"],
        task=row["task"],
        instructions=protocol["instructions"],
        plan=plan,
        items=tuple(protocol["items"]),
        drawn_from=protocol["drawn_from"],
        gold=tuple(map(Known.from_json, protocol.get("gold", []))),
        examples=tuple(map(Known.from_json, protocol.get("examples", []))),
    )
