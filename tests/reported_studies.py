"""Studies whose reports have something to tell, for several tests."""

from random import Random

import numpy as np
from raters_at_work import COMPARED, checkpoint_in, rate_all
from rating_study import a_study, a_task
from report_study import WORDS, Maker, corrupted

from harness.campaign import open_campaign
from harness.study import StudyFile

STEPS = (0, 300, 600, 900)
WRONG = (0.8, 0.5, 0.3, 0.1)
"""Share of words that are wrong, which metrics see."""
LIKED = (2.0, 3.6, 3.4, 1.6)
"""What people think, who see something else."""


def a_run(maker, liked=LIKED, *, items=30, seed=1, series="run"):
    """Metrics improve at each step; ratings go their own way."""
    rng = np.random.default_rng(seed)
    wanted = [" ".join(rng.permutation(WORDS.split())) for _ in range(items)]
    maker.metrics = ("perplexity", "bleu", "chrf", "distinct_n", "length_ratio")
    maker.items(*((str(n), f"say {n}", (text,)) for n, text in enumerate(wanted)))
    ratings = {}
    for step, wrong, level in zip(STEPS, WRONG, liked, strict=True):
        texts = {str(n): corrupted(text, wrong, rng) for n, text in enumerate(wanted)}
        nll = {key: 5 + 40 * wrong + rng.normal() for key in texts}
        name = f"{series}-{step}"
        maker.checkpoint(name, texts, step=step, series=series, nll=nll)
        for key in texts:
            given = np.clip(round(level + rng.normal(0, 0.7)), 1, 5)
            ratings[name, key] = float(given)
    return maker.rate("ann", "meaning", ratings)


ITEMS, CHECKPOINTS = 12, 3


def text_of(item, checkpoint):
    """Checkpoints 0 and 1 write the same to every fourth prompt."""
    model = max(checkpoint, 1) if item % 4 == 0 else checkpoint
    return f"Answer of model {model} to prompt {item}."


def later_wins(shown, chance):
    """On meaning the later one, with a few ties; on fluency mostly the left one."""
    numbers = [checkpoint_in(text) for text in shown.outputs]
    meaning = "first" if numbers[0] > numbers[1] else "second"
    if chance.random() < 0.2:
        meaning = chance.choice(["tie", "both_bad"])
    fluency = "first" if chance.random() < 0.8 else "second"
    return {"meaning": meaning, "fluency": fluency}


def ranked(shown, chance):
    places = [CHECKPOINTS - checkpoint_in(text) for text in shown.outputs]
    any_order = [chance.randint(1, len(places)) for _ in places]
    return {"meaning": places, "fluency": any_order}


def a_compared_study(path, scheme, judge, *, raters=("Ana", "Ben"), kind="person"):
    study = a_study(path, items=ITEMS, checkpoints=CHECKPOINTS, text=text_of)
    campaign = open_campaign(study, a_task(scheme=scheme, criteria=COMPARED))
    chance = Random(5)  # noqa: S311 - no secret
    judges = dict.fromkeys(raters, lambda shown: judge(shown, chance))
    rate_all(study, campaign, judges, kind=kind)
    return study, campaign


def a_compared_study_with_odd(path, *, careless=True, items=48, checkpoints=2):
    """Four raters prefer the later checkpoint a little; Odd surely the earlier one."""
    study = a_study(path, items=items, checkpoints=checkpoints, text=text_of)
    plan = {"criteria": COMPARED[:1], "raters_per_output": 4 + careless}
    campaign = open_campaign(study, a_task(scheme="pairwise", items="all", **plan))

    def judge(shown):
        numbers = [checkpoint_in(text) for text in shown.outputs]
        prompt = int(shown.outputs[0].rstrip(".").split()[-1])
        # The later one is better for 7 of each 12 prompts that differ.
        later = prompt % 16 not in {1, 5, 9, 13, 3}
        first = (numbers[0] > numbers[1]) == later
        return {"meaning": "first" if first else "second"}

    def against(shown):
        numbers = [checkpoint_in(text) for text in shown.outputs]
        return {"meaning": "first" if numbers[0] < numbers[1] else "second"}

    judges = dict.fromkeys(("Ana", "Ben", "Cem", "Dan"), judge)
    rate_all(study, campaign, judges | ({"Odd": against} if careless else {}))
    return study


RATERS = ("ann", "ben", "cem")
KEYS = [str(n) for n in range(30)]


def study_of(folder, raters, *, careless=False, severe=False):
    """Raters who put `new` a little first, and perhaps one who does not look."""
    folder.mkdir()
    maker = Maker(StudyFile(folder / "s.db"))
    maker.metrics = ("length_ratio", "chrf")
    maker.items(*((k, f"say {k}", (f"the answer is {k}",)) for k in KEYS))
    rng = np.random.default_rng(5)
    for name in ("old", "new"):
        ends = rng.integers(1, 15, len(KEYS))
        texts = {
            k: f"the answer is {k}"[:end] for k, end in zip(KEYS, ends, strict=True)
        }
        maker.checkpoint(name, texts)
    quality = {
        (name, k): 40 + 5 * (name == "new") + rng.normal(0, 20)
        for name in ("old", "new")
        for k in KEYS
    }
    for rater in raters:
        less = 40 if severe and rater == raters[0] else 0
        given = {p: round(q - less + rng.normal(0, 6), 1) for p, q in quality.items()}
        maker.rate(rater, "meaning", given, seconds=9.0)
    if careless:
        odd = {p: float(90 * (p[0] == "old") + rng.integers(10)) for p in quality}
        maker.rate("odd", "meaning", odd, seconds=9.0)
    return maker.study
