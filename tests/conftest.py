"""What tests of all parts share: where the public human-rated sets lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of the public human-rated sets; skips the test where it is absent."""
    root = Path(__file__).parent.parent
    folder = root / os.environ.get("HARNESS_REALDATA", "../shared/data")
    if not (folder / "realsumm" / "outputs.jsonl.gz").is_file():
        pytest.skip(f"no human-rated sets in {folder}; set HARNESS_REALDATA")
    return folder
