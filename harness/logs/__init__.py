"""What training wrote down about itself: losses, rates and norms over its steps."""

from harness.logs.finding import find_logs, read_training
from harness.logs.merging import merged
from harness.logs.model import Curve, TrainingLog

__all__ = ["Curve", "TrainingLog", "find_logs", "merged", "read_training"]
