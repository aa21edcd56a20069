"""Names for --keep-best: what they mean is settled before anything is watched."""

import pytest
from fakes import write_task

from harness.errors import NotFound, UsageError
from harness.pruning import Pruning
from harness.task import load_task
from harness.work import prepare


@pytest.fixture
def works(tmp_path):
    metrics = ["chrf", "length_ratio", "bleu", {"bleu": {"tokenize": "intl"}}]
    return [prepare(load_task(write_task(tmp_path, metrics=metrics)))]


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("chrff", NotFound, "Did you mean 'chrf'"),
        ("length_ratio", UsageError, "neither more nor less"),
        ("bleu", UsageError, r"bleu \(tok:13a\); bleu \(tok:intl\)"),
    ],
)
def test_a_name_that_nothing_or_too_much_has_is_refused(works, name, error, says):
    with pytest.raises(error, match=says):
        Pruning.of(works, name)


def test_a_label_and_a_signature_name_one_metric(works):
    signature = works[0].metrics[0].signature
    for name in ("chrf", "bleu (tok:intl)", signature):
        assert Pruning.of(works, name).by == name
