"""Two checkpoints of a campaign side by side."""

from datetime import UTC, datetime

import numpy as np
import pytest
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task, text_of

from harness.campaign import open_campaign
from harness.dealing import deal
from harness.errors import NotFound, UsageError
from harness.pairing import Pair, ratings_of


def number_of(shown):
    return int(shown.prompt.split()[1])


def judge(shown):
    """Fluency is the prompt's number by halves, and one more for later checkpoints."""
    later = checkpoint_in(shown.outputs[0])
    return {"meaning": 3, "fluency": 1 + number_of(shown) % 3 + later}


def strict(shown):
    return {"meaning": 3, "fluency": 1}


def later_wins(shown):
    one, two = map(checkpoint_in, shown.outputs)
    return {"meaning": "first" if one > two else "second", "fluency": "tie"}


def some_equal(item, checkpoint):
    """Both write the same for prompts 0 and 1."""
    return text_of(item, 0 if item < 2 else checkpoint)


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=6, checkpoints=2, text=some_equal)
    yield study
    study.close()


def pair_in(study, campaign, criterion):
    read = ratings_of(study, campaign)
    return read.pair(criterion, *read.texts)


def test_ratings_stand_by_prompt_and_rater_and_equal_texts_are_left_out(study):
    campaign = open_campaign(study, a_task())
    rate_all(study, campaign, {"ana": judge, "ben": strict})
    pair = pair_in(study, campaign, "fluency")
    assert (len(pair.prompts), pair.equal, pair.drawn) == (4, 2, 4)
    first, second = pair.matrices()
    gaps = {tuple(row) for row in np.sort(second - first, axis=1)}
    assert gaps == {(0.0, 1.0)}
    assert pair.rated().all()
    assert pair.scores is None


def test_only_the_first_ratings_count_where_that_is_asked(study):
    campaign = open_campaign(study, a_task())
    rate_all(study, campaign, {"ana": judge, "ben": strict})
    pair = pair_in(study, campaign, "fluency")
    assert len(pair.value) == 16
    for given in (0, 1, 7, 16):
        known = [np.isfinite(one).sum() for one in pair.matrices(given)]
        assert sum(known) == given
    assert not pair.rated(1).any()


def test_comparisons_say_how_often_the_second_wins_whoever_stood_left(study):
    campaign = open_campaign(study, a_task(scheme="pairwise", criteria=COMPARED))
    rate_all(study, campaign, {"ana": later_wins, "ben": later_wins})
    read = ratings_of(study, campaign)
    earlier, later = read.texts
    won = read.pair("meaning", earlier, later).matrices()[0]
    lost = read.pair("meaning", later, earlier).matrices()[0]
    assert won.shape == (4, 2)
    assert (won == 1).all()
    assert (lost == 0).all()
    assert (read.pair("fluency", earlier, later).matrices()[0] == 0.5).all()


def ranks_later_first(shown):
    """The latest first; of prompts 4 and 5 the two earlier ones share a rank."""
    numbers = [checkpoint_in(text) for text in shown.outputs]
    least = 1 if number_of(shown) > 3 else 0
    places = sorted({max(one, least) for one in numbers}, reverse=True)
    ranks = [places.index(max(one, least)) + 1 for one in numbers]
    return {"meaning": ranks, "fluency": [1] * len(numbers)}


def test_rankings_say_of_each_two_who_stood_higher_and_equal_ranks_tie(tmp_path):
    study = a_study(tmp_path / "ranked.db", items=6, checkpoints=3)
    campaign = open_campaign(study, a_task(scheme="ranking", criteria=COMPARED))
    rate_all(study, campaign, {"ana": ranks_later_first, "ben": ranks_later_first})
    read = ratings_of(study, campaign)
    first, second, third = read.texts
    ties = [prompt for prompt, text in read.texts[first].items() if text[-2] in "45"]
    pair = read.pair("meaning", first, second)
    won = pair.matrices()[0]
    assert won.shape == (6, 2)
    for prompt, row in zip(pair.prompts, won, strict=True):
        assert (row == (0.5 if prompt in ties else 1.0)).all()
    assert len(ties) == 2
    assert (read.pair("meaning", first, third).matrices()[0] == 1).all()
    assert (read.pair("meaning", third, second).matrices()[0] == 0).all()
    assert (read.pair("fluency", first, third).matrices()[0] == 0.5).all()
    study.close()


def test_before_the_first_rating_there_is_a_pair_without_ratings(study):
    campaign = open_campaign(study, a_task())
    deal(study, campaign, datetime(2030, 1, 1, tzinfo=UTC))
    pair = pair_in(study, campaign, "meaning")
    assert pair.matrices()[0].shape == (4, 0)
    assert not pair.rated().any()


def test_a_checkpoint_of_elsewhere_is_refused(study):
    campaign = open_campaign(study, a_task())
    rate_all(study, campaign, {"ana": judge})
    read = ratings_of(study, campaign)
    with pytest.raises(UsageError, match="no two checkpoints"):
        read.pair("meaning", next(iter(read.texts)), "elsewhere")


def test_a_metric_without_scores_is_refused_by_name(study):
    with pytest.raises(NotFound, match="metric"):
        ratings_of(study, open_campaign(study, a_task()), "chrf")


def a_pair(strata, rated):
    """A pair of which some prompts are compared."""
    at = np.flatnonzero(rated)
    return Pair(
        criterion="meaning",
        first="a",
        second="b",
        comparing=True,
        scale=(0, 1),
        prompts=tuple(map(str, range(len(rated)))),
        equal=0,
        drawn=len(rated),
        metric=None,
        scores=None,
        prompt=at,
        side=np.zeros(len(at), dtype=int),
        rater=np.zeros(len(at), dtype=int),
        value=np.ones(len(at)),
        strata=np.array(strata),
    )


@pytest.mark.parametrize(
    ("strata", "rated", "expected"),
    [
        ([0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 1, 1]),
        ([0, 0, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]),
        ([0, 1, 2, 2, 2], [1, 1, 1, 1, 0], [0, 0, 1, 1, 1]),
        ([0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]),
    ],
    ids=["enough", "the last joins", "the first two join", "nothing is rated"],
)
def test_strata_join_until_each_has_two_rated_prompts(strata, rated, expected):
    pair = a_pair(strata, rated)
    assert list(pair.design(pair.rated()).strata) == expected
