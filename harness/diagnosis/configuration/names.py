"""Whose settings they are, by what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FRAMEWORKS: Mapping[str, tuple[str, ...]] = {
    "axolotl": ("micro_batch_size", "sequence_len"),
    "LLaMA-Factory": ("finetuning_type", "cutoff_len"),
    "transformers or TRL": ("per_device_train_batch_size", "output_dir"),
}
"""Names that tell whose settings they are; all of these train with AdamW unless they
are told otherwise."""


def framework_of(names: Iterable[str]) -> str | None:
    """Whose settings have these names; None where that cannot be told."""
    known = set(names)
    found = (one for one, marks in FRAMEWORKS.items() if known & set(marks))
    return next(found, None)
