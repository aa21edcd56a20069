"""Rating schemes: what people are asked about outputs."""

from harness.schemes.base import Control, Judgement, Option, Scheme, schemes
from harness.schemes.likert import Likert

__all__ = ["Control", "Judgement", "Likert", "Option", "Scheme", "schemes"]
