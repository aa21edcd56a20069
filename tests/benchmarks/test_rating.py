"""The load on the rating page: counted rightly, and each unit gets its k raters."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from harness.study import StudyFile

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RATERS, PLACES, PROMPTS, CHECKPOINTS = 50, 4, 16, 3


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


class Quick:
    """A rater for whom something is left `most` times."""

    def __init__(self, most=10_000, seconds=0.0):
        self.most, self.seconds, self.rated = most, seconds, 0

    async def rate(self):
        """Take some time, or none."""
        await asyncio.sleep(self.seconds)
        self.rated += 1
        return self.rated < self.most


def test_paced_raters_rate_in_their_rhythm_and_not_all_at_once():
    from parts.load import work

    raters = [Quick() for _ in range(4)]
    found = asyncio.run(work(raters, seconds=0.5, pause=0.2))
    # At 0, 0.2 and 0.4 seconds; the later ones begin 0.05 seconds after each other.
    assert [rater.rated for rater in raters] == [3, 3, 2, 2]
    assert len(found["milliseconds"]) == 10


def test_each_rating_is_timed_from_its_submission():
    from parts.load import work

    found = asyncio.run(work([Quick(seconds=0.02)], seconds=0.2, pause=0))
    assert min(found["milliseconds"]) >= 20
    assert found["elapsed"] >= sum(found["milliseconds"]) / 1000


def test_raters_with_nothing_left_are_counted_and_stop():
    from parts.load import work

    raters = [Quick(most=3), Quick(most=2)]
    found = asyncio.run(work(raters, seconds=5, pause=0))
    assert found["idle"] == 2
    assert len(found["milliseconds"]) == 5
    assert found["elapsed"] < 5


def test_a_stretch_in_which_work_ran_out_is_no_measurement():
    import rating

    worked = {"milliseconds": [1.0], "idle": 1, "failures": [], "elapsed": 1, "cpu": 1}
    with pytest.raises(SystemExit, match="1 raters had nothing left"):
        rating._stretch(worked)


def test_figures_are_medians_of_rounds_and_their_ratios():
    import rating

    def a_round(per_second, first_page):
        part = rating.Measured(per_second, p50_ms=5, p99_ms=9, load_ms=1, failed=0)
        crowds = {f"saturated_{n}": part for n in rating.CROWDS}
        paced = {"paced": part, "watched": part}
        return {"first_page_s": first_page} | paced | crowds

    ours = rating._medians([a_round(100, 1), a_round(200, 2), a_round(900, 9)])
    theirs = rating._medians([a_round(50, 3)])
    figures = rating._figures({"tandem": ours, "potato": theirs})
    assert figures["ratings_per_second"] == 200
    assert figures["over_potato"] == 4.0
    assert figures["first_page_s"] == 2
    assert figures["p99_ms_paced"] == figures["p99_ms_saturated"] == 9
    assert "over_label_studio" not in figures


@pytest.mark.slow
def test_fifty_raters_who_race_leave_each_output_with_exactly_k(tmp_path):
    from parts.servers import Size, started, tandem

    size = Size(PROMPTS, CHECKPOINTS, PLACES)
    with tandem(tmp_path / "served", RATERS, size) as server:
        told = {"flow": server.flow, "port": server.port, "keys": server.keys}
        told["owner"] = server.owner
        work = {"raters": RATERS, "seconds": 120, "pause": 0, "watched": True}
        command = [sys.executable, "-m", "parts.load"]
        path = {"PYTHONPATH": str(BENCHMARKS)}
        with started(command, tmp_path, settings=path, heard=True) as load:
            replies = []
            for line in (told, work):
                print(json.dumps(line), file=load.stdin, flush=True)
                replies.append(json.loads(load.stdout.readline()))
    assert replies[1]["failures"] == []
    assert replies[1]["idle"] == RATERS
    assert replies[1]["looks"] > 0
    study = StudyFile(tmp_path / "served" / "s.db")
    wanted = PROMPTS * CHECKPOINTS
    acknowledged = len(replies[1]["milliseconds"])
    raters = study.column(
        "SELECT count(DISTINCT rater) FROM judgements GROUP BY item, checkpoint"
    )
    assert raters == [PLACES] * wanted
    assert acknowledged == wanted * PLACES
    assert study.column("SELECT count(*) FROM ratings") == [2 * acknowledged]
    assert study.column("SELECT DISTINCT people FROM units") == [PLACES]
    study.close()
