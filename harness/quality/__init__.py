"""How well people rate: each rater's work, and drift between waves."""

from harness.quality.drift import drift
from harness.quality.imported import Imported, imported_quality
from harness.quality.model import Drift, Hits, RaterQuality, Repeats
from harness.quality.raters import rater_quality

__all__ = [
    "Drift",
    "Hits",
    "Imported",
    "RaterQuality",
    "Repeats",
    "drift",
    "imported_quality",
    "rater_quality",
]
