"""The study's password: where it comes from, and what is kept of it."""

import os
import sys

import pytest

from harness.errors import UsageError
from ui.password import Password, password_for

EVERYWHERE = "0.0.0.0"  # noqa: S104
RIGHT = "correct horse"


def at_terminal(monkeypatch, *answers):
    """What is typed at a prompt that shows nothing."""
    typed = iter(answers)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))


@pytest.fixture(autouse=True)
def _no_password_set(monkeypatch):
    monkeypatch.delenv("HARNESS_PASSWORD", raising=False)


def test_only_the_password_matches():
    password = Password.of(RIGHT)
    assert password.matches(RIGHT)
    for wrong in ["", "Correct horse", RIGHT + " ", "\ud800", "x" * 100_000]:
        assert not password.matches(wrong)


def test_a_hash_is_kept_that_another_salt_would_make_another():
    one, other = Password.of(RIGHT), Password.of(RIGHT)
    assert one.hash != other.hash
    assert RIGHT.encode() not in one.hash + one.salt
    assert one.hash.hex() not in repr(one)


@pytest.mark.parametrize("text", ["short", "x" * 1025])
def test_a_password_of_odd_length_is_refused(text):
    with pytest.raises(UsageError, match="at least 8 letters"):
        Password.of(text)


@pytest.mark.parametrize("host", [EVERYWHERE, "127.0.0.1"])
def test_the_variable_counts_everywhere_and_is_not_passed_on(monkeypatch, host):
    monkeypatch.setenv("HARNESS_PASSWORD", RIGHT)
    assert password_for(host).matches(RIGHT)
    assert "HARNESS_PASSWORD" not in os.environ


def test_this_machine_alone_needs_none():
    assert password_for("localhost") is None


def test_without_a_terminal_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="environment variable HARNESS_PASSWORD"):
        password_for(EVERYWHERE)


def test_at_a_terminal_it_is_asked_for_twice(monkeypatch):
    at_terminal(monkeypatch, RIGHT, RIGHT)
    assert password_for(EVERYWHERE).matches(RIGHT)
    at_terminal(monkeypatch, RIGHT, "correct house")
    with pytest.raises(UsageError, match="differ"):
        password_for(EVERYWHERE)
