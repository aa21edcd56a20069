"""All checks of what a study's checkpoints wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.diagnosis.model import Check, Findings, NotChecked
from harness.diagnosis.outputs.against import (
    above_base,
    above_copy,
    above_frequent,
    above_nearest,
)
from harness.diagnosis.outputs.lengths import loss_by_length
from harness.diagnosis.outputs.measures import by_similarity, perplexity_alone
from harness.diagnosis.outputs.texts import (
    copied_prompts,
    empty_outputs,
    memorised_outputs,
    one_answer,
    output_length,
    repetition,
    unfinished_outputs,
)

if TYPE_CHECKING:
    from harness.diagnosis.outputs.subject import Subject

CHECKS = {
    "above_copy": above_copy,
    "above_most_frequent_answer": above_frequent,
    "above_nearest_training_answer": above_nearest,
    "above_base_model": above_base,
    "empty_outputs": empty_outputs,
    "unfinished_outputs": unfinished_outputs,
    "output_length": output_length,
    "output_repetition": repetition,
    "one_answer_for_all": one_answer,
    "copied_prompts": copied_prompts,
    "memorised_outputs": memorised_outputs,
    "perplexity_against_task_metrics": perplexity_alone,
    "scores_by_similarity": by_similarity,
    "loss_by_length": loss_by_length,
}
"""Name to what makes the check, or says what the study lacks for it."""


def check_outputs(subject: Subject) -> Findings:
    """What the outputs of the last checkpoint show."""
    found = {name: check(subject) for name, check in CHECKS.items()}
    return Findings(
        tuple(one for one in found.values() if isinstance(one, Check)),
        tuple(
            NotChecked(name, one)
            for name, one in found.items()
            if not isinstance(one, Check)
        ),
    )


def named_by_task(findings: Findings, task: str) -> Findings:
    """The findings with the task in each name, where a study has several."""
    return Findings(
        tuple(replace(one, name=f"{one.name}:{task}") for one in findings.checks),
        tuple(replace(one, name=f"{one.name}:{task}") for one in findings.not_checked),
    )
