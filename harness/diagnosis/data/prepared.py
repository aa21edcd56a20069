"""What OpenAI's retired `fine_tunes.prepare_data` looked at.

Its 15 checks (openai 0.28.1, validators.py): five have a better one here, namely number
of examples (`effective_examples`), prompt and completion columns (`unreadable_rows`),
empty fields (`empty_prompts`, `empty_answers`) and duplicate rows (`exact_duplicates`).
The other ten are in this file as it told them. None is more than a notice or speaks for
a cause: they were advice for models without a chat format.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.diagnosis.data.affixes import shared_start
from harness.diagnosis.data.family import Family, shown_row
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Check, Findings
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.rows import Sniffed
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Example

SOURCE = "openai 0.28.1 prepare_data"
FURTHER_COLUMNS = Rule("further_columns", SOURCE, {"notice": 0}, share=False)
LONG = Rule("long_examples", SOURCE + ": above 10,000 characters", {"notice": 0.0})
CAPITALS = "above a third of the letters"
CAPITAL_PROMPTS = Rule("capital_prompts", f"{SOURCE}: {CAPITALS}", {"notice": 0.0})
CAPITAL_ANSWERS = Rule("capital_answers", f"{SOURCE}: {CAPITALS}", {"notice": 0.0})
PROMPT_START = Rule("shared_prompt_start", SOURCE, {"notice": 12}, share=False)
ANSWER_START = Rule("shared_answer_start", SOURCE, {"notice": 5}, share=False)
PROMPT_END = Rule("shared_prompt_end", SOURCE, {"notice": 1}, falling=True, share=False)
ANSWER_END = Rule("shared_answer_end", SOURCE, {"notice": 1}, falling=True, share=False)
SPACE = Rule("space_before_answers", SOURCE + ": for its old tokenizer", {})

LONG_EXAMPLE = 10_000
"""Characters of prompt and completion together."""
THIRD = 1 / 3
CLASSES = 0.1
"""Different completions beside rows, below which it is called a classification."""
SHOWN = 3


class Prepared(Family):
    """Ten checks of rows that have a prompt and a completion."""

    def __init__(self, sniffed: Sniffed) -> None:
        self._sniffed = sniffed
        self._rows = 0
        self._counts: Counter[str] = Counter()
        self._long: list[Example] = []
        self._columns: set[str] = set()
        self._starts: dict[str, str] = {}
        self._ends: dict[str, str] = {}

    def see(self, batch: Sequence[Sample]) -> None:
        """Count, and keep what all have in common."""
        rows = [one for one in batch if one.shape in {"prompt/completion", "Alpaca"}]
        self._rows += len(rows)
        for one in rows:
            self._columns |= one.values.keys()
            self._counts["prompts"] += _in_capitals(one.prompt)
            self._counts["answers"] += _in_capitals(one.answer)
            self._counts["spaced"] += one.answer[:1].isspace()
            if len(one.prompt) + len(one.answer) > LONG_EXAMPLE:
                self._counts["long"] += 1
                if len(self._long) < SHOWN:
                    self._long.append(shown_row(self._sniffed, one))
        self._narrow("prompts", [one.prompt for one in rows])
        self._narrow("answers", [one.answer for one in rows])

    def _narrow(self, side: str, texts: list[str]) -> None:
        """What all so far begin and end with, the batch included."""
        for ends, some in (
            (self._starts, texts),
            (self._ends, [text[::-1] for text in texts]),
        ):
            known = [ends[side]] if side in ends else []
            if some:
                ends[side] = shared_start([*known, *some])

    def findings(self, seen: Seen) -> Findings:
        """All ten; none where no row has a prompt and a completion."""
        if not self._rows:
            return Findings()
        return Findings((self._kind(seen), *self._of_rows(), *self._of_ends()))

    def _kind(self, seen: Seen) -> Check:
        """What prepare_data inferred, which it chose its advice by."""
        classes = {one.plain_answer for one in seen.drawn}
        kind = "conditional generation"
        if len(classes) < CLASSES * seen.rows and len(seen.drawn) == len(classes):
            kind = "classification"
        rule = Rule("kind_of_task", SOURCE)
        return Check(
            name=rule.name,
            area="data",
            status="fine",
            value=kind,
            threshold=rule.threshold,
            source=rule.source,
            says=f"the rows look like {kind}",
        )

    def _of_rows(self) -> list[Check]:
        n, columns = self._rows, sorted(map(str, self._columns))
        extra = max(0, len(columns) - 2)
        names = ", ".join(columns)[:200]
        further = f"{counted(extra, 'column')} beside two: {names}"
        checks = [FURTHER_COLUMNS.check(extra, further)]
        for name, rule, says in (
            ("long", LONG, "are longer than 10,000 characters"),
            ("prompts", CAPITAL_PROMPTS, "have a prompt in capitals"),
            ("answers", CAPITAL_ANSWERS, "have an answer in capitals"),
            ("spaced", SPACE, "have an answer that begins with white space"),
        ):
            share = self._counts[name] / n
            shown = self._long if name == "long" else ()
            checks.append(rule.check(share, f"{percent(share)} of rows {says}", shown))
        return checks

    def _of_ends(self) -> list[Check]:
        found = (
            (PROMPT_START, self._starts["prompts"], "prompts begin"),
            (PROMPT_END, self._ends["prompts"][::-1], "prompts end"),
            (ANSWER_START, self._starts["answers"], "answers begin"),
            (ANSWER_END, self._ends["answers"][::-1], "answers end"),
        )
        return [
            rule.check(
                len(text),
                f"all {what} with {text[:60]!r}"
                if text
                else f"nothing is common to how {what}",
            )
            for rule, text, what in found
        ]


def _in_capitals(text: str) -> bool:
    """Whether more than a third of the letters are capitals."""
    if text.islower() or not text:
        return False
    capitals = sum(map(str.isupper, text))
    return capitals > THIRD * sum(map(str.isalpha, text))
