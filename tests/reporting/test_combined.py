"""Two checkpoints by ratings alone, and with scores: by hand and by `stats.combine`."""

from dataclasses import replace

import numpy as np
import pytest
from made_evidence import METRIC, METRICS, evidence_of
from scipy.stats import ttest_1samp

from harness.errors import NotFound
from harness.reporting.combined import BEST, TWO, Asked, Combiner
from harness.stats.combine import mean, paired_difference
from harness.stats.sharpened import EXACTLY_THESE


def study(*, raters=2, items=120, rated=30, gap=0.4, helps=True):
    """Two checkpoints; scores say what raters say, if they are to help."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(2, items)) + np.array([[0], [gap]])
    human = truth[None] + rng.normal(0, 0.5, (raters, 2, items))
    human[:, :, rated:] = np.nan
    return human, 10 * truth if helps else rng.normal(size=(2, items))


def one_row(human, scores, asked=None, **about):
    evidence = evidence_of(human, scores, **about)
    combiner = Combiner.of(evidence, METRICS, asked or Asked())
    return combiner.by_ratings(combiner.sheet("meaning"), ("c0", "c1"), TWO)


def test_ratings_alone_are_the_t_interval_of_the_differences():
    human, scores = study()
    found = one_row(human, scores).alone
    gaps = (human[:, 1] - human[:, 0]).mean(axis=0)[:30]
    expected = ttest_1samp(gaps, 0).confidence_interval()
    assert found.value == pytest.approx(gaps.mean())
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_with_scores_it_is_the_estimate_of_combine_and_saves_ratings():
    human, scores = study()
    found = one_row(human, scores)
    table = human.transpose(1, 2, 0)
    expected = paired_difference(*table, *scores, scale=(1, 5))
    assert found.both == expected
    assert found.saved == expected.saved > 20
    assert found.both.high - found.both.low < found.alone.high - found.alone.low
    assert (found.both.n, found.prompts, found.metric) == (30, 120, METRIC)


def test_a_metric_that_says_nothing_saves_none():
    found = one_row(*study(helps=False))
    assert found.saved == 0
    assert found.both.method == "classical"
    assert (found.both.low, found.both.high) == (found.alone.low, found.alone.high)


def test_where_all_are_rated_scores_save_nothing_about_prompts_like_these():
    found = one_row(*study(rated=120))
    assert found.saved == 0
    assert "every prompt is rated" in found.both.why


def test_from_five_raters_on_both_intervals_are_about_other_raters_too():
    human, scores = study(raters=4)
    few = one_row(human, scores)
    assert few.raters == 0
    human, scores = study(raters=6)
    # Three raters favour the second by a point, three the first.
    human[:, 1] += np.array([1, 1, 1, -1, -1, -1])[:, None]
    found = one_row(human, scores)
    blind = paired_difference(*human.transpose(1, 2, 0), *scores, scale=(1, 5))
    assert found.raters == 6
    assert found.both.value == pytest.approx(blind.value)
    # By hand: six raters' differences of sd 1.095, over the root of six.
    assert found.both.error**2 - blind.error**2 == pytest.approx(0.2, abs=0.03)
    assert "other raters (6 rated)" in found.both.why
    assert found.alone.error > blind.error


def test_exactly_these_prompts_are_named_and_narrower_where_most_are_rated():
    human, scores = study(rated=110)
    these = one_row(human, scores, Asked(EXACTLY_THESE))
    like = one_row(human, scores)
    assert these.both.estimand == EXACTLY_THESE
    assert these.both.error < like.both.error


def test_one_rater_cannot_tell_of_exactly_these_prompts_and_says_so():
    found = one_row(*study(raters=1), Asked(EXACTLY_THESE))
    assert found.both.value is None
    assert "noise of raters" in found.both.why
    assert found.better is None


@pytest.mark.parametrize(("gap", "better"), [(2, True), (-2, False), (0, None)])
def test_better_is_what_the_whole_interval_says(gap, better):
    assert one_row(*study(gap=gap)).better is better


def test_a_metric_that_lacks_scores_of_a_checkpoint_helps_only_if_it_is_named():
    human, scores = study()
    scores[1] = np.nan
    evidence = evidence_of(human, scores)
    assert Combiner.of(evidence, METRICS, Asked()).metric is None
    assert Combiner.of(evidence, METRICS, Asked(metric="chrf")).metric == METRIC
    with pytest.raises(NotFound, match="bleu"):
        Combiner.of(evidence, METRICS, Asked(metric="bleu"))


def test_the_mean_of_one_checkpoint_is_about_other_raters_too():
    human, scores = study(raters=6)
    severity = np.array([2, 1, 0, 0, -1, -2])
    human += severity[:, None, None]
    human += 3
    asked = Asked(metric="chrf")
    combiner = Combiner.of(evidence_of(human, scores), METRICS, asked)
    found = combiner.mean(combiner.sheet("meaning"), "c1")
    blind = mean(human[:, 1].T, scores[1], scale=(1, 5))
    assert found.value == pytest.approx(blind.value)
    # By hand: six raters whose severities vary by 2, over six.
    assert found.error**2 - blind.error**2 == pytest.approx(2 / 6, rel=0.1)
    assert "other raters (6 rated)" in found.why


def test_a_mean_is_of_ratings_alone_unless_a_metric_is_named_and_ends_with_the_scale():
    human, scores = study(raters=2)
    human[:, 1, :30] = 4.9
    human[:, 1, 0] = 1
    found = []
    for asked in (Asked(), Asked(metric="chrf")):
        combiner = Combiner.of(evidence_of(human + 0.1, scores), METRICS, asked)
        found.append(combiner.mean(combiner.sheet("meaning"), "c1"))
    alone, named = found
    expected = ttest_1samp((human + 0.1)[0, 1, :30], 0).confidence_interval()
    assert expected.high > 5
    assert (alone.low, alone.high) == pytest.approx((expected.low, 5))
    assert alone.why == "ratings alone; about these raters alone"
    assert "the scores explain" in named.why


def test_an_estimand_that_does_not_exist_is_refused():
    with pytest.raises(NotFound, match="estimand"):
        Asked("these").checked()


def test_without_scores_both_are_the_same():
    found = one_row(study()[0], None)
    assert found.metric is None
    assert found.both == found.alone
    assert found.question != BEST


def compared(wins, losses, equal):
    """Two checkpoints of which the second won so often, and that wrote the same."""
    total = wins + losses + equal
    evidence = evidence_of(np.full((1, 2, total), np.nan))
    outcomes = [0.0] * wins + [1.0] * losses + [0.5] * equal
    rows = tuple(
        {
            "criterion": "meaning",
            "item": f"i{number}",
            "one": "c0",
            "two": "c1",
            "outcome": outcome,
            "identical": number >= wins + losses,
            "rater": 1,
            "assignment": number,
        }
        for number, outcome in enumerate(outcomes)
    )
    comparisons = replace(evidence.comparisons, rows=rows)
    combiner = Combiner.of(replace(evidence, comparisons=comparisons), METRICS, Asked())
    return combiner.by_comparisons(combiner.sheet("meaning"), ("c0", "c1"), TWO)


def test_a_win_rate_is_that_of_the_second_and_equal_texts_are_ties():
    found = compared(20, 10, 0)
    assert found.alone.value == pytest.approx(2 / 3)
    with_ties = compared(20, 10, 30)
    assert with_ties.alone.value == pytest.approx((20 + 15) / 60)
    assert (with_ties.alone.n, with_ties.prompts) == (30, 60)
    # By hand: half the share's variance, and that of the share itself.
    own = found.alone.error**2 / 4
    expected = own + (7 / 12 - 0.5) ** 2 * 1 / 60
    assert with_ties.alone.error**2 == pytest.approx(expected)


@pytest.mark.parametrize(
    ("wins", "better"),
    [(40, True), (4, False), (22, None)],
    ids=["most", "few", "half"],
)
def test_who_is_preferred_is_held_against_one_half(wins, better):
    assert compared(wins, 44 - wins, 0).better is better
