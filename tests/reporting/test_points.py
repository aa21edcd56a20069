"""The outputs that points open."""

from harness.reporting.model import RatedOutput
from harness.reporting.points import LIMITS, MOST_LETTERS, openable


def output(number, text, prompt="say", references=("yes",)):
    given = {"good": (("Ana\u202e", 4.0), ("Ben", 2.0))}
    return RatedOutput(
        *("run", str(number), 0, prompt, references, text, {"m": 1.0}, {"good": 3.0}),
        given=given,
    )


def test_a_point_leads_to_its_texts_each_kept_once():
    found = openable([[output(0, "yes"), output(1, "no")], [], [output(2, "no")]])
    assert found["texts"] == ["say", "yes", "no"]
    [first, second], [], [third] = found["traces"]
    assert (first["prompt"], first["references"], first["output"]) == (0, [1], 1)
    assert second["output"] == third["output"] == 2
    assert third["item"] == "2"


def test_each_raters_rating_is_kept_and_nothing_deceives():
    found = openable([[output(0, "a\u202eb\x1b")]])
    assert found["texts"][2] == "a\\u202eb\\u001b"
    [[point]] = found["traces"]
    assert point["given"] == {"good": [["Ana\\u202e", 4.0], ["Ben", 2.0]]}


def test_no_more_than_three_references_are_kept():
    found = openable([[output(0, "x", references=tuple("abcde"))]])
    assert found["texts"] == ["say", "a", "b", "c", "x"]


def test_one_long_text_is_cut_and_says_so():
    [_, _, text] = openable([[output(0, "x" * 1_000_000)]])["texts"]
    assert text.startswith("x" * LIMITS[0])
    assert text.endswith("(994,000 more characters)")


def test_many_long_texts_are_cut_so_far_that_a_page_can_bear_them():
    drawn = [output(n, f"{n} " + "x" * 4_000) for n in range(2_000)]
    texts = openable([drawn])["texts"]
    assert sum(map(len, texts)) < MOST_LETTERS + 50 * len(texts)
    assert min(len(text) for text in texts[2:]) >= LIMITS[-1]
    short = openable([[*drawn[:400], output(0, "y" * 500)]])["texts"]
    assert short[-1] == "y" * 500
