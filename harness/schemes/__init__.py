"""Rating schemes: what people are asked about outputs."""

from harness.schemes.base import Control, Judgement, Option, Scheme, Span, schemes
from harness.schemes.likert import Likert
from harness.schemes.pairwise import Pairwise
from harness.schemes.ranking import Ranking
from harness.schemes.slider import Slider
from harness.schemes.spans import Spans

__all__ = [
    "Control",
    "Judgement",
    "Likert",
    "Option",
    "Pairwise",
    "Ranking",
    "Scheme",
    "Slider",
    "Span",
    "Spans",
    "schemes",
]
