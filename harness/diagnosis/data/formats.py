"""Whether every row can be read, and all rows have the same shape."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from harness.diagnosis.data.family import Family, shown_row
from harness.diagnosis.data.rules import Rule
from harness.diagnosis.model import Findings
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.rows import Sniffed
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check, Example

UNREADABLE = Rule(
    "unreadable_rows",
    "openai 0.28.1 prepare_data; LLaMA-Factory 0.9.5 skips such rows; shares ours",
    {"warning": 0.0, "failure": 0.01},
    weights={
        "warning": {"malformed_data": 1.5},
        "failure": {"malformed_data": 3.0},
        "fine": {"malformed_data": -0.5},
    },
)
ENCODING = Rule(
    "encoding",
    "RFC 8259: JSON is UTF-8",
    {"warning": 0.0, "failure": 0.05},
    weights={"warning": {"malformed_data": 1.0}, "failure": {"malformed_data": 2.0}},
)
BOM = Rule(
    "byte_order_mark",
    "RFC 8259: JSON has none; some readers take it for a part of the first name",
    {"notice": 0.0},
    share=False,
)
MIXED = Rule(
    "mixed_formats",
    "ours: a trainer reads one shape and drops or misreads the others",
    {"warning": 0.0, "failure": 0.05},
    weights={"warning": {"malformed_data": 1.0}, "failure": {"malformed_data": 2.0}},
)
SHOWN = 3


class Formats(Family):
    """Broken lines, encoding and mixtures; alone it is shown what cannot be read."""

    def __init__(self, sniffed: Sniffed) -> None:
        self._sniffed = sniffed
        self._rows = 0
        self._shapes: Counter[str] = Counter()
        self._first: defaultdict[str, list[Example]] = defaultdict(list)

    def see(self, batch: Sequence[Sample]) -> None:
        """Count shapes and problems."""
        self._rows += len(batch)
        for one in batch:
            if one.problem:
                kind = "encoding" if one.problem.startswith("not UTF") else "unreadable"
                self._keep(kind, one, one.problem)
            if one.shape != "unknown":
                self._keep(one.shape, one, one.shape)

    def _keep(self, kind: str, one: Sample, note: str) -> None:
        self._shapes[kind] += 1
        if len(self._first[kind]) < SHOWN:
            self._first[kind].append(shown_row(self._sniffed, one, note))

    @property
    def first_problem(self) -> str:
        """The first thing that is wrong, for an error where nothing can be read."""
        first = self._first["unreadable"]
        if first:
            return f"{first[0].where}: {first[0].text}"
        return f"there is none in {self._sniffed.name}"

    def findings(self, seen: Seen) -> Findings:
        """What stands in the way of reading the file."""
        bad = self._shapes["unreadable"]
        odd = self._shapes["encoding"]
        checks = [
            UNREADABLE.check(
                bad / self._rows,
                f"{counted(bad, 'row')} of {self._rows:,} cannot be read as an example",
                self._first["unreadable"],
            ),
            ENCODING.check(
                odd / self._rows,
                f"{counted(odd, 'row')} of {self._rows:,} are not UTF-8"
                if odd
                else "all text is UTF-8",
                self._first["encoding"],
            ),
            BOM.check(
                float(seen.sniffed.bom),
                "the file begins with a byte-order mark"
                if seen.sniffed.bom
                else "the file begins without a byte-order mark",
            ),
            self._check_mixture(),
        ]
        return Findings(tuple(checks))

    def _check_mixture(self) -> Check:
        shapes = Counter(
            {
                shape: count
                for shape, count in self._shapes.items()
                if shape not in {"unreadable", "encoding"}
            }
        )
        common = shapes.most_common()
        others = sum(count for _, count in common[1:])
        told = ", ".join(f"{count:,} {shape}" for shape, count in common)
        examples = [self._first[shape][0] for shape, _ in common]
        share = others / shapes.total()
        return MIXED.check(share, f"shapes of rows: {told}", examples)
