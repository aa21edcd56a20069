"""The openai backend: what is asked, how answers are read, what is counted."""

from __future__ import annotations

import pytest
from backends.openai_server import MODEL, FakeServer, refusal

from harness.backends import OpenAIBackend, Request, backends
from harness.backends.prices import Prices
from harness.backends.retry import Patience
from harness.errors import ServerError, UsageError
from harness.types import Generation, Item

FAST = Patience(tries=3, first_wait=0.01, longest_wait=1.0, timeout=5.0)
GREEDY = Generation(max_new_tokens=20)
TURNS = ({"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"})


@pytest.fixture(scope="module")
def running():
    with FakeServer() as server:
        yield server


@pytest.fixture
def server(running):
    running.reset()
    return running


def load(server, **settings):
    backend = OpenAIBackend(**{"patience": FAST, **settings})
    model = backend.load(server.place)
    server.requests.clear()
    return model


def item(key="a", prompt="go on", **more):
    return Item(id=f"id-{key}", task="test", key=key, prompt=prompt, **more)


def answers(model, *items, settings=GREEDY, samples=1):
    requests = [Request(one, s) for one in items for s in range(samples)]
    given = [one for batch in model.generate(requests, settings) for one in batch]
    assert len(given) == len(requests)
    return sorted(given, key=lambda one: (one.item, one.sample))


def test_plain_prompts_go_to_the_completions_as_they_are(server):
    [answer] = answers(load(server), item(prompt="It was\n"))
    [(endpoint, body, _)] = server.requests
    assert (endpoint, body["model"], body["prompt"]) == (
        "completions",
        MODEL,
        "It was\n",
    )
    assert (answer.text, answer.finish, answer.truncated) == ("IT WAS\n", "stop", False)
    assert (answer.prompt_tokens, answer.new_tokens) == (7, 7)


def test_plain_prompts_become_a_users_turn_where_there_are_no_completions(server):
    server.refuse["completions"] = lambda _: refusal(404, "this is a chat model")
    [answer] = answers(load(server), item())
    [body] = server.bodies("chat")
    assert body["messages"] == [{"role": "user", "content": "go on"}]
    assert answer.text == "GO ON"


def test_messages_always_go_to_the_chat(server):
    [answer] = answers(load(server), item(messages=TURNS))
    [(endpoint, body, _)] = server.requests
    assert (endpoint, body["messages"]) == ("chat", list(TURNS))
    assert "prompt" not in body
    assert answer.text == "HI"


def test_greedy_decoding_sends_no_seed(server):
    answers(load(server), item())
    [body] = server.bodies("completions")
    assert body["temperature"] == 0
    assert body["max_tokens"] == 20
    assert {"seed", "top_p", "stop", "echo"}.isdisjoint(body)


def test_each_sample_is_a_request_with_its_own_seed(server):
    def seeds(items, seed=5):
        model = load(server)
        settings = Generation(temperature=0.7, top_p=0.9, seed=seed)
        answers(model, *items, settings=settings, samples=2)
        sent = server.bodies("completions")
        assert {(one["temperature"], one["top_p"]) for one in sent} == {(0.7, 0.9)}
        return {(one["prompt"], one["seed"]) for one in sent}

    both = seeds([item("a", "A"), item("b", "B")])
    assert len({seed for _, seed in both}) == 4
    assert all(0 <= seed < 2**31 for _, seed in both)
    assert seeds([item("b", "B")]) == {one for one in both if one[0] == "B"}
    assert both.isdisjoint(seeds([item("b", "B")], seed=6))


def test_answers_are_cut_at_every_stop_text_also_those_a_server_cannot_take(server):
    stops = ("\n", "END", "###", "STOP", "Q:", "RIGHT")
    [answer] = answers(
        load(server),
        item(prompt="all right, end"),
        settings=Generation(max_new_tokens=20, stop=stops),
    )
    [body] = server.bodies("completions")
    assert body["stop"] == list(stops[:4])
    assert (answer.text, answer.finish) == ("ALL ", "stop")


@pytest.mark.parametrize(
    ("choice", "text", "finish"),
    [
        ({"text": "x", "finish_reason": "length"}, "x", "length"),
        ({"text": "x", "finish_reason": "eos_token"}, "x", "stop"),
        ({"text": "", "finish_reason": "stop"}, "", "stop"),
        ({"text": "x", "finish_reason": None}, "x", "length"),
    ],
)
def test_what_completions_end_with(server, choice, text, finish):
    model = load(server)
    server.script.append(server.completion(choice, written=20))
    [answer] = answers(model, item())
    assert (answer.text, answer.finish) == (text, finish)


@pytest.mark.parametrize(
    ("message", "reason", "text", "finish"),
    [
        ({"content": None}, "stop", "", "stop"),
        ({"content": ""}, "length", "", "length"),
        ({"content": None, "tool_calls": []}, "tool_calls", "", "stop"),
        ({"content": "so f"}, "content_filter", "so f", "filtered"),
        ({"content": None}, "content_filter", "", "filtered"),
        ({"content": None, "refusal": "I won't."}, "stop", "I won't.", "stop"),
        ({"content": [{"text": "a"}, {"x": 1}, {"text": "b"}]}, "stop", "ab", "stop"),
    ],
)
def test_what_chats_end_with(server, message, reason, text, finish):
    model = load(server)
    choice = {"message": message, "finish_reason": reason}
    server.script.append(server.completion(choice))
    [answer] = answers(model, item(messages=TURNS))
    assert (answer.text, answer.finish) == (text, finish)


def test_token_counts_are_unknown_where_the_server_does_not_tell(server):
    server.usage = False
    model = load(server)
    [answer] = answers(model, item())
    assert (answer.prompt_tokens, answer.new_tokens) == (None, None)
    assert model.usage.requests == 1
    assert model.usage.prompt_tokens == 0


def test_usage_counts_requests_tokens_and_cost(server):
    model = load(server, prices=Prices(prompt=3.0, new=10.0))
    assert model.usage.requests == 0
    answers(model, item("a", "four"), item("b", "sixsix"), samples=2)
    assert (model.usage.requests, model.usage.prompt_tokens) == (4, 20)
    assert model.usage.new_tokens == 28
    assert model.usage.cost == pytest.approx((20 * 3 + 28 * 10) / 1e6)


def test_without_prices_there_is_no_cost(server, monkeypatch):
    model = load(server)
    answers(model, item())
    assert model.usage.cost is None
    monkeypatch.setenv("OPENAI_PRICES", "1e6/0")
    model = load(server)
    answers(model, item(prompt="four"))
    assert model.usage.cost == 4


@pytest.mark.parametrize("text", ["2.5", "a/b", "1/2/3", "-1/2", "nan/1"])
def test_prices_that_cannot_be_read_are_refused(monkeypatch, text):
    monkeypatch.setenv("OPENAI_PRICES", text)
    with pytest.raises(UsageError, match=r"OPENAI_PRICES is .*2\.50/10"):
        Prices.from_environment()


def test_no_more_requests_at_once_than_allowed_and_no_fewer(server):
    model = load(server, concurrency=3)
    server.seconds = 0.05
    answers(model, *(item(str(n)) for n in range(12)))
    assert server.most_at_once == 3


def test_quick_answers_come_before_slow_ones_are_there(server):
    model = load(server, concurrency=2)
    first = model.generate([Request(item(str(n))) for n in range(2)], GREEDY)
    server.script.append(refusal(503, headers={"retry-after-ms": "400"}))
    assert len(next(first)) == 1
    assert sum(map(len, first)) == 1


def test_closing_the_model_calls_off_what_is_under_way(server):
    model = load(server, concurrency=1)
    server.seconds = 0.05
    batches = model.generate([Request(item(str(n))) for n in range(50)], GREEDY)
    next(batches)
    model.close()
    sent = len(server.requests)
    assert sent < 5
    assert list(batches) == []
    assert len(server.requests) == sent


NEWER = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. "
    "Use 'max_completion_tokens' instead."
)


@pytest.mark.parametrize(
    ("status", "said"), [(400, NEWER), (422, "Unexpected fields: {'max_tokens'}")]
)
def test_max_tokens_is_sent_under_its_newer_name_where_the_old_is_refused(
    server, status, said
):
    newer = "max_completion_tokens"
    server.refuse["completions"] = lambda _: refusal(404)
    server.refuse["chat"] = lambda body: (
        refusal(status, said) if "max_tokens" in body else None
    )
    model = load(server, concurrency=1)
    answers(model, item("a"), item("b"))
    sent = [(one.get("max_tokens"), one.get(newer)) for one in server.bodies("chat")]
    assert sent == [(20, None), (None, 20), (None, 20)]


def test_a_server_that_takes_no_seed_is_asked_without_and_the_user_told(server):
    extra = [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra"}]
    server.refuse["completions"] = lambda body: (
        refusal(422, extra) if "seed" in body else None
    )
    model = load(server, concurrency=1)
    settings = Generation(temperature=1.0)
    answers(model, item("a"), item("b"), settings=settings)
    assert ["seed" in one for one in server.bodies("completions")] == [
        True,
        False,
        False,
    ]
    assert "takes no seed" in model.usage.remarks[0]


def test_too_large_a_max_tokens_is_not_taken_for_an_unknown_name(server):
    said = "'max_tokens' or 'max_completion_tokens' is too large: 20"
    model = load(server)
    server.refuse["completions"] = lambda _: refusal(400, said, param="max_tokens")
    with pytest.raises(ServerError, match="too large: 20"):
        answers(model, item())
    assert len(server.requests) == 1


def test_lone_surrogates_in_a_prompt_are_replaced(server):
    answers(load(server), item(prompt="a\ud800b"), item("b", messages=TURNS))
    assert server.bodies("completions")[0]["prompt"] == "a?b"


def test_fingerprint_is_of_url_model_and_server_state_and_marked(server):
    def fingerprint(place=server.place):
        return OpenAIBackend(patience=FAST).fingerprint(place, {})

    plain = fingerprint()
    assert plain.endswith("-unverified")
    assert fingerprint() == plain
    assert fingerprint(server.place.replace(MODEL, "other")) != plain
    server.fingerprint = "fp_1"
    with_state = fingerprint()
    server.fingerprint = "fp_2"
    assert len({plain, with_state, fingerprint()}) == 3


def test_the_key_variable_changes_no_fingerprint(server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    backend = OpenAIBackend(patience=FAST)
    named = backend.fingerprint(f"{server.place}#MY_KEY", {})
    assert named == backend.fingerprint(server.place, {})


def test_identity_says_how_plain_prompts_are_sent_and_what_likelihoods_there_are(
    server,
):
    def identity():
        found = dict(OpenAIBackend(patience=FAST).identity(server.place))
        assert found.pop("backend") == "openai"
        return tuple(found.values())

    assert identity() == ("completions", "echo")
    server.figures = None
    assert identity() == ("completions", "none")
    server.refuse["completions"] = lambda body: refusal(400) if "echo" in body else None
    assert identity() == ("completions", "none")
    server.refuse["completions"] = lambda _: refusal(405)
    assert identity() == ("chat", "none")


def test_what_a_server_can_do_is_asked_once(server):
    backend = OpenAIBackend(patience=FAST)
    backend.fingerprint(server.place, {})
    asked = len(server.requests)
    backend.identity(server.place)
    backend.load(server.place)
    assert len(server.requests) == asked == 1


def test_a_change_of_the_servers_state_on_the_way_is_told(server):
    server.fingerprint = "fp_1"
    model = load(server)
    answers(model, item())
    assert model.usage.remarks == ()
    server.fingerprint = "fp_2"
    answers(model, item())
    assert "fp_1, fp_2" in model.usage.remarks[0]


def test_the_key_is_sent_and_no_key_where_none_is_named(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    monkeypatch.setenv("MY_KEY", " my-secret\n")
    answers(load(server), item())
    backend = OpenAIBackend(patience=FAST)
    answers(backend.load(f"{server.place}#MY_KEY"), item())
    sent = [headers["authorization"] for _, _, headers in server.requests]
    assert sent[0] == "Bearer none"
    assert sent[-1] == "Bearer my-secret"
    assert not any("key-of-openai" in one for one in sent)


def test_a_server_on_this_machine_is_not_asked_through_a_proxy(server, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    [answer] = answers(load(server), item())
    assert answer.text == "GO ON"


def test_the_backend_is_found_by_its_name():
    assert isinstance(backends["openai"], OpenAIBackend)
