"""How a task was done, as the study has it: every count held against what was done."""

import json
from dataclasses import replace

import pytest
from rated_study import a_rated_study
from rating_study import FLUENCY, MEANING, a_study, a_task
from report_study import fill
from simulated_raters import Habit, Simulation, a_campaign

from harness.adjudicate import decide
from harness.campaign import open_campaign
from harness.importing import import_ratings
from harness.rate import Answer, answer, next_assignment, skip, undo
from harness.report import report
from harness.reporting import render
from harness.reporting.methods import checks, excluded, of_campaign, sample
from harness.reporting.protocol import Answers, Asked, CampaignProtocol
from harness.study.raters import ensure_rater

BOTH = {"meaning": 4, "fluency": 2}


def protocol_of(study):
    [task] = report(study, draws=10).tasks
    return task.protocol


@pytest.fixture
def study(tmp_path):
    study = a_study(tmp_path / "s.db", items=6, checkpoints=2)
    yield study
    study.close()


def test_a_protocol_is_told_as_it_was_frozen_and_not_as_the_task_is_today(study):
    task = a_task(items=4, show_references=True, render="markdown")
    open_campaign(study, task)
    [found] = protocol_of(study).campaigns
    assert found.criteria[0] == Asked(
        "meaning",
        "Does the rewrite keep the meaning?",
        "Nothing added, lost or changed.",
        {"1": "Another meaning", "3": "Partly", "5": "The same meaning"},
    )
    assert found.criteria[1] == Asked("fluency", "Is it good English?", "", {})
    assert (found.low, found.high, found.scheme) == (1, 5, "likert")
    assert (found.prompts, found.drawn_from) == (4, 6)
    assert sample(found) == (
        "4 of the 6 prompts that had outputs, drawn at random (seed 7) before anybody "
        "rated"
    )
    said = dict(of_campaign(found))
    assert said["Instructions"] == "Rewrite the verse in modern English."
    assert said["Criterion meaning"].endswith(
        "(1 = Another meaning; 3 = Partly; 5 = The same meaning)"
    )
    assert said["Answered by"] == "one of 5 buttons, 1 to 5"
    assert "as Markdown" in said["Blinding"]
    assert said["Blinding"].endswith("references are shown")
    assert said["When"] == "nobody has answered yet"
    assert found.answers == Answers()


def test_each_answer_is_counted_for_what_became_of_it(study):
    campaign = open_campaign(study, a_task())
    ana, ben = (ensure_rater(study, name) for name in ("ana", "ben"))

    def rate(rater, values=BOTH, **more):
        shown = next_assignment(study, campaign, rater)
        answer(study, rater, shown.token, Answer(values, **more))
        return shown.token

    rate(ana)
    kept = rate(ana, flagged=True, comment="odd")
    answer(study, ana, kept, Answer(BOTH | {"fluency": 5}, "odd", flagged=True))
    rate(ana)
    undo(study, campaign, ana)
    skip(study, ben, next_assignment(study, campaign, ben).token, "cannot tell")
    rate(ben)
    [found] = protocol_of(study).campaigns
    assert found.answers == Answers(
        rated=3, skipped=1, changed=1, taken_back=1, flagged=1, remarks=2
    )
    assert found.raters == {"person": 2}
    assert found.first <= found.last
    said = dict(of_campaign(found))
    assert said["Answers"] == (
        "3 answers on outputs of checkpoints; 1 skipped; 1 changed afterwards (the "
        "later answer counts); 1 taken back. Of all, 1 flagged for the study's owner "
        "and 2 with a comment or a reason"
    )


def test_checks_are_counted_apart_and_their_outcome_is_told(tmp_path):
    study, campaign = a_campaign(
        tmp_path, items=12, checkpoints=2, gold=6, raters_per_output=2
    )
    same = {name: Habit(same=True) for name in ("ana", "ben")}
    Simulation(study, campaign, same).work()
    [found] = protocol_of(study).campaigns
    shown = dict(
        study.db.conn.execute(
            "SELECT kind, count(*) FROM assignments WHERE state = 'rated' GROUP BY kind"
        )
    )
    given = found.answers
    assert (given.gold, given.repeats) == (shown["gold"], shown["repeat"])
    assert (given.degraded, given.rated) == (shown["degraded"], shown["normal"])
    assert found.checks.gold == shown["gold"]
    assert found.checks.repeats_same == 1
    told = checks(found)
    assert told.startswith("6 gold items with known answers (10 % of what is shown)")
    assert f"100 % of answers the same again on {shown['repeat']} repeat" in told
    assert f"{found.checks.gold_right} of {shown['gold']} answers to gold right" in told


def test_waves_say_which_checkpoints_joined_when(study):
    campaign = open_campaign(study, a_task())
    next_assignment(study, campaign, ensure_rater(study, "ana"))
    [wave] = protocol_of(study).campaigns[0].waves
    assert (wave.number, wave.checkpoints) == (1, ("ckpt-0", "ckpt-1"))
    assert wave.joined[:2] == "20"


def test_verdicts_of_the_owner_are_counted_and_are_no_answers(study):
    campaign = open_campaign(study, a_task())
    for number, name in enumerate(("ana", "ben")):
        rater = ensure_rater(study, name)
        for _ in range(12):
            shown = next_assignment(study, campaign, rater)
            values = {"meaning": 1 + 4 * number, "fluency": 3}
            answer(study, rater, shown.token, Answer(values))
    [unit] = study.column("SELECT min(id) FROM units")
    decide(study, campaign, unit, {"meaning": 3, "fluency": 3})
    given = protocol_of(study).campaigns[0].answers
    assert (given.adjudicated, given.rated) == (1, 24)


def test_programs_are_named_as_programs(maker):
    made = report(fill(maker, items=4, kinds=("simulated", "person")).study, draws=10)
    [found] = made.tasks[0].protocol.campaigns
    assert found.raters == {"person": 1, "simulated": 1}
    said = dict(of_campaign(found))
    assert said["Raters"] == "1 other rater and 1 simulated rater (a program)"


def test_imported_ratings_say_that_how_they_were_asked_for_is_unknown(tmp_path, maker):
    maker.items(("a", "p", ("w",)), ("b", "q", ("v",)))
    maker.checkpoint("one", {"a": "w", "b": "x"})
    file = tmp_path / "ratings.jsonl"
    row = {"system": "one", "rater": "r", "criterion": "adequacy", "value": 3}
    file.write_text("".join(json.dumps(row | {"item": i}) + "\n" for i in "ab"))
    import_ratings(maker.study, file, maker.task)
    [found] = protocol_of(maker.study).campaigns
    assert found.imported
    said = dict(of_campaign(found))
    assert "unknown" in said["Protocol"]
    assert said["Criterion adequacy"].startswith("unknown")
    assert said["Raters"] == "1 rater known from imported ratings alone"
    assert not {"Design", "Blinding", "Checks", "Prompts"} & set(said)


def test_ratings_that_do_not_count_are_told_as_exclusions(maker):
    maker.items(("a", "p", ("w",)))
    maker.checkpoint("one", {"a": "w"}).rate("ann", "meaning", {("one", "a"): 4})
    [task] = report(maker.study, draws=10).tasks
    assert excluded(task) == "no rating was left out; no rater was excluded"
    some = replace(task.protocol, outdated=2, asked_otherwise=1)
    assert excluded(replace(task, protocol=some)) == (
        "left out: 2 ratings of outputs that a later run, setting or task has replaced "
        "and 1 rating of an earlier question, scale or source; no rater was excluded"
    )


def test_the_items_fingerprint_changes_with_a_reference_and_not_with_their_order(maker):
    first, second = ("a", "p", ("w",)), ("b", "q", ("v",))
    maker.items(first, second).checkpoint("one", {"a": "w", "b": "v"})
    before = protocol_of(maker.study).items_fingerprint
    maker.items(second, first)
    assert protocol_of(maker.study).items_fingerprint == before
    maker.items(first, ("b", "q", ("mended",)))
    assert protocol_of(maker.study).items_fingerprint != before


def test_models_are_told_with_fingerprint_and_what_ran_them(tmp_path, maker):
    maker.items(("a", "p", ("w",))).checkpoint("one", {"a": "w"}, step=1)
    [model] = protocol_of(maker.study).models
    assert (model.checkpoint, model.backend) == ("one", "replay")
    assert model.fingerprint == "one"
    assert "| one | made elsewhere | one |  |" in render(report(maker.study), "md")


def test_a_campaign_of_another_version_is_told_as_far_as_it_can_be_read(maker):
    maker.items(("a", "p", ("w",))).checkpoint("one", {"a": "w"})
    maker.rate("ann", "meaning", {("one", "a"): 4})
    with maker.study.transaction() as db:
        db.execute(
            "UPDATE campaigns SET scheme = 'triad', protocol = ?",
            [json.dumps({"plan": {"scheme": "triad", "criteria": [MEANING, FLUENCY]}})],
        )
    [found] = protocol_of(maker.study).campaigns
    assert isinstance(found, CampaignProtocol)
    assert dict(of_campaign(found))["Answered by"] == "unknown"


def test_every_scheme_is_told_in_every_format(tmp_path):
    study = a_rated_study(tmp_path / "study.db")
    made = report(study, draws=10)
    md, page = render(made, "md"), render(made, "html")
    for number, what in (
        ("", "one of 5 buttons, 1 to 5"),
        ("-2", "a line from 0 to 100"),
        ("-3", "A is better, B is better"),
        ("-4", "a rank for each output"),
        ("-5", "minor and major errors"),
    ):
        assert f"Campaign modernize{number}\n" in md
        assert f"<h3>Campaign modernize{number}</h3>" in page
        assert what in md
        assert what in page
    assert render(made, "text").count("Protocol of modernize") == 5
    [task] = json.loads(render(made, "json"))["tasks"]
    campaigns = task["protocol"]["campaigns"]
    assert [one["scheme"] for one in campaigns] == [
        *("likert", "slider", "pairwise", "ranking", "spans")
    ]
    assert (
        campaigns[0]["answers"] | {"rated": 3, "skipped": 1, "taken_back": 1}
        == (campaigns[0]["answers"])
    )
