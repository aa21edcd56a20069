"""What texts have in common is read once, and changes no likelihood."""

import inspect
from dataclasses import replace

import pytest
from backends.passages import documents, first_references
from backends.tiny_models import LINES, WORDS

from harness.types import Item, Passage

SHOTS = "\n".join(LINES[:3]) + "\n"
CAUSAL = [
    *("llama", "gpt2", "mistral", "gemma", "gpt_neo", "gpt_neox", "deepseek"),
    "longrope",
]


def likelihoods(model, passages):
    """Summed likelihood and tokens by item and target, each passage once."""
    found = [one for batch in model.loglikelihood(passages) for one in batch]
    assert len(found) == len(passages)
    return {(one.item, one.target): (one.nll, one.tokens) for one in found}


def each_alone(model, passages):
    """The same of a model that is asked for one passage at a time."""
    known = {}
    for passage in passages:
        known |= likelihoods(model, [passage])
    return known


def approximately(expected):
    return {
        key: (pytest.approx(nll, abs=1e-4 * tokens), tokens)
        for key, (nll, tokens) in expected.items()
    }


@pytest.fixture
def forwards(monkeypatch):
    """Shapes of what goes through a model, filled as it does."""

    def watch(model):
        shapes, forward = [], model.network.forward

        def watched(*args, **settings):
            shapes.append(tuple(settings["input_ids"].shape))
            return forward(*args, **settings)

        # Which arguments a model takes is read from its signature.
        watched.__signature__ = inspect.signature(forward)
        monkeypatch.setattr(model.network, "forward", watched)
        return shapes

    return watch


@pytest.fixture(scope="module")
def few_shot():
    """References of many lengths, after prompts that begin alike."""
    ends = [" ".join(WORDS[n : n + 1 + (5 * n) % 13]) for n in range(12)]
    return first_references(
        *(
            Item(f"i{n}", "task", str(n), SHOTS + end, (" lamp" * (1 + n % 4),))
            for n, end in enumerate(ends)
        )
    )


@pytest.fixture(scope="module")
def choices():
    """Four continuations of each of ten prompts, of one token and of more."""
    prompts = [" ".join(WORDS[n : n + 3 + (7 * n) % 19]) for n in range(10)]
    items = [Item(f"i{n}", "task", str(n), text) for n, text in enumerate(prompts)]
    texts = (" the", " it is far too bright", " a second line", " dog")
    return [
        Passage(item, f"choice:{number}", text)
        for item in items
        for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("batch_size", [1, 5, None])
def test_behind_shared_examples_they_are_what_they_are_alone(
    kind, batch_size, load, few_shot
):
    expected = each_alone(load(kind, 1), few_shot)
    found = likelihoods(load(kind, batch_size), few_shot)
    assert found == approximately(expected)


def test_shared_examples_are_read_once(load, few_shot, forwards):
    model = load("gpt2", 4)
    shapes = forwards(model)
    likelihoods(model, few_shot)
    assert shapes[0][0] == 1
    assert shapes[0][1] > 50
    assert max(width for _, width in shapes[1:]) < 50


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("batch_size", [1, 3, 6, None])
def test_choices_after_one_prompt_are_what_they_are_alone(
    kind, batch_size, load, choices
):
    expected = each_alone(load(kind, 1), choices)
    found = likelihoods(load(kind, batch_size), choices)
    assert found == approximately(expected)


@pytest.mark.parametrize("kind", CAUSAL)
def test_choices_behind_shared_examples_are_what_they_are_alone(kind, load, choices):
    behind = [
        replace(one, item=replace(one.item, prompt=SHOTS + one.item.prompt))
        for one in choices
    ]
    expected = each_alone(load(kind, 1), behind)
    assert likelihoods(load(kind, 6), behind) == approximately(expected)


def test_a_prompt_is_read_once_for_its_choices(load, choices, forwards):
    model = load("llama", 40)
    shapes = forwards(model)
    found = likelihoods(model, choices)
    most = max(tokens for _, tokens in found.values())
    longest = max(len(model.codec.prompt(p.item)) for p in choices)
    assert shapes == [(10, longest), (40, most - 1)]


def test_choices_of_one_token_need_the_prompt_alone(load, choices, forwards):
    model = load("gpt2", 40)
    single = [p for p in choices if p.text in {" the", " it"}] + [
        Passage(p.item, "choice:9", " it") for p in choices if p.target == "choice:0"
    ]
    shapes = forwards(model)
    found = likelihoods(model, single)
    assert {tokens for _, tokens in found.values()} == {1}
    assert len(shapes) == 1
    assert shapes[0][0] == 10


def test_documents_and_references_can_be_asked_for_together(load, few_shot):
    model = load("llama", 8)
    asked = [*few_shot, *documents(*(passage.item for passage in few_shot))]
    assert likelihoods(model, asked) == approximately(each_alone(model, asked))


def test_documents_are_read_beside_others_of_their_length(load, items, forwards):
    model = load("gpt2", 4)
    shapes = forwards(model)
    found = likelihoods(model, documents(*items))
    read = sum(rows * width for rows, width in shapes)
    assert read < 1.2 * sum(tokens for _, tokens in found.values())
