"""Names of metrics for readers, short of their signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def labels(signatures: Sequence[str]) -> dict[str, str]:
    """Signature to the shortest name that no other signature has.

    The first part alone where it is unique, else with the first settings that tell it
    from all others.
    """
    parts = {signature: signature.split("|") for signature in signatures}
    found = {}
    for signature, (name, *settings) in parts.items():
        twins = [
            set(others)
            for other, (its_name, *others) in parts.items()
            if its_name == name and other != signature
        ]
        own = []
        for setting in settings:
            if any(setting not in twin for twin in twins):
                own.append(setting)
                twins = [twin for twin in twins if setting in twin]
        found[signature] = f"{name} ({', '.join(own)})" if own else name
    return found


def named(signatures: Sequence[str], name: str) -> dict[str, str]:
    """Signature to label of the metrics that a name means.

    That with this label or signature; else all whose signature begins with the name.
    """
    short = labels(signatures)
    found = {sig: label for sig, label in short.items() if name in {sig, label}}
    return found or {s: t for s, t in short.items() if s.partition("|")[0] == name}
