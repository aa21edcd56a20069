"""The demonstration's tiny models: a byte-level BPE and a small Llama."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

BASE_FOLDER = Path(__file__).parent / "base"
"""The base model that comes with the package."""

END = "<|endoftext|>"
PAD = "<|pad|>"
ARROW = "\n=>"
"""Ends every prompt. One token of its own, so that the tokens of prompt and answer
are those of the text that both make together, however the answer begins."""
LONGEST = 512
"""Tokens."""


@dataclass(frozen=True)
class Size:
    """What decides how many parameters a model has; embeddings are tied."""

    vocabulary: int
    """Tokens, with the special ones."""
    width: int
    """Length of a token's vector."""
    inner: int
    """Width inside the feed-forward blocks."""
    layers: int = 3
    heads: int = 4


BASE = Size(vocabulary=2000, width=128, inner=336)
"""0.84 million parameters: the base model that the demonstration fine-tunes."""

SCRATCH = Size(vocabulary=800, width=96, inner=256)
"""0.41 million parameters: trained from scratch in under a minute."""


def new_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A byte-level BPE of `vocabulary` tokens, learned from the texts."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocabulary - 1,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator(texts, trainer)
    pieces.add_tokens([AddedToken(ARROW, normalized=False)])
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        bos_token=END,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )


def new_model(size: Size, tokenizer: Any, *, seed: int) -> Any:
    """A Llama of that size with random weights, float32; same seed, same weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=LONGEST,
        # The usual 0.02 suits wide models; these learn to copy later with it.
        initializer_range=0.06,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def load(folder: Path) -> tuple[Any, Any]:
    """Model and tokenizer of a folder; float32, since float16 does not train."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    )
    return model, tokenizer
