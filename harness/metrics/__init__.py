"""Metrics: one file each, found by name."""

from harness.metrics.base import (
    Judged,
    LikelihoodMetric,
    MeanMetric,
    Metric,
    Tallied,
    TextMetric,
    Whole,
    metrics,
)
from harness.metrics.bleu import Bleu
from harness.metrics.chrf import ChrF, ChrFPlusPlus
from harness.metrics.exact_match import ExactMatch
from harness.metrics.imported import ImportedMetric
from harness.metrics.perplexity import BitsPerByte, Perplexity
from harness.metrics.rouge import Rouge1, Rouge2, RougeL, RougeLsum
from harness.metrics.specs import build, describe, from_description, names
from harness.metrics.ter import Ter

__all__ = [
    "BitsPerByte",
    "Bleu",
    "ChrF",
    "ChrFPlusPlus",
    "ExactMatch",
    "ImportedMetric",
    "Judged",
    "LikelihoodMetric",
    "MeanMetric",
    "Metric",
    "Perplexity",
    "Rouge1",
    "Rouge2",
    "RougeL",
    "RougeLsum",
    "Tallied",
    "Ter",
    "TextMetric",
    "Whole",
    "build",
    "describe",
    "from_description",
    "metrics",
    "names",
]
