"""What tests of all parts share: human-rated sets, a browser, an echo for a model."""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from pathlib import Path

import pytest

# The models here are so small that threads which wait for each other by spinning
# cost more than they do, most of all where tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Hundreds of processes start here; none is to compile the program and the tests anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What is imported and collected stays to the end; to look through it for garbage again
# and again takes seconds.
gc.disable()


def pytest_collection_modifyitems(items):
    """Put files with long tests first: at the end no process is left alone with one."""
    marks = ("slow", "browser")
    long = {one.path for one in items if any(map(one.get_closest_marker, marks))}
    items.sort(key=lambda one: one.path not in long)


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of the public human-rated sets; skips the test where it is absent."""
    root = Path(__file__).parent.parent
    folder = root / os.environ.get("HARNESS_REALDATA", "../shared/data")
    if not (folder / "realsumm" / "outputs.jsonl.gz").is_file():
        pytest.skip(f"no human-rated sets in {folder}; set HARNESS_REALDATA")
    return folder


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium without a window."""
    from chromium import ARGUMENTS, find_chromium, find_playwright

    path = find_chromium()
    with find_playwright().sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens a page in Chromium, on its own; gives it, complaints and requests."""
    from report_page import opened

    return partial(opened, chromium, tmp_path)


@pytest.fixture
def echo():
    """A backend that answers with the prompt, in place of that of folders."""
    from fakes import Echo, in_place_of_transformers

    with in_place_of_transformers(Echo()) as backend:
        yield backend
