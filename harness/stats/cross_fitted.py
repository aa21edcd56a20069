"""What several metrics together say of a prompt, learned from others' ratings.

Ridge regression with cross-fitting (cross-prediction, Zrnic and Candès 2024, PNAS,
arXiv 2309.16598): each rated prompt is predicted from the other folds, every other
prompt by the mean of all folds' predictions. No metric is chosen by its correlation
with the ratings that it then helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FOLDS = 5
"""Parts of the rated prompts that are predicted in turn."""
PENALTY = 3.0
"""Of squared slopes, for metrics of standard deviation 1."""


def predictions(
    y: Floats, rated: Floats, everyone: Floats, *, base: int, seed: int = 0
) -> tuple[Floats, Floats]:
    """Predictions of the rated prompts and of all prompts, without intercept.

    Args:
        y: (..., n), the ratings.
        rated: (..., n, base + p), columns of the rated prompts.
        everyone: (..., N, base + p), columns of all prompts.
        base: how many of the columns, the first ones, are fitted without penalty and
            left out of the predictions: they are known by design.
        seed: of the random folds.

    Returns:
        (..., n), each from the other folds, and (..., N), the mean of all folds'.

    Raises:
        UsageError: fewer rated prompts than folds.
    """
    n = y.shape[-1]
    if n < FOLDS:
        raise UsageError(f"Cross-fitting needs {FOLDS} rated prompts; there are {n}.")
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    held, every = np.zeros_like(y), np.zeros(everyone.shape[:-1])
    for part in range(FOLDS):
        out = fold == part
        slopes = _ridge(y[..., ~out], rated[..., ~out, :], base)
        held[..., out] = _said(rated[..., out, base:], slopes)
        every += _said(everyone[..., base:], slopes) / FOLDS
    return held, every


def _said(columns: Floats, slopes: Floats) -> Floats:
    return np.asarray((columns @ slopes[..., None])[..., 0])


def _ridge(y: Floats, columns: Floats, base: int) -> Floats:
    """Slopes of the columns beyond `base`."""
    turned = np.swapaxes(columns, -1, -2)
    penalty = np.full(columns.shape[-1], PENALTY)
    penalty[:base] = 0
    inverse = np.linalg.pinv(turned @ columns + np.diag(penalty), hermitian=True)
    return np.asarray((inverse @ turned @ y[..., None])[..., base:, 0])
