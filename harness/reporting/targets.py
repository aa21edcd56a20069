"""What counts as people's judgment: ratings as given, z-scores, or less severity.

Each target is a change of the ratings alone, so that every number of a report can rest
on any of them. What is said of the raters themselves (alpha, ICC, severity) always
rests on the ratings as they were given.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from harness.errors import NotFound
from harness.reporting.agreement import rating_table
from harness.reporting.formats import counted, number, on_one_line
from harness.stats.crossed import shares_of_raters
from harness.stats.severity import severities

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.reporting.evidence import Evidence
    from harness.reporting.given_ratings import GivenRatings
    from harness.stats.crossed import Ratings
    from harness.stats.severity import Severities

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

Human = Literal["raw", "z", "adjusted"]
TARGETS: tuple[Human, ...] = ("raw", "z", "adjusted")

LEAST_RATINGS = 20
"""Ratings below which a rater's own mean and spread are mostly noise."""

MIX_P = 0.01
"""p of the chi-square test below which mixes may differ,"""

MIX_V = 0.1
"""and Cramér's V from which they differ enough to matter."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The mixed model of one criterion's ratings."""

    raters: Sequence[int]
    """Numbers of the raters, in the order of the model."""
    ratings: Floats
    """As given, shape (outputs, raters); NaN where missing."""
    severities: Severities | None
    """What it says of them; None where severity cannot be told from noise."""

    @property
    def of_rater(self) -> dict[int, float]:
        """Number of each rater to severity, in points; 0 where it is unknown."""
        if self.severities is None:
            return {}
        known = np.nan_to_num(self.severities.of_rater).tolist()
        return dict(zip(self.raters, known, strict=True))

    def less_severity(self, rater: Indices, values: Floats) -> Floats:
        """Ratings less the severity of those who gave them, by their numbers."""
        known = np.array([*self.of_rater.values()] or np.zeros(len(self.raters)))
        adjusted: Floats = values - known[np.searchsorted(self.raters, rater)]
        return adjusted

    def unsure(
        self, first: Ratings, other: Ratings | None = None
    ) -> tuple[float, float]:
        """What severities add to the squared standard error, and its freedom.

        Of the mean rating of one checkpoint, or of its difference from another.
        """
        if self.severities is None:
            return 0.0, np.inf
        rater, share = shares_of_raters(first, other)
        shares = np.zeros(len(self.raters))
        shares[np.searchsorted(self.raters, rater)] = share
        return self.severities.variance(shares)

    @property
    def apart(self) -> int:
        """Raters who share no output with others, so that nothing is known of them."""
        if self.severities is None:
            return len(self.raters)
        return int(np.isnan(self.severities.of_rater).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How each rater's ratings of one criterion lie; arrays of shape (raters,)."""

    raters: Indices
    """Their numbers, ascending."""
    sizes: Indices
    """How many ratings each gave."""
    means: Floats
    """Their means."""
    sds: Floats
    """Their standard deviations (of a population); NaN where all are the same."""

    @classmethod
    def of(cls, rater: Indices, values: Floats) -> Spread:
        """Of ratings one by one and the numbers of their raters."""
        raters, own = np.unique(rater, return_inverse=True)
        sizes = np.bincount(own)
        means = np.bincount(own, values) / sizes
        order = np.argsort(own, kind="stable")
        starts = np.cumsum(sizes) - sizes
        lowest, highest = (
            end.reduceat(values[order], starts) for end in (np.minimum, np.maximum)
        )
        sds = np.sqrt(np.bincount(own, (values - means[own]) ** 2) / sizes)
        return cls(raters, sizes, means, np.where(highest > lowest, sds, np.nan))

    def z(self, rater: Indices, values: Floats) -> Floats:
        """Ratings in units of their raters' spreads, NaN where there is none."""
        at = np.searchsorted(self.raters, rater)
        scores: Floats = (values - self.means[at]) / self.sds[at]
        return scores


@dataclass(frozen=True, slots=True)
class Target:
    """The evidence with the ratings that count, and what makes them unsafe."""

    evidence: Evidence
    """As it was, but for the ratings."""
    warnings: tuple[str, ...] = ()
    """Sentences; empty where nothing speaks against the target."""


def fits(evidence: Evidence) -> dict[str, Fit]:
    """Criterion to the mixed model of its ratings."""
    found = {}
    for criterion in evidence.rating_columns_once:
        raters, table = rating_table(evidence, criterion)
        found[criterion] = Fit(raters, table, severities(table))
    return found


def spreads(evidence: Evidence) -> dict[str, Spread]:
    """Criterion to how each rater's ratings lie, each rating once."""
    return {
        criterion: Spread.of(some.rater, some.value)
        for criterion, some in evidence.given.once().by_criterion().items()
    }


def named(human: str) -> Human:
    """The target of that name.

    Raises:
        NotFound: there is none.
    """
    for one in TARGETS:
        if one == human:
            return one
    raise NotFound("kind of human judgment", human, TARGETS)


def target(evidence: Evidence, human: Human, models: Mapping[str, Fit]) -> Target:
    """The evidence with its ratings turned into what is asked for.

    Args:
        evidence: with the ratings as they were given.
        human: `raw`; `z`: less the mean of all the rater's ratings of the criterion,
            over their standard deviation (that of a population, divided by n); or
            `adjusted`: less the rater's severity from the mixed model.
        models: of the same evidence, see `fits`; only `adjusted` reads them.
    """
    if human == "z":
        return standardised(evidence)
    return adjusted(evidence, models) if human == "adjusted" else Target(evidence)


def standardised(evidence: Evidence) -> Target:
    """Each rater's ratings of a criterion in units of that rater's own spread.

    Who always gives the same has no spread: such ratings are left out, and outputs
    that lose all their ratings count as dropped.
    """
    found, given = spreads(evidence), evidence.given
    known = given.turned({criterion: one.z for criterion, one in found.items()})
    kept, lost = (set(zip(g.output, g.criterion, strict=True)) for g in (known, given))
    sizes = {
        (criterion, rater): size
        for criterion, one in found.items()
        for rater, size in zip(one.raters.tolist(), one.sizes.tolist(), strict=True)
    }
    return Target(
        replace(
            evidence,
            ratings=known,
            skipped=evidence.skipped | (lost - kept),
        ),
        tuple(_unsafe_z(evidence, known, sizes)),
    )


def adjusted(evidence: Evidence, models: Mapping[str, Fit]) -> Target:
    """Each rating less its rater's severity; as given where that is unknown."""
    turns = {criterion: fit.less_severity for criterion, fit in models.items()}
    less = replace(
        evidence,
        ratings=evidence.given.turned(turns),
        unsure={criterion: fit.unsure for criterion, fit in models.items()},
    )
    return Target(less, tuple(_unsafe_adjustment(models)))


def _unsafe_adjustment(models: Mapping[str, Fit]) -> Iterator[str]:
    for criterion, fit in models.items():
        name = on_one_line(criterion)
        if fit.severities is None:
            yield (
                f"Severity on {name} cannot be told from noise, as raters share too "
                "few outputs: its ratings stand as they were given."
            )
        elif fit.apart:
            yield (
                f"{fit.apart:,} of {counted(len(fit.raters), 'rater')} share no output "
                f"with others on {name}: their ratings stand as they were given."
            )


def _unsafe_z(
    evidence: Evidence,
    known: GivenRatings,
    sizes: Mapping[tuple[str, int], int],
) -> Iterator[str]:
    """Constant raters, raters with few ratings, and mixes that differ."""
    spread = set(zip(known.criterion, known.rater.tolist(), strict=True))
    rated = known.by_criterion()
    for criterion in evidence.criteria:
        name = on_one_line(criterion.name)
        own = {
            rater: size for rater, size in sizes.items() if rater[0] == criterion.name
        }
        everybody = counted(len(own), "rater")
        constant = [size for rater, size in own.items() if rater not in spread]
        if constant:
            yield (
                f"{len(constant):,} of {everybody} gave one and the same rating on "
                f"{name} and have no z-scores: {counted(sum(constant), 'rating')} left "
                "out."
            )
        few = [size < LEAST_RATINGS for rater, size in own.items() if rater in spread]
        if any(few):
            yield (
                f"z-scores on {name} are unsafe: {sum(few):,} of {everybody} gave "
                f"fewer than {LEAST_RATINGS} ratings, so that their mean and spread "
                "are mostly noise."
            )
        if criterion.name in rated:
            yield from _unlike_mixes(evidence, name, rated[criterion.name])


def _unlike_mixes(
    evidence: Evidence, criterion: str, known: GivenRatings
) -> Iterator[str]:
    from scipy.stats import chi2_contingency

    table = _mixes(evidence, known)
    if min(table.shape) < 2:  # noqa: PLR2004 - raters and checkpoints to compare
        return
    test = chi2_contingency(table, correction=False)
    freedom = table.sum() * (min(table.shape) - 1)
    size = float(np.sqrt(test.statistic / freedom))
    if test.pvalue < MIX_P and size >= MIX_V:
        yield (
            f"z-scores on {criterion} are unsafe: raters saw different "
            "mixes of checkpoints (chi-square test of raters by checkpoints, "
            f"p {test.pvalue:.2g}, Cramér's V {number(size)}), and who saw better ones "
            "is taken for milder, which hides differences between checkpoints. "
            "--human adjusted allows for the mix."
        )


def _mixes(evidence: Evidence, known: GivenRatings) -> NDArray[np.int64]:
    """How many outputs of each checkpoint each rater rated, (raters, checkpoints)."""
    checkpoint_of = {
        output.id: checkpoint
        for checkpoint, outputs in evidence.outputs.items()
        for output in outputs
    }
    checkpoints = map(checkpoint_of.__getitem__, known.output)
    seen = Counter(zip(known.rater.tolist(), checkpoints, strict=True))
    row = {rater: at for at, rater in enumerate(dict.fromkeys(r for r, _ in seen))}
    column = {name: at for at, name in enumerate(dict.fromkeys(c for _, c in seen))}
    table = np.zeros((len(row), len(column)), dtype=np.int64)
    for (rater, checkpoint), times in seen.items():
        table[row[rater], column[checkpoint]] = times
    return table
