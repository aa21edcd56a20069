"""Who takes part, and by which links and sessions they can."""

from raters_at_work import rate_all
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.roster import roster
from harness.study.raters import add_rater, ensure_rater, open_session, revoke


def test_links_sessions_and_counts_stand_beside_each_rater(tmp_path):
    study = a_study(tmp_path / "s.db", items=2, checkpoints=2)
    campaign = open_campaign(study, a_task())
    rate_all(study, campaign, {"Ana": lambda _: {"meaning": 3, "fluency": 3}})
    ben = ensure_rater(study, "Ben")
    add_rater(study, "Ben")
    open_session(study, ben)
    ensure_rater(study, "file", "imported")
    first, second = roster(study, [campaign])
    assert (first.name, first.rated, first.links) == ("Ana", 4, 0)
    assert first.last_seen is not None
    assert (second.name, second.rated, second.last_seen) == ("Ben", 0, None)
    assert (second.links, second.sessions) == (1, 1)
    revoke(study, ben.id)
    again = roster(study, [campaign])[1]
    assert (again.links, again.sessions) == (0, 0)
    study.close()
