"""What a study holds on one task, read once and put side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from harness.reporting.drawn import Drawn, drawn
from harness.reporting.given_ratings import GivenRatings
from harness.reporting.given_ratings import Rating as Rating  # noqa: PLC0414 - part of it
from harness.reporting.keeping import keeping_all
from harness.reporting.people import Raters
from harness.reporting.preferred import Comparisons, comparisons_of
from harness.reporting.questions import criteria_of
from harness.reporting.ratings import given_ratings, in_columns
from harness.study.beside import one_moment
from harness.study.checkpoints import stored_checkpoints, used_for
from harness.study.items import stored_items
from harness.study.outputs import current_outputs
from harness.study.scores import scores_of_outputs, stored_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.model import CriterionInfo
    from harness.reporting.rating_means import Unsure
    from harness.reporting.ratings import Columns
    from harness.study import StudyFile
    from harness.study.beside import Reader
    from harness.study.scores import Scores
    from harness.types import Checkpoint, Estimate, Item, Json, Output

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

# Few are skipped: all are read in their order rather than each through an index.
SKIPPED = """
    SELECT DISTINCT ratings.output, ratings.criterion
    FROM ratings NOT INDEXED
    CROSS JOIN current_outputs ON current_outputs.id = ratings.output
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


PLACES = """
    SELECT checkpoints.id, backend, series, location
    FROM checkpoints JOIN evaluations ON evaluations.checkpoint = checkpoints.id
    WHERE evaluations.task = ? AND location IS NOT NULL ORDER BY evaluations.run
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
    scores: Mapping[str, Mapping[str, Scores]]
    """Id of the checkpoint to signature to scores."""
    whole: Mapping[str, tuple[str, ...]]
    """Id of the checkpoint to the signatures of its metrics without such scores."""
    descriptions: Mapping[str, Mapping[str, Json]]
    """Signature to what the metric is rebuilt from."""
    ratings: Sequence[Rating]
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
    overwritten: tuple[tuple[str, ...], ...] = ()
    """Ids of checkpoints that were found in one place, as the last runs found them."""
    has_outputs: bool = True
    """Whether outputs are asked for at all, or likelihoods only."""
    comparisons: Comparisons = field(default_factory=Comparisons)
    """What counts of the campaigns in which outputs are compared."""
    rater_names: Mapping[int, str] = field(default_factory=dict)
    """Number of each rater whose ratings count to the name."""
    drawn: Drawn = field(default_factory=Drawn)
    """How prompts were drawn to be judged."""
    unsure: Mapping[str, Unsure] = field(default_factory=dict)
    """Criterion to what severities taken off its ratings add to the squared standard
    error of a checkpoint's mean, or of its difference from another; empty where ratings
    are not less severities."""

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
        return {one.id: one.item for one in self.written}

    @cached_property
    def written(self) -> tuple[Output, ...]:
        """The outputs of all checkpoints, one checkpoint after the other."""
        ids = (checkpoint.id for checkpoint in self.checkpoints)
        return tuple(output for id_ in ids for output in self.outputs[id_])

    @cached_property
    def place_of(self) -> dict[str, int]:
        """Id of each output to its place in `written`."""
        return {one.id: place for place, one in enumerate(self.written)}

    @cached_property
    def cells(self) -> tuple[Indices, Indices]:
        """Row (checkpoint) and column (item) of each output, both (outputs,)."""
        column = {item: number for number, item in enumerate(self.items)}
        sizes = [len(self.outputs[one.id]) for one in self.checkpoints]
        return (
            np.repeat(np.arange(len(sizes)), sizes),
            np.fromiter(
                map(column.__getitem__, map(attrgetter("item"), self.written)),
                np.intp,
                len(self.written),
            ),
        )

    @cached_property
    def given(self) -> GivenRatings:
        """The ratings, column by column."""
        return GivenRatings.of(self.ratings)

    @cached_property
    def rating_columns(self) -> dict[str, Columns]:
        """Criterion to the ratings, each under every output that it counts for."""
        return in_columns(self.given, as_rated=False)

    @cached_property
    def rating_places(self) -> dict[str, Indices]:
        """Criterion to the places in `written` of its rated outputs."""
        return {
            name: np.fromiter(
                map(self.place_of.__getitem__, one.outputs), np.intp, len(one.outputs)
            )
            for name, one in self.rating_columns.items()
        }

    @cached_property
    def rating_columns_once(self) -> dict[str, Columns]:
        """As `rating_columns`, but each once, under the output that was shown."""
        if self.given.rated == self.given.output:
            return self.rating_columns
        return in_columns(self.given, as_rated=True)

    @cached_property
    def by_rater(self) -> dict[str, dict[str, dict[int, float]]]:
        """Criterion to output to rater to rating; a rater's repeats are averaged."""
        return {name: one.mapping for name, one in self.rating_columns.items()}

    @cached_property
    def mean_ratings(self) -> dict[str, dict[str, float]]:
        """Criterion to output to the mean over its raters."""
        return {
            name: dict(zip(one.outputs, one.means.tolist(), strict=True))
            for name, one in self.rating_columns.items()
        }

    @cached_property
    def rating_values(self) -> dict[str, Floats]:
        """Criterion to the mean ratings of `written`, NaN where there is none."""
        found = {}
        for name, one in self.rating_columns.items():
            found[name] = np.full(len(self.written), np.nan)
            found[name][self.rating_places[name]] = one.means
        return found

    @cached_property
    def score_values(self) -> dict[str, Floats]:
        """Signature to the scores of `written`, a reference's carried to its outputs.

        NaN where there is none; without metrics that have none at all.
        """
        found: dict[str, Floats] = {}
        known: dict[int, Indices] = {}
        for checkpoint, by_signature in self.scores.items():
            of_item: dict[str, list[int]] = {}
            for output in self.outputs[checkpoint]:
                place = self.place_of[output.id]
                of_item.setdefault(output.item, []).append(place)
            for signature, scores in by_signature.items():
                if signature not in found:
                    found[signature] = np.full(len(self.written), np.nan)
                if not scores.of_likelihoods:
                    if id(scores.outputs) not in known:
                        known[id(scores.outputs)] = np.array(
                            [self.place_of[one] for one in scores.outputs if one]
                        )
                    found[signature][known[id(scores.outputs)]] = scores.values
                    continue
                for item, value in zip(scores.items, scores.values, strict=True):
                    found[signature][of_item.get(item, [])] = value
        return {
            sig: found[sig]
            for sig in self.signatures
            if sig in found and not np.isnan(found[sig]).all()
        }

    @cached_property
    def output_scores(self) -> dict[str, dict[str, float]]:
        """Signature to output to score, a reference's carried to all its outputs."""
        found: dict[str, dict[str, float]] = {sig: {} for sig in self.signatures}
        for signature, values in self.score_values.items():
            places = np.flatnonzero(~np.isnan(values))
            found[signature] = {
                self.written[place].id: value
                for place, value in zip(
                    places.tolist(), values[places].tolist(), strict=True
                )
            }
        return found

    def of_likelihoods(self, signature: str) -> bool:
        """Whether a metric judges likelihoods of given texts rather than outputs."""
        scores = (found.get(signature) for found in self.scores.values())
        return any(some is not None and some.of_likelihoods for some in scores)

    def raters(self, alpha: Mapping[str, Estimate]) -> Raters:
        """Who rated, with their agreement by criterion."""
        given = self.given
        kind_of = dict(zip(given.rater.tolist(), given.kind, strict=True))
        kind_of |= self.comparisons.kinds
        kinds = sorted(set(kind_of.values()))
        known = ~np.isnan(given.seconds)
        times = given.assignment[known].tolist(), given.seconds[known].tolist()
        timed = dict(zip(*times, strict=True))
        timed = timed or dict(self.comparisons.seconds)
        return Raters(
            kinds={kind: list(kind_of.values()).count(kind) for kind in kinds},
            ratings=len(np.unique(given.id)),
            outputs=len(set(given.output)),
            seconds=sum(timed.values()) / len(timed) if timed else None,
            alpha=alpha,
            comparisons=self.comparisons.answers,
        )


def gather(study: StudyFile, task: str) -> Evidence:
    """Everything that counts for a task, at one moment of the study."""
    with one_moment(study) as reader, keeping_all():
        return _gathered(study, task, reader)


def _gathered(study: StudyFile, task: str, reader: Reader) -> Evidence:
    checkpoints = tuple(stored_checkpoints(study, task))
    reader.expect([one.id for one in checkpoints])
    outputs = {c.id: tuple(current_outputs(study, task, c.id)) for c in checkpoints}
    given = given_ratings(study, task, outputs)
    skipped = study.rows(SKIPPED, [task])
    metrics = stored_metrics(study)
    scores = scores_of_outputs(study, task, outputs, reader)
    return Evidence(
        task=task,
        description=_description(study, task),
        items={item.id: item for item in stored_items(study, task)},
        checkpoints=checkpoints,
        outputs=outputs,
        scores={
            checkpoint: {sig: some for sig, some in found.items() if sig in metrics}
            for checkpoint, found in scores.items()
        },
        whole=_whole(study, task),
        descriptions=metrics,
        ratings=given.ratings,
        skipped=frozenset((row["output"], row["criterion"]) for row in skipped),
        outdated=given.outdated,
        criteria=criteria_of(study, task, given.ratings.criterion),
        asked_otherwise=given.asked_otherwise,
        used=used_for(study, task),
        texts=_texts(study, task),
        overwritten=_overwritten(study, task),
        has_outputs=_has_outputs(study, task),
        comparisons=comparisons_of(study, task),
        rater_names=given.rater_names,
        drawn=drawn(study, task),
    )


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


def _overwritten(study: StudyFile, task: str) -> tuple[tuple[str, ...], ...]:
    found: dict[tuple[str, ...], list[str]] = {}
    for row in study.rows(PLACES, [task]):
        place = row["backend"], row["series"], row["location"]
        found.setdefault(place, []).append(row["id"])
    return tuple(tuple(ids) for ids in found.values() if len(ids) > 1)


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
