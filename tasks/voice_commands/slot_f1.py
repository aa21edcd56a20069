"""F1 over a call's intent and slots, a Hugging Face evaluate module."""

from __future__ import annotations

import re
from statistics import fmean
from typing import Any

import datasets
import evaluate

_CALL = re.compile(r"\s*(?P<intent>\w+)\((?P<slots>[^()]*)\)\s*")


class SlotF1(evaluate.Metric):
    """How much of a call is right: its intent and each slot=value count as one part.

    `compute(predictions=..., references=...)` gives `scores`, one F1 from 0 to 1 for
    each prediction (against the best of several references), and `slot_f1`, their
    mean. The order of the slots does not matter. A prediction that is no call scores
    0: nothing could carry it out.
    """

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="F1 over the intent and the slots of a call, 0 to 1.",
            citation="",
            inputs_description=(
                "predictions: calls such as HassTurnOn(area=kitchen, name=lamp); "
                "references: the right call, or a list of right calls, for each."
            ),
            features=[
                datasets.Features({"predictions": text, "references": [text]}),
                datasets.Features({"predictions": text, "references": text}),
            ],
        )

    def _compute(
        self, predictions: list[str], references: list[str] | list[list[str]]
    ) -> dict[str, Any]:
        scores = [
            max(f1(text, wanted) for wanted in ([right] if _one(right) else right))
            for text, right in zip(predictions, references, strict=True)
        ]
        return {"slot_f1": fmean(scores), "scores": scores}


def f1(text: str, wanted: str) -> float:
    """Harmonic mean of precision and recall of a call's parts, 0 to 1."""
    parts, right = call_parts(text), call_parts(wanted)
    if not parts or not right:
        return 0.0
    return 2 * len(parts & right) / (len(parts) + len(right))


def call_parts(call: str) -> frozenset[tuple[str, str]]:
    """The intent and the slots with their values; empty where there is no call."""
    match = _CALL.fullmatch(call)
    if match is None:
        return frozenset()
    slots = (slot.partition("=") for slot in match["slots"].split(",") if slot.strip())
    pairs = [(name.strip(), value.strip()) for name, _, value in slots]
    return frozenset([("intent", match["intent"]), *pairs])


def _one(references: str | list[str]) -> bool:
    return isinstance(references, str)
