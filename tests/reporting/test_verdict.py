"""The verdict, case by case."""

from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from harness.reporting import render
from harness.reporting.cautions import closest_metric, not_judged, unbeaten_copy
from harness.reporting.estimates import items_needed
from harness.reporting.tables import columns
from harness.reporting.verdict import verdict
from harness.types import Estimate


@pytest.fixture(scope="module")
def task(rated):
    return rated.tasks[0]


def with_lead(task, criterion, estimate, **changes):
    """The task with another difference for a criterion."""
    changes = {"rival": None, **changes}
    return replace(
        task,
        leads=tuple(
            replace(lead, difference=estimate, **changes)
            if lead.by == criterion
            else lead
            for lead in task.leads
        ),
    )


CRITERIA = ("meaning", "fluency")
CLEAR = Estimate(0.5, 0.2, 0.8, n=12)
UNCLEAR = Estimate(0.1, -0.2, 0.4, n=12)


def settled(task):
    """The task with the same clear winner on both criteria."""
    for criterion in CRITERIA:
        task = with_lead(task, criterion, CLEAR, best="run-240", second="run-120")
    return task


def test_a_clear_winner_is_to_be_taken(task):
    said = verdict(settled(task))
    assert (
        "first on meaning, clearly ahead of run-120 (by 0.50 points [0.20, 0.80])"
        in (said[0])
    )
    assert said[1] == "Next: take run-240, as more ratings would hardly change that."


def test_of_many_clear_metrics_those_that_are_not_are_named(task):
    leads = {
        lead.by: replace(lead, best="run-240", difference=CLEAR)
        for lead in task.leads
        if lead.kind == "metric"
    }
    [chrf] = [signature for signature in leads if signature.startswith("chrf|")]
    leads[chrf] = replace(leads[chrf], difference=UNCLEAR)
    people = [lead for lead in settled(task).leads if lead.kind == "criterion"]
    said = verdict(replace(task, leads=(*people, *leads.values())))
    assert said[0].endswith("and 3 more (clearly by all but chrf).")


def test_an_unclear_lead_asks_for_so_many_more_ratings(task):
    found = replace(settled(task), items=100)
    said = verdict(with_lead(found, "meaning", UNCLEAR, needed=52))
    assert "not clearly ahead of run-120 (by 0.10 points [−0.20, 0.40])" in said[0]
    assert said[-1] == (
        "Next: rate about 40 more items of both to tell run-240 from run-120 on "
        "meaning."
    )


def test_a_lead_too_small_for_the_task_counts_as_equal(task):
    said = verdict(with_lead(settled(task), "meaning", UNCLEAR, needed=4321))
    assert "as equal on meaning, or add prompts" in said[-1]
    assert "about 4,300 rated items" in said[-1]


def test_criteria_that_disagree_leave_the_choice_to_the_reader(task):
    said = verdict(with_lead(settled(task), "fluency", CLEAR, best="run-120"))
    assert "run-240 for meaning and run-120 for fluency" in said[-1]


def test_raters_who_hardly_agree_are_told_to_sharpen_the_question(task):
    alpha = {"meaning": Estimate(0.1, 0.0, 0.2), "fluency": Estimate(0.8, 0.7, 0.9)}
    vague = replace(settled(task), raters=replace(task.raters, alpha=alpha))
    assert "sharpen the definition of meaning" in verdict(vague)[-1]


def test_one_rater_alone_asks_for_a_second(task):
    alpha = {"meaning": Estimate(None)}
    alone = replace(settled(task), raters=replace(task.raters, alpha=alpha))
    assert "second rater" in verdict(alone)[-1]


@pytest.mark.parametrize(
    ("winners", "expected"),
    [
        (["run-240"] * 7, "; metrics agree: run-240 first by"),
        (["run-240"] * 5 + ["run-40"] * 2, "; most metrics agree: run-240 first by"),
        (["run-240"] * 3 + ["run-40"] * 2 + ["run-0"] * 2, "; some metrics agree: "),
        (["run-40"] * 7, "; metrics differ and put run-40 first by"),
    ],
    ids=["all", "most", "some", "none"],
)
def test_metrics_are_held_against_the_raters_choice(task, winners, expected):
    found = settled(task)
    rated, measured = found.leads[:2], found.leads[2:]
    leads = [replace(m, best=b) for m, b in zip(measured, winners, strict=True)]
    assert expected in verdict(replace(found, leads=(*rated, *leads)))[0]


def test_who_is_level_is_not_called_first(task):
    level = Estimate(0.0, n=12)
    leads = [
        replace(lead, difference=level) if lead.kind == "metric" else lead
        for lead in settled(task).leads
    ]
    assert "; the best are level by" in verdict(replace(task, leads=tuple(leads)))[0]
    ahead = replace(leads[-1], difference=CLEAR, best="run-240")
    said = verdict(replace(task, leads=(*leads[:-1], ahead)))[0]
    name = task.metric(ahead.by).label
    assert f"; metrics agree: run-240 first by {name} (clearly); the best are" in said
    assert f"{name}," not in said.partition("level by")[2]


def test_who_is_ahead_only_by_items_that_others_lack_is_not_called_first(task):
    behind = Estimate(-0.1, -0.2, -0.05, n=4)
    [*leads, last] = settled(task).leads
    found = replace(task, leads=(*leads, replace(last, difference=behind)))
    name = task.metric(last.by).label
    said = verdict(found)[0]
    assert f"; the first by {name} is behind the next best on the items" in said
    assert f"{name} (" not in said
    assert columns(found)[-1].best == frozenset()
    assert columns(task)[-1].best


def test_what_a_metric_could_not_judge_stands_under_its_values(task):
    assert not_judged(task) == ""
    bleu = next(m for m in task.metrics if m.name == "bleu")

    def judged(*dropped):
        return replace(
            task,
            checkpoints=tuple(
                replace(
                    one,
                    metrics={bleu.signature: Estimate(5.0, n=12 - n, dropped=n)},
                )
                for one, n in zip(task.checkpoints, dropped, strict=True)
            ),
        )

    assert not_judged(judged(2, 2, 2, 2)) == (
        "Left out, as they could not be judged: bleu (2 of 12)."
    )
    assert not_judged(judged(0, 2, 0, 12)) == (
        "Left out, as they could not be judged: bleu (up to 12 of 12). By bleu values "
        "are of unlike items: harness compare takes those that both checkpoints have."
    )


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_what_a_metric_could_not_judge_is_said_in_every_form(rated, form):
    [task] = rated.tasks
    first, *others = task.checkpoints
    values = {s: replace(e, dropped=3) for s, e in first.metrics.items()}
    first = replace(first, metrics=values)
    some = replace(task, checkpoints=(first, *others))
    assert "could not be judged: perplexity (up to 3 of 15)" in " ".join(
        unescape(render(replace(rated, tasks=(some,)), form)).split()
    )


def test_checkpoints_that_are_rated_alike_are_called_level(task):
    said = verdict(with_lead(settled(task), "meaning", Estimate(0.0, -0.3, 0.3, n=12)))
    assert "level with run-120" in said[0]
    assert "not clearly ahead" not in said[0]
    level = settled(task)
    for criterion in CRITERIA:
        level = with_lead(level, criterion, Estimate(0.0, n=12))
    assert "; metrics put run-" in verdict(level)[0]


def test_what_has_no_interval_was_not_tested(task):
    leads = [
        replace(lead, difference=Estimate(1.0, n=1)) if lead.kind == "metric" else lead
        for lead in settled(task).leads
    ]
    said = verdict(replace(task, leads=tuple(leads)))[0]
    assert "(not tested)" in said
    assert "(not clearly)" not in said


def test_a_metric_that_does_not_surely_follow_raters_is_not_said_to(task):
    def unsure(one):
        none = replace(one.segment["none"], kendall=Estimate(-0.07, -0.2, 0.1, n=48))
        return replace(one, segment={**one.segment, "none": none})

    found = replace(task, agreement=tuple(map(unsure, task.agreement)))
    assert closest_metric(found, "meaning").startswith(
        "Output by output, no metric surely follows people; the closest is "
    )


def test_one_item_asks_for_prompts_rather_than_calling_a_gap_level(task):
    single = Estimate(1.5, n=1)
    found = replace(with_lead(settled(task), "meaning", single, needed=None), items=1)
    assert verdict(found)[-1] == (
        "Next: add prompts and rate them, as so few cannot tell run-240 from run-120 "
        "on meaning."
    )


def test_a_single_checkpoint_is_not_told_from_others(task):
    alone = replace(task, checkpoints=task.checkpoints[:1], leads=())
    first = verdict(alone)[0]
    assert first.startswith("People rate run-0 ")
    assert "other" not in first


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_no_metric_is_trusted_without_the_raters_own_agreement_beside_it(rated, form):
    page = unescape(render(rated, form))
    for said in (closest_metric(rated.tasks[0], name) for name in CRITERIA):
        assert "follows people best (Kendall's tau 0." in said
        own, beside = page.split(" ".join(said.split()[:5]), 1)
        assert "Raters among themselves: Krippendorff's alpha" in own[-400:]
        page = beside


def test_a_copy_of_the_prompt_that_nobody_beats_is_a_warning(task):
    bleu = next(m.signature for m in task.metrics if m.name == "bleu")
    [baseline] = task.baselines
    best = replace(baseline, metrics={bleu: Estimate(99.0, 98.0, 100.0)})
    said = unbeaten_copy(replace(task, baselines=(best,)))
    assert said == (
        "No checkpoint beats a mere copy of the prompt by bleu (the copy: 99.0 "
        "[98.0, 100.0])."
    )
    assert unbeaten_copy(task) == ""


def test_more_than_two_criteria_are_told_in_short(task):
    [lead, *_] = task.leads
    many = [replace(lead, by=name, difference=CLEAR, rival=None) for name in "abc"]
    said = verdict(replace(task, leads=(*many, *task.leads[2:])))[0]
    assert said.startswith(f"People put {lead.best} first on a, b and c (clearly); ")


def test_items_needed_are_those_of_the_textbook():
    # Mean 1 and standard deviation 2: (1.96 + 0.8416)² 4 = 31.4.
    gaps = np.array([1 - 2**0.5, 1 + 2**0.5])
    assert items_needed(gaps) == 32
    assert items_needed(np.array([0.0, 0.0, 1.0, -1.0])) is None
    assert items_needed(np.array([1.0])) is None
