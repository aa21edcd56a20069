"""Likelihoods from servers that echo texts with log-probabilities."""

from __future__ import annotations

import pytest
from backends.openai_server import FakeServer, refusal, word_figures
from backends.passages import documents, first_references

from harness.backends import OpenAIBackend
from harness.backends.completions import Answer
from harness.backends.echo import Echo, read_echo, score_continuation
from harness.backends.retry import Patience
from harness.errors import ServerError, Unscorable
from harness.types import Item, Passage

FAST = Patience(tries=3, first_wait=0.01, longest_wait=1.0, timeout=5.0)


@pytest.fixture(scope="module")
def running():
    with FakeServer() as server:
        yield server


@pytest.fixture
def server(running):
    running.reset()
    return running


def item(reference, prompt="the cat", key="a", **more):
    return Item(f"id-{key}", "test", key, prompt, references=(reference,), **more)


def scored(server, *items):
    model = OpenAIBackend(patience=FAST).load(server.place)
    found = [
        one for batch in model.loglikelihood(first_references(*items)) for one in batch
    ]
    assert len(found) == len(items)
    return sorted(found, key=lambda one: one.item)


def reason_for(server, one):
    [found] = scored(server, one)
    assert (found.nll, found.tokens, found.truncated) == (0, 0, False)
    return found.reason


def test_only_the_references_tokens_are_summed(server):
    # " sat" and " there" are 4 and 6 signs; the server's figure is an eighth of that.
    [found] = scored(server, item(" sat there"))
    assert found.nll == pytest.approx((4 + 6) / 8)
    assert (found.tokens, found.reason) == (2, None)


def test_the_first_reference_is_scored_and_no_token_that_the_model_adds(server):
    one = Item("i", "t", "k", "go", references=(" on", " back home"))
    [found] = scored(server, one)
    assert found.nll == pytest.approx(3 / 8)


def test_a_token_across_the_boundary_is_refused_with_a_reason(server):
    reason = reason_for(server, item("s sat"))
    assert "the end of the prompt and the beginning of the text" in reason


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_equals_the_same_model_run_here(server, load, items, kind):
    local = load(kind)
    batches = local.loglikelihood(first_references(*items))
    here = {one.item: one for batch in batches for one in batch}
    server.figures = lambda text: model_figures(local, text)
    there = scored(server, *items)
    known = [one for one in there if one.reason is None]
    assert len(known) > len(items) * 0.8
    for one in known:
        assert one.tokens == here[one.item].tokens
        assert one.nll == pytest.approx(here[one.item].nll, abs=1e-4 * one.tokens)


def model_figures(model, text):
    """As a server makes them: tokens decoded one by one, so that some are halves."""
    import torch

    tokenizer = model.codec.tokenizer
    ids = tokenizer(text)["input_ids"]
    with torch.inference_mode():
        logits = model.network(torch.tensor([ids])).logits[0].double()
    chosen = logits.log_softmax(-1)[range(len(ids) - 1), ids[1:]]
    return [tokenizer.decode([one]) for one in ids], [None, *chosen.tolist()]


def test_a_server_without_echo_scores_nothing_and_says_so(server):
    server.figures = None
    for found in scored(server, item(" a", key="a"), item(" b", key="b")):
        assert (found.nll, found.tokens) == (0, 0)
        assert "not available there" in found.reason
    assert len(server.requests) == 1, "more than the probe was sent"


def test_messages_have_no_likelihood(server):
    turns = ({"role": "user", "content": "the cat"},)
    assert "not available for messages" in reason_for(
        server, item(" sat", messages=turns)
    )


def test_a_text_that_the_server_refuses_is_unscored_the_others_are_not(server):
    server.refuse["completions"] = lambda body: (
        refusal(400, "maximum context length") if "long" in body["prompt"] else None
    )
    short, long = scored(server, item(" a", key="a"), item(" long", key="b"))
    assert short.reason is None
    assert long.reason == "the server refuses the text: maximum context length"


def test_a_server_that_breaks_down_is_an_error_and_no_reason(server):
    model = OpenAIBackend(patience=FAST).load(server.place)
    server.refuse["completions"] = lambda _: refusal(500)
    with pytest.raises(ServerError, match="tried 3 times"):
        list(model.loglikelihood(first_references(item(" sat"))))


@pytest.mark.parametrize("logprob", [None, -9999.0, float("-inf"), float("nan")])
def test_a_token_without_a_probability_makes_no_number(server, logprob):
    def figures(text):
        tokens, logprobs = word_figures(text)
        return tokens, [*logprobs[:-1], logprob]

    server.figures = figures
    assert "no probability" in reason_for(server, item(" sat"))


def test_usage_counts_echoes_too(server):
    model = OpenAIBackend(patience=FAST).load(server.place)
    list(model.loglikelihood(first_references(item(" sat there"))))
    assert (model.usage.requests, model.usage.prompt_tokens) == (2, 2 + 4)


def answer(tokens, logprobs, *, new_tokens=1, finish="length"):
    figures = {"tokens": tokens, "token_logprobs": logprobs}
    return Answer("", finish, None, new_tokens, None, figures)


def test_the_added_token_is_left_out_also_where_only_the_ending_tells_of_it():
    figures = (["a", " b", " c"], [None, -1, -2])
    assert read_echo(answer(*figures), "a b").tokens == ["a", " b"]
    assert read_echo(answer(*figures, new_tokens=None), "a b").tokens == ["a", " b"]
    assert read_echo(answer(*figures, new_tokens=0), "a b c").tokens == [
        "a",
        " b",
        " c",
    ]


@pytest.mark.parametrize(
    "odd",
    [
        answer(["a", " b"], [None]),
        answer(["a", " b", " c"], [None, -1, -2], new_tokens=None, finish="stop"),
        answer(["a", " b", " c"], [None, -1, -2], new_tokens=2),
        answer(["a", " b", " c"], [None, -1, -2], new_tokens=0),
        answer([" b", " c"], [None, -1]),
        Answer("", "length", None, 1, None, None),
        Answer("", "length", None, 1, None, {"tokens": "a b", "token_logprobs": [1]}),
        Answer("", "length", None, 1, None, {"content": [{"token": "a"}]}),
    ],
)
def test_figures_that_do_not_fit_the_text_are_refused(odd):
    with pytest.raises(Unscorable):
        read_echo(odd, "a b")


def test_start_tokens_and_halves_of_characters_do_no_harm():
    before = Echo(["<s>", "Gr\ufffd", "\ufffd"], [None, -1, -1])
    whole = Echo([*before.tokens, "\ufffd", "\ufffd", "e"], [None, -1, -1, -2, -3, -4])
    assert score_continuation(before, whole, "\u00dfe") == (9, 3)


def test_tokens_of_another_text_are_refused():
    with pytest.raises(Unscorable, match="do not add up to the text"):
        score_continuation(Echo(["a"], [None]), Echo(["a", " c"], [None, -1]), " b")


def test_choices_after_one_prompt_share_the_request_for_its_tokens(server):
    one = item(" sat")
    texts = (" sat", " lay", " stood")
    asked = [Passage(one, f"choice:{n}", text) for n, text in enumerate(texts)]
    model = OpenAIBackend(patience=FAST).load(server.place)
    found = {s.target: s for batch in model.loglikelihood(asked) for s in batch}
    assert {key: s.nll for key, s in found.items()} == {
        "choice:0": 4 / 8,
        "choice:1": 4 / 8,
        "choice:2": 6 / 8,
    }
    assert model.usage.requests == 1 + len(texts)


def document(server, one, **windows):
    """Likelihood of an item's prompt by itself, and what the model remarks."""
    model = OpenAIBackend(patience=FAST).load(server.place)
    [[found]] = model.loglikelihood(documents(one, **windows))
    return found, model.usage


def test_a_document_is_asked_for_at_once_and_its_first_token_left_out(server):
    found, usage = document(server, item("", prompt="the cat sat"))
    assert found.nll == pytest.approx((4 + 4) / 8)
    assert (found.tokens, found.skipped, found.reason) == (2, 3, None)
    assert found.policy == "document at once, without its first token"
    assert usage.requests == 1
    assert any("neither scored nor counted" in remark for remark in usage.remarks)


def test_a_document_after_the_servers_start_token_is_scored_whole(server):
    def figures(text):
        tokens, logprobs = word_figures(text)
        return ["<s>", *tokens], [None, -1.0, *logprobs[1:]]

    server.figures = figures
    found, usage = document(server, item("", prompt="the cat sat"))
    assert found.nll == pytest.approx(1 + (4 + 4) / 8)
    assert (found.tokens, found.skipped) == (3, 0)
    assert (found.policy, usage.remarks) == ("document at once", ())


@pytest.mark.parametrize("windows", [{"size": 8}, {"stride": 8}])
def test_windows_are_not_for_servers(server, windows):
    found, usage = document(server, item("", prompt="the cat sat"), **windows)
    assert (found.tokens, usage.requests) == (0, 0)
    assert "'window' and 'stride' are for models that run here" in found.reason


def test_a_document_of_messages_needs_no_chat_echo(server):
    turns = ({"role": "user", "content": "x"},)
    found, _ = document(server, item("", prompt="the cat sat", messages=turns))
    assert found.tokens == 2


def test_a_document_of_one_token_has_no_probability(server):
    found, _ = document(server, item("", prompt="the"))
    assert "a single token" in found.reason


def test_a_document_that_the_server_refuses_is_unscored(server):
    server.refuse["completions"] = lambda body: (
        refusal(400, "maximum context length") if "cat" in body["prompt"] else None
    )
    found, _ = document(server, item("", prompt="the cat sat"))
    assert found.reason == "the server refuses the text: maximum context length"


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_documents_equal_the_same_model_run_here(server, load, items, kind):
    local = load(kind)
    short = [one for one in items if 10 < len(one.prompt) < 200]
    server.figures = lambda text: model_figures(local, text)
    model = OpenAIBackend(patience=FAST).load(server.place)
    batches = model.loglikelihood(documents(*short))
    there = {one.item: one for batch in batches for one in batch}
    for one in short:
        ids = local.codec.tokenizer(one.prompt)["input_ids"]
        tokens, logprobs = model_figures(local, one.prompt)
        assert there[one.id].tokens == len(ids) - 1
        assert there[one.id].nll == pytest.approx(-sum(logprobs[1:]), abs=1e-6)
        # Llama's tokenizer brings its own start token, so no letter is left out.
        assert bool(there[one.id].skipped) == (kind == "gpt2"), tokens[0]
