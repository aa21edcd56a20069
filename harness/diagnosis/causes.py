"""The causes that can be named: what each means, what refutes it, what to try."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.diagnosis.model import CauseName


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a cause, whatever run shows it."""

    means: str
    """What it is, as a heading."""
    refute: str
    """What would show that it is not the cause."""
    next: str
    """The cheapest experiment, where no neighbour is in doubt."""
    apart: Mapping[CauseName, str] = field(default_factory=dict)
    """Neighbour to the cheapest experiment that tells the two apart."""
    roots: tuple[CauseName, ...] = ()
    """Causes that it may be a mere symptom of, and then comes after."""


RATE_DOWN = "Run a third of the learning rate for 100 steps: {}"
LESS_HELPS = "lower loss means it was too high, higher that it was not."
HALVE = (
    "Train on half of the examples for as many steps: if the held-out loss hardly "
    "changes, {}"
)

KNOWN: dict[CauseName, Known] = {
    "narrow_data": Known(
        means="examples differ in little but numbers, dates and names",
        refute="Held-out prompts have as few templates as the training data.",
        next=HALVE.format(
            "the rows add nothing; write examples of other wording before more rows."
        ),
        apart={
            "too_few_examples": "Take one row of each template and train on those "
            "alone: the same held-out loss means that the other rows add nothing."
        },
    ),
    "too_few_examples": Known(
        means="too few different examples for the task",
        refute="Half of the examples give the same held-out loss.",
        next=HALVE.format("more will not help; else collect twice as many."),
        apart={
            "overfitting": "Stop at the lowest held-out loss: if outputs stay poor "
            "there, examples are missing."
        },
        roots=("narrow_data", "duplicate_data"),
    ),
    "label_noise": Known(
        means="many answers in the training data are wrong",
        refute="Fifty training rows drawn at random have right answers.",
        next="Read the answers of 50 training rows drawn at random, and those with "
        "the highest loss under the trained model.",
        apart={
            "conflicting_targets": "Read pairs of equal prompts with different "
            "answers: both may be right."
        },
    ),
    "truncation": Known(
        means="examples are cut before their answers end",
        refute="With the real tokenizer and template no answer is cut.",
        next="Count the answer tokens that are left after cutting, then train 100 "
        "steps with a limit that keeps 99 % of the examples whole.",
        apart={
            "missing_end_marker": "Raise the length limit: outputs that still do "
            "not stop lack the marker."
        },
    ),
    "leakage": Known(
        means="held-out prompts stand in the training data",
        refute="Held-out prompts far from any training prompt score as well.",
        next="Score the held-out prompts without those that the training data have.",
    ),
    "unrepresentative_data": Known(
        means="training prompts are unlike those that are asked",
        refute="The model does as well on held-out rows that look least like the "
        "training data.",
        next="Add 50 examples of the kind that is asked, and train 100 steps more.",
        apart={
            "narrow_data": "Look at the features that tell the two sets apart: a "
            "few fixed phrases mean narrow data."
        },
    ),
    "learning_rate_too_high": Known(
        means="the learning rate is too high",
        refute="A third of the rate gives no lower loss after 100 steps.",
        next=RATE_DOWN.format(LESS_HELPS),
        apart={
            "under_trained": RATE_DOWN.format(
                "lower loss means it was too high; higher, that the run needs more "
                "steps."
            ),
            "learning_rate_too_low": RATE_DOWN.format(
                "lower loss means it was too high, higher that it was too low."
            ),
            "no_warmup": "Run 100 steps with the rate warmed up over the first 10: "
            "if that mends it, the rate itself may stay.",
        },
    ),
    "learning_rate_too_low": Known(
        means="the learning rate is too low",
        refute="Three times the rate gives no lower loss after 100 steps.",
        next="Run ten times the learning rate for 100 steps: a loss that falls much "
        "faster means it was too low.",
        apart={
            "under_trained": "Run ten times the learning rate for 100 steps: if the "
            "loss rises, the rate was right and the run too short."
        },
    ),
    "under_trained": Known(
        means="training ended before the loss did",
        refute="Twice as many steps give no lower held-out loss.",
        next="Train on from the last checkpoint for as many steps again.",
        apart={
            "learning_rate_too_high": RATE_DOWN.format(
                "lower loss means the rate was too high; higher, that the run needs "
                "more steps."
            ),
            "learning_rate_too_low": "Run three times the learning rate for 100 "
            "steps: a loss that falls faster means the rate was too low.",
        },
    ),
    "overfitting": Known(
        means="it learns the training data by heart",
        refute="The held-out loss of the last checkpoint is within noise of the "
        "lowest.",
        next="Evaluate the checkpoint with the lowest held-out loss; then train "
        "fewer epochs.",
        apart={
            "too_few_examples": HALVE.format(
                "train less; if it rises, more examples help."
            )
        },
        roots=(
            *("narrow_data", "too_few_examples", "duplicate_data"),
            *("truncation", "unrepresentative_data"),
        ),
    ),
    "diverged": Known(
        means="training made the model worse than it began",
        refute="The held-out loss of the untouched base model is higher.",
        next="Evaluate the base model on the same file, then run a tenth of the "
        "learning rate with warm-up for 100 steps.",
        roots=(
            *("learning_rate_too_high", "no_warmup", "narrow_data"),
            *("too_few_examples", "overfitting"),
        ),
    ),
    "non_finite": Known(
        means="losses or gradients are no numbers",
        refute="The same data in float32 give the same at the same step.",
        next="Run 20 steps in float32 or bfloat16: if they stay finite, it was the "
        "precision; if not, the batch of the first bad step.",
        apart={
            "learning_rate_too_high": "Run 20 steps in float32 at the same rate: if "
            "they stay finite, it was the precision."
        },
    ),
    "no_warmup": Known(
        means="the first steps are taken at the full learning rate",
        refute="A run with 5 % of warm-up steps ends at the same loss.",
        next="Run again with 5 % of the steps as warm-up.",
        apart={
            "learning_rate_too_high": "Run 100 steps with warm-up at the same rate: "
            "if the loss is no lower, the rate is too high."
        },
    ),
    "batch_too_small": Known(
        means="too few examples in each optimizer step",
        refute="Four times the gradient accumulation gives no lower loss for as many "
        "examples.",
        next="Accumulate gradients over four times as many batches for 100 steps.",
        apart={
            "learning_rate_too_high": RATE_DOWN.format(
                "it calms the loss in both cases; if four times the batch does, too, "
                "the batch was too small."
            )
        },
    ),
    "malformed_data": Known(
        means="rows of the training data are not what the trainer expects",
        refute="The rows named here reach the model as they should: print their "
        "tokens and labels.",
        next="Mend or drop the rows that are named (`harness check-data FILE --clean "
        "OUT`) and print one whole batch with its labels.",
    ),
    "duplicate_data": Known(
        means="many rows are the same",
        refute="The repeats are wanted, and their share is right.",
        next="Train on the rows without repeats for as many steps.",
        roots=("narrow_data",),
    ),
    "conflicting_targets": Known(
        means="equal prompts have different answers",
        refute="The task is open, and all of the answers are good ones.",
        next="Decide for each prompt which answer is right; the agreement of the "
        "answers is the most that exact match can reach.",
        apart={
            "label_noise": "Read 50 rows drawn at random: wrong answers where "
            "prompts do not repeat mean noise."
        },
    ),
    "missing_end_marker": Known(
        means="the model is not taught where an answer ends",
        refute="The last token of each label is the one that generation stops at.",
        next="Print the labels of one batch: the end-of-turn token must be among them.",
        apart={
            "truncation": "Count answers that the length limit cuts: if there are "
            "none, the marker is missing."
        },
        roots=("truncation",),
    ),
    "worse_than_baseline": Known(
        means="trivial answers do better than the model",
        refute="On a larger held-out set the model is ahead of the trivial answer.",
        next="Overfit one batch: if its answers cannot be learned, the pipeline is "
        "at fault rather than the data.",
        roots=(
            *("narrow_data", "too_few_examples", "label_noise", "truncation"),
            *("unrepresentative_data", "learning_rate_too_high", "no_warmup"),
            *("learning_rate_too_low", "under_trained", "overfitting", "diverged"),
            *("non_finite", "malformed_data", "conflicting_targets"),
            *("missing_end_marker", "leakage"),
        ),
    ),
    "metric_misleads": Known(
        means="the metric does not see what people see",
        refute="More ratings of the outputs named here side with the metric.",
        next="Choose checkpoints by ratings, or by the metric that agrees best with "
        "them; rate 30 more of the outputs that the metric praises.",
    ),
}
"""In the order of the documentation."""
