"""Studies to report on."""

from __future__ import annotations

import numpy as np
import pytest
from report_study import Maker, fill
from reported_studies import (
    RATERS,
    a_compared_study,
    a_compared_study_with_odd,
    a_run,
    later_wins,
    study_of,
)

from harness.logs import Curve, TrainingLog
from harness.report import report
from harness.reporting import render
from harness.study import StudyFile
from harness.study.training_logs import store_log

HOSTILE = (
    "</script><script>alert(1)</script>|<img src=x onerror=alert(1)>\n# [a](http://x.y)"
)
"""What must stay text in every rendering."""


@pytest.fixture
def maker(tmp_path):
    """An empty study to fill."""
    study = StudyFile(tmp_path / "study.db")
    yield Maker(study)
    study.close()


@pytest.fixture(scope="session")
def rated(tmp_path_factory):
    """A report on four checkpoints, seven metrics and two criteria, by two people."""
    study = StudyFile(tmp_path_factory.mktemp("rated") / "study.db")
    made = report(fill(Maker(study)).study, draws=100)
    study.close()
    return made


@pytest.fixture(scope="session")
def rated_page(rated):
    """The page of that report."""
    return render(rated, "html")


@pytest.fixture(scope="session")
def telling(rated, tmp_path_factory):
    """Reports that together have all parts."""
    folder = tmp_path_factory.mktemp("telling")
    compared, _ = a_compared_study(folder / "pairs.db", "pairwise", later_wins)
    studies = {
        "partings": a_run(Maker(StudyFile(folder / "partings.db"))).study,
        "comparisons": compared,
        "careless comparisons": a_compared_study_with_odd(folder / "odd.db"),
        "careless": study_of(folder / "careless", RATERS, careless=True),
    }
    loss = Curve("train_loss", np.array([1, 2]), np.array([3.0, np.nan]))
    log = TrainingLog("log", "csv", {loss.name: loss})
    store_log(studies["partings"], "run", "/run", log)
    made = {name: report(study, draws=50) for name, study in studies.items()}
    for study in studies.values():
        study.close()
    return {"two criteria": rated, **made}


@pytest.fixture
def hostile(maker):
    """A report on outputs, names, prompts and criteria that would be markup."""
    rows = [(f"{n}{HOSTILE}", f"{HOSTILE} {n}", (f"{HOSTILE} {n}",)) for n in range(6)]
    maker.metrics = ("bleu", "exact_match")
    maker.items(*rows)
    for step in (1, 2):
        texts = {
            key: f"\x1b[31m\u202e {HOSTILE} {(n * step) % 4}"
            for n, (key, *_) in enumerate(rows)
        }
        maker.checkpoint(f"{HOSTILE}{step}", texts, step=step, series=f"run{HOSTILE}")
    for rater in ("ann", "ben"):
        maker.rate(
            rater,
            f"good{HOSTILE}",
            {
                (f"{HOSTILE}{step}", key): 1.0 + (3 * n + step + len(rater) * n) % 5
                for step in (1, 2)
                for n, (key, *_) in enumerate(rows)
            },
        )
    return report(maker.study, draws=50)
