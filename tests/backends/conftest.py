"""Tiny random models with tokenizers trained on a few lines, saved to folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.backends.base import Request
from harness.backends.transformers import TransformersBackend
from harness.types import Item

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    "In the beginning the lamp was broken, and the cat sat on it.",
    "Turn the light in the kitchen off, please; it is far too bright.",
    "Behold, the waters prevailed exceedingly upon the earth: 150 days.",
    "Schöne Grüße aus Köln! Ça va? Žluťoučký kůň.\nA second line.",
    "The quick brown fox jumps over the lazy dog, again and again and again.",
]
WORDS = " ".join(LINES).split()
CHAT = (
    "{% for m in messages %}<s>{{ m['role'] }}\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


def byte_tokenizer() -> Any:
    """As GPT-2's: bytes, nothing in front of a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.trainers import BpeTrainer

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=380,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator(LINES, trainer)
    return _wrapped(pieces, bos_token="<end>", eos_token="<end>")


def space_tokenizer(*, bos: bool = True, eos: bool = False) -> Any:
    """As Llama's and T5's: a space before every text, special tokens around it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer

    pieces = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    pieces.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    trainer = BpeTrainer(
        vocab_size=420,
        special_tokens=["<pad>", "<s>", "</s>", "<unk>"]
        + [f"<0x{byte:02X}>" for byte in range(256)],
        show_progress=False,
    )
    pieces.train_from_iterator(LINES, trainer)
    pieces.post_processor = processors.TemplateProcessing(
        single="<s> $A" * bos + "$A" * (not bos) + " </s>" * eos,
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    return _wrapped(pieces, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


def _wrapped(pieces: Any, **special: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=pieces, **special)


def _gpt2(tokenizer: Any) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=256,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    return GPT2LMHeadModel(config)


def _llama(tokenizer: Any, **settings: Any) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        settings.pop("model_type", "llama"),
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
        **settings,
    )
    return AutoModelForCausalLM.from_config(config)


def _t5(tokenizer: Any) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=tokenizer.pad_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        initializer_factor=2.0,
        tie_word_embeddings=False,
    )
    return T5ForConditionalGeneration(config)


def _bart(tokenizer: Any) -> Any:
    from transformers import BartConfig, BartForConditionalGeneration

    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
        max_position_embeddings=128,
        init_std=0.4,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return BartForConditionalGeneration(config)


def _network(kind: str, tokenizer: Any) -> Any:
    windows = {"sliding_window": 12}
    if kind == "gpt2":
        return _gpt2(tokenizer)
    if kind == "t5":
        return _t5(tokenizer)
    if kind == "bart":
        return _bart(tokenizer)
    if kind == "mistral":
        return _llama(tokenizer, model_type="mistral", **windows)
    if kind == "gemma":
        layers = ["sliding_attention", "full_attention"]
        return _llama(
            tokenizer, model_type="gemma2", head_dim=8, layer_types=layers, **windows
        )
    return _llama(tokenizer)


def save_checkpoint(kind: str, folder: Path, *, eos_weight: float = 2.5) -> Path:
    """A random model of the kind, which ends about half of its answers by itself."""
    import torch

    tokenizer = (
        byte_tokenizer()
        if kind == "gpt2"
        else space_tokenizer(bos=kind != "t5", eos=kind in {"t5", "bart"})
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = _network(kind, tokenizer)
        with torch.no_grad():
            network.get_output_embeddings().weight[tokenizer.eos_token_id] *= eos_weight
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Folder of a checkpoint of a kind, made once; tests must not change it."""
    made: dict[str, Path] = {}

    def folder(kind: str = "llama") -> Path:
        if kind not in made:
            made[kind] = save_checkpoint(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    return folder


@pytest.fixture(scope="session")
def load(checkpoint):
    """Load a kind of checkpoint with a batch size; each pair is loaded once."""
    loaded: dict[tuple[str, int | None], Any] = {}

    def model(kind: str = "llama", batch_size: int | None = None) -> Any:
        key = (kind, batch_size)
        if key not in loaded:
            backend = TransformersBackend(batch_size=batch_size)
            loaded[key] = backend.load(checkpoint(kind))
        return loaded[key]

    return model


@pytest.fixture(scope="session")
def items() -> list[Item]:
    """Prompts of 1 to about 60 words with references of other lengths, unsorted."""
    counts = [(7 * number) % 23 * 3 + 1 for number in range(24)]
    return [
        Item(
            id=f"item-{number}",
            task="test",
            key=str(number),
            prompt=" ".join(WORDS[(number + i) % len(WORDS)] for i in range(count)),
            references=(" " + " ".join(WORDS[count % 7 : count % 7 + number % 9 + 1]),),
        )
        for number, count in enumerate(counts)
    ]


@pytest.fixture(scope="session")
def answer():
    """Answers of a model by item and sample, once each request is answered once."""

    def answers(model, items, settings, *, samples=1):
        requests = [Request(item, s) for item in items for s in range(samples)]
        batches = list(model.generate(requests, settings))
        assert all(batches)
        given = {(one.item, one.sample): one for batch in batches for one in batch}
        assert sum(map(len, batches)) == len(given) == len(requests)
        return given

    return answers
