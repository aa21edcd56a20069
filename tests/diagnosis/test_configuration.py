"""Settings are read from every trainer's files, run nothing, and are held to bands."""

import json
import pickle
import struct
import zipfile
from pathlib import Path

import pytest

from harness.diagnosis.configuration import (
    DataFacts,
    check_configuration,
    read_settings,
)
from harness.errors import InputError, MissingData
from harness.logs import TrainingLog

AXOLOTL = """\
base_model: meta-llama/Llama-3.1-8B
adapter: lora
lora_r: 16
lora_alpha: 32
lora_target_modules: [q_proj, v_proj]
sequence_len: 4096
micro_batch_size: 2
gradient_accumulation_steps: 8
num_epochs: 3
learning_rate: 2e-4
optimizer: adamw_bnb_8bit
warmup_ratio: 0.03
"""
FACTORY = """\
model_name_or_path: Qwen/Qwen2.5-7B-Instruct
stage: sft
finetuning_type: lora
lora_rank: 8
lora_target: all
cutoff_len: 2048
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
warmup_ratio: 0.1
bf16: true
"""
TRL = """\
model_name_or_path: HuggingFaceTB/SmolLM2-1.7B
learning_rate: 2.0e-5
per_device_train_batch_size: 8
max_steps: 1000
max_length: 1024
warmup_steps: 100
"""


class Arguments:
    """Stands for TrainingArguments in a pickle."""


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def config(folder, text, name="config.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def values(folder, text):
    found = read_settings(None, config(folder, text))
    return {name: setting.value for name, setting in found.values.items()}


def checks(settings, **facts):
    found = check_configuration(settings, DataFacts(**facts))
    return {check.name: check for check in found.checks}


def unmade(settings):
    return {one.name: one.reason for one in check_configuration(settings).not_checked}


def torch_saved(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("training_args/data.pkl", content)
    return path


def arguments(**state):
    made = Arguments()
    made.__dict__.update(state)
    return pickle.dumps(made, protocol=2)


def safetensors(path, *shapes):
    header = json.dumps(
        {f"w{i}": {"dtype": "F32", "shape": shape} for i, shape in enumerate(shapes)}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def full_tuning(folder, rate, millions=2000, **more):
    safetensors(folder / "model.safetensors", [1000, 1000 * millions])
    lines = {"model_name_or_path": "base", "per_device_train_batch_size": 8, **more}
    text = "\n".join(f"{name}: {value}" for name, value in lines.items())
    config(folder, f"learning_rate: {rate}\n{text}\n", "sft.yaml")
    return read_settings(folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            AXOLOTL,
            {
                "learning_rate": 2e-4,
                "batch_size": 2,
                "accumulation": 8,
                "epochs": 3,
                "max_length": 4096,
                "warmup_ratio": 0.03,
                "adapter_rank": 16,
                "method": "lora",
                "parameters": 8e9,
            },
        ),
        (
            FACTORY,
            {
                "learning_rate": 1e-4,
                "batch_size": 1,
                "max_length": 2048,
                "method": "lora",
                "adapter_rank": 8,
                "adapter_targets": "all",
                "optimizer": "adamw",
                "parameters": 7e9,
            },
        ),
        (
            TRL,
            {
                "learning_rate": 2e-5,
                "max_steps": 1000,
                "max_length": 1024,
                "method": "full",
                "warmup_steps": 100,
                "parameters": 1.7e9,
            },
        ),
    ],
    ids=["axolotl", "LLaMA-Factory", "TRL"],
)
def test_each_trainers_names_become_one(run, text, expected):
    found = values(run, text)
    assert {name: found.get(name) for name in expected} == expected


def test_training_arguments_are_read_by_a_real_trainer_s_names(run):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    saved = transformers.TrainingArguments(
        output_dir=str(run), learning_rate=3e-4, max_steps=77, use_cpu=True, optim="sgd"
    )
    torch.save(saved, run / "training_args.bin")
    found = read_settings(run)
    assert found.number("learning_rate") == 3e-4
    assert found.number("max_steps") == 77
    assert found.get("optimizer") == "sgd"
    assert found.source("learning_rate") == "training_args.bin: learning_rate"


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_a_pickle_that_would_run_code_runs_nothing(run, protocol):
    canary = run / "canary"
    content = pickle.dumps(Bomb(canary), protocol=protocol)
    torch_saved(run / "training_args.bin", content)
    found = read_settings(run)
    assert not canary.exists()
    assert "training_args.bin: it holds no training arguments" in found.problems[0]
    pickle.loads(content)  # noqa: S301 - shows that the canary would have sung
    assert canary.exists()


def test_what_hides_among_training_arguments_is_passed_over(run):
    canary = run / "canary"
    content = arguments(learning_rate=1e-4, callback=Bomb(canary), seed=3)
    torch_saved(run / "training_args.bin", content)
    assert read_settings(run).number("learning_rate") == 1e-4
    assert not canary.exists()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("training_args.bin", b"\x80\x02", "no archive that torch.save made"),
        ("training_args.bin", b"", "no archive that torch.save made"),
        ("sft.yaml", b"a: &a [1, 2]\nb: [*a, *a", "not valid YAML"),
        ("sft.yaml", b"\xff\xfe\x00", "not valid YAML"),
        ("adapter_config.json", b"[1, 2]", "must hold keys and values"),
        ("adapter_config.json", b"{" * 100_000, "not valid JSON"),
        ("model.safetensors", b"\xff" * 64, "not a safetensors file"),
        ("model.safetensors", b"", "does not hold valid JSON"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_a_damaged_file_is_one_line_and_no_more(run, name, content, problem):
    (run / name).write_bytes(content)
    found = read_settings(run).problems
    assert len(found) == 1
    assert problem in found[0]
    assert "\n" not in found[0]


def test_pickles_that_end_early_are_damaged(run):
    content = arguments(learning_rate=1e-4, names=["a", "b"], more={"c": 1})
    for end in range(0, len(content) - 1, 7):
        torch_saved(run / "training_args.bin", content[:end])
        assert "pickle is damaged" in read_settings(run).problems[0]


def test_an_archive_that_unpacks_to_far_too_much_is_refused(run):
    path = run / "training_args.bin"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("training_args/data.pkl", b"N" * 3_000_000)
    assert "larger than 1 MB" in read_settings(run).problems[0]


def test_a_yaml_bomb_is_one_clear_line(run):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, letter in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]")
    path = config(run, "\n".join(lines))
    with pytest.raises(InputError, match="more than 50,000 values"):
        read_settings(None, path)


def test_a_named_file_that_is_missing_is_an_error(run):
    with pytest.raises(MissingData, match="no such file with settings"):
        read_settings(None, run / "none.yaml")


def test_the_named_file_counts_most_then_the_log_then_files_of_the_run(run):
    config(run, "learning_rate: 1e-3\nmax_steps: 10\nmax_length: 99\n", "sft.yaml")
    log = TrainingLog("runs/events", "tensorboard", {}, {"max_steps": 20, "lr": 2e-3})
    named = config(run.parent, "learning_rate: 3e-3\n", "mine.yaml")
    found = read_settings(run, named, [log])
    assert found.number("learning_rate") == 3e-3
    assert found.number("max_steps") == 20
    assert found.max_length == 99
    assert found.differing[0] == (
        "learning_rate is 0.003 in mine.yaml: learning_rate, "
        "but 0.002 in the log events"
    )
    assert checks(found)["settings_agree"].status == "notice"


def test_the_newest_checkpoint_is_the_one_with_the_highest_number(run):
    for step, rate in ((500, 1e-3), (1000, 2e-3)):
        folder = run / f"checkpoint-{step}"
        folder.mkdir()
        torch_saved(folder / "training_args.bin", arguments(learning_rate=rate))
    assert read_settings(run).number("learning_rate") == 2e-3


def test_size_is_counted_in_headers_else_estimated_from_the_configuration(run):
    safetensors(run / "model-00001-of-00002.safetensors", [10, 20], [7])
    safetensors(run / "model-00002-of-00002.safetensors", [3, 3])
    assert read_settings(run).number("parameters") == 216
    for path in run.glob("model*"):
        path.unlink()
    llama = {
        "hidden_size": 4096,
        "num_hidden_layers": 32,
        "vocab_size": 128256,
        "intermediate_size": 14336,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "hidden_act": "silu",
    }
    config(run, json.dumps({**llama, "tie_word_embeddings": False}), "config.json")
    # Llama 3.1 8B has 8.03 billion.
    assert read_settings(run).number("parameters") == pytest.approx(8.03e9, rel=0.01)


@pytest.mark.parametrize(
    ("rate", "status", "causes"),
    [
        ("2e-5", "fine", {"learning_rate_too_high": -1.0, "learning_rate_too_low": -1}),
        ("1e-4", "notice", {"learning_rate_too_low": -1.5}),
        (
            "2e-4",
            "warning",
            {"learning_rate_too_high": 1.5, "learning_rate_too_low": -3},
        ),
        (
            "1e-3",
            "failure",
            {"learning_rate_too_high": 3.3, "learning_rate_too_low": -3},
        ),
        (
            "1e-7",
            "failure",
            {"learning_rate_too_low": 3.3, "learning_rate_too_high": -3},
        ),
        ("0", "failure", {"learning_rate_too_low": 3.3, "learning_rate_too_high": -3}),
    ],
)
def test_a_rate_is_held_against_its_band(run, rate, status, causes):
    check = checks(full_tuning(run, rate))["learning_rate_band"]
    assert (check.status, check.weights) == (status, causes)
    assert check.source == "TRL 1.16.0: 2e-5 is SFTConfig's default"
    assert "full fine-tuning of 2 B parameters" in check.says


def test_a_rate_that_ruins_full_tuning_is_usual_for_lora(run):
    assert checks(values_of(run, AXOLOTL))["learning_rate_band"].status == "fine"


def values_of(folder, text):
    return read_settings(None, config(folder, text))


@pytest.mark.parametrize(
    ("more", "millions", "reason"),
    [
        ({}, 40, "no published band for models below 50 M parameters, and this has 40"),
        ({"optim": "adafactor"}, 2000, "no bands for the optimizer adafactor"),
        ({"optim": "ademamix"}, 2000, "no bands for the optimizer ademamix"),
        ({"finetuning_type": "freeze"}, 2000, "the method of training is not known"),
    ],
)
def test_without_a_band_there_is_no_verdict(run, more, millions, reason):
    found = unmade(full_tuning(run, 1e-1, millions, **more))
    assert reason in found["learning_rate_band"]


def test_a_high_rate_from_scratch_is_no_likely_cause(run):
    safetensors(run / "model.safetensors", [1000, 2_000_000])
    config(run, "learning_rate: 6e-4\nper_device_train_batch_size: 8\n", "sft.yaml")
    assert checks(read_settings(run))["learning_rate_band"].status == "warning"


@pytest.mark.parametrize(
    ("warmup", "rate", "status", "weight"),
    [
        ("warmup_steps: 0", "2e-5", "warning", 1.5),
        ("warmup_steps: 0", "6e-6", "fine", None),
        ("warmup_steps: 30", "2e-5", "fine", -5.0),
        ("warmup_steps: 0.1", "2e-5", "fine", -5.0),
        ("warmup_ratio: 0.03", "2e-5", "fine", -5.0),
        ("warmup_steps: 300", "2e-5", "warning", -5.0),
    ],
)
def test_warm_up_counts_where_the_rate_is_high(run, warmup, rate, status, weight):
    name, value = warmup.split(": ")
    found = checks(full_tuning(run, rate, max_steps=1000, **{name: value}))["warmup"]
    assert (found.status, found.weights.get("no_warmup")) == (status, weight)


def test_steps_follow_from_rows_epochs_and_the_effective_batch(run):
    found = checks(values_of(run, AXOLOTL), rows=161)
    assert found["effective_batch_size"].value == 16
    # Eleven batches, the last of one example, three times.
    assert found["optimizer_steps"].value == 33
    assert found["optimizer_steps"].weights == {"under_trained": 2.0}


def test_epochs_follow_from_steps_where_these_are_given(run):
    found = checks(values_of(run, TRL), rows=100, longest=1500)
    assert found["epochs"].value == 80
    assert found["epochs"].weights["overfitting"] == 1.5
    assert found["sequence_length"].status == "warning"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("dtype: float16\nfp16: false", "failure"),
        ("dtype: float16", "failure"),
        ("torch_dtype: torch.float16\nfp16: true", "notice"),
        ("dtype: float16\nadapter: lora", "notice"),
        ("dtype: bfloat16", "fine"),
    ],
)
def test_float16_needs_loss_scaling(run, lines, status):
    settings = values_of(run, f"learning_rate: 1e-5\n{lines}\n")
    assert checks(settings)["float16_training"].status == status


def test_weights_saved_in_float16_may_have_been_made_so_afterwards(run):
    config(run, '{"dtype": "float16"}', "config.json")
    assert checks(read_settings(run))["float16_training"].status == "warning"


def test_adapters_on_attention_alone_and_of_low_rank_are_noticed(run):
    adapter = {
        "peft_type": "LORA",
        "r": 2,
        "lora_alpha": 64,
        "target_modules": ["q_proj", "v_proj"],
        "base_model_name_or_path": "org/base-7b",
    }
    config(run, json.dumps(adapter), "adapter_config.json")
    settings = read_settings(run)
    found = checks(settings)
    assert settings.get("method") == "lora"
    assert settings.number("parameters") == 7e9
    for name in ("adapter_rank", "adapter_targets", "adapter_scale"):
        assert found[name].status == "notice"


def test_without_settings_every_check_says_what_would_give_them(run):
    found = check_configuration(read_settings(run))
    assert found.checks == ()
    assert {one.reason for one in found.not_checked} == {
        "no settings were found: --config FILE gives them"
    }
