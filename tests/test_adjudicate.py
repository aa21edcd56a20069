"""Adjudication: where raters disagree most, blind, append-only, apart from ratings."""

import pytest
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task

from harness.adjudicate import case_of, decide, disputes, verdicts
from harness.campaign import open_campaign
from harness.errors import InputError, StudyError
from harness.rate import Answer


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=3, checkpoints=2)
    yield study
    study.close()


def number_of(shown):
    return int(shown.prompt.split()[1])


def settled(study, campaign):
    """Criterion, value and choice of each verdict that counts."""
    return study.rows(
        "SELECT unit, checkpoint, criterion, value, choice, comment FROM adjudicated "
        "WHERE campaign = ? ORDER BY id",
        [campaign.id],
    )


@pytest.fixture
def likert(study):
    """Ana always says 3; Ben is 0, 1 or 2 off in meaning, by the prompt."""
    campaign = open_campaign(study, a_task())

    def ben(shown):
        values = {"meaning": 3 + number_of(shown), "fluency": 3}
        return Answer(values, "a word is odd")

    rate_all(study, campaign, {"ana": lambda _: {"meaning": 3, "fluency": 3}})
    rate_all(study, campaign, {"ben": ben})
    return campaign


@pytest.fixture
def pairwise(study):
    """Three raters, of whom one prefers the earlier checkpoint."""
    campaign = open_campaign(
        study, a_task(scheme="pairwise", criteria=COMPARED, raters_per_output=3)
    )

    def prefers(number):
        def judge(shown):
            first = checkpoint_in(shown.outputs[0]) == number
            return {"meaning": "first" if first else "second", "fluency": "tie"}

        return judge

    judges = {"ana": prefers(1), "ben": prefers(1), "cem": prefers(0)}
    rate_all(study, campaign, judges)
    return campaign


def test_the_widest_spread_comes_first_and_agreement_is_no_dispute(study, likert):
    found = disputes(study, likert)
    # 2 and 1 steps of the 4 between 1 and 5, for two checkpoints each.
    assert [one.disagreement for one in found] == [0.5, 0.5, 0.25, 0.25]
    assert {one.raters for one in found} == {2}


def test_choices_are_judged_by_the_share_against_the_majority(study, pairwise):
    assert [one.disagreement for one in disputes(study, pairwise)] == [
        pytest.approx(1 / 3)
    ] * 3


def test_ranks_are_judged_by_their_spread(study):
    campaign = open_campaign(study, a_task(scheme="ranking", criteria=COMPARED))
    best = {"meaning": [1, 1], "fluency": [1, 1]}
    rate_all(study, campaign, {"ana": lambda _: best})
    rate_all(study, campaign, {"ben": lambda _: best | {"meaning": [1, 2]}})
    assert [one.disagreement for one in disputes(study, campaign)] == [1, 1, 1]


def test_a_case_shows_texts_and_answers_and_neither_raters_nor_checkpoints(
    study, likert
):
    case = case_of(study, likert, disputes(study, likert)[0].unit)
    assert (case.prompt, case.references) == (
        "Prompt 2 of modernize",
        ("Reference 2",),
    )
    given = sorted(answers["meaning"] for answers in case.answers)
    assert given == [3, 5]
    assert case.comments == ("a word is odd",)
    assert not [word for word in ("ckpt", "ana", "ben", "canary") if word in repr(case)]


def test_a_verdict_is_stored_beside_the_ratings_and_tells_who_wrote_it(study, likert):
    before = study.rows("SELECT * FROM judgements")
    unit = disputes(study, likert)[0].unit
    verdict = decide(study, likert, unit, {"meaning": 4, "fluency": 2}, " so so ")
    [checkpoint] = verdict.checkpoints
    assert int(checkpoint.removeprefix("ckpt-")) == checkpoint_in(verdict.outputs[0])
    assert (verdict.values, verdict.comment) == ({"meaning": 4, "fluency": 2}, "so so")
    common = {"unit": unit, "checkpoint": checkpoint, "comment": "so so"}
    assert settled(study, likert) == [
        common | {"criterion": "meaning", "value": 4, "choice": None},
        common | {"criterion": "fluency", "value": 2, "choice": None},
    ]
    assert study.rows("SELECT * FROM judgements") == before
    assert verdicts(study, likert) == [verdict]


def test_what_is_decided_moves_to_the_end(study, likert):
    first, *rest = (one.unit for one in disputes(study, likert))
    decide(study, likert, first, {"meaning": 4, "fluency": 2})
    found = disputes(study, likert)
    assert [one.unit for one in found] == [*rest, first]
    assert [one.decided for one in found] == [False, False, False, True]


def test_a_later_verdict_replaces_an_earlier_one_which_stays_stored(study, likert):
    unit = disputes(study, likert)[0].unit
    decide(study, likert, unit, {"meaning": 4, "fluency": 2})
    decide(study, likert, unit, {"meaning": 1, "fluency": 2})
    assert [row["value"] for row in settled(study, likert)] == [1, 2]
    assert study.column("SELECT count(*) FROM adjudications") == [4]
    assert case_of(study, likert, unit).verdict == {"meaning": 1, "fluency": 2}
    assert len(verdicts(study, likert)) == 1


@pytest.mark.parametrize("change", ["UPDATE {} SET value = 1", "DELETE FROM {}"])
def test_verdicts_are_never_changed(study, likert, change):
    unit = disputes(study, likert)[0].unit
    decide(study, likert, unit, {"meaning": 4, "fluency": 2})
    with (
        pytest.raises(StudyError, match="append-only"),
        study.transaction() as db,
    ):
        db.execute(change.format("adjudications"))


def test_sides_are_stored_by_place_whatever_the_owner_saw(study, pairwise):
    turned = set()
    for dispute in disputes(study, pairwise):
        case = case_of(study, pairwise, dispute.unit)
        later = [checkpoint_in(text) for text in case.outputs].index(1)
        side = ("first", "second")[later]
        said = [answers["meaning"] for answers in case.answers]
        assert sorted(said) == sorted([side, side, ("second", "first")[later]])
        verdict = decide(
            study, pairwise, dispute.unit, {"meaning": side, "fluency": "both_bad"}
        )
        assert verdict.values == {"meaning": side, "fluency": "both_bad"}
        places = study.column(
            "SELECT checkpoints.name FROM unit_outputs "
            "JOIN outputs ON outputs.id = output "
            "JOIN checkpoints ON checkpoints.id = outputs.checkpoint "
            "WHERE unit = ? ORDER BY place",
            [dispute.unit],
        )
        [stored] = study.column(
            "SELECT choice FROM adjudicated WHERE unit = ? AND criterion = 'meaning'",
            [dispute.unit],
        )
        assert places[("first", "second").index(stored)] == "ckpt-1"
        turned.add(stored == side)
    assert turned == {True, False}


def test_ranks_are_stored_by_output(study):
    campaign = open_campaign(study, a_task(scheme="ranking", criteria=COMPARED))
    same = {"meaning": [1, 1], "fluency": [1, 1]}
    rate_all(study, campaign, {"ana": lambda _: same})
    rate_all(study, campaign, {"ben": lambda _: same | {"meaning": [1, 2]}})
    unit = disputes(study, campaign)[0].unit
    case = case_of(study, campaign, unit)
    order = [1 + checkpoint_in(text) for text in case.outputs]
    decide(study, campaign, unit, {"meaning": order, "fluency": [1, 1]})
    found = {
        row["checkpoint"]: row["value"]
        for row in settled(study, campaign)
        if row["criterion"] == "meaning"
    }
    assert found == {"ckpt-0": 1, "ckpt-1": 2}


def test_spans_are_not_marked_again(study):
    campaign = open_campaign(study, a_task(scheme="spans"))
    fair = {"errors": [], "meaning": 50, "fluency": 50}
    rate_all(study, campaign, {"ana": lambda _: fair})
    rate_all(study, campaign, {"ben": lambda _: fair | {"meaning": 100}})
    [first, *_] = disputes(study, campaign)
    assert first.disagreement == 0.5
    case = case_of(study, campaign, first.unit)
    assert [control.kind for control in case.controls] == ["slider", "slider"]
    verdict = decide(study, campaign, first.unit, {"meaning": 80, "fluency": 50})
    assert verdict.values == {"meaning": 80, "fluency": 50}


@pytest.mark.parametrize(
    ("values", "comment", "message"),
    [
        ({"meaning": 4}, "", "'fluency' has no rating yet"),
        ({"meaning": 4, "fluency": 9}, "", "whole number from 1 to 5"),
        ({"meaning": 4, "fluency": 3}, "x" * 10_001, "10000 are the most"),
    ],
    ids=["one is missing", "off the scale", "long comment"],
)
def test_a_malformed_verdict_is_refused_and_stores_nothing(
    study, likert, values, comment, message
):
    unit = disputes(study, likert)[0].unit
    with pytest.raises(InputError, match=message):
        decide(study, likert, unit, values, comment)
    assert settled(study, likert) == []


def test_a_case_of_another_campaign_is_none(study, likert):
    other = open_campaign(study, a_task(points=7))
    unit = disputes(study, likert)[0].unit
    with pytest.raises(InputError, match="no such case"):
        case_of(study, other, unit)
    with pytest.raises(InputError, match="no such case"):
        decide(study, other, unit, {"meaning": 4, "fluency": 2})
