"""A model so small that it trains in a moment, with what a training of it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakes import write_task

from harness.demo.model import LONGEST, new_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [f"question {n} => calm question {n}" for n in range(10)]
ROWS = [
    {"id": f"q{n}", "question": f"question {n}", "answer": f"calm question {n}"}
    for n in range(4)
]
METRICS = ["chrf", "perplexity", "distinct_n"]


@dataclass(frozen=True, slots=True)
class Material:
    """What a training begins with."""

    model: Any
    tokenizer: Any
    rows: list[dict[str, list[int]]]
    """Of equal length."""


def material(seed: int = 0) -> Material:
    """A Llama of one layer with dropout, and a few rows."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = new_tokenizer(TEXTS, 300)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=LONGEST,
        attention_dropout=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    ids = tokenizer(TEXTS)["input_ids"]
    length = min(map(len, ids))
    rows = [{"input_ids": one[:length], "labels": one[:length]} for one in ids]
    return Material(model, tokenizer, rows)


def suite(folder: Path, **keys: Any) -> Path:
    """A task whose answers are drawn, for which a seed counts."""
    drawing = {"max_new_tokens": 6, "temperature": 1.0, "samples": 2}
    keys = {"metrics": METRICS, "generation": drawing, **keys}
    return write_task(folder, ROWS, name="questions", **keys)
