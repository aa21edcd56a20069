"""Which metric helps ratings: by hand, and alike wherever it is asked."""

import pytest
from report_study import Maker

from harness.errors import NotFound, UsageError
from harness.reporting.combined import Asked, Combiner
from harness.reporting.estimates import rebuild
from harness.reporting.evidence import gather
from harness.study import StudyFile
from harness.yardstick import helping_metric, yardstick

KEYS = [str(number) for number in range(4)]
SCORED = {"length|v1": True, "ter|v1": False, "bleu|a|v1": True, "bleu|b|v1": True}


def directed(signature):
    return signature != "length|v1"


def test_the_first_with_a_direction_and_scores_of_every_checkpoint_helps():
    assert helping_metric(SCORED, directed, None)[0] == "bleu|a|v1"
    assert helping_metric({"ter|v1": False}, directed, None)[0] is None


@pytest.mark.parametrize("name", ["ter", "ter|v1", "length"])
def test_a_metric_that_is_named_helps_whatever_it_lacks(name):
    assert helping_metric(SCORED, directed, name)[0].startswith(name)


def test_none_is_a_word_for_no_metric():
    assert helping_metric(SCORED, directed, "none")[0] is None


def test_a_name_of_two_metrics_is_refused_and_their_labels_are_not():
    with pytest.raises(UsageError, match="Several metrics"):
        helping_metric(SCORED, directed, "bleu")
    assert helping_metric(SCORED, directed, "bleu (b)")[0] == "bleu|b|v1"


def test_a_metric_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(NotFound, match="'ter'"):
        helping_metric(SCORED, directed, "tre")


@pytest.mark.parametrize(
    ("metrics", "later", "nll", "helps"),
    [
        (("exact_match", "bleu"), (), False, "exact_match"),
        (("length_ratio", "chrf"), (), False, "chrf"),
        (("length_ratio",), (), False, None),
        (("perplexity", "chrf"), (), True, "perplexity"),
        (("perplexity", "chrf"), (), False, "chrf"),
        (("chrf", "bleu"), ("bleu",), False, "bleu"),
        (("bleu",), (), False, "bleu"),
    ],
)
def test_drawing_and_the_owners_page_take_the_metric_of_reports_and_gates(
    tmp_path, metrics, later, nll, helps
):
    """The one asks the study file, the other what is gathered from it."""
    maker = Maker(StudyFile(tmp_path / "s.db"))
    maker.items(*((key, key, ("some good words",)) for key in KEYS))
    for step, texts in enumerate(("bad words", "good words")):
        maker.metrics = later or metrics if step else metrics
        likely = dict.fromkeys(KEYS, 2.0 + step) if nll else None
        maker.checkpoint(f"c{step}", dict.fromkeys(KEYS, texts), step=step, nll=likely)
    evidence, rebuilt, _ = rebuild(gather(maker.study, "rewrite"))
    signature = Combiner.of(evidence, rebuilt, Asked()).metric
    assert yardstick(maker.study, "rewrite") == signature
    assert (signature or "None").partition("|")[0] == str(helps)
    maker.study.close()


def test_a_metric_of_the_users_own_without_direction_helps_nobody(tmp_path):
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\n"
        "from harness.metrics import MeanMetric\n\n"
        "@dataclass(frozen=True)\n"
        "class Words(MeanMetric):\n"
        "    name = 'words'\n"
        "    directed = False\n\n"
        "    def score(self, item, text):\n"
        "        return float(len(text.split()))\n"
    )
    maker = Maker(StudyFile(tmp_path / "s.db"))
    maker.metrics = ("own.py", "chrf")
    maker.items(*((key, key, ("some good words",)) for key in KEYS))
    maker.checkpoint("c0", dict.fromkeys(KEYS, "words"), step=0)
    assert yardstick(maker.study, "rewrite").startswith("chrf|")
    maker.study.close()
