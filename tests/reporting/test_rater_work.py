"""How each rater worked, as the report tells it: in campaigns, and elsewhere."""

import json

import numpy as np
import pytest
from report_study import fill
from simulated_raters import Habit, Simulation, a_campaign

from harness.importing import import_outputs, import_ratings
from harness.quality import rater_quality
from harness.report import report
from harness.reporting import render
from harness.reporting.rater_tables import work_tables
from harness.study import StudyFile

ITEMS, RATERS = 30, ("r0", "r1", "r2", "same", "wild")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A campaign of simulated raters, and the report on it."""
    folder = tmp_path_factory.mktemp("here")
    plan = {"items": 25, "checkpoints": 2, "raters_per_output": 3, "gold": 9}
    study, campaign = a_campaign(folder, **plan)
    odd = {"severe": Habit(shift=-2.0, noise=0.3)}
    habits = {f"honest {number}": Habit(noise=0.3) for number in range(2)} | odd
    Simulation(study, campaign, habits).work()
    yield report(study, draws=20), rater_quality(study, campaign)
    study.close()


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Imported ratings on 0 to 100, and their table."""
    folder = tmp_path_factory.mktemp("elsewhere")
    rng = np.random.default_rng(6)
    quality = rng.uniform(10, 90, (ITEMS, 2))
    noise = rng.normal(0, 8, (ITEMS, 2, len(RATERS)))
    table = quality[..., None] + noise
    table[..., 3], table[..., 4] = 50.0, rng.uniform(0, 100, (ITEMS, 2))
    outputs, ratings = [], []
    for item in range(ITEMS):
        for system in range(2):
            place = {"item": f"i{item}", "system": f"s{system}"}
            outputs.append(
                place | {"output": f"{item} {system}", "scores": {"m": item}}
            )
            for rater, value in zip(RATERS, table[item, system], strict=True):
                ratings.append(
                    place
                    | {"rater": rater, "criterion": "good", "value": value}
                    | ({"seconds": 4 + item} if rater == "r0" else {})
                )
    study = StudyFile(folder / "s.db")
    for name, rows, read in (
        ("o.jsonl", outputs, import_outputs),
        ("r.jsonl", ratings, import_ratings),
    ):
        (folder / name).write_text("\n".join(map(json.dumps, rows)))
        read(study, folder / name, "t")
    yield report(study, draws=20), table.reshape(-1, len(RATERS))
    study.close()


def only(made):
    [campaign] = made.tasks[0].campaigns
    return campaign, {one.quality.rater: one for one in campaign.raters}


def test_a_campaigns_raters_are_those_of_the_list_beside_the_mixed_model(here):
    made, qualities = here
    campaign, raters = only(made)
    assert campaign.campaign == "modernize"
    assert [one.quality for one in campaign.raters] == qualities
    [reliability] = made.tasks[0].reliability
    for known in reliability.raters:
        assert raters[known.rater].severity == pytest.approx(known.severity)
        assert raters[known.rater].noise == pytest.approx(known.noise)


def test_of_imported_raters_is_told_what_ratings_alone_tell(elsewhere):
    made, table = elsewhere
    campaign, raters = only(made)
    assert campaign.campaign == ""
    for column, name in enumerate(RATERS):
        said = raters[name].quality
        assert (said.rated, said.kind) == (2 * ITEMS, "imported")
        others = np.delete(table, column, axis=1).mean(axis=1)
        gap = (table[:, column] - others).mean()
        assert said.severity.value == pytest.approx(gap)
        if name != "same":
            r = np.corrcoef(table[:, column], others)[0, 1]
            assert said.agreement.value == pytest.approx(r)
    assert raters["same"].quality.agreement.value is None
    assert raters["r0"].quality.seconds == 4 + (ITEMS - 1) / 2
    assert raters["r1"].quality.seconds is None
    assert raters["r0"].quality.gold.shown == raters["r0"].quality.repeats.shown == 0


def test_imported_raters_who_answer_at_random_or_always_the_same_are_flagged(elsewhere):
    made, _ = elsewhere
    _, raters = only(made)
    assert "gave the same answer in 100%" in raters["same"].quality.warnings[0]
    assert "agree" in raters["wild"].quality.warnings[0]
    assert {n for n, one in raters.items() if one.quality.careless} == {"same", "wild"}
    assert made.tasks[0].recount.raters == ("same", "wild")
    [note] = made.tasks[0].rater_notes
    assert note.startswith("2 of 5 raters from elsewhere may need a look")
    assert "harness list raters" not in note


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_every_rendering_has_one_table_of_a_campaign(here, form):
    page = render(here[0], form)
    assert page.count("Raters of campaign modernize") == (2 if form == "html" else 1)
    for head in ("agreement", "severity", "noise", "gold right", "flags"):
        assert head in page


def test_columns_of_what_is_unknown_of_everybody_are_left_out(elsewhere, here):
    [table] = work_tables(elsewhere[0].tasks[0])
    assert "gold right" not in table.heads
    assert "seconds" in table.heads
    [table] = work_tables(here[0].tasks[0])
    assert "gold right" in table.heads


def test_flagged_raters_come_first(elsewhere, here):
    [table] = work_tables(elsewhere[0].tasks[0], brief=True)
    assert {row[0] for row in table.rows[:2]} == {"same", "wild"}
    assert [row[-1] for row in table.rows] == ["careless"] * 2 + ["none"] * 3
    [table] = work_tables(here[0].tasks[0], brief=True)
    assert (table.rows[0][0], table.rows[0][-1]) == ("severe", "careless")


def test_the_json_has_every_rater_of_every_campaign(here):
    [task] = json.loads(render(here[0], "json"))["tasks"]
    [campaign] = task["raters"]["campaigns"]
    assert campaign["campaign"] == "modernize"
    assert [one["rater"] for one in campaign["raters"]] == [q.rater for q in here[1]]
    first, quality = campaign["raters"][0], here[1][0]
    assert first["gold"] == {
        "hits": quality.gold.hits,
        "shown": quality.gold.shown,
        "p": quality.gold.p,
    }
    assert first["seconds"] == quality.seconds
    assert first["agreement"] == quality.agreement.as_json()
    assert campaign["raters"][2]["flags"] == list(here[1][2].warnings)


def test_noise_over_criteria_is_their_root_mean_square(maker):
    [task] = report(fill(maker, kinds=("person",) * 3).study, draws=20).tasks
    [campaign] = task.campaigns
    noises = [one.raters[0].noise for one in task.reliability]
    severities = [one.raters[0].severity for one in task.reliability]
    assert len(noises) == 2
    found = campaign.raters[0]
    assert found.noise == pytest.approx(np.sqrt(np.mean(np.square(noises))))
    assert found.severity == pytest.approx(np.mean(severities))
