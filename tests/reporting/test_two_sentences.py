"""The verdict has two sentences, whatever a study holds, alike in every rendering."""

import json
import re
from html import unescape

import pytest
from report_study import Maker, fill
from reported_studies import a_compared_study, a_run, later_wins

from harness.report import report
from harness.reporting import render
from harness.study import StudyFile

END = re.compile(r"[.!?](?=\s|$)")
KEYS = ("0", "1", "2", "3")
LONGEST = 500
"""Letters of both sentences together, with two criteria and seven metrics."""


def small(maker, checkpoints=2, items=4, raters=(), **rated):
    """Checkpoints that get better, rated by each of the raters."""
    keys = KEYS[:items]
    maker.items(*((k, f"say {k}", (f"the answer is {k}",)) for k in keys))
    for number in range(checkpoints):
        texts = {k: f"the answer is {k}"[: 9 + 3 * number + int(k)] for k in keys}
        maker.checkpoint(f"c{number}", texts, step=number)
    for rater in raters:
        given = {
            (f"c{number}", k): 1.0 + 2 * number + int(k) % 2
            for number in range(checkpoints)
            for k in keys
        }
        maker.rate(rater, "meaning", given, **rated)
    return maker


def likelihoods(maker, checkpoints=2):
    maker.metrics = ("perplexity",)
    maker.items(*((k, f"say {k}", (f"the answer is {k}",)) for k in KEYS))
    for number in range(checkpoints):
        nll = {k: 30.0 - 9 * number + int(k) for k in KEYS}
        maker.checkpoint(f"c{number}", {}, step=number, nll=nll)
    return maker


TWO = ("ann", "ben")
STUDIES = {
    "no checkpoint": lambda maker: maker.items(("0", "say 0", ("0",))),
    "no ratings": small,
    "no ratings, one checkpoint": lambda maker: small(maker, 1),
    "one checkpoint": lambda maker: small(maker, 1, raters=TWO),
    "one rater": lambda maker: small(maker, raters=("ann",)),
    "one item": lambda maker: small(maker, items=1, raters=TWO),
    "two alike": lambda maker: small(maker, raters=TWO),
    "simulated raters": lambda maker: small(maker, raters=TWO, kind="simulated"),
    "four series": lambda maker: fill(maker, series=("a", "b", "c", "d")),
    "metrics part ways": a_run,
    "likelihoods only": likelihoods,
    "likelihoods of one": lambda maker: likelihoods(maker, 1),
}


@pytest.fixture(scope="module")
def made(telling, tmp_path_factory):
    """Reports by what is in the study."""
    folder = tmp_path_factory.mktemp("two")
    studies = {}
    for name, of in STUDIES.items():
        study = StudyFile(folder / f"{name}.db")
        of(Maker(study))
        studies[name] = study
    ranked, _ = a_compared_study(folder / "pairs.db", "pairwise", later_wins)
    studies["compared twice"] = ranked
    found = {name: report(study, draws=20) for name, study in studies.items()}
    found["z-scores"] = report(studies["one rater"], draws=20, human="z")
    for study in studies.values():
        study.close()
    return telling | found


def test_it_is_what_is_known_and_what_to_do_next(made):
    for name, one in made.items():
        for task in one.tasks:
            known, todo = task.sentences
            assert [len(END.findall(part)) for part in (known, todo)] == [1, 1], name
            assert todo.startswith("Next: "), name
            assert "Next" not in known, name
            assert len(task.verdict) < LONGEST, name


def test_it_says_the_same_in_every_rendering(made):
    for one in made.values():
        told = json.loads(render(one, "json"))["tasks"]
        for task, of_json in zip(one.tasks, told, strict=True):
            assert of_json["verdict"] == " ".join(task.sentences)
            for form in ("text", "md", "html"):
                page = unescape(render(one, form)).replace("\\", "")
                words = " ".join(page.split())
                for sentence in task.sentences:
                    assert sentence in words


@pytest.mark.parametrize(
    ("name", "known", "todo"),
    [
        (
            "no ratings",
            "yet, so that only metrics speak; metrics put c1 first by bleu",
            "rate some outputs (harness rate).",
        ),
        (
            "no ratings, one checkpoint",
            "speak; one checkpoint alone leaves nothing to compare.",
            "rate some outputs (harness rate).",
        ),
        (
            "one rater",
            "People put c1 first on meaning, not clearly ahead of c0 (by 2.00 points [",
            "add prompts and rate them to tell c1 from c0 on meaning.",
        ),
        (
            "likelihoods only",
            "only metrics speak; metrics put c1 first by perplexity (clearly).",
            "take c1, as far as these metrics say what you want.",
        ),
        (
            "likelihoods of one",
            "alone leaves nothing to compare.",
            "evaluate a second checkpoint on the same items.",
        ),
        (
            "metrics part ways",
            "metrics differ and put run-900 first by perplexity, bleu and chrf",
            "take run-300 and run-600 as equal on meaning, or add prompts",
        ),
    ],
)
def test_names_and_next_steps_are_those_of_the_study(made, name, known, todo):
    [task] = made[name].tasks
    first, second = task.sentences
    assert known in first
    assert todo in second
