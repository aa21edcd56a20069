"""A checkpoint folder's faults are told apart before any model is loaded."""

import json
import shutil
import struct
import subprocess
import sys

import pytest

from harness.backends.folder import inspect_folder, read_header
from harness.errors import CheckpointError


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint("llama"), tmp_path / "run" / "checkpoint-100")


def refusal(folder):
    with pytest.raises(CheckpointError) as caught:
        inspect_folder(folder)
    return str(caught.value)


def edit(file, **changes):
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def test_a_whole_folder_passes_and_all_its_parts_are_listed(folder):
    found = inspect_folder(folder)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        file.name for file in found.files
    }
    assert (found.model, found.tokenizer, found.is_adapter) == (folder, folder, False)
    assert found.weights_dtype == "F32"


def test_checks_import_no_model_library(folder):
    code = (
        "import sys, pathlib; from harness.backends.transformers import *;"
        "TransformersBackend().fingerprint(pathlib.Path(sys.argv[1]), {});"
        "TransformersBackend().identity(pathlib.Path(sys.argv[1]));"
        "print({'torch', 'transformers', 'safetensors'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_misspelt_folder_gets_the_nearest_sibling(folder):
    message = refusal(folder.with_name("checkpont-100"))
    assert "There is no folder" in message
    assert f"Did you mean {folder}?" in message


def test_a_folder_without_any_parent(tmp_path):
    assert "does not exist either" in refusal(tmp_path / "no" / "where")


def test_a_file_is_no_checkpoint(folder):
    assert "is a file" in refusal(folder / "model.safetensors")


def test_a_run_folder_names_the_checkpoints_inside(folder):
    assert "holds some: checkpoint-100" in refusal(folder.parent)


def test_no_config(folder):
    (folder / "config.json").unlink()
    assert "there is no config.json" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{\n"model_type": ', "config.json:2: this is not JSON"),
        (b"[]", "must be a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{}", "'model_type' is missing"),
    ],
)
def test_a_broken_config(folder, text, message):
    (folder / "config.json").write_bytes(text)
    assert message in refusal(folder)


def test_a_broken_generation_config(folder):
    (folder / "generation_config.json").write_text("{,}")
    assert "generation_config.json:1: this is not JSON" in refusal(folder)


def test_code_in_the_checkpoint_is_refused(folder):
    code = {"AutoModelForCausalLM": "modeling.Mine"}
    edit(folder / "config.json", model_type="mine", auto_map=code)
    assert "code of its own" in refusal(folder)


def test_code_beside_an_architecture_that_transformers_has_is_passed_over(folder):
    edit(folder / "config.json", auto_map={"AutoConfig": "configuration.Mine"})
    assert inspect_folder(folder).path == folder


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("pytorch_model.bin", "the weights are pickled, and pickles may hold foreign"),
        ("pytorch_model-00001-of-00002.bin", "and not as transformers names them"),
        ("pytorch_model_fsdp_0", "divided among processes"),
        ("optimizer.bin", "there are no weights"),
    ],
)
def test_weights_that_cannot_be_used(folder, file, message):
    (folder / "model.safetensors").rename(folder / file)
    assert message in refusal(folder)


def shard(folder, *names):
    """Name the weights' file as one of several."""
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    index = {"weight_map": {str(i): name for i, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_all_shards_are_there(folder):
    shard(folder, "a.safetensors", "a.safetensors")
    assert inspect_folder(folder).weights_dtype == "F32"


def test_whole_weights_go_before_shards_as_transformers_has_it(folder):
    whole = shutil.copy(folder / "model.safetensors", folder / "whole")
    shard(folder, "a.safetensors")
    assert inspect_folder(folder).weights == (folder / "a.safetensors",)
    whole.rename(folder / "model.safetensors")
    assert inspect_folder(folder).weights == (folder / "model.safetensors",)


@pytest.mark.parametrize("other", ["b.safetensors", "../a.safetensors"])
def test_a_shard_is_missing(folder, other):
    shutil.copy(folder / "model.safetensors", folder.parent / "a.safetensors")
    shard(folder, "a.safetensors", other)
    assert "1 of the 2 weight files that model.safetensors.index.json names are " in (
        refusal(folder)
    )
    assert f"the first is '{other}'" in refusal(folder)


def test_an_index_without_shards(folder):
    shard(folder)
    assert "no 'weight_map'" in refusal(folder)


def test_weights_cut_short_are_told_by_their_header(folder):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    message = f"its header speaks of {len(whole)} bytes, it has {len(whole) - 1}"
    assert message in refusal(folder)
    file.write_bytes(whole[:100])
    assert "is cut short" in refusal(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        b"\x80\x02}q\x00." * 9,
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 3) + b"{a}",
        struct.pack("<Q", 10) + b'{"a": "b"}',
    ],
    ids=["empty", "tiny", "pickle", "a list", "no JSON", "no offsets"],
)
def test_what_is_no_safetensors_file(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    message = refusal(folder)
    assert "no safetensors file" in message or "header cannot be read" in message


def test_a_header_gives_names_and_shapes(folder):
    header = read_header(folder / "model.safetensors")
    assert header["model.norm.weight"]["shape"] == [32]


def drop_tokenizer(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()


def test_no_tokenizer(folder):
    drop_tokenizer(folder)
    assert "Pass processing_class=tokenizer to the Trainer" in refusal(folder)


def test_the_run_folders_tokenizer_serves_and_is_part_of_the_files(folder):
    for file in folder.glob("tokenizer*"):
        shutil.move(file, folder.parent)
    found = inspect_folder(folder)
    assert found.tokenizer == folder.parent
    assert folder.parent / "tokenizer.json" in found.files


@pytest.fixture
def adapter(folder):
    made = folder.with_name("adapter")
    made.mkdir()
    shutil.copy(folder / "model.safetensors", made / "adapter_model.safetensors")
    config = {"base_model_name_or_path": str(folder), "peft_type": "LORA"}
    (made / "adapter_config.json").write_text(json.dumps(config))
    return made


def test_an_adapter_stands_on_its_base_and_both_count(adapter, folder):
    found = inspect_folder(adapter)
    assert (found.model, found.tokenizer, found.is_adapter) == (folder, folder, True)
    assert {adapter / "adapter_model.safetensors", folder / "model.safetensors"} <= set(
        found.files
    )


def test_a_base_may_be_named_from_the_adapters_folder(adapter, folder):
    edit(adapter / "adapter_config.json", base_model_name_or_path=f"../{folder.name}")
    assert inspect_folder(adapter).model.resolve() == folder.resolve()


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("some/where", "the base model 'some/where' is neither a folder nor"),
        ("/no/such/folder at all", "is neither a folder nor"),
        (None, "'base_model_name_or_path' is missing"),
    ],
)
def test_an_adapter_without_its_base(adapter, base, message):
    edit(adapter / "adapter_config.json", base_model_name_or_path=base)
    assert message in refusal(adapter)


def test_a_pickled_adapter(adapter):
    weights = adapter / "adapter_model.safetensors"
    weights.rename(adapter / "adapter_model.bin")
    assert "the adapter's weights are pickled" in refusal(adapter)
    assert "--allow-pickle" in refusal(adapter)
    (adapter / "adapter_model.bin").unlink()
    assert "has no adapter_model.safetensors. Save" in refusal(adapter)
