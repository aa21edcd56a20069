"""Tokens are drawn as the settings say, each answer by its own numbers."""

from types import SimpleNamespace

import pytest
import torch

from harness.backends.sampling import Sampler, check_numbers
from harness.errors import CheckpointError
from harness.types import Generation

CHANCES = torch.tensor([0.1, 0.0, 0.4, 0.2, 0.3])


def drawing(*numbers):
    return [SimpleNamespace(draw=lambda n=n: n) for n in numbers]


def chosen(sampler, *numbers, chances=CHANCES):
    logits = chances.log().expand(len(numbers), -1)
    return sampler.choose(logits, drawing(*numbers)).tolist()


def test_the_settings_make_the_sampler():
    assert Sampler.of(Generation(temperature=0.5, top_p=0.9)) == Sampler(0.5, 0.9)


def test_greedy_takes_the_likeliest_and_draws_nothing():
    logits = torch.tensor([[1.0, 3.0, 2.0], [4.0, 0.0, -1.0]])
    assert Sampler().choose(logits, []).tolist() == [1, 0]


def test_a_number_falls_on_the_token_whose_share_of_mass_holds_it():
    numbers = (0.0, 0.0999, 0.1001, 0.4999, 0.5001, 0.7001, 1 - 2**-53)
    assert chosen(Sampler(1.0), *numbers) == [0, 0, 2, 2, 3, 4, 4]


def test_temperature_sharpens():
    # Squared and renormalised: 1, 0, 16, 4, 9 thirtieths.
    numbers = [n / 30 for n in (0.9, 1.1, 16.9, 17.1, 20.9, 21.1)]
    assert chosen(Sampler(0.5), *numbers) == [0, 2, 2, 3, 3, 4]


def test_a_nucleus_keeps_the_fewest_tokens_that_reach_the_share():
    # 0.4 alone is below 0.5, so 0.3 joins; of both together, 4/7 and 3/7 remain.
    assert chosen(Sampler(1.0, 0.5), 0.0, 0.571, 0.572, 0.9999) == [2, 2, 4, 4]
    assert chosen(Sampler(1.0, 0.05), 0.0, 0.9999) == [2, 2]


def test_the_last_token_without_probability_is_never_reached():
    certain = torch.tensor([0.3, 0.7, 0.0])
    assert chosen(Sampler(1.0), 1 - 2**-53, chances=certain) == [1]


@pytest.mark.parametrize(
    ("top_p", "expected"),
    # 0.4, 0.3 and 0.2 are the fewest that reach 0.75.
    [(1.0, CHANCES), (0.75, torch.tensor([0, 0, 4, 2, 3]) / 9)],
)
def test_frequencies_are_the_probabilities(top_p, expected):
    generator = torch.Generator().manual_seed(11)
    numbers = torch.rand(20_000, generator=generator, dtype=torch.float64).tolist()
    counts = torch.bincount(torch.tensor(chosen(Sampler(1.0, top_p), *numbers)))
    assert torch.allclose(counts / 20_000, expected, atol=0.012)


def test_nearly_equal_tokens_may_swap_ranks_without_changing_the_draw():
    chances = torch.full((1000,), 1e-3)
    noise = torch.rand(1000, generator=torch.Generator().manual_seed(0)) * 1e-9
    numbers = [0.12345, 0.5, 0.98765]
    same = chosen(Sampler(1.0, 0.999), *numbers, chances=chances)
    near = chosen(Sampler(1.0, 0.999), *numbers, chances=chances + noise)
    assert all(abs(a - b) <= 1 for a, b in zip(same, near, strict=True))


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
def test_numbers_pass_and_their_absence_does_not(broken):
    check_numbers(torch.tensor([[1.0, -torch.inf]]))
    with pytest.raises(CheckpointError, match="not numbers"):
        check_numbers(torch.tensor([[1.0, broken]]))
