"""Samples: how outputs for one prompt changed from checkpoint to checkpoint."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.differences import changed_share, pieces
from harness.errors import InputError, NotFound, UsageError
from harness.metrics.signatures import labels
from harness.progress import silent
from harness.reporting.histories import (
    Against,
    History,
    ItemHistories,
    Pick,
    Rated,
    Samples,
    Written,
)
from harness.reporting.ratings import given_ratings, in_columns
from harness.study.beside import one_moment
from harness.study.checkpoints import is_named, stored_checkpoints
from harness.study.items import stored_items, stored_tasks
from harness.study.outputs import current_outputs
from harness.study.scores import stored_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.differences import Piece
    from harness.progress import Progress
    from harness.reporting.given_ratings import GivenRatings
    from harness.study import StudyFile
    from harness.types import Checkpoint, Item, Output

# The plus signs keep SQLite from reading all scores of a metric or an item.
SCORES = """
    SELECT current_scores.checkpoint, current_scores.item, current_scores.output,
        current_scores.signature, current_scores.value
    FROM current_scores
    WHERE current_scores.checkpoint = ? AND current_scores.value IS NOT NULL
        AND current_scores.item IN (SELECT value FROM json_each(?))
"""

Outputs = dict[str, "list[Output]"]
"""Id of each item to its outputs, by checkpoint in the checkpoints' order."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which outputs to show, and how."""

    items: tuple[str, ...] = ()
    """Keys of items; empty: those that `pick` finds."""
    pick: Pick = "first"
    """Which items, where none is named."""
    limit: int = 10
    """At most so many of them, 1 or more."""
    against: Against = "previous"
    """What each output is laid over."""
    checkpoints: tuple[str, ...] = ()
    """Names, or SERIES/NAME; empty: all."""
    seed: int = 0
    """Seed of items at random."""

    @property
    def picks_by_ratings(self) -> bool:
        """Whether all ratings tell which items are shown."""
        return self.pick == "rated" and not self.items


def samples(
    study: StudyFile,
    tasks: Sequence[str] | None = None,
    wish: Wish = Wish(),
    *,
    progress: Progress = silent,
) -> list[Samples]:
    """What checkpoints wrote for the same prompts, task by task.

    Args:
        study: with outputs; scores and ratings are shown where there are some.
        tasks: names; None: every task with outputs.
        wish: which outputs, and what each is laid over.
        progress: told of the items that are looked at.

    Raises:
        NotFound: no such task, item or checkpoint; the nearest name is suggested.
        UsageError: no task, of those that are named, has outputs.
    """
    if wish.limit < 1:
        raise UsageError("At least one item must be shown: limit is 1 or more.")
    known = stored_tasks(study)
    for name in tasks or ():
        if name not in known:
            raise NotFound("task with outputs", name, known)
    with one_moment(study):
        read = [_Task.read(study, task, wish) for task in tasks or known]
        _refuse_unknown(read, wish)
        found = [one for one in read if one.has(wish.items)]
        if not found:
            names = f" of {', '.join(tasks)}" if tasks else ""
            raise UsageError(
                f"The study has no outputs{names} to show: nothing was generated, or "
                "only likelihoods are asked for. Next: harness run."
            )
        return [one.samples(wish, progress) for one in found]


def _refuse_unknown(found: Sequence[_Task], wish: Wish) -> None:
    """Refuse names that no task has."""
    checkpoints = {one.id: one for task in found for one in task.checkpoints}.values()
    for name in wish.checkpoints:
        if not any(is_named(one, [name]) for one in checkpoints):
            raise NotFound("checkpoint", name, {one.name for one in checkpoints})
    keys = {item.key for task in found for item in task.items.values()}
    for key in wish.items:
        if key not in keys:
            raise NotFound("item with outputs", key, keys)


@dataclass(frozen=True, slots=True)
class _Task:
    """What a study holds on a task, as far as it is shown."""

    study: StudyFile
    name: str
    checkpoints: tuple[Checkpoint, ...]
    """By series and step."""
    outputs: Outputs
    """In the order of `items`."""
    items: Mapping[str, Item]
    """Those with outputs, by id."""

    @classmethod
    def read(cls, study: StudyFile, name: str, wish: Wish) -> _Task:
        checkpoints = tuple(stored_checkpoints(study, name))
        wanted = [
            one
            for one in checkpoints
            if not wish.checkpoints or is_named(one, wish.checkpoints)
        ]
        items = {item.id: item for item in stored_items(study, name)}
        outputs: Outputs = {id_: [] for id_ in items}
        for one in wanted:
            for output in current_outputs(study, name, one.id):
                outputs[output.item].append(output)
        written = {id_: some for id_, some in outputs.items() if some}
        return cls(
            study, name, checkpoints, written, {id_: items[id_] for id_ in written}
        )

    def has(self, keys: Sequence[str]) -> bool:
        """Whether there is an output, of one of these items if any are named."""
        shown = {item.key for item in self.items.values()}
        return not shown.isdisjoint(keys) if keys else bool(shown)

    def samples(self, wish: Wish, progress: Progress) -> Samples:
        given = self._given(self.outputs) if wish.picks_by_ratings else None
        chosen, how = self._chosen(wish, progress, given)
        outputs = {id_: self.outputs[id_] for id_ in chosen}
        if given is None:
            given = self._given(outputs)
        else:
            shown = {one.id for one in chain.from_iterable(outputs.values())}
            mask = np.fromiter((o in shown for o in given.output), bool, len(given))
            given = given.kept(mask)
        judged = _Judged.of(given, _scores(self.study, self._by_checkpoint(outputs)))
        metrics = [
            signature
            for signature in stored_metrics(self.study)
            if any(signature in found for found in judged.scores.values())
        ]
        made = []
        for done, id_ in enumerate(chosen):
            progress("samples", done, len(chosen))
            made.append(self._item(self.items[id_], judged, wish.against))
        progress("samples", len(chosen), len(chosen))
        return Samples(
            task=self.name,
            against=wish.against,
            metrics=labels(metrics),
            criteria=judged.criteria,
            chosen=how,
            items=tuple(made),
            simulated=judged.simulated,
        )

    def _chosen(
        self, wish: Wish, progress: Progress, given: GivenRatings | None
    ) -> tuple[list[str], str]:
        """Ids of the items that are shown, and which they are in words."""
        every = list(self.outputs)
        if wish.items:
            # One key may stand for several prompts.
            found = [id_ for id_ in every if self.items[id_].key in wish.items]
            found.sort(key=lambda id_: wish.items.index(self.items[id_].key))
            how = "as named"
        elif wish.pick == "random":
            rng = np.random.default_rng(wish.seed)
            found = [every[at] for at in rng.permutation(len(every))]
            how = f"at random, seed {wish.seed}"
        elif wish.pick == "changed":
            found = _largest(self._changes(progress))
            how = "those whose words changed most"
        elif given is not None:
            ratings = self._ratings(given)
            found = _largest(ratings)
            how = "those rated most" if any(ratings.values()) else "none is rated"
        else:
            found, how = every, "the first"
        shown = found if wish.items else found[: wish.limit]
        return shown, f"{len(shown):,} of {len(every):,} items ({how})"

    def _changes(self, progress: Progress) -> dict[str, float]:
        """Each item to the share of words that changed, summed over steps."""
        changes = {}
        for done, (id_, outputs) in enumerate(self.outputs.items()):
            progress("samples: changes", done, len(self.outputs))
            changes[id_] = _change(self._series(outputs).values())
        return changes

    def _given(self, outputs: Outputs) -> GivenRatings:
        by_checkpoint = self._by_checkpoint(outputs)
        return given_ratings(self.study, self.name, by_checkpoint).ratings

    def _by_checkpoint(self, outputs: Outputs) -> dict[str, list[Output]]:
        found: dict[str, list[Output]] = {one.id: [] for one in self.checkpoints}
        for one in chain.from_iterable(outputs.values()):
            found[one.checkpoint].append(one)
        return found

    def _ratings(self, given: GivenRatings) -> dict[str, float]:
        """Each item to the number of its ratings."""
        written = chain.from_iterable(self.outputs.values())
        item_of = {one.id: one.item for one in written}
        found = Counter(item_of[output] for output in given.output)
        return {id_: found[id_] for id_ in self.outputs}

    def _series(
        self, outputs: Iterable[Output]
    ) -> dict[tuple[str, int], list[tuple[Checkpoint, Output]]]:
        """Series and sample to outputs by step."""
        of = {one.id: one for one in self.checkpoints}
        found: dict[tuple[str, int], list[tuple[Checkpoint, Output]]] = {}
        for output in outputs:
            checkpoint = of[output.checkpoint]
            place = (checkpoint.series, output.sample)
            found.setdefault(place, []).append((checkpoint, output))
        return dict(sorted(found.items()))

    def _item(self, item: Item, judged: _Judged, against: Against) -> ItemHistories:
        histories = [
            History(series, sample, tuple(_history(outputs, item, judged, against)))
            for (series, sample), outputs in self._series(self.outputs[item.id]).items()
        ]
        return ItemHistories(item.key, item.prompt, item.references, tuple(histories))


@dataclass(frozen=True, slots=True)
class _Judged:
    """What metrics and people say of some outputs."""

    scores: Mapping[str, Mapping[str, float]]
    """Id of each output to signature to value; those of likelihoods with each."""
    ratings: Mapping[str, Mapping[str, Rated]]
    """Id of each output to criterion to rating."""
    criteria: tuple[str, ...]
    simulated: bool

    @classmethod
    def of(
        cls, given: GivenRatings, scores: Mapping[str, Mapping[str, float]]
    ) -> _Judged:
        ratings: dict[str, dict[str, Rated]] = {}
        columns = in_columns(given, as_rated=False)
        for criterion, found in columns.items():
            raters = np.bincount(found.row, minlength=len(found.outputs))
            for id_, mean, count in zip(
                found.outputs, found.means.tolist(), raters.tolist(), strict=True
            ):
                ratings.setdefault(id_, {})[criterion] = Rated(mean, count)
        return cls(
            scores=scores,
            ratings=ratings,
            criteria=tuple(columns),
            simulated="simulated" in given.kind,
        )


def _largest(values: Mapping[str, float]) -> list[str]:
    """The keys, that of the largest value first; equal ones as they were."""
    return sorted(values, key=values.__getitem__, reverse=True)


def _scores(
    study: StudyFile, outputs: Mapping[str, Sequence[Output]]
) -> dict[str, dict[str, float]]:
    """Id of each output to the scores that count, those of likelihoods with each."""
    found: dict[str, dict[str, float]] = {}
    for checkpoint, written in outputs.items():
        of_item: dict[str, list[str]] = {}
        for one in written:
            of_item.setdefault(one.item, []).append(one.id)
            found[one.id] = {}
        rows = study.tuples(SCORES, [checkpoint, json.dumps(list(of_item))])
        for _, item, output, signature, value in rows:
            for id_ in of_item[item] if output is None else [output]:
                found[id_][signature] = value
    return found


def _history(
    outputs: Sequence[tuple[Checkpoint, Output]],
    item: Item,
    judged: _Judged,
    against: Against,
) -> Iterable[Written]:
    """The outputs by step, each laid over what it is compared with."""
    since = ""
    for at, (checkpoint, output) in enumerate(outputs):
        before = outputs[at - 1] if at else None
        same = before is not None and before[1].text == output.text
        since = since if same else checkpoint.name
        over, base = _base(outputs, at, item, against)
        laid: tuple[Piece, ...] = ()
        why = ""
        if base is not None and base != output.text:
            try:
                laid = pieces(base, output.text)
            except InputError as error:
                why = str(error)
        yield Written(
            checkpoint=checkpoint.name,
            step=checkpoint.step,
            text=output.text,
            finish=output.finish,
            scores=judged.scores[output.id],
            ratings=judged.ratings.get(output.id, {}),
            same_since=since if same else None,
            over=over,
            pieces=laid,
            not_compared=why,
        )


def _base(
    outputs: Sequence[tuple[Checkpoint, Output]], at: int, item: Item, against: Against
) -> tuple[str | None, str | None]:
    """Name and text of what an output is laid over; None where there is nothing."""
    if against == "reference":
        return ("reference", item.references[0]) if item.references else (None, None)
    if at == 0:
        return None, None
    checkpoint, output = outputs[0 if against == "first" else at - 1]
    return checkpoint.name, output.text


def _change(histories: Iterable[Sequence[tuple[Checkpoint, Output]]]) -> float:
    """Share of words that changed, summed over steps and averaged over histories."""
    sums = [
        sum(changed_share(a.text, b.text) for (_, a), (_, b) in pairwise(history))
        for history in histories
    ]
    return sum(sums) / len(sums)
