"""How well people rate: each rater's work, and drift between waves."""

from harness.quality.model import Drift, Hits, RaterQuality, Repeats

__all__ = ["Drift", "Hits", "RaterQuality", "Repeats"]
