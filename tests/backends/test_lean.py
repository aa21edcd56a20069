"""A process that only runs models leaves out what it needs not, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from backends.lean_process import asked, exported

from harness.backends import lean
from harness.backends.transformers import TransformersBackend

pytestmark = pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing. is deprecated:FutureWarning"
)
KINDS = ("gpt2", "llama", "gemma", "deepseek", "bert_decoder", "t5", "bart", "mamba")


@pytest.fixture(scope="module")
def folders(checkpoint, tmp_path_factory):
    """Checkpoints by kind, and an adapter."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    found = {kind: checkpoint(kind) for kind in KINDS}
    base = AutoModelForCausalLM.from_pretrained(found["llama"])
    config = LoraConfig(r=4, target_modules=["q_proj"], init_lora_weights=False)
    adapter = tmp_path_factory.mktemp("lean") / "adapter"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        get_peft_model(base, config).save_pretrained(adapter)
    return {"adapter": adapter} | found


@pytest.fixture(scope="module")
def lean_process(folders):
    """What a process says that loads all of them and nothing else."""
    script = Path(__file__).with_name("lean_process.py")
    named = [f"{name}={folder}" for name, folder in folders.items()]
    done = subprocess.run(
        [sys.executable, str(script), *named],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_models_say_the_same_as_with_all_imported(lean_process, folders):
    backend = TransformersBackend()
    expected = {name: asked(backend, folder) for name, folder in folders.items()}
    for name, found in lean_process["found"].items():
        assert found["answers"] == expected[name]["answers"], name
        assert found["nll"] == pytest.approx(expected[name]["nll"], abs=1e-4), name
    assert set(lean_process["found"]) == set(folders)


def test_neither_compiler_nor_clusters_are_imported(lean_process):
    # Mamba's own layers ask for the compiler as they run; it comes last.
    for name, imported in lean_process["imported"].items():
        assert not imported or name == "mamba", name


def test_what_was_left_out_can_be_used_afterwards(lean_process):
    assert lean_process["rest"] == [True] * 6


def test_transformers_exports_the_same_when_its_files_are_read_once(lean_process):
    expected = exported()
    assert len(expected["transformers.models"]) > 1000
    assert lean_process["exported"] == expected


READ = """
import gc, sys
from collections import Counter
from harness.backends.lean import lean_imports
from harness.cli.starting import start_quickly
opened, searched = Counter(), []
def hear(event, given):
    if event == "open" and str(given[0]).endswith(".py"):
        opened[str(given[0])] += 1
gc.callbacks.append(lambda *_: searched.append(1))
sys.addaudithook(hear)
gc.collect()
start_quickly()
before = len(searched)
with lean_imports():
    found = len(searched) - before
models = {path: n for path, n in opened.items() if "transformers/models/" in path}
assert len(models) > 1000
# This one is imported, and asks for its own folder by another name.
twice = {path for path, n in models.items() if n > 1 and "/models/auto/" not in path}
assert not twice, twice
assert found == 0, found
"""


def test_each_file_of_transformers_is_read_once_and_garbage_is_not_searched_for():
    done = subprocess.run(
        [sys.executable, "-c", READ], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_who_imports_a_part_of_the_compiler_meanwhile_has_all_of_it_afterwards():
    code = """
from harness.backends.lean import lean_imports
with lean_imports():
    import torch._dynamo.utils
    from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex
import torch
from transformers import BertConfig, BertModel
assert torch._dynamo.utils.counters is not None
model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1))
compiled = torch.compile(lambda x: 2 * x, backend="eager", dynamic=True)
assert [compiled(torch.ones(n)).sum().item() for n in (1, 5)] == [2, 10]
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_where_transformers_is_imported_already_all_stays(monkeypatch):
    import torch
    import transformers

    before = torch.distributed.is_available
    with lean.lean_imports():
        assert torch.distributed.is_available is before
        assert sys.modules["transformers"] is transformers


BREAK = """
import sys
from harness.backends.transformers import TransformersBackend
from harness.errors import HarnessError
name, folder = sys.argv[1:]
sys.modules[name] = None
try:
    TransformersBackend().lean().load(folder)
except HarnessError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("torch", "MissingPackage"),
        ("transformers.utils.import_utils", "CheckpointError"),
        ("transformers.modeling_utils", "CheckpointError"),
    ],
)
def test_what_cannot_be_imported_is_told_as_ever(broken, error, folders):
    done = subprocess.run(
        [sys.executable, "-c", BREAK, broken, folders["llama"]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [error], done.stderr


FREE = """
import gc, weakref
from harness.backends.lean import lean_imports
class Model: pass
with lean_imports():
    assert gc.get_freeze_count()
model = Model()
model.itself = model
held = weakref.ref(model)
del model
with lean_imports(): pass
gc.collect()
assert held() is None
"""


def test_an_earlier_model_that_holds_itself_is_given_back():
    done = subprocess.run(
        [sys.executable, "-c", FREE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_versions_that_were_not_tried_are_imported_whole():
    code = (
        "import sys; from harness.backends import lean\n"
        "lean.TRIED['torch'] = '0.1'\n"
        "with lean.lean_imports(): print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]


def test_the_versions_that_the_project_pins_were_tried():
    pins = (Path(__file__).parents[2] / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in pins if "==" in line)
    for package, tried in lean.TRIED.items():
        assert pinned[package].startswith(f"{tried}.")
