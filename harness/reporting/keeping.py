"""No search for garbage while nearly all that is made is kept."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def keeping_all() -> Iterator[None]:
    """Python looks for no garbage within: of millions of rows it would, in vain.

    What nothing refers to is freed as ever; only rings of references wait.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
