"""Identity leaks: outputs that tell raters which model wrote them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.study.checkpoints import is_named, stored_checkpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.campaign import Campaign
    from harness.study import StudyFile

NAMED_FIRST = 3
"""How many leaks are told one by one."""
MOST_WORDS = 60
"""Letters of a leak that are told."""

REST = r"(?:[\w.-]*\w)?"
MODELS = (
    rf"(?:chat)?gpt(?:[- ]?\d{REST})?|open ?assistant|claude(?:[- ]\d{REST})?|gemini|"
    rf"bard|lamda|palm ?2|gemma(?:[- ]?\d{REST})?|(?:code)?llama(?:[- ]?\d{REST})?|"
    rf"qwen{REST}|qwq|tongyi qianwen|通义千问|mistral{REST}|mixtral{REST}|"
    rf"deepseek{REST}|grok(?:[- ]?\d)?|phi-\d{REST}|falcon-\d+b|vicuna|alpaca|"
    rf"(?:chat)?glm(?:-?\d\w*)?|bloomz?|olmo{REST}|pythia-\d+m|smollm\d?|internlm|"
    r"baichuan|kimi|copilot|command[- ]r\+?|ernie bot|文心一言|nemotron|"
    r"starcoder\d?|zephyr-\d\w*"
)
MAKERS = (
    r"openai|anthropic|google(?: deepmind| ai| research)?|deepmind|meta(?: ai)?|"
    r"facebook|alibaba(?: cloud| group)?|阿里(?:云|巴巴)|mistral ai|deepseek|深度求索|"
    r"x\.?ai|microsoft|cohere|hugging ?face|baidu|百度|tencent|腾讯|moonshot ai|"
    r"eleuther ?ai|ai2|allen institute|bigscience|nvidia|zhipu(?: ai)?|智谱|"
    r"stability ai|databricks|ibm"
)
AI = (
    r"AI\b|artificial intelligence|language model|LLM|assistant|chat ?bot|"
    r"KI\b|KI-|Sprachmodell|Assistent|mod[eè]le|IA\b|modelo|asistente|模型|助手"
)
MADE = (
    r"created|trained|developed|made|built|designed|programmed|fine-?tuned|"
    r"entwickelt|trainiert|erschaffen|créée?|entraînée?|développée?|creado|entrenado|"
    r"desarrollado"
)
BY = r"(?:by|from|at|of|von|bei|par|de|por)"
I_AM = (
    r"(?:\bI am|\bI['’]m|\bmy name is|\bcall me|\bich bin|\bich heiße|\bmein Name ist|"
    r"\bje suis|\bje m['’]appelle|\bsoy|\bme llamo|\bsono|\bsou)\s+|我是|我叫"
)
AS = r"(?:as|als|en tant que|como)\s+"
WITHIN = r"[^.!?\n]"
AI_WITHIN = rf"{WITHIN}{{0,40}}?(?:{AI}){WITHIN}{{0,60}}?"

# In each, the group `name` is what gives it away. A name alone is no leak: people
# write about llamas and Google.
FORMS = (
    rf"(?:{I_AM})(?:(?:an?|the|eine?|une?|una?)\s+)?(?P<name>MODEL)(?![\w'’])",
    (
        rf"(?:{I_AM}){AI_WITHIN}(?:called|named|namens|nommé|llamado|,|\()\s*"
        r"(?P<name>MODEL)(?!\w)"
    ),
    (
        rf"(?:^|[.!?\n]\s*|,\s+){AS}(?P<name>MODEL)(?!\w),?\s+"
        rf"(?:I|my|an?|{MADE}|ich|ein|je|yo)\b"
    ),
    rf"(?:{I_AM}|(?<!such )\b{AS}){AI_WITHIN}\b{BY}\s+(?:the\s+)?(?P<name>MAKER)(?!\w)",
    (
        rf"\b(?:I|I['’]ve) (?:was|am|have been|been) (?:\w+ly )?(?:{MADE})(?: and \w+)?"
        rf" by {WITHIN}{{0,30}}?\b(?P<name>MAKER)(?!\w)"
    ),
    (
        rf"\b(?:wurde ich|ich wurde|j['’]ai été|(?:yo )?fui){WITHIN}{{0,20}}?\b{BY}\s+"
        r"(?P<name>MAKER)(?!\w)"
    ),
    rf"\b(?P<name>MAKER) (?:has )?(?:{MADE}) me\b",
    rf"\bmy (?:creator|developer|maker)s?\b{WITHIN}{{0,20}}?\b(?P<name>MAKER)(?!\w)",
    r"我是?由(?P<name>MAKER)",
)
# These are also people, beasts, stars and trees: an artificial mind has to be meant.
AMBIGUOUS = re.compile(
    r"claude|gemini|bard|llama|alpaca|bloom|grok|kimi|vicuna|copilot", re.IGNORECASE
)
GENERIC = frozenset(
    """
    adam base baseline best bf16 checkpoint checkpoints ckpt data demo dev epoch epochs
    eval experiment final finetune finetuned fp16 full global instruct iter iteration
    large last latest lora main medium mini model models new old original output outputs
    pretrain pretrained reference result results run seed series small step steps system
    test tiny train trained training tuned version weights
    """.split()  # noqa: SIM905 - a list of words
)
"""Parts of names that say nothing of a model."""
SHORTEST_PART = 4
SHORTEST_NAME = 6


@dataclass(frozen=True, slots=True)
class Leak:
    """Words in an output that tell which model wrote it."""

    output: str
    """Id of the output."""
    checkpoint: str
    """Name of its checkpoint."""
    item: str
    """Key of its prompt."""
    words: str
    """The words."""
    start: int
    """Where they begin, from 0, in Unicode code points."""
    end: int
    """Where they end; the character after the last."""


def find_leaks(study: StudyFile, campaign: Campaign) -> tuple[Leak, ...]:
    """Leaks in the outputs that the campaign's raters see, by prompt and checkpoint.

    Flagged are outputs in which a model speaks of itself by a well-known name or
    maker, and those that hold the name of a checkpoint or series of the study, if it
    is no ordinary word. What the prompt or a reference says itself is no leak.
    """
    known = stored_checkpoints(study, campaign.task)
    names = {name for one in known for name in (one.name, one.series)}
    wanted = campaign.plan.checkpoints
    shown = {
        one.id: one.name for one in known if wanted == "all" or is_named(one, wanted)
    }
    rows = study.rows(
        "SELECT current_outputs.id, current_outputs.text, current_outputs.checkpoint, "
        "items.key, items.prompt, items.refs FROM json_each(?) AS chosen "
        "JOIN items ON items.id = chosen.value "
        "JOIN current_outputs ON current_outputs.item = items.id AND sample = 0 "
        "ORDER BY chosen.key, current_outputs.checkpoint",
        [json.dumps(campaign.items)],
    )
    find = finder(names)
    return tuple(
        Leak(row["id"], shown[row["checkpoint"]], row["key"], found, start, end)
        for row in rows
        if row["checkpoint"] in shown
        for found, start, end in find(
            row["text"], [row["prompt"], *json.loads(row["refs"])]
        )
    )


def tell_leaks(
    study: StudyFile, campaign: Campaign, tell: Callable[[str], None]
) -> None:
    """Tell the owner which outputs may unblind the raters, if there are any."""
    leaks = find_leaks(study, campaign)
    if not leaks:
        return
    number = len({leak.output for leak in leaks})
    tell(
        f"Mind: {number} output{'s name' * (number > 1) or ' names'} a model, so that "
        "raters may guess whose it is:"
    )
    for leak in leaks[:NAMED_FIRST]:
        words = " ".join(leak.words.split())[:MOST_WORDS]
        tell(f"  {leak.checkpoint}, item {leak.item}: '{words}'")
    tell(
        "  Take these prompts out of the task's data, or bear it in mind when you "
        "report. Your page lists all of them under Leaks."
    )


def finder(
    names: Iterable[str],
) -> Callable[[str, Sequence[str]], list[tuple[str, int, int]]]:
    """What finds leaks in a text, given the names of checkpoints and series.

    It takes the text and what the model was given, and returns words, start and end
    of each leak, in order and without overlaps.
    """
    special = [name for name in names if _parts(name)]
    models = "|".join([MODELS, *(_loosely(name) for name in special)])
    patterns = [
        re.compile(
            form.replace("MODEL", models).replace("MAKER", MAKERS), re.IGNORECASE
        )
        for form in FORMS
    ]
    if peculiar := [_loosely(name) for name in special if is_peculiar(name)]:
        # The longest first: of two names one may begin with the other.
        longest = "|".join(sorted(peculiar, key=len, reverse=True))
        patterns.append(
            re.compile(rf"(?<![\w-])(?P<name>{longest})(?![\w-])", re.IGNORECASE)
        )

    def find(text: str, given: Sequence[str]) -> list[tuple[str, int, int]]:
        there = "\n".join(given).casefold()
        found: list[tuple[str, int, int]] = []
        for match in sorted(
            (match for pattern in patterns for match in _matches(pattern, text)),
            key=lambda match: (match.start(), -match.end()),
        ):
            start = match.end() - len(match[0].lstrip(" \t\n.,!?"))
            new = not found or start >= found[-1][2]
            if new and _name(match).casefold() not in there:
                found.append((text[start : match.end()], start, match.end()))
        return found

    return find


def is_peculiar(name: str) -> bool:
    """Whether a name can hardly stand in a text by chance.

    It has several parts that are more than words with spaces between them, and one
    that says something of the model: `llama-2-7b` has, `step-100` and `llama` have not.
    """
    parts = re.findall(r"[^\W\d_]+|\d+", name)
    no_words = bool(re.search(r"[\d/_.-]", name))
    long = len(parts) > 1 and len(name) >= SHORTEST_NAME
    return long and no_words and bool(_parts(name))


def _parts(name: str) -> list[str]:
    """Words in a name that say something of the model."""
    return [
        word
        for word in re.findall(r"[^\W\d_]+", name.casefold())
        if len(word) >= SHORTEST_PART and word not in GENERIC
    ]


def _loosely(name: str) -> str:
    """A pattern for a name; other signs may stand between its parts."""
    # Words that a space joins would be a phrase.
    signs = "[-_ ./]" if re.search(r"\d", name) else "[-_./]"
    parts = map(re.escape, re.split(signs, name))
    return signs.join(parts)


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for match in pattern.finditer(text):
        name = _name(match)
        is_own = pattern.pattern.startswith("(?<![")
        if is_own or not AMBIGUOUS.fullmatch(name):
            yield match
            continue
        sentence = re.split(r"[.!?\n]", text[match.start() + 1 :], maxsplit=1)[0]
        if re.search(rf"{AI}|\b(?:{MAKERS})\b", sentence, re.IGNORECASE):
            yield match


def _name(match: re.Match[str]) -> str:
    return match["name"]
