"""Samples that lm-evaluation-harness logs come in as outputs with their scores.

The files are written as version 0.4.13 writes them: `resps` as texts, `target` as
Python prints it, one line for each document and filter, metrics as further columns.
"""

import json

import pytest
from fakes import write_rows

from harness.errors import InputError
from harness.importing import Form, import_outputs
from harness.study import StudyFile
from harness.study.checkpoints import stored_checkpoints
from harness.study.items import stored_items

TIME = "2026-11-24T14-55-29.450041"


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


def generated(doc, *texts, filter_="none", target="you are", **metrics):
    """A line of generate_until; several texts are repeats."""
    limits = {"until": ["\n"], "max_gen_toks": 8, "do_sample": False}
    return {
        "doc_id": doc,
        "doc": {"text": "thou art", "right": "you are"},
        "target": target,
        "arguments": {"gen_args_0": {"arg_0": f"old {doc}\nnew:", "arg_1": limits}},
        "resps": [list(texts)],
        "filtered_resps": [texts[0]],
        "filter": filter_,
        "metrics": list(metrics),
        "doc_hash": "5e",
        "prompt_hash": "2d",
        "target_hash": "70",
        **metrics,
    }


def chosen(doc, target, likelihoods, choices=(" cat", " dog", " cow"), **metrics):
    """A line of multiple_choice."""
    answers = [[str(likelihood), "False"] for likelihood in likelihoods]
    return {
        **generated(doc, "", target=target, **metrics),
        "arguments": {
            f"gen_args_{n}": {"arg_0": f"old {doc}\nnew:", "arg_1": choice}
            for n, choice in enumerate(choices)
        },
        "resps": [[answer] for answer in answers],
        "filtered_resps": answers,
    }


@pytest.fixture
def logged(study, tmp_path):
    """Import lines of a task `verse`, with results beside them."""

    def take_in(lines, results=None, **options):
        folder = tmp_path / "out" / "__models__mine"
        folder.mkdir(parents=True, exist_ok=True)
        if results is not None:
            path = folder / f"results_{TIME}.json"
            path.write_text(json.dumps(results))
        file = write_rows(folder / f"samples_verse_{TIME}.jsonl", lines)
        return import_outputs(study, file, "t", **options)

    return take_in


def select(study, query):
    return [tuple(row.values()) for row in study.rows(query)]


OUTPUTS = "SELECT key, sample, text FROM current_outputs ORDER BY 1, 2"
SCORES = (
    "SELECT key AS truth, outputs.sample, signature, value, reason FROM scores "
    "JOIN outputs ON outputs.id = scores.output ORDER BY signature, outputs.sample"
)


def scores(study):
    return [
        (row["signature"], row["sample"], row["value"]) for row in study.rows(SCORES)
    ]


def test_generations_come_back_with_prompt_target_and_scores(study, logged):
    done = logged(
        [
            generated(0, " ye are", exact_match=0.0),
            generated(1, "you are", exact_match=1.0),
        ]
    )
    assert (done.rows, done.items, done.checkpoints, done.left_out) == (2, 2, 1, 0)
    assert [(i.key, i.prompt, i.references) for i in stored_items(study, "t")] == [
        ("0", "old 0\nnew:", ("you are",)),
        ("1", "old 1\nnew:", ("you are",)),
    ]
    assert select(study, OUTPUTS) == [("0", 0, " ye are"), ("1", 0, "you are")]
    query = "SELECT name, mean_per_output, n FROM checkpoint_summary"
    assert select(study, query) == [("exact_match|imported", 0.5, 2)]


def test_pairs_that_corpus_metrics_leave_are_no_values(study, logged):
    pair = ["you are", " ye are"]
    logged([generated(0, " ye are", bleu=pair, ter=pair, exact_match=0.0)])
    assert select(study, "SELECT signature FROM metrics") == [("exact_match|imported",)]


def test_a_metric_without_any_value_is_none(study, logged):
    logged([generated(0, "a", bypass=None), generated(1, "b", bypass=None)])
    assert select(study, "SELECT signature FROM metrics") == []


def test_true_is_one_and_what_is_no_number_is_unknown(study, logged):
    logged(
        [
            generated(0, "a", exact=True),
            generated(1, "b", exact=False),
            generated(2, "c", exact=float("nan")),
            generated(3, "d", exact=None),
        ]
    )
    query = "SELECT value, reason FROM scores ORDER BY rowid"
    unknown = (None, "no value was imported for it")
    assert select(study, query) == [(1.0, None), (0.0, None), unknown, unknown]


def test_filters_judge_one_output_and_keep_their_names(study, logged):
    logged(
        [
            generated(0, "so it is 42", filter_="strict-match", exact_match=0.0),
            generated(1, "#### 7", filter_="strict-match", exact_match=1.0),
            generated(0, "so it is 42", filter_="flexible-extract", exact_match=1.0),
            generated(1, "#### 7", filter_="flexible-extract", exact_match=1.0),
        ]
    )
    assert select(study, OUTPUTS) == [("0", 0, "so it is 42"), ("1", 0, "#### 7")]
    query = "SELECT name, mean_per_output, n FROM checkpoint_summary ORDER BY 1"
    assert select(study, query) == [
        ("exact_match,flexible-extract|imported", 1.0, 2),
        ("exact_match,strict-match|imported", 0.5, 2),
    ]


def test_repeats_are_samples_and_the_first_has_the_value(study, logged):
    assert logged([generated(0, "a", "b", "c", exact_match=1.0)]).rows == 3
    assert select(study, OUTPUTS) == [("0", 0, "a"), ("0", 1, "b"), ("0", 2, "c")]
    assert scores(study) == [("exact_match|imported", 0, 1.0)]


def test_a_value_of_several_repeats_together_is_that_of_none(study, logged):
    line = generated(0, "a", "b", filter_="all", pass_at_2=1.0)
    logged([{**line, "filtered_resps": [["a", "b"]]}])
    assert select(study, OUTPUTS) == [("0", 0, "a"), ("0", 1, "b")]
    assert scores(study) == []


@pytest.mark.parametrize(
    ("target", "references"),
    [
        ("['you are', 'ye are']", ("you are", "ye are")),
        ("[1, 2]", ("1", "2")),
        ("42", ("42",)),
        ("[not a list]", ("[not a list]",)),
        ("", ()),
        ("('a', 'b')", ("('a', 'b')",)),
        ("[" * 10_000, ("[" * 10_000,)),
    ],
)
def test_targets_are_read_as_python_prints_them(study, logged, target, references):
    logged([generated(0, "a", target=target)])
    assert [item.references for item in stored_items(study, "t")] == [references]


def test_of_multiple_choice_the_likeliest_is_the_output(study, logged):
    logged(
        [
            chosen(0, "1", (-34.2, -24.4, -30), acc=1.0, acc_norm=1.0),
            chosen(1, "[0, 2]", (-11.4, -15.3, -99), acc=1.0, acc_norm=0.0),
            chosen(2, "2", (-1, -2, -3), acc=0.0, acc_norm=0.0),
        ]
    )
    assert select(study, OUTPUTS) == [("0", 0, "dog"), ("1", 0, "cat"), ("2", 0, "cat")]
    assert [i.references for i in stored_items(study, "t")] == [
        ("dog",),
        ("cat", "cow"),
        ("cow",),
    ]
    query = "SELECT name, mean_per_output FROM checkpoint_summary ORDER BY 1"
    assert select(study, query) == [
        ("acc_norm|imported", pytest.approx(1 / 3)),
        ("acc|imported", pytest.approx(2 / 3)),
    ]


def test_unconditional_requests_are_no_further_choices(study, logged):
    line = chosen(0, "1", (-3, -2), choices=("cat", "dog"), acc_mutual_info=1.0)
    for n, choice in enumerate(("cat", "dog"), start=2):
        line["arguments"][f"gen_args_{n}"] = {"arg_0": "", "arg_1": choice}
        line["resps"].append([["-0.5", "False"]])
    logged([line])
    assert select(study, OUTPUTS) == [("0", 0, "dog")]


def test_a_chat_prompt_is_shown_as_turns(study, logged):
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "thou art"},
    ]
    lines = [generated(0, "a"), generated(1, "b")]
    lines[0]["arguments"]["gen_args_0"]["arg_0"] = [json.dumps(chat)]
    lines[1]["arguments"]["gen_args_0"]["arg_0"] = [json.dumps(chat[1:])]
    logged(lines)
    assert [item.prompt for item in stored_items(study, "t")] == [
        "system: Be brief.\nuser: thou art",
        "thou art",
    ]


def test_files_of_older_versions_list_neither_filter_nor_metrics(study, logged):
    line = generated(0, "a", exact_match=1.0)
    del line["filter"], line["metrics"]
    logged([line])
    assert scores(study) == [("exact_match|imported", 0, 1.0)]


# The system


@pytest.mark.parametrize(
    ("results", "options", "system", "step"),
    [
        ({"model_name": "out/checkpoint-30"}, {}, "out/checkpoint-30", 30),
        (
            {"config": {"model_args": {"pretrained": "org/model"}}},
            {},
            "org/model",
            None,
        ),
        ({"config": {"model_args": "model=gpt"}}, {}, "__models__mine", None),
        (None, {}, "__models__mine", None),
        ({"model_name": "out/a"}, {"system": "step-7"}, "step-7", 7),
    ],
)
def test_the_system_is_that_of_the_results_else_of_the_folder(
    study, logged, results, options, system, step
):
    logged([generated(0, "a")], results, **options)
    assert [(c.name, c.step) for c in stored_checkpoints(study)] == [(system, step)]


def test_the_results_say_of_which_metrics_less_is_better(study, logged):
    results = {
        "model_name": "m",
        "higher_is_better": {"verse": {"wer": False, "acc": True}, "x": {"acc": False}},
    }
    lines = [
        generated(0, "a", filter_=filter_, wer=0.5, acc=1.0)
        for filter_ in ("none", "f")
    ]
    logged(lines, results)
    query = "SELECT signature, higher_is_better FROM metrics ORDER BY 1"
    assert select(study, query) == [
        ("acc,f|imported", 1),
        ("acc|imported", 1),
        ("wer,f|imported", 0),
        ("wer|imported", 0),
    ]


def test_the_user_says_it_where_no_results_do(study, logged):
    logged([generated(0, "a", wer=0.5)], lower_is_better=["wer"])
    assert select(study, "SELECT higher_is_better FROM metrics") == [(0,)]


def test_broken_results_are_named(logged, tmp_path):
    folder = tmp_path / "out" / "__models__mine"
    folder.mkdir(parents=True)
    (folder / f"results_{TIME}.json").write_text("{\n,")
    with pytest.raises(InputError, match=rf"results_{TIME}\.json:2: not valid JSON"):
        logged([generated(0, "a")])


def test_the_same_samples_again_add_nothing(study, logged):
    lines = [generated(0, "a", "b", exact_match=1.0)]
    logged(lines)
    before = {name: list(study.db[name].rows) for name in study.db.table_names()}
    logged(lines)
    after = {name: list(study.db[name].rows) for name in study.db.table_names()}
    assert after == before


# Refused


def without_prompt(line):
    line["arguments"] = {"gen_args_0": {}}


def without_arguments(line):
    line["arguments"] = {}


def without_responses(line):
    line["resps"] = []


def numbers(line):
    line["resps"] = [[1.5]]


def rolling(line):
    line["arguments"] = {"gen_args_0": {"arg_0": "you are"}}
    line["resps"] = [["-37.7"]]


def likelihood(line):
    line |= chosen(1, "you are", (-31.4,), choices=("you are",))


def choices_of_prompts(line):
    line |= chosen(1, "0", (-3, -2, -1))
    for n in range(3):
        line["arguments"][f"gen_args_{n}"]["arg_0"] = f"prompt {n}"


def no_likelihood(line):
    line |= chosen(1, "0", ("x", -2, -3))


def no_number(line):
    line["doc_id"] = None


def twice(line):
    line["doc_id"] = 0


def another_response(line):
    line |= {"doc_id": 0, "filter": "f", "resps": [["another"]]}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_prompt, "'arguments' holds no prompt, but {}"),
        (without_arguments, "'arguments' is empty"),
        (without_responses, "'resps' must hold one list for each request"),
        (numbers, "'resps' must hold texts, but it holds [1.5]"),
        (rolling, "it holds likelihoods and no output; only samples of generate_until"),
        (likelihood, "it holds likelihoods and no output"),
        (choices_of_prompts, "it holds likelihoods and no output"),
        (no_likelihood, "'resps' must hold a likelihood for each choice"),
        (no_number, "'doc_id' must be a number, but it is None"),
        (twice, "document 0 stands twice with filter 'none', first in line 1"),
        (another_response, "document 0 has another prompt or response than in "),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(study, logged, spoil, message):
    line = generated(1, "b")
    spoil(line)
    with pytest.raises(InputError) as caught:
        logged([generated(0, "a"), line])
    assert f"samples_verse_{TIME}.jsonl:2: {message}" in str(caught.value)
    assert study.frame("tasks").empty


def test_another_output_of_the_same_model_needs_another_name(study, logged):
    logged([generated(0, "a")])
    with pytest.raises(InputError, match="give the new one another system name"):
        logged([generated(0, "b")])
    logged([generated(0, "b")], system="mine-again")
    assert len(stored_checkpoints(study)) == 2


def test_the_form_can_be_named(study, tmp_path):
    file = write_rows(tmp_path / "a.jsonl", [generated(0, "a")])
    import_outputs(study, file, "t", form=Form.LM_EVAL)
    with pytest.raises(InputError, match=r"a\.jsonl:1: it has no column 'item'"):
        import_outputs(study, file, "u", form=Form.FLAT)
