"""What intervals of agreement resample, as the report and the command line have it."""

from __future__ import annotations

import json
import sys
from contextlib import closing

import numpy as np
import pytest
from report_study import Maker

from harness.api import Study
from harness.cli import main
from harness.errors import UsageError
from harness.report import report
from harness.reporting import render
from harness.study import StudyFile

WORDS = tuple("abcdefghijklm")


def rated_study(folder, checkpoints, items=12):
    """Checkpoints of rising quality, each output rated by one person."""
    rng = np.random.default_rng(1)
    study = StudyFile(folder / "study.db")
    maker = Maker(study)
    maker.metrics = ("bleu", "chrf")
    maker.items(*((str(n), f"say {n}", (" ".join(WORDS),)) for n in range(items)))
    ratings = {}
    for number in range(checkpoints):
        right = rng.integers(3, 8 + number // 2, size=items)
        texts = {str(n): " ".join([*WORDS[:k], *"xxx"]) for n, k in enumerate(right)}
        maker.checkpoint(f"c{number}", texts, step=number)
        for n, words in enumerate(right):
            rating = np.clip(round(words / 3 + rng.normal()), 1, 5)
            ratings[f"c{number}", str(n)] = float(rating)
    maker.rate("ann", "meaning", ratings)
    return study


def test_from_eight_checkpoints_on_they_are_resampled_and_the_method_says_so(tmp_path):
    with closing(rated_study(tmp_path, 8)) as study:
        told = []
        made = report(
            study,
            draws=20,
            over="both",
            progress=lambda label, done, total: told.append((label, done, total)),
        )
    [task] = json.loads(render(made, "json"))["tasks"]
    bleu = next(one for one in task["agreement"] if one["metric"] == "bleu")
    for part in (bleu["system"], bleu["segment"]["none"], bleu["segment"]["item"]):
        assert (
            "bootstrap of checkpoints and items, 20 draws" in part["kendall"]["method"]
        )
    assert ("metrics against people", 1, 2) in told
    assert ("metrics against people", 2, 2) in told
    assert ("metrics tested by meaning", 1, 1) in told


def test_fewer_are_refused_with_the_metric_and_the_reason(
    tmp_path, monkeypatch, capsys
):
    rated_study(tmp_path, 7).close()
    study = Study(tmp_path / "study.db")
    refusal = "bleu and meaning: Intervals over checkpoints need 8 checkpoints or more"
    with pytest.raises(UsageError, match=f"^{refusal}, and 7 have"):
        study.report(over="both")
    assert study.report(over="items").tasks[0].agreement
    command = ["harness", "report", "--db", str(study.file.path), "--over", "both"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert refusal in capsys.readouterr().err
