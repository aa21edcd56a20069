"""What training wrote down about itself: losses, rates and norms over its steps."""

from harness.logs.model import Curve, TrainingLog

__all__ = ["Curve", "TrainingLog"]
