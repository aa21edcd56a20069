"""How long the statistics of metrics against people take, on random ratings.

10 metrics of 25 systems on 1,000 items, ratings from 1 to 5:

(a) `values`: Pearson, Spearman, pairwise accuracy, SPA and the values within items,
    each with the interval of 1,000 resamples;
(b) `agreement`: the same and all other statistics of `correlation.agreement`;
(c) `tests`: every permutation test of each two metrics, 1,000 swaps;
(d) `item_tau`: 1,000 swaps of Kendall's tau within items for 9 systems on 223 items,
    and `item_tau_loop`, the same in a loop over scipy.

    python benchmarks/statistics.py
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

sys.path.append(sys.path.pop(0))  # Python's own `statistics` comes before this file

import numpy as np
from scipy.stats import kendalltau

from harness.stats.correlation import agreement, by_item
from harness.stats.sample import Sample
from harness.stats.significance import contests
from harness.stats.system_level import of_pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOOPED = 20
"""Swaps that the loop over scipy makes; its time is scaled to those of the other."""


def main() -> None:
    """Measure all parts, or those named, and print the seconds."""
    options = _options()
    systems, items = options.systems, options.items
    scores, human = judgments(options.metrics, systems, items)
    few, few_human = judgments(2, min(9, systems), min(223, items))
    trials = options.trials
    parts: dict[str, Callable[[], Any]] = {
        "values": lambda: [values(one, human, trials) for one in scores],
        "agreement": lambda: [agreement(one, human, draws=trials) for one in scores],
        "tests": lambda: contests(scores, human, trials=trials, progress=_tell),
        "item_tau": lambda: item_tau_p(few, few_human, trials),
        "item_tau_loop": lambda: looped_item_tau_p(few, few_human, LOOPED),
    }
    seconds = {}
    for name, part in parts.items():
        if not options.only or name in options.only:
            begin = time.perf_counter()
            part()
            seconds[name] = time.perf_counter() - begin
    if "item_tau_loop" in seconds:
        seconds["item_tau_loop"] *= trials / LOOPED
    figures = {name: round(value, 3) for name, value in seconds.items()}
    print(json.dumps(figures, indent=2) if options.json else _table(figures))


def judgments(metrics: int, systems: int, items: int) -> tuple[Floats, Floats]:
    """Scores (metrics, systems, items) and ratings from 1 to 5 (systems, items)."""
    rng = np.random.default_rng(7)
    quality = rng.normal(size=(systems, items)) + rng.normal(size=(systems, 1)) / 3
    human = np.clip(np.round(3 + quality + rng.normal(size=quality.shape)), 1, 5)
    noise = rng.normal(size=(metrics, *quality.shape))
    return quality + noise * np.linspace(0.8, 1.6, metrics)[:, None, None], human


def values(metric: Floats, human: Floats, draws: int) -> tuple[object, ...]:
    """The statistics of systems and within items, with intervals."""
    sample = Sample.of(metric, human, draws, seed=0)
    return of_pairs(sample), by_item(sample)


def item_tau_p(scores: Floats, human: Floats, trials: int) -> float:
    """How likely the first metric's lead in tau within items is by chance."""
    wanted = "by_item.kendall"
    found = contests(scores, human, statistics=[wanted], trials=trials)[wanted]
    return float(found.p[0, 1])


def looped_item_tau_p(scores: Floats, human: Floats, trials: int) -> float:
    """The same p in a loop over swaps and items."""
    rng = np.random.default_rng(0)
    first, second = ((one - one.mean()) / one.std() for one in scores[:2])

    def difference(swap: NDArray[np.bool_]) -> float:
        taken = np.where(swap, second, first), np.where(swap, first, second)
        taus = [
            np.nanmean(
                [
                    kendalltau(x, y).statistic
                    for x, y in zip(side.T, human.T, strict=True)
                ]
            )
            for side in taken
        ]
        return float(taus[0] - taus[1])

    real = difference(np.zeros(human.shape, dtype=bool))
    swaps = (rng.integers(2, size=human.shape, dtype=np.bool_) for _ in range(trials))
    return (sum(difference(swap) >= real for swap in swaps) + 1) / (trials + 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--metrics", type=int, default=10)
    parser.add_argument("--systems", type=int, default=25)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=1000, help="resamples and swaps")
    parser.add_argument("--only", nargs="*", help="parts to measure, by name")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _table(seconds: dict[str, float]) -> str:
    lines = ["| Part | Seconds |", "| --- | --- |"]
    lines += [f"| `{name}` | {value:.2f} |" for name, value in seconds.items()]
    return "\n".join(lines)


def _tell(done: int, total: int) -> None:
    print(f"{done} of {total} pairs of metrics", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
