"""Tests that need a browser: skipped with a hint here, never where all must run."""

import pytest
from chromium import find_chromium


@pytest.fixture(autouse=True)
def _no_browser(monkeypatch):
    monkeypatch.setenv("PATH", "")


def test_without_chromium_a_test_skips_and_says_what_to_install(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        find_chromium()


def test_where_all_tests_must_run_a_missing_chromium_is_a_failure(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        find_chromium()
