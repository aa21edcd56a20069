"""The loss that training logged beside that of whole answers in the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.curves.course import course_of
from harness.diagnosis.model import Check, Findings, NotChecked
from harness.diagnosis.outputs.likelihoods import nats_left, share
from harness.diagnosis.outputs.subject import DRAWS
from harness.stats.bootstrap import corpus_estimate

if TYPE_CHECKING:
    from harness.diagnosis.outputs.subject import Subject
    from harness.logs import TrainingLog

NAME = "loss_of_whole_answers"
FEWEST = 20
"""Items whose mean loss is believed."""
MORE, SURELY = 0.1, 0.05
"""Share of the base model's loss that is left in the study more than in the log: its
value, and the lower end of its interval. Two held-out sets of one kind differ, too."""
NEEDED = (
    "it needs held-out losses from step 0 on (--log FILE) and perplexity of "
    f"{FEWEST} items at the first and last checkpoint (--db STUDY)"
)


def check_whole_answers(log: TrainingLog | None, subject: Subject | None) -> Findings:
    """Whether the trainer's held-out loss fell further than that of whole answers.

    A limit in tokens cuts the trainer's held-out rows, too, so that its loss is that of
    their beginnings; the study has the loss of answers up to their end. Each is taken
    as a share of what it was before the first step. A log of rows that are easier than
    the study's, such as leaked ones, parts from it as well.
    """
    held_out = None if log is None else course_of(log).held_out
    nats = {} if subject is None else nats_left(subject)
    if held_out is None or subject is None or len(nats) < FEWEST:
        return Findings(not_checked=(NotChecked(NAME, NEEDED),))
    begun = 0 if subject.base is None else subject.base.step or 0
    ended = subject.last.step
    before = held_out.at(begun)
    after = held_out.last if ended is None else held_out.at(ended)
    if held_out.steps[0] > begun or before <= 0:
        return Findings(not_checked=(NotChecked(NAME, NEEDED),))
    logged = after / before
    kept = corpus_estimate(np.array([*nats.values()]), share, draws=DRAWS)
    value = kept.value or 0.0
    # There is no interval where all items are alike, which is as sure as can be.
    low = value if kept.low is None else kept.low
    apart = value - logged > MORE and low - logged > SURELY
    return Findings(
        (
            Check(
                name=NAME,
                area="curves",
                status="warning" if apart else "fine",
                value=value - logged,
                threshold=f"{MORE:.0%} of the base model's loss, and surely "
                f"{SURELY:.0%}",
                source="measured here: 0.03 to 0.05 for whole rows, 0.13 for cut ones",
                says=f"Of the base model's loss {logged:.0%} is left in the log and "
                f"{value:.0%} of whole answers in the study (n = {len(nats):,}).",
                weights={
                    "truncation": 2.0,
                    "leakage": 1.0,
                    "unrepresentative_data": 1.0,
                }
                if apart
                else {},
            ),
        )
    )
