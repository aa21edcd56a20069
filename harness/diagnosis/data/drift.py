"""Whether held-out prompts look like those in training.

A classifier two-sample test (Lopez-Paz and Oquab 2017, "Revisiting classifier
two-sample tests"): where a simple model can tell the two apart, they differ, and what
it goes by says how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.rules import Rule
from harness.diagnosis.model import Findings, NotChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample

    Numbers = np.ndarray[Any, np.dtype[Any]]

RULE = Rule(
    "representativeness",
    "deepchecks 0.19.1 flags 0.625; measured here: random split 0.53, split by chapter "
    "0.62, by template 0.79, 12 templates 0.99",
    {"notice": 0.625, "warning": 0.85, "failure": 0.9},
    share=False,
    weights={
        "fine": {"unrepresentative_data": -2.0},
        "notice": {"unrepresentative_data": -0.7},
        "warning": {"unrepresentative_data": 1.0},
        "failure": {"unrepresentative_data": 2.5, "narrow_data": 1.0},
    },
)
MOST, LEAST = 1500, 30
"""Prompts of a side."""
FOLDS = 5
GRAMS = (2, 4)
"""Characters of the features."""
MOST_FEATURES = 20_000
LONGEST = 500
"""Characters of a prompt that are looked at."""
TOLD = 8


class Drift(Family):
    """Area under the curve of a classifier of training against held-out prompts."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def findings(self, seen: Seen) -> Findings:
        """Cross-validated, with the features that give the difference away."""
        if not seen.held_out:
            told = "there are no held-out prompts; name them by --held-out"
            return Findings((), (NotChecked(RULE.name, told),))
        if min(len(seen.held_out), len(seen.drawn)) < LEAST:
            told = f"it takes {LEAST} training and {LEAST} held-out prompts"
            return Findings((), (NotChecked(RULE.name, told),))
        own, other = self._some(seen.drawn), self._some(seen.held_out)
        try:
            area, typical, foreign = _apart(own, other)
        except ImportError:
            told = "scikit-learn is not installed: pip install '.[diagnosis]'"
            return Findings((), (NotChecked(RULE.name, told),))
        says = f"a classifier tells training from held-out prompts with AUC {area:.2f}"
        status = RULE.status(area)
        if status != "fine":
            says += (
                f"; held-out have more of {_quoted(foreign)}, training of "
                f"{_quoted(typical)}"
            )
        examples = [seen.example(one, "training") for one in seen.drawn[:1]]
        return Findings((RULE.check(area, says, examples),))

    def _some(self, rows: Sequence[Sample]) -> list[str]:
        places = np.sort(self._random.permutation(len(rows))[:MOST])
        return [rows[place].asked[:LONGEST] for place in places]


def _apart(own: list[str], other: list[str]) -> tuple[float, list[str], list[str]]:
    """The AUC, and the features of the first and of the second side."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    words = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=GRAMS,
        max_features=MOST_FEATURES,
        sublinear_tf=True,
    )
    try:
        features = words.fit_transform([*own, *other])
    except ValueError:  # no text has anything that could be a feature
        return 0.5, [], []
    held_out = np.r_[np.zeros(len(own)), np.ones(len(other))]
    model = LogisticRegression(class_weight="balanced", max_iter=300)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(
        model, features, held_out, cv=folds, method="decision_function"
    )
    weights = model.fit(features, held_out).coef_[0]
    names = words.get_feature_names_out()
    order = np.argsort(weights)
    typical = [str(name) for name in names[order[:TOLD]]]
    foreign = [str(name) for name in names[order[::-1][:TOLD]]]
    return _area(scores, held_out == 1), typical, foreign


def _area(scores: Numbers, positive: Numbers) -> float:
    """Area under the ROC curve: how often a positive is above a negative."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def _quoted(features: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in features) or "nothing"
