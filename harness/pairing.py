"""Two checkpoints of a campaign: ratings, scores, and how prompts were drawn.

Where both wrote the same for a prompt, the difference is known to be none without a
rating. Such prompts are counted and left out: they would be known before all others,
so that an estimate in the middle of a campaign would be drawn towards no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.campaign import chances_of
from harness.errors import UsageError
from harness.schemes.slider import HIGHEST
from harness.stats.rated_prompts import Design, joined_strata
from harness.types import Json
from harness.yardstick import values_by, yardstick

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.campaign import Campaign
    from harness.choosing import Chance
    from harness.study import StudyFile

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.intp]

WRITTEN = """
    SELECT current_outputs.checkpoint, current_outputs.item, current_outputs.text
    FROM current_outputs
    JOIN waves ON waves.checkpoint = current_outputs.checkpoint AND waves.campaign = ?
    WHERE current_outputs.task = ? AND current_outputs.sample = 0
"""
RATED = """
    SELECT output_ratings.id, output_ratings.criterion, outputs.item,
        output_ratings.checkpoint, NULL, output_ratings.rater, output_ratings.value
    FROM output_ratings
    JOIN outputs ON outputs.id = output_ratings.of_output
    WHERE output_ratings.campaign = ?
    ORDER BY output_ratings.id
"""
# A comparison was given when its newest answer was.
COMPARED = """
    SELECT given.number, comparisons.criterion, a.item, a.checkpoint, b.checkpoint,
        comparisons.rater, comparisons.outcome
    FROM comparisons
    JOIN outputs AS a ON a.id = comparisons.output_a
    JOIN outputs AS b ON b.id = comparisons.output_b
    JOIN (SELECT assignment, max(id) AS number FROM ratings GROUP BY assignment)
        AS given ON given.assignment = comparisons.assignment
    WHERE comparisons.campaign = ? AND NOT comparisons.identical
    ORDER BY given.number
"""

Row = tuple[int, str, str, str, str | None, Json, float]
"""Number, criterion, prompt, checkpoint, the other one where two are compared, rater,
and the rating, or 1 where the first of both was preferred."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What is known of two checkpoints by one criterion."""

    criterion: str
    """Name of the criterion."""
    first: str
    """Id of the checkpoint that is subtracted."""
    second: str
    """Id of the other."""
    comparing: bool
    """Whether outputs were compared: values are 1 where the second was preferred."""
    scale: tuple[float, float]
    """Least and largest value that can be given."""
    prompts: tuple[str, ...]
    """Ids of the prompts for which both wrote, not the same, drawn or not."""
    equal: int
    """Prompts for which both wrote the same."""
    drawn: int
    """Of `prompts`, those that the campaign has drawn."""
    metric: str | None
    """Signature of the metric; None if there are no scores."""
    scores: Floats | None
    """(prompts, 2), of the first and the second; NaN where there is none."""
    prompt: Numbers
    """(ratings,), number of the prompt of each rating, in the order they were given."""
    side: Numbers
    """(ratings,), 0 for the first and 1 for the second; 0 where both are compared."""
    rater: Numbers
    """(ratings,), number of the rater."""
    value: Floats
    """(ratings,), what the rater said."""
    probabilities: Floats | None = None
    """(prompts,), with which each was drawn for the campaign; None: all alike."""
    strata: Numbers | None = None
    """(prompts,), the stratum of each; None where prompts were drawn from all."""

    def matrices(self, ratings: int | None = None) -> tuple[Floats, Floats]:
        """What was said of both, (prompts, raters) each, NaN where nothing was.

        Args:
            ratings: only the first so many; None for all.
        """
        raters = int(self.rater.max(initial=-1)) + 1
        found = np.full((2, len(self.prompts), raters), np.nan)
        of = slice(ratings)
        found[self.side[of], self.prompt[of], self.rater[of]] = self.value[of]
        return found[0], found[1]

    def rated(self, ratings: int | None = None) -> NDArray[np.bool_]:
        """(prompts,), whether both are rated after so many ratings."""
        first, second = (np.isfinite(one).any(axis=1) for one in self.matrices(ratings))
        return np.asarray(first if self.comparing else first & second)

    def design(self, rated: NDArray[np.bool_]) -> Design:
        """How the rated prompts were drawn: for the campaign, then from its prompts."""
        return _design(self.probabilities, self.strata, self.drawn, rated)


@dataclass(frozen=True)
class CampaignRatings:
    """All ratings of a campaign that count, read once for all pairs."""

    campaign: Campaign
    """The campaign."""
    metric: str | None
    """Signature of the metric that scores come from; None if there are none."""
    texts: Mapping[str, Mapping[str, str]]
    """Id of each checkpoint, in order, to prompt to what it wrote."""
    scores: Mapping[tuple[str, str], float]
    """Checkpoint and prompt to the metric's value."""
    chances: Mapping[str, Chance]
    """Every prompt that could have been drawn, by its id."""
    rows: Sequence[Row]
    """In the order they were given."""

    @property
    def comparing(self) -> bool:
        """Whether outputs are compared rather than rated each by itself."""
        return self.campaign.scheme.together > 1

    def pair(self, criterion: str, first: str, second: str) -> Pair:
        """Two checkpoints, by their ids.

        Raises:
            UsageError: one of them is not in the campaign, or both are the same.
        """
        for one in (first, second):
            if one not in self.texts or first == second:
                raise UsageError(
                    f"Campaign '{self.campaign.name}' has no two checkpoints "
                    f"{first!r} and {second!r} to compare."
                )
        wrote, also = self.texts[first], self.texts[second]
        # What came after the draw could not be drawn.
        shared = [item for item in wrote if item in also and item in self.chances]
        prompts = tuple(item for item in shared if wrote[item] != also[item])
        number = {item: at for at, item in enumerate(prompts)}
        rows = [
            (number[item], *said)
            for _, of, item, one, other, rater, value in self.rows
            if of == criterion and item in number
            for said in _said(one, other, rater, value, (first, second))
        ]
        raters = {name: at for at, name in enumerate({row[2]: 0 for row in rows})}
        return Pair(
            criterion=criterion,
            first=first,
            second=second,
            comparing=self.comparing,
            scale=scale_of(self.campaign),
            prompts=prompts,
            equal=len(shared) - len(prompts),
            drawn=len(number.keys() & set(self.campaign.items)),
            metric=self.metric,
            scores=self._scores(prompts, first, second),
            prompt=np.array([row[0] for row in rows], dtype=np.intp),
            side=np.array([row[1] for row in rows], dtype=np.intp),
            rater=np.array([raters[row[2]] for row in rows], dtype=np.intp),
            value=np.array([row[3] for row in rows], dtype=float),
            **_drawn(self.campaign, [self.chances[item] for item in prompts]),
        )

    def _scores(self, prompts: Sequence[str], first: str, second: str) -> Floats | None:
        if self.metric is None:
            return None
        found = [
            [self.scores.get((one, item), np.nan) for one in (first, second)]
            for item in prompts
        ]
        return np.array(found, dtype=float).reshape(len(prompts), 2)


def design_of(
    campaign: Campaign, chances: Sequence[Chance], rated: NDArray[np.bool_]
) -> Design:
    """How the rated ones of prompts were drawn, as estimates of means need it.

    Args:
        campaign: whose prompts they are.
        chances: of each prompt that could have been drawn.
        rated: (prompts,), whether each is rated.
    """
    about = {"probabilities": None, "strata": None} | _drawn(campaign, chances)
    drawn = sum(one.place is not None for one in chances)
    return _design(about["probabilities"], about["strata"], drawn, rated)


def _drawn(campaign: Campaign, chances: Sequence[Chance]) -> dict[str, Any]:
    """Probabilities or strata, where prompts were not drawn all alike."""
    if campaign.plan.draw == "stratified":
        strata = [one.stratum or 0 for one in chances]
        return {"strata": np.array(strata, dtype=np.intp)}
    if campaign.plan.draw == "active":
        return {"probabilities": np.array([one.probability for one in chances])}
    return {}


def _design(
    chance: Floats | None,
    strata: Numbers | None,
    drawn: int,
    rated: NDArray[np.bool_],
) -> Design:
    """Strata with fewer than two rated prompts join the next."""
    if chance is not None:
        chance = chance * rated.sum() / max(drawn, 1)
    if strata is not None:
        strata = joined_strata(strata, rated)
    return Design(probabilities=chance, strata=strata)


def ratings_of(
    study: StudyFile, campaign: Campaign, metric: str | None = None
) -> CampaignRatings:
    """All ratings of a campaign that count, with scores of one metric.

    Args:
        study: with outputs, scores and ratings.
        campaign: one of likert, slider, spans, pairwise or ranking.
        metric: its name or signature; None for the one that the plan draws by, or
            the first directed one.

    Raises:
        NotFound: the study has no scores of the metric.
    """
    signature = yardstick(study, campaign.task, metric or campaign.plan.draw_by)
    order = study.column(
        "SELECT checkpoint FROM waves JOIN checkpoints ON checkpoints.id = checkpoint "
        "WHERE campaign = ? ORDER BY series, step IS NULL, step, name",
        [campaign.id],
    )
    texts: dict[str, dict[str, str]] = {checkpoint: {} for checkpoint in order}
    written = study.db.execute(WRITTEN, [campaign.id, campaign.task])
    for checkpoint, item, text in written:
        texts[checkpoint][item] = text
    query = COMPARED if campaign.scheme.together > 1 else RATED
    return CampaignRatings(
        campaign=campaign,
        metric=signature,
        texts=texts,
        scores=values_by(study, campaign.task, signature) if signature else {},
        chances=chances_of(study, campaign),
        rows=study.db.execute(query, [campaign.id]).fetchall(),
    )


def scale_of(campaign: Campaign) -> tuple[float, float]:
    """Least and largest rating, or outcome of a comparison, that there can be."""
    if campaign.scheme.together > 1:
        return 0.0, 1.0
    if campaign.plan.scheme == "likert":
        return 1.0, float(campaign.plan.points)
    return 0.0, float(HIGHEST)


def _said(
    one: str, other: str | None, rater: Json, value: float, pair: tuple[str, str]
) -> list[tuple[int, Json, float]]:
    """Side, rater and value of a rating, if it is about the pair."""
    if other is None:
        return [(pair.index(one), rater, value)] if one in pair else []
    if (one, other) == pair:
        return [(0, rater, 1 - value)]
    return [(0, rater, value)] if (other, one) == pair else []
