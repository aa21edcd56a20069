"""How well people rate: each rater's work, and drift between waves."""

from harness.quality.answers import Answered
from harness.quality.drift import drift
from harness.quality.model import Drift, Hits, RaterQuality, Repeats
from harness.quality.raters import imported_quality, rater_quality

__all__ = [
    "Answered",
    "Drift",
    "Hits",
    "RaterQuality",
    "Repeats",
    "drift",
    "imported_quality",
    "rater_quality",
]
