"""Work is read and checked before anything runs; what is wrong names its line."""

import pytest
from fakes import write_task

from harness.errors import InputError, MetricError
from harness.task import load_task
from harness.work import prepare


def test_a_metric_that_cannot_be_loaded_names_its_line(tmp_path, monkeypatch):
    def fails(*_):
        raise MetricError("wer", "is not on this machine")

    monkeypatch.setattr("harness.work.build", fails)
    task = load_task(write_task(tmp_path, metrics=["evaluate:wer"]))
    message = r"task\.yaml:\d+: Metric 'wer' is not on this machine"
    with pytest.raises(InputError, match=message):
        prepare(task)
