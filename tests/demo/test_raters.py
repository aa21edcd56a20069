"""Simulated raters: what they see, and that they are known for what they are."""

import pytest
from report_study import Maker

from harness import Study
from harness.demo.raters import find_faults, simulate
from harness.task import load_items, load_tasks
from harness.types import Item


def verse(source, reference):
    return Item("i", "modernize", "1", source, (reference,), (), {"source": source})


JONATHAN = verse(
    "And Jonathan gave his artillery unto his lad.",
    "He, Jonathan, gave his weapons to his boy.",
)


@pytest.mark.parametrize(
    ("output", "invented", "lost", "wrong"),
    [
        ("He, Jonathan, gave his weapons to his boy.", 0, 0, False),
        ("He, Jonathan, gave his fatherillery to his boy.", 1, 0, False),
        ("He gave his weapons to his boy.", 0, 1, False),
        ("He, Moses, gave his weapons to his boy.", 0, 1, False),
        ("They, Jonathan, gave his weapons to his boy.", 0, 0, True),
    ],
    ids=["none", "an invented word", "a lost name", "a swapped name", "who did it"],
)
def test_they_see_what_no_metric_reads(output, invented, lost, wrong):
    faults = find_faults(JONATHAN, output)
    found = (faults.invented_words, faults.lost_names, faults.wrong_subject)
    assert found == (invented, lost, wrong)
    perfect = not (invented or lost or wrong)
    assert (faults.meaning == 5) == perfect


def rated(folder, seed):
    study = Study(folder / f"study-{seed}.db")
    [task] = load_tasks("modernize")
    maker = Maker(study.file, task="modernize")
    items = load_items(task)[:30]
    maker.items(*((i.key, i.prompt, i.references, dict(i.meta)) for i in items))
    maker.checkpoint("copy", {i.key: i.meta["source"] for i in items}, step=0)
    simulate(study.file, task, 3, seed=seed)
    frame = study.frame("current_ratings")
    study.close()
    return frame


def test_three_of_them_share_the_work_and_are_marked_as_simulated(tmp_path):
    frame = rated(tmp_path, 0)
    assert set(frame["rater_kind"]) == {"simulated"}
    counts = frame.groupby("rater_name").size()
    assert len(counts) == 3
    assert counts.max() - counts.min() <= 2
    assert frame["value"].between(1, 5).all()
    # Two raters on a scale of five agree exactly now and then.
    pairs = frame[frame["criterion"] == "fluency"].groupby("output")["value"]
    assert (pairs.nunique() == 1).any()
    assert (pairs.nunique() == 2).any()


def test_the_same_seed_gives_the_same_ratings(tmp_path):
    (tmp_path / "again").mkdir()
    columns = ["rater_name", "criterion", "value"]
    first, again = rated(tmp_path, 5), rated(tmp_path / "again", 5)
    assert first[columns].values.tolist() == again[columns].values.tolist()
