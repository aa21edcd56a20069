"""The datasheet: every question is there, answered from the study or left as TODO."""

import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from rated_study import a_rated_study
from rating_study import a_study, a_task
from report_study import fill

from harness.campaign import open_campaign
from harness.importing import import_outputs
from harness.rate import Answer, answer, next_assignment
from harness.report import report
from harness.reporting import render
from harness.study import StudyFile
from harness.study.raters import ensure_rater

QUESTIONS = [
    *(
        "1.1",
        "1.2",
        "1.3",
        "2.1",
        "2.2",
        "2.3",
        "2.4",
        "2.5",
        "3.1.1",
        "3.1.2",
        "3.1.3",
    ),
    *(f"3.2.{n}" for n in range(1, 6)),
    *(f"3.3.{n}" for n in range(1, 9)),
    *(f"4.1.{n}" for n in range(1, 4)),
    *(f"4.2.{n}" for n in range(1, 4)),
    *(f"4.3.{n}" for n in range(1, 12)),
    *("5.1", "5.2", "5.3", "5.4"),
]
"""Of HEDS 2.0, those of part 4 for one criterion."""

READER = MarkdownIt("commonmark", {"html": True}).enable("table")


def answers(sheet):
    """Question to answer, of the first criterion in part 4."""
    found = re.findall(r"^- \*\*([\d.]+) [^*]*\*\*: (.*)$", sheet, re.MULTILINE)
    return dict(reversed(found))


def sheets(page):
    return re.split(r"(?m)^(?=# )", page)[1:]


def test_every_question_of_the_datasheet_is_there_once_for_each_criterion(tmp_path):
    study = a_study(tmp_path / "s.db")
    assert len(open_campaign(study, a_task()).plan.criteria) == 2
    [sheet] = sheets(render(report(study, draws=10), "heds"))
    asked = re.findall(r"^- \*\*(\d[\d.]*\.\d+) ", sheet, re.MULTILINE)
    once = [at for at in asked if not at.startswith("4.")]
    assert once == [at for at in QUESTIONS if not at.startswith("4.")]
    assert [at for at in asked if at.startswith("4.")] == 2 * [
        at for at in QUESTIONS if at.startswith("4.")
    ]


def test_what_the_study_knows_is_filled_in(rated):
    found = answers(render(rated, "heds"))
    [task] = rated.tasks
    alpha = task.raters.alpha["meaning"]
    assert found["3.1.1"].startswith("meaning: 12 rated outputs of run-0, 12 rated")
    assert found["3.2.1"] == "2 people."
    assert f"alpha (interval) {alpha.value:.2f} [{alpha.low:.2f}" in found["4.3.11"]
    assert found["4.3.7"] == "Kept?"
    assert found["4.3.3"] == "5"
    [needed] = [one.needed for one in task.leads if one.by == "meaning"]
    assert f"takes about {needed} items" in found["3.1.3"]


def test_what_only_the_author_knows_is_left_to_do(rated):
    found = answers(render(rated, "heds"))
    for question in (
        *("1.1", "1.2", "1.3", "2.4", "2.5", "3.2.2", "3.2.3", "3.2.5", "3.3.7"),
        *("4.1.1", "4.1.2", "4.1.3", "5.1", "5.2", "5.3", "5.4"),
    ):
        assert "TODO" in found[question], question


def test_simulated_raters_are_programs_in_the_sheet(maker):
    made = report(fill(maker, items=4, kinds=("simulated",) * 2).study, draws=10)
    sheet = render(made, "heds")
    assert "SIMULATED" in sheet.split("##")[0]
    assert answers(sheet)["3.2.1"].startswith("2 simulated raters (programs).")
    assert "nothing here is a human result" in sheet
    assert "people" not in sheet.lower()


def test_each_campaign_has_a_sheet_with_its_own_scale(tmp_path):
    made = report(a_rated_study(tmp_path / "s.db"), draws=10)
    found = [answers(sheet) for sheet in sheets(render(made, "heds"))]
    assert [one["4.3.3"] for one in found] == [
        "5",
        "101, whole numbers.",
        "4",
        "N/A: ranks.",
        "101, whole numbers.",
    ]
    assert [one["4.2.2"].split(":")[0] for one in found] == [
        *("Absolute", "Absolute", "Relative", "Relative", "Absolute")
    ]
    # On a scale that a later campaign changed, the report's figures are not its own.
    assert "a later campaign asks another question" in found[0]["3.1.1"]
    assert "a later campaign asks another question" in found[0]["4.3.11"]
    assert "together with modernize-5" in found[1]["3.1.1"]
    assert "alpha (nominal)" in found[2]["4.3.11"]


def test_a_campaign_that_nobody_has_answered_is_described_for_preregistration(tmp_path):
    study = a_study(tmp_path / "s.db")
    campaign = open_campaign(study, a_task(repeat_rate=0.1))
    found = answers(render(report(study, draws=10), "heds"))
    assert "for preregistration" in found["1.1"]
    assert found["3.2.1"] == "nobody."
    assert "Between raters: nothing was rated yet" in found["4.3.11"]
    assert "none was answered" in found["3.3.3"]
    [hash_] = study.column("SELECT hash FROM campaigns")
    assert hash_ in found["3.3.1"]
    rater = ensure_rater(study, "ana")
    shown = next_assignment(study, campaign, rater)
    answer(study, rater, shown.token, Answer({"meaning": 4, "fluency": 4}))
    found = answers(render(report(study, draws=10), "heds"))
    assert "for preregistration" not in found["1.1"]
    assert found["3.2.1"] == "1 person."


def test_imported_ratings_leave_the_protocol_to_the_author(tmp_path, maker):
    from harness.importing import import_ratings

    outputs, ratings = tmp_path / "outputs.csv", tmp_path / "ratings.csv"
    outputs.write_text("item,system,output\na,s,x\nb,s,y\n")
    ratings.write_text(
        "item,system,rater,criterion,value\na,s,r,good,3\nb,s,r,good,4\n"
    )
    import_outputs(maker.study, outputs, "news")
    import_ratings(maker.study, ratings, "news")
    found = answers(render(report(maker.study, draws=10), "heds"))
    for question in ("3.1.2", "3.2.4", "3.3.2", "3.3.4", "4.3.2", "4.3.3", "4.3.7"):
        assert found[question].startswith("TODO: the ratings were made elsewhere")
    assert found["3.2.1"] == "1 rater known from imported ratings alone."
    assert found["3.1.1"] == "good: 2 rated outputs of s."


def test_without_a_campaign_the_sheet_says_how_to_get_one(cats_study):
    page = render(report(cats_study, draws=10), "heds")
    assert page.startswith("# Human Evaluation Datasheet\n")
    assert "harness rate" in page
    assert "harness import ratings" in page


@pytest.fixture
def cats_study(maker):
    return maker.items(("a", "p", ("w",))).checkpoint("one", {"a": "w"}).study


def test_hostile_names_and_instructions_stay_text(hostile):
    [task] = hostile.tasks
    [campaign] = task.protocol.campaigns
    evil = "</script><script>alert(1)</script> [a](http://x.y) **b** `c`\n# heading"
    campaign = replace(
        campaign,
        name=evil,
        instructions=evil,
        criteria=tuple(
            replace(one, question=evil, definition=evil, anchors={evil: evil})
            for one in campaign.criteria
        ),
    )
    protocol = replace(
        task.protocol,
        campaigns=(campaign,),
        task_file={"prompt": evil, "data": evil, "generation": {evil: evil}},
    )
    made = replace(hostile, tasks=(replace(task, protocol=protocol),))
    for form in ("heds", "md"):
        page = READER.render(render(made, form))
        assert "<script" not in page
        assert "<a " not in page
        assert "<h1>heading" not in page
        assert "&lt;script&gt;alert(1)" in page
    page = render(made, "html")
    assert "<script>alert(1)" not in page


def test_an_empty_study_has_a_sheet_that_says_so(tmp_path):
    page = render(report(StudyFile(tmp_path / "s.db")), "heds")
    assert "no campaign" in page
