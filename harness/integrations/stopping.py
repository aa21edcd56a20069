"""When a training stops early: by a metric, or by what people are foretold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import NotFound, UsageError
from harness.foretelling import foretell
from harness.metrics.signatures import labels, named
from harness.values import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.integrations.evaluating import Evaluator
    from harness.study import StudyFile
    from harness.values import Value

    Curve = Mapping[int, float]

SIMULATED = (
    "SIMULATED: ratings on {criterion} of task '{task}' that a program made up take "
    "part in what is foretold, and in when training stops."
)


@dataclass(frozen=True, slots=True)
class Stopping:
    """By what a training is stopped, and after how long."""

    by: str
    """A metric's name or key, or a rated criterion's name."""
    patience: int = 3
    """Evaluations in a row that are no better than the best before them."""
    least_gain: float = 0.0
    """By how much a value must be better to count, in its own unit."""

    def task_of(self, evaluator: Evaluator) -> str | None:
        """The task whose criterion it is; None for a metric.

        Raises:
            UsageError: outputs are compared by it, or several tasks have it.
        """
        found = []
        for work in evaluator.works:
            rating = work.task.file.rating
            if rating is None or self.by not in {one.name for one in rating.criteria}:
                continue
            if rating.scheme in {"pairwise", "ranking"}:
                raise UsageError(
                    f"Outputs are compared by {self.by}: a training cannot be stopped "
                    "by it. Name a metric, or a criterion that outputs are rated on."
                )
            found.append(work.task.name)
        if len(found) > 1:
            raise UsageError(
                f"Several tasks have a criterion {self.by}: {', '.join(found)}. Stop "
                "by a suite of one of them."
            )
        return found[0] if found else None

    def curve(
        self,
        evaluator: Evaluator,
        study: StudyFile,
        values: Mapping[int, list[Value]],
        remark: Callable[[str], None] = lambda _: None,
    ) -> dict[int, float]:
        """Step to the value that decides, turned so that more is better.

        Args:
            evaluator: knows what each step is in the study.
            study: with scores and ratings.
            values: step to the metrics' values.
            remark: told if ratings that a program made up take part.

        Raises:
            NotFound: no metric or criterion has that name.
            UsageError: it stands for several, has no direction, or nothing can be
                foretold yet.
        """
        task = self.task_of(evaluator)
        if task is not None:
            foretold = foretell(study, task, self.by)
            if foretold.simulated:
                remark(SIMULATED.format(criterion=self.by, task=task))
            means = foretold.means
            known = evaluator.evaluated.items()
            return {step: means[one.id] for step, one in known if one.id in means}
        found: dict[int, float] = {}
        for step, some in values.items():
            # An evaluation that failed says nothing of the others.
            if not some:
                continue
            [one, *others] = meant(some, self.by)
            if others or not one.directed:
                raise UsageError(
                    f"A training cannot be stopped by {self.by}: several tasks have "
                    "it, or neither more nor less of it is better. Write one key, as "
                    f"'{one.key}'."
                )
            if one.value is not None:
                found[step] = one.value if one.higher_is_better else -one.value
        return found

    def is_over(self, curve: Curve) -> bool:
        """Whether the last `patience` evaluations have brought no gain."""
        best, since = float("-inf"), 0
        for step in sorted(curve):
            if curve[step] > best + self.least_gain or best == float("-inf"):
                best, since = curve[step], 0
            else:
                since += 1
        return since >= self.patience


def check_known(stopping: Stopping, evaluator: Evaluator) -> None:
    """Refuse a name that no task has, before a training begins.

    Raises:
        NotFound: nothing has that name.
        UsageError: it cannot be stopped by.
    """
    if stopping.task_of(evaluator) is not None:
        return
    known: set[str] = set()
    found: dict[str, str] = {}
    for work in evaluator.works:
        metrics = {one.signature: one.directed for one in work.metrics}
        before = f"harness/{work.task.name}/"
        means = named([*metrics], stopping.by.removeprefix(before))
        found |= {f"{before}{label}": sig for sig, label in means.items()}
        known |= {*labels([*metrics]).values()}
        if not all(metrics[sig] for sig in means):
            raise UsageError(
                f"A training cannot be stopped by {stopping.by}: neither more nor less "
                "of it is better."
            )
    if not found:
        raise NotFound("metric or criterion", stopping.by, known)
    if len(found) > 1:
        raise UsageError(
            f"Several metrics are named '{stopping.by}'. Stop by one of them: "
            f"{'; '.join(found)}"
        )
