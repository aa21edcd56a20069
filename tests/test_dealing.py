"""Units: what is dealt, once each, in waves, and what becomes of it later."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import combinations

import pytest
from rating_study import a_study, a_task, add_outputs

from harness.campaign import open_campaign
from harness.dealing import ANCHORED, deal
from harness.errors import NotFound
from harness.rate import Answer, answer, next_assignment
from harness.study import StudyFile
from harness.study.raters import ensure_rater

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SCHEMES = ("likert", "pairwise", "ranking")


def a_plan(scheme="likert", **plan):
    criteria = [{"name": "meaning", "question": "Which keeps the meaning?"}]
    return a_task(scheme=scheme, criteria=criteria, **plan)


def dealt(study, campaign, kind="normal", *, live=True):
    """Item and checkpoints of each unit, as numbers, with its wave."""
    deal(study, campaign, NOW)
    rows = study.rows(
        "SELECT units.id, items.key, units.wave, checkpoints.name FROM units "
        "JOIN unit_outputs ON unit = units.id JOIN outputs ON outputs.id = output "
        "JOIN items ON items.id = outputs.item "
        "JOIN checkpoints ON checkpoints.id = outputs.checkpoint "
        "WHERE units.campaign = ? AND units.kind = ? AND live = ?",
        [campaign.id, kind, live],
    )
    units = {}
    for row in rows:
        of = units.setdefault(row["id"], (row["key"], row["wave"], set()))
        of[2].add(row["name"].removeprefix("ckpt-"))
    return sorted(
        (item, wave, "".join(sorted(by))) for item, wave, by in units.values()
    )


def any_answer(shown):
    [control] = shown.controls
    if control.kind == "ranking":
        return Answer({"meaning": list(range(1, len(shown.outputs) + 1))})
    return Answer({"meaning": "first" if len(shown.outputs) > 1 else 3})


def rate(study, campaign, name, count=1000):
    """Let a rater answer at most `count` times; how often they did."""
    rater = ensure_rater(study, name)
    for number in range(count):
        shown = next_assignment(study, campaign, rater)
        if shown is None:
            return number
        answer(study, rater, shown.token, any_answer(shown))
    return count


def begun(tmp_path, scheme="likert", *, answers=1, plan=None, **outputs):
    study = a_study(tmp_path / "s.db", **outputs)
    campaign = open_campaign(study, a_plan(scheme, **(plan or {})))
    rate(study, campaign, "ana", answers)
    return study, campaign


# What there is to judge


@pytest.mark.parametrize(
    ("scheme", "checkpoints", "of_a_prompt"),
    [
        ("likert", 3, ["0", "1", "2"]),
        ("pairwise", 3, ["01", "02", "12"]),
        ("ranking", 3, ["012"]),
        ("ranking", 5, ["01234"]),
        ("pairwise", 1, []),
        ("ranking", 1, []),
    ],
)
def test_outputs_pairs_or_sets_of_each_prompt(
    tmp_path, scheme, checkpoints, of_a_prompt
):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=checkpoints)
    campaign = open_campaign(study, a_plan(scheme))
    assert dealt(study, campaign) == [
        (f"item-{n}", 1, names) for n in range(2) for names in of_a_prompt
    ]


def test_more_than_five_are_split_into_even_sets_that_differ_between_prompts(tmp_path):
    study = a_study(tmp_path / "s.db", items=6, checkpoints=7)
    units = dealt(study, open_campaign(study, a_plan("ranking")))
    of_item = {}
    for item, _, names in units:
        of_item.setdefault(item, []).append(names)
    for sets in of_item.values():
        assert sorted(map(len, sets)) == [3, 4]
        assert sorted("".join(sets)) == list("0123456")
    assert len({tuple(sorted(sets)) for sets in of_item.values()}) > 1


def test_dealing_twice_changes_nothing(tmp_path):
    study = a_study(tmp_path / "s.db")
    campaign = open_campaign(study, a_plan("pairwise"))
    first = dealt(study, campaign)
    study.db.execute("DELETE FROM decks")
    study.db.conn.commit()
    assert dealt(study, campaign) == first


def test_neighbours_are_compared_in_the_order_of_steps(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=4)
    campaign = open_campaign(study, a_plan("pairwise", pairs="neighbours"))
    assert [names for _, _, names in dealt(study, campaign)] == ["01", "12", "23"]


def test_a_checkpoint_between_two_neighbours_is_compared_with_both(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=2)
    campaign = open_campaign(study, a_plan("pairwise", pairs="neighbours"))
    rate(study, campaign, "ana", 1)
    add_outputs(study, items=2, checkpoints=3)
    study.db.execute("UPDATE checkpoints SET step = 50 WHERE name = 'ckpt-2'")
    study.db.conn.commit()
    assert dealt(study, campaign) == [
        (f"item-{n}", wave, names)
        for n in range(2)
        for wave, names in [(1, "01"), (2, "02"), (2, "12")]
    ]


def test_only_the_named_checkpoints_are_judged(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=4)
    plan = a_plan("pairwise", checkpoints=["ckpt-0", "lr-canary/ckpt-3"])
    assert dealt(study, open_campaign(study, plan)) == [("item-0", 1, "03")]


def test_a_misspelt_checkpoint_is_refused_with_the_nearest_name(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=2)
    with pytest.raises(NotFound, match="Did you mean 'ckpt-1'"):
        open_campaign(study, a_plan(checkpoints=["ckpt-0", "ckp-1"]))
    assert study.column("SELECT count(*) FROM campaigns") == [0]


# Equal outputs


def all_alike_but_the_last(item, checkpoint):
    return f"Same {item}" if checkpoint < 2 else f"Other {item}"


@pytest.mark.parametrize(("scheme", "units"), [("likert", 2), ("pairwise", 1)])
def test_equal_outputs_are_judged_once(tmp_path, scheme, units):
    study = a_study(tmp_path / "s.db", items=4, text=all_alike_but_the_last)
    found = dealt(study, open_campaign(study, a_plan(scheme)))
    assert len(found) == 4 * units
    # Neither of the two stands for both everywhere.
    by = Counter(names.replace("2", "") for _, _, names in found) - Counter([""])
    assert {"0", "1"} >= {name for name in by if name}


@pytest.mark.parametrize("scheme", ["pairwise", "ranking"])
def test_a_prompt_that_all_answer_alike_is_never_shown(tmp_path, scheme):
    study = a_study(tmp_path / "s.db", items=3, text=lambda item, _: f"Same {item}")
    campaign = open_campaign(study, a_plan(scheme))
    assert dealt(study, campaign) == []
    assert rate(study, campaign, "ana") == 0
    assert study.column("SELECT DISTINCT identical FROM preferences") == [1]


def test_a_later_checkpoint_that_writes_the_same_needs_no_new_unit(tmp_path):
    study, campaign = begun(tmp_path, checkpoints=1, items=3, answers=9)
    add_outputs(
        study,
        checkpoints=2,
        items=3,
        text=lambda item, _: f"Answer of model 0 to prompt {item}.",
    )
    assert len(dealt(study, campaign)) == 3
    assert dealt(study, campaign, "anchor") == []
    assert len(study.column("SELECT of_output FROM output_ratings")) == 6


# Exactly k


@pytest.mark.parametrize("scheme", ["pairwise", "ranking"])
def test_twenty_racing_raters_leave_each_unit_with_exactly_k(tmp_path, scheme):
    study = a_study(tmp_path / "s.db", items=6, checkpoints=3)
    campaign = open_campaign(study, a_plan(scheme, raters_per_output=3))
    for number in range(20):
        ensure_rater(study, f"rater-{number}")

    def work(number):
        own = StudyFile(tmp_path / "s.db")
        done = rate(own, campaign, f"rater-{number}")
        own.close()
        return done

    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(work, range(20)))
    units = len(dealt(study, campaign))
    assert units == {"pairwise": 18, "ranking": 6}[scheme]
    assert sum(done) == 3 * units
    per_unit = study.column(
        "SELECT count(DISTINCT rater) FROM current_ratings GROUP BY unit"
    )
    assert per_unit == [3] * units
    per_pair = study.column(
        "SELECT count(DISTINCT rater) FROM preferences GROUP BY output_a, output_b"
    )
    assert per_pair == [3] * 18


def test_raters_race_while_outputs_come_in(tmp_path):
    study, campaign = begun(tmp_path, "ranking", items=8, checkpoints=2)

    def work(number):
        own = StudyFile(tmp_path / "s.db")
        if number == 0:
            add_outputs(own, items=8, checkpoints=3)
        done = rate(own, campaign, f"rater-{number}")
        own.close()
        return done

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for number in range(8):
        rate(study, campaign, f"rater-{number}")
    per_unit = study.column(
        "SELECT count(DISTINCT assignments.rater) FROM units LEFT JOIN assignments "
        "ON unit = units.id AND state = 'rated' WHERE live GROUP BY units.id"
    )
    assert set(per_unit) == {2}


# Waves


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_new_wave_adds_only_what_is_new_and_a_fifth_of_the_old(tmp_path, scheme):
    study, campaign = begun(tmp_path, scheme, items=6, checkpoints=3, answers=1)
    first = dealt(study, campaign)
    add_outputs(study, items=6, checkpoints=4)
    both = dealt(study, campaign)
    assert [unit for unit in both if unit[1] == 1] == first
    new = [unit for unit in both if unit[1] == 2]
    assert all("3" in names for _, _, names in new)
    assert len(new) == 6 * {"likert": 1, "pairwise": 3, "ranking": 1}[scheme]
    anchors = dealt(study, campaign, "anchor")
    assert len(anchors) >= ANCHORED * len(first)
    assert len(anchors) < ANCHORED * len(first) + 1
    assert {(item, names) for item, _, names in anchors} <= {
        (item, names) for item, _, names in first
    }


def test_anchors_come_among_the_new_ones_for_those_who_know_them(tmp_path):
    study, campaign = begun(tmp_path, items=10, checkpoints=2, answers=99)
    add_outputs(study, items=10, checkpoints=3)
    rate(study, campaign, "ana")
    kinds = study.column("SELECT kind FROM assignments WHERE wave = 2 ORDER BY id")
    assert Counter(kinds) == {"normal": 10, "anchor": 4}
    assert "anchor" in kinds[:8]
    assert kinds[-4:] != ["anchor"] * 4


def test_others_are_shown_anchors_last(tmp_path):
    study, campaign = begun(
        tmp_path, items=10, checkpoints=2, answers=99, plan={"raters_per_output": 1}
    )
    add_outputs(study, items=10, checkpoints=3)
    rate(study, campaign, "ben")
    kinds = study.column("SELECT kind FROM assignments WHERE wave = 2 ORDER BY id")
    assert kinds == ["normal"] * 10 + ["anchor"] * 4


def test_a_wave_that_nobody_began_takes_later_checkpoints_in(tmp_path):
    study, campaign = begun(tmp_path, items=5, checkpoints=2)
    add_outputs(study, items=5, checkpoints=3)
    assert len(dealt(study, campaign, "anchor")) == 2
    add_outputs(study, items=5, checkpoints=4)
    assert {wave for _, wave, _ in dealt(study, campaign)} == {1, 2}
    assert len(dealt(study, campaign, "anchor")) == 2
    assert study.column("PRAGMA foreign_key_check") == []


# Later outputs, and other ones


def without(study, *numbers):
    """Take outputs away, as if a run had been interrupted; returns how to go on."""
    rows = study.rows(
        "SELECT outputs.* FROM outputs JOIN items ON items.id = item "
        "JOIN checkpoints ON checkpoints.id = checkpoint WHERE checkpoints.name = "
        "'ckpt-2' AND items.key IN (SELECT 'item-' || value FROM json_each(?))",
        [str(list(numbers))],
    )
    study.db.conn.executemany(
        "DELETE FROM outputs WHERE id = ?", [(row["id"],) for row in rows]
    )
    study.db.conn.commit()
    return lambda: study.insert("outputs", rows)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_late_outputs_of_an_interrupted_run_join_their_wave(tmp_path, scheme):
    study = a_study(tmp_path / "s.db", items=4, checkpoints=3)
    go_on = without(study, 2, 3)
    campaign = open_campaign(study, a_plan(scheme))
    rate(study, campaign, "ana", 1)
    first = dealt(study, campaign)
    assert not [1 for item, _, names in first if item == "item-3" and "2" in names]
    go_on()
    found = dealt(study, campaign)
    assert {wave for _, wave, _ in found} == {1}
    assert dealt(study, campaign, "anchor") == []
    per_pair = Counter(
        (item, pair) for item, _, names in found for pair in combinations(names, 2)
    )
    if scheme == "ranking":
        # A set that nobody has seen is put together anew with what came late.
        seen = len(study.column("SELECT unit FROM assignments"))
        assert sum(count > 1 for count in per_pair.values()) <= seen
    assert {item for item, _, names in found if "2" in names} == {
        f"item-{n}" for n in range(4)
    }


def test_other_settings_make_a_checkpoints_units_dead_and_new_ones(tmp_path):
    study, campaign = begun(tmp_path, "pairwise", items=2, checkpoints=3, answers=2)
    before = dealt(study, campaign)
    study.db.execute(
        "INSERT INTO outputs (id, item, checkpoint, sample, settings, text, finish, "
        "created) SELECT id || 'x', item, checkpoint, 0, 'other', text || ' Anew.', "
        "finish, created FROM outputs WHERE checkpoint = "
        "(SELECT id FROM checkpoints WHERE name = 'ckpt-2')"
    )
    study.db.execute(
        "UPDATE evaluations SET settings = 'other' WHERE checkpoint = "
        "(SELECT id FROM checkpoints WHERE name = 'ckpt-2')"
    )
    study.db.conn.commit()
    assert dealt(study, campaign) == before
    dead = dealt(study, campaign, live=False)
    assert dead == [unit for unit in before if "2" in unit[2]]
    # Back to the first settings: what was judged counts again.
    study.db.execute("UPDATE evaluations SET settings = 'settings'")
    study.db.conn.commit()
    assert dealt(study, campaign) == before
    assert rate(study, campaign, "ben") == len(before)


def test_of_a_set_with_another_output_the_rest_is_ranked_again(tmp_path):
    study, campaign = begun(tmp_path, "ranking", items=1, checkpoints=3)
    study.db.execute(
        "INSERT INTO outputs (id, item, checkpoint, sample, settings, text, finish, "
        "created) SELECT id || 'x', item, checkpoint, 0, 'other', 'Anew.', finish, "
        "created FROM outputs WHERE rowid = 1"
    )
    study.db.execute(
        "UPDATE evaluations SET settings = 'other' WHERE checkpoint = "
        "(SELECT checkpoint FROM outputs WHERE rowid = 1)"
    )
    study.db.conn.commit()
    assert dealt(study, campaign) == [("item-0", 1, "012")]
    assert len(dealt(study, campaign, live=False)) == 1


# The chance of being drawn


def test_outputs_and_anchors_are_drawn_as_often_as_is_stored(tmp_path):
    draws, seeds = Counter(), 150
    expected = Counter()
    study = a_study(tmp_path / "s.db", items=8, checkpoints=2)
    campaigns = [
        open_campaign(study, a_plan(seed=seed, items=4)) for seed in range(seeds)
    ]
    for campaign in campaigns:
        rate(study, campaign, "ana", 1)
    add_outputs(study, items=8, checkpoints=3)
    for campaign in campaigns:
        deal(study, campaign, NOW)
    rows = study.rows(
        "SELECT units.kind, outputs.id, probability FROM units "
        "JOIN unit_outputs ON unit = units.id JOIN outputs ON outputs.id = output"
    )
    for row in rows:
        draws[row["kind"], row["id"]] += 1
        expected[row["kind"]] = row["probability"]
    assert expected == {"normal": 0.5, "anchor": 0.5 * 2 / 8}
    assert len(draws) == 8 * 3 + 8 * 2
    for (kind, _), count in draws.items():
        chance = expected[kind]
        # Four standard errors, for forty comparisons.
        assert abs(count / seeds - chance) < 4 * (chance * (1 - chance) / seeds) ** 0.5


def test_prompts_are_worked_off_in_blocks_so_that_stopping_early_leaves_pairs(tmp_path):
    study = a_study(tmp_path / "s.db", items=60, checkpoints=2)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    deal(study, campaign, NOW)
    place = {item: at for at, item in enumerate(campaign.items)}
    rounds = {}
    for row in study.rows("SELECT item, round FROM units"):
        rounds.setdefault(place[row["item"]] // 25, set()).add(row["round"])
    study.close()
    assert rounds == {0: {0, 1}, 1: {2, 3}, 2: {4, 5}}
