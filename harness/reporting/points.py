"""The outputs that the points of a figure open, in a size that a page can bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.reporting.formats import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.reporting.model import RatedOutput
    from harness.types import Json

MOST_LETTERS = 3_000_000
"""Of all texts of a figure together."""
LIMITS = (6_000, 3_000, 1_500, 800, 400)
"""Letters shown of each text: the first that keeps to `MOST_LETTERS`, else the last."""
MOST_REFERENCES = 3


def openable(drawn: Sequence[Sequence[RatedOutput]]) -> dict[str, Json]:
    """What the page needs to show each output of each trace.

    Returns:
        `texts`, each once, and `traces`: for each point where it is from, the numbers
        of its prompt, references and output among the texts, and what each rater gave.
    """
    texts: dict[str, int] = {}

    def numbered(text: str) -> int:
        return texts.setdefault(text, len(texts))

    traces = [
        [
            {
                "checkpoint": visible(output.checkpoint),
                "item": visible(output.item),
                "sample": output.sample,
                "prompt": numbered(output.prompt),
                "references": [
                    numbered(r) for r in output.references[:MOST_REFERENCES]
                ],
                "output": numbered(output.text),
                "given": {
                    criterion: [[visible(name), value] for name, value in given]
                    for criterion, given in output.given.items()
                },
            }
            for output in trace
        ]
        for trace in drawn
    ]
    limit = _limit(texts)
    return {
        "texts": [visible(shortened(text, limit)) for text in texts],
        "traces": traces,
    }


def _limit(texts: Collection[str]) -> int:
    lengths = [len(text) for text in texts]
    for limit in LIMITS:
        if sum(min(length, limit) for length in lengths) <= MOST_LETTERS:
            return limit
    return LIMITS[-1]
