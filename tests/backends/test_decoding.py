"""Answers in shared batches are what the model writes for each prompt alone."""

import inspect
from collections import Counter
from dataclasses import replace

import pytest
import torch
from backends.passages import first_references

from harness.backends.base import Request
from harness.backends.decoding import Decoder, can_decode
from harness.backends.fallback import GenerateCaller, has_constraints
from harness.errors import CheckpointError
from harness.types import Generation, Item

GREEDY = Generation(max_new_tokens=20)
LOOPED = ["llama", "gpt2", "mistral", "gemma", "gpt_neo", "deepseek"]
WHOLE = ["mamba", "longrope", "t5", "bart"]


def alone(model, item, most=20, **settings):
    """Tokens and text that `model.generate` gives for one prompt, and why it ended."""
    tokens = torch.tensor([model.codec.prompt(item)])
    written = model.network.generate(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=most,
        do_sample=False,
        **settings,
    )[0].tolist()
    encoder = model.network.config.is_encoder_decoder
    new = written[1:] if encoder else written[tokens.shape[1] :]
    end = model.codec.tokenizer.eos_token_id
    finish = "stop" if end in new else "length"
    new = new[: new.index(end)] if end in new else new
    context = [] if encoder else tokens[0].tolist()
    return model.codec.text(context, new), finish, len(new)


@pytest.fixture(scope="session")
def expected(load, items):
    """What each kind of model writes for each prompt by itself."""
    known = {}

    def answers(kind):
        if kind not in known:
            known[kind] = {item.id: alone(load(kind), item) for item in items}
        return known[kind]

    return answers


def seen(given):
    return {item: (a.text, a.finish, a.new_tokens) for (item, _), a in given.items()}


@pytest.mark.parametrize("kind", LOOPED + WHOLE)
@pytest.mark.parametrize("batch_size", [1, 3, 16, None])
def test_greedy_answers_equal_unbatched_generate(
    kind, batch_size, load, items, answer, expected
):
    model = load(kind, batch_size)
    assert can_decode(model.network, 256) == (kind in LOOPED)
    assert seen(answer(model, items, GREEDY)) == expected(kind)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "t5"])
def test_the_tokenizers_padding_side_changes_no_answer(
    kind, load, items, answer, expected, monkeypatch
):
    # gpt2 pads with the token that ends a text, as many do.
    model = load(kind, 16)
    for side in ("left", "right"):
        monkeypatch.setattr(model.codec.tokenizer, "padding_side", side)
        assert seen(answer(model, items, GREEDY)) == expected(kind)


def test_only_rows_beyond_the_short_range_of_longrope_change_others(load):
    network = load("longrope").network
    assert (can_decode(network, 32), can_decode(network, 33)) == (True, False)


@pytest.mark.parametrize("kind", LOOPED + WHOLE)
def test_the_models_end_at_different_lengths(kind, expected):
    # Else the test above would not see rows leave and enter.
    ends = Counter(finish for _, finish, _ in expected(kind).values())
    assert ends["stop"] >= 5
    assert len({length for _, _, length in expected(kind).values()}) >= 5


def test_answers_come_in_groups_while_others_wait(load, items):
    requests = [Request(item) for item in items]
    groups = [len(group) for group in load("llama", 4).generate(requests, GREEDY)]
    assert sum(groups) == len(items)
    assert len(groups) > 6


def test_waiting_prompts_enter_beside_unfinished_ones(load, items, answer, monkeypatch):
    joined = []
    join = Decoder._join

    def watched(self, *batch):
        joined.append((len(self.rows), len(self.entering)))
        join(self, *batch)

    monkeypatch.setattr(Decoder, "_join", watched)
    answer(load("llama", 8), items, GREEDY)
    entered = [entering for there, entering in joined if there]
    assert len(entered) >= 3
    assert all(there + entering <= 8 for there, entering in joined)


def test_prompts_are_read_in_portions(load, items, answer, expected, monkeypatch):
    model = load("llama", 16)
    budget = replace(model._budget(), read=100)
    monkeypatch.setattr(model, "_budget", lambda: budget)
    assert seen(answer(model, items, GREEDY)) == expected("llama")


def test_tokens_are_counted_without_padding_and_end_token(load, items, answer):
    model = load("llama", 16)
    for (item, _), given in answer(model, items, GREEDY).items():
        prompt = next(i.prompt for i in items if i.id == item)
        assert given.prompt_tokens == len(model.codec.tokenizer(prompt)["input_ids"])
        assert given.new_tokens <= 20
        assert not given.truncated


def test_the_generation_config_may_name_several_end_tokens(load, items, monkeypatch):
    model = load("gpt2", 8)
    item = items[3]
    text, _, length = alone(model, item, eos_token_id=None, most=12)
    tokens = model.codec.continuation(item, model.codec.prompt(item), text)
    assert length == 12
    third = tokens[2]
    config = model.network.generation_config
    monkeypatch.setattr(config, "eos_token_id", [third, 0])
    [[given]] = model.generate([Request(item)], Generation(max_new_tokens=12))
    assert (given.finish, given.new_tokens) == ("stop", tokens.index(third))


def written(load, items, kind="gpt2"):
    """An item whose answer runs on to 20 tokens, and the answer."""
    model = load(kind, 8)
    for item in items:
        text, finish, _ = alone(model, item)
        if finish == "length" and len(text) > 20 and "\ufffd" not in text:
            return model, item, text
    pytest.fail("all answers of the model are short")


@pytest.mark.parametrize("kind", ["gpt2", "mistral", "t5"])
def test_a_stop_text_across_tokens_ends_the_answer(kind, load, items, answer):
    model, item, text = written(load, items, kind)
    stop = text[7:12]
    settings = Generation(max_new_tokens=20, stop=("never written", stop))
    others = [other for other in items[:4] if other is not item]
    given = answer(model, [item, *others], settings)[item.id, 0]
    assert given.text == text[: text.index(stop)]
    assert given.finish == "stop"
    assert given.new_tokens < 20


def test_the_earliest_of_several_stop_texts_counts(load, items, answer):
    model, item, text = written(load, items)
    settings = Generation(max_new_tokens=20, stop=(text[9:11], text[8:11]))
    given = answer(model, [item], settings)[item.id, 0]
    assert given.text == text[: min(text.index(stop) for stop in settings.stop)]


def test_every_possible_stop_text_is_found(load, items, answer):
    model, item, text = written(load, items)
    for width in (1, 2, 4):
        for begin in range(len(text) - width):
            stop = text[begin : begin + width]
            settings = Generation(max_new_tokens=20, stop=(stop,))
            given = answer(model, [item], settings)[item.id, 0]
            assert (given.text, given.finish) == (text[: text.index(stop)], "stop")


def test_an_empty_stop_text_stops_nothing(load, items, answer, expected):
    settings = Generation(max_new_tokens=20, stop=("",))
    assert seen(answer(load("gpt2", 8), items, settings)) == expected("gpt2")


@pytest.mark.parametrize("kind", ["llama", "t5"])
@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_a_sample_depends_on_item_number_and_seed_alone(
    kind, top_p, load, items, answer
):
    settings = Generation(max_new_tokens=10, temperature=0.9, top_p=top_p, seed=4)
    few, many = items[:6], items[:12]
    together = answer(load(kind, 16), many, settings, samples=3)
    apart = answer(load(kind, 1), few[::-1], settings, samples=2)
    assert apart.items() <= together.items()
    texts = {a.text for (_, sample), a in together.items() if sample == 0}
    others = {a.text for (_, sample), a in together.items() if sample == 1}
    assert texts != others
    other_seed = answer(load(kind, 16), few, replace(settings, seed=5))
    assert seen(other_seed) != {item: seen(together)[item] for item in seen(other_seed)}


def test_first_tokens_are_drawn_with_the_models_probabilities(load, answer):
    model = load("gpt2", 64)
    item = Item("id", "task", "key", "Turn the light")
    settings = Generation(max_new_tokens=1, temperature=1.5)
    given = answer(model, [item], settings, samples=600)
    prompt = model.codec.prompt(item)
    with torch.no_grad():
        logits = model.network(torch.tensor([prompt])).logits[0, -1]
    expected = Counter()
    for token, chance in enumerate((logits / 1.5).softmax(0).tolist()):
        ends = token == model.codec.tokenizer.eos_token_id
        expected["" if ends else model.codec.text(prompt, [token])] += chance
    shares = Counter(a.text for a in given.values())
    for text, chance in expected.most_common(5):
        assert shares[text] / 600 == pytest.approx(chance, abs=0.07)


def forgetful(network, most, forward=None):
    """A forward pass that runs out of memory with more than so many rows."""
    forward = forward or network.forward
    refused = []

    def limited(*args, **kwargs):
        rows = next(iter(kwargs.values())).shape[0]
        result = forward(*args, **kwargs)
        if rows > most:
            refused.append(rows)
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return result

    # Which arguments a model takes is read from its signature.
    limited.__signature__ = inspect.signature(forward)
    return limited, refused


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_running_out_of_memory_halves_the_batch_and_loses_nothing(
    kind, load, items, answer, expected, monkeypatch
):
    model = load(kind, 16)
    forward, refused = forgetful(model.network, 3)
    monkeypatch.setattr(model.network, "forward", forward)
    assert seen(answer(model, items, GREEDY)) == expected(kind)
    assert refused[0] == 16
    assert len(refused) <= 4


def test_running_out_of_memory_midway_gives_finished_answers_once(
    load, items, answer, expected, monkeypatch
):
    model = load("llama", 16)
    forward, calls = model.network.forward, []

    def failing(*args, **kwargs):
        calls.append(1)
        if len(calls) % 7 == 0 and len(calls) < 30:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **kwargs)

    failing.__signature__ = inspect.signature(forward)
    monkeypatch.setattr(model.network, "forward", failing)
    assert seen(answer(model, items, GREEDY)) == expected("llama")


def test_a_prompt_that_fits_by_no_means_is_an_error(load, items, monkeypatch):
    model = load("llama", 4)
    forward, _ = forgetful(model.network, 0)
    monkeypatch.setattr(model.network, "forward", forward)
    with pytest.raises(CheckpointError, match="ran out with a single prompt"):
        list(model.generate([Request(item) for item in items], GREEDY))


def test_a_repetition_penalty_is_honoured_as_generate_does(
    load, items, answer, monkeypatch
):
    model = load("gpt2", 8)
    assert not has_constraints(model.network)
    monkeypatch.setattr(model.network.generation_config, "repetition_penalty", 1.7)
    monkeypatch.setattr(model.network.generation_config, "no_repeat_ngram_size", 2)
    assert has_constraints(model.network)
    penalised = {item.id: alone(model, item) for item in items}
    assert seen(answer(model, items, GREEDY)) == penalised


def test_beams_and_sampling_of_the_generation_config_do_not_count(
    load, items, answer, expected, monkeypatch
):
    expected("t5")
    config = load("t5", 8).network.generation_config
    for name, value in {"num_beams": 3, "do_sample": True, "top_k": 2}.items():
        monkeypatch.setattr(config, name, value)
    assert seen(answer(load("t5", 8), items, GREEDY)) == expected("t5")


def test_equal_lengths_share_a_batch_where_padding_would_be_read(load, monkeypatch):
    model = load("llama", 8)
    monkeypatch.setattr(model.network.generation_config, "no_repeat_ngram_size", 3)
    sizes = []
    generate = GenerateCaller._generate

    def watched(self, batch):
        sizes.append({len(answer.context) for answer in batch})
        generate(self, batch)

    monkeypatch.setattr(GenerateCaller, "_generate", watched)
    prompts = ["the light", "the cat sat on", "the light", "the dog"]
    items = [Item(str(n), "t", str(n), p) for n, p in enumerate(prompts)]
    given = [a for b in model.generate([Request(i) for i in items], GREEDY) for a in b]
    assert len(given) == 4
    assert all(len(lengths) == 1 for lengths in sizes)


def test_weights_that_are_no_numbers_are_reported(load, items, monkeypatch):
    model = load("llama", 4)
    head = model.network.get_output_embeddings()
    broken = torch.nn.Linear(32, head.out_features, bias=False)
    torch.nn.init.constant_(broken.weight, torch.nan)
    # Undone, setattr would delete it, for modules keep their parts elsewhere.
    monkeypatch.setitem(model.network._modules, "lm_head", broken)
    with pytest.raises(CheckpointError, match="training diverged"):
        list(model.generate([Request(items[0])], GREEDY))
    with pytest.raises(CheckpointError, match="training diverged"):
        list(model.loglikelihood(first_references(items[0])))
