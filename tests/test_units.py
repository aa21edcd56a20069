"""Units as the study holds them."""

import pytest
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.errors import StudyError
from harness.units import NewUnit, outputs_of, remove_units, store_units


@pytest.fixture
def study(tmp_path):
    return a_study(tmp_path / "s.db", items=2, checkpoints=2)


@pytest.fixture
def campaign(study):
    return open_campaign(study, a_task())


def a_unit(study, kind="normal", **columns):
    outputs = tuple(study.column("SELECT id FROM outputs ORDER BY id LIMIT 2"))
    return NewUnit(1, kind, None, 0, 1.0, outputs[::-1], **columns)


def test_outputs_keep_their_places(study, campaign):
    unit = a_unit(study)
    store_units(study, campaign, [unit])
    assert outputs_of(study, 1) == unit.outputs
    assert outputs_of(study, 2) == ()


def test_a_unit_and_its_copies_are_removed_whole(study, campaign):
    store_units(study, campaign, [a_unit(study)])
    store_units(study, campaign, [a_unit(study, "degraded", copy_of=1)])
    store_units(study, campaign, [a_unit(study)])
    remove_units(study, [1, 2])
    assert study.column("SELECT id FROM units") == [3]
    assert study.column("SELECT DISTINCT unit FROM unit_outputs") == [3]


def test_a_unit_that_somebody_has_seen_cannot_be_removed(study, campaign):
    store_units(study, campaign, [a_unit(study)])
    study.db.execute(
        "INSERT INTO raters (name, kind, created) VALUES ('a', 'person', '')"
    )
    study.db.conn.commit()
    row = {"campaign": campaign.id, "rater": 1, "unit": 1, "token": "t"}
    study.insert("assignments", [row | {"probability": 1.0}])
    with pytest.raises(StudyError, match="FOREIGN KEY"):
        remove_units(study, [1])
    assert outputs_of(study, 1) != ()


def test_all_units_are_stored_or_none(study, campaign):
    units = [a_unit(study), a_unit(study, copy_of=77)]
    with pytest.raises(StudyError, match="FOREIGN KEY"):
        store_units(study, campaign, units)
    assert study.column("SELECT count(*) FROM units") == [0]
    with pytest.raises(StudyError, match="CHECK"):
        store_units(study, campaign, [a_unit(study, "special")])
