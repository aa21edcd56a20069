"""Ranking: controls, answers, and what is refused."""

import pytest
from rating_study import FLUENCY, a_task

from harness.errors import InputError
from harness.schemes import Judgement, schemes

STYLE = {"name": "style", "question": "Which has the best style?"}
TEXTS = ["one", "two", "three"]


@pytest.fixture
def ranking():
    plan = a_task(scheme="ranking", criteria=[FLUENCY, STYLE]).file.rating
    return schemes["ranking"].of(plan)


def test_up_to_five_outputs_get_a_rank_each_on_each_criterion(ranking):
    assert ranking.together == 5
    assert [control.kind for control in ranking.controls] == ["ranking", "ranking"]


def test_an_answer_is_a_row_for_each_output_and_comes_back(ranking):
    given = {"fluency": [2, 1, 2], "style": [1, 2, 3]}
    rows = ranking.judgements(given, TEXTS)
    assert rows[:3] == [
        Judgement("fluency", 0, 2),
        Judgement("fluency", 1, 1),
        Judgement("fluency", 2, 2),
    ]
    assert len(rows) == 6
    assert ranking.values(reversed(rows)) == given


def test_all_may_be_equal(ranking):
    assert len(ranking.judgements({"fluency": [1] * 3, "style": [3] * 3}, TEXTS)) == 6


@pytest.mark.parametrize(
    "ranks",
    [
        [1, 2],
        [1, 2, 3, 3],
        [0, 1, 2],
        [1, 2, 4],
        [1, 2, None],
        [1, 2, 2.0],
        [1, True, 2],
        "123",
        1,
        {"0": 1, "1": 2, "2": 3},
        [[1], [2], [3]],
        [],
    ],
    ids=repr,
)
def test_only_a_rank_for_each_output_is_taken(ranking, ranks):
    with pytest.raises(InputError, match="style"):
        ranking.judgements({"fluency": [1, 2, 3], "style": ranks}, TEXTS)
