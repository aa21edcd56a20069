"""The study's package of SQLite brings pandas along only where that is there."""

import subprocess
import sys

import pytest

IMPORTED = "'pandas.core' in sys.modules"


def said(*lines):
    """What a new process prints that runs these lines."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(["import sys", *lines])],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture
def opened(tmp_path):
    """Lines that open a study."""
    file = str(tmp_path / "a.db")
    return ("from harness.study import StudyFile", f"StudyFile({file!r})")


def test_a_study_is_opened_without_pandas_which_can_be_imported_later(opened):
    lines = [
        *opened,
        f"print({IMPORTED})",
        "import pandas",
        f"print({IMPORTED}, pandas.DataFrame().empty)",
    ]
    assert said(*lines) == ["False", "True", "True"]


@pytest.mark.parametrize(
    "before",
    [
        ("import pandas",),
        # It could be importing pandas at that moment.
        (
            "from threading import Event, Thread",
            "Thread(target=Event().wait, daemon=True).start()",
        ),
    ],
    ids=["imported before", "another thread"],
)
def test_pandas_is_hidden_from_nobody_else(before, opened):
    assert said(*before, *opened, f"print({IMPORTED})") == ["True"]
