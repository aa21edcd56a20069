"""Where Chromium is; without one a test skips, but fails where all tests must run."""

import os
import shutil

import pytest


def missing(what):
    """Skip, and say what to install; fail in CI."""
    reason = f"no {what}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def find_chromium():
    """The path of Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    return path or missing("Chromium; install it with: apt-get install chromium")


def find_playwright():
    """Playwright's synchronous interface."""
    try:
        from playwright import sync_api
    except ImportError:
        missing("playwright; install it with: pip install '.[test]'")
    return sync_api
