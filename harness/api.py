"""The study with all verbs, for Python: what the command line can do, as methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends import AUTOMATIC
from harness.check_data import check_data
from harness.compare import compare
from harness.contents import StudyContents
from harness.diagnose import diagnose
from harness.executors import LOCAL
from harness.gate import Rules, conditions, gate
from harness.plan import plan
from harness.progress import silent
from harness.report import report
from harness.rescore import Rescored, score_stored
from harness.run import Run, run
from harness.samples import Wish as SamplesWish
from harness.samples import samples
from harness.study import StudyFile
from harness.study.items import stored_items, stored_tasks
from harness.task import load_tasks
from harness.watch import plan as plan_watch
from harness.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.backends import Loading
    from harness.check_data import Checked, Wanted
    from harness.diagnosis import Diagnosis
    from harness.diagnosis.data.shapes import Columns
    from harness.executors import Executor
    from harness.gate import GateResult
    from harness.progress import Progress
    from harness.reporting.combined import Asked
    from harness.reporting.compared import Comparison
    from harness.reporting.histories import Samples
    from harness.reporting.model import Report
    from harness.reporting.plans import Plan
    from harness.stats.correlation import Over
    from harness.watch import Watch, Wish


class Study(StudyContents):
    """One study file and everything that can be done with it.

    >>> study = Study("results/mine.db")  # doctest: +SKIP
    >>> study.run("my_task.yaml", ["out/checkpoint-*"])  # doctest: +SKIP
    >>> study.report().tasks[0].verdict  # doctest: +SKIP
    """

    def __init__(self, path: Path | str) -> None:
        """Open a study file, or create it.

        Raises:
            StudyError: it is no study file or cannot be opened.
        """
        self.file = StudyFile(path)

    def run(
        self,
        suite: str,
        checkpoints: str | Sequence[str],
        *,
        rehash: bool = False,
        loading: Loading = AUTOMATIC,
        executor: Executor = LOCAL,
        progress: Progress = silent,
    ) -> Run:
        """Generate and score every checkpoint, as far as it has not been done.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            checkpoints: each `[SERIES=]PATH`, a glob, or `[SERIES=]BACKEND:NAME`; one
                alone, or several.
            rehash: read every file of a checkpoint again.
            loading: in which precision, where, and what is trusted; see
                `harness.backends.Loading`.
            executor: where models run; for a Ray cluster a `RayExecutor` of
                `harness.executors`, opened by `with`.
            progress: called by any thread with a label, units done and units in all.

        Raises:
            HarnessError: something is not as it must be; says what and where.
        """
        return run(
            self.file,
            load_tasks(suite),
            [checkpoints] if isinstance(checkpoints, str) else checkpoints,
            rehash=rehash,
            loading=loading,
            executor=executor,
            progress=progress,
        )

    def watch(
        self,
        suite: str,
        wish: Wish,
        *,
        loading: Loading = AUTOMATIC,
        executor: Executor = LOCAL,
        progress: Progress = silent,
        remark: Callable[[str], None] = lambda _: None,
    ) -> Watch:
        """Evaluate each checkpoint of a training as it appears, while iterated over.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            wish: what to watch, as `Wish(Path("out"), base="models/base")` of
                `harness.watch`.
            loading: in which precision, where, and what is trusted.
            executor: where models run, as for `run`.
            progress: called by any thread with a label, units done and units in all.
            remark: called with what users should know, say what was left out.

        Raises:
            HarnessError: something is not as it must be; says what and where.
        """
        planned = plan_watch(load_tasks(suite), wish, loading)
        return watch(
            self.file, planned, executor=executor, progress=progress, remark=remark
        )

    def score(
        self,
        suite: str,
        *,
        progress: Progress = silent,
        remark: Callable[[str], None] = lambda _: None,
    ) -> Rescored:
        """Score stored outputs by the suite's metrics; loads no checkpoint.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            progress: called with a label, units done and units in all.
            remark: called with what users should know, say that data is missing.

        Raises:
            HarnessError: a metric or task is not as it must be.
        """
        return score_stored(
            self.file, load_tasks(suite), progress=progress, remark=remark
        )

    def rate(  # noqa: PLR0913 - as the command's options
        self,
        suite: str,
        raters: Sequence[str] = ("rater",),
        *,
        host: str = "127.0.0.1",
        port: int = 7860,
        public_url: str = "",
        root_path: str | None = None,
        open_browser: bool = False,
        tell: Callable[[str], None] = print,
    ) -> None:
        """Serve the page where people rate outputs, until Ctrl-C; see `ui.serve`.

        Args:
            suite: path of a task or suite file, or the name of a bundled one.
            raters: names of those who get a link.
            host: address to listen at; if other machines can reach it, the
                environment variable HARNESS_PASSWORD must hold a password.
            port: port to listen at; 0 takes any that is free.
            public_url: of a proxy or tunnel in front of it, as in the printed links.
            root_path: what stands before every path; None: that of `public_url`.
            open_browser: whether to open the first rater's link here.
            tell: called with each line for the user, links included.

        Raises:
            HarnessError: there is nothing to rate, or the address cannot be used.
        """
        from ui.serve import serve

        serve(
            self.file.path,
            load_tasks(suite),
            raters=raters,
            host=host,
            port=port,
            public_url=public_url,
            root_path=root_path,
            open_browser=open_browser,
            tell=tell,
        )

    def report(
        self,
        tasks: Sequence[str] | None = None,
        *,
        human: str = "raw",
        over: Over = "items",
        asked: Asked | None = None,
    ) -> Report:
        """The report on tasks, or on all; `harness.reporting.render` writes it out.

        Args:
            tasks: names; None: every task in the study.
            human: ratings as given (`raw`), as each rater's z-scores (`z`), or less
                each rater's severity (`adjusted`).
            over: what intervals of agreement resample, `items` or `both` items and
                checkpoints.
            asked: as `Asked("exactly these prompts", "chrf")` of
                `harness.reporting.combined`: what intervals of ratings and scores
                together are about, and whose scores; None: prompts like these, and the
                first metric that can.

        Raises:
            NotFound: the study has no such task or metric, or there is no such `human`.
            UsageError: fewer than eight checkpoints are to be resampled.
        """
        wanted = None if tasks is None else list(tasks)
        return report(self.file, wanted, human=human, over=over, asked=asked)

    def compare(
        self,
        first: str,
        second: str,
        *,
        task: str | None = None,
        asked: Asked | None = None,
    ) -> list[Comparison]:
        """Two checkpoints on the same items, second minus first, task by task.

        Raises:
            NotFound: no such checkpoint or task; the nearest name is suggested.
            UsageError: they share no task, or are one and the same.
        """
        return compare(self.file, first, second, task=task, asked=asked)

    def samples(
        self,
        tasks: Sequence[str] | None = None,
        wish: SamplesWish = SamplesWish(),  # noqa: B008 - frozen
    ) -> list[Samples]:
        """How outputs changed from checkpoint to checkpoint, task by task.

        `harness.reporting.render_samples` writes it out.

        Args:
            tasks: names; None: every task with outputs.
            wish: as `Wish(pick="changed", limit=5)` of `harness.samples`.

        Raises:
            NotFound: no such task, item or checkpoint; the nearest name is suggested.
            UsageError: there are no outputs to show.
        """
        return samples(self.file, tasks, wish)

    def plan(
        self, suite: str, criterion: str, detect: float, *, power: float = 0.8
    ) -> list[Plan]:
        """How many prompts and raters find a difference of two checkpoints.

        Args:
            suite: path of a task or suite file, name of a bundled one, or of a task in
                the study.
            criterion: what raters judge; each task that has it gets a plan.
            detect: the difference, in points of the scale, or of a win rate from 0.5.
            power: chance to find it.

        Raises:
            NotFound: no such suite, or no task in it has the criterion.
            UsageError: `detect` or `power` is out of range.
        """
        return plan(self.file, suite, criterion, detect, power=power)

    def gate(  # noqa: PLR0913 - as the command's options
        self,
        on: str | Sequence[str],
        *,
        against: str | None = None,
        threshold: float | Sequence[float] = (),
        min_difference: float | Sequence[float] = (),
        candidate: str = "latest",
        tasks: Sequence[str] | None = None,
        rules: Rules = Rules(),  # noqa: B008 - frozen
    ) -> GateResult:
        """Test a checkpoint; `passed` and `verdicts` of the result say how it went.

        Args:
            on: a criterion or metric, or several, each a condition.
            against: the baseline's name, or `first` or `previous` of the series.
            threshold: instead, a number for each condition.
            min_difference: how far to surpass the baseline, a number for each.
            candidate: name of a checkpoint, or `latest`.
            tasks: names; None: every task in the study.
            rules: how it is judged; see `harness.gate.Rules`.

        Raises:
            NotFound: no such checkpoint, task, metric or criterion.
            UsageError: what is asked makes no sense, or was not scored or rated.
        """
        return gate(
            self.file,
            conditions(on, threshold, min_difference),
            against=against,
            candidate=candidate,
            tasks=tasks,
            rules=rules,
        )

    def diagnose(
        self,
        run_dir: Path | str | None = None,
        *,
        data: Path | str | None = None,
        held_out: Path | str | None = None,
        config: Path | str | None = None,
        log: Path | str | None = None,
        progress: Progress = silent,
    ) -> Diagnosis:
        """Why a run may not be learning, from its files and this study.

        Arguments are those of `harness.diagnose.diagnose`; each may be left out.

        Raises:
            InputError: a file that was named cannot be read.
            NotFound: `held_out` is neither a file nor a task.
        """
        return diagnose(
            run_dir,
            data=data,
            held_out=held_out,
            config=config,
            log=log,
            study=self.file,
            progress=progress,
        )

    def check_data(  # noqa: PLR0913 - as the command's options
        self,
        source: Path | str,
        held_out: Path | str | None = None,
        *,
        tokenizer: Path | str | None = None,
        limit: int | None = None,
        columns: Columns | None = None,
        wanted: Wanted | None = None,
        progress: Progress = silent,
    ) -> Checked:
        """What is wrong with training data; held out are, if nothing else, our items.

        Arguments are those of `harness.check_data.check_data`, which needs no study.

        Raises:
            InputError: a file cannot be read, or has no row that can.
            UsageError: a file to write is the source, or cannot be written.
        """
        tasks = stored_tasks(self.file) if held_out is None else []
        items = [item for task in tasks for item in stored_items(self.file, task)]
        return check_data(
            Path(source),
            items or held_out,
            tokenizer=tokenizer,
            limit=limit,
            columns=columns,
            wanted=wanted,
            progress=progress,
        )
