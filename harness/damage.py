"""Damaged copies of outputs, which an attentive rater puts below the originals.

The "bad references" of the WMT campaigns (Graham et al. 2013, "Continuous measurement
scales in human evaluation of machine translation"; Bojar et al. 2016): a run of words
is replaced by a run of as many words from another text, so that the copy stays fluent
in places and reads as a slip of the model rather than as noise.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING

from harness.gold import Known
from harness.identity import content_hash
from harness.units import NewUnit, store_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.campaign import Campaign
    from harness.study import StudyFile
    from harness.types import Json

LEAST_WORDS = 4
"""Shorter texts are not damaged: hardly a word of theirs would be left."""

REPLACED = ((5, 2), (8, 3), (15, 4), (20, 5))
"""Up to how many words, how many of them are replaced; of longer texts a quarter."""

MOST_TRIES = 20
SPARE = 2
"""How many copies there are for each that a rater of the whole wave is shown."""

WORD = re.compile(r"\S+")
BEGUN = """
    SELECT (SELECT 1 FROM units WHERE campaign = :campaign AND kind = 'degraded'
        AND wave = :wave LIMIT 1), (
        SELECT 1 FROM units JOIN assignments ON assignments.unit = units.id
        WHERE units.campaign = :campaign AND units.kind = 'normal'
            AND units.wave = :wave LIMIT 1)
"""
UNITS_OF_WAVE = """
    SELECT units.id, units.item, units.probability, items.prompt, items.refs,
        outputs.text
    FROM units
    JOIN unit_outputs ON unit_outputs.unit = units.id
    JOIN outputs ON outputs.id = unit_outputs.output
    JOIN items ON items.id = units.item
    WHERE units.campaign = ? AND units.kind = 'normal' AND units.wave = ?
    ORDER BY units.id, unit_outputs.place
"""


def damage_wave(study: StudyFile, campaign: Campaign, wave: int) -> None:
    """Store damaged copies of a wave's units, unless it has some or is begun.

    The copies are seeded and the same for all raters.
    """
    if not campaign.plan.degraded_rate:
        return
    done = study.db.execute(BEGUN, {"campaign": campaign.id, "wave": wave}).fetchone()
    if any(done):
        return
    rows = study.rows(UNITS_OF_WAVE, [campaign.id, wave])
    units: dict[int, list[Mapping[str, Json]]] = {}
    for row in rows:
        units.setdefault(row["id"], []).append(row)
    wanted = min(len(units), ceil(SPARE * campaign.plan.degraded_rate * len(units)))
    copies = _copies(campaign, wave, units, [(r["item"], r["text"]) for r in rows])
    store_units(study, campaign, islice(copies, wanted))


def _copies(
    campaign: Campaign,
    wave: int,
    units: Mapping[int, Sequence[Mapping[str, Json]]],
    texts: Sequence[tuple[str, str]],
) -> Iterator[NewUnit]:
    seed = campaign.plan.seed
    for unit in sorted(units, key=lambda one: content_hash(seed, "damage", one)):
        outputs = units[unit]
        chosen = outputs[_below(len(outputs), seed, "which", unit)]
        copy = damaged(chosen["text"], chosen["item"], texts, seed)
        if copy is None:
            continue
        # Where outputs are compared, the copy is, with what it was made from.
        beside = campaign.scheme.together > 1
        shown = (chosen["text"], copy) if beside else (copy,)
        references = tuple(json.loads(chosen["refs"]))
        known = Known(chosen["prompt"], references, shown, {})
        yield NewUnit(
            wave,
            "degraded",
            chosen["item"],
            0,
            chosen["probability"],
            copy_of=unit,
            content=known.content,
        )


def damaged(
    text: str, item: str, texts: Sequence[tuple[str, str]], seed: int
) -> str | None:
    """The text with a run of its words replaced by one of another prompt's output.

    Args:
        text: what is damaged.
        item: the prompt that it answers.
        texts: outputs of the task, each with its prompt.
        seed: the same seed and texts give the same copy.

    Returns:
        None if it is too short, or if no other output has words to put in.
    """
    words = list(WORD.finditer(text))
    if len(words) < LEAST_WORDS:
        return None
    run = words_replaced(len(words))
    for number in range(MOST_TRIES):
        source, donor = texts[_below(len(texts), seed, "donor", text, number)]
        lent = WORD.findall(donor)
        if source == item or len(lent) < run:
            continue
        # First and last word stay, so that it does not show at a glance.
        at = 1 + _below(len(words) - run - 1, seed, "place", text, number)
        start = _below(len(lent) - run + 1, seed, "words", text, number)
        put_in = lent[start : start + run]
        taken_out = [word.group() for word in words[at : at + run]]
        if _plain(put_in) != _plain(taken_out):
            begin, end = words[at].start(), words[at + run - 1].end()
            return text[:begin] + " ".join(put_in) + text[end:]
    return None


def words_replaced(words: int) -> int:
    """How many of so many words are replaced: as in the WMT campaigns."""
    return next((few for most, few in REPLACED if words <= most), words // 4)


def _plain(words: Sequence[str]) -> list[str]:
    return [word.strip(".,;:!?\"'").lower() for word in words]


def _below(limit: int, *parts: Json) -> int:
    """A seeded whole number from 0 to below the limit."""
    return int(content_hash(*parts), 16) % limit
