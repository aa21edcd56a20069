"""Scores and the metrics that gave them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, overload

import numpy as np

from harness.study.beside import Reader
from harness.study.outputs import current_outputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from harness.study.file import StudyFile
    from harness.study.score_columns import ScoreColumns
    from harness.types import Json, Output, Score, Tally


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A score as the report reads it."""

    item: str
    """Id of the item."""
    output: str | None
    """Id of the output; None for metrics of likelihood."""
    value: float | None
    """The metric's value for this output; None if it cannot judge it."""
    tally: Tally | None
    """Sufficient statistics; None as above."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores(Sequence[StoredScore]):
    """A metric's scores of one checkpoint, by item and sample, column by column."""

    items: Sequence[str]
    """Id of each score's item."""
    outputs: Sequence[str | None]
    """Id of each score's output; None for metrics of likelihood."""
    values: NDArray[np.float64]
    """Shape (scores,); NaN where the metric cannot judge the output."""
    tallied: NDArray[np.bool_]
    """Shape (scores,): whether there are sufficient statistics."""
    tallies: NDArray[np.float64]
    """Shape (scores that are tallied, width); of objects if they differ in width."""

    def __len__(self) -> int:
        """Number of scores."""
        return len(self.items)

    @overload
    def __getitem__(self, at: int) -> StoredScore: ...
    @overload
    def __getitem__(self, at: slice) -> list[StoredScore]: ...
    def __getitem__(self, at: int | slice) -> StoredScore | list[StoredScore]:
        """One score or several, as values of their own."""
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        place = range(len(self))[at]
        value = float(self.values[place])
        return StoredScore(
            item=self.items[place],
            output=self.outputs[place],
            value=None if np.isnan(value) else value,
            tally=self.tallies[int(self.tallied[:place].sum())]
            if self.tallied[place]
            else None,
        )

    @property
    def of_likelihoods(self) -> bool:
        """Whether any judges likelihoods of given texts rather than an output."""
        return None in self.outputs

    def as_means(self) -> Scores:
        """The same values, with tallies from which their mean follows."""
        known = ~np.isnan(self.values)
        values = self.values[known]
        return Scores(
            items=self.items,
            outputs=self.outputs,
            values=self.values,
            tallied=known,
            tallies=np.stack([values, np.ones(len(values))], axis=1),
        )


def store_metric(
    study: StudyFile,
    description: Mapping[str, Json],
    base: str | None = None,
    *,
    replace: bool = False,
) -> None:
    """Store what is needed to rebuild the metric when the study is reported.

    Unless `replace` is given, what was first stored of a signature stays; else the
    metric comes last from now on.
    """
    columns = ("signature", "name", "form", "spec", "unit", "higher_is_better")
    row = {column: description[column] for column in columns}
    with study.transaction() as db:
        if replace:
            db.table("metrics").upsert({**row, "base": base}, pk="signature")
            db.execute(
                "UPDATE metrics SET rowid = (SELECT max(rowid) + 1 FROM metrics) "
                "WHERE signature = ?",
                [row["signature"]],
            )
        else:
            study.insert("metrics", [{**row, "base": base}], ignore=True)


def store_whole(
    study: StudyFile, task: str, checkpoint: str, signatures: Sequence[str]
) -> None:
    """Add to the checkpoint's metrics on the task that have no value per output."""
    place = [task, checkpoint]
    with study.transaction() as db:
        [stored] = study.column(
            "SELECT whole FROM evaluations WHERE task = ? AND checkpoint = ?", place
        )
        known = json.loads(stored)
        known += [signature for signature in signatures if signature not in known]
        db.execute(
            "UPDATE evaluations SET whole = ? WHERE task = ? AND checkpoint = ?",
            [json.dumps(known), *place],
        )


def stored_metrics(study: StudyFile) -> dict[str, dict[str, Json]]:
    """Signature to description of every metric in the study that counts.

    Of metrics that a task writes alike the one that was stored last does: the others
    were made by a program that has changed since.
    """
    rows = study.rows("SELECT * FROM metrics ORDER BY rowid")
    newest = {(row["spec"], row["base"]): row["signature"] for row in rows}
    return {
        row["signature"]: {**row, "higher_is_better": bool(row["higher_is_better"])}
        for row in rows
        if row["signature"] == newest[row["spec"], row["base"]]
    }


def store_scores(study: StudyFile, scores: Iterable[tuple[Score, str]]) -> None:
    """Append scores, each with the key that says which truth it was measured by."""
    rows = [
        {
            "checkpoint": score.checkpoint,
            "item": score.item,
            "output": score.output,
            "signature": score.signature,
            "key": key,
            "value": score.value,
            "tally": None if score.tally is None else score.tally.tobytes(),
            "reason": score.reason,
        }
        for score, key in scores
    ]
    if rows:
        study.insert("scores", rows, ignore=True)


TRUTHS = "SELECT id, refs_hash FROM items WHERE task = ? AND active ORDER BY id"

LIKELIHOOD_SETTINGS = """
    SELECT checkpoint, likelihood_settings FROM evaluations WHERE task = ?
"""


def current_scores(study: StudyFile, task: str, checkpoint: str) -> dict[str, Scores]:
    """The scores that count for a checkpoint on a task, by signature."""
    outputs = {checkpoint: current_outputs(study, task, checkpoint)}
    return scores_of_outputs(study, task, outputs, Reader(study))[checkpoint]


def scores_of_outputs(
    study: StudyFile,
    task: str,
    outputs: Mapping[str, Sequence[Output]],
    reader: Reader,
) -> dict[str, dict[str, Scores]]:
    """The scores that count for each checkpoint on a task, by signature.

    Args:
        study: the study.
        task: name of the task.
        outputs: id of each checkpoint to its outputs that count.
        reader: reads the scores.
    """
    truths = study.mapping(TRUTHS, [task])
    settings = study.mapping(LIKELIHOOD_SETTINGS, [task])
    found = {}
    for checkpoint, columns in reader.columns(outputs):
        judged = _judged(outputs[checkpoint], truths, settings.get(checkpoint))
        found[checkpoint] = _by_signature(columns, judged)
    return {checkpoint: found[checkpoint] for checkpoint in outputs}


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a checkpoint's scores may be of, by item and sample."""

    items: list[str]
    """Id of each one's item."""
    outputs: list[str | None]
    """Id of each one's output; None where a likelihood of the item is judged."""
    names: list[str]
    """As `SCORES` of score_columns names them."""


def _judged(
    outputs: Iterable[Output], truths: Mapping[str, str], settings: str | None
) -> _Judged:
    # As the view `current_scores`, but each item is looked up once, not each score's.
    written = sorted(outputs, key=attrgetter("item", "sample"))
    found = _Judged(
        items=[one.item for one in written],
        outputs=[one.id for one in written],
        names=[f"{one.id} {truths[one.item]}" for one in written],
    )
    if settings is not None:
        found.items.extend(truths)
        found.outputs.extend([None] * len(truths))
        found.names.extend(
            f" {item} {truth} {settings}" for item, truth in truths.items()
        )
    return found


def _by_signature(read: ScoreColumns, judged: _Judged) -> dict[str, Scores]:
    """Each signature's scores that count, by item and sample."""
    place = {name: at for at, name in enumerate(judged.names)}
    # -1 of what no longer counts.
    known = np.array([place.get(name, -1) for name in read.judged], dtype=np.intp)
    places = known[read.of]
    ends = np.cumsum(np.maximum(read.widths, 0))
    found: dict[str, Scores] = {}
    last = np.empty(0, dtype=np.intp)
    for number, signature in enumerate(read.signatures):
        own = np.flatnonzero((read.by == number) & (places >= 0))
        own = own[np.argsort(places[own], kind="stable")]
        if not len(own):
            continue
        # Metrics of one checkpoint judge the same outputs, as a rule.
        if not np.array_equal(places[own], last):
            last = places[own]
            items = tuple(map(judged.items.__getitem__, last.tolist()))
            outputs = tuple(map(judged.outputs.__getitem__, last.tolist()))
        tallied = read.widths[own] >= 0
        found[signature] = Scores(
            items=items,
            outputs=outputs,
            values=read.values[own],
            tallied=tallied,
            tallies=_parts(read.tallies, ends[own[tallied]], read.widths[own[tallied]]),
        )
    return found


def _parts(
    joined: NDArray[np.float64], ends: NDArray[np.intp], widths: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Shape (tallies, width), or (tallies,) of arrays if they differ in width."""
    begins = ends - widths
    if len(np.unique(widths)) < 2:  # noqa: PLR2004 - one width
        whole: NDArray[np.float64]
        whole = joined[begins[:, None] + np.arange(widths.max(initial=0))]
        return whole
    parts = np.empty(len(widths), dtype=object)
    parts[:] = [joined[begin:end] for begin, end in zip(begins, ends, strict=True)]
    return parts
