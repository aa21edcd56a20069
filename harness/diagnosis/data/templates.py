"""How many templates the prompts come from, effectively."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from harness.diagnosis.data.affixes import without_frame
from harness.diagnosis.data.drain import Drain, effective_number
from harness.diagnosis.data.family import Family
from harness.diagnosis.data.keys import masked
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Findings, NotChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.drain import Cluster
    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample

SAMPLE = 6000
"""Rows that templates are looked for in: always the same number, since the share of
templates falls with the number of rows."""
LEAST_ROWS = 100
"""Fewer say nothing of variety."""

RULE = Rule(
    "effective_templates",
    "measured here: 12 templates 0.003 and 0.07, commands 0.37, verses 0.92; "
    "Drain (He et al. 2017)",
    {"warning": 0.2, "failure": 0.1},
    falling=True,
    weights={
        "fine": {"narrow_data": -2.0},
        "warning": {"narrow_data": 1.5},
        "failure": {"narrow_data": 3.5},
    },
)
AS_NARROW = 0.5
"""Held-out prompts that are few templates too, with at most twice the variety of as
many training prompts, say that the task is so."""


class Templates(Family):
    """Effective number of templates, beside the number of prompts."""

    def findings(self, seen: Seen) -> Findings:
        """The share of templates among prompts, and the commonest templates."""
        rows = _spread(seen.drawn, min(len(seen.drawn), SAMPLE))
        if len(rows) < LEAST_ROWS:
            told = f"there are {len(rows)} different rows, and it takes {LEAST_ROWS}"
            return Findings((), (NotChecked(RULE.name, told),))
        clusters = _mined(rows)
        number = effective_number(len(members) for _, members in clusters)
        share = number / len(rows)
        status = RULE.status(share)
        says = (
            f"{len(rows):,} different prompts come from {number:,.0f} effective "
            f"templates ({percent(share)})"
        )
        if status != "fine" and self._held_out_is_as_narrow(seen, rows):
            status = "notice"
            says += "; the held-out prompts are about as narrow, so that is the task"
        top, members = clusters[0]
        says += f"; the commonest, for {len(members):,}: {' '.join(top.template)[:80]}"
        examples = [
            seen.example(members[0], f"1 of {len(members):,}")
            for _, members in clusters[:3]
        ]
        return Findings((RULE.check(share, says, examples, status=status),))

    def _held_out_is_as_narrow(self, seen: Seen, rows: Sequence[Sample]) -> bool:
        if len(seen.held_out) < LEAST_ROWS:
            return False
        n = min(len(rows), len(seen.held_out))
        own, other = (
            effective_number(len(m) for _, m in _mined(_spread(some, n)))
            for some in (rows, seen.held_out)
        )
        narrow = RULE.status(other / n) != "fine"
        return narrow and own >= AS_NARROW * other


def _spread(rows: Sequence[Sample], number: int) -> list[Sample]:
    return [rows[place * len(rows) // number] for place in range(number)]


def _mined(rows: Sequence[Sample]) -> list[tuple[Cluster, list[Sample]]]:
    """Clusters with their rows, largest first."""
    drain = Drain()
    members: defaultdict[int, list[Sample]] = defaultdict(list)
    found: dict[int, Cluster] = {}
    for one, text in zip(rows, without_frame([row.asked for row in rows]), strict=True):
        cluster = drain.add(masked(text))
        members[id(cluster)].append(one)
        found[id(cluster)] = cluster
    pairs = [(found[name], rows_) for name, rows_ in members.items()]
    return sorted(pairs, key=lambda pair: -len(pair[1]))
