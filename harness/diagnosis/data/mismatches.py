"""Whether answers fit their prompts better than the answers of other rows do.

For a sample of rows a linear model on character n-grams says which answers fit a
prompt: one part predicts the answer from prompts of other rows (kernel ridge
regression), the other counts what prompt and answer share. A row's p-value is the share
of other rows' answers that fit its prompt better. Answers that belong to other prompts
have evenly spread p-values, so that twice the share above one half estimates how many
there are (Storey 2002, "A direct approach to false discovery rates"; here of answers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.data.family import Family
from harness.diagnosis.data.rules import Rule, percent
from harness.diagnosis.model import Findings, NotChecked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Check

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

RULE = Rule(
    "mismatched_answers",
    "Storey 2002; measured here: 0 % of verses and commands, 50 and 52 % with half the "
    "answers shuffled, 20 % with a fifth; shares ours",
    {"notice": 0.05, "warning": 0.1, "failure": 0.25},
    weights={
        "fine": {"label_noise": -1.5},
        "warning": {"label_noise": 1.5},
        "failure": {"label_noise": 3.5},
    },
)
MOST, LEAST = 2000, 200
"""Rows that are looked at."""
LONGEST = 400
"""Characters of a prompt, and of an answer."""
GRAMS = (2, 4)
MOST_FEATURES = 30_000
RIDGE = 1.0
FITTING, LEAST_FITTING = 0.02, 0.2
"""The p-value below which an answer surely fits, and the least share of such rows:
where few answers can be told from others by their letters, nothing can be said."""
LEVEL = 1.6
"""Unevenness of p-values above 0.3, as a quotient of densities, from which on it is
weak fit rather than mismatch that raises them."""


class Mismatches(Family):
    """The estimated share of answers that belong to other prompts."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def findings(self, seen: Seen) -> Findings:
        """From a sample; a notice at most where most answers fit loosely."""
        rows = [one for one in seen.drawn if one.plain_prompt and one.plain_answer]
        if len(rows) < LEAST:
            told = f"it takes {LEAST} different rows with prompt and answer"
            return Findings((), (NotChecked(RULE.name, told),))
        places = self._random.permutation(len(rows))[:MOST]
        some = [rows[place] for place in places]
        try:
            p = fits(
                [one.plain_prompt[-LONGEST:] for one in some],
                [one.plain_answer[:LONGEST] for one in some],
            )
        except ImportError:
            told = "scikit-learn is not installed: pip install '.[diagnosis]'"
            return Findings((), (NotChecked(RULE.name, told),))
        fitting = float((p < FITTING).mean())
        if fitting < LEAST_FITTING:
            told = (
                f"only {percent(fitting)} of answers can be told by their letters to "
                "fit their prompts, so that no mismatch would show"
            )
            return Findings((), (NotChecked(RULE.name, told),))
        return Findings((self._check(seen, some, p),))

    def _check(self, seen: Seen, rows: Sequence[Sample], p: Numbers) -> Check:
        share = min(1.0, 2 * float((p > 0.5).mean()))  # noqa: PLR2004 - see above
        status = RULE.status(share)
        says = (
            f"an estimated {percent(share)} of answers fit their prompt no better than "
            "those of other rows"
        )
        low, high = ((p > 0.3) & (p <= 0.65)).mean(), (p > 0.65).mean()  # noqa: PLR2004
        if status != "fine" and low > LEVEL * high:
            status = "notice"
            says += ", but most answers fit loosely, so that it may be the task"
        worst = np.argsort(-p, kind="stable")[:3]
        examples = [seen.example(rows[place]) for place in worst]
        return RULE.check(share, says, examples, status=status)


def fits(prompts: Sequence[str], answers: Sequence[str]) -> Numbers:
    """For each row the share of other rows' answers that fit its prompt better.

    Each half of the rows is judged by what the other half teaches.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=GRAMS,
        max_features=MOST_FEATURES,
        sublinear_tf=True,
        dtype=np.float32,
    )
    n = len(prompts)
    try:
        features = words.fit_transform([*prompts, *answers])
    except ValueError:  # no text has anything that could be a feature
        return np.full(n, 0.5)
    asked, told = features[:n], features[n:]
    halves = slice(0, n // 2), slice(n // 2, n)
    return np.concatenate(
        [
            _fits(asked, told, learned, judged)
            for judged, learned in (halves, halves[::-1])
        ]
    )


def _fits(asked: Any, told: Any, learned: slice, judged: slice) -> Numbers:
    kernel = (asked[learned] @ asked[learned].T).toarray()
    kernel[np.diag_indices_from(kernel)] += RIDGE
    alike = (told[learned] @ told[judged].T).toarray()
    predicted = (asked[judged] @ asked[learned].T) @ np.linalg.solve(kernel, alike)
    shared = (asked[judged] @ told[judged].T).toarray()
    fit = _standard(predicted) + _standard(shared)
    own = np.diag(fit)[:, None]
    # Answers that are equal fit equally well, and count half.
    better = (fit > own).mean(axis=1) + (fit == own).mean(axis=1) / 2
    return np.asarray(better, dtype=np.float64)


def _standard(table: Any) -> Any:
    """Scores less what an answer gets from all prompts, in each prompt's own scale."""
    for axis in (0, 1):
        table = table - table.mean(axis=axis, keepdims=True)
        table /= table.std(axis=axis, keepdims=True) + 1e-9
    return table
