"""A small model computes with one thread, and leaves the others as they were."""

import pytest
import torch

from harness.backends.base import Request
from harness.backends.threads import SMALL, suited_threads
from harness.types import Generation


class Model:
    """What is asked of a model."""

    def __init__(self, parameters, device="cpu"):
        self.device = torch.device(device)
        self.num_parameters = lambda: parameters


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("model", "expected"),
    [(Model(SMALL - 1), 1), (Model(SMALL), 3), (Model(SMALL - 1, "cuda"), 3)],
    ids=["small", "large", "small on a GPU"],
)
def test_threads(model, expected):
    with suited_threads(model):
        assert torch.get_num_threads() == expected
    assert torch.get_num_threads() == 3


def test_they_are_given_back_when_an_error_ends_the_work():
    with pytest.raises(ZeroDivisionError), suited_threads(Model(1)):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 3


def test_answers_left_unread_give_them_back(load, items):
    answers = load("gpt2", 2).generate(
        [Request(item) for item in items], Generation(max_new_tokens=2)
    )
    next(answers)
    assert torch.get_num_threads() == 1
    answers.close()
    assert torch.get_num_threads() == 3
