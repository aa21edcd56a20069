"""What tests of all parts share: the human-rated sets, a backend without a model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# The models here are so small that threads which wait for each other by spinning
# cost more than they do, most of all where tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of the public human-rated sets; skips the test where it is absent."""
    root = Path(__file__).parent.parent
    folder = root / os.environ.get("HARNESS_REALDATA", "../shared/data")
    if not (folder / "realsumm" / "outputs.jsonl.gz").is_file():
        pytest.skip(f"no human-rated sets in {folder}; set HARNESS_REALDATA")
    return folder


@pytest.fixture
def echo():
    """A backend that answers with the prompt, in place of that of folders."""
    from fakes import Echo, in_place_of_transformers

    with in_place_of_transformers(Echo()) as backend:
        yield backend
