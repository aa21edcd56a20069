"""What a study holds on one task, read once and put side by side."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from harness.reporting.people import Raters
from harness.reporting.preferred import Comparisons, comparisons_of
from harness.reporting.questions import criteria_of, of_newest_question
from harness.study.checkpoints import stored_checkpoints, used_for
from harness.study.items import stored_items
from harness.study.outputs import current_outputs
from harness.study.scores import current_scores, stored_metrics

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Iterator,
        Mapping,
    )

    from harness.reporting.model import CriterionInfo
    from harness.study import StudyFile
    from harness.study.scores import StoredScore
    from harness.types import Checkpoint, Estimate, Item, Json, Output

RATINGS = """
    SELECT id, assignment, output AS rated, of_output AS output, criterion, value,
        rater, rater_kind, rater_name, seconds, campaign
    FROM output_ratings WHERE task = ? ORDER BY id
"""

OUTDATED = """
    SELECT count(*) FROM current_ratings
    JOIN outputs ON outputs.id = current_ratings.output
    JOIN items ON items.id = outputs.item
    JOIN campaigns ON campaigns.id = current_ratings.campaign
    WHERE items.task = ? AND current_ratings.value IS NOT NULL
        AND current_ratings.kind = 'normal' AND campaigns.scheme <> 'ranking'
        AND current_ratings.id NOT IN (SELECT id FROM output_ratings WHERE task = ?)
"""

SKIPPED = """
    SELECT DISTINCT ratings.output, ratings.criterion
    FROM ratings
    JOIN current_outputs ON current_outputs.id = ratings.output
    WHERE current_outputs.task = ? AND ratings.state = 'skipped' AND NOT EXISTS (
        SELECT 1 FROM ratings AS newer WHERE newer.supersedes = ratings.id
    )
"""


READ = """
    SELECT count(*) FILTER (WHERE truncated AND reason IS NULL) AS cut,
        count(*) FILTER (WHERE truncated AND reason IS NOT NULL) AS too_long
    FROM current_likelihoods WHERE task = ?
"""

POLICIES = """
    SELECT DISTINCT policy, target FROM current_likelihoods
    WHERE task = ? AND policy LIKE 'document%' AND reason IS NULL ORDER BY policy
"""


@dataclass(frozen=True, slots=True)
class Texts:
    """How the texts were read that likelihoods are of."""

    cut: int = 0
    """Scored after a prompt that was cut to fit the model."""
    too_long: int = 0
    """Not scored, since they do not fit the model."""
    documents: tuple[str, ...] = ()
    """How documents were read; several ways where models or metrics differ."""
    windows_differ: bool = False
    """Whether models read the same documents for one metric in different windows."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating, as it counts for one output."""

    id: int
    """Number of the rating; equal outputs to one prompt share it."""
    rated: str
    """Id of the output that was shown; its text is this output's."""
    assignment: int
    """Number of what the rater was shown; all its criteria share it."""
    output: str
    """Id of the output."""
    criterion: str
    """The criterion."""
    value: float
    """The rating."""
    rater: int
    """Number of the rater."""
    kind: str
    """`person`, `simulated` or `imported`."""
    seconds: float | None
    """How long all criteria together took; None where that is unknown."""


@dataclass(frozen=True)
class Evidence:
    """Everything that counts for one task."""

    task: str
    """Name of the task."""
    description: str
    """What the task is; may be empty."""
    items: Mapping[str, Item]
    """Id to item, in the order they were stored."""
    checkpoints: tuple[Checkpoint, ...]
    """By series and step."""
    outputs: Mapping[str, tuple[Output, ...]]
    """Id of the checkpoint to its outputs."""
    scores: Mapping[str, Mapping[str, list[StoredScore]]]
    """Id of the checkpoint to signature to scores."""
    whole: Mapping[str, tuple[str, ...]]
    """Id of the checkpoint to the signatures of its metrics without such scores."""
    descriptions: Mapping[str, Mapping[str, Json]]
    """Signature to what the metric is rebuilt from."""
    ratings: tuple[Rating, ...]
    """In the order they were given."""
    skipped: frozenset[tuple[str, str]]
    """Output and criterion of what a rater left out."""
    outdated: int
    """Ratings of outputs that no longer count."""
    criteria: tuple[CriterionInfo, ...]
    """Those that were rated."""
    asked_otherwise: int = 0
    """Ratings left out because the question or scale has changed since."""
    used: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Id of the checkpoint to what its answers were made with."""
    texts: Texts = Texts()
    """How the texts of likelihoods were read."""
    has_outputs: bool = True
    """Whether outputs are asked for at all, or likelihoods only."""
    comparisons: Comparisons = field(default_factory=Comparisons)
    """What counts of the campaigns in which outputs are compared."""
    rater_names: Mapping[int, str] = field(default_factory=dict)
    """Number of each rater whose ratings count to the name."""

    @cached_property
    def labels(self) -> dict[str, str]:
        """Id of the checkpoint to its name, with its series if there are several."""
        several = len({checkpoint.series for checkpoint in self.checkpoints}) > 1
        return {
            checkpoint.id: f"{checkpoint.series}/{checkpoint.name}"
            if several
            else checkpoint.name
            for checkpoint in self.checkpoints
        }

    @cached_property
    def signatures(self) -> tuple[str, ...]:
        """Of every metric that a checkpoint has, in the order of the newest run."""
        used = {sig for found in self.scores.values() for sig in found}
        used |= {sig for found in self.whole.values() for sig in found}
        return tuple(sig for sig in self.descriptions if sig in used)

    @cached_property
    def item_of(self) -> dict[str, str]:
        """Id of each output to that of its item."""
        found = (output for some in self.outputs.values() for output in some)
        return {output.id: output.item for output in found}

    @cached_property
    def by_rater(self) -> dict[str, dict[str, dict[int, float]]]:
        """Criterion to output to rater to rating; a rater's repeats are averaged."""
        return _by_rater(self.ratings, lambda rating: rating.output)

    @cached_property
    def by_rater_once(self) -> dict[str, dict[str, dict[int, float]]]:
        """As `by_rater`, but each rating once, under the output that was shown."""
        once = {rating.id: rating for rating in self.ratings}
        return _by_rater(once.values(), lambda rating: rating.rated)

    @cached_property
    def mean_ratings(self) -> dict[str, dict[str, float]]:
        """Criterion to output to the mean over its raters."""
        return {
            criterion: {
                output: sum(raters.values()) / len(raters)
                for output, raters in outputs.items()
            }
            for criterion, outputs in self.by_rater.items()
        }

    @cached_property
    def output_scores(self) -> dict[str, dict[str, float]]:
        """Signature to output to score, a reference's carried to all its outputs."""
        found: dict[str, dict[str, float]] = {sig: {} for sig in self.signatures}
        for checkpoint, by_signature in self.scores.items():
            of_item: dict[str, list[str]] = {}
            for output in self.outputs[checkpoint]:
                of_item.setdefault(output.item, []).append(output.id)
            for signature, scores in by_signature.items():
                for score in scores:
                    if score.value is None:
                        continue
                    ids = [score.output] if score.output else of_item.get(score.item)
                    for output_id in ids or ():
                        found[signature][output_id] = score.value
        return found

    def of_likelihoods(self, signature: str) -> bool:
        """Whether a metric judges likelihoods of given texts rather than outputs."""
        scores = (found.get(signature, ()) for found in self.scores.values())
        return any(score.output is None for some in scores for score in some)

    def raters(self, alpha: Mapping[str, Estimate]) -> Raters:
        """Who rated, with their agreement by criterion."""
        kind_of = {rating.rater: rating.kind for rating in self.ratings}
        kind_of |= self.comparisons.kinds
        kinds = sorted(set(kind_of.values()))
        timed = {r.assignment: r.seconds for r in self.ratings if r.seconds is not None}
        timed = timed or dict(self.comparisons.seconds)
        return Raters(
            kinds={kind: list(kind_of.values()).count(kind) for kind in kinds},
            ratings=len({rating.id for rating in self.ratings}),
            outputs=len({rating.output for rating in self.ratings}),
            seconds=sum(timed.values()) / len(timed) if timed else None,
            alpha=alpha,
            comparisons=self.comparisons.answers,
        )


def _by_rater(
    ratings: Iterable[Rating], of: Callable[[Rating], str]
) -> dict[str, dict[str, dict[int, float]]]:
    values: dict[tuple[str, str, int], list[float]] = {}
    for rating in ratings:
        key = (rating.criterion, of(rating), rating.rater)
        values.setdefault(key, []).append(rating.value)
    found: dict[str, dict[str, dict[int, float]]] = {}
    for (criterion, output, rater), given in values.items():
        raters = found.setdefault(criterion, {}).setdefault(output, {})
        raters[rater] = sum(given) / len(given)
    return found


def gather(study: StudyFile, task: str) -> Evidence:
    """Everything that counts for a task, at one moment of the study."""
    with _snapshot(study):
        return _gathered(study, task)


@contextmanager
def _snapshot(study: StudyFile) -> Iterator[None]:
    """Reads within see one state, whatever others write, and keep nobody waiting."""
    if study.db.conn.in_transaction:
        yield
        return
    study.db.execute("BEGIN")
    try:
        yield
    finally:
        study.db.rollback()


def _gathered(study: StudyFile, task: str) -> Evidence:
    checkpoints = tuple(stored_checkpoints(study, task))
    rows = study.rows(RATINGS, [task])
    same = of_newest_question(study, task, rows)
    ratings = tuple(
        Rating(
            id=row["id"],
            rated=row["rated"],
            assignment=row["assignment"],
            output=row["output"],
            criterion=row["criterion"],
            value=row["value"],
            rater=row["rater"],
            kind=row["rater_kind"],
            seconds=row["seconds"],
        )
        for row in same
    )
    [outdated] = study.column(OUTDATED, [task, task])
    skipped = study.rows(SKIPPED, [task])
    metrics = stored_metrics(study)
    return Evidence(
        task=task,
        description=_description(study, task),
        items={item.id: item for item in stored_items(study, task)},
        checkpoints=checkpoints,
        outputs={c.id: tuple(current_outputs(study, task, c.id)) for c in checkpoints},
        scores={c.id: _scores(study, task, c.id, metrics) for c in checkpoints},
        whole=_whole(study, task),
        descriptions=metrics,
        ratings=ratings,
        skipped=frozenset((row["output"], row["criterion"]) for row in skipped),
        outdated=outdated,
        criteria=criteria_of(study, task, (one.criterion for one in ratings)),
        asked_otherwise=len({row["id"] for row in rows} - {row["id"] for row in same}),
        used=used_for(study, task),
        texts=_texts(study, task),
        has_outputs=_has_outputs(study, task),
        comparisons=comparisons_of(study, task),
        rater_names={row["rater"]: row["rater_name"] for row in same},
    )


def _scores(
    study: StudyFile, task: str, checkpoint: str, metrics: Collection[str]
) -> dict[str, list[StoredScore]]:
    found = current_scores(study, task, checkpoint)
    return {sig: scores for sig, scores in found.items() if sig in metrics}


def _texts(study: StudyFile, task: str) -> Texts:
    [row] = study.rows(READ, [task])
    policies = study.rows(POLICIES, [task])
    # Start tokens differ as tokenizers do; windows need not.
    windows = {(one["target"], one["policy"].split(", window")[-1]) for one in policies}
    return Texts(
        cut=row["cut"],
        too_long=row["too_long"],
        documents=tuple(dict.fromkeys(one["policy"] for one in policies)),
        windows_differ=len(windows) > len({target for target, _ in windows}),
    )


def _has_outputs(study: StudyFile, task: str) -> bool:
    most = "SELECT max(samples) FROM evaluations WHERE task = ?"
    return study.column(most, [task]) != [0]


def _description(study: StudyFile, task: str) -> str:
    """As the newest version of the task's file puts it."""
    import yaml

    [text, *_] = study.column(
        "SELECT text FROM tasks WHERE name = ? ORDER BY rowid DESC LIMIT 1", [task]
    )
    try:
        keys = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    return str(keys.get("description") or "") if isinstance(keys, dict) else ""


def _whole(study: StudyFile, task: str) -> dict[str, tuple[str, ...]]:
    rows = study.rows(
        "SELECT checkpoint, whole FROM evaluations WHERE task = ?", [task]
    )
    return {row["checkpoint"]: tuple(json.loads(row["whole"])) for row in rows}
