"""How well people rate: each rater's work, and drift between waves."""

from harness.quality.drift import drift
from harness.quality.model import Drift, Hits, RaterQuality, Repeats
from harness.quality.raters import rater_quality

__all__ = ["Drift", "Hits", "RaterQuality", "Repeats", "drift", "rater_quality"]
