"""Checkpoint folders of the transformers package, run on this machine."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import identity
from harness.backends.base import Backend, Model, Usage, backends
from harness.backends.batching import memory_errors
from harness.backends.folder import CheckpointFolder, inspect_folder
from harness.backends.fused import fuse_activations
from harness.backends.lean import lean_imports
from harness.backends.loading import (
    AUTOMATIC,
    check_device,
    cut_loose,
    device_of,
    dtype_of,
    loading_errors,
)
from harness.backends.packed import pack_weights
from harness.errors import CheckpointError, MissingPackage, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping, Sequence
    from contextlib import AbstractContextManager

    from harness.backends.base import Generated, Request, Scored
    from harness.backends.batching import Budget
    from harness.backends.likelihood import Reading
    from harness.backends.loading import Loading
    from harness.backends.tokens import Codec, Tokens
    from harness.identity import FileStamp
    from harness.types import Generation, Json, Passage

ALWAYS_CAUSAL = frozenset({"gpt_neox", "gpt_neox_japanese"})
"""Kinds, Pythia among them, whose configs say to be no decoder and mean nothing."""
SEEING_AHEAD = frozenset({"cpmant", "xlm", "xlnet"})
"""Kinds whose layers see what follows, unless a config says `causal`."""


class TransformersBackend(Backend):
    """Runs full models and PEFT adapters from local folders."""

    name = "transformers"

    def __init__(self, loading: Loading = AUTOMATIC, *, lean: bool = False) -> None:
        """`loading` says in which precision, where, and what is trusted.

        `lean`: whether to import no more than running models takes.
        """
        self.loading = loading
        self._is_lean = lean

    def with_loading(self, loading: Loading) -> TransformersBackend:
        """This backend, loading as a user asks for.

        Raises:
            MissingPackage: torch is not installed.
            UsageError: the machine lacks the device.
        """
        check_device(loading.device)
        return TransformersBackend(loading, lean=self._is_lean)

    def lean(self) -> TransformersBackend:
        """This backend, importing neither PyTorch's compiler nor its clusters."""
        return TransformersBackend(self.loading, lean=True)

    def fingerprint(self, location: str, known: MutableMapping[FileStamp, str]) -> str:
        """Hash of weights, tokenizer, configuration, adapter and its base model.

        And of pickled weights and Python code, where they are trusted and used.

        Raises:
            CheckpointError: nothing can be loaded from there; says what is missing.
        """
        try:
            return identity.fingerprint(self._inspect(location).files, known)
        except OSError as error:
            raise CheckpointError(f"{location} cannot be read: {error}") from None

    def identity(self, location: str) -> Mapping[str, Json]:
        """Backend and dtype; tokenizer and chat template are in the fingerprint.

        Raises:
            CheckpointError: nothing can be loaded from there; says what is missing.
            MissingPackage: torch is not installed.
        """
        dtype = dtype_of(self.loading, self._inspect(location))
        return {"backend": self.name, "dtype": dtype}

    def load(self, location: str) -> TransformersModel:
        """The checkpoint in memory, of the device that is asked for or there.

        Raises:
            CheckpointError: it cannot be loaded; says why.
            MissingPackage: torch, transformers or peft is not installed.
        """
        folder = self._inspect(location)
        with loading_errors(location):
            with self._imports(), quiet(), memory_errors():
                network, tokenizer = _load(folder, self.loading)
                network.to(device_of(self.loading)).eval()
                cut_loose(network)
                pack_weights(network)
            return TransformersModel(
                network, tokenizer, batch_size=self.loading.batch_size
            )

    def _imports(self) -> AbstractContextManager[None]:
        # A checkpoint's own code may compile.
        lean = self._is_lean and not self.loading.trust_remote_code
        return lean_imports() if lean else nullcontext()

    def _inspect(self, location: str) -> CheckpointFolder:
        return inspect_folder(Path(location), self.loading)


class TransformersModel(Model):
    """A loaded causal or encoder-decoder model."""

    def __init__(self, network: Any, tokenizer: Any, *, batch_size: int | None) -> None:
        """`network` is a pretrained model of the transformers package."""
        from harness.backends.tokens import Codec

        self.network = network
        self.batch_size = batch_size
        self.codec: Codec = Codec(
            tokenizer,
            vocabulary=network.get_input_embeddings().weight.shape[0],
            encoder=network.config.is_encoder_decoder,
        )
        config = network.config.get_text_config(decoder=True)
        self.positions: int | None = getattr(config, "max_position_embeddings", None)

    def generate(
        self, requests: Sequence[Request], settings: Generation
    ) -> Iterator[list[Generated]]:
        """Answers in groups as they are finished, shorter prompts first.

        The settings say how answers are drawn. Of the checkpoint's generation config
        count the end tokens, besides the tokenizer's, and what changes greedy decoding
        too, say a repetition penalty; not its temperature, top_k or beams.

        Raises:
            CheckpointError: the checkpoint cannot read the prompts (no chat template,
                foreign tokenizer), writes no numbers, or one prompt exceeds memory.
            InputError: the chat template refuses a prompt's messages.
            UsageError: `max_new_tokens` leaves no room for a prompt.
        """
        from harness.backends.answers import Answer, Ending
        from harness.backends.decoding import Decoder, can_decode
        from harness.backends.fallback import GenerateCaller, has_constraints
        from harness.backends.sampling import Sampler
        from harness.backends.threads import suited_threads

        room = self._prompt_room(settings)
        ending = Ending(self.codec, settings, self._end_tokens())
        answers = []
        for request in requests:
            prompt = self.codec.prompt(request.item)
            answers.append(Answer(request, prompt, ending, seed=settings.seed))
            if room is not None:
                answers[-1].cut(room)
        longest = max((len(answer.context) for answer in answers), default=0)
        together = can_decode(self.network, longest + settings.max_new_tokens)
        own_loop = together and not has_constraints(self.network)
        writer = Decoder if own_loop else GenerateCaller
        batches = writer(self.network, Sampler.of(settings), self._budget())
        with suited_threads(self.network):
            for batch in batches.write(answers):
                yield [answer.generated() for answer in batch]

    def loglikelihood(self, passages: Sequence[Passage]) -> Iterator[list[Scored]]:
        """Likelihoods of texts given their items' prompts, and of documents.

        For a chat model a text after a prompt is the assistant's turn. Neither a start
        token nor an end token after the text is scored. A text that does not fit the
        model's positions after a prompt is not scored at all: 0 tokens, with the
        reason. A document is read in windows that fit.

        Raises:
            CheckpointError: as for `generate`.
            InputError: the chat template refuses a prompt's messages.
            UsageError: a window is longer than the model's positions.
        """
        from harness.backends.scorer import Scorer
        from harness.backends.threads import suited_threads

        readings = [self._reading(passage) for passage in passages]
        with suited_threads(self.network):
            yield from Scorer(self.network, self._budget()).score(readings)

    @property
    def description(self) -> Mapping[str, Json]:
        """Dtype, device, most rows of a batch, and the versions of the packages."""
        import torch
        import transformers

        device = self.network.device
        found = {
            "dtype": str(self.network.dtype).removeprefix("torch."),
            "device": str(device),
            "batch_size": self._budget().rows,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        }
        if device.type == "cuda":
            found["gpu"] = torch.cuda.get_device_name(device)
        return found

    @property
    def usage(self) -> Usage:
        """No cost, but a remark where prompts end inside a token."""
        apart = len(self.codec.apart)
        if not apart:
            return Usage()
        remark = (
            f"{apart} prompts end inside a token: what follows would change it. "
            "Likelihoods are of the tokens that follow by themselves. End prompts "
            "where a token ends, as before a space or after a line break."
        )
        return Usage(remarks=(remark,))

    def close(self) -> None:
        """Give the weights' memory back."""
        import torch

        del self.network
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _reading(self, passage: Passage) -> Reading:
        from harness.backends.likelihood import (
            read_causal,
            read_document,
            read_encoder_decoder,
        )

        if not self.network.config.is_encoder_decoder:
            read = read_causal if passage.windows is None else read_document
            return read(self.codec, passage, self.positions)
        start = [self._decoder_start(), *self.codec.target_prefix()]
        return read_encoder_decoder(self.codec, passage, self.positions, start=start)

    def _budget(self) -> Budget:
        from harness.backends.batching import Budget

        return Budget.of(self.network, self.network.device, self.batch_size)

    def _prompt_room(self, settings: Generation) -> int | None:
        """The longest prompt, in tokens; None if any length will do."""
        most, positions = settings.max_new_tokens, self.positions
        if positions is None:
            return None
        if most >= positions:
            raise UsageError(
                f"max_new_tokens is {most}, but the model has only {positions} "
                "positions for prompt and answer. Set a smaller one in the task."
            )
        if self.network.config.is_encoder_decoder:
            return positions
        return positions - most

    def _end_tokens(self) -> Tokens:
        """Ends that the generation config or the tokenizer names."""
        named = self.network.generation_config.eos_token_id
        ends = named if isinstance(named, list) else [named]
        ends = [*ends, self.codec.tokenizer.eos_token_id]
        return sorted({int(token) for token in ends if token is not None})

    def _decoder_start(self) -> int:
        for config in (self.network.generation_config, self.network.config):
            start = getattr(config, "decoder_start_token_id", None)
            if start is not None:
                return int(start)
        raise CheckpointError(
            "The model's config names no 'decoder_start_token_id'. Copy config.json "
            "and generation_config.json from the base model."
        )


def _load(folder: CheckpointFolder, loading: Loading) -> tuple[Any, Any]:
    """Network and tokenizer, on the CPU."""
    try:
        from transformers import AutoConfig, AutoTokenizer
    except ImportError:
        raise MissingPackage("Running a checkpoint", "local") from None
    local = {
        "local_files_only": True,
        "trust_remote_code": loading.trust_remote_code,
    }
    config = AutoConfig.from_pretrained(folder.model, **local)
    network, report = _network_class(folder, config, loading).from_pretrained(
        folder.model,
        config=config,
        dtype=dtype_of(loading, folder),
        use_safetensors=not folder.is_pickled,
        weights_only=True,
        output_loading_info=True,
        **local,
    )
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"{folder.model}: the weights lack {len(missing)} tensors that config.json "
            f"asks for, the first is '{missing[0]}'. Weights and config.json belong to "
            "different models, or the model was saved inside a wrapper."
        )
    if folder.is_adapter:
        network = _with_adapter(network, folder.path)
    fuse_activations(network)
    tokenizer = AutoTokenizer.from_pretrained(folder.tokenizer, config=config, **local)
    return network, tokenizer


def _network_class(folder: CheckpointFolder, config: Any, loading: Loading) -> Any:
    """A class that transformers finds by the config, or the folder's own."""
    import transformers
    from transformers.dynamic_module_utils import get_class_from_dynamic_module
    from transformers.models.auto.auto_factory import (
        add_generation_mixin_to_remote_model,
    )

    kind, known = (
        (
            transformers.AutoModelForSeq2SeqLM,
            transformers.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
        )
        if config.is_encoder_decoder
        else (
            transformers.AutoModelForCausalLM,
            transformers.MODEL_FOR_CAUSAL_LM_MAPPING,
        )
    )
    own = (getattr(config, "auto_map", None) or {}).get(kind.__name__)
    if loading.trust_remote_code and own is not None:
        # The auto classes remember the first folder's code for all named alike.
        found = get_class_from_dynamic_module(own, folder.model, local_files_only=True)
        return add_generation_mixin_to_remote_model(found)
    if type(config) not in known or _sees_ahead(config):
        raise CheckpointError(
            f"{folder.model}: '{config.model_type}' models, as config.json has this "
            "one, do not go on with a text. Name a causal or an encoder-decoder model."
        )
    return kind


def _sees_ahead(config: Any) -> bool:
    """Whether the layers of such a model see what follows, as BERT's do."""
    if config.is_encoder_decoder or config.model_type in ALWAYS_CAUSAL:
        return False
    if config.model_type in SEEING_AHEAD:
        return not getattr(config, "causal", False)
    return not getattr(config, "is_decoder", True)


def _with_adapter(network: Any, path: Path) -> Any:
    try:
        from peft import PeftConfig, PeftModel
    except ImportError:
        raise MissingPackage("Running a PEFT adapter", "local") from None
    config = PeftConfig.from_pretrained(str(path), local_files_only=True)
    if config.is_prompt_learning:
        raise CheckpointError(
            f"{path}: adapters that learn a prompt ({config.peft_type.value}) are not "
            "supported, only those that change weights, like LoRA."
        )
    adapted = PeftModel.from_pretrained(
        network, path, config=config, torch_device="cpu"
    )
    return adapted.get_base_model()


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' own progress bars and log lines."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


backends.register(TransformersBackend.name)(TransformersBackend())
