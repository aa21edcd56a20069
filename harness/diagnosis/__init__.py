"""Why a fine-tune is not learning: checks of what there is, and causes from them."""

from harness.diagnosis.model import (
    CAUSES,
    Area,
    Cause,
    Check,
    Diagnosis,
    Example,
    Findings,
    NotChecked,
    Status,
)

__all__ = [
    "CAUSES",
    "Area",
    "Cause",
    "Check",
    "Diagnosis",
    "Example",
    "Findings",
    "NotChecked",
    "Status",
]
