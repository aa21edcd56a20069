"""How a campaign stands: progress, ratings of each checkpoint, agreement, pace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.campaign import Campaign, chances_of, has_simulated_raters
from harness.dealing import deal
from harness.given import Given, answers_to_units
from harness.pairing import design_of, scale_of
from harness.study.checkpoints import stored_checkpoints
from harness.study.raters import stored_time
from harness.types import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.choosing import Chance
    from harness.stats.agreement import Scale
    from harness.study import StudyFile
    from harness.types import Json

DRAWS = 1000
"""Resamples behind each interval."""
PACE_WINDOW = timedelta(minutes=30)
"""How far back answers count for the pace."""
COMPARING = frozenset(("pairwise", "ranking"))
"""Schemes that say which output is better rather than how good each is."""
# A majority of choices has no order, and ranks have no distances.
SCALES: Mapping[str, Scale] = {"pairwise": "nominal", "ranking": "ordinal"}
CHOICE_CODES = {"first": 0.0, "second": 1.0, "tie": 2.0, "both_bad": 3.0}

# Simulated raters take no places away from people; a unit is finished by either.
RATERS = "max(units.people, units.programs)"
PLACES = f"""
    SELECT sum(kind = 'normal') AS units,
        sum(kind = 'normal' AND {RATERS} >= :places) AS finished,
        sum({RATERS}) AS answers,
        sum(max(:places - {RATERS}, 0)) AS missing
    FROM units
    WHERE campaign = :campaign AND live AND kind IN ('normal', 'anchor')
"""  # noqa: S608 - a constant
BY_CHECKPOINT = f"""
    SELECT mine.checkpoint, count(DISTINCT units.id) AS units,
        count(DISTINCT CASE WHEN {RATERS} >= :places THEN units.id END) AS finished
    FROM units
    JOIN unit_outputs ON unit_outputs.unit = units.id
    JOIN outputs AS rated ON rated.id = unit_outputs.output
    JOIN current_outputs AS mine ON mine.item = rated.item
        AND mine.text = rated.text AND mine.sample = rated.sample
    WHERE units.campaign = :campaign AND units.live AND units.kind = 'normal'
    GROUP BY mine.checkpoint
"""  # noqa: S608 - a constant
RECENT = """
    SELECT count(DISTINCT ratings.assignment) AS answers, min(ratings.created) AS since
    FROM ratings
    JOIN assignments ON assignments.id = ratings.assignment
    WHERE assignments.campaign = ? AND ratings.state = 'rated'
        AND assignments.kind IN ('normal', 'anchor') AND ratings.created > ?
"""
RATINGS = """
    SELECT output_ratings.checkpoint, output_ratings.criterion, outputs.item,
        avg(output_ratings.value) AS value, count(*) AS ratings
    FROM output_ratings
    JOIN outputs ON outputs.id = output_ratings.of_output
    WHERE output_ratings.campaign = ?
    GROUP BY output_ratings.checkpoint, output_ratings.criterion, outputs.item
"""
WINS = """
    SELECT a.item, a.checkpoint AS one, b.checkpoint AS two, criterion, outcome
    FROM comparisons
    JOIN outputs AS a ON a.id = output_a
    JOIN outputs AS b ON b.id = output_b
    WHERE campaign = ?
"""


@dataclass(frozen=True, slots=True)
class Rated:
    """What raters said of one checkpoint on one criterion."""

    criterion: str
    """Name of the criterion."""
    ratings: int
    """Ratings that count; where outputs are compared, comparisons, those included
    that equal outputs decide without a rater."""
    estimate: Estimate
    """Mean rating over prompts; where outputs are compared the win rate from 0 to 1,
    ties as half a win."""


@dataclass(frozen=True, slots=True)
class CheckpointStand:
    """How far one checkpoint is."""

    checkpoint: str
    """Its name, with its series if there are several."""
    step: int | None
    """Its training step; None if unknown."""
    wave: int
    """The wave in which it joined, from 1."""
    units: int
    """Units that show an output of its own."""
    finished: int
    """Those of them that have all their raters."""
    rated: tuple[Rated, ...]
    """What raters said, by criterion."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far raters agree on one criterion."""

    criterion: str
    """Name of the criterion."""
    alpha: Estimate
    """Krippendorff's alpha over units."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign stands."""

    name: str
    """Name of the campaign."""
    scheme: str
    """Name of its rating scheme."""
    raters_per_unit: int
    """Different raters that each unit gets."""
    units: int
    """Units that count."""
    finished: int
    """Those of them that have all their raters."""
    answers: int
    """Answers that were given, anchors included."""
    missing: int
    """Answers that are still wanted, anchors included."""
    per_hour: float | None
    """Answers an hour of late; None if there was none in the last half hour."""
    seconds_left: float | None
    """Time to the end at that pace; None where there is no pace."""
    criteria: tuple[str, ...]
    """Names of the criteria, in the order in which they are asked."""
    comparing: bool
    """Whether outputs are compared, so that there are win rates and no means."""
    scale: tuple[float, float]
    """Lowest and highest mean, or win rate, that there can be."""
    checkpoints: tuple[CheckpointStand, ...]
    """By series and step."""
    agreement: tuple[Agreement, ...]
    """By criterion."""
    simulated: bool
    """Whether programs rate in it."""


def standing(
    study: StudyFile, campaign: Campaign, *, now: datetime | None = None
) -> Standing:
    """How the campaign stands at this moment."""
    time = now or datetime.now(UTC)
    deal(study, campaign, time)
    wanted = {"campaign": campaign.id, "places": campaign.raters_per_output}
    [counts] = _named(study, PLACES, wanted)
    missing = counts["missing"] or 0
    per_hour = _pace(study, campaign, time)
    return Standing(
        name=campaign.name,
        scheme=campaign.plan.scheme,
        raters_per_unit=campaign.raters_per_output,
        units=counts["units"] or 0,
        finished=counts["finished"] or 0,
        answers=counts["answers"] or 0,
        missing=missing,
        per_hour=per_hour,
        seconds_left=missing / per_hour * 3600 if per_hour else None,
        criteria=_criteria(campaign),
        comparing=campaign.plan.scheme in COMPARING,
        scale=scale_of(campaign),
        checkpoints=_checkpoints(study, campaign, wanted),
        agreement=_agreement(study, campaign),
        simulated=has_simulated_raters(study, campaign),
    )


def labels_of(study: StudyFile, task: str) -> dict[str, str]:
    """Id of each checkpoint to its name, with its series if there are several."""
    known = stored_checkpoints(study, task)
    several = len({checkpoint.series for checkpoint in known}) > 1
    return {
        one.id: f"{one.series}/{one.name}" if several else one.name for one in known
    }


def _criteria(campaign: Campaign) -> tuple[str, ...]:
    return tuple(criterion.name for criterion in campaign.plan.criteria)


def _named(
    study: StudyFile, query: str, parameters: Mapping[str, Json]
) -> list[dict[str, Json]]:
    cursor = study.db.conn.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _pace(study: StudyFile, campaign: Campaign, now: datetime) -> float | None:
    start = stored_time(now - PACE_WINDOW)
    [row] = study.rows(RECENT, [campaign.id, start])
    if not row["answers"]:
        return None
    spent = (now - datetime.fromisoformat(row["since"])).total_seconds()
    # The first answer took time, too, of which nothing is known: count from it on.
    answers = max(row["answers"] - 1, 1)
    return float(answers / max(spent, 1.0) * 3600)


def _checkpoints(
    study: StudyFile, campaign: Campaign, wanted: Mapping[str, Json]
) -> tuple[CheckpointStand, ...]:
    waves = study.mapping(
        "SELECT checkpoint, wave FROM waves WHERE campaign = ?", [campaign.id]
    )
    counts = {row["checkpoint"]: row for row in _named(study, BY_CHECKPOINT, wanted)}
    comparing = campaign.plan.scheme in COMPARING
    rated = _win_rates(study, campaign) if comparing else _means(study, campaign)
    labels = labels_of(study, campaign.task)
    return tuple(
        CheckpointStand(
            checkpoint=labels[one.id],
            step=one.step,
            wave=waves[one.id],
            units=counts[one.id]["units"] if one.id in counts else 0,
            finished=counts[one.id]["finished"] if one.id in counts else 0,
            rated=tuple(
                rated[one.id, criterion]
                for criterion in _criteria(campaign)
                if (one.id, criterion) in rated
            ),
        )
        for one in stored_checkpoints(study, campaign.task)
        if one.id in waves
    )


_Found = dict[tuple[str, str], Rated]


def _means(study: StudyFile, campaign: Campaign) -> _Found:
    values: dict[tuple[str, str], dict[str, float]] = {}
    ratings: Counter[tuple[str, str]] = Counter()
    for row in study.each(RATINGS, [campaign.id]):
        key = row["checkpoint"], row["criterion"]
        values.setdefault(key, {})[row["item"]] = row["value"]
        ratings[key] += row["ratings"]
    chances = chances_of(study, campaign)
    return {
        key: Rated(key[1], ratings[key], _mean(campaign, chances, of_item))
        for key, of_item in values.items()
    }


def _mean(
    campaign: Campaign, chances: Mapping[str, Chance], of_item: Mapping[str, float]
) -> Estimate:
    """The mean of all prompts that could have been drawn, as reports have it."""
    import numpy as np

    from harness.stats.combine import mean

    rated = np.array([of_item.get(item, np.nan) for item in chances])
    known = np.isfinite(rated)
    if known.sum() == 1:
        [value] = rated[known].tolist()
        return Estimate(value, n=1, method="no interval from one rated prompt")
    low, high = scale = scale_of(campaign)
    design = design_of(campaign, list(chances.values()), known)
    found = mean(rated, scale=scale, design=design).as_estimate()
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(low, found.low), high=min(high, found.high))


def _win_rates(study: StudyFile, campaign: Campaign) -> _Found:
    from harness.stats.bootstrap import mean_estimate

    values: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for item, one, two, criterion, won in study.db.execute(WINS, [campaign.id]):
        values.setdefault((one, criterion), []).append((item, won))
        values.setdefault((two, criterion), []).append((item, 1 - won))
    return {
        key: Rated(
            key[1],
            len(rows),
            mean_estimate(
                [value for _, value in rows],
                groups=[item for item, _ in rows],
                draws=DRAWS,
            ),
        )
        for key, rows in values.items()
    }


def _agreement(study: StudyFile, campaign: Campaign) -> tuple[Agreement, ...]:
    answers: dict[str, list[Given]] = {name: [] for name in _criteria(campaign)}
    for given in answers_to_units(study, campaign):
        answers.setdefault(given.criterion, []).append(given)
    scale = SCALES.get(campaign.plan.scheme, "interval")
    return tuple(
        Agreement(criterion, _alpha(given, scale))
        for criterion, given in answers.items()
    )


def _alpha(given: Sequence[Given], scale: Scale) -> Estimate:
    import numpy as np

    from harness.stats.agreement import alpha

    units = dict.fromkeys((one.unit, one.place) for one in given)
    row = {key: number for number, key in enumerate(units)}
    raters = dict.fromkeys(one.rater for one in given)
    column = {rater: number for number, rater in enumerate(raters)}
    ratings = np.full((len(row), len(column)), np.nan)
    for one in given:
        ratings[row[one.unit, one.place], column[one.rater]] = (
            CHOICE_CODES[one.choice] if one.choice else one.value
        )
    return alpha(ratings, scale=scale, draws=DRAWS)
