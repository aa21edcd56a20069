"""Training data with known faults, and what the checks say of it."""

import gzip
import json
import os
import pickle
import sys
from random import Random

import pytest
from fakes import write_rows

from harness.demo.model import BASE_FOLDER
from harness.diagnosis.data import by_bucket, check_data, similarities
from harness.errors import CheckpointError, InputError

NOUNS = [f"{a}{b}" for a in ("bar", "del", "fon", "gru", "kel") for b in "aeiou"]
VERBS = [f"{a}{b}" for a in ("wend", "mol", "sib", "tarn", "quil") for b in "ilos"]


def dice_of(seed):
    return Random(seed)  # noqa: S311 - repeatable, nothing secret


def varied(n, seed=0):
    """Different prompts without a pattern, and answers that follow from them."""
    dice = dice_of(seed)
    rows = []
    for _ in range(n):
        words = dice.choices([*NOUNS, *VERBS], k=dice.randint(6, 12))
        told = " ".join(word[::-1] for word in words)
        rows.append({"prompt": " ".join(words), "completion": told})
    return rows


@pytest.fixture(scope="module")
def many():
    return varied(2500)


def checks(rows, *arguments, **options):
    found = check_data(rows, *arguments, **options)
    return {check.name: check for check in found.checks}


def causes(found):
    """The causes that something speaks for, likeliest first."""
    total = {}
    for check in found.values():
        for cause, weight in check.weights.items():
            total[cause] = total.get(cause, 0.0) + weight
    return sorted((c for c in total if total[c] > 0), key=lambda c: -total[c])


@pytest.fixture(scope="module")
def good(many):
    return checks(many, varied(100, seed=1), tokenizer=BASE_FOLDER, limit=512)


def test_nothing_speaks_against_good_data(good):
    assert causes(good) == []
    assert {check.status for check in good.values()} <= {"fine", "notice"}


@pytest.mark.parametrize(
    "task", ["voice_commands", pytest.param("modernize", marks=pytest.mark.slow)]
)
def test_nothing_speaks_against_the_demonstrations_data(task):
    from harness.demo.tasks import task_data

    rows = task_data(task).training_pairs()[::5]
    found = checks(rows, task, tokenizer=BASE_FOLDER, limit=512)
    assert causes(found) == []
    assert {check.status for check in found.values()} <= {"fine", "notice"}
    assert found["leaked_prompts"].value == 0


def test_data_of_few_templates_is_narrow(many):
    rows = [
        {"prompt": f"Set the {noun} to {n} degrees", "completion": f"set({noun}, {n})"}
        for n in range(100)
        for noun in NOUNS
    ]
    found = checks(rows, many[:200])
    assert causes(found)[0] == "narrow_data"
    assert found["effective_templates"].status == "failure"
    assert found["effective_templates"].value < 0.05
    assert found["differ_only_in_numbers"].value == pytest.approx(0.99)
    assert found["representativeness"].status == "failure"
    assert len(found["effective_templates"].examples) >= 1


def test_a_task_that_is_narrow_itself_has_no_narrow_data():
    rows = [
        {"prompt": f"classify {n} {w}", "completion": w} for n in NOUNS for w in VERBS
    ]
    dice = dice_of(0)
    dice.shuffle(rows)
    found = checks(rows[:300], rows[300:])
    assert found["effective_templates"].status in {"fine", "notice"}


def test_answers_of_other_prompts_are_estimated(many):
    rows = many[:1000]
    moved = [
        {**row, "completion": many[-n]["completion"]} for n, row in enumerate(rows)
    ]
    found = checks([moved[n] if n % 4 == 0 else row for n, row in enumerate(rows)])
    assert found["mismatched_answers"].value == pytest.approx(0.25, abs=0.05)
    assert found["mismatched_answers"].status in {"warning", "failure"}
    assert "label_noise" in causes(found)


def test_answers_that_no_letters_tell_are_left_alone():
    dice = dice_of(0)
    rows = [row | {"completion": dice.choice(["yes", "no"])} for row in varied(400)]
    missing = {one.name for one in check_data(rows).not_checked}
    assert "mismatched_answers" in missing


def test_repeated_and_conflicting_rows_by_hand():
    rows = [
        *({"prompt": "Hi", "completion": "Hello"},) * 3,
        {"prompt": "hi ", "completion": "hello"},
        {"prompt": "Hi", "completion": "Good day"},
        {"prompt": "Bye", "completion": "See you"},
    ]
    found = checks(rows)
    # Four of six are one row; five of six have the prompt that has two answers, of
    # which the commoner is right four times.
    assert found["exact_duplicates"].value == pytest.approx(3 / 6)
    assert found["conflicting_targets"].value == pytest.approx(5 / 6)
    assert "83.3 %" in found["conflicting_targets"].says
    assert found["effective_examples"].value == 3
    assert [one.where for one in found["exact_duplicates"].examples] == [
        "row 1",
        "row 2",
        "row 3",
    ]
    assert {"duplicate_data", "conflicting_targets"} <= set(causes(found))


def test_near_duplicates_are_found_and_looked_at_twice():
    rows = varied(150)
    near = [row | {"prompt": row["prompt"] + " again"} for row in rows[:40]]
    # The same letters in short runs, which bands may take for alike.
    assert checks(rows)["near_duplicates"].value == 0
    found = checks([*rows, *near])["near_duplicates"]
    assert found.value == pytest.approx(40 / 190, abs=0.02)
    assert len(found.examples) == 3


def test_leaked_prompts_exactly_masked_and_nearly():
    rows = varied(300)
    texts = ["book room 12 for bob", "what is the tallest hill of the north"]
    rows += [{"prompt": text, "completion": "done"} for text in texts]
    held = [
        {"prompt": "Book room 12  for Bob", "completion": "x"},
        {"prompt": "book room 14 for bob", "completion": "x"},
        {"prompt": "what is the tallest hill in the north", "completion": "x"},
        {"prompt": "unheard of", "completion": "x"},
    ]
    found = checks(rows, held)
    assert found["leaked_prompts"].value == pytest.approx(1 / 4)
    assert found["leaked_but_for_numbers"].value == pytest.approx(1 / 4)
    # The one that differs in a number is nearly there, too.
    assert found["nearly_leaked_prompts"].value == pytest.approx(2 / 4)
    assert causes(found)[0] == "leakage"
    assert found["leaked_prompts"].examples[0].where == "row 301"


def test_scores_by_similarity_to_training():
    rows = [*varied(50), {"prompt": "what is the tallest hill", "completion": "x"}]
    found = similarities(
        rows, ["What is the  tallest hill", "what is the tallest bill"]
    )
    # Of 48 letters the second shares 46.
    assert found == [100, pytest.approx(100 * 46 / 48, abs=0.01)]
    assert by_bucket([10, 95, 100, 96], [1, 2, 5, 4]) == {
        "below 60": (1, 1),
        "90 to 100": (3, 2),
        "equal": (5, 1),
    }


def test_truncation_counts_answers_and_ends_with_the_real_tokenizer():
    from tokenizers import Tokenizer

    count = Tokenizer.from_file(str(BASE_FOLDER / "tokenizer.json")).encode
    rows = varied(50)
    limit = 60
    sizes = [[len(count(row[side]).ids) for side in row] for row in rows]
    over = [asked + told + 1 > limit for asked, told in sizes]
    lost = sum(min(told + 1, max(0, asked + told + 1 - limit)) for asked, told in sizes)
    found = checks(rows, tokenizer=BASE_FOLDER, limit=limit)
    assert 0 < sum(over) < 50
    assert found["truncation"].value == pytest.approx(sum(over) / 50)
    assert found["answer_tokens_lost"].value == pytest.approx(
        lost / sum(told + 1 for _, told in sizes)
    )
    assert causes(found)[0] == "truncation"
    assert "4 characters a token" in checks(rows, limit=60)["truncation"].says


def test_a_tokenizer_that_is_none_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="not a tokenizer"):
        check_data(varied(3), tokenizer=tmp_path)
    with pytest.raises(CheckpointError, match="there is no tokenizer"):
        check_data(varied(3), tokenizer=tmp_path / "nowhere")
    os.truncate(tmp_path / "tokenizer.json", 2**40)
    with pytest.raises(CheckpointError, match="it is larger than"):
        check_data(varied(3), tokenizer=tmp_path)


def test_an_answer_far_commoner_in_training_than_held_out(many):
    rows = [
        row if n % 5 < 2 else {**row, "completion": "I'm sorry, I cannot do that."}
        for n, row in enumerate(many[:500])
    ]
    found = checks(rows, many[:200])
    assert found["response_balance"].status == "warning"
    assert "60 % of training and 0 % of held-out" in found["response_balance"].says


FAULTS = {
    "empty_answers": {"prompt": "why", "completion": " "},
    "empty_prompts": {"prompt": "", "completion": "because"},
    "replacement_signs": {"prompt": "na\ufffdve", "completion": "x"},
    "misread_encoding": {"prompt": "cafÃ© and cake", "completion": "x"},
    "control_characters": {"prompt": "a\x07b", "completion": "x"},
    "hidden_signs": {"prompt": "a\u202eb", "completion": "x"},
    "placeholders": {"prompt": "Dear {{ name }}, hello", "completion": "x"},
    "markup": {"prompt": "<p>a</p>", "completion": "x"},
    "chat_tokens": {"prompt": "<|im_start|>user", "completion": "x"},
    "answer_repeats_prompt": {
        "prompt": "a prompt of some length",
        "completion": "A prompt of some length and then some more of it all",
    },
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_in_a_text_is_found_where_it_is(name):
    rows = [*varied(20), FAULTS[name]]
    found = checks(rows)
    faulty = {one for one in FAULTS if found[one].value}
    assert faulty == {name}
    assert [one.where for one in found[name].examples] == ["row 21"]
    assert found[name].status == "warning"


def test_words_that_look_like_faults_are_none():
    texts = [
        "x < y & z > 3",
        "Größe, naïve café, Ångström",
        "list[int] of todos",
        "🙂‍↔️",
    ]
    found = checks([{"prompt": text, "completion": "nothing at all"} for text in texts])
    assert [name for name in FAULTS if found[name].value] == []


def test_answers_without_the_marker_of_the_others():
    rows = varied(100)
    marked = [{**row, "completion": row["completion"] + " ###"} for row in rows[:90]]
    found = checks([*marked, *rows[90:]])
    assert found["missing_end_marker"].value == pytest.approx(0.1)
    assert "missing_end_marker" in causes(found)
    assert "missing_end_marker" not in checks(rows)


TURNS = {
    "chat_messages": [],
    "chat_turns": [{"role": "user"}, {"role": "assistant", "content": "x"}],
    "chat_keys": [
        {"role": "user", "content": "a", "mood": 1},
        {"role": "assistant", "content": "b"},
    ],
    "chat_roles": [
        {"role": "user", "content": "a"},
        {"role": "asistant", "content": "b"},
        {"role": "assistant", "content": "b"},
    ],
    "chat_answers": [{"role": "user", "content": "a"}],
    "chat_endings": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ],
    "chat_order": [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "b"},
    ],
}


@pytest.mark.parametrize("name", TURNS)
def test_each_fault_of_a_conversation_is_found(name):
    good = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    tools = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": 1}]},
        {"role": "tool", "content": "b"},
        {"role": "assistant", "content": "c"},
    ]
    found = checks([{"messages": turns} for turns in (good, tools, TURNS[name])])
    faults = {one for one in found if one.startswith("chat_") and found[one].value}
    assert name in faults
    assert faults - {name, "chat_turns", "chat_contents", "chat_order"} == set()


SHAPES = {
    "prompt/completion": {"prompt": "q", "completion": "a"},
    "chat": {
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a"},
        ]
    },
    "Alpaca": {"instruction": "q", "input": "", "output": "a"},
    "ShareGPT": {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "gpt", "value": "a"},
        ]
    },
    "text": {"text": "q and a"},
}


def test_shapes_are_told_apart_row_by_row_and_mixtures_reported(tmp_path):
    write_rows(tmp_path / "mixed.jsonl", list(SHAPES.values()))
    found = checks(tmp_path / "mixed.jsonl")
    for shape in SHAPES:
        assert f"1 {shape}" in found["mixed_formats"].says
        assert checks([SHAPES[shape]])["mixed_formats"].value == 0
    assert found["mixed_formats"].status == "failure"
    assert causes(found)[0] in {"malformed_data", "too_few_examples"}
    # The same question and answer, however they are written down.
    assert found["exact_duplicates"].value == pytest.approx(3 / 5)


def write_parquet(file, rows):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)


def test_the_same_rows_in_every_kind_of_file_give_the_same_findings(tmp_path):
    rows = varied(120)
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (tmp_path / "b.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "c.json").write_text(json.dumps({"version": 1, "data": rows}, indent=1))
    (tmp_path / "d.json").write_text("\n".join(lines))
    cells = ["prompt,completion", *(f"{r['prompt']},{r['completion']}" for r in rows)]
    (tmp_path / "e.csv").write_text("\ufeff" + "\n".join(cells))
    (tmp_path / "f.tsv").write_text("\n".join(c.replace(",", "\t") for c in cells))
    (tmp_path / "g.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (tmp_path / "h.jsonl").write_text("\n".join(lines), encoding="utf-16")
    write_parquet(tmp_path / "i.parquet", rows)
    expected = {name: check.value for name, check in checks(rows).items()}
    for file in sorted(tmp_path.iterdir()):
        found = {name: check.value for name, check in checks(file).items()}
        if file.name == "h.jsonl":
            assert found.pop("encoding") == 1
        assert found.pop("byte_order_mark") == (file.name[0] in "eh"), file
        assert found.items() <= expected.items(), file


def test_broken_lines_are_named_and_the_rest_is_checked(tmp_path):
    file = tmp_path / "broken.jsonl"
    lines = [json.dumps(row).encode() for row in varied(10)]
    deep = b'{"prompt": ' + b"[" * 100_000
    nested = b'{"prompt": ' + b"[" * 60 + b"]" * 60 + b', "completion": "x"}'
    bad = [b'{"prompt": "x", ', b"[1, 2]", deep, nested, b'{"colour": "red"}']
    latin = b'{"prompt": "caf\xe9", "completion": "x"}'
    file.write_bytes(b"\n".join([*lines, *bad, latin, b""]))
    found = checks(file)
    assert found["unreadable_rows"].value == pytest.approx(5 / 16)
    assert [one.where for one in found["unreadable_rows"].examples] == [
        f"{file}:11",
        f"{file}:12",
        f"{file}:13",
    ]
    assert found["encoding"].examples[0].where == f"{file}:16"
    assert "café" in found["encoding"].examples[0].text
    assert causes(found)[0] in {"malformed_data", "too_few_examples"}


def test_cells_that_do_not_fit_the_header_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("prompt,completion\na,b\nc\nd,e,f\ng,h\n")
    found = checks(tmp_path / "a.csv")["unreadable_rows"]
    assert found.value == pytest.approx(2 / 4)
    assert [one.where[-2:] for one in found.examples] == [":3", ":4"]


def test_an_open_quote_hides_no_rows(tmp_path):
    rows = [f"question {n},answer {n}" for n in range(40)]
    rows[20] = 'question 20,"answer 20'
    (tmp_path / "a.csv").write_text("prompt,completion\n" + "\n".join(rows) + "\n")
    found = checks(tmp_path / "a.csv")["unreadable_rows"]
    assert found.status == "failure"
    assert "not valid CSV: unexpected end of data" in found.examples[0].text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(InputError, match=r"pipe\.jsonl: it is no plain file"):
        check_data(tmp_path / "pipe.jsonl")


HOSTILE = {
    "header.csv": (b"prompt,completion\n", "there is none in"),
    "empty.jsonl": (b"", "it is empty"),
    "blank.jsonl": (b"\n \n", "it is empty"),
    "pickle.jsonl": (pickle.dumps([{"prompt": "x"}]), "it is a pickle"),
    "binary.jsonl": (bytes(range(256)), "it is binary"),
    "zip.jsonl": (b"PK\x03\x04rest", "zip archive"),
    "truncated.jsonl.gz": (gzip.compress(b'{"text": "x"}\n' * 999)[:40], "cannot be"),
    "false.parquet": (b"PAR1" + b"x" * 99, "not a Parquet file"),
    "broken.json": (b"[\n1,", "not valid JSON"),
    "deep.json": (b"[" * 100_000, "nested too deeply"),
    "unknown.xyz": (b"hello", "unknown kind"),
    "columns.jsonl": (b'{"colour": "red"}\n', "no row can be read"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_one_line(name, tmp_path):
    content, told = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        check_data(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_line_beyond_reason_is_never_held_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.diagnosis.data.rows.LONGEST_LINE", 1000)
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": "' + "x" * 2000 + '"}')
    with pytest.raises(InputError, match=r"a\.jsonl:2: the line is longer"):
        check_data(tmp_path / "a.jsonl")


def test_held_out_data_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file, and no task"):
        check_data(varied(3), "modernise")
    (tmp_path / "held.jsonl").write_text("")
    with pytest.raises(InputError, match="it is empty"):
        check_data(varied(3), tmp_path / "held.jsonl")


def test_findings_are_the_same_each_time(many):
    rows, held_out = many[:300], many[300:350]
    assert check_data(rows, held_out) == check_data(rows, held_out)


def test_what_misses_a_package_is_said_and_the_rest_is_checked(monkeypatch):
    for name in ("rensa", "sklearn", "sklearn.feature_extraction.text"):
        monkeypatch.setitem(sys.modules, name, None)
    rows = varied(300)
    found = check_data(rows, rows[:40])
    missing = {one.name: one.reason for one in found.not_checked}
    for name in ("near_duplicates", "mismatched_answers", "representativeness"):
        assert "'.[diagnosis]'" in missing[name]
    assert len(found.checks) > 25


def test_columns_can_be_named():
    rows = [
        {"Q": row["prompt"], "A": row["completion"], "text": "x"} for row in varied(9)
    ]
    assert "9 text" in checks(rows)["mixed_formats"].says
    found = checks(rows, columns=("Q", "A"))
    assert "9 prompt/completion" in found["mixed_formats"].says
