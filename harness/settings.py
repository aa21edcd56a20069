"""What trainers call their settings, and the one name that each has here."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.types import Json

ALIASES: Mapping[str, tuple[str, ...]] = {
    "learning_rate": ("learning_rate", "lr"),
    "optimizer": ("optim", "optimizer"),
    "scheduler": ("lr_scheduler_type", "lr_scheduler"),
    "warmup_steps": ("warmup_steps", "num_warmup_steps"),
    "warmup_ratio": ("warmup_ratio",),
    "max_steps": ("max_steps", "max_train_steps"),
    "epochs": ("num_train_epochs", "num_epochs", "n_epochs", "epochs"),
    "batch_size": (
        *("per_device_train_batch_size", "micro_batch_size"),
        *("train_batch_size", "batch_size"),
    ),
    "accumulation": ("gradient_accumulation_steps",),
    "devices": ("world_size", "num_processes", "n_gpu", "num_gpus"),
    "max_length": ("max_length", "max_seq_length", "sequence_len", "cutoff_len"),
    "dtype": ("dtype", "torch_dtype"),
    "fp16": ("fp16",),
    "bf16": ("bf16",),
    "deepspeed": ("deepspeed",),
    "model": ("model_name_or_path", "base_model", "base_model_name_or_path"),
    "adapter": ("adapter", "finetuning_type", "peft_type", "use_peft"),
    "preference": ("rl", "stage"),
    "adapter_rank": ("lora_r", "lora_rank", "r"),
    "adapter_alpha": ("lora_alpha",),
    "adapter_targets": ("lora_target_modules", "lora_target", "target_modules"),
    "adapter_all_linear": ("lora_target_linear",),
    "rank_stabilized": ("use_rslora", "peft_use_rslora"),
}
"""Our name to those of TRL and transformers, axolotl, LLaMA-Factory and PEFT, the
first counting most where a file has several."""

NUMBERS = frozenset(
    (
        *("learning_rate", "warmup_steps", "warmup_ratio", "max_steps", "epochs"),
        *("batch_size", "accumulation", "devices", "max_length"),
        *("adapter_rank", "adapter_alpha"),
    )
)
"""Settings that are numbers, also where a file has them as text: YAML 1.1 takes
`2e-4` for a text."""
ELSEWHERE = frozenset(("generation", "eval", "evaluation", "generation_config"))
"""Sections of files whose settings are not those of training."""


def known_settings(values: Mapping[str, Json]) -> dict[str, tuple[str, Json]]:
    """Our name of each setting that is known, to its name in the file and its value.

    Args:
        values: settings of one file, inner keys after a dot. A whole name counts
            more than the last part of one.
    """
    inner: dict[str, str] = {}
    for name in values:
        *sections, last = name.split(".")
        if not ELSEWHERE & set(sections):
            inner.setdefault(last, name)
    found = {}
    for ours, aliases in ALIASES.items():
        for name in (*aliases, *(inner[one] for one in aliases if one in inner)):
            value = _plain(ours, values[name]) if name in values else None
            if value is not None:
                found[ours] = (name, value)
                break
    return found


def _plain(name: str, value: Json) -> Json:
    """The value in the form that it has here; None if it has none."""
    if name not in NUMBERS:
        return None if value in {"", "None", "null"} else value
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    unlimited = name == "max_steps" and number <= 0
    return number if isfinite(number) and not unlimited else None
