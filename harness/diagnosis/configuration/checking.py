"""All checks of a run's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.configuration.adapters import (
    adapter_rank,
    adapter_scale,
    adapter_targets,
)
from harness.diagnosis.configuration.limits import AGREE, RATE_FINE
from harness.diagnosis.configuration.model import DataFacts
from harness.diagnosis.configuration.precision import float16_training
from harness.diagnosis.configuration.rate import learning_rate_band, warmup
from harness.diagnosis.configuration.schedule import (
    effective_batch_size,
    epochs,
    optimizer_steps,
    sequence_length,
)
from harness.diagnosis.model import Check, Findings, NotChecked

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.diagnosis.configuration.model import Settings

    Checking = Callable[[Settings, DataFacts], Check | str | None]

CHECKS: dict[str, Checking] = {
    RATE_FINE.name: learning_rate_band,
    "effective_batch_size": effective_batch_size,
    "optimizer_steps": optimizer_steps,
    "epochs": epochs,
    "warmup": warmup,
    "sequence_length": sequence_length,
    "float16_training": float16_training,
    "adapter_rank": adapter_rank,
    "adapter_targets": adapter_targets,
    "adapter_scale": adapter_scale,
}
"""Each gives a check, the reason why there is none, or None where it does not apply."""
NO_SETTINGS = "no settings were found: --config FILE gives them"
READ = "settings_read"


def check_configuration(
    settings: Settings, data_facts: DataFacts | None = None
) -> Findings:
    """Hold a run's settings against what is usual.

    Args:
        settings: as `read_settings` found them.
        data_facts: what is known of the training data.
    """
    facts = data_facts or DataFacts()
    unread = [NotChecked(READ, problem) for problem in settings.problems]
    if not settings.values:
        missing = [NotChecked(name, NO_SETTINGS) for name in CHECKS]
        return Findings(not_checked=(*unread, *missing))
    checks = [_agreement(settings)]
    for name, checking in CHECKS.items():
        found = checking(settings, facts)
        if isinstance(found, Check):
            checks.append(found)
        elif found is not None:
            unread.append(NotChecked(name, found))
    return Findings(tuple(checks), tuple(unread))


def _agreement(settings: Settings) -> Check:
    if settings.differing:
        told = "; ".join(settings.differing)
        return AGREE.check("notice", float(len(settings.differing)), f"{told}.")
    return AGREE.check("fine", 0.0, "No two sources of a setting differ.")
