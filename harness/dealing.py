"""Which units a campaign has: outputs, pairs or sets, in waves and rounds.

Equal outputs to one prompt are one text, which is judged once. The chosen prompts and
the columns of a wave (its checkpoints, its pairs of checkpoints, or its sets) form
squares of 25 prompts each, in the order in which they were drawn. A square is worked
off in rounds, like a Latin square: a round has each prompt once and each column equally
often. So whoever stops early has whole prompts, and a sample of them as it was drawn.

Checkpoints that come after the first of a wave's units was shown join as a new wave.
With it, a fifth of the earlier units are shown again, as anchors, so that a change of
the raters between waves can be told from a change of the outputs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations, product
from math import ceil
from typing import TYPE_CHECKING

from harness.campaign import chances_of
from harness.columns import BLOCK, PAIR, columns_of, round_of
from harness.damage import damage_wave
from harness.identity import content_hash
from harness.study.checkpoints import is_named, stored_checkpoints
from harness.study.raters import stored_time
from harness.units import NewUnit, remove_units, store_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from harness.campaign import Campaign
    from harness.choosing import Chance
    from harness.study import StudyFile

ANCHORED = 0.2
"""Least share of earlier units that a new wave shows again."""

STATE = """
    SELECT (SELECT max(rowid) FROM outputs), (
        SELECT group_concat(checkpoint || settings || samples) FROM evaluations
        WHERE task = :task
    ), (SELECT group_concat(id) FROM items WHERE task = :task AND NOT active)
"""
ANSWERS = """
    SELECT current_outputs.item, current_outputs.text, current_outputs.id,
        current_outputs.checkpoint
    FROM current_outputs
    WHERE current_outputs.task = ? AND current_outputs.sample = 0
        AND current_outputs.item IN (SELECT value FROM json_each(?))
"""
DEALT = """
    SELECT units.id, units.item, units.wave, units.kind, outputs.text
    FROM units
    JOIN unit_outputs ON unit_outputs.unit = units.id
    JOIN outputs ON outputs.id = unit_outputs.output
    WHERE units.campaign = ? ORDER BY units.id, unit_outputs.place
"""


@dataclass(frozen=True, slots=True)
class Text:
    """What one or several checkpoints wrote for a prompt, word for word."""

    key: str
    """Hash of the text."""
    output: str
    """Id of the output that stands for all."""
    checkpoints: tuple[str, ...]
    """Ids of those who wrote it; `output` is the first's."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """A unit of outputs that the campaign has."""

    id: int
    """Number of the unit."""
    item: str
    """Id of the prompt."""
    wave: int
    """Its wave."""
    kind: str
    """What it is for."""
    texts: frozenset[str]
    """Hashes of its texts."""


def deal(study: StudyFile, campaign: Campaign, now: datetime) -> None:
    """Bring the campaign's units up to date with the outputs that there are.

    Cheap where nothing has changed. A unit is live as long as each of its texts is
    what some checkpoint answers with its settings of today.
    """
    state = _state(study, campaign)
    found = study.column(
        "SELECT dealt_from FROM decks WHERE campaign = ?", [campaign.id]
    )
    if found == [state]:
        return
    with study.transaction() as db:
        _join(study, campaign, now)
        waves = study.mapping(
            "SELECT checkpoint, wave FROM waves WHERE campaign = ?", [campaign.id]
        )
        answers = _answers(study, campaign, waves)
        _take_back_unseen(study, campaign)
        dealt = _dealt(study, campaign)
        _mark_live(study, dealt, answers)
        columns = columns_of(campaign, waves, _order(study, campaign, waves))
        table = _Table(campaign, waves, columns, chances_of(study, campaign))
        store_units(study, campaign, list(table.units(answers, dealt)))
        dealt = _dealt(study, campaign)
        store_units(study, campaign, list(table.anchors(answers, dealt)))
        for wave in sorted({unit.wave for unit in dealt}):
            damage_wave(study, campaign, wave)
        db.execute(
            "INSERT INTO decks (campaign, dealt_from) VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET dealt_from = excluded.dealt_from",
            [campaign.id, state],
        )


@dataclass(frozen=True)
class _Table:
    """The waves of a campaign as squares."""

    campaign: Campaign
    waves: Mapping[str, int]
    """Checkpoint to its wave."""
    columns: Mapping[frozenset[str], tuple[int, int]]
    """Checkpoint, or pair of them, to the wave and the column in which it stands."""
    chances: Mapping[str, Chance]
    """Prompt to the probability with which it was drawn."""

    def units(
        self, answers: Mapping[str, Sequence[Text]], dealt: Sequence[Dealt]
    ) -> Iterator[NewUnit]:
        """What is to be judged and is in no unit yet."""
        known: dict[str, set[frozenset[str]]] = {}
        for unit in dealt:
            if unit.kind == "normal":
                known.setdefault(unit.item, set()).add(unit.texts)
        for place, item in enumerate(self.campaign.items):
            there = known.get(item, set())
            for group, wave, column in self._groups(answers.get(item, ()), there):
                yield NewUnit(
                    wave=wave,
                    kind="normal",
                    item=item,
                    round=round_of(
                        place, column, self._width(wave), len(self.campaign.items)
                    ),
                    probability=self.chances[item].probability,
                    outputs=tuple(text.output for text in group),
                )

    def anchors(
        self, answers: Mapping[str, Sequence[Text]], dealt: Sequence[Dealt]
    ) -> Iterator[NewUnit]:
        """Earlier units that are shown again, spread over each new wave.

        An anchor of a ranking is the earlier set as it was, as ranks in another set
        could not be held against the earlier ones. It is smaller than the new sets
        where fewer checkpoints had been there to fill it; its raters may notice that.
        """
        by_key = {(i, text.key): text for i, of in answers.items() for text in of}
        live = [
            unit
            for unit in dealt
            if unit.kind == "normal"
            and all((unit.item, key) in by_key for key in unit.texts)
        ]
        anchored = {unit.wave for unit in dealt if unit.kind == "anchor"}
        for wave in sorted({unit.wave for unit in live} - anchored):
            earlier = [unit for unit in live if unit.wave < wave]
            count = ceil(ANCHORED * len(earlier))
            drawn = sorted(earlier, key=lambda unit: self._hash(wave, unit.id))[:count]
            for place, unit in enumerate(drawn):
                texts = [by_key[unit.item, key] for key in sorted(unit.texts)]
                yield NewUnit(
                    wave=wave,
                    kind="anchor",
                    item=unit.item,
                    round=place % (self._width(wave) * self._blocks),
                    probability=self.chances[unit.item].probability
                    * count
                    / len(earlier),
                    outputs=tuple(text.output for text in texts),
                    copy_of=unit.id,
                )

    def _groups(
        self, texts: Sequence[Text], known: set[frozenset[str]]
    ) -> Iterator[tuple[tuple[Text, ...], int, int]]:
        """Sets of texts of one prompt that are new, each with its wave and column."""
        together = self.campaign.scheme.together
        if together > PAIR:
            yield from self._sets(texts, known)
            return
        for group in combinations(texts, together):
            if frozenset(text.key for text in group) in known:
                continue
            # Of several checkpoints that wrote the same, the first to be judged.
            authors = product(*(text.checkpoints for text in group))
            found = [
                self.columns[of] for of in map(frozenset, authors) if of in self.columns
            ]
            if found:
                yield (group, *min(found))

    def _sets(
        self, texts: Sequence[Text], known: set[frozenset[str]]
    ) -> Iterator[tuple[tuple[Text, ...], int, int]]:
        """Sets that hold every text, each with its wave and number in the wave."""
        there = {text.key for text in texts}
        seen = set().union(*(one for one in known if one <= there))
        shuffled = sorted(texts, key=lambda text: self._hash(text.output))
        for wave in sorted(set(map(self._wave, texts))):
            joined = [text for text in shuffled if self._wave(text) <= wave]
            new = [text for text in joined if text.key not in seen]
            old = [text for text in joined if text.key in seen]
            for number, group in enumerate(self._even(new, old)):
                yield group, wave, number
                seen.update(text.key for text in group)

    def _even(
        self, new: Sequence[Text], old: Sequence[Text]
    ) -> Iterator[tuple[Text, ...]]:
        """New texts in as few sets of even size as can be, filled up with old ones."""
        most = self.campaign.scheme.together
        # An old text beside the new ones ties the waves together.
        sets = ceil(len(new) / (most - bool(old)))
        for number in range(sets):
            mine = new[number::sets]
            fill = old[: most - len(mine)]
            if len(mine) == 1 and not old:
                # Alone there is nothing to compare it with.
                fill = [text for text in new if text not in mine][:1]
            if fill or len(mine) > 1:
                yield (*mine, *fill)

    def _wave(self, text: Text) -> int:
        return min(self.waves[checkpoint] for checkpoint in text.checkpoints)

    @property
    def _blocks(self) -> int:
        return ceil(len(self.campaign.items) / BLOCK)

    def _width(self, wave: int) -> int:
        """How many columns, and so rounds, the wave's square has; at least 1."""
        together = self.campaign.scheme.together
        if together > PAIR:
            joined = sum(number == wave for number in self.waves.values())
            return max(1, ceil(joined / (together - (wave > 1))))
        return max(1, sum(number == wave for number, _ in self.columns.values()))

    def _hash(self, *parts: str | int) -> str:
        return content_hash(self.campaign.plan.seed, *parts)


def _state(study: StudyFile, campaign: Campaign) -> str:
    """Changes whenever the campaign's outputs may have changed."""
    row = study.db.execute(STATE, {"task": campaign.task}).fetchone()
    return content_hash(*map(str, row))


def _join(study: StudyFile, campaign: Campaign, now: datetime) -> None:
    """Let checkpoints join: in the last wave if nobody has begun it, else in a new."""
    wanted = campaign.plan.checkpoints
    joined = set(
        study.column("SELECT checkpoint FROM waves WHERE campaign = ?", [campaign.id])
    )
    answered = set(
        study.column(
            f"SELECT DISTINCT checkpoint FROM ({ANSWERS})",  # noqa: S608 - a constant
            [campaign.task, json.dumps(campaign.items)],
        )
    )
    new = [
        checkpoint.id
        for checkpoint in stored_checkpoints(study, campaign.task)
        if checkpoint.id in answered - joined
        and (wanted == "all" or is_named(checkpoint, wanted))
    ]
    [last] = study.column(
        "SELECT ifnull(max(wave), 1) FROM waves WHERE campaign = ?", [campaign.id]
    )
    begun = _begun(study, campaign, last)
    study.insert(
        "waves",
        [
            {
                "campaign": campaign.id,
                "checkpoint": checkpoint,
                "wave": last + begun,
                "joined": stored_time(now),
            }
            for checkpoint in new
        ],
    )


def _begun(study: StudyFile, campaign: Campaign, wave: int) -> bool:
    return bool(
        study.column(
            "SELECT 1 FROM assignments WHERE campaign = ? AND wave = ? "
            "AND kind NOT IN ('gold', 'example') LIMIT 1",
            [campaign.id, wave],
        )
    )


def _answers(
    study: StudyFile, campaign: Campaign, waves: Mapping[str, int]
) -> dict[str, list[Text]]:
    """Prompt to what was written for it, equal answers together.

    Those of the first wave come first, and stand for the later ones that are equal.
    """
    seed = campaign.plan.seed
    rows = study.rows(ANSWERS, [campaign.task, json.dumps(campaign.items)])
    mine = [row for row in rows if row["checkpoint"] in waves]
    mine.sort(
        key=lambda row: (
            waves[row["checkpoint"]],
            content_hash(seed, row["checkpoint"], row["item"]),
        )
    )
    found: dict[str, dict[str, list[Mapping[str, str]]]] = {}
    for row in mine:
        of_item = found.setdefault(row["item"], {})
        of_item.setdefault(content_hash(row["text"]), []).append(row)
    return {
        item: [
            Text(key, same[0]["id"], tuple(row["checkpoint"] for row in same))
            for key, same in of_item.items()
        ]
        for item, of_item in found.items()
    }


def _take_back_unseen(study: StudyFile, campaign: Campaign) -> None:
    """Deal anew what nobody has seen, where it might be dealt otherwise now.

    That is a wave that nobody has begun: its columns may be others. And sets, also of
    a wave that was begun: a text that came late may join one, and none is shown twice.
    """
    rows = study.db.conn.execute(
        "SELECT id FROM units WHERE campaign = :campaign "
        "AND kind NOT IN ('gold', 'example') AND NOT EXISTS (SELECT 1 "
        "FROM assignments WHERE campaign = :campaign AND wave = units.wave "
        "AND kind NOT IN ('gold', 'example')) "
        "OR campaign = :campaign AND :sets AND kind = 'normal' "
        "AND NOT EXISTS (SELECT 1 FROM assignments WHERE unit = units.id) "
        "AND NOT EXISTS (SELECT 1 FROM units AS other "
        "WHERE other.copy_of = units.id)",
        {"campaign": campaign.id, "sets": campaign.scheme.together > PAIR},
    )
    remove_units(study, [number for (number,) in rows.fetchall()])


def _dealt(study: StudyFile, campaign: Campaign) -> list[Dealt]:
    texts: dict[int, list[str]] = {}
    about: dict[int, tuple[str, int, str]] = {}
    for unit, item, wave, kind, text in study.db.execute(DEALT, [campaign.id]):
        texts.setdefault(unit, []).append(content_hash(text))
        about[unit] = (item, wave, kind)
    return [Dealt(unit, *about[unit], frozenset(keys)) for unit, keys in texts.items()]


def _mark_live(
    study: StudyFile, dealt: Sequence[Dealt], answers: Mapping[str, Sequence[Text]]
) -> None:
    current = {item: {text.key for text in texts} for item, texts in answers.items()}
    with study.transaction() as db:
        db.conn.executemany(
            "UPDATE units SET live = ? WHERE id = ?",
            [(unit.texts <= current.get(unit.item, set()), unit.id) for unit in dealt],
        )


def _order(study: StudyFile, campaign: Campaign, waves: Mapping[str, int]) -> list[str]:
    """The campaign's checkpoints by series and step."""
    ordered = stored_checkpoints(study, campaign.task)
    return [checkpoint.id for checkpoint in ordered if checkpoint.id in waves]
