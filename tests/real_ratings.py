"""The public human-rated sets as matrices of scores and ratings."""

import gzip
import json

import numpy as np


def matrices(folder, metric, criterion):
    """Scores and ratings of a public set, systems by items, in the file's order."""

    def rows(name):
        with gzip.open(folder / name, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    outputs = rows("outputs.jsonl.gz")
    systems = dict.fromkeys(row["system"] for row in outputs)
    system = {name: at for at, name in enumerate(systems)}
    items = dict.fromkeys(row["item"] for row in outputs)
    item = {name: at for at, name in enumerate(items)}
    scores = np.full((len(system), len(item)), np.nan)
    ratings = np.full_like(scores, np.nan)
    for row in outputs:
        at = system[row["system"]], item[row["item"]]
        scores[at] = row["scores"][metric]
    for row in rows("ratings.jsonl.gz"):
        if row["criterion"] == criterion:
            ratings[system[row["system"]], item[row["item"]]] = row["value"]
    return scores, ratings
