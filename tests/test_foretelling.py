"""Ratings of unrated checkpoints, foretold by a metric that ratings calibrate."""

from types import SimpleNamespace

import pytest
from raters_at_work import checkpoint_in, rate_all
from rating_study import a_study, a_task, add_outputs, add_scores

from harness.campaign import open_campaign
from harness.errors import UsageError
from harness.foretelling import foretell
from harness.integrations.stopping import Stopping


def rated(shown):
    """A point more for each checkpoint, and none for the prompt."""
    return {"meaning": 1 + checkpoint_in(shown.outputs[0]), "fluency": 3}


def a_rated_study(tmp_path, metric, judges, kind="person"):
    """Three checkpoints were there to be rated; a fourth only has scores."""
    study = a_study(tmp_path / "s.db", items=12)
    campaign = open_campaign(study, a_task(raters_per_output=1))
    rate_all(study, campaign, judges, kind=kind)
    add_outputs(study, items=12, checkpoints=4)
    add_scores(study, metric)
    return study


def evaluator(study):
    """What stopping asks of the callback's."""
    ids = study.mapping("SELECT step, id FROM checkpoints")
    evaluated = {step: SimpleNamespace(id=id_) for step, id_ in ids.items()}
    return SimpleNamespace(works=[SimpleNamespace(task=a_task())], evaluated=evaluated)


def test_a_checkpoint_that_nobody_rated_is_foretold_by_the_line_of_the_others(tmp_path):
    study = a_rated_study(tmp_path, lambda prompt, number: 10 * number, {"ann": rated})
    found = foretell(study, "modernize", "meaning")
    known = study.mapping("SELECT id, step FROM checkpoints")
    means = {known[id_]: mean for id_, mean in found.means.items()}
    assert means == pytest.approx({0: 1, 100: 2, 200: 3, 300: 4})
    assert (found.metric, found.line.items) == ("chrf", 12)


def test_a_training_is_stopped_by_what_people_are_foretold_to_say(tmp_path):
    # The metric goes up where people's ratings go down.
    study = a_rated_study(
        tmp_path,
        lambda prompt, number: 10 * number,
        {"ann": lambda shown: {**rated(shown), "meaning": 5 - rated(shown)["meaning"]}},
    )
    stop = Stopping("meaning", patience=3)
    curve = stop.curve(evaluator(study), study, {})
    assert curve == pytest.approx({0: 4, 100: 3, 200: 2, 300: 1})
    assert stop.is_over(curve)
    assert not Stopping("meaning", patience=4).is_over(curve)


def test_without_ratings_it_is_said_that_there_are_none(tmp_path):
    study = a_rated_study(tmp_path, lambda prompt, number: number, {})
    with pytest.raises(UsageError, match="Nobody has rated outputs on meaning"):
        Stopping("meaning").curve(evaluator(study), study, {})


def test_a_metric_that_says_nothing_of_ratings_foretells_none(tmp_path):
    study = a_rated_study(
        tmp_path, lambda prompt, number: prompt * (-1) ** number, {"ann": rated}
    )
    with pytest.raises(UsageError, match="chrf says nothing sure of ratings"):
        foretell(study, "modernize", "meaning")


@pytest.mark.parametrize("kind", ["person", "simulated"])
def test_ratings_that_a_program_made_up_are_said_to_be(tmp_path, kind):
    study = a_rated_study(
        tmp_path, lambda prompt, number: 10 * number, {"ann": rated}, kind
    )
    assert foretell(study, "modernize", "meaning").simulated == (kind == "simulated")
    said = []
    Stopping("meaning").curve(evaluator(study), study, {}, remark=said.append)
    assert [one.partition(":")[0] for one in said] == ["SIMULATED"] * (
        kind == "simulated"
    )


def test_a_refusal_says_that_ratings_are_made_up(tmp_path):
    study = a_rated_study(
        tmp_path,
        lambda prompt, number: prompt * (-1) ** number,
        {"ann": rated},
        "simulated",
    )
    with pytest.raises(UsageError, match="nothing sure of ratings, some of them SIMUL"):
        foretell(study, "modernize", "meaning")
