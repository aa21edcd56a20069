"""A metric of ours in the form that Hugging Face's evaluate gives its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import InputError, Unscorable
from harness.metrics.base import TextMetric, Whole
from harness.metrics.specs import build
from harness.types import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.metrics.base import Judged
    from harness.types import Json, Tally

USAGE = """
Args:
    predictions: list of texts, what a model wrote.
    references: a text or a list of texts for each; may be left out for metrics that
        need none.
    prompts: a text for each, for metrics that read the prompt; default: empty ones.

Returns:
    {NAME: value of all together or None, "scores": a value or None for each}; where
    an output cannot be judged also "reasons", a text or None for each.
"""


def as_evaluate(name: str, **settings: Json) -> Any:
    """One of our metrics as an `evaluate.Metric`, without network.

    Args:
        name: as a task names it: `chrf`, `bleu:tokenize=intl`, `my_metric.py`.
        settings: of the metric.

    Returns:
        An `evaluate.Metric` whose `compute(predictions=..., references=...)` gives
        `{NAME: value, "scores": [...]}`; its `inputs_description` says it in full,
        its `description` holds the signature.

    Raises:
        NotFound: no metric has this name.
        InputError: a wrong setting; a name that stands for several metrics, or for
            one that needs a model.
    """
    found = build({name: settings}, Path())
    if len(found) > 1:
        names = ", ".join(metric.name for metric in found)
        raise InputError(f"'{name}' stands for {names}; name one of them")
    (metric,) = found
    if not isinstance(metric, TextMetric | Whole):
        raise InputError(
            f"metric '{metric.name}' judges a model's likelihoods, not texts"
        )
    return _wrapped(metric)


def _wrapped(metric: TextMetric | Whole) -> Any:
    import evaluate
    from datasets import Features, Sequence, Value

    text = Value("string")

    class Wrapped(evaluate.Metric):  # type: ignore[misc]
        """The metric, as evaluate calls it."""

        def _info(self) -> Any:
            return evaluate.MetricInfo(
                description=f"{metric.signature}: {type(metric).__doc__}",
                citation="",
                inputs_description=USAGE,
                features=Features(predictions=text, references=Sequence(text)),
            )

        def add_batch(
            self,
            *,
            predictions: Sequence[str],
            references: Sequence[Json] | None = None,
        ) -> None:
            """Keep outputs for `compute`."""
            given = [()] * len(predictions) if references is None else references
            # evaluate would silently take a list among texts for a text.
            lists = [[one] if isinstance(one, str) else one for one in given]
            super().add_batch(predictions=predictions, references=lists)

        def _compute(
            self,
            predictions: Sequence[str],
            references: Sequence[Json],
            prompts: Sequence[str] | None = None,
        ) -> dict[str, Json]:
            judged = _judged(metric.name, predictions, references, prompts)
            return _result(metric, judged)

    Wrapped.__name__ = metric.name
    # evaluate would otherwise take its seed from numpy's global state.
    return Wrapped(config_name=metric.name, keep_in_memory=True, seed=0)


def _judged(
    name: str,
    predictions: Sequence[str],
    references: Sequence[Json],
    prompts: Sequence[str] | None,
) -> list[Judged]:
    prompts = [""] * len(predictions) if prompts is None else prompts
    if len(prompts) != len(predictions):
        raise InputError(
            f"metric '{name}' got {len(predictions)} predictions, "
            f"but {len(prompts)} prompts"
        )
    judged = []
    rows = zip(predictions, references, prompts, strict=True)
    for number, (text, given, prompt) in enumerate(rows):
        wanted = tuple(given or ())
        if any(one is None for one in (text, given, prompt, *wanted)):
            raise InputError(f"metric '{name}': None in row {number} is no text")
        key = str(number)
        judged.append((Item(key, "evaluate", key, prompt, wanted), text))
    return judged


def _result(metric: TextMetric | Whole, judged: Sequence[Judged]) -> dict[str, Json]:
    if isinstance(metric, Whole):
        return _of_whole(metric, judged)
    tallies = [_of_item(metric, one) for one in metric.tallies(judged)]
    known = [one for one in tallies if not isinstance(one, Unscorable)]
    total = metric.value(np.sum(known, axis=0)) if known else None
    scores = [
        None if isinstance(one, Unscorable) else _plain(metric.output_value(one))
        for one in tallies
    ]
    reasons = [str(one) if isinstance(one, Unscorable) else None for one in tallies]
    return {metric.name: _plain(total), "scores": scores} | (
        {"reasons": reasons} if any(reasons) else {}
    )


def _of_item(metric: TextMetric, tally: Tally | Unscorable) -> Tally | Unscorable:
    """The tally of an item of which this output is all there is."""
    if isinstance(tally, Unscorable):
        return tally
    try:
        return metric.item_tally(tally[np.newaxis])
    except Unscorable as reason:
        return reason


def _of_whole(metric: Whole, judged: Sequence[Judged]) -> dict[str, Json]:
    reasons = [metric.reason(*one) for one in judged]
    able = [one for one, no in zip(judged, reasons, strict=True) if no is None]
    value = None
    try:
        value = metric.value_of(able)
    except Unscorable as reason:
        reasons = [no or reason for no in reasons]
    known: dict[str, Json] = {metric.name: value, "scores": [None] * len(judged)}
    if any(reasons):
        known["reasons"] = [str(no) if no else None for no in reasons]
    return known


def _plain(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if value is not None and np.isfinite(value) else None
