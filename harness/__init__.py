"""Tandem: evaluate fine-tuned language models with metrics and people in tandem.

>>> import harness
>>> study = harness.Study("results/demo.db")
>>> study.frame("judgements")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.api import Study

__all__ = ["Study"]


def __getattr__(name: str) -> object:
    # Study brings pandas-sized imports along; `harness --help` must not wait.
    if name == "Study":
        from harness.api import Study

        return Study
    raise AttributeError(f"module 'harness' has no attribute '{name}'")
