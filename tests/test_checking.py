"""Gold, repeats, damaged copies and examples: when they come, and what they change."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from rating_study import a_study, a_task, add_outputs, token_of

from harness.campaign import open_campaign
from harness.desk import Desk
from harness.rate import Answer, answer, next_assignment, progress, skip, undo
from harness.study import StudyFile
from harness.study.raters import ensure_rater

FINE = Answer({"meaning": 4, "fluency": 4})


def known(number, **more):
    row = {
        "prompt": f"Known prompt {number}",
        "output": f"Known output {number}",
        "expected": {"meaning": 5},
    }
    return row | more


def rating_task(path, *, gold=0, examples=0, **rating):
    """A task in `path` with so many gold items and examples."""
    for name, count in (("gold", gold), ("examples", examples)):
        if count:
            rows = [known(f"{name} {number}") for number in range(count)]
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (path / f"{name}.jsonl").write_text(lines)
            rating[name] = f"{name}.jsonl"
    task = a_task(**rating)
    return replace(task, path=path / "task.yaml")


@pytest.fixture
def study(tmp_path):
    return a_study(tmp_path / "s.db", items=20, checkpoints=3, text=long_text)


def long_text(item, checkpoint):
    words = [f"word{(item * 7 + checkpoint * 3 + n) % 50}" for n in range(12)]
    return " ".join(words)


def work_off(study, campaign, name, count=10_000, given=FINE):
    rater = ensure_rater(study, name)
    for _ in range(count):
        shown = next_assignment(study, campaign, rater)
        if shown is None:
            return
        answer(study, rater, shown.token, given)


def kinds(study, name):
    return study.column(
        "SELECT assignments.kind FROM assignments JOIN raters ON raters.id = rater "
        "WHERE raters.name = ? ORDER BY assignments.id",
        [name],
    )


def test_each_kind_comes_at_its_rate_and_none_is_the_first(study, tmp_path):
    rates = {"gold_rate": 0.1, "repeat_rate": 0.1, "degraded_rate": 0.2}
    rates |= {"raters_per_output": 6}
    campaign = open_campaign(study, rating_task(tmp_path, gold=30, **rates))
    for number in range(6):
        name = f"rater {number}"
        work_off(study, campaign, name, 50)
        shown = kinds(study, name)
        counts = Counter(shown)
        assert shown[0] == "normal"
        assert 4 <= counts["gold"] <= 5
        assert 3 <= counts["repeat"] <= 5
        assert 8 <= counts["degraded"] <= 10


def test_the_order_is_the_raters_own_and_the_same_in_another_study(tmp_path):
    orders = {}
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        study = a_study(folder / "s.db", items=20, checkpoints=3, text=long_text)
        rates = {"repeat_rate": 0.1, "degraded_rate": 0.1, "raters_per_output": 3}
        campaign = open_campaign(study, rating_task(folder, gold=9, **rates))
        for name in ("ana", "ben"):
            work_off(study, campaign, name, 30)
            # A restart in the middle changes nothing.
            study = StudyFile(folder / "s.db")
            work_off(study, campaign, name, 30)
            orders[number, name] = study.column(
                "SELECT unit || assignments.kind FROM assignments JOIN raters "
                "ON raters.id = rater WHERE raters.name = ? ORDER BY assignments.id",
                [name],
            )
    assert orders[0, "ana"] == orders[1, "ana"]
    assert orders[0, "ben"] == orders[1, "ben"]
    assert orders[0, "ana"] != orders[0, "ben"]


@pytest.mark.parametrize("scheme", ["likert", "pairwise", "ranking"])
def test_what_is_left_goes_down_by_one_with_every_answer_down_to_zero(tmp_path, scheme):
    study = a_study(tmp_path / "s.db", items=8, checkpoints=3, text=long_text)
    rates = {"repeat_rate": 0.2, "degraded_rate": 0.2, "scheme": scheme}
    criteria = [{"name": "meaning", "question": "Which keeps the meaning?"}]
    campaign = open_campaign(study, rating_task(tmp_path, criteria=criteria, **rates))
    ana = ensure_rater(study, "ana")
    seen = []
    while shown := next_assignment(study, campaign, ana):
        so_far = progress(study, campaign, ana)
        seen.append((so_far.done, so_far.left))
        value = {"likert": 3, "pairwise": "tie"}.get(
            scheme, list(range(1, len(shown.outputs) + 1))
        )
        answer(study, ana, shown.token, Answer({"meaning": value}))
    total = sum(seen[0])
    assert seen == [(done, total - done) for done in range(total)]
    end = progress(study, campaign, ana)
    assert (end.done, end.left) == (total, 0)
    assert set(kinds(study, "ana")) == {"normal", "repeat", "degraded"}


def test_gold_is_shown_once_and_never_after_the_last_real_unit(study, tmp_path):
    campaign = open_campaign(study, rating_task(tmp_path, gold=4, gold_rate=0.5))
    work_off(study, campaign, "ana")
    shown = kinds(study, "ana")
    assert Counter(shown) == {"normal": 60, "gold": 4}
    assert shown[-1] == "normal"
    golds = study.column("SELECT unit FROM assignments WHERE kind = 'gold'")
    assert len(set(golds)) == 4


def test_gold_never_takes_places_nor_counts(study, tmp_path):
    campaign = open_campaign(
        study, rating_task(tmp_path, gold=4, repeat_rate=0.2, degraded_rate=0.2)
    )
    for name in ("ana", "ben", "cem"):
        work_off(study, campaign, name)
    assert study.column("SELECT count(*) FROM output_ratings") == [60 * 2 * 2]
    places = study.rows(
        "SELECT unit, count(*) AS n FROM assignments WHERE kind = 'normal' "
        "GROUP BY unit"
    )
    assert {row["n"] for row in places} == {2}
    assert kinds(study, "cem") == []


def test_a_repeat_comes_late_once_and_the_other_way_round(tmp_path):
    study = a_study(tmp_path / "s.db", items=12, checkpoints=3, text=long_text)
    criteria = [{"name": "meaning", "question": "Which keeps the meaning?"}]
    plan = {"scheme": "pairwise", "criteria": criteria, "repeat_rate": 0.3}
    campaign = open_campaign(study, rating_task(tmp_path, **plan))
    work_off(study, campaign, "ana", given=Answer({"meaning": "tie"}))
    rows = study.rows("SELECT unit, kind, places FROM assignments ORDER BY id")
    repeats = {
        row["unit"]: at for at, row in enumerate(rows) if row["kind"] == "repeat"
    }
    assert len(repeats) == sum(row["kind"] == "repeat" for row in rows) > 10
    for unit, again in repeats.items():
        [first] = [
            at
            for at, row in enumerate(rows)
            if row["unit"] == unit and row["kind"] == "normal"
        ]
        assert again - first > 5
        sides = json.loads(rows[first]["places"])
        assert json.loads(rows[again]["places"]) == sides[::-1]


def test_damaged_copies_are_the_same_for_all_and_only_of_what_a_rater_may_rate(
    study, tmp_path
):
    campaign = open_campaign(
        study, rating_task(tmp_path, degraded_rate=0.3, raters_per_output=2)
    )
    for _ in range(100):
        for name in ("ana", "ben"):
            work_off(study, campaign, name, 1)
    pairs = study.rows(
        "SELECT rater, units.copy_of, units.content, outputs.text FROM assignments "
        "JOIN units ON units.id = assignments.unit "
        "JOIN unit_outputs ON unit_outputs.unit = units.copy_of "
        "JOIN outputs ON outputs.id = unit_outputs.output "
        "WHERE assignments.kind = 'degraded'"
    )
    assert len(pairs) > 20
    for row in pairs:
        mine = study.column(
            "SELECT unit FROM assignments WHERE rater = ? AND kind = 'normal'",
            [row["rater"]],
        )
        assert row["copy_of"] in mine
        [copy] = json.loads(row["content"])["outputs"]
        assert copy != row["text"]
        assert len(copy.split()) == len(row["text"].split())
    each = study.column("SELECT copy_of FROM units WHERE kind = 'degraded'")
    assert len(each) == len(set(each))


def test_where_outputs_are_compared_the_copy_stands_beside_its_original(tmp_path):
    study = a_study(tmp_path / "s.db", items=12, checkpoints=2, text=long_text)
    criteria = [{"name": "meaning", "question": "Which keeps the meaning?"}]
    plan = {"scheme": "pairwise", "criteria": criteria, "degraded_rate": 0.4}
    campaign = open_campaign(study, rating_task(tmp_path, **plan))
    work_off(study, campaign, "ana", given=Answer({"meaning": "tie"}))
    contents = study.column(
        "SELECT content FROM units JOIN assignments ON unit = units.id "
        "WHERE units.kind = 'degraded'"
    )
    assert contents
    texts = set(study.column("SELECT text FROM outputs"))
    for content in contents:
        original, copy = json.loads(content)["outputs"]
        assert original in texts
        assert copy not in texts
    assert study.column(
        "SELECT DISTINCT kind FROM current_ratings WHERE output IS NOT "
        "NULL OR kind = 'degraded' ORDER BY 1"
    ) == ["degraded"]


def test_copies_are_made_anew_until_their_wave_is_begun(study, tmp_path):
    campaign = open_campaign(study, rating_task(tmp_path, degraded_rate=0.2))
    ana = ensure_rater(study, "ana")
    copies = "SELECT count(*) FROM units WHERE kind = 'degraded' GROUP BY wave"
    progress(study, campaign, ana)
    # Twice as many as one rater of all 60 units needs.
    assert study.column(copies) == [24]
    add_outputs(study, items=20, checkpoints=4, text=long_text)
    progress(study, campaign, ana)
    assert study.column(copies) == [32]
    work_off(study, campaign, "ana", 1)
    add_outputs(study, items=20, checkpoints=5, text=long_text)
    progress(study, campaign, ana)
    assert study.column(copies) == [32, 8]


def test_what_is_left_goes_down_by_one_also_into_the_next_wave(study, tmp_path):
    campaign = open_campaign(study, rating_task(tmp_path, degraded_rate=0.3))
    ana = ensure_rater(study, "ana")
    work_off(study, campaign, "ana", 1)
    add_outputs(study, items=20, checkpoints=4, text=long_text)
    left = progress(study, campaign, ana).left
    while left:
        work_off(study, campaign, "ana", 1)
        left -= 1
        assert progress(study, campaign, ana).left == left


def test_a_skipped_or_undone_check_leaves_the_schedule_as_it_is(study, tmp_path):
    campaign = open_campaign(study, rating_task(tmp_path, gold=9, gold_rate=0.3))
    ana = ensure_rater(study, "ana")
    total = None
    for step in range(40):
        shown = next_assignment(study, campaign, ana)
        so_far = progress(study, campaign, ana)
        if total is not None:
            assert so_far.left == total - 1
        total = so_far.left
        if step % 3 == 0:
            skip(study, ana, shown.token)
        else:
            answer(study, ana, shown.token, FINE)
        if step % 4 == 0:
            assert undo(study, campaign, ana).token == shown.token
            assert next_assignment(study, campaign, ana).token == shown.token
            assert progress(study, campaign, ana).left == total
            answer(study, ana, shown.token, FINE)


def test_examples_come_first_in_the_order_of_the_file_and_are_not_counted(
    study, tmp_path
):
    campaign = open_campaign(study, rating_task(tmp_path, examples=3, gold=2))
    desk = Desk(study, (campaign,), ensure_rater(study, "ana"))
    screen = desk.current()
    before = screen.left
    for number in (1, 2, 3):
        assert screen.training == (number, 3)
        assert screen.shown.prompt == f"Known prompt examples {number - 1}"
        assert (screen.done, screen.left) == (0, before)
        given = 5 if number == 2 else 1
        screen = desk.submit(
            screen.shown.token, Answer({"meaning": given, "fluency": 1})
        )
        assert screen.feedback.right == (number == 2)
        [line] = screen.feedback.lines
        assert (line.expected, line.right) == ("5 The same meaning", number == 2)
    assert screen.training is None
    screen = desk.submit(screen.shown.token, FINE)
    assert (screen.done, screen.left, screen.feedback) == (1, before - 1, None)


def test_undo_in_the_training_goes_back_one_example(study, tmp_path):
    campaign = open_campaign(study, rating_task(tmp_path, examples=2))
    desk = Desk(study, (campaign,), ensure_rater(study, "ana"))
    first = desk.current().shown.token
    after = desk.submit(first, FINE)
    second = after.shown.token
    back = desk.undo(after.last)
    assert token_of(back.shown.token) == token_of(first)
    assert back.training == (1, 2)
    assert back.shown.answer.values == FINE.values
    again = desk.submit(back.shown.token, FINE)
    assert (again.shown.token, again.training) == (second, (2, 2))
    end = desk.submit(second, FINE)
    assert end.training is None
    assert desk.undo(end.last).training == (2, 2)


def test_nothing_that_is_shown_tells_a_check_from_a_normal_unit(study, tmp_path):
    rates = {"repeat_rate": 0.1, "degraded_rate": 0.2}
    campaign = open_campaign(study, rating_task(tmp_path, gold=9, **rates))
    ana = ensure_rater(study, "ana")
    for _ in range(40):
        shown = next_assignment(study, campaign, ana)
        assert not any(
            word in repr(shown) for word in ("degraded", "repeat", "expected", "'gold'")
        )
        answer(study, ana, shown.token, FINE)
    assert len(set(kinds(study, "ana"))) == 4
