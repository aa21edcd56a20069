"""Metrics: one file each, found by name."""

from harness.metrics.accuracy import Accuracy
from harness.metrics.as_evaluate import as_evaluate
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
from harness.metrics.copy_rate import CopyRate
from harness.metrics.distinct_n import DistinctN
from harness.metrics.exact_match import ExactMatch
from harness.metrics.f1 import F1
from harness.metrics.imported import ImportedMetric
from harness.metrics.json_schema import JsonSchema
from harness.metrics.judge import Judge
from harness.metrics.length_ratio import LengthRatio
from harness.metrics.numeric import Numeric
from harness.metrics.pass_at_k import PassAtK
from harness.metrics.perplexity import BitsPerByte, Perplexity
from harness.metrics.regex import Regex
from harness.metrics.repetition import Repetition
from harness.metrics.rouge import Rouge1, Rouge2, RougeL, RougeLsum
from harness.metrics.semantic import Semantic
from harness.metrics.specs import build, describe, from_description, names
from harness.metrics.ter import Ter

__all__ = [
    "F1",
    "Accuracy",
    "BitsPerByte",
    "Bleu",
    "ChrF",
    "ChrFPlusPlus",
    "CopyRate",
    "DistinctN",
    "ExactMatch",
    "ImportedMetric",
    "JsonSchema",
    "Judge",
    "Judged",
    "LengthRatio",
    "LikelihoodMetric",
    "MeanMetric",
    "Metric",
    "Numeric",
    "PassAtK",
    "Perplexity",
    "Regex",
    "Repetition",
    "Rouge1",
    "Rouge2",
    "RougeL",
    "RougeLsum",
    "Semantic",
    "Tallied",
    "Ter",
    "TextMetric",
    "Whole",
    "as_evaluate",
    "build",
    "describe",
    "from_description",
    "metrics",
    "names",
]
