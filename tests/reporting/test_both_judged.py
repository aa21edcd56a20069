"""Two checkpoints prompt by prompt: matrices from what counts."""

from dataclasses import replace

import numpy as np
from made_evidence import METRIC, evidence_of

from harness.reporting.both_judged import Sheet
from harness.reporting.drawn import Drawn
from harness.types import Output

RATED = np.array(
    [[[1, 2, np.nan], [3, 2, 4]], [[np.nan, 4, np.nan], [5, np.nan, np.nan]]]
)
"""(raters, checkpoints, items)."""
SCORES = np.array([[10.0, 20.0, 30.0], [11.0, np.nan, 33.0]])


def test_each_rater_has_a_column_and_each_prompt_a_row():
    judged = Sheet(evidence_of(RATED, SCORES), "meaning", METRIC).by_ratings("c0", "c1")
    np.testing.assert_array_equal(judged.human[0], RATED[:, 0].T)
    np.testing.assert_array_equal(judged.human[1], RATED[:, 1].T)
    np.testing.assert_array_equal(np.array(judged.scores), SCORES)


def test_samples_of_a_prompt_are_averaged():
    evidence = evidence_of(RATED, SCORES)
    again = Output("c0/again", "i0", "c0", "other", sample=1)
    rating = replace(evidence.ratings[0], id=99, rated=again.id, output=again.id)
    evidence = replace(
        evidence,
        outputs={**evidence.outputs, "c0": (*evidence.outputs["c0"], again)},
        ratings=(*evidence.ratings, replace(rating, value=4.0)),
    )
    judged = Sheet(evidence, "meaning", METRIC).by_ratings("c0", "c1")
    assert judged.human[0][0].tolist()[0] == 2.5
    assert judged.scores[0].tolist() == [10, 20, 30]


def test_prompts_that_one_did_not_answer_are_left_out():
    evidence = evidence_of(RATED, SCORES)
    outputs = {**evidence.outputs, "c1": evidence.outputs["c1"][:2]}
    ratings = [one for one in evidence.ratings if one.output != "c1/i2"]
    scores = {"c0": evidence.scores["c0"], "c1": {}}
    less = replace(evidence, outputs=outputs, ratings=tuple(ratings), scores=scores)
    judged = Sheet(less, "meaning", METRIC).by_ratings("c0", "c1")
    assert judged.human[0].shape == (2, 2)
    assert np.isnan(judged.scores[1]).all()


def test_unequal_drawing_probabilities_come_with_the_ratings():
    evidence = evidence_of(RATED, SCORES)
    assert (
        Sheet(evidence, "meaning", None).by_ratings("c0", "c1").design.probabilities
        is None
    )
    item_of = {"i0": 0.2, "i1": 0.5, "i2": 0.9}
    chances = {
        one.assignment: (1, item_of[one.output[-2:]]) for one in evidence.ratings
    }
    drawn = replace(evidence, drawn=Drawn(chances))
    found = Sheet(drawn, "meaning", None).by_ratings("c0", "c1").design.probabilities
    # Nobody rated the third of the first checkpoint.
    np.testing.assert_allclose(found, [0.2, 0.5, np.nan])


def test_comparisons_are_turned_to_the_second_and_equal_texts_set_apart():
    def row(item, outcome, *, one="c0", two="c1", rater=7, identical=0):
        return {
            "item": item,
            "outcome": outcome,
            "one": one,
            "two": two,
            "rater": rater,
            "identical": identical,
            "assignment": 1,
            "criterion": "meaning",
        }

    evidence = evidence_of(RATED, SCORES)
    rows = (
        row("i0", 1.0),
        row("i0", 1.0, one="c1", two="c0", rater=8),
        row("i1", 0.5, rater=None, identical=1),
    )
    compared = replace(evidence.comparisons, rows=rows)
    sheet = Sheet(replace(evidence, comparisons=compared), "meaning", METRIC)
    judged = sheet.by_comparisons("c0", "c1")
    assert judged.equal == 1
    # The first row: for rater 7 the second lost, for rater 8 it won.
    assert judged.human[0][0].tolist() == [0.0, 1.0]
    assert np.isnan(judged.human[0][1]).all()
    assert judged.scores[1].tolist() == [11, 33]
