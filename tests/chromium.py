"""Where Chromium is, without which a test skips, but fails where all must run."""

import os
import shutil

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name for this machine that is none of loopback.
    "--host-resolver-rules=MAP rate.example.org 127.0.0.1",
]


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


def hear_console(speaker, complaints):
    """Keep what the console of a page or context says.

    A key that a test presses while a page still loads comes before the element that
    would have had the focus, of which Chromium makes a note.
    """

    def heard(said):
        if not said.text.startswith("Autofocus processing was blocked"):
            complaints.append(said.text)

    speaker.on("console", heard)
