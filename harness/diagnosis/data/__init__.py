"""What is wrong with training data: one family of checks a file."""

from harness.diagnosis.data.checking import check_data, similarities
from harness.diagnosis.data.leakage import by_bucket

__all__ = ["by_bucket", "check_data", "similarities"]
