"""The models and texts that benchmarks work on, the same at every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

PROMPTS = 200
VOCABULARY = 4096
END = "<|endoftext|>"


def gpt2_checkpoint(folder: Path) -> Path:
    """A random GPT-2: 6 layers, 384 wide, byte-level tokenizer of 4,096 tokens."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_byte_pairs(), bos_token=END, eos_token=END
    )
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_layer=6,
        n_embd=384,
        n_head=6,
        n_positions=1024,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def rows_of_gpt2() -> list[dict[str, str]]:
    """Prompts of one to nine verses, each with the verse after them as target."""
    verses = _verses()
    rng = np.random.default_rng(0)
    rows = []
    for begin in rng.choice(len(verses) - 10, size=PROMPTS, replace=False):
        length = int(rng.integers(1, 10))
        prompt = " ".join(verses[begin : begin + length])
        target = f" {verses[begin + length]}"
        rows.append({"prompt": prompt, "target": target, "document": prompt + target})
    return rows


def demo_checkpoints(folder: Path) -> list[Path]:
    """The five checkpoints of the demo's fine-tune, trained unless they are there."""
    from harness.demo.finetune import fine_tune

    return fine_tune(folder)


def rows_of_demo() -> list[dict[str, str]]:
    """The demo's held-out verses."""
    from harness.task import load_items, load_tasks

    [task] = load_tasks("modernize")
    return [
        {
            "prompt": item.prompt,
            "target": item.references[0],
            "document": item.prompt + item.references[0],
        }
        for item in load_items(task)[:PROMPTS]
    ]


def _verses() -> list[str]:
    """Verses of the King James Bible in their order."""
    from harness.demo.tasks import task_data

    return [row["source"] for row in task_data("modernize").training_pairs()]


def _byte_pairs() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.trainers import BpeTrainer

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces.train_from_iterator(_verses(), trainer)
    return pieces
