"""What follows from people's ratings alone is made once, and never kept too long."""

from dataclasses import replace

import numpy as np
import pytest

from harness.stats import system_level
from harness.stats.correlation import agreement
from harness.stats.once import Once
from harness.stats.sample import Sample

EITHER_WAY = pytest.mark.parametrize(
    "most", [system_level._MOST_GAPS, 0], ids=["at once", "blocks"]
)
A, B = np.array([1.0, np.nan]), np.array([1.0, 2.0])


def test_a_value_is_made_anew_only_where_what_it_is_made_of_differs():
    made, once = [], Once()

    def value(*parts):
        return once.of("sum", parts, lambda: made.append(parts) or len(made))

    assert [value(A), value(A.copy()), value(B), value(B), value(A, B)] == [
        1,
        1,
        2,
        2,
        3,
    ]


def judged(metrics=3, systems=6, items=40):
    rng = np.random.default_rng(5)
    human = rng.integers(1, 6, (systems, items)).astype(float)
    scores = human + rng.normal(size=(metrics, systems, items))
    # The last metric lacks scores, so that fewer ratings are held against it.
    scores[-1, 2, :7] = np.nan
    return scores, human


@pytest.mark.parametrize(
    "most", [system_level._MOST_GAPS, 0], ids=["at once", "blocks"]
)
def test_metrics_that_share_people_get_what_each_gets_alone(monkeypatch, most):
    monkeypatch.setattr(system_level, "_MOST_GAPS", most)
    scores, human = judged()
    once = Once()
    for one in scores:
        alone = agreement(one, human, draws=50)
        assert agreement(one, human, draws=50, once=once) == alone


@pytest.mark.parametrize(
    "most", [system_level._MOST_GAPS, 0], ids=["at once", "blocks"]
)
def test_people_are_looked_at_once_for_all_metrics_of_the_same_outputs(
    monkeypatch, most
):
    monkeypatch.setattr(system_level, "_MOST_GAPS", most)
    seen = []
    for name in ("_at_once", "_in_blocks"):
        real = getattr(system_level, name)
        monkeypatch.setattr(
            system_level, name, lambda s, v, real=real: seen.append(v) or real(s, v)
        )
    scores, human = judged()
    once = Once()
    for one in scores:
        sample = Sample.of(one, human, 20, 0)
        system_level.of_pairs(replace(sample, once=once))
    # Three metrics, and people twice: the third metric judged fewer outputs.
    assert len(seen) == 5
