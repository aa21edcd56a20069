"""What raters prefer, where they compared outputs: win rates and strengths."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from harness.campaign import campaigns_of
from harness.errors import StudyError
from harness.quality.answers import NEUTRAL, answers_of
from harness.reporting.lead import Lead
from harness.reporting.people import Preference, Preferred
from harness.reporting.questions import criteria_of, of_newest_question
from harness.stats.agreement import alpha
from harness.stats.bootstrap import mean_estimate, undefined
from harness.stats.preference import position_bias, preferences

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from harness.campaign import Campaign
    from harness.reporting.estimates import Resampling
    from harness.reporting.model import CriterionInfo
    from harness.study import StudyFile
    from harness.types import Estimate, Json

COMPARING = frozenset(("pairwise", "ranking"))
"""Schemes that say which output is better rather than how good each is."""

# Equal outputs are a tie once, in however many campaigns.
COMPARED = """
    SELECT DISTINCT comparisons.assignment, comparisons.criterion, comparisons.outcome,
        comparisons.identical, comparisons.output_a, comparisons.output_b,
        a.item, a.checkpoint AS one, b.checkpoint AS two,
        assignments.campaign, assignments.rater, raters.kind, raters.name
    FROM comparisons
    JOIN outputs AS a ON a.id = comparisons.output_a
    JOIN outputs AS b ON b.id = comparisons.output_b
    LEFT JOIN assignments ON assignments.id = comparisons.assignment
    LEFT JOIN raters ON raters.id = assignments.rater
    WHERE comparisons.task = ?
    ORDER BY comparisons.assignment, comparisons.output_a, comparisons.output_b
"""
SECONDS = """
    SELECT assignment, max(seconds) AS seconds FROM current_ratings
    JOIN campaigns ON campaigns.id = current_ratings.campaign
    WHERE campaigns.task = ? AND campaigns.scheme IN ('pairwise', 'ranking')
        AND current_ratings.kind = 'normal'
    GROUP BY assignment
"""
LIVE = """
    SELECT id, item FROM units WHERE campaign = ? AND live AND kind = 'normal'
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one rater said of two outputs that stood on one page."""

    item: str
    """Id of the prompt."""
    pair: tuple[int, int, int]
    """Unit and the two places within it, whatever the page's order."""
    rater: str
    """Name of the rater."""
    outcome: float
    """1 where the lower place was preferred, 0 where the other, 0.5 where neither."""
    first: float
    """Likewise of the output that the page showed first."""
    both_bad: bool | None
    """Whether neither was preferred as both are bad; None where that is no answer."""

    @property
    def tied(self) -> bool:
        """Whether neither was preferred, and not as both are bad."""
        return self.outcome == NEUTRAL and not self.both_bad


@dataclass(frozen=True)
class Comparisons:
    """What counts of a task's comparisons, read once."""

    rows: tuple[Mapping[str, Json], ...] = ()
    """Of the view `preferences`, each pair of checkpoints and answer once; with item,
    both checkpoints (`one`, `two`), and number, kind and name of the rater, which are
    None if identical."""
    asked: Mapping[str, tuple[Asked, ...]] | None = None
    """Criterion to what raters said; None where a campaign cannot be read."""
    criteria: tuple[CriterionInfo, ...] = ()
    """Those that somebody was asked about."""
    seconds: Mapping[int, float] = field(default_factory=dict)
    """Assignment to how long it took, of those where that is known."""

    @property
    def kinds(self) -> dict[int, str]:
        """Rater to kind."""
        return {r["rater"]: r["kind"] for r in self.rows if not r["identical"]}

    def without(self, names: Collection[str]) -> Comparisons:
        """The same less what raters of these names said, and what nobody else did."""
        rows = [row for row in self.rows if row["name"] not in names]
        left = {row["criterion"] for row in rows if not row["identical"]}
        asked = self.asked or {}
        return replace(
            self,
            rows=tuple(row for row in rows if row["criterion"] in left),
            asked={
                criterion: tuple(one for one in some if one.rater not in names)
                for criterion, some in asked.items()
            },
            criteria=tuple(one for one in self.criteria if one.name in left),
        )

    @property
    def answers(self) -> int:
        """Answers that raters gave, one for each page and criterion."""
        given = {(r["assignment"], r["criterion"]) for r in self.rows}
        return len({one for one in given if one[0] is not None})


def comparisons_of(study: StudyFile, task: str) -> Comparisons:
    """What counts of a task's comparisons, by the questions asked last."""
    found = study.rows(COMPARED, [task])
    given = of_newest_question(study, task, [r for r in found if not r["identical"]])
    names = {row["criterion"] for row in given}
    if not names:
        return Comparisons()
    equal = [r for r in found if r["identical"] and r["criterion"] in names]
    counted = {(row["campaign"], row["criterion"]) for row in given}
    times = study.mapping(SECONDS, [task])
    used = {row["assignment"] for row in given}
    return Comparisons(
        rows=(*given, *equal),
        asked=_asked(study, task, counted),
        criteria=criteria_of(study, task, names, comparing=True),
        seconds={one: t for one, t in times.items() if one in used and t is not None},
    )


def _asked(
    study: StudyFile, task: str, counted: set[tuple[int, str]]
) -> Mapping[str, tuple[Asked, ...]] | None:
    try:
        campaigns = campaigns_of(study, task)
    except StudyError:
        return None
    found: dict[str, list[Asked]] = {}
    for campaign in campaigns:
        if campaign.plan.scheme in COMPARING:
            for criterion, one in _of_campaign(study, campaign):
                if (campaign.id, criterion) in counted:
                    found.setdefault(criterion, []).append(one)
    return {criterion: tuple(some) for criterion, some in found.items()}


def _of_campaign(study: StudyFile, campaign: Campaign) -> Iterator[tuple[str, Asked]]:
    item_of = study.mapping(LIVE, [campaign.id])
    for said in answers_of(study, campaign):
        if said.kind != "normal" or said.unit not in item_of:
            continue
        for criterion, points in said.points.items():
            for first, other in combinations(said.places, 2):
                low, high = sorted((first, other))
                one = Asked(
                    item=item_of[said.unit],
                    pair=(said.unit, low, high),
                    rater=said.rater,
                    outcome=points[low, high],
                    first=points[first, other],
                    both_bad=None
                    if isinstance(said.page[criterion], list)
                    else said.page[criterion] == "both_bad",
                )
                yield criterion, one


def preferred(
    comparisons: Comparisons, labels: Mapping[str, str], resampling: Resampling
) -> tuple[list[Preferred], list[Lead]]:
    """What raters prefer by each criterion, and how far the best is ahead.

    Args:
        comparisons: what counts.
        labels: id of each checkpoint to its label, by series and step.
        resampling: of prompts, each with all its comparisons and raters.
    """
    found, leads = [], []
    for criterion in comparisons.criteria:
        rows = [r for r in comparisons.rows if r["criterion"] == criterion.name]
        asked = (comparisons.asked or {}).get(criterion.name, ())
        one, ahead = _of_criterion(criterion, rows, asked, labels, resampling)
        found.append(one)
        best, second, *_ = one.ranked
        lead = Lead("preference", criterion.name, best, second, ahead, unit="log-odds")
        leads.append(lead)
    return found, leads


def _of_criterion(
    criterion: CriterionInfo,
    rows: Sequence[Mapping[str, Json]],
    asked: Sequence[Asked],
    labels: Mapping[str, str],
    resampling: Resampling,
) -> tuple[Preferred, Estimate]:
    met = {row[side] for row in rows for side in ("one", "two")}
    compared = [checkpoint for checkpoint in labels if checkpoint in met]
    number = {checkpoint: at for at, checkpoint in enumerate(compared)}
    items = {item: at for at, item in enumerate({row["item"]: None for row in rows})}
    result = preferences(
        [row["outcome"] for row in rows],
        [number[row["one"]] for row in rows],
        [number[row["two"]] for row in rows],
        [items[row["item"]] for row in rows],
        systems=len(compared),
        draws=resampling.draws,
        seed=resampling.seed,
    )
    made = Preferred(
        criterion=criterion,
        checkpoints={
            labels[checkpoint]: Preference(result.win_rate[at], result.strength[at])
            for checkpoint, at in number.items()
        },
        identical=sum(bool(row["identical"]) for row in rows),
        ties=_share(asked, lambda one: one.tied, resampling),
        both_bad=_share(
            [one for one in asked if one.both_bad is not None],
            lambda one: bool(one.both_bad),
            resampling,
        ),
        left=_left(asked, resampling),
        alpha=_alpha(asked, resampling),
    )
    return made, result.lead


def _share(
    asked: Sequence[Asked], ended_so: Callable[[Asked], bool], resampling: Resampling
) -> Estimate:
    if not asked:
        return undefined("nobody was asked for it")
    found = mean_estimate(
        [float(ended_so(one)) for one in asked],
        [one.item for one in asked],
        draws=resampling.draws,
        seed=resampling.seed,
    )
    method = f"share of what raters were asked; {found.method}"
    return replace(found, n=len(asked), method=method)


def _left(asked: Sequence[Asked], resampling: Resampling) -> Estimate:
    decided = [one for one in asked if one.first != NEUTRAL]
    if not decided:
        return undefined("no comparison was decided")
    found = position_bias(
        [one.first for one in decided],
        [one.item for one in decided],
        draws=resampling.draws,
        seed=resampling.seed,
    )
    return replace(found, n=len(decided), dropped=len(asked) - len(decided))


def _alpha(asked: Sequence[Asked], resampling: Resampling) -> Estimate:
    row = {pair: at for at, pair in enumerate(dict.fromkeys(o.pair for o in asked))}
    column = {name: at for at, name in enumerate(dict.fromkeys(o.rater for o in asked))}
    table = np.full((len(row), len(column)), np.nan)
    for one in asked:
        table[row[one.pair], column[one.rater]] = one.outcome
    return alpha(table, scale="nominal", draws=resampling.draws, seed=resampling.seed)
