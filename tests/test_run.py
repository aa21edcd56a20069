"""Runs resume wherever they stopped, and check everything before they start."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import fakes
import killed_runs
import pytest
from fakes import ROWS, write_checkpoint, write_rows, write_task

from harness.backends import Loading
from harness.errors import CheckpointError, HarnessError
from harness.run import run
from harness.study import StudyFile
from harness.study.checkpoints import used_for
from harness.task import load_task, load_tasks

METRICS = ["exact_match", "chrf", "perplexity"]


@pytest.fixture
def study(tmp_path):
    return StudyFile(tmp_path / "s.db")


@pytest.fixture
def folders(tmp_path):
    """Two checkpoints of one series."""
    for step, word in ((30, "calm"), (100, "bold")):
        write_checkpoint(tmp_path / "run" / f"checkpoint-{step}", word)
    return f"{tmp_path}/run/checkpoint-*"


@pytest.fixture
def task(tmp_path):
    """A task with these rows and keys."""

    def load(rows=ROWS, **keys):
        return load_task(
            write_task(tmp_path / "task", rows, **{"metrics": METRICS, **keys})
        )

    return load


def test_every_checkpoint_is_generated_and_scored_in_order(study, folders, task, echo):
    done = run(study, [task()], [folders])
    assert [c.step for c in done.checkpoints] == [30, 100]
    assert [one.generated for one in done.generations] == [10, 10]
    assert done.scores == 2 * 3 * 10
    summary = study.rows(
        "SELECT checkpoint, name, mean_per_output AS mean, n FROM checkpoint_summary "
        "WHERE name LIKE 'exact_match%' ORDER BY step"
    )
    assert [(row["checkpoint"], row["mean"], row["n"]) for row in summary] == [
        ("checkpoint-30", 1.0, 10),
        ("checkpoint-100", 0.0, 10),
    ]


def test_the_same_run_again_does_nothing(study, folders, task, echo):
    run(study, [task()], [folders])
    before = study.frame("scores")
    done = run(study, [task()], [folders])
    assert sum(one.generated for one in done.generations) == 0
    assert done.scores == 0
    assert echo.loads == 2
    assert study.frame("scores").equals(before)


def test_a_run_says_when_it_finished(study, folders, task, echo):
    echo.fails_after = 1
    with pytest.raises(RuntimeError):
        run(study, [task()], [folders])
    echo.fails_after = None
    run(study, [task()], [folders])
    first, second = study.rows("SELECT * FROM runs ORDER BY id")
    assert first["command"] == "run"
    assert json.loads(first["settings"])["checkpoints"] == [folders]
    assert first["finished"] is None
    assert second["started"] < second["finished"]


def test_what_a_model_fails_at_is_told_with_its_checkpoints_name(
    study, folders, task, echo, monkeypatch
):
    def generate(self, requests, settings):
        if self.word == "bold":
            raise CheckpointError("The model's logits are not numbers.")
        yield [self._answer(one, settings) for one in requests]

    monkeypatch.setattr(fakes.EchoModel, "generate", generate)
    with pytest.raises(CheckpointError, match=r"^checkpoint-100: The model's logits"):
        run(study, [task()], [folders])


def test_another_dtype_is_run_anew_and_another_device_is_not(
    study, folders, task, echo
):
    def generated(**options):
        done = run(study, [task()], [folders], loading=Loading(**options))
        return sum(one.generated for one in done.generations)

    assert generated() == 20
    assert generated(device="cuda:1", batch_size=3) == 0
    assert generated(dtype="bfloat16") == 20
    assert study.column("SELECT count(*) FROM current_outputs") == [20]
    assert generated() == 0


def test_a_run_says_what_was_asked_and_what_was_used(study, folders, task, echo):
    echo.fails_after = 1
    loading = Loading(dtype="float16", device="mps", allow_pickle=True)
    with pytest.raises(RuntimeError):
        run(study, [task()], [folders], loading=loading)
    [settings] = map(json.loads, study.column("SELECT settings FROM runs"))
    assert settings["loading"] == asdict(loading)
    [first, _] = study.column("SELECT id FROM checkpoints ORDER BY step")
    assert settings["used"] == {
        first: {"backend": "echo", "dtype": "float16", "device": "mps"}
    }


def test_a_folder_overwritten_before_its_turn_is_not_taken_for_what_it_was(
    study, folders, task, echo, tmp_path
):
    def train_on(label, done, total):
        if label == "checkpoint-30: generate" and done == total:
            write_checkpoint(tmp_path / "run" / "checkpoint-100", "newer words")

    with pytest.raises(
        CheckpointError, match="100 was written to, or deleted, after the"
    ):
        run(study, [task()], [folders], progress=train_on)
    assert study.column("SELECT count(*) FROM outputs") == [10]
    assert echo.closed == 2
    run(study, [task()], [folders])
    texts = study.column("SELECT text FROM outputs WHERE text LIKE 'newer%'")
    assert len(texts) == 10


def test_a_model_whose_folder_is_deleted_while_it_is_loaded_is_closed(
    study, folders, task, echo, tmp_path, monkeypatch
):
    load = echo.load

    def deleting(location):
        model = load(location)
        shutil.rmtree(location)
        return model

    monkeypatch.setattr(echo, "load", deleting)
    with pytest.raises(CheckpointError, match="30 was written to, or deleted, after"):
        run(study, [task()], [folders])
    assert echo.closed == 1
    assert study.column("SELECT count(*) FROM outputs") == [0]


def test_what_the_answers_were_made_with_is_known_also_if_nothing_was_loaded(
    study, folders, task, echo
):
    asked = [("float32", "cpu"), ("bfloat16", "mps"), ("float32", "auto")]
    for dtype, device in asked:
        loading = Loading(dtype=dtype, device=device)
        run(study, [task()], [folders], loading=loading)
    assert echo.loads == 4
    used = list(used_for(study, "echo").values())
    assert used == [{"backend": "echo", "dtype": "float32", "device": "cpu"}] * 2


def test_a_suite_is_run_with_one_load_for_each_checkpoint(
    study, folders, tmp_path, echo
):
    for name in ("one", "two"):
        write_task(tmp_path / name, name=name)
    (tmp_path / "suite.yaml").write_text("- one\n- two\n")
    done = run(study, load_tasks(str(tmp_path / "suite.yaml")), [folders])
    assert [g.task for g in done.generations] == ["one", "two", "one", "two"]
    assert echo.loads == 2


def test_an_item_that_left_the_data_is_no_longer_reported(study, folders, task, echo):
    run(study, [task()], [folders])
    run(study, [task(ROWS[1:])], [folders])
    assert study.column("SELECT count(*) FROM current_outputs") == [18]
    assert study.column("SELECT count(*) FROM outputs") == [20]
    assert echo.loads == 2


def test_a_mended_reference_is_scored_anew_by_every_metric(study, folders, task, echo):
    run(study, [task()], [folders])
    echo.generated.clear()
    done = run(
        study, [task([{**ROWS[0], "answer": "bold question 0"}, *ROWS[1:]])], [folders]
    )
    assert echo.generated == []
    assert done.scores == 2 * 3
    assert study.column("SELECT count(*) FROM current_scores") == [60]


def test_a_changed_prompt_template_is_run_anew(study, folders, task, echo):
    run(study, [task()], [folders])
    run(study, [task(prompt="Q: {{ question }}")], [folders])
    assert study.column("SELECT count(*) FROM current_outputs") == [20]
    assert study.column("SELECT count(*) FROM outputs") == [40]
    assert all(
        text.startswith(("calm Q:", "bold Q:"))
        for text in study.column("SELECT text FROM current_outputs")
    )


def test_an_overwritten_folder_is_run_as_another_checkpoint(
    study, tmp_path, task, echo
):
    folder = write_checkpoint(tmp_path / "run" / "last", "calm")
    [first] = run(study, [task()], [str(folder)]).checkpoints
    write_checkpoint(folder, "bold and new")
    [second] = run(study, [task()], [str(folder)]).checkpoints
    texts = study.mapping(
        "SELECT checkpoint, group_concat(text, ' ') FROM current_outputs "
        "GROUP BY checkpoint"
    )
    assert texts.keys() == {first.id, second.id}
    assert "bold" not in texts[first.id]
    assert "calm" not in texts[second.id]


# Every setting of which an old answer must not be taken for a new one


def other_weights(folder):
    (folder / "model.safetensors").write_text("warm")


def other_tokenizer(folder):
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')


def other_chat_template(folder):
    (folder / "chat_template.jinja").write_text("{{ messages }}")


def other_generation_config(folder):
    (folder / "generation_config.json").write_text('{"repetition_penalty": 1.2}')


def other_adapter(folder):
    (folder / "adapter_model.safetensors").write_text("adapted")


CHANGES = {
    "weights": {"folder": other_weights},
    "tokenizer": {"folder": other_tokenizer},
    "chat template": {"folder": other_chat_template},
    "generation config": {"folder": other_generation_config},
    "adapter": {"folder": other_adapter},
    "prompt template": {"task": {"prompt": "Q: {{ question }}"}},
    "messages": {
        "task": {
            "prompt": None,
            "messages": [{"role": "user", "content": "{{ question }}"}],
        }
    },
    "dtype": {"loading": Loading(dtype="bfloat16")},
    "max_new_tokens": {"task": {"generation": {"max_new_tokens": 9}}},
    "stop": {"task": {"generation": {"stop": ["\n"]}}},
    "temperature": {"task": {"generation": {"temperature": 0.5}}},
    "top_p": {"task": {"generation": {"top_p": 0.9}}},
    "seed": {"task": {"generation": {"seed": 7}}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_old_answer_likelihood_or_score_stands_in_for_a_new_one(
    study, tmp_path, task, echo, change
):
    """Though the path stays the same, and with it all names."""
    folder = write_checkpoint(tmp_path / "run" / "last", "calm")
    run(study, [task()], [str(folder)])
    rows = [study.frame(name) for name in ("outputs", "likelihoods", "scores")]
    echo.generated.clear()
    echo.judged.clear()
    change.get("folder", lambda _: None)(folder)
    keys = {k: v for k, v in change.get("task", {}).items() if v is not None}
    again = write_task(
        tmp_path / "task",
        metrics=METRICS,
        **{"prompt": "{{ question }}", **keys},
    )
    if "messages" in keys:
        text = again.read_text().replace("prompt: '{{ question }}'\n", "")
        again.write_text(text)
    loading = change.get("loading", Loading())
    done = run(study, [load_task(again)], [str(folder)], loading=loading)
    [newest] = done.checkpoints
    assert sum(one.generated for one in done.generations) == 10
    assert len(echo.generated) == 10
    # Of settings of generation, likelihoods and the scores of them know nothing.
    only_answers = "generation" in keys
    assert len(echo.judged) == (0 if only_answers else 10)
    assert done.scores == (20 if only_answers else 30)
    # What counts for the checkpoint now is none of what was there.
    current = study.column(
        "SELECT id FROM current_outputs WHERE checkpoint = ?", [newest.id]
    )
    assert len(current) == 10
    assert not set(current) & set(rows[0]["id"])
    # And nothing was overwritten or lost.
    for name, before in zip(("outputs", "likelihoods", "scores"), rows, strict=True):
        assert study.frame(name).head(len(before)).equals(before)


def test_a_checkpoint_saved_over_with_as_many_bytes_is_another(
    study, tmp_path, task, echo
):
    """Size and name stay; what tells is the time, to the nanosecond, or --rehash."""
    folder = write_checkpoint(tmp_path / "run" / "last", "calm")
    weights = folder / "model.safetensors"
    run(study, [task()], [str(folder)])
    stamp = weights.stat().st_mtime_ns
    weights.write_text("bold")
    os.utime(weights, ns=(stamp, stamp + 1))
    [found] = run(study, [task()], [str(folder)]).checkpoints
    assert {text.split()[0] for text in current_texts(study, found)} == {"bold"}
    stamp = weights.stat().st_mtime_ns
    weights.write_text("warm")
    os.utime(weights, ns=(stamp, stamp))
    [found] = run(study, [task()], [str(folder)], rehash=True).checkpoints
    assert {text.split()[0] for text in current_texts(study, found)} == {"warm"}


def current_texts(study, checkpoint):
    return study.column(
        "SELECT text FROM current_outputs WHERE checkpoint = ?", [checkpoint.id]
    )


def test_two_folders_with_one_model_are_one_checkpoint(study, tmp_path, task, echo):
    for name in ("a", "b"):
        write_checkpoint(tmp_path / "run" / name, "calm")
    done = run(study, [task()], [f"{tmp_path}/run/*"])
    assert len(done.checkpoints) == 1
    assert len(done.generations) == 1


# Checked before anything is stored or loaded


def missing_column(folder):
    write_task(folder, prompt="{{ nothing }}")


def broken_row(folder):
    (folder / "data.jsonl").write_text('{"question": "a", "answer": "b"}\n{')


def unknown_metric(folder):
    write_task(folder, metrics=["bleuu"])


def twice_the_metric(folder):
    write_task(folder, metrics=["bleu", "bleu"])


def wrong_setting(folder):
    write_task(folder, metrics=[{"bleu": {"tokenise": "intl"}}])


def no_such_metric_file(folder):
    write_task(folder, metrics=["mine.py"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing_column, "'nothing' is undefined"),
        (broken_row, "data.jsonl:2: not valid JSON"),
        (unknown_metric, "Did you mean 'bleu'"),
        (twice_the_metric, "stands twice"),
        (wrong_setting, "tokenize"),
        (no_such_metric_file, "no such Python file"),
    ],
)
def test_a_broken_task_stops_the_run_before_it_starts(
    study, folders, tmp_path, echo, spoil, message
):
    good = load_task(write_task(tmp_path / "good", name="good"))
    write_task(tmp_path / "bad", name="bad")
    spoil(tmp_path / "bad")
    with pytest.raises(HarnessError) as caught:
        run(study, [good, load_task(tmp_path / "bad" / "task.yaml")], [folders])
    assert message in str(caught.value)
    assert echo.loads == 0
    for table in ("items", "checkpoints", "outputs", "runs"):
        assert study.frame(table).empty


def test_a_broken_checkpoint_stops_the_run_before_it_starts(
    study, folders, tmp_path, task, echo
):
    (tmp_path / "run" / "checkpoint-100" / "config.json").unlink()
    with pytest.raises(CheckpointError, match="checkpoint-100"):
        run(study, [task()], [folders])
    assert echo.loads == 0
    assert study.frame("items").empty


# Killed, and together


def started(folder, *, seconds):
    """A run of the command line on a study of its own process."""
    arguments = ["run", "task", "-c", "run/checkpoint-*", "--db", "study.db"]
    return subprocess.Popen(
        [sys.executable, fakes.__file__, *arguments],
        cwd=folder,
        env={**os.environ, "ECHO_SECONDS": str(seconds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process):
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    return printed


def exported(study):
    """What counts in the study, without ids of rows and times."""
    outputs = study.rows(
        "SELECT item, checkpoint, sample, text, finish FROM current_outputs "
        "ORDER BY 1, 2, 3"
    )
    scores = study.rows(
        "SELECT item, checkpoint, signature, key, value, hex(tally) AS tally, reason "
        "FROM current_scores ORDER BY 1, 2, 3"
    )
    likelihoods = study.rows(
        "SELECT item, checkpoint, target, nll, tokens, words, bytes, truncated, reason "
        "FROM current_likelihoods ORDER BY 1, 2, 3"
    )
    return outputs, scores, likelihoods


def wait_for(study, count):
    give_up = time.monotonic() + 60
    while study.column("SELECT count(*) FROM outputs")[0] < count:
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_run_that_is_killed_resumes_as_if_nothing_had_happened(
    tmp_path, study, folders, task, echo
):
    whole = task()
    killed = StudyFile(tmp_path / "study.db")
    process = started(tmp_path, seconds=0.3)
    wait_for(killed, 3)
    process.kill()
    process.communicate()
    stored = killed.column("SELECT count(*) FROM outputs")[0]
    assert 3 <= stored < 20
    assert killed.column("PRAGMA integrity_check") == ["ok"]
    run(killed, [whole], [folders])
    assert len(echo.generated) == 20 - stored
    run(study, [whole], [folders])
    assert exported(killed) == exported(study)
    assert len(exported(study)[1]) == 60


@pytest.mark.slow
def test_a_run_killed_at_any_transaction_ends_as_if_it_had_not_been(
    tmp_path, study, task, echo
):
    """Killed just before each commit in turn."""
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1", "calm")
    whole = task(ROWS[:4], metrics=["exact_match", "distinct_n", "perplexity"])
    run(study, [whole], [str(folder)])
    expected = exported(study)
    assert [len(rows) for rows in expected] == [4, 4 + 4, 4]
    kills = tmp_path / "kills"
    kills.mkdir()
    program = [sys.executable, killed_runs.__file__, kills, whole.path, folder]
    subprocess.run(program, check=True)
    studies = sorted(kills.glob("*.db"))
    assert len(studies) > 20
    stored = set()
    for path in studies:
        killed = StudyFile(path)
        assert killed.column("PRAGMA integrity_check") == ["ok"]
        stored.add(killed.column("SELECT count(*) FROM outputs")[0])
        echo.generated.clear()
        run(killed, [whole], [str(folder)])
        assert exported(killed) == expected, path.name
        killed.close()
    # The kills fell before, between and after the two batches.
    assert stored == {0, 3, 4}


def test_two_runs_at_once_give_each_output_and_score_once(
    tmp_path, study, folders, task, echo
):
    whole = task()
    processes = [started(tmp_path, seconds=0.01) for _ in range(2)]
    for process in processes:
        finished(process)
    together = StudyFile(tmp_path / "study.db")
    run(study, [whole], [folders])
    assert exported(together) == exported(study)
    assert together.column("SELECT count(*) FROM outputs") == [20]
    assert together.column("SELECT count(*) FROM scores") == [60]
    assert together.column("SELECT count(*) FROM likelihoods") == [20]


def test_a_task_may_move_with_its_own_metrics(study, folders, tmp_path, echo):
    folder = tmp_path / "here"
    path = write_task(folder, metrics=["mine.py"])
    (folder / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from harness.metrics import MeanMetric\n"
        "@dataclass(frozen=True)\n"
        "class Mine(MeanMetric):\n"
        "    name = 'mine'\n"
        "    def score(self, item, text):\n"
        "        return len(text)\n"
    )
    run(study, [load_task(path)], [folders])
    moved = folder.rename(tmp_path / "there")
    done = run(study, [load_task(moved / "task.yaml")], [folders])
    assert done.scores == 0
    assert study.column("SELECT base FROM metrics") == [str(moved)]


def test_rows_may_come_in_another_order(study, folders, task, echo, tmp_path):
    run(study, [task()], [folders])
    write_rows(Path(tmp_path / "task" / "data.jsonl"), ROWS[::-1])
    done = run(study, [load_task(tmp_path / "task" / "task.yaml")], [folders])
    assert sum(one.generated for one in done.generations) + done.scores == 0
