"""Spoken commands for a home, and the calls that carry them out.

The sentence templates are those of the PyPI package home-assistant-intents, read
with hassil; home.yaml names the rooms, devices and people. Templates are held out
whole, so that an item's sentence pattern is never trained on.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from harness.errors import MissingPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = dict[str, str]

TRAINING, ITEMS, VALIDATION = 12_000, 200, 100
TEST_TEMPLATES, VALIDATION_TEMPLATES = 100, 50
SEED = 0
ROUNDS = 500
"""How often each template is asked for another sentence, at most."""


def held_out() -> list[Row]:
    """The task's items: a command (source) and the call that it asks for (target).

    Exactly 200, from 100 templates of which no sentence is trained on.

    Returns:
        Rows of id, source, target, such as "switch the radio on" and
        "HassTurnOn(name=radio)", and template. Slots come in alphabetical order.

    Raises:
        MissingPackage: hassil or home-assistant-intents is not installed.
    """
    return _parts()[0]


def validation_pairs() -> list[Row]:
    """100 pairs from 50 templates that are used for nothing else."""
    return _parts()[1]


def training_pairs() -> list[Row]:
    """12,000 pairs, spread over the other templates as their variety allows."""
    return _parts()[2]


class Variant(NamedTuple):
    """A sentence template where one intent uses it."""

    intent: str
    block: Any
    """hassil's IntentData: slots that are always set, and the names that fit."""
    sentence: Any
    """hassil's Sentence."""


@cache
def _parts() -> tuple[list[Row], list[Row], list[Row]]:
    intents, templates = _templates()
    held = _held_out_templates(templates)
    test, validation = held[:TEST_TEMPLATES], held[TEST_TEMPLATES:]
    training = [text for text in templates if text not in held]
    plan = ((test, ITEMS), (validation, VALIDATION), (training, TRAINING))
    calls: dict[str, str] = {}
    speaker = Speaker(_random(), intents, _home())
    first, second, third = (
        _sampled([templates[text] for text in part], count, speaker, calls)
        for part, count in plan
    )
    return first, second, third


def _held_out_templates(templates: Mapping[str, list[Variant]]) -> list[str]:
    """A draw that leaves each intent a template to learn it from."""
    left = Counter(intent for uses in templates.values() for intent in _intents(uses))
    held: list[str] = []
    for text in _random().sample(list(templates), len(templates)):
        users = _intents(templates[text])
        if all(left[intent] > 1 for intent in users):
            left.subtract(users)
            held.append(text)
        if len(held) == TEST_TEMPLATES + VALIDATION_TEMPLATES:
            break
    return held


def _intents(uses: list[Variant]) -> set[str]:
    return {variant.intent for variant in uses}


def _sampled(
    templates: list[list[Variant]],
    count: int,
    speaker: Speaker,
    calls: dict[str, str],
) -> list[Row]:
    """Ask each template in turn until there are enough sentences.

    A sentence that has occurred before is passed over: it would be a repetition, or
    ask for two different calls.
    """
    rows: list[Row] = []
    for _ in range(ROUNDS):
        for uses in templates:
            variant = speaker.random.choice(uses)
            source, target = speaker.pair(variant)
            if source not in calls:
                calls[source] = target
                name = f"{variant.intent} {len(calls)}"
                row = {"id": name, "source": source, "target": target}
                rows.append({**row, "template": variant.sentence.text})
            if len(rows) == count:
                return rows
    return rows


class Speaker:
    """Says a template's sentence at random, and which call it asks for."""

    def __init__(self, random: Random, intents: Any, home: Mapping[str, Any]) -> None:
        self.random = random
        self._intents = intents
        self._home = home
        self._slots: dict[str, str] = {}
        self._domains: Iterable[str] = ()

    def pair(self, variant: Variant) -> tuple[str, str]:
        """One sentence, and its call."""
        self._slots = {key: str(value) for key, value in variant.block.slots.items()}
        self._domains = variant.block.requires_context.get("domain", ())
        said = " ".join(self._say(variant.sentence.expression).split())
        slots = ", ".join(
            f"{key}={value}" for key, value in sorted(self._slots.items())
        )
        return said, f"{variant.intent}({slots})"

    def _say(self, part: Any) -> str:
        from hassil import expression as kinds

        match part:
            case kinds.TextChunk():
                return str(part.original_text)
            case kinds.RuleReference():
                rule = self._intents.expansion_rules[part.rule_name]
                return self._say(rule.expression)
            case kinds.ListReference():
                return self._fill(part.list_name, part.slot_name)
            case kinds.Alternative():
                return self._say(self.random.choice(part.items))
            case kinds.Permutation():
                parts = self.random.sample(part.items, len(part.items))
                return "".join(self._say(each) for each in parts)
            case _:
                return "".join(self._say(each) for each in part.items)

    def _fill(self, name: str, slot: str) -> str:
        from hassil import intents as kinds

        known = self._intents.slot_lists.get(name)
        match known:
            case kinds.TextSlotList():
                value = self.random.choice(known.values)
                said, meant = self._say(value.text_in), value.value_out
            case kinds.RangeSlotList():
                number = self.random.choice(list(known.get_numbers()))
                said, meant = f"{number:g}", f"{number * (known.multiplier or 1):g}"
            case _:
                said = meant = self.random.choice(self._words(name))
        self._slots[slot] = str(meant)
        return said

    def _words(self, name: str) -> list[str]:
        if name != "name":
            return list(self._home[name])
        return [word for domain in self._domains for word in self._home["name"][domain]]


def _random() -> Random:
    return Random(SEED)  # noqa: S311 - repeatable, nothing secret


@cache
def _home() -> Any:
    text = Path(__file__).with_name("home.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def _templates() -> tuple[Any, dict[str, list[Variant]]]:
    """The intents, and every template by its text, with its uses."""
    try:
        from hassil.intents import Intents
        from home_assistant_intents import get_intents
    except ModuleNotFoundError as missing:
        step = "Sampling the commands of the task voice_commands"
        raise MissingPackage(step, "demo") from missing
    intents = Intents.from_dict(get_intents("en"))
    templates: dict[str, list[Variant]] = {}
    for name, intent in intents.intents.items():
        for block in intent.data:
            for text, sentence in zip(
                block.sentence_texts, block.sentences, strict=True
            ):
                templates.setdefault(text, []).append(Variant(name, block, sentence))
    return intents, templates
