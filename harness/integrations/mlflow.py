"""MLflow: a run for each series in an experiment, on a server or in a folder."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.integrations.journal import Adding
from harness.integrations.tracker import trackers

if TYPE_CHECKING:
    from harness.integrations.journal import Addition

FORBIDDEN = re.compile(r"[^\w\-. /]")
"""What names of metrics may not hold."""
AT_ONCE = 1000
"""Values that a server takes in one request."""


@trackers.register("mlflow")
class MLflow(Adding):
    """`mlflow:EXPERIMENT` or `mlflow:EXPERIMENT@URI`.

    Without a URI it is what MLFLOW_TRACKING_URI says, else MLflow's own default.
    """

    name = package = "mlflow"
    title = "MLflow"
    wants = "EXPERIMENT[@URI]"

    def __init__(self, place: str) -> None:
        """Take the experiment and the URI.

        Raises:
            MissingPackage: the package is not installed.
            UsageError: there is no experiment, or the URI holds a password.
        """
        super().__init__(place)
        # The client would tell its makers that it is used.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # By itself it tries for four minutes; what is not told now is told later.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        self.experiment, _, self.uri = place.partition("@")
        if not self.experiment:
            raise UsageError("--track mlflow: write mlflow:EXPERIMENT[@URI].")
        if "@" in urlsplit(self.uri).netloc:
            raise UsageError(
                "MLflow's URI must hold no user name: it is stored in the study. Set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead."
            )

    def has(self, run: str) -> bool:
        """Whether the run was neither deleted nor is of another server.

        Raises:
            UsageError: the server cannot be reached.
        """
        from mlflow.exceptions import MlflowException

        try:
            return bool(self._client().get_run(run).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise self.refused(error) from None

    def add(self, run: str | None, addition: Addition) -> str:
        """Log values with the steps of training, outputs as files.

        Raises:
            UsageError: the client refuses, or the server cannot be reached.
        """
        from mlflow.exceptions import MlflowException

        try:
            client = self._client()
            # Of a server it says on stdout, which is for results, where the run is.
            with redirect_stdout(sys.stderr):
                run = run or self._begin(client, addition)
                self._log(client, run, addition)
                client.set_terminated(run)
        except MlflowException as error:
            raise self.refused(error) from None
        return run

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri or None)

    def _begin(self, client: Any, addition: Addition) -> str:
        found = client.get_experiment_by_name(self.experiment)
        id_ = (
            found.experiment_id if found else client.create_experiment(self.experiment)
        )
        tags = {"harness.study": addition.study, "harness.series": addition.series}
        run = client.create_run(id_, run_name=addition.title, tags=tags)
        return str(run.info.run_id)

    def _log(self, client: Any, run: str, addition: Addition) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        # In a folder a metric is a file, so that none may lie below another.
        values = [
            Metric(FORBIDDEN.sub("_", name), value, now, point.step)
            for point in addition.points
            for name, value in point.scalars("_").items()
        ]
        for start in range(0, len(values), AT_ONCE):
            client.log_batch(run, metrics=values[start : start + AT_ONCE])
        for step, _, samples in addition.steps():
            for task in dict.fromkeys(one.task for one in samples):
                texts = [
                    f"# {one.item}\n\n{one.markdown()}\n"
                    for one in samples
                    if one.task == task
                ]
                file = f"samples/{FORBIDDEN.sub('_', task)}/step-{step}.md"
                client.log_text(run, "\n".join(texts), file)
