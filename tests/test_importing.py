"""Outputs and ratings made elsewhere come in whole, or not at all."""

import json

import pytest
from fakes import ROWS, write_checkpoint, write_rows, write_task

from harness.errors import HarnessError, InputError, NotFound, UsageError
from harness.importing import import_outputs, import_ratings
from harness.rescore import score_stored
from harness.run import run
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.study.items import stored_items
from harness.study.raters import ensure_rater
from harness.task import load_task

OUTPUTS = [
    {
        "item": item,
        "system": system,
        "output": f"{system} says {item}",
        "prompt": f"Prompt {item}",
        "references": [f"{item} right", f"{item} fine"],
        "scores": {"bleu": value, "ter": 1 - value},
    }
    for system, value in (("base", 0.25), ("tuned", 0.75))
    for item in ("a", "b", "c")
]
RATINGS = [
    {"item": item, "system": system, "rater": rater, "criterion": "fit", "value": value}
    for system, value in (("base", 2), ("tuned", 4))
    for item in ("a", "b", "c")
    for rater in ("ann", "ben")
]


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def outputs(study, tmp_path):
    """Import rows as outputs of task t."""

    def take_in(rows=OUTPUTS, task="t", **options):
        file = write_rows(tmp_path / "outputs.jsonl", rows)
        return import_outputs(study, file, task, **options)

    return take_in


@pytest.fixture
def ratings(study, tmp_path):
    """Import rows as ratings of task t."""

    def take_in(rows=RATINGS, task="t"):
        return import_ratings(study, write_rows(tmp_path / "r.jsonl", rows), task)

    return take_in


def dump(study):
    """Everything in the study's tables."""
    return {name: list(study.db[name].rows) for name in study.db.table_names()}


def select(study, query):
    return [tuple(row.values()) for row in study.rows(query)]


def changed(row, **columns):
    """A row with other columns; None takes one away."""
    return {k: v for k, v in {**row, **columns}.items() if v is not None}


# Outputs


def test_outputs_come_back_with_items_systems_and_scores(study, outputs):
    done = outputs()
    assert (done.task, done.rows, done.items, done.checkpoints) == ("t", 6, 3, 2)
    assert [(i.key, i.prompt, i.references) for i in stored_items(study, "t")] == [
        (key, f"Prompt {key}", (f"{key} right", f"{key} fine")) for key in "abc"
    ]
    assert [(c.series, c.name) for c in stored_checkpoints(study, "t")] == [
        ("imported", "base"),
        ("imported", "tuned"),
    ]
    assert select(study, "SELECT text, finish FROM current_outputs ORDER BY 1") == [
        (f"{system} says {item}", "imported")
        for system in ("base", "tuned")
        for item in "abc"
    ]
    query = "SELECT checkpoint, name, mean_per_output, n FROM checkpoint_summary"
    assert select(study, f"{query} ORDER BY 1, 2") == [
        ("base", "bleu|imported", 0.25, 3),
        ("base", "ter|imported", 0.75, 3),
        ("tuned", "bleu|imported", 0.75, 3),
        ("tuned", "ter|imported", 0.25, 3),
    ]


def test_the_same_outputs_again_add_nothing(study, outputs):
    outputs()
    before = dump(study)
    outputs()
    assert dump(study) == before


def test_outputs_come_from_csv(study, tmp_path):
    file = tmp_path / "outputs.csv"
    file.write_text(
        "item,system,output,prompt,references,scores,step,sample\r\n"
        'a,base,"says ""a"",\nthen b",Prompt a,right,"{""bleu"": 0.5}",10,\r\n'
        "b,base,,Prompt b,,,10,0\r\n"
    )
    import_outputs(study, file, "t")
    assert [(i.key, i.references) for i in stored_items(study, "t")] == [
        ("a", ("right",)),
        ("b", ()),
    ]
    assert select(study, "SELECT key, text FROM current_outputs ORDER BY 1") == [
        ("a", 'says "a",\nthen b'),
        ("b", ""),
    ]
    assert select(study, "SELECT value FROM scores") == [(0.5,)]
    assert select(study, "SELECT step FROM checkpoints") == [(10,)]


def test_numbers_serve_as_keys_and_names(study, outputs, ratings):
    outputs([{"item": 1, "system": 2, "output": "x"}])
    rating = {"item": "1", "system": "2", "rater": 3, "criterion": "fit", "value": 4}
    ratings([rating])
    query = "SELECT item, checkpoint, rater, rating FROM judgements"
    assert select(study, query) == [("1", "2", "3", 4.0)]


def test_prompt_and_references_need_to_stand_once(study, outputs):
    rows = [OUTPUTS[0], changed(OUTPUTS[3], prompt=None, references=None)]
    outputs(rows)
    [item] = stored_items(study, "t")
    assert item.references == ("a right", "a fine")
    assert select(study, "SELECT count(*) FROM current_outputs") == [(2,)]


def test_outputs_of_other_systems_join_the_items_that_are_there(study, outputs):
    outputs(OUTPUTS[:3])
    outputs([changed(row, prompt=None, references=None) for row in OUTPUTS[3:]])
    assert select(study, "SELECT count(*) FROM items") == [(3,)]
    assert select(study, "SELECT count(*) FROM current_outputs") == [(6,)]


def test_outputs_join_those_of_a_run(study, outputs, tmp_path, echo):
    task = load_task(write_task(tmp_path / "task", ROWS, name="t"))
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1")
    run(study, [task], [str(folder)])
    outputs([{"item": f"q{n}", "system": "gpt", "output": f"x {n}"} for n in range(10)])
    assert select(study, "SELECT count(*) FROM items") == [(10,)]
    assert score_stored(study, [task]).scores == 10
    query = "SELECT checkpoint, n FROM checkpoint_summary WHERE name LIKE 'exact%'"
    assert select(study, f"{query} ORDER BY 1") == [("checkpoint-1", 10), ("gpt", 10)]
    [(text,)] = select(study, "SELECT text FROM tasks ORDER BY rowid DESC LIMIT 1")
    assert text == task.text


def test_mended_references_join_the_items_that_are_there(study, outputs):
    outputs()
    outputs(
        [changed(row, references=["new"], scores=None) for row in OUTPUTS[:2]]
        + [changed(OUTPUTS[3], references=None, prompt=None, scores=None)]
    )
    assert [i.references for i in stored_items(study, "t")] == [
        ("new",),
        ("new",),
        ("c right", "c fine"),
    ]


def test_scores_by_other_references_than_those_of_today_are_counted(study, outputs):
    assert outputs().outdated == 0
    mended = [changed(OUTPUTS[0], references=["new"], system="third")]
    assert outputs(mended).outdated == 4  # of both systems for the one item
    again = [changed(row, references=["new"]) for row in OUTPUTS if row["item"] == "a"]
    assert outputs(again).outdated == 0


def test_columns_that_are_not_read_are_named(study, outputs):
    assert outputs().unread == ()
    row = changed(OUTPUTS[0], references=None, reference="right", bleu=0.5)
    assert outputs([row]).unread == ("reference", "bleu")


@pytest.mark.parametrize(
    ("columns", "step"),
    [
        ({"step": 7}, 7),
        ({"step": "7"}, 7),
        ({"step": 7.0}, 7),
        ({"step": 0}, 0),
        ({"step": "", "system": "checkpoint-30"}, 30),
        ({"system": "checkpoint-30"}, 30),
        ({}, None),
    ],
)
def test_the_step_is_given_or_read_off_the_name(study, outputs, columns, step):
    outputs([changed(OUTPUTS[0], **columns)])
    assert [c.step for c in stored_checkpoints(study)] == [step]


def test_systems_of_two_series_are_two_checkpoints(study, outputs, ratings):
    outputs([changed(OUTPUTS[0], series=series) for series in ("lr3", "lr4")])
    assert [(c.series, c.name) for c in stored_checkpoints(study)] == [
        ("lr3", "base"),
        ("lr4", "base"),
    ]
    with pytest.raises(InputError, match="several series have a 'base'"):
        ratings(RATINGS[:1])
    ratings([changed(RATINGS[0], series="lr4")])
    assert select(study, "SELECT series, rating FROM judgements") == [("lr4", 2.0)] * 2
    with pytest.raises(InputError, match="has no output of system 'base'"):
        ratings([changed(RATINGS[0], series="lr5")])


def test_samples_are_kept_whichever_comes_first(study, outputs):
    for sample in (2, 0, 1):
        outputs([changed(OUTPUTS[0], sample=sample, output=f"take {sample}")])
    assert select(study, "SELECT sample, text FROM current_outputs ORDER BY 1") == [
        (n, f"take {n}") for n in range(3)
    ]


def test_a_score_that_is_missing_is_null_with_the_reason(study, outputs):
    outputs([changed(OUTPUTS[0], scores={"bleu": None, "ter": 0})])
    query = "SELECT signature, value, reason FROM scores ORDER BY 1"
    assert select(study, query) == [
        ("bleu|imported", None, "no value was imported for it"),
        ("ter|imported", 0.0, None),
    ]


def test_the_direction_of_a_metric_is_the_users(study, outputs):
    def higher():
        query = "SELECT name, higher_is_better FROM metrics ORDER BY 1"
        return select(study, query)

    outputs()
    assert higher() == [("bleu", 1), ("ter", 1)]
    outputs(lower_is_better=["ter"])
    assert higher() == [("bleu", 1), ("ter", 0)]
    outputs()
    assert higher() == [("bleu", 1), ("ter", 0)]


def test_a_metric_that_no_row_carries_has_no_direction(outputs):
    with pytest.raises(UsageError, match="carries no such metric; it carries: bleu, t"):
        outputs(lower_is_better=["wer"])
    with pytest.raises(UsageError, match="it carries: none"):
        outputs([changed(OUTPUTS[0], scores=None)], lower_is_better=["wer"])


@pytest.mark.parametrize("task", ["", "..", "a/b", "a b", "-x", "t" * 101, "a\n"])
def test_a_task_needs_a_name(study, outputs, task):
    with pytest.raises(UsageError, match="A task's name has 1 to 100 of"):
        outputs(task=task)
    assert study.frame("items").empty


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item": None}, "it has no column 'item'"),
        ({"system": None}, "it has no column 'system'"),
        ({"output": None}, "it has no column 'output'"),
        ({"item": ""}, "column 'item' must hold a name of 1 to 200 printable letters"),
        ({"system": "  "}, "column 'system' must hold a name"),
        ({"system": "a\nb"}, "column 'system' must hold a name"),
        ({"system": "\x1b[31mred"}, "column 'system' must hold a name"),
        ({"system": "s" * 201}, "column 'system' must hold a name"),
        ({"system": ["a"]}, "column 'system' must hold text"),
        ({"series": "a\tb"}, "column 'series' must hold a name"),
        ({"output": ["x"]}, "column 'output' must hold text, but it is ['x']"),
        ({"output": {"x": 1}}, "column 'output' must hold text"),
        ({"prompt": 3}, "column 'prompt' must hold text, but it is 3"),
        ({"prompt": "another"}, "had another prompt or other references in an earlier"),
        ({"references": "another"}, "had another prompt or other references"),
        ({"references": 3}, "column 'references' must hold a text or a list of texts"),
        ({"references": ["x", 3]}, "column 'references' must hold a text or a list"),
        ({"references": {"a": "b"}}, "column 'references' must hold a text or a list"),
        ({"step": "ten"}, "column 'step' must hold a number, but it is 'ten'"),
        ({"step": 1.5}, "column 'step' must hold a whole number from 0, but it is 1.5"),
        ({"step": -1}, "column 'step' must hold a whole number from 0, but it is -1"),
        ({"step": True}, "column 'step' must hold a number, but it is True"),
        ({"step": 10**30}, "column 'step' must hold a whole number from 0"),
        ({"step": 10**400}, "column 'step' is inf"),
        ({"step": 5}, "system 'tuned' had another step in an earlier row"),
        ({"sample": 0.5}, "column 'sample' must hold a whole number from 0"),
        ({"sample": -1}, "column 'sample' must hold a whole number from 0"),
        ({"sample": "x"}, "column 'sample' must hold a number, but it is 'x'"),
        ({"scores": "{"}, "column 'scores' is not valid JSON"),
        ({"scores": nested(100_000)}, "column 'scores' is not valid JSON"),
        ({"scores": [1]}, "column 'scores' must map names of metrics to numbers"),
        ({"scores": 3}, "column 'scores' must map names of metrics to numbers"),
        ({"scores": {"bleu": "high"}}, "column 'scores.bleu' must hold a number"),
        ({"scores": {"bleu": True}}, "column 'scores.bleu' must hold a number"),
        ({"scores": {"bleu": float("nan")}}, "'scores.bleu' is nan; leave it out if"),
        ({"scores": {"bleu": float("inf")}}, "column 'scores.bleu' is inf"),
        (
            {"item": "a", "prompt": None, "references": None},
            "outputs.jsonl:4; number them in a column 'sample'",
        ),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_stored(study, outputs, columns, message):
    before = dump(study)
    rows = [*OUTPUTS[:5], changed(OUTPUTS[5], **columns)]
    with pytest.raises(InputError) as caught:
        outputs(rows)
    assert "outputs.jsonl:6: " in str(caught.value)
    assert message in str(caught.value)
    assert dump(study) == before


@pytest.mark.parametrize("name", ["", " ", "a|b"])
def test_a_metric_needs_a_name_that_a_signature_holds(study, outputs, name):
    with pytest.raises(HarnessError, match="cannot be named"):
        outputs([changed(OUTPUTS[0], scores={name: 1})])
    assert study.frame("items").empty


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"output": "says another"}, "another output of system 'base' for item 'a'"),
        ({"scores": {"bleu": 0.9}}, "another value of 'bleu' was imported for this"),
        ({"scores": {"bleu": None}}, "another value of 'bleu' was imported for this"),
        ({"prompt": "another"}, "item 'a' of task 't' has another prompt in the study"),
    ],
)
def test_what_contradicts_an_earlier_import_is_refused(
    study, outputs, columns, message
):
    outputs()
    before = dump(study)
    with pytest.raises(InputError) as caught:
        outputs([OUTPUTS[1], {**OUTPUTS[0], **columns}])
    assert "outputs.jsonl:2: " in str(caught.value)
    assert message in str(caught.value)
    assert dump(study) == before


HOSTILE = ["'; DROP TABLE items; --", "<script>alert(1)</script>", "=1+1", "%s {0} ü🙂"]


def test_hostile_names_and_texts_are_data(study, outputs, ratings):
    outputs(
        [{"item": n, "system": n, "output": n + "\0", "series": n} for n in HOSTILE]
    )
    ratings(
        [
            {"item": n, "system": n, "rater": n, "criterion": n, "value": 1}
            for n in HOSTILE
        ]
    )
    query = "SELECT item, checkpoint, series, rater, criterion, output FROM judgements"
    assert sorted(select(study, query)) == sorted(
        (name,) * 5 + (name + "\0",) for name in HOSTILE
    )


def test_half_a_surrogate_pair_becomes_a_replacement_character(study, outputs):
    outputs([{"item": "a", "system": "s", "output": "cut \ud83d"}])
    assert study.column("SELECT text FROM outputs") == ["cut \ufffd"]


def test_a_missing_file_is_refused(study, tmp_path):
    for take_in in (import_outputs, import_ratings):
        with pytest.raises(HarnessError):
            take_in(study, tmp_path / "none.jsonl", "t")


# Ratings


def current(study, columns="rater_name, criterion, value"):
    query = f"SELECT {columns} FROM current_ratings ORDER BY 1, 2, 3"  # noqa: S608
    return select(study, query)


def test_ratings_of_several_raters_come_back(study, outputs, ratings):
    outputs()
    done = ratings()
    assert (done.rows, done.items, done.checkpoints, done.raters) == (12, 3, 2, 2)
    query = (
        "SELECT checkpoint, rater, avg(rating), count(DISTINCT item), rater_kind "
        "FROM judgements WHERE signature = 'bleu|imported' GROUP BY 1, 2"
    )
    assert select(study, query) == [
        ("base", "ann", 2.0, 3, "imported"),
        ("base", "ben", 2.0, 3, "imported"),
        ("tuned", "ann", 4.0, 3, "imported"),
        ("tuned", "ben", 4.0, 3, "imported"),
    ]


def test_the_same_ratings_again_add_nothing(study, outputs, ratings):
    outputs()
    ratings()
    before = dump(study)
    ratings()
    assert dump(study) == before


def test_ratings_come_from_csv(study, outputs, tmp_path):
    outputs()
    file = tmp_path / "ratings.csv"
    file.write_text(
        "item,system,rater,criterion,value,comment,seconds\n"
        'a,base,ann,fit,2.5,"good, but",12.5\nb,base,ann,fit,1,,\n'
    )
    import_ratings(study, file, "t")
    assert current(study, "value, comment, seconds") == [
        (1.0, None, None),
        (2.5, "good, but", 12.5),
    ]


def test_another_value_supersedes_the_earlier_one(study, outputs, ratings):
    outputs()
    ratings(RATINGS[:2])
    ratings([changed(RATINGS[0], value=5), RATINGS[1]])
    assert current(study) == [("ann", "fit", 5.0), ("ben", "fit", 2.0)]
    assert study.column("SELECT count(*) FROM ratings") == [3]
    ratings(RATINGS[:2])
    assert current(study) == [("ann", "fit", 2.0), ("ben", "fit", 2.0)]
    assert study.column("SELECT count(*) FROM ratings") == [4]


def test_a_file_with_another_criterion_gives_no_rating_twice(study, outputs, ratings):
    outputs()
    ratings(RATINGS[:2])
    ratings([RATINGS[0], changed(RATINGS[0], criterion="tone", value=1)])
    ratings([changed(RATINGS[1], value=3), changed(RATINGS[1], criterion="x", value=1)])
    assert current(study) == [
        ("ann", "fit", 2.0),
        ("ann", "tone", 1.0),
        ("ben", "fit", 3.0),
        ("ben", "x", 1.0),
    ]
    assert set(study.column("SELECT state FROM assignments")) == {"rated"}


def test_an_imported_rater_is_never_taken_for_a_person_known_here(
    study, outputs, ratings
):
    outputs()
    ensure_rater(study, "ann")
    ratings(RATINGS[:2])
    query = "SELECT name, kind FROM raters ORDER BY 1"
    assert select(study, query) == [
        ("ann", "person"),
        ("ann (imported)", "imported"),
        ("ben", "imported"),
    ]
    ratings(RATINGS[:2])
    assert len(select(study, query)) == 3


def test_ratings_of_outputs_of_a_run_come_in(study, ratings, tmp_path, echo):
    task = load_task(write_task(tmp_path / "task", ROWS, name="t"))
    run(study, [task], [str(write_checkpoint(tmp_path / "run" / "checkpoint-1"))])
    rating = {"item": "q3", "system": "checkpoint-1", "rater": "ann", "value": 4}
    ratings([{**rating, "criterion": "fit"}])
    assert current(study) == [("ann", "fit", 4.0)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item": None}, "it has no column 'item'"),
        ({"rater": None}, "it has no column 'rater'"),
        ({"rater": ""}, "column 'rater' must hold a name of 1 to 200"),
        ({"rater": "a\x1b"}, "column 'rater' must hold a name"),
        ({"criterion": " "}, "column 'criterion' must hold a name"),
        ({"item": "z"}, "task 't' has no output of system 'base' for item 'z'; import"),
        ({"system": "z"}, "task 't' has no output of system 'z' for item 'a'"),
        ({"value": None}, "column 'value' must hold a number, but it is None"),
        ({"value": "good"}, "column 'value' must hold a number, but it is 'good'"),
        ({"value": True}, "column 'value' must hold a number, but it is True"),
        ({"value": float("nan")}, "column 'value' is nan; leave it out if unknown"),
        ({"value": 10**400}, "column 'value' is inf"),
        (
            {"rater": "ben"},
            "rater 'ben' has rated this output on 'fit' before, in line",
        ),
        ({"comment": ["x"]}, "column 'comment' must hold text, but it is ['x']"),
        ({"seconds": "long"}, "column 'seconds' must hold a number, but it is 'long'"),
    ],
)
def test_a_wrong_rating_is_named_and_nothing_is_stored(
    study, outputs, ratings, columns, message
):
    outputs()
    before = dump(study)
    last = {**RATINGS[0], "rater": "cem", **columns}
    rows = [*RATINGS[:2], {k: v for k, v in last.items() if v is not None}]
    with pytest.raises(InputError) as caught:
        ratings(rows)
    assert "r.jsonl:3: " in str(caught.value)
    assert message in str(caught.value)
    assert dump(study) == before


def test_ratings_of_a_task_without_outputs_are_refused(outputs, ratings):
    with pytest.raises(NotFound, match="There is no task with outputs yet"):
        ratings()
    outputs(task="news")
    with pytest.raises(NotFound, match="Did you mean 'news'"):
        ratings(task="new")


def test_an_export_of_judgements_comes_back_as_ratings(
    study, outputs, ratings, tmp_path
):
    outputs()
    ratings()
    rows = [
        {
            "item": row["item"],
            "system": row["checkpoint"],
            "rater": row["rater"],
            "criterion": row["criterion"],
            "value": row["rating"],
        }
        for row in study.rows(
            "SELECT * FROM judgements WHERE signature = 'bleu|imported'"
        )
    ]
    other = StudyFile(tmp_path / "other.db")
    import_outputs(other, write_rows(tmp_path / "o.jsonl", OUTPUTS), "t")
    import_ratings(other, write_rows(tmp_path / "back.jsonl", rows), "t")
    assert current(other) == current(study)
    assert json.loads(other.column("SELECT protocol FROM campaigns")[0])["criteria"]
