"""Damaged copies: as many words as WMT replaces, in the middle, from another text."""

import pytest

from harness.damage import damaged, words_replaced

OTHERS = [
    ("a", "one two three four five six seven eight"),
    ("b", "alpha beta gamma delta epsilon zeta eta theta iota kappa"),
]


@pytest.mark.parametrize(
    ("words", "replaced"),
    [
        (4, 2),
        (5, 2),
        (6, 3),
        (8, 3),
        (9, 4),
        (15, 4),
        (16, 5),
        (20, 5),
        (21, 5),
        (40, 10),
    ],
)
def test_the_number_of_replaced_words_is_that_of_wmt(words, replaced):
    assert words_replaced(words) == replaced


def test_one_run_of_words_is_exchanged_and_first_and_last_stay():
    text = "one two three four  five\nsix seven eight"
    copy = damaged(text, "a", OTHERS, 0)
    old, new = text.split(), copy.split()
    changed = [
        at for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]
    ]
    assert changed == list(range(changed[0], changed[0] + 3))
    assert 0 not in changed
    assert 7 not in changed
    put_in = [new[at] for at in changed]
    assert " ".join(put_in) in OTHERS[1][1]


def test_copies_come_from_the_seed_alone():
    text = OTHERS[0][1]
    assert damaged(text, "a", OTHERS, 3) == damaged(text, "a", OTHERS, 3)
    assert len({damaged(text, "a", OTHERS, seed) for seed in range(9)}) > 3


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("too short text", OTHERS),
        ("", OTHERS),
        ("没有空格的文字不会被损坏", OTHERS),
        ("one two three four five", [("a", "of the same prompt only, though long")]),
        ("one two three four five", [("b", "short")]),
        ("la la la la la la", [("b", "La, la. la la la la la")]),
    ],
)
def test_a_text_that_cannot_be_damaged_is_left_alone(text, others):
    assert damaged(text, "a", others, 0) is None
