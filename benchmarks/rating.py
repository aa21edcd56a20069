"""How many ratings a second the rating page takes, against two other servers.

Raters without browsers, in a process of their own, rate on this machine over HTTP: each
answer, and the next thing to be rated, as the browser would ask for it. The work is the
same everywhere: 200 prompts with five answers each, two questions of five points.

saturated: 1, 20 and 50 raters who rate again as soon as they can
paced: 50 raters who each rate every 5 seconds
watched: the same while the owner's page is open, which Tandem alone has

against (a) Potato, `--potato` names its program, and (b) Label Studio with SQLite,
`--label-studio` names its. Both run as their quick starts say. All are measured by
turns in each round; the figures are medians. Label Studio's raters sign up before the
first round. Potato's browser loads the page twice for each answer, here it is once.

    python benchmarks/rating.py --potato POTATO --label-studio LABEL_STUDIO
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(sys.path.pop(0))  # Python's `statistics` before the benchmark's
from statistics import median

from parts.servers import Server, label_studio, potato, started, tandem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

CROWDS = (1, 20, 50)
MOST = max(CROWDS)
PAUSE = 5.0
"""Seconds between two ratings of one paced rater."""
BENCHMARKS = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """A stretch of work."""

    per_second: float
    """Ratings a second, until the last answer came."""
    p50_ms: float
    """Median time from an answer to the next thing to be rated."""
    p99_ms: float
    """What 99 % of them stayed below."""
    load_ms: float
    """Processor time that the raters themselves took for one rating."""
    failed: float
    """Ratings that the server answered with an error, or not at all."""


def main() -> None:
    """Measure all by turns and print the medians."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rounds: dict[str, list[dict[str, Any]]] = {}
        for number in range(options.rounds):
            for name, serve in _servers(options, place, number).items():
                _tell(f"round {number + 1} of {options.rounds}: {name}")
                with serve() as server:
                    found = _measured(server, place, options.seconds)
                rounds.setdefault(name, []).append(found)
    medians = {name: _medians(found) for name, found in rounds.items()}
    figures = _figures(medians) | {"machine": _machine(), "rounds": options.rounds}
    print(json.dumps(figures, indent=2) if options.json else _table(figures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--potato", type=Path, help="Potato's program")
    parser.add_argument("--label-studio", type=Path, help="Label Studio's program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=5, help="of saturated work; thrice paced"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _servers(
    options: argparse.Namespace, place: Path, number: int
) -> dict[str, Callable[[], AbstractContextManager[Server]]]:
    """Name to what starts it, all but Label Studio without ratings in each round."""
    found: dict[str, Callable[[], AbstractContextManager[Server]]] = {
        "tandem": partial(tandem, place / f"tandem-{number}", MOST)
    }
    if options.potato:
        program, new = options.potato.absolute(), place / f"potato-{number}"
        found["potato"] = partial(potato, program, new, MOST)
    if options.label_studio:
        # Its first start takes most of a minute, for tables and sign-ups.
        program, kept = options.label_studio.absolute(), place / "label_studio"
        found["label_studio"] = partial(label_studio, program, kept, MOST)
    return found


def _measured(server: Server, place: Path, seconds: float) -> dict[str, Any]:
    """All stretches of work on one server, by name, and its first page."""
    command = [sys.executable, "-m", "parts.load"]
    found: dict[str, Any] = {"first_page_s": server.first_page_s}
    path = {"PYTHONPATH": str(BENCHMARKS)}
    with started(command, place, settings=path, heard=True) as load:

        def ask(**told: Any) -> Any:
            print(json.dumps(told), file=load.stdin, flush=True)
            line = load.stdout.readline() if load.stdout else ""
            if not line:
                sys.exit((place / "said.txt").read_text()[-2000:])
            return json.loads(line)

        about = {"flow": server.flow, "port": server.port, "keys": server.keys}
        ask(**about, owner=server.owner)
        for raters in CROWDS:
            worked = ask(raters=raters, seconds=seconds, pause=0)
            found[f"saturated_{raters}"] = _stretch(worked)
        paced = {"raters": MOST, "seconds": 3 * seconds, "pause": PAUSE}
        found["paced"] = _stretch(ask(**paced))
        if server.owner:
            watched = ask(**paced, watched=True)
            if not watched["looks"]:
                sys.exit("The owner's page was not answered; nothing was measured.")
            found["watched"] = _stretch(watched)
    if server.flow == "tandem" and any(
        one.failed for one in found.values() if isinstance(one, Measured)
    ):
        sys.exit("The rating page failed to answer; nothing was measured.")
    return found


def _stretch(worked: Mapping[str, Any]) -> Measured:
    times: Sequence[float] = sorted(worked["milliseconds"])
    failures = worked["failures"]
    for failure in failures[:2]:
        _tell(f"{len(failures)} failed: {failure[:120]!r}")
    if worked["idle"] or not times:
        sys.exit(
            f"{len(times)} ratings, and {worked['idle']} raters had nothing left: "
            "nothing was measured."
        )
    return Measured(
        per_second=len(times) / worked["elapsed"],
        p50_ms=median(times),
        p99_ms=times[min(len(times) - 1, int(0.99 * len(times)))],
        load_ms=1000 * worked["cpu"] / len(times),
        failed=len(failures),
    )


def _medians(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "first_page_s": median(one["first_page_s"] for one in rounds)
    }
    for name in rounds[0].keys() - found:
        parts = [asdict(one[name]) for one in rounds]
        found[name] = {key: median(part[key] for part in parts) for key in parts[0]}
    return found


def _figures(medians: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    ours = medians["tandem"]
    most = f"saturated_{MOST}"
    found: dict[str, Any] = {
        "ratings_per_second": ours[most]["per_second"],
        "p99_ms_saturated": ours[most]["p99_ms"],
        "p99_ms_paced": ours["paced"]["p99_ms"],
        "p99_ms_watched": ours["watched"]["p99_ms"],
        "first_page_s": ours["first_page_s"],
    }
    for name in medians.keys() - {"tandem"}:
        theirs = medians[name][most]["per_second"]
        found[f"over_{name}"] = ours[most]["per_second"] / theirs
    return _rounded(found | {"servers": dict(medians)})


def _rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    return round(figures, 2)


def _table(figures: Mapping[str, Any]) -> str:
    names = {f"saturated_{n}": f"{n} at once" for n in CROWDS}
    names |= {"paced": "50, paced", "watched": "50, paced, owner's page open"}
    lines = [
        f"Medians of {figures['rounds']} rounds in turn; {figures['machine']}",
        "",
        "| Server | Raters | Ratings/s | p50 ms | p99 ms | Failed | First page s |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for server, found in figures["servers"].items():
        for key, name in names.items():
            if key not in found:
                continue
            part = found[key]
            lines.append(
                f"| {server} | {name} | {part['per_second']:.1f} | "
                f"{part['p50_ms']:.0f} | {part['p99_ms']:.0f} | "
                f"{part['failed']:.0f} | "
                f"{found['first_page_s']:.1f} |"
            )
    overs = [key for key in figures if key.startswith("over_")]
    lines += ["", *(f"{key}: {figures[key]:.1f}" for key in overs)]
    return "\n".join(lines)


def _machine() -> str:
    cpus = Path("/proc/cpuinfo")
    names = [
        line.partition(": ")[2]
        for line in (cpus.read_text().splitlines() if cpus.is_file() else ())
        if line.startswith("model name")
    ]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {name}, Python {platform.python_version()}"


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
