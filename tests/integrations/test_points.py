"""Points: what the report says, by step, for whoever draws curves."""

from report_study import Maker, fill

from harness.integrations.points import history_of
from harness.reporting.estimates import Estimator
from harness.study import StudyFile


def test_points_are_the_values_of_the_report(made, report_values):
    history = history_of(made.study, ["rewrite"])
    expected = report_values()
    assert {
        (one.step, one.name): (one.value, one.low, one.high) for one in history.points
    } == {key: (one.value, one.low, one.high) for key, one in expected.items()}
    assert (0, "harness/rewrite/human/meaning") in expected
    assert {one.series for one in history.points} == {"run"}


def test_ratings_of_programs_are_not_called_human(tmp_path):
    study = StudyFile(tmp_path / "s.db")
    fill(Maker(study), items=4, kinds=("simulated", "person"))
    names = {one.name for one in history_of(study, ["rewrite"]).points}
    study.close()
    assert "harness/rewrite/simulated/meaning" in names
    assert not any("/human/" in name for name in names)


def test_of_one_step_the_last_counts_and_without_step_none(made):
    wrote = dict.fromkeys(made.made, "a quiet river")
    made.checkpoint("run-240-b", wrote, step=240)
    made.checkpoint("final", wrote)
    history = history_of(made.study, ["rewrite"])
    at_240 = [one for one in history.samples if one.step == 240]
    assert {one.output for one in at_240} == {"a quiet river"}
    names = [(one.step, one.name) for one in history.points]
    assert len(names) == len(set(names))
    assert history.stepless == ("run/final",)


def test_nothing_in_a_sample_is_drawn_or_loaded(made, later):
    later("![x](http://127.0.0.1/x)\n\n\x1b[2J<img src=x>\u2028# big")
    sample = history_of(made.study, ["rewrite"]).samples[-1]
    texts = [line for line in sample.markdown().splitlines() if line]
    plain = {"Prompt:", "Reference:", "Output:"}
    assert {line for line in texts if not line.startswith("    ")} == plain
    assert "\x1b" not in sample.markdown()


def test_values_are_computed_again_only_where_scores_have_changed(
    made, later, monkeypatch
):
    asked = []
    compute = Estimator.values_of

    def counted(self, checkpoints):
        asked.append(len(checkpoints))
        return compute(self, checkpoints)

    monkeypatch.setattr(Estimator, "values_of", counted)
    known = {}
    history_of(made.study, ["rewrite"], known)
    made.rate("carl", "meaning", {("run-240", "0"): 1, ("run-240", "1"): 1})
    history_of(made.study, ["rewrite"], known)
    later()
    made.metrics = ("f1",)
    made.checkpoint("run-320", dict.fromkeys(made.made, "a river"), step=320)
    found = history_of(made.study, ["rewrite"], known)
    assert asked == [4, 0, 2]
    assert found == history_of(made.study, ["rewrite"])
