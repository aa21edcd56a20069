"""What people's ratings tell of the metrics that training is steered by."""

from harness.diagnosis.people.checks import check_people

__all__ = ["check_people"]
