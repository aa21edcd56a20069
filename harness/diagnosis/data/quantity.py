"""How many examples there are, once repetitions are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.rules import Rule
from harness.diagnosis.model import Findings
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from harness.diagnosis.data.duplicates import Duplicates
    from harness.diagnosis.data.family import Seen

SOURCE = "OpenAI's guide: 10 at the least, 50 to 100 show; prepare_data: 100; measured "

RULE = Rule(
    "effective_examples",
    SOURCE + "here: models below 50 M parameters lose to their base with 100 and 500 "
    "examples, and gain from 2,000",
    {"notice": 2000, "warning": 200, "failure": 10},
    falling=True,
    share=False,
    weights={
        "fine": {"too_few_examples": -2.0},
        "notice": {"too_few_examples": 1.5},
        "warning": {"too_few_examples": 3.0},
        "failure": {"too_few_examples": 4.0},
    },
)


class Quantity(Family):
    """Examples that are not the same but for numbers and dates."""

    def __init__(self, duplicates: Duplicates) -> None:
        self._duplicates = duplicates

    def findings(self, seen: Seen) -> Findings:
        """One check; it needs `duplicates` to have seen and sorted all rows."""
        effective = self._duplicates.effective
        says = (
            f"{counted(seen.rows, 'row')}, {self._duplicates.distinct:,} of them "
            f"different, {effective:,} but for numbers and dates"
        )
        return Findings((RULE.check(effective, says),))
