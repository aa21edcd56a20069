"""What a process does and holds that runs the named checkpoints and nothing else.

lean_process.py NAME=FOLDER...
"""

import json
import sys
from pathlib import Path

from harness.backends import Request
from harness.backends.transformers import TransformersBackend
from harness.types import Generation, Item, Passage

PROMPTS = ("the lamp was broken", "turn the light off, please", "and the cat sat")
UNUSED = ("torch._dynamo", "torch.distributed.tensor", "scipy.optimize", "sympy")


def asked(backend, folder):
    """Greedy answers, and the likelihood of a text after each prompt."""
    model = backend.load(str(folder))
    items = [Item(f"i{n}", "t", str(n), text) for n, text in enumerate(PROMPTS)]
    settings = Generation(max_new_tokens=12)
    requests = [Request(item) for item in items]
    answers = [one for group in model.generate(requests, settings) for one in group]
    passages = [Passage(item, "reference:0", " it is bright") for item in items]
    scored = [one for group in model.loglikelihood(passages) for one in group]
    return {
        "answers": {one.item: one.text for one in answers},
        "nll": {one.item: one.nll for one in scored},
    }


def rest_of_torch():
    """Whether what was left out is all there for whoever asks for it afterwards."""
    import gc

    import scipy.optimize
    import torch
    from transformers.utils import is_scipy_available

    doubled = torch.compile(lambda x: 2 * x, backend="eager")
    return [
        doubled(torch.ones(1)).item() == 2,
        torch.distributed.is_available(),
        isinstance(torch.nn.init.normal_(torch.zeros(9)).std().item(), float),
        is_scipy_available(),
        callable(scipy.optimize.minimize),
        gc.isenabled(),
    ]


def exported():
    """Which file of which model each name comes from, as transformers has it."""
    import transformers

    return {
        package.__name__: package._class_to_module
        for package in (transformers, transformers.models)
    }


def main():
    """Print it all as a line of JSON."""
    backend = TransformersBackend().lean()
    named = dict(one.split("=", 1) for one in sys.argv[1:])
    found, imported = {}, {}
    for name, folder in named.items():
        found[name] = asked(backend, Path(folder))
        imported[name] = [one for one in UNUSED if one in sys.modules]
    said = {"found": found, "imported": imported, "exported": exported()}
    said["rest"] = rest_of_torch()
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
