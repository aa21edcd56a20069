"""The study's password, for raters on other machines: kept as a hash alone."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import os
import secrets
import sys
from dataclasses import dataclass, field
from typing import Self

from harness.errors import UsageError
from ui.site import is_local

VARIABLE = "HARNESS_PASSWORD"
FEWEST_LETTERS = 8
MOST_BYTES = 1024
# About 50 ms and 16 MiB for each attempt (RFC 7914 suggests these for logins).
COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class Password:
    """What an entered password is compared with."""

    salt: bytes = field(repr=False)
    """Random, so that equal passwords have different hashes."""
    hash: bytes = field(repr=False)
    """By scrypt (Percival 2009)."""

    @classmethod
    def of(cls, text: str) -> Self:
        """The password, hashed.

        Raises:
            UsageError: it is too short or too long.
        """
        size = len(text.encode("utf-8", "replace"))
        if len(text) < FEWEST_LETTERS or size > MOST_BYTES:
            raise UsageError(
                f"The password must have at least {FEWEST_LETTERS} letters and at most "
                f"{MOST_BYTES} bytes."
            )
        salt = secrets.token_bytes(16)
        return cls(salt, _scrypt(text, salt))

    def matches(self, text: str) -> bool:
        """Whether it is the same; takes equally long for right and wrong ones."""
        return hmac.compare_digest(self.hash, _scrypt(text, self.salt))


def password_for(host: str) -> Password | None:
    """The password that opening a link asks for, from HARNESS_PASSWORD or a prompt.

    None where there is none and none is needed, as other machines cannot reach the
    host. The variable is taken out of the environment, which programs that are started
    from here inherit.

    Raises:
        UsageError: others can reach the host, and there is no password.
    """
    text = os.environ.pop(VARIABLE, "")
    if text:
        return Password.of(text)
    if is_local(host):
        return None
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            f"{host} can be reached from other machines, so that raters must give a "
            f"password. Set one in the environment variable {VARIABLE}, or start at a "
            "terminal to be asked for one. Without a password: leave --host out, and "
            "let raters elsewhere in through an SSH tunnel."
        )
    text = getpass.getpass("Password for raters: ")
    password = Password.of(text)
    if getpass.getpass("Once more: ") != text:
        raise UsageError("The two passwords differ. Start again.")
    return password


def _scrypt(text: str, salt: bytes) -> bytes:
    return hashlib.scrypt(text.encode("utf-8", "replace"), salt=salt, **COST)
