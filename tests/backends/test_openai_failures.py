"""Servers that are slow, overloaded, broken, gone, or refuse."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from backends.openai_server import FakeServer, refusal
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from harness.backends import OpenAIBackend, Request
from harness.backends.retry import Patience, retry_after
from harness.errors import CheckpointError, HarnessError, MissingPackage, ServerError
from harness.types import Generation, Item

FAST = Patience(tries=3, first_wait=0.01, longest_wait=1.0, timeout=5.0)
GREEDY = Generation(max_new_tokens=20)


@pytest.fixture(scope="module")
def running():
    with FakeServer() as server:
        yield server


@pytest.fixture
def server(running):
    running.reset()
    return running


def load(server, patience=FAST, concurrency=1, key=""):
    backend = OpenAIBackend(patience=patience, concurrency=concurrency)
    model = backend.load(server.place + key)
    server.requests.clear()
    return model


def items(count):
    return [
        Item(id=f"id-{n}", task="test", key=f"key-{n}", prompt=f"p{n}")
        for n in range(count)
    ]


def ask(model, count=1):
    """Items answered, and the error that was raised after them."""
    given, error = [], None
    try:
        for batch in model.generate([Request(one) for one in items(count)], GREEDY):
            given += [one.item for one in batch]
    except HarnessError as raised:
        error = raised
    return sorted(given), error


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_passing_failures_are_tried_again(server, status):
    model = load(server)
    server.script += [refusal(status), refusal(status)]
    assert ask(model) == (["id-0"], None)
    assert len(server.requests) == 3


def test_after_the_last_try_the_error_names_url_reason_and_remedy(server):
    model = load(server)
    server.script += [refusal(503, "too busy")] * 3
    _, error = ask(model)
    assert isinstance(error, CheckpointError)
    for part in (server.url, "tried 3 times", "503", "too busy", "same command"):
        assert part in str(error)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 501])
def test_other_refusals_come_at_once_with_the_servers_words(server, status):
    model = load(server)
    server.script.append(refusal(status, "because of this"))
    _, error = ask(model)
    assert f"status {status}: because of this" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "content",
    [
        '{"error": {"message": "the reason"}}',
        '{"error": "the reason"}',
        '{"detail": "the reason"}',
        '{"detail": [{"msg": "the reason"}]}',
        '{"object": "error", "message": "the reason"}',
        "the reason",
    ],
)
def test_the_servers_words_are_found_in_every_form(server, content):
    model = load(server)
    server.script.append(Response(content, 400, media_type="application/json"))
    assert "the reason" in str(ask(model)[1])


def test_retry_after_is_honoured(server):
    model = load(server)
    server.script.append(refusal(429, headers={"retry-after": "0.4"}))
    start = time.monotonic()
    assert ask(model)[0] == ["id-0"]
    assert 0.4 <= time.monotonic() - start < 2


def test_a_server_that_asks_one_request_to_wait_is_spared_the_others(server):
    model = load(server, concurrency=4)
    server.seconds = 0.05
    server.script.append(refusal(429, headers={"retry-after": "0.5"}))
    server.times.clear()
    given, _ = ask(model, 20)
    assert len(given) == 20
    meanwhile = [at for at in server.times if at < server.times[0] + 0.5]
    # Four at first; three of them may be answered before the fourth is put off.
    assert 4 <= len(meanwhile) <= 7


def test_a_wait_longer_than_allowed_is_not_waited_for(server):
    model = load(server)
    server.script.append(refusal(429, "later", headers={"retry-after": "3600"}))
    start = time.monotonic()
    assert "asks to wait 3600 seconds" in str(ask(model)[1])
    assert time.monotonic() - start < 2
    assert len(server.requests) == 1


def test_an_account_without_money_is_not_asked_again(server):
    model = load(server)
    server.script.append(refusal(429, "pay first", code="insufficient_quota"))
    given, error = ask(model, 5)
    assert given == []
    assert "pay first" in str(error)
    assert "4 were not sent" in str(error)


@pytest.mark.parametrize(
    "broken",
    [
        HTMLResponse("<html>proxy</html>"),
        Response('{"choices": [{"te', media_type="application/json"),
        Response("[]", media_type="application/json"),
        Response('{"choices": []}', media_type="application/json"),
        Response('{"choices": [{"index": 0}]}', media_type="application/json"),
        Response('{"choices": [{"text": 7}]}', media_type="application/json"),
        Response('{"choices": [{"text": "\\ud800"}]}', media_type="application/json"),
        Response(
            '{"choices": [{"text": "a", "finish_reason": "abort"}]}',
            media_type="application/json",
        ),
        Response(b'{"choices": [{"text": "\xff"}]'),
        Response(""),
    ],
)
def test_what_is_no_answer_is_asked_for_again_and_never_stored(server, broken):
    model = load(server)
    server.script.append(broken)
    assert ask(model) == (["id-0"], None)
    assert len(server.requests) == 2
    server.script += [broken] * 3
    given, error = ask(model)
    assert given == []
    assert "no answer" in str(error)


def test_a_slow_answer_is_given_up_after_the_timeout(server):
    model = load(server, Patience(tries=2, first_wait=0.01, timeout=0.2))
    server.seconds = 1.0
    start = time.monotonic()
    assert "no answer within 0.2 seconds" in str(ask(model)[1])
    assert time.monotonic() - start < 1.0


def test_a_trickle_of_bytes_does_not_get_around_the_timeout(server):
    def drops(_body):
        return StreamingResponse(iter(slowly()), media_type="application/json")

    def slowly():
        for _ in range(20):
            time.sleep(0.1)
            yield " "

    model = load(server, Patience(tries=1, timeout=0.5))
    server.script.append(drops)
    start = time.monotonic()
    assert "no answer within 0.5 seconds" in str(ask(model)[1])
    assert time.monotonic() - start < 1.5


def test_a_server_that_is_not_there_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with pytest.raises(ServerError, match=rf"{url} gives no answer \(tried 3 times"):
        OpenAIBackend(patience=FAST).fingerprint(f"m@{url}", {})


def test_one_failing_request_loses_no_other_answer(server):
    model = load(server, concurrency=4)
    server.refuse["completions"] = lambda body: (
        refusal(400, "too long") if body["prompt"] in {"p3", "p5"} else None
    )
    given, error = ask(model, 20)
    assert given == sorted(f"id-{n}" for n in range(20) if n not in {3, 5})
    assert "2 of 20 requests failed" in str(error)
    assert "item 'key-3'" in str(error) or "item 'key-5'" in str(error)
    assert "too long" in str(error)
    assert "the same command asks for the rest" in str(error)


def test_a_refused_key_ends_the_run_at_once(server):
    model = load(server)
    server.script.append(refusal(401, "who are you?"))
    given, error = ask(model, 20)
    assert given == []
    assert len(server.requests) == 1
    assert "19 were not sent" in str(error)


def test_ten_failures_in_a_row_end_the_run_but_scattered_ones_do_not(server):
    model = load(server)
    server.refuse["completions"] = lambda _: refusal(400)
    assert "25 were not sent" in str(ask(model, 35)[1])
    assert len(server.requests) == 10
    server.refuse["completions"] = lambda body: (
        refusal(400) if int(body["prompt"][1:]) % 2 else None
    )
    given, error = ask(model, 40)
    assert len(given) == 20
    assert "20 of 40 requests failed. " in str(error)


def test_answers_under_way_are_kept_when_a_run_ends(server):
    model = load(server, concurrency=3)
    server.seconds = 0.1
    server.script.append(refusal(403))
    given, _ = ask(model, 20)
    assert len(given) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_explained(server, monkeypatch, status):
    server.refuse = {
        name: lambda _: refusal(status, "bad") for name in ("completions", "chat")
    }
    backend = OpenAIBackend(patience=FAST)
    with pytest.raises(ServerError, match=r"environment variable .* '#'"):
        backend.load(server.place)
    monkeypatch.setenv("MY_KEY", "sesame")
    with pytest.raises(ServerError, match="Check the key in the variable MY_KEY"):
        backend.load(f"{server.place}#MY_KEY")


def test_an_unknown_model_is_found_before_anything_is_generated(server):
    server.refuse = {
        name: lambda _: refusal(404, "no such model")
        for name in ("completions", "chat")
    }
    with pytest.raises(ServerError, match=r"no such model.*Check the model's name"):
        OpenAIBackend(patience=FAST).fingerprint(server.place, {})


def test_a_url_that_is_not_the_apis_is_explained(server):
    place = server.place.removesuffix("/v1")
    with pytest.raises(ServerError, match="as a rule in /v1"):
        OpenAIBackend(patience=FAST).fingerprint(place, {})


def test_redirects_are_not_followed(server):
    model = load(server)
    there = {"location": f"{server.url}/chat/completions"}
    server.script.append(Response(status_code=307, headers=there))
    _, error = ask(model)
    assert f"points to {there['location']}" in str(error)
    assert len(server.requests) == 1


def test_no_message_shows_the_key_or_control_signs(server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sesame-open")
    model = load(server, key="#MY_KEY")
    said = "Wrong key sesame-open\x1b[2J\n" + "x" * 1000
    server.script += [refusal(400, said), *[refusal(500, said)] * 3]
    for _ in range(2):
        error = str(ask(model)[1])
        assert "Wrong key ***" in error
        assert "sesame" not in error
        assert error.isprintable()
        assert len(error) < 800


def test_without_the_package_the_error_names_the_extra(server, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(MissingPackage, match=r"\[openai\]"):
        OpenAIBackend(patience=FAST).fingerprint(server.place, {})


def test_waits_double_up_to_the_longest_and_are_drawn_from_zero():
    patience = Patience(first_wait=1.0, longest_wait=6.0)
    assert [patience.wait(n, 1.0) for n in (1, 2, 3, 4, 5000)] == [1, 2, 4, 6, 6]
    assert patience.wait(3, 0.25) == 1
    assert patience.wait(3, 0.0) == 0


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90))}, 90),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=90))}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "soon"}, 0),
    ],
)
def test_what_retry_after_says(headers, seconds):
    assert retry_after(headers, NOW) == seconds
