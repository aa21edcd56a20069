"""Code and pickles of a checkpoint: refused by default, and at most what was asked."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from backends.passages import first_references
from safetensors.torch import load_file

from harness.backends.base import Request
from harness.backends.decoding import can_decode
from harness.backends.loading import Loading
from harness.backends.transformers import TransformersBackend
from harness.errors import CheckpointError
from harness.types import Generation, Item

ITEM = Item("id", "task", "key", "the light in the", (" kitchen.",))
CAREFUL = TransformersBackend()
PICKLES = TransformersBackend(Loading(allow_pickle=True))
CODE = TransformersBackend(Loading(trust_remote_code=True))


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint("llama"), tmp_path / "checkpoint-100")


@pytest.fixture
def canary(tmp_path):
    """A path where something is once foreign code has run."""
    return tmp_path / "canary"


class Evil:
    """What makes a folder when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (str(self.canary),)


def edit(file, **changes):
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(content))


def answers(backend, folder):
    model = backend.load(folder)
    settings = Generation(max_new_tokens=12)
    [[given]] = model.generate([Request(ITEM)], settings)
    [[scored]] = model.loglikelihood(first_references(ITEM))
    return given.text, scored.nll


def refusal(backend, folder):
    with pytest.raises(CheckpointError) as caught:
        backend.load(folder)
    return str(caught.value)


# Pickles


def pickled(folder, name="pytorch_model"):
    """The checkpoint with its weights pickled, as older packages wrote it."""
    twin = shutil.copytree(folder, folder.with_name("pickled"))
    weights = twin / "model.safetensors"
    torch.save(load_file(weights), twin / f"{name}.bin")
    weights.unlink()
    return twin


def test_pickled_weights_are_refused_and_the_option_is_named(folder):
    twin = pickled(folder)
    for call in (CAREFUL.load, CAREFUL.identity, lambda f: CAREFUL.fingerprint(f, {})):
        with pytest.raises(CheckpointError, match=r"are pickled.* add --allow-pickle"):
            call(twin)


def test_pickled_weights_answer_as_the_same_weights_in_safetensors(folder):
    assert answers(PICKLES, pickled(folder)) == answers(CAREFUL, folder)


def test_divided_pickles_answer_likewise(folder):
    twin = pickled(folder)
    weights = torch.load(twin / "pytorch_model.bin", weights_only=True)
    (twin / "pytorch_model.bin").unlink()
    files = {name: f"pytorch_model-{len(name) % 2}.bin" for name in weights}
    for file in set(files.values()):
        part = {name: weights[name] for name in weights if files[name] == file}
        torch.save(part, twin / file)
    index = {"metadata": {}, "weight_map": files}
    (twin / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert answers(PICKLES, twin) == answers(CAREFUL, folder)
    before = PICKLES.fingerprint(twin, {})
    torch.save(part | {"more": torch.ones(1)}, twin / file)
    assert PICKLES.fingerprint(twin, {}) != before


def test_an_index_of_safetensors_names_no_pickle(folder):
    file = pickled(folder) / "pytorch_model.bin"
    index = {"weight_map": {"lm_head.weight": file.name}}
    (file.parent / "model.safetensors.index.json").write_text(json.dumps(index))
    for backend in (CAREFUL, PICKLES):
        message = refusal(backend, file.parent)
        assert "'pytorch_model.bin' is no .safetensors file" in message


def test_the_fingerprint_covers_pickled_weights(folder):
    twin = pickled(folder)
    before = PICKLES.fingerprint(twin, {})
    weights = torch.load(twin / "pytorch_model.bin", weights_only=True)
    weights["model.norm.weight"] += 1e-3
    torch.save(weights, twin / "pytorch_model.bin")
    assert PICKLES.fingerprint(twin, {}) != before


def test_code_in_a_pickle_is_not_run_even_where_pickles_are_allowed(folder, canary):
    file = pickled(folder) / "pytorch_model.bin"
    weights = torch.load(file, weights_only=True)
    torch.save(weights | {"evil": Evil(canary)}, file)
    message = refusal(PICKLES, file.parent)
    assert "damaged, or hold more than tensors, which is never run" in message
    assert not canary.exists()
    torch.load(file, weights_only=False)
    assert canary.exists(), "the pickle was harmless: the test shows nothing"


@pytest.mark.parametrize("content", [b"", b"no pickle", b"PK\x03\x04 cut short"])
def test_a_damaged_pickle_is_a_checkpoint_error(folder, content):
    twin = pickled(folder)
    (twin / "pytorch_model.bin").write_bytes(content)
    assert str(twin) in refusal(PICKLES, twin)


def test_a_pickle_beside_safetensors_is_never_opened(folder, canary):
    before = CAREFUL.fingerprint(folder, {}), answers(CAREFUL, folder)
    torch.save(Evil(canary), folder / "pytorch_model.bin")
    for backend in (CAREFUL, PICKLES):
        assert (backend.fingerprint(folder, {}), answers(backend, folder)) == before
    assert not canary.exists()


def test_a_config_cannot_put_a_pickle_in_the_weights_place(folder):
    shutil.copy(folder / "model.safetensors", folder / "adapter_model.bin")
    edit(folder / "config.json", transformers_weights="adapter_model.bin")
    assert "'transformers_weights' names a pickled file" in refusal(PICKLES, folder)


def test_half_precision_of_pickled_weights_is_known_without_unpickling(
    folder, monkeypatch
):
    twin = pickled(folder)
    (twin / "pytorch_model.bin").write_bytes(b"cannot be read")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    for named, dtype in (("float16", "bfloat16"), ("float32", "float32")):
        edit(twin / "config.json", dtype=named)
        assert PICKLES.identity(twin)["dtype"] == dtype


@pytest.fixture
def adapter(folder):
    """Folder of a LoRA adapter on the folder's model."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder)
    config = LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False)
    made = folder.with_name("adapter")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        get_peft_model(base, config).save_pretrained(made)
    return made


# transformers 5 deprecates what peft 0.21 asks it for.
@pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"
)
def test_a_pickled_adapter_is_held_to_the_same_rules(adapter, folder, canary):
    wanted = answers(CAREFUL, adapter)
    assert wanted != answers(CAREFUL, folder)
    weights = adapter / "adapter_model.safetensors"
    file = weights.with_suffix(".bin")
    torch.save(Evil(canary), file)
    assert answers(PICKLES, adapter) == wanted
    torch.save(load_file(weights), file)
    weights.unlink()
    assert "--allow-pickle" in refusal(CAREFUL, adapter)
    assert answers(PICKLES, adapter) == wanted
    before = PICKLES.fingerprint(adapter, {})
    torch.save(Evil(canary), file)
    assert PICKLES.fingerprint(adapter, {}) != before
    assert "hold more than tensors" in refusal(PICKLES, adapter)
    assert not canary.exists()


# Code

CONFIGURATION = """
from pathlib import Path
from transformers import LlamaConfig

Path({canary!r}).touch()

class MineConfig(LlamaConfig):
    model_type = "mine"
"""
MODELING = """
from transformers import LlamaForCausalLM
from .configuration_mine import MineConfig

class MineForCausalLM(LlamaForCausalLM):
    config_class = MineConfig

    def forward(self, *args, **kwargs):
        output = super().forward(*args, **kwargs)
        output.logits = {factor} * output.logits
        return output
"""
TOKENIZATION = """
from pathlib import Path
from transformers import PreTrainedTokenizerFast

Path({canary!r}).touch()

class MineTokenizer(PreTrainedTokenizerFast):
    def __call__(self, text=None, **settings):
        return super().__call__(text and text.upper(), **settings)
"""
AUTO_MAP = {
    "AutoConfig": "configuration_mine.MineConfig",
    "AutoModelForCausalLM": "modeling_mine.MineForCausalLM",
}


@pytest.fixture(autouse=True)
def modules(tmp_path, monkeypatch):
    """Where transformers puts code before it runs it, instead of the home folder."""
    from transformers import dynamic_module_utils

    place = str(tmp_path / "modules")
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", place)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("transformers_modules"):
            del sys.modules[name]


def with_code(folder, canary, *, factor=1):
    """The checkpoint as one of an architecture that only its own code knows."""
    source = CONFIGURATION.format(canary=str(canary))
    (folder / "configuration_mine.py").write_text(source)
    (folder / "modeling_mine.py").write_text(MODELING.format(factor=factor))
    edit(folder / "config.json", model_type="mine", auto_map=AUTO_MAP)
    return folder


def with_tokenizer_code(folder, canary):
    """The checkpoint with a tokenizer of its own, which reads capitals."""
    source = TOKENIZATION.format(canary=str(canary))
    (folder / "tokenization_mine.py").write_text(source)
    edit(
        folder / "tokenizer_config.json",
        tokenizer_class="MineTokenizer",
        auto_map={"AutoTokenizer": [None, "tokenization_mine.MineTokenizer"]},
    )
    return folder


@pytest.mark.parametrize("add", [with_code, with_tokenizer_code])
def test_code_is_not_run_unless_asked_and_the_option_is_named(folder, canary, add):
    add(folder, canary)
    for call in (CAREFUL.load, CAREFUL.identity, lambda f: CAREFUL.fingerprint(f, {})):
        with pytest.raises(CheckpointError, match=r"own.* add --trust-remote-code"):
            call(folder)
    CODE.fingerprint(folder, {})
    CODE.identity(folder)
    assert not canary.exists()


def test_a_model_of_the_checkpoints_own_runs_once_it_is_trusted(folder, canary):
    text, nll = answers(CAREFUL, folder)
    with_code(folder, canary)
    assert answers(CODE, folder) == (text, pytest.approx(nll))
    assert canary.exists()
    network = CODE.load(folder).network
    assert type(network).__name__ == "MineForCausalLM"


def test_a_model_of_the_checkpoints_own_is_not_relied_on_to_remember(folder, canary):
    assert can_decode(CAREFUL.load(folder).network, 10)
    with_code(folder, canary)
    file = folder / "modeling_mine.py"
    file.write_text(file.read_text().split("    def forward")[0])
    assert not can_decode(CODE.load(folder).network, 10)


def test_checkpoints_of_one_name_keep_each_their_own_code(folder, canary):
    other = shutil.copytree(folder, folder.parent / "other" / folder.name)
    with_code(folder, canary)
    with_code(other, canary, factor=3)
    assert answers(CODE, folder)[1] != pytest.approx(answers(CODE, other)[1], rel=0.1)


def test_a_tokenizer_of_the_checkpoints_own_runs_once_it_is_trusted(folder, canary):
    before = CAREFUL.load(folder).codec.prompt(ITEM)
    with_tokenizer_code(folder, canary)
    codec = CODE.load(folder).codec
    assert type(codec.tokenizer).__name__ == "MineTokenizer"
    assert codec.prompt(ITEM) != before
    assert canary.exists()


def test_the_fingerprint_covers_code_once_it_is_trusted(folder, canary):
    (folder / "more").mkdir()
    inner = folder / "more" / "layers.py"
    inner.write_text("")
    plain = CAREFUL.fingerprint(folder, {})
    trusted = CODE.fingerprint(folder, {})
    inner.write_text("wide = True")
    assert CAREFUL.fingerprint(folder, {}) == plain
    assert CODE.fingerprint(folder, {}) != trusted


def test_code_of_other_checkpoints_in_a_run_folder_does_not_count(folder, canary):
    run = folder.parent
    with_tokenizer_code(folder, canary)
    for file in folder.glob("token*"):
        shutil.move(file, run)
    before = CODE.fingerprint(folder, {})
    (run / "checkpoint-200").mkdir()
    (run / "checkpoint-200" / "modeling.py").write_text("")
    assert CODE.fingerprint(folder, {}) == before
    with (run / "tokenization_mine.py").open("a") as file:
        file.write("# another")
    assert CODE.fingerprint(folder, {}) != before


def test_code_beside_what_transformers_has_runs_only_if_trusted(folder, canary):
    plain = answers(CAREFUL, folder)
    with_code(folder, canary, factor=3)
    edit(folder / "config.json", model_type="llama")
    assert answers(CAREFUL, folder) == plain
    assert not canary.exists()
    assert answers(CODE, folder)[1] != pytest.approx(plain[1], rel=0.1)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_at_a_hub_is_not_fetched(folder, canary, name):
    with_tokenizer_code(with_code(folder, canary), canary)
    file = folder / name
    text = file.read_text()
    for module in ("configuration_mine", "tokenization_mine"):
        text = text.replace(f'"{module}.', f'"a/b--{module}.')
    file.write_text(text)
    message = refusal(CODE, folder)
    assert "'a/b--" in message
    assert "lies at a hub, from where nothing is fetched" in message
    assert not canary.exists()


def test_trusted_code_is_loaded_without_a_connection(folder, canary):
    with_tokenizer_code(with_code(folder, canary), canary)
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('a connection was tried')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from harness.backends.loading import Loading\n"
        "from harness.backends.transformers import *\n"
        "TransformersBackend(Loading(trust_remote_code=True)).load(sys.argv[1])\n"
        "print('loaded')"
    )
    command = [sys.executable, "-c", code, str(folder)]
    place = {"HF_MODULES_CACHE": str(folder.parent / "modules")}
    environment = {**os.environ, **place}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    )
    assert (done.stdout, done.returncode) == ("loaded\n", 0)


@pytest.mark.parametrize(
    "source", ["def", "1 / 0", "raise NameError('nothing')", "import no_such_package"]
)
def test_code_that_fails_is_a_checkpoint_error(folder, canary, source):
    with_code(folder, canary)
    Path(folder / "configuration_mine.py").write_text(source)
    assert "cannot be loaded" in refusal(CODE, folder)
