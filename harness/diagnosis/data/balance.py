"""Whether the same answers are as frequent in training as among held-out prompts."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Findings, NotChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check

REFUSAL = re.compile(
    r"\A\W*(?:i['’]?m (?:very |so )?sorry|sorry,|i (?:cannot|can['’]?t|am unable)|"
    r"as an ai\b|i apologi[sz]e|unfortunately, i (?:cannot|can['’]?t))"
)
COMMONEST = Rule(
    "commonest_answer",
    "for comparison: a model that says nothing else is right so often",
    {"notice": 0.5},
)
BALANCE = Rule(
    "response_balance",
    "OpenAI's guide: 60 % refusals in training against 5 %; factor 3 ours",
    {"notice": 3.0, "warning": 6.0},
    share=False,
    weights={"warning": {"unrepresentative_data": 1.0}},
)
TOP = 5
"""Answers that are compared, beside refusals."""
LEAST_COUNT, LEAST_ROWS = 10, 50
"""Answers of a kind, and held-out rows, below which chance may explain the factor."""
REFUSED = "a refusal"


class Balance(Family):
    """Shares of the commonest answers and of refusals."""

    def __init__(self) -> None:
        self._rows = 0
        self._counts: Counter[str] = Counter()

    def see(self, batch: Sequence[Sample]) -> None:
        """Count short answers; of long ones hardly any occurs twice."""
        self._rows += len(batch)
        self._counts.update(_kinds(batch))
        if len(self._counts) > MOST_KINDS:
            self._counts = Counter(dict(self._counts.most_common(MOST_KINDS // 4)))

    def findings(self, seen: Seen) -> Findings:
        """How the commonest answer does by itself, and the greatest difference."""
        answers = Counter({k: n for k, n in self._counts.items() if k != REFUSED})
        answer, count = next(iter(answers.most_common(1)), ("", 0))
        share = count / self._rows
        says = (
            f"the commonest answer is that of {percent(share)} of rows: '{answer[:60]}'"
            if count > 1
            else "hardly any short answer occurs twice"
        )
        checks = [COMMONEST.check(share, says)]
        if len(seen.held_out) < LEAST_ROWS:
            told = f"it takes {LEAST_ROWS} held-out answers; name them by --held-out"
            return Findings(tuple(checks), (NotChecked(BALANCE.name, told),))
        return Findings((*checks, self._check_balance(seen)))

    def _check_balance(self, seen: Seen) -> Check:
        there = Counter(_kinds(seen.held_out))
        n, m = self._rows, len(seen.held_out)
        tops = {kind for kind, _ in self._counts.most_common(TOP)}
        tops |= {kind for kind, _ in there.most_common(TOP)} | {REFUSED}
        worst, told = 1.0, "the commonest answers are about as frequent held out"
        for kind in sorted(tops):
            own, other = self._counts[kind], there[kind]
            if max(own * min(1.0, m / n), other * min(1.0, n / m)) < LEAST_COUNT:
                continue
            # Half a row more on each side, so that none is no infinity.
            shares = (own + 0.5) / (n + 1), (other + 0.5) / (m + 1)
            factor = max(shares) / min(shares)
            if factor > worst:
                worst = factor
                told = (
                    f"'{kind[:60]}' is the answer in {percent(own / n)} of training "
                    f"and {percent(other / m)} of held-out rows"
                )
        return BALANCE.check(worst, told)


MOST_KINDS = 200_000
LONGEST_KIND = 80
"""Characters; longer answers are told apart by their beginning alone if refusals."""


def _kinds(rows: Sequence[Sample]) -> list[str]:
    kinds = [one.plain_answer for one in rows if len(one.plain_answer) <= LONGEST_KIND]
    refused = sum(REFUSAL.match(one.plain_answer) is not None for one in rows)
    return kinds + [REFUSED] * refused
