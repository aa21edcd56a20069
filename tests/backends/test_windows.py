"""Windows score each token once, with the context that lm-evaluation-harness gives."""

import pytest

from harness.backends.windows import rolling


def spans(row, size, stride, first=1):
    """What is read and what is scored, window by window."""
    return [
        (row[one.begin : one.end - 1], row[one.scored : one.end])
        for one in rolling(len(row), first, size, stride)
    ]


def tokens(begin, end):
    return list(range(begin, end))


START = -100
FIRST = ([START, *tokens(0, 9)], tokens(0, 10))


@pytest.mark.parametrize(
    ("stride", "further"),
    [
        (
            10,
            [
                (tokens(9, 19), tokens(10, 20)),
                (tokens(19, 29), tokens(20, 30)),
                (tokens(23, 33), tokens(30, 34)),
            ],
        ),
        (3, [(tokens(n - 8, n + 2), tokens(n, n + 3)) for n in range(10, 34, 3)]),
        (1, [(tokens(n - 10, n), [n]) for n in range(10, 34)]),
    ],
    ids=["one token of context", "eight", "ten"],
)
def test_34_tokens_in_windows_of_10(stride, further):
    # The cases of get_rolling_token_windows: a context of 1, 8 and 10 tokens.
    assert spans([START, *tokens(0, 34)], 10, stride) == [FIRST, *further]


def test_an_even_number_of_windows_has_no_remainder():
    assert spans([START, *tokens(0, 30)], 10, None) == [
        FIRST,
        (tokens(9, 19), tokens(10, 20)),
        (tokens(19, 29), tokens(20, 30)),
    ]


def test_the_last_window_is_filled_up_with_context():
    assert spans([START, *tokens(0, 9)], 2, None)[-1] == ([6, 7], [8])


@pytest.mark.parametrize("size", [None, 11, 12, 500])
def test_what_fits_is_read_at_once(size):
    assert spans([START, *tokens(0, 11)], size, size) == [
        ([START, *tokens(0, 10)], tokens(0, 11))
    ]


def test_without_a_start_token_the_first_token_is_read_but_not_scored():
    assert spans(tokens(0, 7), 3, None) == [
        (tokens(0, 3), tokens(1, 4)),
        (tokens(3, 6), tokens(4, 7)),
    ]


@pytest.mark.parametrize("row", [[], [START]])
def test_nothing_to_score_has_no_window(row):
    assert spans(row, 10, None) == []


def test_several_start_tokens_are_context_of_the_first_window_only():
    assert spans([-1, -2, -3, *tokens(0, 4)], 2, 2, first=3) == [
        ([-2, -3], [0]),
        ([0, 1], [1, 2]),
        ([1, 2], [3]),
    ]


@pytest.mark.parametrize("length", range(2, 40))
@pytest.mark.parametrize(("size", "stride"), [(1, 1), (5, 2), (7, 7), (9, 4)])
def test_every_token_is_scored_once_and_no_window_is_too_long(length, size, stride):
    row = tokens(0, length)
    found = spans(row, size, stride)
    assert [token for _, scored in found for token in scored] == row[1:]
    assert max(len(read) for read, _ in found) <= size
    assert all(len(read) == size for read, _ in found[1:])
