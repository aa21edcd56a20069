"""Raters whom no campaign asked, against scipy and against answers one by one."""

import numpy as np
import pytest
from scipy import stats

from harness.quality import Imported, imported_quality
from harness.quality.answers import Answered, means_of_others, totals_of
from harness.quality.measures import agreement, commonest_share, page_of, severity


def in_columns(given, seconds=None):
    """Of raters' names to (units, criteria) arrays, NaN where nothing was said."""
    rater, unit, criterion = np.nonzero(~np.isnan(np.array([*given.values()])))
    units = len(next(iter(given.values())))
    return Imported(
        raters=[(name, "person") for name in given],
        rater=rater,
        kind=np.zeros_like(rater),
        page=rater * units + unit,
        unit=unit,
        criterion=criterion,
        value=np.array([*given.values()])[rater, unit, criterion],
        seconds=np.full(len(rater), np.nan) if seconds is None else seconds,
    )


def by_name(given, scale):
    return {one.rater: one for one in imported_quality(given, scale)}


def test_imported_raters_are_judged_by_their_ratings_alone():
    rng = np.random.default_rng(7)
    quality = rng.uniform(0, 100, 40)
    given = {name: quality + rng.normal(0, 5, 40) for name in ("ana", "ben", "cem")}
    given["cem"] = given["cem"] - 30
    found = by_name(in_columns({k: v[:, None] for k, v in given.items()}), 100.0)
    assert list(found) == ["ana", "ben", "cem"]
    for name, one in found.items():
        others = np.mean([v for n, v in given.items() if n != name], axis=0)
        r = stats.pearsonr(given[name], others).statistic
        assert one.agreement.value == pytest.approx(r)
        assert one.severity.value == pytest.approx((given[name] - others).mean())
        assert (one.rated, one.seconds, one.longest_run) == (40, None, 0)
    assert found["cem"].warnings[0].startswith("more severe than the others")
    assert not any(one.careless for one in found.values())


def test_columns_say_what_answers_one_by_one_say():
    rng = np.random.default_rng(3)
    given = {name: rng.integers(1, 6, (30, 2)) * 1.0 for name in ("ana", "ben", "cem")}
    for values in given.values():
        values[rng.random(values.shape) < 0.3] = np.nan
    answers = {name: answered(name, values) for name, values in given.items()}
    totals = totals_of(one for some in answers.values() for one in some)
    for name, one in by_name(in_columns(given), 4.0).items():
        mine = answers[name]
        others = means_of_others(totals, mine)
        assert one.agreement == agreement(mine, others, 4.0)
        assert one.severity == severity(mine, others)
        assert one.commonest == commonest_share([page_of(each) for each in mine])
        assert one.rated == len(mine)


def answered(rater, values):
    found = []
    for unit, row in enumerate(values):
        one = Answered(unit, "normal", rater, "person", (0,))
        for criterion, value in enumerate(row.tolist()):
            if not np.isnan(value):
                one.points[str(criterion)] = {(0,): value}
                one.page[str(criterion)] = value
        if one.page:
            found.append(one)
    return found


def test_time_is_that_of_pages_and_kinds_are_kept_apart():
    given = Imported(
        raters=[("ben", "person"), ("ana", "simulated")],
        rater=np.array([0, 0, 0, 1]),
        kind=np.array([0, 0, 0, 1]),
        page=np.array([5, 5, 6, 7]),
        unit=np.array([0, 0, 1, 0]),
        criterion=np.array([0, 1, 0, 0]),
        value=np.array([1.0, 2.0, 3.0, 4.0]),
        seconds=np.array([10.0, 10.0, 20.0, np.nan]),
    )
    found = by_name(given, 4.0)
    assert list(found) == ["ana", "ben"]
    assert (found["ben"].rated, found["ben"].seconds) == (2, 15.0)
    assert found["ana"].seconds is None
    assert found["ana"].agreement.method == (
        "undefined: nobody else has rated the same units"
    )
