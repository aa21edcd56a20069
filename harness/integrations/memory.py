"""A model in the midst of its training, evaluated where it is and left as it was."""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.backends import Backend
from harness.backends.transformers import TransformersModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from harness.identity import FileStamp
    from harness.types import Json


class InMemory(Backend):
    """Runs the model that is held, whatever location is named.

    Its outputs have the keys of those that the `transformers` backend makes of the
    saved checkpoint, so that neither makes again what the other has.
    """

    name = "transformers"

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        fingerprint: str,
        *,
        precision: str = "no",
        batch_size: int | None = None,
    ) -> None:
        """Hold a model.

        Args:
            network: of the transformers package; of a PEFT model, the base with the
                adapter in it.
            tokenizer: its tokenizer.
            fingerprint: of the folder that the model was saved to.
            precision: of accelerate's mixed precision, in which the network computes.
            batch_size: most texts at a time; None: what suits.
        """
        self.network = network
        self.tokenizer = tokenizer
        self.found = fingerprint
        self.precision = precision
        self.batch_size = batch_size

    def fingerprint(self, location: str, known: MutableMapping[FileStamp, str]) -> str:  # noqa: ARG002 - of what is held
        """Of what the model was saved as."""
        return self.found

    def identity(self, location: str) -> Mapping[str, Json]:  # noqa: ARG002 - of what is held
        """Backend and dtype, and the precision where it is mixed."""
        dtype = str(self.network.dtype).removeprefix("torch.")
        mixed = {} if self.precision == "no" else {"mixed_precision": self.precision}
        return {"backend": self.name, "dtype": dtype, **mixed}

    def load(self, location: str) -> TransformersModel:  # noqa: ARG002 - it is loaded
        """The model that is held; closing it leaves it where it is."""
        return _Held(self.network, self.tokenizer, batch_size=self.batch_size)


class _Held(TransformersModel):
    def close(self) -> None:
        """The weights are the training's."""


@contextmanager
def undisturbed(network: Any, tokenizer: Any) -> Iterator[None]:
    """A block after which training goes on as if it had not been.

    The network is in evaluation mode within. Afterwards each module is in the mode in
    which it was; the random states of Python, numpy and torch on all devices, the
    configuration's `use_cache` and the tokenizer's padding are as they were; and no
    buffer that generating has made anew keeps gradients from flowing.
    """
    modes = {module: module.training for module in network.modules()}
    use_cache = getattr(network.config, "use_cache", None)
    sides = (tokenizer.padding_side, tokenizer.truncation_side)
    with random_states():
        network.eval()
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
                _as_trained(module)
            if use_cache is not None:
                network.config.use_cache = use_cache
            tokenizer.padding_side, tokenizer.truncation_side = sides


@contextmanager
def random_states() -> Iterator[None]:
    """A block that leaves every global source of random numbers as it was."""
    import torch

    begun = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = range(torch.cuda.device_count()) if begun else ()
    python = random.getstate()
    array = np.random.get_state()  # noqa: NPY002 - of whoever draws from it
    with ExitStack() as stack:
        stack.callback(random.setstate, python)
        stack.callback(np.random.set_state, array)
        stack.enter_context(torch.random.fork_rng(devices=list(devices)))
        yield


def _as_trained(module: Any) -> None:
    """Some rotary embeddings make their frequencies anew for a longer text."""
    for name, buffer in module.named_buffers(recurse=False):
        if buffer.is_inference():
            module.register_buffer(
                name,
                buffer.clone(),
                name not in module._non_persistent_buffers_set,  # noqa: SLF001 - torch has no other way to ask
            )
