"""Wins are what the view of preferences says, also where outputs are equal."""

from collections import Counter
from random import Random

import pytest
from raters_at_work import COMPARED, rate_all
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.wins import wins

VIEW = """
    SELECT DISTINCT assignment, criterion, a.item, a.checkpoint, b.checkpoint, outcome
    FROM preferences
    JOIN outputs AS a ON a.id = output_a
    JOIN outputs AS b ON b.id = output_b
"""


def text_of(item, checkpoint):
    """Checkpoints 0 and 2 write the same to every other prompt."""
    return f"{item} {checkpoint % 2 if item % 2 else checkpoint}"


def of_view(study):
    found = Counter()
    for _, criterion, item, one, two, outcome in study.db.execute(VIEW):
        found[one, item, criterion, outcome] += 1
        found[two, item, criterion, 1 - outcome] += 1
    return found


@pytest.mark.parametrize("scheme", ["pairwise", "ranking"])
def test_wins_are_those_of_the_view(tmp_path, scheme):
    study = a_study(tmp_path / "s.db", items=5, checkpoints=4, text=text_of)
    campaign = open_campaign(study, a_task(scheme=scheme, criteria=COMPARED))
    chance = Random(3)  # noqa: S311 - no secret

    def judge(shown):
        if scheme == "ranking":
            count = len(shown.outputs)
            return {
                name: [chance.randint(1, count) for _ in shown.outputs]
                for name in ("meaning", "fluency")
            }
        options = ["first", "second", "tie", "both_bad"]
        return {name: chance.choice(options) for name in ("meaning", "fluency")}

    rate_all(study, campaign, {"Ana": judge, "Ben": judge, "Cem": judge})
    found = Counter(
        (one.checkpoint, one.item, one.criterion, one.won)
        for one in wins(study, campaign)
    )
    assert found.total() > 100
    assert found == of_view(study)
    study.close()
