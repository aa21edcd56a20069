"""What the outputs of a checkpoint tell of its training."""

from harness.diagnosis.outputs.checks import check_outputs

__all__ = ["check_outputs"]
