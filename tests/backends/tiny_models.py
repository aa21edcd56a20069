"""Tiny random models with tokenizers trained on a few lines, saved to folders."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    "In the beginning the lamp was broken, and the cat sat on it.",
    "Turn the light in the kitchen off, please; it is far too bright.",
    "Behold, the waters prevailed exceedingly upon the earth: 150 days.",
    "Schöne Grüße aus Köln! Ça va? Žluťoučký kůň.\nA second line.",
    "The quick brown fox jumps over the lazy dog, again and again and again.",
]
END_WEIGHTS = {"t5": -3, "bart": 1.5, "gemma": 3}
"""Factors that were found to end answers at many different lengths; else 2."""
LLAMA_LIKE: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"model_type": "mistral", "sliding_window": 12},
    "gemma": {
        "model_type": "gemma2",
        "head_dim": 8,
        "sliding_window": 12,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "bert_decoder": {"model_type": "bert", "is_decoder": True},
    "gpt_neo": {
        "model_type": "gpt_neo",
        "attention_types": [[["global", "local"], 1]],
        "window_size": 12,
    },
    "gpt_neox": {"model_type": "gpt_neox"},
    "deepseek": {
        "model_type": "deepseek_v3",
        "num_key_value_heads": 4,
        "head_dim": 8,
        "kv_lora_rank": 16,
        "q_lora_rank": 16,
        "qk_nope_head_dim": 8,
        "qk_rope_head_dim": 8,
        "v_head_dim": 4,
        "first_k_dense_replace": 2,
    },
    "longrope": {
        "model_type": "phi3",
        "original_max_position_embeddings": 32,
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 4,
            "long_factor": [3.0] * 4,
        },
    },
    "mamba": {"model_type": "mamba", "state_size": 4},
}
"""Settings in which models differ from a tiny Llama."""
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
    return _wrapped(pieces, ["<end>", "<end>"])


def space_tokenizer(*, bos: bool = True, eos: bool = False) -> Any:
    """As Llama's and T5's: a space before every text, special tokens around it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer

    pieces = Tokenizer(models.BPE(byte_fallback=True))
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
        vocab_size=160,
        special_tokens=["<pad>", "<s>", "</s>"],
        show_progress=False,
    )
    plain = [line for line in LINES if line.isascii()]
    pieces.train_from_iterator(plain, trainer)
    # All other characters are written byte by byte, with tokens that are not special.
    spec = json.loads(pieces.to_str())
    known = spec["model"]["vocab"]
    known |= {f"<0x{byte:02X}>": len(known) + byte for byte in range(256)}
    pieces = Tokenizer.from_str(json.dumps(spec))
    pieces.post_processor = processors.TemplateProcessing(
        single="<s> $A" * bos + "$A" * (not bos) + " </s>" * eos,
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    return _wrapped(pieces, ["<s>", "</s>", "<pad>"])


def _wrapped(pieces: Any, special: list[str]) -> Any:
    from transformers import PreTrainedTokenizerFast

    roles = dict(zip(("bos_token", "eos_token", "pad_token"), special, strict=False))
    return PreTrainedTokenizerFast(tokenizer_object=pieces, **roles)


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
        **{"model_type": "llama", "num_key_value_heads": 2} | settings,
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
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
        max_position_embeddings=256,
        init_std=0.4,
        decoder_start_token_id=tokenizer.eos_token_id,
        forced_eos_token_id=None,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return BartForConditionalGeneration(config)


def _network(kind: str, tokenizer: Any) -> Any:
    makers = {"gpt2": _gpt2, "t5": _t5, "bart": _bart}
    if kind in makers:
        return makers[kind](tokenizer)
    return _llama(tokenizer, **LLAMA_LIKE[kind])


def save_checkpoint(kind: str, folder: Path) -> Path:
    """A random model of the kind, which ends many of its answers by itself.

    It writes no parts of characters, so that texts and tokens can be compared.
    """
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
            head = network.get_output_embeddings().weight
            head[tokenizer.eos_token_id] *= END_WEIGHTS.get(kind, 2)
            texts = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
            head[[i for i, text in enumerate(texts) if "\ufffd" in text]] = 0
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
