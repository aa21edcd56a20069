"""What is wrong inside the texts: signs, leftovers, missing answers and endings."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.diagnosis.data.family import Family, shown_row
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Findings, NotChecked
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.rows import Sniffed
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check, Example

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
MOJIBAKE = re.compile(r"Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹Œ]|â€[™œ“”¢¦\x9d]|Â[ £©®°»«]|ï»¿")
HIDDEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
PLACEHOLDER = re.compile(
    r"\{\{[^{}\n]{1,60}\}\}|\[(?:insert|your|placeholder|todo)\b[^\]\n]{0,60}\]"
    r"|<(?:insert|your|placeholder)[ _-][^>\n]{0,60}>|\blorem ipsum\b"
    r"|\b(?:TODO|TBD|FIXME|XXX)\b|\A\s*(?:null|none|nan|undefined|n/a|\.\.\.)\s*\Z",
    re.IGNORECASE,
)
SHORT = 9
"""Letters of a text that may be a placeholder as a whole."""
PLACED = ("{{", "[", "<", "lorem", "todo", "tbd", "fixme", "xxx")
"""One of these stands in every longer text with a placeholder."""
MARKUP = re.compile(
    r"</?(?:p|br|div|span|a|b|i|ul|ol|li|table|tr|td|h[1-6]|img|strong|em|script|body)"
    r"(?:\s[^<>]{0,200})?/?>|&(?:amp|lt|gt|quot|nbsp|#\d{2,5});",
    re.IGNORECASE,
)
CHAT_TOKENS = re.compile(
    r"<\|[a-z_]{2,30}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<eos>|<bos>"
    r"|<\|im_(?:start|end)\|>|^### ?(?:Human|Assistant|Instruction|Response):",
    re.MULTILINE,
)
SOURCE = "finelint 0.2.0 and OpenAI's validators (any); share ours"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that no row should have, and how it is told."""

    rule: Rule
    says: str
    """What the rows do, after a count."""
    has: Callable[[Sample], bool]


def _rule(name: str, weight: float, source: str = SOURCE) -> Rule:
    return Rule(
        name,
        source,
        {"notice": 0.0, "warning": 0.01, "failure": 0.25},
        weights={
            "warning": {"malformed_data": weight},
            "failure": {"malformed_data": 2 * weight},
        },
    )


def _found(pattern: re.Pattern[str], *signs: str) -> Callable[[Sample], bool]:
    """Whether a text has it, which takes one of the signs."""

    def has(one: Sample) -> bool:
        return any(
            pattern.search(text) is not None
            for text in (one.prompt, one.answer)
            if any(sign in text for sign in signs)
        )

    return has


def _wide(pattern: re.Pattern[str]) -> Callable[[Sample], bool]:
    def has(one: Sample) -> bool:
        return any(
            pattern.search(text) is not None
            for text in (one.prompt, one.answer)
            if not text.isascii()
        )

    return has


def _has_placeholder(one: Sample) -> bool:
    for text, plain in (
        (one.prompt, one.plain_prompt),
        (one.answer, one.plain_answer),
    ):
        likely = len(plain) <= SHORT or any(sign in plain for sign in PLACED)
        if likely and PLACEHOLDER.search(text):
            return True
    return False


def _unprintable(one: Sample) -> bool:
    return any(
        CONTROL.search(text) is not None
        for text in (one.prompt, one.answer)
        if not text.isprintable()
    )


def _repeats_prompt(one: Sample) -> bool:
    prompt, answer = one.plain_prompt, one.plain_answer
    # An answer that is the prompt may be right, as where nothing is to be rewritten.
    long = LEAST_REPEATED <= len(prompt) < len(answer) - LEAST_REPEATED
    return long and answer.startswith(prompt)


LEAST_REPEATED = 20
"""Least letters of the prompt, and of the answer after it, for this to be no chance."""

FAULTS = (
    Fault(
        _rule("empty_answers", 2.0),
        "have an empty answer",
        lambda one: not one.plain_answer,
    ),
    Fault(
        _rule("empty_prompts", 1.0),
        "have an empty prompt",
        lambda one: not one.plain_prompt and one.shape != "text",
    ),
    Fault(
        _rule("replacement_signs", 1.0),
        "have U+FFFD, where signs were lost",
        lambda one: "\ufffd" in one.prompt or "\ufffd" in one.answer,
    ),
    Fault(
        _rule("misread_encoding", 1.0),
        "look like UTF-8 that was read as Latin-1",
        _wide(MOJIBAKE),
    ),
    Fault(_rule("control_characters", 0.7), "have control characters", _unprintable),
    Fault(
        _rule("hidden_signs", 0.3),
        "have signs without width or of direction",
        _wide(HIDDEN),
    ),
    Fault(
        _rule("placeholders", 1.0),
        "have a placeholder that was never filled",
        _has_placeholder,
    ),
    Fault(
        _rule("markup", 0.3),
        "have HTML tags or entities",
        _found(MARKUP, "<", "&"),
    ),
    Fault(
        _rule("chat_tokens", 1.0, "TRL 1.16.0 and LLaMA-Factory add them themselves"),
        "have tokens of a chat template in their text",
        _found(CHAT_TOKENS, "<", "[", "###"),
    ),
    Fault(
        _rule("answer_repeats_prompt", 1.0),
        "repeat the whole prompt at the start of the answer",
        _repeats_prompt,
    ),
)

ENDING = Rule(
    "missing_end_marker",
    "OpenAI prepare_data: a fixed stop for all completions; TRL 1.16.0 warns where the "
    "end is not learned; shares ours",
    {"notice": 0.0, "warning": 0.01, "failure": 0.2},
    weights={
        "warning": {"missing_end_marker": 1.5},
        "failure": {"missing_end_marker": 2.5},
    },
)
MARKERS = re.compile(
    r"(<\|[a-z_]{2,30}\|>|</s>|<eos>|<end_of_turn>|###|\bEND|\bSTOP|\[/?END\])\s*\Z"
)
LEAST_MARKED = 0.2
"""Share of answers with the same marker from which on the others lack it."""
SHOWN = 3


class Texts(Family):
    """Faults inside texts, and endings that some answers have and some lack."""

    def __init__(self, sniffed: Sniffed) -> None:
        self._sniffed = sniffed
        self._counts: Counter[str] = Counter()
        self._shown: defaultdict[str, list[Example]] = defaultdict(list)
        self._markers: Counter[str] = Counter()
        self._unmarked: list[Example] = []

    def see(self, batch: Sequence[Sample]) -> None:
        """Look for each fault in each row."""
        for one in batch:
            for fault in FAULTS:
                if fault.has(one):
                    name = fault.rule.name
                    self._counts[name] += 1
                    if len(self._shown[name]) < SHOWN:
                        self._shown[name].append(shown_row(self._sniffed, one))
            ending = MARKERS.search(one.answer[-40:])
            if ending:
                self._markers[ending[1]] += 1
            elif len(self._unmarked) < SHOWN:
                self._unmarked.append(shown_row(self._sniffed, one))

    def findings(self, seen: Seen) -> Findings:
        """One check for each fault, and one of endings where answers have any."""
        checks = [
            fault.rule.check(
                self._counts[fault.rule.name] / seen.rows,
                f"{counted(self._counts[fault.rule.name], 'row')} of {seen.rows:,} "
                f"{fault.says}",
                self._shown[fault.rule.name],
            )
            for fault in FAULTS
        ]
        marker, count = next(iter(self._markers.most_common(1)), ("", 0))
        if count < LEAST_MARKED * seen.rows:
            told = (
                "answers end without a marker in their text; as a rule trainers add one"
            )
            return Findings(tuple(checks), (NotChecked(ENDING.name, told),))
        return Findings((*checks, self._check_ending(seen, marker, count)))

    def _check_ending(self, seen: Seen, marker: str, count: int) -> Check:
        share = 1 - count / seen.rows
        says = (
            f"{percent(1 - share)} of answers end with '{marker}', the other "
            f"{seen.rows - count:,} do not"
        )
        return ENDING.check(share, says, self._unmarked)
