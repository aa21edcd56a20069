"""How checkpoints are loaded: precision, device, and what may be trusted."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from harness.errors import (
    FAILURES,
    CheckpointError,
    MissingPackage,
    NotFound,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.backends.folder import CheckpointFolder

DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
HALF = frozenset({"BF16", "F16"})
"""Precisions of 16 bits, in safetensors' words."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What a user asks of loading; by default nothing foreign is run or unpickled.

    Raises:
        NotFound: there is no such dtype.
        UsageError: there is no such device, or the batch size is below 1.
    """

    dtype: str = "auto"
    """`float32`, `bfloat16` or `float16`; `auto`: float32, but bfloat16 on a CUDA GPU
    for checkpoints that are stored in 16 bits."""
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:N` or `mps`; `auto`: the first CUDA GPU, else the CPU."""
    batch_size: int | None = None
    """Most texts that are read or written together; None: what suits the device."""
    trust_remote_code: bool = False
    """Whether Python code in a checkpoint's folder may be run."""
    allow_pickle: bool = False
    """Whether pickled weights may be read, where there are no others; only tensors
    are read from them."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise NotFound("dtype", self.dtype, DTYPES)
        if not DEVICE.fullmatch(self.device):
            raise UsageError(
                f"There is no device '{self.device}': write auto, cpu, cuda, cuda:N "
                "or mps."
            )
        if self.batch_size is not None and self.batch_size < 1:
            raise UsageError(f"The batch size is {self.batch_size}: write 1 or more.")

    @property
    def asked(self) -> list[str]:
        """The options that are not as they are by default, as one types them."""
        return [
            "--" + field.name.replace("_", "-")
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]


AUTOMATIC = Loading()
"""What suits checkpoint and machine."""


def check_device(device: str) -> None:
    """Find out whether the machine has the device, before anything is loaded.

    Raises:
        MissingPackage: torch is not installed.
        UsageError: it has not.
    """
    if device in {"auto", "cpu"}:
        return
    torch = torch_here()
    kind, _, number = device.partition(":")
    if kind == "mps":
        there = int(torch.backends.mps.is_available())
    else:
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(number or 0) < there:
        return
    found = f"{there} such" if there else f"no {kind}"
    raise UsageError(
        f"There is no device '{device}': torch {torch.__version__} finds {found} "
        "devices on this machine. Leave --device out, or write --device cpu."
    )


def device_of(loading: Loading) -> str:
    """The device that is meant.

    Raises:
        MissingPackage: torch is not installed.
    """
    if loading.device != "auto":
        return loading.device
    return "cuda" if torch_here().cuda.is_available() else "cpu"


def dtype_of(loading: Loading, folder: CheckpointFolder) -> str:
    """The precision that is meant.

    CPUs get float32: most are slower in 16 bits, and what 16 bits round away depends
    on the batch.

    Raises:
        MissingPackage: torch is not installed.
    """
    if loading.dtype != "auto":
        return loading.dtype
    if folder.weights_dtype in HALF and device_of(loading).startswith("cuda"):
        return "bfloat16" if torch_here().cuda.is_bf16_supported() else "float32"
    return "float32"


@contextmanager
def loading_errors(location: str) -> Iterator[None]:
    """Say in one way what transformers, peft, safetensors and torch refuse.

    Raises:
        CheckpointError: the checkpoint cannot be loaded; says why.
        MissingPackage: a package that loading takes is not installed.
    """
    try:
        yield
    # Not before: whoever loads decides how torch is imported.
    except torch_here().OutOfMemoryError:
        raise CheckpointError(f"{location}: memory is too small for it.") from None
    except UnpicklingError:
        # What torch says would have users run whatever the pickle holds.
        raise CheckpointError(
            f"{location}: the pickled weights are damaged, or hold more than "
            "tensors, which is never run. Save the model anew as safetensors."
        ) from None
    except _refusals() as error:
        raise CheckpointError(
            f"{location} cannot be loaded: {error or type(error).__name__}"
        ) from error


def _refusals() -> tuple[type[Exception], ...]:
    from safetensors import SafetensorError

    return (*FAILURES, EOFError, SafetensorError)


def cut_loose(network: Any) -> None:
    """Copy weights that lie in the checkpoint's files, which CPUs read as memory.

    A file that is overwritten in place would go on as another model, or, where it got
    shorter, end the process.
    """
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.device.type == "cpu":
            tensor.data = tensor.data.clone()


def torch_here() -> Any:
    """The package torch.

    Raises:
        MissingPackage: it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MissingPackage("Running a checkpoint", "local") from None
    return torch
