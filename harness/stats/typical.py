"""How much ratings vary where nobody has rated yet: measured on published sets.

As shares of the scale's length, tau / s_r: WebNLG 2017, 1 to 3, semantics 0.325 /
0.285; WebNLG 2020, 0 to 100, correctness 0.068 / 0.156, fluency 0.120 / 0.190 (Castro
Ferreira et al. 2020); Simplicity-DA, 0 to 100, 0.257 / 0.247 (Alva-Manchego et al.
2021). Of comparisons only a bound is known: an outcome of 0 or 1 has at most the
variance 1/4, of which 0.4 are taken to be the prompts'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.stats.planning import Spread

EXPLAINED = 0.15
"""Share of the variance of one rater's differences that a metric is taken to explain:
lexical metrics were measured to explain 0 to 30 % of it."""


@dataclass(frozen=True, slots=True)
class Typical:
    """What stands in for ratings."""

    usual: Spread
    """On the scale asked for."""
    low: float
    """Factor of the variance in the steadiest of the sets."""
    high: float
    """Factor of the variance in the least steady one."""
    source: str
    """Where it was measured, in words for readers."""

    def spread(self, *, metric: bool = False) -> Spread:
        """For a plan, with or without a metric."""
        return self.usual if metric else replace(self.usual, explained=0.0)

    def range_of(self, raters: int, *, metric: bool = False) -> tuple[float, float]:
        """Factors by which the variance may be smaller or larger, all alike."""
        del raters, metric
        return self.low, self.high


def typical_ratings(length: float, *, points: bool) -> Typical:
    """For differences of ratings.

    Args:
        length: of the scale, its highest less its lowest rating.
        points: whether raters choose one of a few points rather than a place on a line.
    """
    steady, fluency, simplicity, coarse = (
        _spread(tau, noise)
        for tau, noise in ((0.068, 0.156), (0.12, 0.19), (0.257, 0.247), (0.325, 0.285))
    )
    middle, most = (coarse, coarse) if points else (fluency, simplicity)
    one = middle.of_prompt(1)
    return Typical(
        usual=middle.times(length**2),
        low=steady.of_prompt(1) / one,
        high=most.of_prompt(1) / one,
        source="WebNLG 2017 (semantics)" if points else "WebNLG 2020 (fluency)",
    )


def typical_comparisons() -> Typical:
    """For how often one of two outputs is preferred, 0 to 1."""
    spread = Spread(item=0.1, noise=0.15, explained=EXPLAINED * 0.25)
    return Typical(spread, 0.5, 1.0, "comparisons without ties, the most that can be")


def _spread(tau: float, noise: float) -> Spread:
    found = Spread(item=tau**2, noise=2 * noise**2)
    return Spread(found.item, found.noise, EXPLAINED * found.of_prompt(1))
