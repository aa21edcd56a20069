"""A campaign rated by simulated people whose habits are known."""

import json
from dataclasses import dataclass, replace

import numpy as np
from rating_study import a_study, a_task

from harness.campaign import open_campaign
from harness.identity import content_hash
from harness.rate import Answer, answer, next_assignment
from harness.study.raters import ensure_rater

WORDS = [f"{start}{end}" for start in "bdfgklmnprst" for end in ("an", "el", "or", "u")]


def text_of(item, checkpoint):
    rng = np.random.default_rng([item, checkpoint])
    return " ".join(rng.choice(WORDS, 12))


def quality_of(text):
    """What a text is worth, standard normal; damage makes it worse by 1.5."""
    digits = content_hash(text)
    return float(np.random.default_rng(int(digits[:12], 16)).normal())


@dataclass(frozen=True)
class Habit:
    """How somebody rates."""

    noise: float = 0.6
    shift: float = 0.0
    random: bool = False
    left: float = 0.0
    same: bool = False
    seconds: float = 10.0


def a_campaign(path, *, items=30, checkpoints=3, gold=40, **rating):
    study = a_study(path / "s.db", items=items, checkpoints=checkpoints, text=text_of)
    criteria = [{"name": "meaning", "question": "Does it keep the meaning?"}]
    plan = {"criteria": criteria, "raters_per_output": 4, "gold_rate": 0.1}
    plan |= {"repeat_rate": 0.12, "degraded_rate": 0.12} | rating
    two = plan.get("scheme") == "pairwise"
    rows = []
    for number in range(gold):
        better, worse = f"gold {number} +", f"gold {number} -"
        rows.append(
            {"prompt": f"Gold {number}", "outputs": [better, worse]}
            | {"expected": {"meaning": "first"}}
            if two
            else {"prompt": f"Gold {number}", "output": better}
            | {"expected": {"meaning": [4, 5]}}
        )
    if gold:
        plan["gold"] = "gold.jsonl"
    (path / "gold.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    task = replace(a_task(**plan), path=path / "task.yaml")
    return study, open_campaign(study, task)


class Simulation:
    """Raters at work side by side, each by their habit."""

    def __init__(self, study, campaign, habits, seed=0):
        self.study, self.campaign, self.habits = study, campaign, habits
        self.rng = np.random.default_rng(seed)
        self.texts = {
            text: quality_of(text) for text in study.column("SELECT text FROM outputs")
        }

    def work(self):
        at_work = {name: ensure_rater(self.study, name) for name in self.habits}
        while at_work:
            for name, rater in list(at_work.items()):
                shown = next_assignment(self.study, self.campaign, rater)
                if shown is None:
                    del at_work[name]
                    continue
                said = self.judge(self.habits[name], shown)
                answer(self.study, rater, shown.token, Answer({"meaning": said}))

    def worth(self, text):
        if text.startswith("gold"):
            return 1.5 if text.endswith("+") else -1.5
        if text not in self.texts:
            near = max(self.texts, key=lambda known: alike(known, text))
            self.texts[text] = self.texts[near] - 1.5
        return self.texts[text]

    def judge(self, habit, shown):
        felt = [self.worth(t) + self.rng.normal(0, habit.noise) for t in shown.outputs]
        if len(felt) == 2:
            if habit.random:
                return str(self.rng.choice(["first", "second", "tie"]))
            if self.rng.random() < habit.left:
                return "first"
            gap = felt[0] - felt[1]
            return "tie" if abs(gap) < 0.3 else "first" if gap > 0 else "second"
        if habit.random:
            return int(self.rng.integers(1, 6))
        if habit.same:
            return 4
        return int(np.clip(round(3 + 1.1 * felt[0] + habit.shift), 1, 5))


def alike(one, other):
    pairs = zip(one.split(), other.split(), strict=False)
    return sum(a == b for a, b in pairs)
