"""A study with curves, that the tests of all trackers share."""

import pytest
from report_study import Maker, fill

from harness.study import StudyFile


@pytest.fixture
def made(tmp_path):
    """Four checkpoints, rated, and how to add to them."""
    study = StudyFile(tmp_path / "mine.db")
    yield fill(Maker(study), items=6)
    study.close()


@pytest.fixture
def later(made):
    """What adds a checkpoint at step 300."""

    def add(text="a quiet road"):
        wrote = dict.fromkeys(made.made, text)
        made.checkpoint("run-300", wrote, step=300)

    return add


@pytest.fixture
def report_values(made):
    """(step, name) to an estimate, as the report has them."""
    from harness.report import report

    def values():
        [task] = report(made.study).tasks
        name = {info.signature: info.label for info in task.metrics}
        found = {}
        for one in task.checkpoints:
            for signature, value in one.metrics.items():
                found[one.step, f"harness/rewrite/{name[signature]}"] = value
            for criterion, value in one.human.items():
                found[one.step, f"harness/rewrite/human/{criterion}"] = value
        return {key: one for key, one in found.items() if one.value is not None}

    return values
