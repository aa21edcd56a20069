"""Servers killed under load, twenty times: what was acknowledged is stored, once."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from rater_client import RaterPage
from rating_study import a_study, token_of
from server_process import warm_server

from harness.study import StudyFile

TRIALS = 20
RATERS = [f"rater-{number}" for number in range(6)]
PLACES = 2
CRITERIA = ("meaning", "fluency")


class Acknowledged:
    """Answers that the server said it stored, and a bell after some more of them."""

    def __init__(self):
        """None yet."""
        self.answers = {}
        self.lock = threading.Lock()
        self.bell = threading.Event()
        self.ring_at = 0

    def add(self, token, values):
        """Note one; a token must be acknowledged once."""
        with self.lock:
            assert token not in self.answers
            self.answers[token] = values
            if len(self.answers) >= self.ring_at:
                self.bell.set()

    def ring_after(self, more):
        """Ring the bell after that many more."""
        with self.lock:
            self.bell.clear()
            self.ring_at = len(self.answers) + more


def rate(page, acknowledged, seed):
    """Rate until the end, or until the server is gone."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    try:
        page.reload()
        page.current()
        while page.screen["shown"]:
            token = token_of(page.screen["shown"]["token"])
            values = {name: chance.randint(1, 5) for name in CRITERIA}
            if page.submit(values)["notice"] == "Saved":
                acknowledged.add(token, values)
    except httpx.TransportError:
        return "gone"
    return "done"


def opened(links):
    """A page for each rater; their sessions outlive the server."""
    pages = []
    for name in RATERS:
        root, _, invite = links[name].rpartition("/i/")
        http = httpx.Client(base_url=root, follow_redirects=True, timeout=60)
        pages.append(RaterPage(http, invite))
    return pages, int(root.rpartition(":")[2])


def run(db, pages, acknowledged, chance, *, port=0, kill_after=None):
    """Serve, have all raters rate, kill the server; how each rater ended."""
    # New links are made at each start, but nobody opens one.
    with warm_server(db, RATERS, port) as (process, links):
        if not pages:
            found, port = opened(links)
            pages.extend(found)
        acknowledged.ring_after(kill_after or 10**9)
        with ThreadPoolExecutor(len(pages)) as pool:
            seeds = [chance.random() for _ in pages]
            working = [
                pool.submit(rate, page, acknowledged, seed)
                for page, seed in zip(pages, seeds, strict=True)
            ]
            if kill_after:
                assert acknowledged.bell.wait(120)
                process.kill()
            return port, [one.result() for one in working]


def current_values(study):
    """Token to what its current ratings say, each criterion once."""
    found = {}
    for row in study.rows(
        "SELECT token, criterion, value FROM current_ratings "
        "JOIN assignments ON assignments.id = current_ratings.assignment"
    ):
        given = found.setdefault(row["token"], {})
        assert row["criterion"] not in given
        given[row["criterion"]] = row["value"]
    return found


@pytest.mark.slow
def test_twenty_kills_under_load_lose_nothing_and_double_nothing(tmp_path):
    db, chance = tmp_path / "s.db", random.Random(4)  # noqa: S311 - no secret
    a_study(db, items=80, checkpoints=4).close()
    pages, acknowledged, port = [], Acknowledged(), 0
    for _ in range(TRIALS):
        port, ends = run(
            db, pages, acknowledged, chance, port=port, kill_after=chance.randint(1, 25)
        )
        assert set(ends) == {"gone"}
        study = StudyFile(db)
        stored = current_values(study)
        assert study.column("PRAGMA integrity_check") == ["ok"]
        assert acknowledged.answers.items() <= stored.items()
        study.close()
    _, ends = run(db, pages, acknowledged, chance, port=port)
    assert set(ends) == {"done"}
    for page in pages:
        page.http.close()

    study = StudyFile(db)
    stored = current_values(study)
    assert acknowledged.answers.items() <= stored.items()
    # Nothing was given twice, not even what was stored but never acknowledged.
    assert study.column("SELECT count(*) FROM ratings") == [len(stored) * len(CRITERIA)]
    raters = study.column(
        "SELECT count(DISTINCT rater) FROM assignments WHERE state = 'rated' "
        "GROUP BY unit"
    )
    assert raters == [PLACES] * (80 * 4)
    study.close()
