"""How hard each example is, for training that begins with the simple ones.

Bengio et al. 2009, "Curriculum learning"; length and rarity of words as in Platanios et
al. 2019, "Competence-based curriculum learning"; the loss of the base model where one
is given. The difficulty is the mean rank by these.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from itertools import islice
from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.cleaning import written
from harness.diagnosis.data.length import counter, whole
from harness.diagnosis.data.rows import read, sniff
from harness.diagnosis.data.shapes import sample
from harness.errors import CheckpointError, InputError
from harness.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.diagnosis.data.length import Counter as TokenCounter
    from harness.diagnosis.data.shapes import Columns, Sample
    from harness.progress import Progress

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

BATCH = 4096
NO_LOSS = float("nan")


class Difficulties:
    """The difficulty of every example of a file that can be read."""

    def __init__(
        self, source: Path, columns: Columns | None, measures: dict[str, Numbers]
    ) -> None:
        self._source = source
        self._columns = columns
        self._measures = measures
        ranks = [_ranks(values) for values in measures.values()]
        self.difficulty: Numbers = np.mean(ranks, axis=0)
        """Per example from 0, the easiest, to 1; in file order."""

    def write(self, out: Path) -> None:
        """A line of JSON for each example: line in the source, measures, difficulty.

        Raises:
            UsageError: the file is the source, or cannot be written.
        """
        with written(out, self._source) as file:
            for place, one in enumerate(self._samples()):
                values = {
                    name: None if np.isnan(found[place]) else round(found[place], 4)
                    for name, found in self._measures.items()
                }
                hard = round(float(self.difficulty[place]), 4)
                line = {"line": one.line, **values, "difficulty": hard}
                file.write(json.dumps(line) + "\n")

    def write_ordered(self, out: Path) -> None:
        """The examples as JSONL, the easiest first, else in their order.

        Raises:
            UsageError: the file is the source, or cannot be written.
        """
        rows = [
            json.dumps(one.values, ensure_ascii=True, default=str)
            for one in self._samples()
        ]
        with written(out, self._source) as file:
            for place in np.argsort(self.difficulty, kind="stable"):
                file.write(rows[place] + "\n")

    def _samples(self) -> Iterator[Sample]:
        return samples(self._source, self._columns)


def samples(source: Path, columns: Columns | None) -> Iterator[Sample]:
    """The examples of a file; rows that are none are left out."""
    for raw in read(source, sniff(source)):
        one = sample(raw, columns)
        if one.shape != "unknown":
            yield one


def difficulties(
    source: Path,
    *,
    tokenizer: str | Path | None = None,
    model: str | None = None,
    columns: Columns | None = None,
    progress: Progress = silent,
) -> Difficulties:
    """Measure the difficulty of each example.

    Args:
        source: training data in any form that is checked.
        tokenizer: for lengths; None: they are estimated from characters.
        model: checkpoint whose loss counts, too, as `harness run` names them.
        columns: names of the columns with prompt and answer, where they are not usual.
        progress: told of rows read, and of those that the model has read.

    Raises:
        InputError: the source cannot be read, or has no example.
        CheckpointError: tokenizer or model cannot be loaded, or gives no likelihoods.
    """
    words: Counter[str] = Counter()
    for one in samples(source, columns):
        words.update(_words(one))
    if not words:
        raise InputError("there is no example in it", file=source)
    measures = _lengths_and_rarities(source, columns, counter(tokenizer), words)
    if model is not None:
        losses = _losses(source, columns, model, progress)
        if np.isnan(losses).all():
            raise CheckpointError(f"{model} gives no likelihoods of these answers")
        measures["loss"] = losses
    return Difficulties(source, columns, measures)


def _words(one: Sample) -> list[str]:
    return f"{one.plain_prompt} {one.plain_answer}".split()


def _lengths_and_rarities(
    source: Path, columns: Columns | None, count: TokenCounter, words: Counter[str]
) -> dict[str, Numbers]:
    total = words.total()
    lengths, rarities = array("d"), array("d")
    rows = samples(source, columns)
    while batch := list(islice(rows, BATCH)):
        lengths.extend(count.count([whole(one.text) for one in batch]))
        for one in batch:
            bits = [log2(total / words[word]) for word in _words(one)]
            rarities.append(sum(bits) / max(1, len(bits)))
    return {"length": np.array(lengths), "rarity": np.array(rarities)}


def _losses(
    source: Path, columns: Columns | None, model: str, progress: Progress
) -> Numbers:
    """The model's mean loss for a token of each answer; NaN where it has none."""
    from harness.backends import backend_named
    from harness.checkpoints import find_checkpoints

    [found] = find_checkpoints([model])[-1:]
    loaded = backend_named(found.backend).load(found.location)
    losses: list[float] = []
    rows = samples(source, columns)
    try:
        while batch := list(islice(rows, BATCH)):
            losses += _batch_losses(loaded, batch, len(losses))
            progress("losses", len(losses), len(losses))
    finally:
        loaded.close()
    return np.array(losses)


def _batch_losses(model: Any, rows: Sequence[Sample], before: int) -> list[float]:
    from harness.types import Item, Passage

    passages = []
    for number, one in enumerate(rows, start=before):
        item = Item(str(number), "", str(number), one.prompt, (one.answer,))
        passages.append(Passage(item, "reference:0", one.answer))
    found = {
        score.item: score.nll / score.tokens
        for scores in model.loglikelihood(passages)
        for score in scores
        if score.tokens
    }
    return [found.get(passage.item.id, NO_LOSS) for passage in passages]


def _ranks(values: Numbers) -> Numbers:
    """Ranks from 0 to 1, equal values sharing their mean; unknown ones the middle."""
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    ranks = np.full(len(values), 0.5)
    n = int(known.sum())
    ranks[known] = (rankdata(values[known]) - 1) / max(1, n - 1)
    return ranks
