"""Scores and the metrics that gave them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from harness.study.outputs import current_outputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from harness.study.file import StudyFile
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


SCORES = """
    SELECT ifnull(output, ' ' || item), signature, key, value, tally
    FROM scores WHERE checkpoint = ? ORDER BY item
"""
"""A score of no output goes by its item; no id begins with a space."""

TRUTHS = "SELECT id, refs_hash FROM items WHERE task = ? AND active"

LIKELIHOOD_SETTINGS = """
    SELECT likelihood_settings FROM evaluations WHERE task = ? AND checkpoint = ?
"""

_Judged = tuple[str, int, "str | None"]
"""Item, sample and output; no output where a likelihood of the item is judged."""


def current_scores(
    study: StudyFile,
    task: str,
    checkpoint: str,
    outputs: Iterable[Output] | None = None,
) -> dict[str, Scores]:
    """The scores that count for a checkpoint on a task, by signature.

    Args:
        study: the study.
        task: name of the task.
        checkpoint: id of the checkpoint.
        outputs: those of the checkpoint that count, if they are at hand.
    """
    if outputs is None:
        outputs = current_outputs(study, task, checkpoint)
    truths = study.mapping(TRUTHS, [task])
    # As the view of that name, but each item is looked up once, not for each score.
    judged: dict[str, _Judged] = {o.id: (o.item, o.sample, o.id) for o in outputs}
    keys = {id_: truths[item] for id_, (item, *_) in judged.items()}
    for settings in study.column(LIKELIHOOD_SETTINGS, [task, checkpoint]):
        judged |= {f" {item}": (item, 0, None) for item in truths}
        keys |= {f" {item}": f"{key} {settings}" for item, key in truths.items()}
    rows = [
        row for row in study.tuples(SCORES, [checkpoint]) if keys.get(row[0]) == row[2]
    ]
    return _in_columns(rows, judged) if rows else {}


def _in_columns(
    rows: Sequence[tuple[Json, ...]], judged: Mapping[str, _Judged]
) -> dict[str, Scores]:
    """Rows of `SCORES` by signature, each signature's by item and sample."""
    ids, signatures, _, values, tallies = zip(*rows, strict=True)
    ordered = sorted(judged, key=lambda id_: judged[id_][:2])
    place = {id_: at for at, id_ in enumerate(ordered)}
    number = {name: at for at, name in enumerate(dict.fromkeys(signatures))}
    places = np.array([place[id_] for id_ in ids])
    numbers = np.array([number[name] for name in signatures])
    all_values = np.array(values, dtype=float)
    found: dict[str, Scores] = {}
    last = np.empty(0, dtype=np.intp)
    for name, at in number.items():
        own = np.flatnonzero(numbers == at)
        own = own[np.argsort(places[own], kind="stable")]
        # Metrics of one checkpoint judge the same outputs, as a rule.
        if not np.array_equal(places[own], last):
            last = places[own]
            these = [judged[ordered[one]] for one in last]
            items, _, outputs = zip(*these, strict=True)
        blobs = [tallies[row] for row in own]
        found[name] = Scores(
            items=items,
            outputs=outputs,
            values=all_values[own],
            tallied=np.array([blob is not None for blob in blobs]),
            tallies=_joined([blob for blob in blobs if blob is not None]),
        )
    return found


def _joined(tallies: Sequence[bytes]) -> NDArray[np.float64]:
    """Shape (tallies, width), or (tallies,) of arrays if they differ in width."""
    if len(set(map(len, tallies))) < 2:  # noqa: PLR2004 - one width
        width = len(tallies[0]) // 8 if tallies else 0
        return np.frombuffer(b"".join(tallies)).reshape(len(tallies), width)
    joined = np.empty(len(tallies), dtype=object)
    joined[:] = [np.frombuffer(tally) for tally in tallies]
    return joined
