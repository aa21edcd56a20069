"""The views, on a study small enough to work out by hand."""

import json

import numpy as np
import pytest

from harness.errors import StudyError
from harness.study import StudyFile, file
from harness.study.checkpoints import store_checkpoint
from harness.study.items import store_items, store_task
from harness.study.outputs import (
    Evaluation,
    current_likelihoods,
    current_outputs,
    output_id,
    store_evaluation,
    store_likelihoods,
    store_outputs,
)
from harness.study.scores import (
    current_scores,
    store_metric,
    store_scores,
    store_whole,
    stored_metrics,
)
from harness.types import Item, Likelihood, Output, Score

NOW = "2026-01-01T00:00:00.000000+00:00"
ITEMS = [Item(f"i{n}", "t", f"k{n}", f"prompt {n}", (f"ref {n}",)) for n in (1, 2, 3)]


class Built:
    """Task t, items i1 to i3, checkpoints a and b with one output for each item."""

    def __init__(self, path):
        self.study = StudyFile(path)
        self.version = store_task(self.study, "t", "name: t", None)
        store_items(self.study, "t", ITEMS)
        self.checkpoints = {name: self.checkpoint(name) for name in ("a", "b")}
        for name in self.checkpoints:
            self.evaluate(name)
            texts = {(f"i{n}", 0): f"{name.upper()}{n}" for n in (1, 2, 3)}
            self.write(name, "new", texts)

    def checkpoint(self, name):
        return store_checkpoint(
            self.study, series="run", name=name, step=1, backend="x", fingerprint=name
        ).id

    def evaluate(self, name, settings="new", samples=1, likelihood="lik"):
        store_evaluation(
            self.study,
            Evaluation(
                self.checkpoints[name],
                "t",
                self.version,
                settings,
                likelihood,
                samples,
            ),
        )

    def output(self, name, item, sample=0, settings="new"):
        return output_id(item, self.checkpoints[name], sample, settings)

    def write(self, name, settings, texts):
        store_outputs(
            self.study,
            [
                Output(
                    self.output(name, item, sample, settings),
                    item,
                    self.checkpoints[name],
                    text,
                    sample,
                    settings,
                )
                for (item, sample), text in texts.items()
            ],
        )

    def truth(self, item):
        return self.study.mapping("SELECT id, refs_hash FROM items")[item]

    def metric(self, signature):
        row = {"signature": signature, "name": signature, "form": "mean", "spec": "{}"}
        store_metric(self.study, {**row, "unit": "", "higher_is_better": True})

    def score(self, name, item, value, signature="m", settings="new"):
        self.metric(signature)
        output = self.output(name, item, 0, settings)
        known = (self.checkpoints[name], item, signature, output)
        score = (
            Score(*known, reason="cannot judge")
            if value is None
            else Score(*known, value, np.array([value, 1.0]))
        )
        store_scores(self.study, [(score, self.truth(item))])

    def score_reference(self, name, item, value, signature="ppl", likelihood="lik"):
        self.metric(signature)
        score = Score(self.checkpoints[name], item, signature, None, value)
        store_scores(self.study, [(score, f"{self.truth(item)} {likelihood}")])

    def rater(self, name):
        self.study.insert(
            "raters", [{"name": name, "kind": "person", "created": NOW}], ignore=True
        )
        self.study.insert(
            "campaigns",
            [
                {"task": "t", "name": "c", "scheme": "pairwise", "protocol": "{}"}
                | {"hash": "h", "created": NOW}
            ],
            ignore=True,
        )
        for number in self.checkpoints.values():
            self.join(number)
        return self.study.mapping("SELECT name, id FROM raters")[name]

    def join(self, checkpoint, wave=1, campaign=1):
        row = {"campaign": campaign, "checkpoint": checkpoint, "wave": wave}
        self.study.insert("waves", [{**row, "joined": NOW}], ignore=True)

    def assign(self, rater, *outputs, campaign=1, kind="normal"):
        token = f"{rater} {outputs}"
        self.study.insert(
            "assignments",
            [
                {"campaign": campaign, "rater": self.rater(rater), "kind": kind}
                | {"token": token, "probability": 1.0}
            ],
        )
        number = self.study.mapping("SELECT token, id FROM assignments")[token]
        self.study.insert(
            "assignment_outputs",
            [
                {"assignment": number, "position": position, "output": output}
                for position, output in enumerate(outputs)
            ],
        )
        return number

    def rate(self, assignment, **columns):
        row = {"assignment": assignment, "criterion": "fit", "created": NOW, **columns}
        self.study.insert("ratings", [row])
        return self.study.column("SELECT max(id) FROM ratings")[0]

    def select(self, columns, view, order="1"):
        query = f"SELECT {columns} FROM {view} ORDER BY {order}"  # noqa: S608 - ours
        rows = self.study.rows(query)
        return [tuple(row.values()) for row in rows]


@pytest.fixture
def built(tmp_path):
    return Built(tmp_path / "s.db")


def texts(built, name="a"):
    found = current_outputs(built.study, "t", built.checkpoints[name])
    return [output.text for output in found]


# current_outputs


def test_outputs_of_other_settings_are_kept_but_not_current(built):
    built.write("a", "old", {("i1", 0): "stale"})
    assert texts(built) == ["A1", "A2", "A3"]
    built.evaluate("a", settings="old")
    assert texts(built) == ["stale"]
    assert built.study.column("SELECT count(*) FROM outputs") == [7]


def test_samples_beyond_those_wanted_are_not_current(built):
    built.write("a", "new", {("i1", 1): "B1", ("i1", 2): "C1"})
    assert texts(built) == ["A1", "A2", "A3"]
    built.evaluate("a", samples=2)
    assert texts(built) == ["A1", "B1", "A2", "A3"]


def test_outputs_of_items_that_left_the_data_are_not_current(built):
    store_items(built.study, "t", ITEMS[1:])
    assert texts(built) == ["A2", "A3"]
    store_items(built.study, "t", ITEMS)
    assert texts(built) == ["A1", "A2", "A3"]


def test_an_output_that_is_there_already_stays_as_it_is(built):
    built.write("a", "new", {("i1", 0): "another"})
    assert texts(built) == ["A1", "A2", "A3"]


# current_scores and current_likelihoods


def likelihood(built, item, nll, settings="lik"):
    one = Likelihood(item, built.checkpoints["a"], nll, 2, 2, 5, settings=settings)
    store_likelihoods(built.study, [one], items=ITEMS)


def values(built, name="a"):
    found = current_scores(built.study, "t", built.checkpoints[name])
    return {
        signature: [(score.item, score.value) for score in scores]
        for signature, scores in found.items()
    }


def test_scores_by_an_older_reference_are_not_current(built):
    built.score("a", "i1", 0.25)
    built.score("a", "i2", 0.5)
    mended = Item("i1", "t", "k1", "prompt 1", ("better",))
    store_items(built.study, "t", [mended, *ITEMS[1:]])
    assert values(built) == {"m": [("i2", 0.5)]}
    built.score("a", "i1", 0.75)
    assert values(built) == {"m": [("i1", 0.75), ("i2", 0.5)]}


def test_scores_of_outputs_that_are_not_current_are_not_either(built):
    built.write("a", "old", {("i1", 0): "stale"})
    built.score("a", "i1", 0.25, settings="old")
    assert values(built) == {}


def test_likelihoods_follow_reference_and_settings(built):
    likelihood(built, "i1", 1.0)
    likelihood(built, "i2", 2.0)
    likelihood(built, "i3", 3.0, settings="other dtype")
    found = current_likelihoods(built.study, "t", built.checkpoints["a"])
    assert {(one.item, one.nll) for one in found} == {("i1", 1.0), ("i2", 2.0)}
    mended = Item("i1", "t", "k1", "prompt 1", ("better",))
    store_items(built.study, "t", [mended, *ITEMS[1:]])
    found = current_likelihoods(built.study, "t", built.checkpoints["a"])
    assert [(one.item, one.nll) for one in found] == [("i2", 2.0)]


def test_scores_of_likelihoods_follow_reference_and_settings(built):
    built.score_reference("a", "i1", 4.0)
    built.score_reference("a", "i2", 8.0, likelihood="other dtype")
    assert values(built) == {"ppl": [("i1", 4.0)]}
    store_items(built.study, "t", ITEMS[1:])
    assert values(built) == {}


def test_a_tally_comes_back_as_it_was(built):
    built.score("a", "i1", 1 / 3)
    [score] = current_scores(built.study, "t", built.checkpoints["a"])["m"]
    assert score.tally.tolist() == [1 / 3, 1.0]
    assert score.tally.dtype == np.float64


def test_tallies_of_any_widths_stay_with_their_scores(built):
    widths = {"i1": 3, "i2": 0, "i3": 2}
    for signature in ("same", "mixed"):
        built.metric(signature)
    built.write("a", "old", {("i2", 0): "stale"})
    stale = built.output("a", "i2", 0, "old")
    for item, width in widths.items():
        output = built.output("a", item, 0, "new")
        of = [built.checkpoints["a"], item]
        given = [
            Score(*of, "mixed", output, 1.0, np.arange(width) + 0.5),
            Score(*of, "same", output, 2.0, np.full(4, float(width))),
            Score(*of, "mixed", stale, 3.0, np.full(5, 9.0)),
        ]
        store_scores(built.study, [(one, built.truth(item)) for one in given])
    built.score("a", "i1", None, signature="mostly")
    built.score("a", "i2", 0.25, signature="mostly")
    found = current_scores(built.study, "t", built.checkpoints["a"])
    assert {name: [one.tally for one in some] for name, some in found.items()} == {
        "mixed": [pytest.approx(np.arange(n) + 0.5) for n in widths.values()],
        "same": [pytest.approx(np.full(4, n)) for n in widths.values()],
        "mostly": [None, pytest.approx([0.25, 1.0])],
    }
    assert found["same"].tallies.shape == (3, 4)


def test_current_scores_are_those_of_the_view(built, monkeypatch):
    monkeypatch.setattr(file, "AT_ONCE", 2)
    rng = np.random.default_rng(5)
    samples = {(f"i{n}", at): f"S{n}{at}" for n in (1, 2, 3) for at in range(1, 4)}
    built.write("a", "new", samples)
    built.write("a", "old", {("i1", 0): "stale"})
    built.evaluate("a", samples=3)
    for item, sample in [*samples, ("i1", 0), ("i2", 0)]:
        output = built.output("a", item, sample, "new")
        for signature in rng.permutation(["m", "n", "o"])[:2].tolist():
            built.metric(signature)
            of = (built.checkpoints["a"], item, signature, output, rng.random())
            key = rng.choice([built.truth(item), "outdated"], p=[0.8, 0.2])
            store_scores(built.study, [(Score(*of), str(key))])
    built.score("a", "i1", 0.5, settings="old")
    built.score_reference("a", "i3", 4.0)
    view = built.study.tuples(
        "SELECT signature, item, sample, output, value FROM current_scores "
        "WHERE task = 't' AND checkpoint = ? ORDER BY signature, item, sample",
        [built.checkpoints["a"]],
    )
    wanted = [(name, item, output, value) for name, item, _, output, value in view]
    found = current_scores(built.study, "t", built.checkpoints["a"])
    assert wanted == [
        (name, one.item, one.output, one.value)
        for name in sorted(found)
        for one in found[name]
    ]
    assert len(wanted) > 10


def test_the_same_score_is_stored_once_and_the_first_stays(built):
    built.score("a", "i1", 0.25)
    built.score("a", "i1", 0.75)
    built.score_reference("a", "i1", 4.0)
    built.score_reference("a", "i1", 5.0)
    assert values(built) == {"m": [("i1", 0.25)], "ppl": [("i1", 4.0)]}


def test_metrics_without_scores_add_up(built):
    for signatures in (["x|v1"], ["y|v1", "x|v1"]):
        store_whole(built.study, "t", built.checkpoints["a"], signatures)
    built.evaluate("a", samples=3)
    assert built.select("checkpoint = 'x', whole", "evaluations", "whole DESC") == [
        (0, "[]"),
        (0, '["x|v1", "y|v1"]'),
    ]


def test_a_metric_stays_as_first_stored_unless_it_is_replaced(built):
    row = {"signature": "x", "name": "x", "form": "mean", "spec": "{}", "unit": ""}
    store_metric(built.study, {**row, "higher_is_better": True}, "old")
    store_metric(built.study, {**row, "higher_is_better": False}, "new")
    assert stored_metrics(built.study)["x"]["higher_is_better"] is True
    store_metric(built.study, {**row, "higher_is_better": False}, "new", replace=True)
    assert stored_metrics(built.study)["x"]["higher_is_better"] is False
    assert stored_metrics(built.study)["x"]["base"] == "new"


# current_ratings


def test_a_rating_counts_until_it_is_superseded_undone_or_skipped(built):
    ann = built.assign("ann", built.output("a", "i1"))
    first = built.rate(ann, value=2)
    second = built.rate(ann, value=3, supersedes=first)
    assert built.select("value", "current_ratings") == [(3.0,)]
    third = built.rate(ann, state="undone", supersedes=second)
    assert built.select("value", "current_ratings") == []
    fourth = built.rate(ann, state="skipped", supersedes=third)
    assert built.select("value", "current_ratings") == []
    built.rate(ann, value=5, supersedes=fourth)
    assert built.select("value, rater_name, rater_kind", "current_ratings") == [
        (5.0, "ann", "person")
    ]


def test_a_rating_can_be_superseded_only_once(built):
    ann = built.assign("ann", built.output("a", "i1"))
    first = built.rate(ann, value=2)
    built.rate(ann, value=3, supersedes=first)
    with pytest.raises(StudyError, match="UNIQUE constraint failed"):
        built.rate(ann, value=4, supersedes=first)


def test_an_assignment_follows_its_newest_rating(built):
    ann = built.assign("ann", built.output("a", "i1"))
    states = built.study.column("SELECT state FROM assignments")
    for state in ("rated", "undone", "skipped"):
        built.rate(ann, state=state)
        states += built.study.column("SELECT state FROM assignments")
    assert states == ["open", "rated", "undone", "skipped"]


# judgements


def test_judgements_put_each_rating_beside_every_score(built):
    a1, b2 = built.output("a", "i1"), built.output("b", "i2")
    built.rate(built.assign("ann", a1), output=a1, value=4)
    built.rate(built.assign("ben", a1), output=a1, value=2)
    built.rate(built.assign("ann", b2), output=b2, value=1)
    built.score("a", "i1", 0.5)
    built.score("a", "i2", 0.6)
    built.score("a", "i1", None, signature="n")
    built.score_reference("a", "i1", 9.0)
    built.score_reference("b", "i1", 7.0)
    columns = "checkpoint, item, rater, rating, signature, score, score_of"
    assert built.select(columns, "judgements", "1, 2, 3, 5") == [
        ("a", "k1", "ann", 4.0, "m", 0.5, "output"),
        ("a", "k1", "ann", 4.0, "n", None, "output"),
        ("a", "k1", "ann", 4.0, "ppl", 9.0, "likelihood"),
        ("a", "k1", "ben", 2.0, "m", 0.5, "output"),
        ("a", "k1", "ben", 2.0, "n", None, "output"),
        ("a", "k1", "ben", 2.0, "ppl", 9.0, "likelihood"),
        ("b", "k2", "ann", 1.0, None, None, None),
    ]


def test_judgements_carry_a_likelihood_to_every_sample(built):
    built.write("a", "new", {("i1", 1): "B1"})
    built.evaluate("a", samples=2)
    for sample in (0, 1):
        output = built.output("a", "i1", sample)
        built.rate(built.assign("ann", output), output=output, value=sample + 1)
    built.score_reference("a", "i1", 9.0)
    assert built.select("sample, rating, score, score_of", "judgements") == [
        (0, 1.0, 9.0, "likelihood"),
        (1, 2.0, 9.0, "likelihood"),
    ]


def test_judgements_leave_out_outputs_that_are_not_current(built):
    built.write("a", "old", {("i1", 0): "stale"})
    stale = built.output("a", "i1", settings="old")
    built.rate(built.assign("ann", stale), output=stale, value=4)
    assert built.select("*", "judgements") == []


# preferences


@pytest.mark.parametrize(
    ("choice", "shown", "outcome", "both_bad"),
    [
        ("first", "ab", {"a": 1.0, "b": 0.0}, 0),
        ("second", "ab", {"a": 0.0, "b": 1.0}, 0),
        ("first", "ba", {"a": 0.0, "b": 1.0}, 0),
        ("second", "ba", {"a": 1.0, "b": 0.0}, 0),
        ("tie", "ab", {"a": 0.5, "b": 0.5}, 0),
        ("tie", "ba", {"a": 0.5, "b": 0.5}, 0),
        ("both_bad", "ba", {"a": 0.5, "b": 0.5}, 1),
    ],
)
def test_preferences_undo_the_sides(built, choice, shown, outcome, both_bad):
    outputs = {name: built.output(name, "i1") for name in "ab"}
    names = {output: name for name, output in outputs.items()}
    built.score("a", "i1", 0.25)
    built.score("b", "i1", 0.75)
    built.rate(built.assign("ann", *(outputs[n] for n in shown)), choice=choice)
    [row] = built.study.rows("SELECT * FROM preferences")
    # Which of the two is called output_a depends on their ids, not on the sides.
    assert row["output_a"] == min(outputs.values())
    first = names[row["output_a"]]
    scores = {"a": 0.25, "b": 0.75}
    assert row["outcome"] == outcome[first]
    assert row["both_bad"] == both_bad
    assert (row["score_a"], row["score_b"]) == (
        scores[first],
        scores[names[row["output_b"]]],
    )
    assert (row["rater"], row["criterion"], row["signature"]) == ("ann", "fit", "m")


def test_preferences_leave_out_what_does_not_count(built):
    pair = (built.output("a", "i1"), built.output("b", "i1"))
    rated = built.rate(built.assign("ann", *pair), choice="first")
    built.evaluate("b", settings="other")
    assert built.select("*", "preferences") == []
    built.evaluate("b")
    assert len(built.select("*", "preferences")) == 1
    built.rate(1, state="undone", supersedes=rated)
    assert built.select("*", "preferences") == []


def a_campaign(built, scheme="pairwise", **plan):
    """A campaign about all three prompts, which a and b have joined; its number."""
    plan = {"criteria": [{"name": "fit"}], "pairs": "all", **plan}
    protocol = {"items": ["i1", "i2", "i3"], "plan": plan}
    built.study.insert(
        "campaigns",
        [
            {"task": "t", "name": scheme, "scheme": scheme, "hash": f"{scheme} {plan}"}
            | {"protocol": json.dumps(protocol), "created": NOW}
        ],
    )
    [number] = built.study.column("SELECT max(id) FROM campaigns")
    for checkpoint in built.checkpoints.values():
        built.join(checkpoint, campaign=number)
    return number


def another(built, name, texts, *, step=1, wave=1, campaign=1):
    """A checkpoint that joins with its text for each prompt."""
    built.checkpoints[name] = store_checkpoint(
        built.study, series="run", name=name, step=step, backend="x", fingerprint=name
    ).id
    built.evaluate(name)
    built.write(name, "new", {(f"i{n + 1}", 0): text for n, text in enumerate(texts)})
    built.join(built.checkpoints[name], wave, campaign)


def preferred(built):
    """Better and other checkpoint with the item, and how it was found out."""
    names = {
        built.output(name, f"i{n}"): f"{name}{n}"
        for name in built.checkpoints
        for n in (1, 2, 3)
    }
    found = []
    for row in built.study.rows("SELECT * FROM preferences"):
        one, two, outcome = (
            names[row["output_a"]],
            names[row["output_b"]],
            row["outcome"],
        )
        if (outcome, two) < (0.5, one) or (outcome == 0.5 and two < one):
            one, two, outcome = two, one, 1 - outcome
        found.append((one, two, outcome, row["rater"], row["identical"]))
    return sorted(found, key=str)


def test_a_ranking_says_something_of_every_pair_in_it(built):
    number = a_campaign(built, "ranking")
    another(built, "c", ["C1", "C2", "C3"], campaign=number)
    outputs = [built.output(name, "i1") for name in "bca"]
    assignment = built.assign("ann", *outputs, campaign=number)
    for place, (output, rank) in enumerate(zip(outputs, [2, 1, 2], strict=True)):
        built.rate(assignment, output=output, place=place, value=rank)
    assert preferred(built) == [
        ("a1", "b1", 0.5, "ann", 0),
        ("c1", "a1", 1.0, "ann", 0),
        ("c1", "b1", 1.0, "ann", 0),
    ]
    assert built.select("*", "output_ratings") == []


def test_equal_outputs_are_ties_of_every_pair_that_nobody_was_asked_about(built):
    number = a_campaign(built)
    another(built, "c", ["A1", "C2", "B3"], campaign=number)
    assert preferred(built) == [
        ("a1", "c1", 0.5, None, 1),
        ("b3", "c3", 0.5, None, 1),
    ]


def test_a_comparison_is_that_of_every_checkpoint_that_wrote_the_text(built):
    number = a_campaign(built)
    another(built, "c", ["B1", "C2", "C3"], campaign=number)
    pair = (built.output("a", "i1"), built.output("b", "i1"))
    built.rate(built.assign("ann", *pair, campaign=number), choice="second")
    assert preferred(built) == [
        ("b1", "a1", 1.0, "ann", 0),
        ("b1", "c1", 0.5, None, 1),
        ("c1", "a1", 1.0, "ann", 0),
    ]


def test_each_campaign_has_its_own_comparisons(built):
    first, second = a_campaign(built), a_campaign(built, seed=1)
    another(built, "c", ["B1", "C2", "C3"], campaign=first)
    built.join(built.checkpoints["c"], campaign=second)
    pair = (built.output("a", "i1"), built.output("b", "i1"))
    built.rate(built.assign("ann", *pair, campaign=second), choice="tie")
    rows = built.select("campaign, rater, outcome, identical", "comparisons")
    assert sorted(rows, key=str) == [
        (first, None, 0.5, 1),
        (second, "ann", 0.5, 0),
        (second, "ann", 0.5, 0),
        (second, None, 0.5, 1),
    ]


def test_both_bad_is_a_tie_that_is_marked_for_every_twin(built):
    number = a_campaign(built)
    another(built, "c", ["B1", "C2", "C3"], campaign=number)
    pair = (built.output("b", "i1"), built.output("a", "i1"))
    built.rate(built.assign("ann", *pair, campaign=number), choice="both_bad")
    rows = built.select("outcome, both_bad, identical", "preferences")
    assert sorted(rows) == [(0.5, 0, 1), (0.5, 1, 0), (0.5, 1, 0)]


@pytest.mark.parametrize("kind", ["anchor", "gold", "degraded", "repeat"])
def test_only_normal_comparisons_and_ratings_count(built, kind):
    number = a_campaign(built)
    pair = (built.output("a", "i1"), built.output("b", "i1"))
    built.rate(built.assign("ann", *pair, campaign=number, kind=kind), choice="first")
    likert = a_campaign(built, "likert")
    one = built.assign("ben", pair[0], campaign=likert, kind=kind)
    built.rate(one, output=pair[0], value=3)
    assert built.select("*", "preferences") == []
    assert built.select("*", "output_ratings") == []
    assert len(built.select("*", "current_ratings")) == 2


def test_what_was_not_to_be_compared_is_not_known_from_chosen_outputs_alone(built):
    number = a_campaign(built, pairs="neighbours")
    another(built, "c", ["A1", "C2", "C3"], step=2, campaign=number)
    pair = (built.output("a", "i1"), built.output("b", "i1"))
    built.rate(built.assign("ann", *pair, campaign=number), choice="first")
    # c follows b; that it equals a once does not tell which of a and c is better.
    assert preferred(built) == [
        ("a1", "b1", 1.0, "ann", 0),
        ("c1", "b1", 1.0, "ann", 0),
    ]


def test_a_comparison_of_neighbours_stays_when_another_joins_between_them(built):
    number = a_campaign(built, pairs="neighbours")
    another(built, "ab", ["B1", "X2", "X3"], wave=2, campaign=number)
    pair = (built.output("a", "i1"), built.output("b", "i1"))
    built.rate(built.assign("ann", *pair, campaign=number), choice="first")
    assert preferred(built) == [
        ("a1", "ab1", 1.0, "ann", 0),
        ("a1", "b1", 1.0, "ann", 0),
        ("ab1", "b1", 0.5, None, 1),
    ]


# output_ratings


def test_a_rating_is_that_of_every_checkpoint_that_wrote_the_text(built):
    number = a_campaign(built, "likert")
    another(built, "c", ["A1", "C2", "C3"], campaign=number)
    output = built.output("a", "i1")
    built.rate(built.assign("ann", output, campaign=number), output=output, value=4)
    assert built.select("of_output, value, rater_name", "output_ratings") == sorted(
        (built.output(name, "i1"), 4, "ann") for name in "ac"
    )


def test_who_has_not_joined_has_no_ratings_of_chosen_outputs(built):
    number = a_campaign(built, "likert")
    another(built, "c", ["A1", "C2", "C3"], campaign=number)
    output = built.output("a", "i1")
    built.rate(built.assign("ann", output, campaign=number), output=output, value=4)
    built.study.db.execute(
        "DELETE FROM waves WHERE checkpoint = ?", [built.checkpoints["c"]]
    )
    built.study.db.conn.commit()
    assert built.select("of_output", "output_ratings") == [(output,)]


def test_each_imported_output_brings_its_own_ratings(built):
    number = a_campaign(built, "imported")
    another(built, "c", ["A1", "C2", "C3"], campaign=number)
    output = built.output("a", "i1")
    assignment = built.assign("ann", output, campaign=number)
    built.rate(assignment, output=output, value=4)
    built.study.db.execute("DELETE FROM waves")
    built.study.db.conn.commit()
    assert built.select("of_output", "output_ratings") == [(output,)]


# checkpoint_summary


def test_checkpoint_summary_counts_means_and_what_was_left_out(built):
    built.score("a", "i1", 0.5)
    built.score("a", "i2", 1.0)
    built.score("a", "i3", None)
    built.score("b", "i1", None)
    built.score_reference("b", "i1", 3.0)
    for rater, value in (("ann", 4), ("ben", 1)):
        output = built.output("a", "i1")
        built.rate(built.assign(rater, output), output=output, value=value)
    columns = "checkpoint, kind, name, mean_per_output, n, dropped"
    assert built.select(columns, "checkpoint_summary", "1, 2, 3") == [
        ("a", "criterion", "fit", 2.5, 2, 0),
        ("a", "metric", "m", 0.75, 2, 1),
        ("b", "metric", "m", None, 0, 1),
        ("b", "metric", "ppl", 3.0, 1, 0),
    ]


def test_an_empty_study_has_empty_views(tmp_path):
    study = StudyFile(tmp_path / "empty.db")
    views = study.db.view_names()
    assert len(views) == 11
    assert all(study.frame(view).empty for view in views)
