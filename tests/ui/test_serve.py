"""Serving: what is said before it starts, and a server that is killed."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from types import SimpleNamespace

import httpx
import pytest
from rater_client import RaterPage
from rating_study import a_study, a_task, add_scores, token_of
from server_process import server, warm_server

from harness.errors import StudyError, UsageError
from harness.study import StudyFile
from harness.study.owners import is_owner_invite
from harness.taskfile import TaskFile
from ui.serve import _listen, open_campaigns, serve

PUBLIC = ["0.0.0.0", "::", "192.168.0.7", "example.org", ""]  # noqa: S104


def page_at(link, http=None):
    """A rater's page behind a printed link; waits until the server accepts."""
    root, _, invite = link.rpartition("/i/")
    http = http or httpx.Client(base_url=root, follow_redirects=True, timeout=30)
    return RaterPage(http, invite)


# Before it starts


@pytest.mark.parametrize("host", PUBLIC)
def test_an_address_that_others_can_reach_needs_a_password(tmp_path, host):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    with pytest.raises(UsageError, match=r"Set one in .* HARNESS_PASSWORD, or start"):
        serve(study.path, [a_task()], host=host, tell=print)


@pytest.mark.parametrize(
    ("settings", "begin"),
    [
        ({"public_url": "https://h.example/study"}, "https://h.example/study/i/"),
        ({"root_path": "/study"}, "http://127.0.0.1:%d/study/i/"),
        ({"host": "0.0.0.0"}, "http://machine:%d/i/"),  # noqa: S104
        ({"host": "localhost"}, "http://localhost:%d/i/"),
    ],
    ids=["public", "prefix", "everywhere", "here"],
)
def test_links_lead_to_where_raters_find_the_page(
    tmp_path, monkeypatch, settings, begin
):
    study, told, ports = a_study(tmp_path / "s.db", items=1, checkpoints=1), [], []
    run = SimpleNamespace(run=lambda sockets: ports.append(sockets[0].getsockname()[1]))
    monkeypatch.setattr("ui.serve._server", lambda *_: run)
    monkeypatch.setattr("socket.gethostname", lambda: "machine")
    monkeypatch.setenv("HARNESS_PASSWORD", "correct horse")
    more = {"port": 0, "open_browser": False, "tell": told.append}
    serve(study.path, [a_task()], **settings, **more)
    [link] = [line for line in told if line.startswith("Link for rater: ")]
    assert link.removeprefix("Link for rater: ").startswith(
        begin % ports[0] if "%d" in begin else begin
    )
    warned = any("without https" in line for line in told)
    assert warned is (settings.get("host") == "0.0.0.0")  # noqa: S104


def test_a_taken_port_is_told_with_the_way_out(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    with _listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} .* cannot be used"):
            serve(study.path, [a_task()], port=port, tell=print)


def test_a_study_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(StudyError, match="There is no study file"):
        serve(tmp_path / "none.db", [a_task()], tell=print)
    assert not (tmp_path / "none.db").exists()


def test_outputs_that_give_their_model_away_are_told_before_links_are(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, text=lambda *_: "I am GPT-4.")
    told = []
    open_campaigns(study, [a_task()], told.append)
    assert told[0].startswith("modernize: 2 prompts")
    assert told[2].startswith("Mind: 6 outputs name a model")
    assert len(told) == 2 + 1 + 3 + 1


@pytest.mark.parametrize("draw", ["random", "stratified", "active"])
def test_who_draws_actively_is_warned_that_it_may_take_more_ratings(tmp_path, draw):
    study = a_study(tmp_path / "s.db", items=20)
    add_scores(study, lambda prompt, checkpoint: prompt * checkpoint)
    told = []
    open_campaigns(study, [a_task(items=8, draw=draw)], told.append)
    warned = [line for line in told if "needed more of them than draw: random" in line]
    assert len(warned) == (draw == "active")
    study.close()


def test_a_changed_plan_is_told_to_begin_a_new_campaign(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    told = []
    open_campaigns(study, [a_task()], told.append)
    open_campaigns(study, [a_task()], told.append)
    assert not [line for line in told if "new campaign" in line]
    open_campaigns(study, [a_task(points=7)], told.append)
    [line] = [line for line in told if "new campaign" in line]
    assert line.startswith("modernize-2 is a new campaign")
    assert line.endswith("stay in modernize.")


def test_tasks_without_outputs_are_left_out_and_named(tmp_path):
    study, told = a_study(tmp_path / "s.db", items=3), []
    tasks = [a_task(), a_task("summarize")]
    campaigns = open_campaigns(study, tasks, told.append)
    assert [campaign.name for campaign in campaigns] == ["modernize"]
    assert told[:2] == [
        "summarize: no outputs yet, left out",
        "modernize: 3 prompts, raters per output: 2",
    ]
    assert told[2].startswith("  they can find ")
    assert len(told) == 3


def test_nothing_to_rate_is_told(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    with pytest.raises(StudyError, match="has no outputs of modernize"):
        open_campaigns(study, [a_task()], print)
    bare = a_task()
    keys = {"name": "bare", "data": "x.jsonl", "prompt": "{{ x }}"}
    bare = type(bare)(TaskFile.model_validate(keys), bare.path, "")
    with pytest.raises(UsageError, match="no section 'rating:'"):
        open_campaigns(study, [bare], print)
    keys["generation"] = "none"
    silent = type(bare)(TaskFile.model_validate(keys), bare.path, "")
    with pytest.raises(UsageError, match=r"bare asks for likelihoods alone"):
        open_campaigns(study, [silent], print)


def test_the_owner_gets_a_link_of_their_own(tmp_path, monkeypatch):
    study, told = a_study(tmp_path / "s.db", items=1, checkpoints=1), []
    monkeypatch.setattr("uvicorn.Server.run", lambda *_args, **_more: None)
    serve(study.path, [a_task()], port=0, open_browser=False, tell=told.append)
    [line] = [line for line in told if line.startswith("Page for you: ")]
    assert is_owner_invite(study, line.rpartition("/o/")[2])
    study.close()


@pytest.mark.parametrize("wanted", [True, False])
def test_a_browser_is_opened_at_the_first_link_unless_told_otherwise(
    tmp_path, monkeypatch, wanted
):
    study, told, opened = (
        a_study(tmp_path / "s.db", items=1, checkpoints=1),
        [],
        Queue(),
    )
    monkeypatch.setattr("uvicorn.Server.run", lambda *_args, **_more: None)
    monkeypatch.setattr("webbrowser.open", opened.put)
    more = {"port": 0, "open_browser": wanted, "tell": told.append}
    serve(study.path, [a_task()], raters=("Ana", "Ben"), **more)
    [link] = [line for line in told if line.startswith("Link for Ana: ")]
    if wanted:
        assert opened.get(timeout=20) == link.removeprefix("Link for Ana: ")
    assert opened.empty()
    study.close()


# A running server


def test_the_server_calls_nobody_and_stops_at_ctrl_c(tmp_path):
    a_study(tmp_path / "s.db", items=2, checkpoints=1)
    with server(tmp_path / "s.db", ["Ana", "Ben"]) as (process, links):
        for link in links.values():
            page = page_at(link)
            while page.current()["shown"]:
                page.submit({"meaning": 3, "fluency": 3})
            page.http.close()
        process.send_signal(signal.SIGINT)
        assert json.loads(process.stdout.read()) == []
        assert process.wait(20) == 0
    study = StudyFile(tmp_path / "s.db")
    assert study.column("SELECT count(*) FROM current_ratings") == [2 * 2 * 2]
    study.close()


def test_no_acknowledged_rating_is_lost_when_the_server_is_killed(tmp_path):
    db = tmp_path / "s.db"
    a_study(db, items=60, checkpoints=4).close()
    names = [f"rater-{number}" for number in range(4)]
    acknowledged = []

    def rate_until_it_dies(page):
        try:
            while page.current()["shown"]:
                token = token_of(page.screen["shown"]["token"])
                if page.submit({"meaning": 2, "fluency": 4})["notice"] == "Saved":
                    acknowledged.append(token)
        except httpx.TransportError:
            return

    with warm_server(db, names) as (process, links):
        pages = [page_at(links[name]) for name in names]
        with ThreadPoolExecutor(len(pages)) as pool:
            working = [pool.submit(rate_until_it_dies, page) for page in pages]
            while len(acknowledged) < 40:
                time.sleep(0.01)
            process.kill()
            for one in working:
                one.result()

    study = StudyFile(db)
    tokens = study.column(
        "SELECT token FROM assignments WHERE id IN "
        "(SELECT assignment FROM current_ratings GROUP BY 1 HAVING count(*) = 2)"
    )
    assert set(acknowledged) <= set(tokens)
    assert len(acknowledged) >= 40
    assert study.column("PRAGMA integrity_check") == ["ok"]
    over = study.column("SELECT output FROM current_ratings GROUP BY 1 "
                        "HAVING count(DISTINCT rater) > 2")  # fmt: skip
    assert over == []
    study.close()
    for page in pages:
        page.http.close()
