"""The order of a campaign: seeded, the rater's own, and balanced at every moment."""

import itertools
import random
import statistics
from collections import Counter

import pytest
from rating_study import a_study, a_task, add_outputs

from harness.campaign import open_campaign
from harness.rate import Answer, answer, next_assignment, skip, undo
from harness.study.raters import ensure_rater

FINE = Answer({"meaning": 4, "fluency": 4})


def shown_to(study, rater):
    """What a rater was assigned, in order: (item, checkpoint)."""
    return [
        tuple(row.values())
        for row in study.rows(
            "SELECT outputs.item, outputs.checkpoint FROM assignments "
            "JOIN assignment_outputs ON assignment = assignments.id "
            "JOIN outputs ON outputs.id = assignment_outputs.output "
            "WHERE rater = ? ORDER BY assignments.id",
            [rater.id],
        )
    ]


def rate(study, campaign, name, count=1000):
    """Let a rater answer what is shown, at most `count` times."""
    rater = ensure_rater(study, name)
    for _ in range(count):
        shown = next_assignment(study, campaign, rater)
        if shown is None:
            break
        answer(study, rater, shown.token, FINE)
    return shown_to(study, rater)


def test_the_order_comes_from_the_seed_and_is_each_raters_own(tmp_path):
    orders = []
    for number, seed in enumerate([7, 7, 8]):
        study = a_study(tmp_path / f"{number}.db", items=8)
        campaign = open_campaign(study, a_task(seed=seed))
        orders.append([rate(study, campaign, name) for name in ("ana", "ben")])
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0][0] != orders[0][1]
    assert sorted(orders[0][0]) == sorted(orders[0][1])


@pytest.mark.parametrize("raters", [1, 3])
def test_at_any_time_each_rater_has_rated_all_checkpoints_about_equally(
    tmp_path, raters
):
    study = a_study(tmp_path / "s.db", items=12, checkpoints=4)
    campaign = open_campaign(study, a_task())
    names = [f"rater-{number}" for number in range(raters)]
    for _ in range(24):
        for name in names:
            rate(study, campaign, name, 1)
    for name in names:
        order = shown_to(study, ensure_rater(study, name))
        for length in range(1, len(order) + 1):
            counts = Counter(checkpoint for _, checkpoint in order[:length])
            spread = max(counts.values()) - min(counts.get(c, 0) for c in counts)
            assert spread <= 2


def test_a_round_has_every_prompt_once(tmp_path):
    study = a_study(tmp_path / "s.db", items=12, checkpoints=4)
    order = rate(study, open_campaign(study, a_task()), "ana")
    for start in range(0, 48, 12):
        assert len({item for item, _ in order[start : start + 12]}) == 12
    assert len(set(order)) == 48


def test_raters_work_in_the_same_round_so_that_outputs_get_all_their_raters(tmp_path):
    study = a_study(tmp_path / "s.db", items=12, checkpoints=4)
    campaign = open_campaign(study, a_task())
    ana = rate(study, campaign, "ana", 12)
    ben = rate(study, campaign, "ben", 12)
    assert set(ana) == set(ben)
    assert ana != ben


def test_a_new_checkpoint_joins_as_a_wave_and_waits_for_the_first(tmp_path):
    study = a_study(tmp_path / "s.db", items=4, checkpoints=2)
    campaign = open_campaign(study, a_task())
    before = rate(study, campaign, "ana", 3)
    add_outputs(study, items=4, checkpoints=3)
    order = rate(study, campaign, "ana")
    old = {checkpoint for _, checkpoint in before}
    assert all(checkpoint in old for _, checkpoint in order[:8])
    # A fifth of the eight is shown again among the four new ones.
    assert sum(checkpoint in old for _, checkpoint in order[8:]) == 2
    waves = study.rows("SELECT wave, count(*) AS n FROM assignments GROUP BY wave")
    assert waves == [{"wave": 1, "n": 8}, {"wave": 2, "n": 4 + 2}]


def test_checkpoints_that_come_before_anybody_began_share_the_first_wave(tmp_path):
    study = a_study(tmp_path / "s.db", items=4, checkpoints=2)
    campaign = open_campaign(study, a_task())
    add_outputs(study, items=4, checkpoints=3)
    rate(study, campaign, "ana", 1)
    assert study.column("SELECT DISTINCT wave FROM waves") == [1]
    assert study.column("SELECT count(*) FROM waves") == [3]


def test_an_answer_with_other_settings_replaces_the_output_to_be_rated(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    campaign = open_campaign(study, a_task())
    ana = ensure_rater(study, "ana")
    assert next_assignment(study, campaign, ana) is not None
    study.db.execute("UPDATE evaluations SET settings = 'other'")
    study.db.conn.commit()
    assert next_assignment(study, campaign, ana) is None


def test_only_chosen_prompts_and_the_first_sample_are_shown(tmp_path):
    study = a_study(tmp_path / "s.db", items=9, checkpoints=2)
    study.db.execute("UPDATE evaluations SET samples = 2")
    study.db.execute(
        "INSERT INTO outputs (id, item, checkpoint, sample, settings, text, finish, "
        "created) SELECT id || '-1', item, checkpoint, 1, settings, 'second', finish, "
        "created FROM outputs"
    )
    study.db.conn.commit()
    campaign = open_campaign(study, a_task(items=3))
    order = rate(study, campaign, "ana")
    assert {item for item, _ in order} == set(campaign.items)
    assert len(order) == 6


def test_a_skipped_output_is_not_shown_again_and_keeps_its_place_free(tmp_path):
    study = a_study(tmp_path / "s.db", items=1, checkpoints=1)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    ana = ensure_rater(study, "ana")
    skip(study, ana, next_assignment(study, campaign, ana).token, "cannot tell")
    assert next_assignment(study, campaign, ana) is None
    assert len(rate(study, campaign, "ben")) == 1


def test_the_chance_of_being_drawn_is_stored(tmp_path):
    study = a_study(tmp_path / "s.db", items=8, checkpoints=1)
    rate(study, open_campaign(study, a_task(items=2)), "ana")
    assert study.column("SELECT DISTINCT probability FROM assignments") == [0.25]


def test_simulated_raters_take_no_places_from_people(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=1)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    robot = ensure_rater(study, "robot", "simulated")
    while shown := next_assignment(study, campaign, robot):
        answer(study, robot, shown.token, FINE)
    assert len(rate(study, campaign, "ana")) == 2
    assert len(rate(study, campaign, "ben")) == 0


# Pairs and sets; the same prompt again

MEANING = [{"name": "meaning", "question": "Which keeps the meaning?"}]


def rate_together(study, campaign, name):
    """Let a rater answer all that is shown; item and checkpoints of each."""
    rater = ensure_rater(study, name)
    while shown := next_assignment(study, campaign, rater):
        ranks = list(range(1, len(shown.outputs) + 1))
        given = ranks if campaign.plan.scheme == "ranking" else "tie"
        answer(study, rater, shown.token, Answer({"meaning": given}))
    found = {}
    for row in study.rows(
        "SELECT assignment, item, checkpoint FROM assignments "
        "JOIN assignment_outputs ON assignment = assignments.id "
        "JOIN outputs ON outputs.id = output WHERE rater = ? ORDER BY assignments.id",
        [rater.id],
    ):
        of = found.setdefault(row["assignment"], (row["item"], []))
        of[1].append(row["checkpoint"])
    return list(found.values())


@pytest.mark.parametrize(
    ("scheme", "items", "checkpoints", "most"),
    [
        ("pairwise", 12, 4, 3),
        ("pairwise", 8, 9, 5),
        ("pairwise", 2, 6, 4),
        ("ranking", 12, 4, 0),
        ("ranking", 20, 8, 5),
    ],
)
def test_of_pairs_and_sets_all_checkpoints_are_seen_about_equally_at_any_time(
    tmp_path, scheme, items, checkpoints, most
):
    study = a_study(tmp_path / "s.db", items=items, checkpoints=checkpoints)
    plan = a_task(scheme=scheme, criteria=MEANING, raters_per_output=1)
    order = rate_together(study, open_campaign(study, plan), "ana")
    counts = Counter(dict.fromkeys(study.column("SELECT id FROM checkpoints"), 0))
    spreads = []
    for _, names in order:
        counts.update(names)
        spreads.append(max(counts.values()) - min(counts.values()))
    assert max(spreads) <= most


@pytest.mark.parametrize("scheme", ["likert", "pairwise", "ranking"])
def test_nobody_is_shown_a_prompt_twice_in_a_row_while_there_are_others(
    tmp_path, scheme
):
    for seed in range(6):
        study = a_study(tmp_path / f"{seed}.db", items=4, checkpoints=4)
        plan = a_task(scheme=scheme, criteria=MEANING, seed=seed)
        campaign = open_campaign(study, plan)
        rater = ensure_rater(study, "ana")
        if scheme == "likert":
            rate_one(study, campaign, rater)
        else:
            rate_together(study, campaign, "ana")
        add_outputs(study, items=4, checkpoints=5)
        while rate_one(study, campaign, rater):
            pass
        items = [item for item, _ in shown_in_turn(study, rater)]
        for here, (one, two) in enumerate(itertools.pairwise(items)):
            assert one != two or len(set(items[here:])) == 1


def rate_one(study, campaign, rater):
    shown = next_assignment(study, campaign, rater)
    if shown is None:
        return False
    given = {"likert": 3, "pairwise": "tie"}.get(
        campaign.plan.scheme, [1] * len(shown.outputs)
    )
    answer(study, rater, shown.token, Answer({"meaning": given}))
    return True


def shown_in_turn(study, rater):
    rows = study.rows(
        "SELECT units.item, assignments.kind FROM assignments "
        "JOIN units ON units.id = unit WHERE rater = ? ORDER BY assignments.id",
        [rater.id],
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.slow
def test_half_of_the_work_by_raters_of_unlike_severity_leaves_means_unbiased(tmp_path):
    """Errors of differences of means, over seeds, ours against a random order."""
    ours, random_order = [], []
    for seed in range(24):
        study = a_study(tmp_path / f"{seed}.db", items=12, checkpoints=3)
        plan = a_task(criteria=MEANING, points=9, seed=seed, raters_per_output=2)
        campaign = open_campaign(study, plan)
        rng = random.Random(seed)  # noqa: S311 - no secret
        quality = dict(
            zip(study.column("SELECT id FROM checkpoints"), (4, 5, 6), strict=True)
        )
        severity = {name: rng.choice([-3, 0, 3]) for name in ("ana", "ben", "eve")}
        given = []
        # Each stops early: a quarter of the 72 places stays empty.
        for name in severity:
            rater = ensure_rater(study, name)
            for _ in range(18):
                rate_one(study, campaign, rater)
            given += [(name, by) for _, by in shown_to(study, rater)]
        ours.append(error(given, quality, severity))
        names = list(quality)
        random_order.append(
            error([(name, rng.choice(names)) for name, _ in given], quality, severity)
        )
    spread = statistics.fmean(one**2 for one in ours) ** 0.5
    assert abs(statistics.fmean(ours)) <= 3 * spread / 24**0.5 + 1e-9
    assert spread < 0.5 * statistics.fmean(one**2 for one in random_order) ** 0.5


def error(given, quality, severity):
    """By how much the mean of the last is too far above that of the first."""
    values = {}
    for rater, checkpoint in given:
        values.setdefault(checkpoint, []).append(quality[checkpoint] + severity[rater])
    first, *_, last = (statistics.fmean(values[checkpoint]) for checkpoint in quality)
    return (last - first) - 2


@pytest.mark.parametrize("kind", ["person", "simulated"])
def test_a_unit_knows_how_many_have_rated_it(tmp_path, kind):
    study = a_study(tmp_path / "s.db", items=3, checkpoints=2)
    campaign = open_campaign(study, a_task())
    raters = [ensure_rater(study, f"{kind} {number}", kind) for number in range(3)]
    for number in range(12):
        rater = raters[number % 3]
        shown = next_assignment(study, campaign, rater)
        if shown is None:
            continue
        if number % 4 == 3:
            skip(study, rater, shown.token)
        else:
            answer(study, rater, shown.token, FINE)
        if number % 5 == 2:
            undo(study, campaign, rater)
    rows = study.rows("SELECT id, people AS person, programs AS simulated FROM units")
    counted = {row["id"]: row[kind] for row in rows}
    rated = study.mapping(
        "SELECT units.id, count(assignments.id) FROM units LEFT JOIN assignments "
        "ON assignments.unit = units.id AND assignments.state = 'rated' GROUP BY 1"
    )
    assert counted == rated
    assert sum(counted.values()) > 3
    assert sum(row["person"] + row["simulated"] for row in rows) == sum(rated.values())
