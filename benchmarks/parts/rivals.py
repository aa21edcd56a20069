"""What other tools say of the same runs, and which causes their messages stand for.

Each reads the log that the Trainer wrote, trainproof the training data too. Messages
are read in the tool's favour: one that fits several causes counts as each of them, and
one that a tool calls information counts where it is right, but is no false alarm.
"""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.diagnosis import CauseName

    Said = tuple[str, str]
    """A finding's name, and the tool's own word for how grave it is."""

HIGH: tuple[CauseName, ...] = ("learning_rate_too_high", "diverged")
LOW: tuple[CauseName, ...] = ("learning_rate_too_low", "under_trained")
SPIKES: tuple[CauseName, ...] = (*HIGH, "no_warmup")

MEANT: Mapping[str, Mapping[str, tuple[CauseName, ...]]] = {
    "finetune-doctor": {
        "overfitting": ("overfitting",),
        "loss_degenerate": ("non_finite",),
        "gradients": ("non_finite",),
        "not_learning": (*LOW, *HIGH),  # "Not learning" and "Training loss went up"
        "loss_spikes": SPIKES,
        "lr_schedule": LOW,
        "metric_disagreement": ("metric_misleads",),
    },
    "runmedic": {
        "non_finite": ("non_finite",),
        "divergence": HIGH,
        "loss_spikes": SPIKES,
        "grad_spikes": SPIKES,
        "no_learning": LOW,
        "overfitting": ("overfitting",),
        "val_below_train": ("leakage",),  # the one fault that its message names
        "constant_lr_plateau": HIGH,
    },
    "trainproof": {
        "TP-NAN": ("non_finite",),
        "TP-NAN-GRAD": ("non_finite",),
        "TP-ZERO-LOSS": ("non_finite",),
        "TP-ZERO-LOSS-ONSET": ("non_finite",),
        "TP-DIVERGE": HIGH,
        "TP-GRAD-SPIKE": SPIKES,
        "TP-OVERFIT": ("overfitting",),
        "TP-FLAT": LOW,
        "TP-DEAD-RUN": LOW,
        "TP-ZERO-GRAD": LOW,
        "TP-ZERO-LR": LOW,
        "TP-ZERO-LR-PARTIAL": LOW,
        "TP-PRE-DUPLICATE-TEXT": ("duplicate_data", "narrow_data"),
        "TP-PRE-CONTEXT-OVERFLOW": ("truncation",),
        "TP-PRE-MALFORMED-JSONL": ("malformed_data",),
        "TP-PRE-EMPTY-TEXT": ("malformed_data",),
        "TP-PRE-MISSING-EOS-TOKEN": ("missing_end_marker",),
        "TP-PRE-NO-EOS-APPEND": ("missing_end_marker",),
    },
    "gradsnitch": {
        "GS001": ("non_finite",),
        "GS002": ("non_finite",),
        "GS003": SPIKES,
        "GS004": ("overfitting",),
        "GS005": LOW,
        "GS006": HIGH,
        "GS007": LOW,
        "GS009": (*HIGH, "batch_too_small"),
        "GS010": LOW,
    },
}
"""Tool to the name of each of its findings that stands for causes. Findings about
speed, memory and missing evaluations, and that training stopped improving early, stand
for none, and are named where a tool warns of nothing else."""
GRAVITY = {"info": 0, "warn": 1, "warning": 1, "fail": 2, "critical": 2, "error": 2}
SNITCH = """
import json, sys, gradsnitch
found = gradsnitch.lint_csv(sys.argv[1])
print(json.dumps([[one.code, one.severity] for one in found]))
"""


def first_named(tool: str, said: Iterable[Said], accepted: Sequence[str]) -> list[str]:
    """The causes of the gravest warning; without any, of information that is right.

    Args:
        tool: whose findings these are.
        said: the findings in the tool's order; of equally grave ones the first counts.
        accepted: the causes that may be named first.
    """
    meant = MEANT[tool]
    found = [
        (meant.get(name, (f"{tool}: {name}",)), GRAVITY[word.lower()])
        for name, word in said
    ]
    # What stands for no cause comes last.
    found.sort(key=lambda one: (one[0] not in meant.values(), -one[1]))
    warnings = [causes for causes, gravity in found if gravity]
    fitting = [causes for causes, _ in found if set(causes) & set(accepted)]
    return [*next(iter(warnings or fitting), ())]


def finetune_doctor(programs: Path, run: Path) -> list[Said]:
    """Its findings of the run's folder."""
    command = [programs / "finetune-doctor", "diagnose", "-f", "json", run]
    found = _json(command)["findings"]
    return [(one["check"], one["severity"]) for one in found]


def runmedic(programs: Path, run: Path) -> list[Said]:
    """Its findings of the Trainer's log."""
    log = run / "trainer_state.json"
    reports = _json([programs / "runmedic", "diagnose", "--json", log])
    return [
        (one["check"], one["severity"])
        for report in reports
        for one in report["findings"]
    ]


def trainproof(programs: Path, run: Path) -> list[Said]:
    """Its findings of the log, then of the data, which count as information."""
    import yaml

    program = programs / "trainproof"
    log = _json([program, "doctor", "--json", run / "trainer_state.json"])
    settings = (run / "train_config.yaml").read_text(encoding="utf-8")
    longest = str(yaml.safe_load(settings)["max_length"])
    limit = ["--tokenizer", run / "checkpoint-0", "--max-len", longest]
    data = _json([program, "preflight", "--json", *limit, run / "train.jsonl"])
    if data["error"]:
        raise SystemExit(f"{program} preflight failed: {data['error']}")
    return [
        (one["id"], one["level"] if report is log else "info")
        for report in (log, data)
        for part in report["reports"]
        for one in part["findings"]
        if one["level"] in {"WARN", "FAIL"}
    ]


def gradsnitch(programs: Path, run: Path) -> list[Said]:
    """Its findings of the log as a table: it reads no other form.

    Rows are the logged training steps, with the held-out losses beside them.
    """
    state = json.loads((run / "trainer_state.json").read_text(encoding="utf-8"))
    log = state["log_history"]
    trained = [entry["step"] for entry in log if "loss" in entry]
    # Where no training step was logged with it, it stands beside the one before.
    watched = {
        max((step for step in trained if step <= entry["step"]), default=trained[0]): (
            entry["eval_loss"]
        )
        for entry in log
        if "eval_loss" in entry
    }
    names = ("step", "loss", "learning_rate", "grad_norm")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            lines = csv.writer(opened)
            lines.writerow([*names, "eval_loss"])
            for entry in log:
                if "loss" in entry:
                    values = [entry.get(name, "") for name in names]
                    lines.writerow([*values, watched.get(entry["step"], "")])
        found = _json([programs / "python", "-c", SNITCH, file])
    return [(name, word) for name, word in found]


RIVALS: Mapping[str, Callable[[Path, Path], list[Said]]] = {
    "finetune-doctor": finetune_doctor,
    "runmedic": runmedic,
    "trainproof": trainproof,
    "gradsnitch": gradsnitch,
}


def _json(command: Sequence[str | Path]) -> Any:
    """What a program prints as JSON; a status of findings is no failure."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        told = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise SystemExit(f"{command[0]} failed: {' '.join(told)}") from None
