"""What prompts have in common is read once, and changes no answer."""

import inspect
from dataclasses import replace

import pytest
import torch
from backends.tiny_models import LINES, WORDS

from harness.backends.base import Request
from harness.backends.reading import WORTHWHILE, shared_prefix
from harness.types import Generation, Item

GREEDY = Generation(max_new_tokens=20)
SHOTS = "\n".join(LINES[:3]) + "\n"


@pytest.fixture(scope="module")
def few_shot():
    """Prompts of many lengths behind the same examples."""
    ends = [" ".join(WORDS[n : n + 1 + (5 * n) % 13]) for n in range(12)]
    return [Item(f"i{n}", "task", str(n), SHOTS + end) for n, end in enumerate(ends)]


def each_alone(load, kind, items, settings=GREEDY, samples=1):
    """Answers by a model that is never given two prompts, so that it shares none."""
    model, found = load(kind, 1), {}
    for item in items:
        for sample in range(samples):
            [[one]] = model.generate([Request(item, sample)], settings)
            found[item.id, sample] = one
    return found


@pytest.mark.parametrize(
    "kind", ["llama", "gpt2", "mistral", "gemma", "gpt_neo", "deepseek"]
)
@pytest.mark.parametrize("batch_size", [1, 5, None])
def test_answers_behind_shared_examples_are_what_they_are_alone(
    kind, batch_size, load, few_shot, answer
):
    together = answer(load(kind, batch_size), few_shot, GREEDY)
    assert together == each_alone(load, kind, few_shot)


def test_samples_behind_shared_examples_are_what_they_are_alone(load, few_shot, answer):
    settings = replace(GREEDY, temperature=0.9)
    together = answer(load("llama", 7), few_shot[:4], settings, samples=3)
    assert together == each_alone(load, "llama", few_shot[:4], settings, samples=3)
    assert len({one.text for one in together.values()}) > 8


def forwards(model, monkeypatch):
    """Shapes of what goes through the model, filled as it does."""
    shapes, forward = [], model.network.forward

    def watched(*args, **settings):
        shapes.append(tuple(settings["input_ids"].shape))
        return forward(*args, **settings)

    # Which arguments a model takes is read from its signature.
    watched.__signature__ = inspect.signature(forward)
    monkeypatch.setattr(model.network, "forward", watched)
    return shapes


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_shared_examples_are_read_once(kind, load, few_shot, answer, monkeypatch):
    model = load(kind, 4)
    shapes = forwards(model, monkeypatch)
    answer(model, few_shot, GREEDY)
    shared = shared_prefix([model.codec.prompt(item) for item in few_shot])
    assert len(shared) > 50
    assert shapes[0] == (1, len(shared))
    assert max(width for _, width in shapes[1:]) < 40


def test_samples_of_a_prompt_read_it_once(load, few_shot, answer, monkeypatch):
    model = load("gpt2", 16)
    shapes = forwards(model, monkeypatch)
    settings = Generation(max_new_tokens=3, temperature=1.0)
    answer(model, few_shot[:1], settings, samples=16)
    length = len(model.codec.prompt(few_shot[0]))
    assert [shape for shape in shapes if shape[1] > 1] == [(1, length - 1)]
    assert shapes[1] == (1, 1)
    assert shapes[2][1] == 1
    assert shapes[2][0] > 8


def test_memory_too_small_for_the_examples_alone_is_no_crash(
    load, few_shot, answer, monkeypatch
):
    model = load("llama", 2)
    expected = answer(model, few_shot, GREEDY)
    forward, calls = model.network.forward, []

    def failing(*args, **settings):
        calls.append(1)
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **settings)

    failing.__signature__ = inspect.signature(forward)
    monkeypatch.setattr(model.network, "forward", failing)
    assert answer(model, few_shot, GREEDY) == expected


LONG = list(range(WORTHWHILE))


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        ([[*LONG, 1], [*LONG, 2], [*LONG, 2, 3]], LONG),
        ([[*LONG, 7], [*LONG, 7]], LONG),
        ([[*LONG, 7, 8], [*LONG, 7]], LONG),
        ([LONG, [*LONG, 9]], []),
        ([[*LONG, 1], [0, 5, *LONG]], []),
        ([[*LONG, 1]], []),
    ],
    ids=[
        "what all begin with",
        "equal prompts keep a last token",
        "so does one that begins another",
        "too little is not worth it",
        "one that differs soon",
        "a single one",
    ],
)
def test_shared_prefix(contexts, expected):
    assert shared_prefix(contexts) == expected
