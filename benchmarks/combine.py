"""How often 95 % intervals of ratings and scores together are right, and how wide.

For each kind of ratings and each number of rated prompts, 10,000 data sets are drawn
whose true mean is known; 200 more prompts have a metric's score alone. A row gives the
share of intervals that hold the truth, in percent, and behind it their mean width over
data sets with unequal ratings, divided by that of the classical t interval. Shares of
10,000 have a standard error of 0.1 to 0.3 points. Other packages stand beside Tandem
where they are installed (ppi-python, truescore, evalstats; in an environment of their
own, with numpy and scipy, and PYTHONPATH at this repository) and get the same data sets
one by one.

A row is marked where Tandem breaks its promise: 93.5 to 97.5 % wherever the classical
interval covers 94 % or more, elsewhere at most 1 point below it; never wider than 1.05.
Below that table: looks after every ten ratings.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import erf, exp, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.stats.anytime import multiplier
from harness.stats.combine import Design
from harness.stats.control_variate import (
    Rated,
    fit,
    metric_helps,
    normal_scores,
    r_squared,
)
from harness.stats.cross_fitted import predictions
from harness.stats.sharpened import LIKE_THESE, half_width, unseen_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]
    Ends = tuple[Floats, Floats]

RATED = (10, 15, 25, 50, 100)
MORE = 200
SAMPLES = 3
LOOKS = range(10, 101, 10)
BLOCK = 500
LEAST, MOST, CLASSICAL, BELOW, WIDEST = 0.935, 0.975, 0.94, 0.01, 1.05
NOTHING = 1e-9
TIED = 1.15
EDGES = np.array([-2.2, -1.8, -1.3, -0.84])


@dataclass(frozen=True)
class Data:
    """Many data sets of one kind."""

    y: Floats
    """(draws, rows), what people would say of every row."""
    x: Floats
    """(draws, rows), the metric's scores."""
    truth: float
    """Mean of the ratings' distribution."""
    rated: Indices
    """(draws, n), the rated prompts."""
    scale: tuple[float, float] | None = None
    """Least and largest rating."""
    samples: int = 1
    """Rows of a prompt, one after another, all of which are rated or none."""
    chance: Floats | None = None
    """(draws, prompts), the drawing probabilities; None: all alike."""

    def one(self, draw: int) -> tuple[Floats, Floats, Design]:
        """Ratings (NaN where nobody rated), scores and design of one data set."""
        prompts = self.y.shape[1] // self.samples
        known = np.repeat(np.isin(np.arange(prompts), self.rated[draw]), self.samples)
        clusters = np.repeat(np.arange(prompts), self.samples)
        design = Design(
            probabilities=None if self.chance is None else self.chance[draw],
            clusters=clusters if self.samples > 1 else None,
        )
        return np.where(known, self.y[draw], np.nan), self.x[draw], design

    @property
    def plain(self) -> bool:
        """Whether prompts were drawn alike and have one row."""
        return self.samples == 1 and self.chance is None


def correlated(
    rng: np.random.Generator, shape: tuple[int, int], r: float = 0.6
) -> tuple[Floats, Floats]:
    """Normal ratings and scores with this correlation."""
    score = rng.normal(size=shape)
    return r * score + sqrt(1 - r**2) * rng.normal(size=shape), score


def drawn(kind: str, n: int, draws: int, rng: np.random.Generator) -> Data:
    """Data sets of this kind with n rated prompts."""
    shape = (draws, n + MORE)
    first = np.broadcast_to(np.arange(n), (draws, n))
    if kind == "clustered":
        rows = (draws, (n + MORE) * SAMPLES)
        pairs = zip(correlated(rng, shape), correlated(rng, rows), strict=True)
        y, x = (np.repeat(prompt, SAMPLES, axis=1) + row for prompt, row in pairs)
        return Data(y, x, 0.0, first, samples=SAMPLES)
    y, x = correlated(rng, shape, {"strong": 0.9, "uncorrelated": 0.0}.get(kind, 0.6))
    if kind == "unequal":
        chance = np.where(np.abs(x) > 1, 3.0, 1.0)
        chance *= n / chance.sum(axis=1, keepdims=True)
        return Data(y, x, 0.0, _systematic(chance, n, rng), chance=chance)
    of_kind, truth, scale = TRANSFORMED.get(kind, (_same, 0.0, None))
    y, x = of_kind(y, x, rng)
    return Data(y, x, truth, first, scale)


def _same(y: Floats, x: Floats, _: np.random.Generator) -> tuple[Floats, Floats]:
    return y, x


def _heavy(y: Floats, x: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    tail = np.sqrt(3 / rng.chisquare(3, size=y.shape))
    return y * tail, x * tail


TRANSFORMED: dict[str, tuple[Callable[..., tuple[Floats, Floats]], float, Any]] = {
    "negative": (lambda y, x, _: (y, -x), 0.0, None),
    "other scale": (lambda y, x, _: (50 + 20 * y, 1 / (1 + np.exp(-x))), 50.0, None),
    "skewed scores": (lambda y, x, _: (y, np.exp(-x)), 0.0, None),
    "skewed": (lambda y, x, _: (np.exp(y), x), exp(0.5), None),
    "heavy-tailed": (_heavy, 0.0, None),
    "5 points": (lambda y, x, _: (np.clip(np.round(3 + y), 1, 5), x), 3.0, (1, 5)),
    "near ceiling": (
        lambda y, x, _: (1.0 + np.searchsorted(EDGES, y), x),
        5 - sum((1 + erf(edge / sqrt(2))) / 2 for edge in EDGES),
        (1, 5),
    ),
    "ties": (lambda y, x, _: (np.sign(y) * (np.abs(y) > TIED), x), 0.0, (-1, 1)),
}
KINDS = (
    *("normal", "strong", "uncorrelated", "negative", "other scale", "skewed scores"),
    *("skewed", "heavy-tailed", "5 points", "near ceiling", "ties"),
    *("clustered", "unequal"),
)


def intervals(data: Data, second: Floats) -> dict[str, Ends]:
    """Classical, one metric, and with a second metric; what `mean` does, at once.

    Args:
        data: the data sets.
        second: (draws, rows), scores of the second metric.
    """
    draws, prompts = len(data.y), data.y.shape[1] // data.samples
    of_prompts = (draws, prompts, data.samples)
    y = np.take_along_axis(data.y.reshape(of_prompts).mean(axis=2), data.rated, axis=1)
    x = np.stack(
        [
            normal_scores(scores).reshape(of_prompts).mean(axis=2)
            for scores in (data.x, second)
        ],
        axis=-1,
    )
    everyone = np.concatenate([np.ones((draws, prompts, 1)), x], axis=-1)
    columns = np.take_along_axis(everyone, data.rated[:, :, None], axis=1)
    chance = np.full(y.shape, y.shape[1] / prompts)
    if data.chance is not None:
        chance = np.take_along_axis(data.chance, data.rated, axis=1)
    alone = Rated(y, columns[..., :1], everyone[..., :1], chance)
    classical = fit(alone, power=1)
    said = predictions(y, columns, everyone, base=1)
    metrics = {
        "tandem": fit(Rated(y, columns[..., :2], everyone[..., :2], chance), power=2),
        "two metrics": fit(
            Rated(y, alone.columns, alone.everyone, chance, 0.0, *said, 2), power=1
        ),
    }
    half, _ = half_width(classical, LIKE_THESE)
    ends = {"classical": (classical.value - half, classical.value + half)}
    for name, found in metrics.items():
        r2 = r_squared(classical, found)
        helps = metric_helps(r2, y.shape[1], prompts)
        value = np.where(helps, found.value, classical.value)
        width = np.where(helps, half_width(found, LIKE_THESE)[0], half)
        low, high = value - width, value + width
        if data.scale is not None:
            equal, unseen = np.ptp(y, axis=1) == 0, unseen_share(y.shape[1])
            low = np.where(equal, y[:, 0] - unseen * (y[:, 0] - data.scale[0]), low)
            high = np.where(equal, y[:, 0] + unseen * (data.scale[1] - y[:, 0]), high)
        ends[name] = low, high
    return ends


def ppi_python(human: Floats, scores: Floats) -> tuple[float, float]:
    """`ppi_py.ppi_mean_ci`, its lambda tuned by itself."""
    from ppi_py import ppi_mean_ci

    known = ~np.isnan(human)
    low, high = ppi_mean_ci(human[known], scores[known], scores[~known], alpha=0.05)
    return float(np.squeeze(low)), float(np.squeeze(high))


def truescore(human: Floats, scores: Floats) -> tuple[float, float]:
    """`truescore.ppi_estimate`."""
    from truescore import ppi_estimate

    known = np.flatnonzero(~np.isnan(human))
    found = ppi_estimate(scores, human[known], known)
    return float(found.low), float(found.high)


def evalstats(human: Floats, scores: Floats) -> tuple[float, float]:
    """Evalstats' t interval for the mean."""
    from evalstats.tests import _ppi_single_t_interval

    found = _ppi_single_t_interval(scores, human, 0.05)
    return float(found.ci_low), float(found.ci_high)


TOOLS = {
    "ppi-python": ("ppi_py", ppi_python),
    "truescore": ("truescore", truescore),
    "evalstats": ("evalstats", evalstats),
}
OWN = ("classical", "tandem", "two metrics")


def installed() -> Iterator[tuple[str, Callable[..., tuple[float, float]]]]:
    """The other packages that are there."""
    for name, (module, method) in TOOLS.items():
        if importlib.util.find_spec(module):
            yield name, method


@dataclass(frozen=True)
class Cell:
    """One kind of ratings with one number of rated prompts."""

    kind: str
    rated: int
    draws: int


def measured(cell: Cell) -> dict[str, Any]:
    """Coverage and relative mean width of every method."""
    rng = np.random.default_rng([zlib.crc32(cell.kind.encode()), cell.rated])
    found: dict[str, list[Floats]] = {}
    for start in range(0, cell.draws, BLOCK):
        size = min(BLOCK, cell.draws - start)
        data = drawn(cell.kind, cell.rated, size, rng)
        ends = intervals(data, rng.normal(size=data.x.shape))
        alone = ends["classical"][1] - ends["classical"][0]
        # None of the packages takes these designs as Tandem does.
        for name, method in installed() if data.plain else ():
            each = [method(*data.one(draw)[:2]) for draw in range(size)]
            ends[name] = np.array([e[0] for e in each]), np.array([e[1] for e in each])
        for name, (low, high) in ends.items():
            width, varied = high - low, alone > NOTHING
            holds = (low <= data.truth) & (data.truth <= high)
            found.setdefault(name, []).append(
                np.stack([holds, width * varied, alone * varied], axis=-1)
            )
    row: dict[str, Any] = {"kind": cell.kind, "n": cell.rated}
    for name, parts in found.items():
        covers, width, of_classical = np.concatenate(parts).mean(axis=0)
        row[name] = [float(covers), float(width / of_classical)]
    return row | {"kept": kept(row)}


def kept(row: dict[str, Any]) -> bool:
    """Whether Tandem's interval is as it is promised to be."""
    of_classical, (covers, width) = row["classical"][0], row["tandem"]
    right = covers >= of_classical - BELOW
    if of_classical >= CLASSICAL:
        right = LEAST <= covers <= max(MOST, of_classical)
    return bool(right and width <= WIDEST)


def false_alarms(draws: int) -> dict[str, float]:
    """Share of campaigns without difference in which some look says there is one."""
    rng = np.random.default_rng(5)
    alarms = np.zeros((3, draws), dtype=bool)
    whole = drawn("normal", max(LOOKS), draws, rng)
    prompts = whole.y.shape[1]
    ones = np.ones((draws, prompts, 1))
    both = np.concatenate([ones, normal_scores(whole.x)[..., None]], axis=-1)
    for n in LOOKS:
        y, chance = whole.y[:, :n], np.full((draws, n), n / prompts)
        classical = fit(Rated(y, ones[:, :n], ones, chance), power=1)
        found = fit(Rated(y, both[:, :n], both, chance), power=2)
        helps = metric_helps(r_squared(classical, found), n, prompts)
        half, error = half_width(found, LIKE_THESE)
        alone, of_alone = half_width(classical, LIKE_THESE)
        value = np.where(helps, found.value, classical.value)
        often = np.where(
            helps, multiplier(n, n - 2.0) * error, multiplier(n, n - 1.0) * of_alone
        )
        alarms[0] |= np.abs(value) > np.where(helps, half, alone)
        alarms[1] |= np.abs(value) > often
        alarms[2] |= np.abs(classical.value) > multiplier(n, n - 1.0) * of_alone
    names = "fixed n", "anytime", "anytime, ratings alone"
    return dict(zip(names, alarms.mean(axis=1).tolist(), strict=True))


def main() -> None:
    """Measure, and print a table."""
    options = _options()
    # The other packages warn of data sets that they meet by the thousand here.
    warnings.simplefilter("ignore")
    cells = [
        Cell(kind, n, options.draws)
        for kind in options.only or KINDS
        for n in options.rated
    ]
    names = [*OWN, *TOOLS]
    if not options.json:
        print(f"| Ratings | n | {' | '.join(names)} | promise |")
        print("| --- " * (len(names) + 3) + "|")
    rows = []
    with ProcessPoolExecutor(options.jobs) as workers:
        for row in workers.map(measured, cells):
            rows.append(row)
            print(f"{len(rows)} of {len(cells)}", file=sys.stderr, flush=True)
            if not options.json:
                print(_line(row, names), flush=True)
    alarms = false_alarms(options.campaigns)
    if options.json:
        print(json.dumps({"intervals": rows, "false alarms": alarms}, indent=2))
        return
    print(f"\nFalse alarms in {len(LOOKS)} looks:\n")
    print("\n".join(f"- {name}: {share:.1%}" for name, share in alarms.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--campaigns", type=int, default=4000, help="looked at often")
    parser.add_argument("--only", nargs="*", choices=KINDS, help="kinds of ratings")
    parser.add_argument("--rated", type=int, nargs="*", default=RATED)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _line(row: dict[str, Any], names: list[str]) -> str:
    there = {*OWN, *(name for name, _ in installed())}
    cells = [
        f"{row[name][0]:.1%} / {row[name][1]:.2f}"
        if name in row
        else ("" if name in there else "not installed")
        for name in names
    ]
    mark = "kept" if row["kept"] else "broken"
    return f"| {row['kind']} | {row['n']} | {' | '.join(cells)} | {mark} |"


def _systematic(chance: Floats, n: int, rng: np.random.Generator) -> Indices:
    """Draws of n prompts with these probabilities, the prompts being in random order.

    Args:
        chance: (draws, prompts), that add up to n.
        n: prompts to draw.
        rng: of the one random number that a draw needs.
    """
    passed = np.floor(np.cumsum(chance, axis=1) + rng.random((len(chance), 1)))
    taken = np.diff(passed, prepend=0.0, axis=1) > 0
    return np.argsort(~taken, axis=1, kind="stable")[:, :n]


if __name__ == "__main__":
    main()
