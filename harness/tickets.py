"""Tickets: what a page names an assignment by, good until the assignment changes.

An assignment's token stands for it as long as the study exists. A page gets it with the
number of ratings that it had by then, each answer, skip and undo adding some, so that a
request from before such a change, sent again or by another window, can be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.assignments import assignment_of

if TYPE_CHECKING:
    from harness.assignments import Assignment
    from harness.study import StudyFile
    from harness.study.raters import Rater

STALE = (
    "This one has been answered, skipped or taken back since this page showed it, "
    "perhaps in another window. Nothing was changed; here is what comes next."
)
CHANGES = """
    SELECT count(*) FROM ratings
    JOIN assignments ON assignments.id = ratings.assignment WHERE assignments.token = ?
"""


def ticket_for(study: StudyFile, token: str) -> str:
    """The ticket that an assignment has now.

    Args:
        study: where it is.
        token: the assignment's.
    """
    [changes] = study.column(CHANGES, [token])
    return f"{token}.{changes}"


def taken_by(study: StudyFile, rater: Rater, ticket: str) -> tuple[Assignment, bool]:
    """The rater's assignment that a page means, and whether it has changed since.

    Raises:
        RatingRefused: nobody's, or another rater's; the message is the same for both.
    """
    mine = assignment_of(study, rater, ticket.rpartition(".")[0])
    return mine, ticket != ticket_for(study, mine.token)
