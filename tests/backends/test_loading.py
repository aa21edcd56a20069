"""What users ask of loading: checked at once, followed, and recorded."""

import shutil
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.backends import AUTOMATIC, Loading, backends
from harness.backends.loading import check_device, device_of
from harness.backends.transformers import TransformersBackend
from harness.errors import HarnessError, MissingPackage, UsageError

DTYPES = ["float32", "bfloat16", "float16"]


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint("llama"), tmp_path / "checkpoint-100")


@pytest.fixture
def gpus(monkeypatch):
    """Let torch find that many CUDA GPUs."""

    def pretend(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: count > 0)

    return pretend


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "bfloat"}, "Did you mean 'bfloat16'"),
        ({"dtype": "int8"}, "No dtype named 'int8'"),
        ({"device": "gpu"}, "There is no device 'gpu'"),
        ({"device": "cuda:"}, "There is no device 'cuda:'"),
        ({"device": "cpu:0"}, "There is no device 'cpu:0'"),
        ({"batch_size": 0}, "The batch size is 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(options, message):
    with pytest.raises(HarnessError, match=message):
        Loading(**options)


def test_asked_names_the_options_as_one_types_them():
    assert AUTOMATIC.asked == []
    every = Loading("float16", "cpu", 4, trust_remote_code=True, allow_pickle=True)
    assert every.asked == [
        "--dtype",
        "--device",
        "--batch-size",
        "--trust-remote-code",
        "--allow-pickle",
    ]


@pytest.mark.parametrize(
    ("device", "there", "right"),
    [
        ("auto", 0, True),
        ("cpu", 0, True),
        ("cuda", 0, False),
        ("cuda", 1, True),
        ("cuda:1", 1, False),
        ("cuda:1", 2, True),
    ],
)
def test_a_device_that_is_not_there_is_told_before_loading(device, there, right, gpus):
    gpus(there)
    if right:
        check_device(device)
        return
    with pytest.raises(UsageError, match=rf"no device '{device}'.*--device cpu"):
        TransformersBackend().with_loading(Loading(device=device))


def test_metal_is_looked_for_where_it_is(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    check_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match="finds no mps devices"):
        check_device("mps")


def test_a_device_needs_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPackage):
        check_device("cuda")


def test_a_gpu_is_taken_if_there_is_one_and_none_was_named(gpus):
    gpus(1)
    assert device_of(AUTOMATIC) == "cuda"
    assert device_of(Loading(device="cpu")) == "cpu"
    gpus(0)
    assert device_of(AUTOMATIC) == "cpu"


def test_half_precision_stays_float32_where_the_processor_was_asked_for(folder, gpus):
    weights = load_file(folder / "model.safetensors")
    halves = {name: weight.half() for name, weight in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    gpus(1)
    for device, dtype in (("auto", "bfloat16"), ("cpu", "float32")):
        backend = TransformersBackend(Loading(device=device))
        assert backend.identity(folder)["dtype"] == dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_dtype_that_was_asked_for_is_taken_and_part_of_the_identity(folder, dtype):
    backend = TransformersBackend().with_loading(Loading(dtype=dtype, device="cpu"))
    assert backend.identity(folder) == {"backend": "transformers", "dtype": dtype}
    assert backend.load(folder).network.dtype == getattr(torch, dtype)


def test_a_device_is_no_part_of_the_identity(folder, gpus):
    gpus(2)
    identities = [
        TransformersBackend(Loading(device=device, batch_size=size)).identity(folder)
        for device, size in (("cpu", None), ("cuda:1", 3), ("auto", 1))
    ]
    assert identities == [identities[0]] * 3


def test_a_loaded_model_says_what_it_runs_as(folder):
    import transformers

    loading = Loading(dtype="bfloat16", device="cpu", batch_size=5)
    assert TransformersBackend(loading).load(folder).description == {
        "dtype": "bfloat16",
        "device": "cpu",
        "batch_size": 5,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def test_hosted_models_cannot_be_asked(monkeypatch):
    hosted = backends["openai"]
    assert hosted.with_loading(AUTOMATIC) is hosted
    with pytest.raises(UsageError, match=r"--dtype, --device: that is for checkpoint"):
        hosted.with_loading(Loading(dtype="float32", device="cpu"))
