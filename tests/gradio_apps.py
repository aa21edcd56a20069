"""Gradio's apps, two thirds of which are never served and need not be made."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest


@contextmanager
def only_mounted():
    """Of each page Gradio makes only the app that it mounts.

    It makes two more while the page is put together, each with a hundred routes, and
    puts them aside; making them takes most of the time in which a server starts.
    """
    from gradio import blocks

    none = SimpleNamespace(create_app=lambda *_, **__: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "App", none)
        yield
