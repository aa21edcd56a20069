"""Whether held-out prompts look like those in training.

A classifier two-sample test (Lopez-Paz and Oquab 2017, "Revisiting classifier
two-sample tests"): where a simple model can tell the two apart, they differ, and what
it goes by says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.rules import Rule
from harness.diagnosis.model import Example, Findings, NotChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample

    Numbers = np.ndarray[Any, np.dtype[Any]]

RULE = Rule(
    "representativeness",
    "deepchecks 0.19.1 flags 0.625; measured here: split by chapter 0.63, by template "
    "0.61 to 0.79, 12 templates 1.00 and 0.91",
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
            apart = _Apart.of(_texts(own), _texts(other))
        except ImportError:
            told = "scikit-learn is not installed: pip install '.[diagnosis]'"
            return Findings((), (NotChecked(RULE.name, told),))
        says = f"a classifier tells held-out prompts apart with AUC {apart.area:.2f}"
        if RULE.status(apart.area) != "fine":
            says += (
                f"; held-out have more of {_quoted(apart.foreign)}, training of "
                f"{_quoted(apart.typical)}"
            )
        order = np.argsort(apart.scores, kind="stable")
        least = [one for one in order if one < len(own)][:1]
        most = [one - len(own) for one in order[::-1] if one >= len(own)][:2]
        examples = [seen.example(own[place], "surely training") for place in least]
        for place in most:
            text = seen.example(other[place], "surely held out").text
            examples.append(Example(f"held out, {other[place].line}", text))
        return Findings((RULE.check(apart.area, says, examples),))

    def _some(self, rows: Sequence[Sample]) -> list[Sample]:
        places = np.sort(self._random.permutation(len(rows))[:MOST])
        return [rows[place] for place in places]


@dataclass(frozen=True, slots=True)
class _Apart:
    """How well two sets of texts are told apart, and by what."""

    area: float
    """Under the ROC curve, cross-validated."""
    scores: Numbers
    """Of each text, those of the second set above those of the first."""
    typical: list[str]
    """Features of the first set."""
    foreign: list[str]
    """Features of the second."""

    @classmethod
    def of(cls, own: list[str], other: list[str]) -> _Apart:
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
            return cls(0.5, np.zeros(len(own) + len(other)), [], [])
        held_out = np.r_[np.zeros(len(own)), np.ones(len(other))]
        model = LogisticRegression(class_weight="balanced", max_iter=300)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        scores = cross_val_predict(
            model, features, held_out, cv=folds, method="decision_function"
        )
        order = np.argsort(model.fit(features, held_out).coef_[0])
        names = [str(name) for name in words.get_feature_names_out()]
        typical = [names[place] for place in order[:TOLD]]
        foreign = [names[place] for place in order[::-1][:TOLD]]
        return cls(_area(scores, held_out == 1), scores, typical, foreign)


def _texts(rows: Sequence[Sample]) -> list[str]:
    return [one.asked[:LONGEST] for one in rows]


def _area(scores: Numbers, positive: Numbers) -> float:
    """Area under the ROC curve: how often a positive is above a negative."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def _quoted(features: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in features) or "nothing"
