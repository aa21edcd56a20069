"""Raters who answer all that they are shown, for tests of what comes of it."""

from harness.rate import Answer, answer, next_assignment
from harness.study.raters import ensure_rater

COMPARED = [
    {"name": "meaning", "question": "Which keeps the meaning?"},
    {"name": "fluency", "question": "Which is better English?"},
]
"""Criteria without anchors, which a comparison has none of."""


def rate_all(study, campaign, judges, *, now=None, kind="person"):
    """Let each rater, by name, answer everything as their function says.

    A function gets what is shown and gives the values, or a whole `Answer`.
    """
    for name, judge in judges.items():
        rater = ensure_rater(study, name, kind)
        while shown := next_assignment(study, campaign, rater, now=now):
            said = judge(shown)
            given = said if isinstance(said, Answer) else Answer(said)
            answer(study, rater, shown.token, given, now=now)


def checkpoint_in(text):
    """Number of the checkpoint that wrote a text of `rating_study.text_of`."""
    return int(text.split("model ")[1].split()[0])
