"""A diagnosis as JSON, in a form that stays as it is over versions."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.diagnosis.model import Cause, Check, Diagnosis
    from harness.types import Json


def json_text(diagnosis: Diagnosis) -> str:
    """As `diagnosis_json`, written out."""
    found = diagnosis_json(diagnosis)
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Json]:
    """Causes, checks and what was not checked; numbers that are none are null."""
    return {
        "causes": [_cause(one) for one in diagnosis.causes],
        "checks": [_check(one) for one in diagnosis.checks],
        "not_checked": [
            {"name": one.name, "reason": one.reason} for one in diagnosis.not_checked
        ],
    }


def _cause(cause: Cause) -> dict[str, Json]:
    return {
        "cause": cause.cause,
        "alternatives": list(cause.alternatives),
        "confidence": cause.confidence,
        "evidence": [
            {
                "check": check.name,
                "area": check.area,
                "says": check.says,
                "examples": [
                    {"where": one.where, "text": one.text} for one in check.examples
                ],
            }
            for check in cause.evidence
        ],
        "refute": cause.refute,
        "next": cause.next,
    }


def _check(check: Check) -> dict[str, Json]:
    value = check.value
    known = not isinstance(value, float) or math.isfinite(value)
    return {
        "name": check.name,
        "status": check.status,
        "value": value if known else None,
        "threshold": check.threshold,
        "source": check.source,
    }
