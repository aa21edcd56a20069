"""What people rated, unit by unit: all of it, and nothing that does not count."""

import json

import pytest
from rated_study import COMMENT, GIVEN, a_rated_study
from rating_study import a_study

from harness.importing import import_ratings
from harness.rated import rated_campaigns


@pytest.fixture
def study(tmp_path):
    return a_rated_study(tmp_path / "s.db")


def replies(campaign):
    return [reply for unit in campaign.units for reply in unit.replies]


def test_every_scheme_has_its_units_and_questions(study):
    found = rated_campaigns(study)
    forms = [[(one.name, one.form) for one in campaign.questions] for campaign in found]
    assert forms == [
        [("meaning", "rating")],
        [("meaning", "number")],
        [("meaning", "choice")],
        [("meaning_1", "rating"), ("meaning_2", "rating"), ("meaning_3", "rating")],
        [("errors", "spans"), ("meaning", "number")],
    ]
    assert [campaign.most_outputs for campaign in found] == [1, 1, 2, 3, 1]
    assert len({campaign.name for campaign in found}) == 5


def test_what_counts_is_there_with_comment_flag_and_time(study):
    for campaign, values in zip(rated_campaigns(study), GIVEN.values(), strict=True):
        said = replies(campaign)
        # The last of four answers was taken back, and then skipped.
        assert sorted(reply.rater for reply in said) == ["ana", "ana", "ben"]
        assert {(reply.comment, reply.flagged) for reply in said} == {
            (COMMENT, True),
            ("", False),
        }
        if campaign.most_outputs == 1:
            assert all(reply.answers == values for reply in said)


def test_choices_and_ranks_are_of_the_units_outputs_wherever_they_stood(study):
    outcomes = {}
    for row in study.rows("SELECT * FROM preferences WHERE rater IS NOT NULL"):
        key = (row["output_a"], row["output_b"], row["rater"])
        outcomes.setdefault(key, set()).add(row["outcome"])
    texts = study.mapping("SELECT text, id FROM outputs")
    checked = 0
    for campaign in rated_campaigns(study)[2:4]:
        for unit in campaign.units:
            one, two = (texts[text] for text in unit.outputs[:2])
            for reply in unit.replies:
                if "meaning" in reply.answers:
                    first = {"first": 1.0, "second": 0.0}[reply.answers["meaning"]]
                else:
                    gap = reply.answers["meaning_2"] - reply.answers["meaning_1"]
                    first = (gap > 0) - (gap < 0)
                    first = (first + 1) / 2
                a, b, won = (one, two, first) if one < two else (two, one, 1 - first)
                assert won in outcomes[a, b, reply.rater]
                checked += 1
    assert checked == 6


def test_imported_ratings_are_those_of_their_outputs(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=1)
    file = tmp_path / "ratings.jsonl"
    row = {"system": "ckpt-0", "rater": "r1", "criterion": "recall", "value": 0.25}
    file.write_text(json.dumps({"item": "item-1", **row}) + "\n", "utf-8")
    import_ratings(study, file, "modernize")
    [campaign] = rated_campaigns(study)
    [unit] = campaign.units
    assert (unit.item, unit.checkpoints) == ("item-1", ("ckpt-0",))
    assert [(one.rater, one.answers) for one in unit.replies] == [
        ("r1", {"recall": 0.25})
    ]
    assert [question.form for question in campaign.questions] == ["number"]


def test_a_study_without_ratings_has_nothing(tmp_path):
    assert rated_campaigns(a_study(tmp_path / "s.db")) == []
