"""Samples for a terminal, as Markdown and as JSON; texts stay text."""

import json

import pytest

from harness.differences import pieces
from harness.reporting import render_samples
from harness.reporting.histories import (
    History,
    ItemHistories,
    Rated,
    Samples,
    Written,
)
from harness.reporting.histories_text import judged, remark

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e**b** `c`"


def written(name, text, base=None, **others):
    laid = pieces(base, text) if base is not None else ()
    made = {
        "step": 1,
        "finish": "stop",
        "scores": {},
        "ratings": {},
        "same_since": None,
        "over": None if base is None else "before",
        "not_compared": "",
    }
    return Written(checkpoint=name, text=text, pieces=laid, **(made | others))


def found(*outputs, simulated=False, histories=None):
    histories = histories or (History("run", 0, outputs),)
    item = ItemHistories("k", "Ask me.", ("Tell me.",), histories)
    return Samples(
        task="talk",
        against="previous",
        metrics={"bleu|x": "bleu"},
        criteria=("meaning",),
        chosen="1 of 1 items (the first)",
        items=(item,),
        simulated=simulated,
    )


def rendered(form, *outputs, **others):
    return render_samples([found(*outputs, **others)], form)


@pytest.mark.parametrize(
    ("base", "text", "shown"),
    [
        ("a b c", "a x c", "a [-b-]{+x+} c"),
        ("a", "a b", "a{+ b+}"),
        ("a b", "", "[-a b-]"),
        (None, "", "(nothing)"),
    ],
)
def test_changes_are_marked_as_git_marks_them(base, text, shown):
    assert shown in rendered("text", written("one", text, base))


def test_long_stretches_alike_are_cut_in_a_terminal_only():
    base = "same " * 200 + "old " + "same " * 200
    one = written("one", base.replace("old", "new"), base)
    text = " ".join(rendered("text", one).split())
    assert "letters alike)" in text
    assert "[-old-]{+new+}" in text
    assert len(text) < 900
    assert ("same " * 200).strip() in rendered("md", one)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (written("b", "x", same_since="a"), "unchanged since a"),
        (written("b", "x", over="first", not_compared="too long."), "with first: too"),
        (written("b", "x", over="reference"), "as reference"),
        (written("b", "x", finish="length"), "cut off"),
        (written("b", "x", over="reference", finish="length"), "reference, cut off"),
        (written("b", "", "y"), "empty"),
        (written("b", " \n", "y"), "only white space"),
        (written("b", "x", "y"), ""),
    ],
)
def test_what_is_to_say_of_an_output_is_said(output, said):
    assert said in remark(output)
    assert bool(remark(output)) == bool(said)


def test_scores_and_ratings_are_named_with_their_number():
    one = written(
        "a", "x", scores={"bleu|x": 43.21}, ratings={"meaning": Rated(3.5, 1)}
    )
    assert judged(found(one), one) == "bleu 43.2 · meaning 3.50 (1 rating)"
    assert "scores bleu 43.2 · meaning 3.50 (1 rating)" in rendered("text", one)


def test_an_unchanged_text_is_not_repeated():
    one = written("a", "some words")
    two = written("b", "some words", same_since="a", over="a")
    for form in ("text", "md", "html"):
        assert rendered(form, one, two).count("some words") == 1


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_series_and_samples_are_named_where_there_are_several(form):
    one = (written("a", "x"),)
    several = (
        History("left", 0, one),
        History("left", 1, one),
        History("right", 0, one),
    )
    text = rendered(form, histories=several)
    assert "left, sample 1" in text
    assert "right, sample 0" in text
    assert "sample 0" not in rendered(form, *one)


@pytest.mark.parametrize("form", ["text", "md", "html"])
def test_simulated_ratings_are_announced(form):
    assert "SIMULATED" in rendered(form, written("a", "x"), simulated=True)
    assert "SIMULATED" not in rendered(form, written("a", "x"))


@pytest.mark.parametrize("form", ["text", "md"])
def test_hostile_texts_and_names_stay_text(form):
    text = rendered(form, written(HOSTILE, HOSTILE, "before"), written("b", HOSTILE))
    assert "\x1b" not in text
    assert "\u202e" not in text
    if form == "md":
        # Only in a code block, where nothing is read as markup.
        assert text.count("<script>") == 1
        assert "```text\n<script>" in text


def test_line_breaks_in_changes_are_kept_in_markdown():
    text = rendered("md", written("a", "one\ntwo new", "one\ntwo"))
    assert "> one<br>two <ins>new</ins>" in text


def test_json_has_every_text_and_piece():
    one = written("a", HOSTILE, "before", scores={"bleu|x": 1.5})
    [task] = json.loads(rendered("json", one))
    [history] = task["items"][0]["histories"]
    assert history["texts"] == 1
    [output] = history["outputs"]
    assert output["text"] == HOSTILE
    assert output["scores"] == {"bleu|x": 1.5}
    parts = [text for kind, text in output["pieces"] if kind != "removed"]
    assert "".join(parts) == HOSTILE
    assert {"task", "metrics", "criteria", "chosen", "against"} <= task.keys()


def test_forms_that_are_not_there_are_refused():
    with pytest.raises(Exception, match="format of samples"):
        rendered("pdf")
