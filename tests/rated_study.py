"""A study in which every scheme has been rated, for tests of exports."""

from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.rate import Answer, answer, next_assignment, skip, undo
from harness.study.raters import ensure_rater

CRITERIA = [{"name": "meaning", "question": "How well does it keep the <meaning>?"}]
GIVEN = {
    "likert": {"meaning": 4},
    "slider": {"meaning": 73},
    "pairwise": {"meaning": "first"},
    "ranking": {"meaning": [2, 1, 2]},
    "spans": {
        "meaning": 60,
        "errors": [
            {"severity": "major", "start": 0, "end": 6},
            {"severity": "minor", "start": 4, "end": 9},
            {"severity": "minor", "start": None, "end": None},
        ],
    },
}
COMMENT = "Fine, but 'odd' \N{CAT}"


def a_rated_study(path):
    """Two raters answer two units of each scheme; one skips, one takes back."""
    study = a_study(path, items=2, checkpoints=3)
    for scheme, values in GIVEN.items():
        campaign = open_campaign(study, a_task(scheme=scheme, criteria=CRITERIA))
        for name in ("ana", "ben"):
            rater = ensure_rater(study, name)
            for flagged in (True, False):
                shown = next_assignment(study, campaign, rater)
                given = Answer(values, COMMENT * flagged, 5.0, flagged)
                answer(study, rater, shown.token, given)
        undo(study, campaign, rater)
        skip(study, rater, next_assignment(study, campaign, rater).token, "cannot tell")
    return study
