"""Raters without browsers: a process that rates over HTTP and says how long it took.

It reads lines of JSON from its standard input and answers each with one. The first
says which server it is (`flow`, `port`) and how the raters get in (`keys`), and the
owner (`owner`, if there is one); each other is a stretch of work: `raters`, how many of
them work; `seconds`; `pause`, seconds from one rating of a rater to the next, 0 for no
pause; `watched`, whether the owner's page is open meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parts.flows import FLOWS, Owner
from parts.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parts.flows import Flow


MOST_FAILURES = 5
"""After so many a rater gives up."""
LOOK_SECONDS = 5.0
"""From one look of the owner's page to the next."""


@dataclass
class Stretch:
    """What came of some seconds of work."""

    milliseconds: list[float] = field(default_factory=list)
    """Of each rating, from its submission to the next thing to be rated."""
    idle: int = 0
    """Raters for whom nothing was left."""
    failures: list[str] = field(default_factory=list)
    """What went wrong; the rater tries again, but not too often."""


async def work(raters: Sequence[Flow], seconds: float, pause: float) -> dict[str, Any]:
    """Let all rate for some seconds, each at once or in a rhythm of their own."""
    stretch = Stretch()
    cpu, begin = time.process_time(), time.perf_counter()
    await asyncio.gather(
        *(
            _rate(one, stretch, begin + pause * place / len(raters), (seconds, pause))
            for place, one in enumerate(raters)
        )
    )
    elapsed = time.perf_counter() - begin
    return {
        "elapsed": elapsed,
        "cpu": time.process_time() - cpu,
        "milliseconds": stretch.milliseconds,
        "idle": stretch.idle,
        "failures": stretch.failures,
    }


async def _rate(
    rater: Flow, stretch: Stretch, due: float, rhythm: tuple[float, float]
) -> None:
    seconds, pause = rhythm
    end = time.perf_counter() + seconds
    failures = 0
    while True:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        start = time.perf_counter()
        if start >= end:
            return
        try:
            more = await rater.rate()
        except (RuntimeError, OSError, EOFError, TimeoutError) as error:
            stretch.failures.append(f"{type(error).__name__}: {error}")
            rater.wire.close()
            failures += 1
            if failures == MOST_FAILURES:
                return
            continue
        stretch.milliseconds.append(1000 * (time.perf_counter() - start))
        if not more:
            stretch.idle += 1
            return
        due += pause


async def watch(owner: Owner) -> None:
    """Look until cancelled, as the page does while it is open."""
    while True:
        await owner.look()
        await asyncio.sleep(LOOK_SECONDS)


async def main() -> None:
    """Sign everybody in, then work as told."""
    about = json.loads(sys.stdin.readline())
    make = FLOWS[about["flow"]]
    raters: list[Flow] = [make(Wire(about["port"]), key) for key in about["keys"]]
    for rater in raters:
        await rater.enter()
    owner = Owner(Wire(about["port"]), about.get("owner") or "")
    if owner.key:
        await owner.enter()
    print(json.dumps({"entered": len(raters)}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        told = json.loads(line)
        chosen, owner.looks = raters[: told["raters"]], 0
        watching = asyncio.create_task(watch(owner)) if told.get("watched") else None
        found = await work(chosen, told["seconds"], told["pause"])
        if watching is not None and not watching.cancel():
            watching.result()
        print(json.dumps(found | {"looks": owner.looks}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
