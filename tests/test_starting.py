"""What every command does first, seen in a process of its own."""

import os
import subprocess
import sys

import pytest


def at_the_end(expression, *, at_exit=False, **given):
    """What an expression is worth after `harness --help`, or as its process ends."""
    # Handlers run in the opposite order: ours looks at what the command's has done.
    code = (
        "import atexit, gc, os, sys; sys.argv = ['harness', '--help']\n"
        f"show = lambda: print({expression})\n"
        f"if {at_exit}: atexit.register(show)\n"
        "from harness.cli import main\n"
        "try: main()\n"
        f"except SystemExit: {at_exit} or show()"
    )
    known = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=known | given,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("given", "expected"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")]
)
def test_threads_that_wait_leave_the_processor_to_others(given, expected):
    # A model's threads would otherwise slow each other down on a busy machine.
    assert at_the_end("os.environ['OMP_WAIT_POLICY']", **given) == expected


def test_garbage_is_still_searched_for_but_less_often():
    assert at_the_end("gc.isenabled(), gc.get_threshold()[0] > 10_000") == "True True"


def test_the_end_is_not_spent_on_searches_for_garbage():
    assert at_the_end("gc.get_freeze_count() > 1000", at_exit=True) == "True"
