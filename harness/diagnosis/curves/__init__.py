"""What the curves of a training run tell of it."""

from harness.diagnosis.curves.checks import check_curves

__all__ = ["check_curves"]
