"""Metrics with the settings that they cannot do without."""

import pytest

from harness.metrics import build

NEEDED = {
    "judge": {"model": "tuned@http://127.0.0.1:9/v1", "rubric": "Is it right?"},
    "regex": {"pattern": "x"},
    "semantic": {"model": "embedder"},
}


@pytest.fixture
def made(tmp_path):
    """A metric by its name, as it is without any setting that can be left out."""
    (tmp_path / "embedder").mkdir()
    (tmp_path / "embedder" / "modules.json").write_text("[]")
    return lambda name: build({name: NEEDED.get(name)}, tmp_path)[0]
