"""What makes differences vary: by hand, and on data from a known model."""

import gzip
import json

import numpy as np
import pytest

from harness.errors import UsageError
from harness.stats.components import Differences, components, pilot

TAU, NOISE, SEVERITY = 0.65, 0.57, 0.4
NAN = np.nan


def no_scores(checkpoints, prompts):
    return np.empty((0, checkpoints, prompts))


def different(checkpoints, prompts):
    return np.arange(checkpoints)[:, None] * np.ones(prompts, dtype=int)


def of(ratings, scores=None, texts=None):
    """Differences of ratings (checkpoints, prompts, raters) of different outputs."""
    shape = np.shape(ratings)[:2]
    texts = different(*shape) if texts is None else texts
    return Differences.of_ratings(
        ratings, texts, no_scores(*shape) if scores is None else scores
    )


def ratings(rng, checkpoints=3, prompts=40, raters=4, *, each=2, same=True):
    """Ratings with known components, and true qualities."""
    true = rng.normal(0, TAU / np.sqrt(2), (checkpoints, prompts))
    noise = rng.normal(0, NOISE, (checkpoints, prompts, raters))
    severity = rng.normal(0, SEVERITY, raters)
    full = rng.normal(size=(prompts, 1)) + true[..., None] + severity + noise
    found = np.full_like(full, NAN)
    for prompt in range(prompts):
        chosen = rng.choice(raters, each, replace=False)
        for checkpoint in range(checkpoints):
            if not same:
                chosen = rng.choice(raters, each, replace=False)
            found[checkpoint, prompt, chosen] = full[checkpoint, prompt, chosen]
    return found, true


def test_one_rater_s_differences_vary_as_their_sample_variance():
    a, b = np.array([1, 2, 4, 3, 5, 2.0]), np.array([2, 2, 5, 5, 5, 1.0])
    found = components(of(np.stack([a, b])[..., None]))
    assert found.spread().of_prompt(1) == pytest.approx(np.var(b - a, ddof=1))
    assert not found.split
    assert (found.metric, found.r2, found.severity) == (None, 0.0, 0.0)


def test_two_raters_by_hand():
    # Rater 2 is one point above rater 1 throughout, so that nothing is noise.
    a = np.array([1, 2, 3, 2, 4, 1.0])
    b = np.array([1, 3, 3, 3, 4, 2.0])
    found = components(of(np.stack([np.c_[a, a + 1], np.c_[b, b + 1]])))
    assert found.split
    assert found.shared == 1.0
    assert found.noise == pytest.approx(0.0, abs=1e-4)
    assert found.item == pytest.approx(np.var(b - a, ddof=1), abs=1e-4)


def test_the_model_s_components_are_found_whoever_rates_what():
    for same in (True, False):
        rng = np.random.default_rng(1)
        found = [components(of(ratings(rng, same=same)[0])) for _ in range(150)]
        for name, true in (("item", TAU), ("noise", NOISE), ("severity", SEVERITY)):
            mean = np.mean([getattr(one, name) for one in found])
            # Four raters tell little of the variance of severities.
            off = 0.035 if name == "severity" else 0.03
            assert mean == pytest.approx(true**2, abs=off), (same, name)
        assert np.mean([one.shared for one in found]) == (
            1.0 if same else pytest.approx(0.5, abs=0.02)
        )


def test_severity_counts_as_far_as_raters_are_not_shared():
    rng = np.random.default_rng(2)
    found = components(of(ratings(rng, prompts=200, same=False)[0]))
    one = found.noise + found.severity * (1 - found.shared)
    assert found.spread().noise == pytest.approx(2 * one)


def test_equal_outputs_do_not_differ_and_cost_nothing():
    a, _ = ratings(np.random.default_rng(3), checkpoints=2, prompts=60)
    texts = different(2, 60)
    texts[:, :30] = 7
    a[1, :30] = a[0, :30]
    found = components(of(a, texts=texts))
    assert found.asked == pytest.approx(0.5)
    plain = components(of(a[:, 30:]))
    assert found.noise == pytest.approx(plain.noise, rel=0.3)
    assert found.spread().noise == pytest.approx(found.noise)


def test_comparisons_vary_about_their_win_rate():
    rng = np.random.default_rng(4)
    share = rng.beta(2, 2, (1, 400, 1))
    outcomes = (rng.random((1, 400, 3)) < share).astype(float)
    never = np.zeros((1, 400), dtype=bool)
    found = components(Differences.of_outcomes(outcomes, never, np.empty((0, 1, 400))))
    assert found.item == pytest.approx(0.05, abs=0.015)
    assert found.spread().of_prompt(1) == pytest.approx(0.25, abs=0.01)


def test_a_metric_explains_what_it_explains_on_other_prompts():
    rng = np.random.default_rng(5)
    seen, explained, chosen = [], [], []
    for _ in range(60):
        given, true = ratings(rng, prompts=60)
        scores = rng.normal(size=(5, *true.shape))
        scores[3] = -100 * (0.6 * true / true.std() + 0.8 * scores[3])
        one = components(of(given, scores))
        seen.append(one.r2)
        explained.append(one.explained)
        chosen.append(one.metric)
    assert set(chosen) == {3}
    assert np.mean(explained) == pytest.approx(0.36 * TAU**2, rel=0.15)


def test_the_best_of_many_useless_metrics_does_not_flatter_itself():
    rng = np.random.default_rng(6)
    honest, naive = [], []
    for _ in range(60):
        given, true = ratings(rng, checkpoints=2, prompts=30, each=1)
        scores = rng.normal(size=(12, *true.shape))
        honest.append(components(of(given, scores)).r2)
        gap = np.nanmean(given[1] - given[0], axis=1)
        x = scores[:, 1] - scores[:, 0]
        naive.append(max(np.corrcoef(one, gap)[0, 1] ** 2 for one in x))
    assert np.mean(naive) > 0.1
    assert np.mean(honest) < 0.03


def test_too_few_prompts_or_no_variance_tell_nothing():
    few, _ = ratings(np.random.default_rng(7), prompts=5)
    assert pilot(of(few)) is None
    assert pilot(of(np.full((2, 20, 2), 3.0))) is None
    assert pilot(of(np.full((2, 20, 2), NAN))) is None
    assert pilot(of(few[:1])) is None


def test_a_range_covers_the_true_variance_about_as_often_as_it_says():
    rng = np.random.default_rng(8)
    true = TAU**2 + 2 * NOISE**2
    hits = 0
    for _ in range(200):
        found = pilot(of(ratings(rng, checkpoints=2, prompts=25, each=1)[0]))
        low, high = found.range_of(1)
        middle = found.spread().of_prompt(1)
        hits += low * middle <= true <= high * middle
    assert 0.9 <= hits / 200 <= 0.99


def test_more_prompts_leave_less_open():
    rng = np.random.default_rng(9)
    wide, narrow = (
        pilot(of(ratings(rng, prompts=n)[0])).range_of(2)[1] for n in (15, 150)
    )
    assert narrow < wide
    assert narrow < 1.3


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match="same checkpoints and prompts"):
        Differences.of_ratings(np.zeros((2, 5, 1)), np.zeros((2, 4)), no_scores(2, 5))


@pytest.mark.realdata
def test_simplicity_ratings_vary_as_the_typical_values_say(realdata):
    path = realdata / "simplicity_da" / "ratings.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    places = [
        {name: at for at, name in enumerate(dict.fromkeys(r[key] for r in rows))}
        for key in ("system", "item", "rater")
    ]
    given = np.full([len(one) for one in places], NAN)
    for row in rows:
        at = (places[0][row["system"]], places[1][row["item"]], places[2][row["rater"]])
        given[at] = row["value"]
    found = components(of(given))
    assert np.sqrt(found.item) == pytest.approx(25.7, abs=0.05)
    assert np.sqrt(found.noise) == pytest.approx(24.7, abs=0.05)
