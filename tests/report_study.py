"""Small studies made by hand, for tests of reports."""

import json
from dataclasses import replace

import numpy as np

from harness.metrics import build
from harness.score import score
from harness.study.checkpoints import store_checkpoint
from harness.study.items import store_items, store_task
from harness.study.outputs import (
    Evaluation,
    output_id,
    store_evaluation,
    store_likelihoods,
    store_outputs,
)
from harness.types import Item, Likelihood, Output

SETTINGS, LIKELIHOOD = "settings", "likelihood"
CREATED = "2026-01-01T00:00:00.000000+00:00"
WORDS = "the old road led down to a quiet river where two men were fishing at dawn"


class Maker:
    """Puts into a study what a test wants to see reported."""

    def __init__(self, study, task="rewrite"):
        self.study, self.task = study, task
        self.metrics = ("bleu", "exact_match")
        self.base = study.path.parent
        self.checkpoints = {}

    def items(self, *rows):
        """Items by (key, prompt, references[, columns])."""
        text = f"name: {self.task}\ndescription: Say it anew.\n"
        self.version = store_task(self.study, self.task, text, None)
        self.made = {
            key: Item(f"{self.task}/{key}", self.task, key, prompt, refs, (), *meta)
            for key, prompt, refs, *meta in rows
        }
        store_items(self.study, self.task, list(self.made.values()))
        return self

    def likelihoods(self, *found):
        """Likelihoods beside those of first references, with these fields each."""
        rows = [
            Likelihood(
                item=self.made[key].id,
                checkpoint=self.checkpoints[name].id,
                **{"nll": 1.0, "tokens": 1, "words": 1, "bytes": 1} | fields,
                settings=LIKELIHOOD,
            )
            for name, key, fields in found
        ]
        store_likelihoods(self.study, rows, items=self.made.values())
        return self

    def checkpoint(self, name, texts, *, step=None, series="run", nll=None):
        """A checkpoint with its outputs: key to a text, or to a list of samples."""
        found = store_checkpoint(
            self.study,
            series=series,
            name=name,
            step=step,
            backend="replay",
            fingerprint=name,
        )
        self.checkpoints[name] = found
        samples = {k: [t] if isinstance(t, str) else t for k, t in texts.items()}
        most = max(map(len, samples.values()), default=0)
        asked = (found.id, self.task, self.version, SETTINGS, LIKELIHOOD, most)
        store_evaluation(self.study, Evaluation(*asked))
        store_outputs(
            self.study,
            [
                Output(
                    id=self.output(name, key, number),
                    item=self.made[key].id,
                    checkpoint=found.id,
                    text=text,
                    sample=number,
                    settings=SETTINGS,
                )
                for key, written in samples.items()
                for number, text in enumerate(written)
            ],
        )
        store_likelihoods(
            self.study,
            [
                Likelihood(
                    self.made[key].id, found.id, nats, 10, 8, 40, settings=LIKELIHOOD
                )
                for key, nats in (nll or {}).items()
            ],
            items=self.made.values(),
        )
        for spec in self.metrics:
            for metric in build(spec, self.base):
                ready = metric.for_items(self.made.values())
                score(self.study, found, self.task, [ready], base=self.base)
        return self

    def output(self, name, key, sample=0):
        """Id of an output."""
        item, checkpoint = self.made[key].id, self.checkpoints[name].id
        return output_id(item, checkpoint, sample, SETTINGS)

    def rate(self, rater, criterion, ratings, *, kind="person", seconds=None):
        """Ratings of (checkpoint, key[, sample]); None skips the question."""
        campaign, person = self._campaign(), self._rater(rater, kind)
        for place, value in ratings.items():
            output = self.output(*place)
            self._row(
                "ratings",
                assignment=self._assignment(campaign, person, f"{rater} {output}"),
                output=output,
                criterion=criterion,
                value=value,
                seconds=seconds,
                state="skipped" if value is None else "rated",
                created=CREATED,
            )
        return self

    def take_back(self, number):
        """Undo the rating of that number."""
        [row] = self.study.rows("SELECT * FROM ratings WHERE id = ?", [number])
        undone = {"id": None, "state": "undone", "value": None, "supersedes": number}
        self._row("ratings", **(row | undone))

    def _campaign(self):
        plan = {"criteria": [{"name": "meaning", "question": "Kept?"}], "points": 5}
        self._row(
            "campaigns",
            task=self.task,
            name=self.task,
            scheme="likert",
            protocol=json.dumps({"task": self.task, "plan": plan}),
            hash=self.task,
            created=CREATED,
        )
        return self._id("campaigns", "hash", self.task)

    def _rater(self, name, kind):
        self._row("raters", name=name, kind=kind, created=CREATED)
        return self._id("raters", "name", name)

    def _assignment(self, campaign, rater, token):
        known = {"campaign": campaign, "rater": rater, "token": token}
        self._row("assignments", **known, probability=1.0)
        return self._id("assignments", "token", token)

    def _row(self, table, **row):
        self.study.insert(table, [row], ignore=True)

    def _id(self, table, column, value):
        query = f"SELECT id FROM {table} WHERE {column} = ?"  # noqa: S608 - our words
        [found] = self.study.column(query, [value])
        return found


def corrupted(text, share, rng):
    """The text with about this share of its words made up."""
    words = [w if rng.random() >= share else f"{w[::-1]}x" for w in text.split()]
    return " ".join(words)


def fill(maker, *, items=12, kinds=("person", "person"), series=("run",), seed=3):
    """Four checkpoints a series that get better, rated on two criteria."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(items):
        wanted = " ".join(rng.permutation(WORDS.split())[: rng.integers(8, 14)])
        source = corrupted(wanted, 0.5, rng)
        rows.append((str(number), f"{source}\n=>", (wanted,), {"source": source}))
    maker.metrics = ("perplexity", "bleu", "chrf", "rouge", "exact_match")
    maker.items(*rows)
    wrong = {}
    for run in series:
        for step, share in ((0, 0.8), (40, 0.5), (120, 0.2), (240, 0.15)):
            own = {k: np.clip(share + rng.normal(0, 0.15), 0, 0.95) for k, *_ in rows}
            texts = {key: corrupted(refs[0], own[key], rng) for key, _, refs, _ in rows}
            nll = {key: 5 + 40 * own[key] + rng.normal(0, 2) for key in own}
            name = f"{run}-{step}"
            maker.checkpoint(name, texts, step=step, series=run, nll=nll)
            wrong |= {(name, key): value for key, value in own.items()}
    for number, kind in enumerate(kinds):
        for criterion, noise in (("meaning", 0.5), ("fluency", 1.0)):
            ratings = {
                place: float(np.clip(round(5 - 4 * own + rng.normal(0, noise)), 1, 5))
                for place, own in wrong.items()
            }
            maker.rate(f"rater {number}", criterion, ratings, kind=kind, seconds=8.0)
    return maker


def with_texts(report, change):
    """The report with other texts of the outputs that it shows."""

    def changed(output):
        return replace(output, text=change(output.text))

    tasks = [
        replace(
            task,
            rated=tuple(map(changed, task.rated)),
            disagreements=tuple(
                replace(one, output=changed(one.output)) for one in task.disagreements
            ),
        )
        for task in report.tasks
    ]
    return replace(report, tasks=tuple(tasks))
