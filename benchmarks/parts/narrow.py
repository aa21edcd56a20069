"""Training data of few sentence patterns, which differ in names and numbers alone."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

from harness.demo.tasks import task_data
from harness.task import find_suite

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, str]
    Maker = Callable[[Random], tuple[str, str]]

TRIES = 2500
"""How often a pattern is asked for another sentence before it counts as used up."""

NAMES = (
    *("Abner", "Asher", "Baruch", "Dan", "David", "Eleazar", "Eliab", "Enoch"),
    *("Esau", "Ezra", "Gad", "Gideon", "Haran", "Heman", "Hezron", "Ishmael"),
    *("Jacob", "Jeremiah", "Jesse", "Joab", "Joel", "Jonathan", "Joseph", "Joshua"),
    *("Judah", "Korah", "Levi", "Machir", "Nahor", "Nathan", "Noah", "Obed"),
    *("Reuben", "Samuel", "Saul", "Seth", "Shem", "Simeon", "Solomon", "Zadok"),
)
VERSES = (
    (
        "And {a} lived {n} years, and begat {b}:",
        "{a} lived {n} years, then became the father of {b}.",
    ),
    (
        "And all the days of {a} were {n} years: and he died.",
        "All of the days of {a} were {n} years, then he died.",
    ),
    (
        "Now these are the generations of {a}: {a} begat {b}.",
        "Now this is the history of {a}. {a} became the father of {b}.",
    ),
    (
        "And {a} spake unto {b}, saying, Number thou {n} men.",
        '{a} spoke to {b}, saying, "Count {n} men."',
    ),
    ("The children of {a}, {n}.", "The children of {a}: {n}."),
    (
        "And {a} smote of the men of {b} {n} men.",
        "{a} struck {n} men of the men of {b}.",
    ),
    (
        "And {a} went up unto {b}, he, and {n} men with him.",
        "{a} went up to {b}, he and {n} men with him.",
    ),
    (
        "{a} was {n} years old when he began to reign.",
        "{a} was {n} years old when he began to be king.",
    ),
    (
        "And {a} gave unto {b} {n} shekels of silver.",
        "{a} gave {b} {n} shekels of silver.",
    ),
    (
        "And they that were numbered of {a} were {n}.",
        "Those who were counted of {a} were {n}.",
    ),
    (
        "And the sons of {a}; {b}, and his brethren, {n}.",
        "The sons of {a}: {b} and his brothers, {n}.",
    ),
    (
        "And {a} answered {b}, I have {n} oxen.",
        '{a} answered {b}, "I have {n} oxen."',
    ),
)


def narrow_pairs(task: str, patterns: int, count: int, *, seed: int) -> list[Row]:
    """So many different rows of source and target, of so many patterns.

    Those of voice_commands are templates that are trained on, drawn by the seed.

    Raises:
        MissingPackage: a package with the task's sentences is not installed.
    """
    random = Random(seed)  # noqa: S311 - repeatable, nothing secret
    makers = _verses() if task == "modernize" else _commands(random)
    each = -(-count // patterns)
    rows: list[Row] = []
    for maker in makers:
        found = _different(maker, each, random)
        if len(found) == each:
            rows += found
        if len(rows) == each * patterns:
            break
    random.shuffle(rows)
    return rows[:count]


def _different(maker: Maker, count: int, random: Random) -> list[Row]:
    """So many sentences of a pattern; fewer where it does not vary enough."""
    pairs: dict[str, str] = {}
    for _ in range(TRIES):
        source, target = maker(random)
        pairs.setdefault(source, target)
        if len(pairs) == count:
            break
    return [{"source": source, "target": target} for source, target in pairs.items()]


def _verses() -> list[Maker]:
    def maker(source: str, target: str) -> Maker:
        def make(random: Random) -> tuple[str, str]:
            first, second = random.sample(NAMES, 2)
            values = {"a": first, "b": second, "n": random.randint(12, 987)}
            return source.format(**values), target.format(**values)

        return make

    return [maker(source, target) for source, target in VERSES]


def _commands(random: Random) -> list[Maker]:
    data = task_data("voice_commands")
    intents, variants = _variants()
    trained = sorted({row["template"] for row in data.training_pairs()})

    def maker(template: str) -> Maker:
        def make(random: Random) -> tuple[str, str]:
            variant = random.choice(variants[template])
            pair: tuple[str, str] = data.Speaker(random, intents, _home()).pair(variant)
            return pair

        return make

    return [maker(text) for text in random.sample(trained, len(trained))]


@cache
def _variants() -> tuple[Any, dict[str, list[Any]]]:
    """The intents, and the uses of each template by its text."""
    from hassil.intents import Intents
    from home_assistant_intents import get_intents

    variant = task_data("voice_commands").Variant
    intents = Intents.from_dict(get_intents("en"))
    found: dict[str, list[Any]] = {}
    for name, intent in intents.intents.items():
        for block in intent.data:
            for text, sentence in zip(
                block.sentence_texts, block.sentences, strict=True
            ):
                found.setdefault(text, []).append(variant(name, block, sentence))
    return intents, found


@cache
def _home() -> Any:
    import yaml

    file = find_suite("voice_commands").with_name("home.yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))
