"""How a checkpoint was trained: read from plain files, whatever they hold."""

import json
import os

import pytest
from fakes import write_checkpoint

from harness.checkpoints import find_checkpoints, register
from harness.configuration import LONGEST, MOST_VALUES, read_configuration
from harness.study import StudyFile
from harness.study.checkpoints import store_checkpoint

STATE = {
    "global_step": 30,
    "max_steps": 240,
    "num_train_epochs": 3,
    "train_batch_size": 16,
    "log_history": [
        {"loss": 3.1, "learning_rate": 1e-5, "step": 10},
        {"loss": 2.0, "learning_rate": 3e-5, "step": 20},
        {"loss": 1.7, "learning_rate": 2e-5, "step": 30},
        {"eval_loss": 2.2, "step": 30},
    ],
}


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "run" / "checkpoint-30"
    made.mkdir(parents=True)
    return made


def write(path, content):
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")


def test_the_trainers_state_tells_batch_epochs_steps_and_the_peak_rate(folder):
    write(folder / "trainer_state.json", STATE)
    found = read_configuration(folder)
    assert found.values == {
        "batch_size": 16,
        "epochs": 3,
        "max_steps": 240,
        "peak_learning_rate": 3e-5,
    }
    assert found.problems == ()


def test_an_adapter_and_a_model_tell_what_makes_runs_differ(folder):
    modules = {"r": 8, "lora_alpha": 16, "target_modules": ["v_proj", "q_proj"]}
    write(folder / "adapter_config.json", modules | {"inference_mode": True})
    write(folder / "config.json", {"model_type": "gpt2", "bos_token_id": 1})
    assert read_configuration(folder).values == {
        "r": 8,
        "lora_alpha": 16,
        "target_modules": "q_proj, v_proj",
        "model_type": "gpt2",
    }


def test_plain_files_in_or_beside_the_folder_are_settings_the_nearer_first(folder):
    write(folder.parent / "training_args.json", {"learning_rate": 1e-4, "seed": 1})
    write(folder.parent / "run.yaml", "data:\n  fingerprint: abc\n  size: 10\n")
    write(folder / "training_args.json", {"learning_rate": 2e-4})
    write(folder.parent / "notes.json", {"mood": "good"})
    assert read_configuration(folder).values == {
        "learning_rate": 2e-4,
        "seed": 1,
        "data.fingerprint": "abc",
        "data.size": 10,
    }


def test_secrets_are_left_out(folder):
    write(
        folder / "training_args.json",
        {
            "hub_token": "hf_1",
            "api_key": "sk",
            "env": {"password": "x"},
            "max_tokens": 9,
            "tokenizer": "t",
        },
    )
    assert read_configuration(folder).values == {"max_tokens": 9, "tokenizer": "t"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("trainer_state.json", '{"max_steps": ', "not valid JSON"),
        ("trainer_state.json", "[1, 2]", "must hold keys and values"),
        ("run.json", "[" * 100_000, "not valid JSON"),
        ("run.json", '{"a": ' + "9" * 5000 + "}", "not valid JSON"),
        ("run.yaml", "a: [", "not valid YAML"),
        ("run.yaml", "a: !!python/object/apply:os.system [ls]", "not valid YAML"),
    ],
)
def test_what_cannot_be_read_is_one_problem_that_names_the_file(
    folder, name, content, problem
):
    write(folder / name, content)
    found = read_configuration(folder)
    assert found.values == {}
    [told] = found.problems
    assert told.startswith(f"checkpoint-30/{name}: ")
    assert problem in told
    assert len(told) <= LONGEST


def test_what_is_kept_is_bounded(folder):
    many = {f"key {n}": "x" * 1000 for n in range(1000)}
    deep = {"a": {"b": {"c": {"d": {"e": 1}}}}, "rows": [[1], [2]], "none": None}
    write(folder / "run.json", deep | many)
    found = read_configuration(folder).values
    assert len(found) == MOST_VALUES
    assert {len(value) for value in found.values()} == {LONGEST}


def test_odd_values_can_be_stored_as_json(folder):
    write(folder / "run.json", '{"loss": NaN, "big": Infinity, "on": true, "at": 1e-5}')
    write(folder / "run.yml", "day: 2026-01-31\n1: one\n")
    found = read_configuration(folder)
    assert found.values == {
        "loss": "nan",
        "big": "inf",
        "on": True,
        "at": 1e-5,
        "day": "2026-01-31",
        "1": "one",
    }
    json.dumps(found.as_json(), allow_nan=False)


def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder / "run.json")
    assert read_configuration(folder).values == {}


def test_it_is_stored_with_the_checkpoint_as_it_is_found_now(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-30")

    def stored():
        found = find_checkpoints([f"lr3={tmp_path}/run/checkpoint-*"])
        register(study, found, ["fingerprint"])
        [text] = study.column("SELECT configuration FROM checkpoints")
        return json.loads(text)["values"]

    assert "batch_size" not in stored()
    write(folder / "trainer_state.json", STATE)
    assert stored()["batch_size"] == 16
    study.close()


def test_a_checkpoint_without_a_folder_has_none(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    store_checkpoint(
        study, series="a", name="b", step=None, backend="x", fingerprint="f"
    )
    assert study.column("SELECT configuration FROM checkpoints") == ["{}"]
    study.close()
