"""What a client uses of MLflow's REST interface, as version 3 documents it."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

API = "/api/2.0/mlflow"


class MLflowServer:
    """Keeps what it is told; files go to a folder that it names."""

    def __init__(self, folder):
        self.metrics = []
        """(key, value, step) of each value, in the order in which they came."""
        self.experiments, self.runs = {}, {}
        self.folder = folder
        routes = APIRouter(prefix=API)
        routes.get("/experiments/get-by-name")(self._experiment)
        routes.post("/experiments/create")(self._create_experiment)
        routes.post("/runs/create")(self._create_run)
        routes.get("/runs/get")(self._run)
        routes.post("/runs/log-batch")(self._log_batch)
        routes.post("/runs/update")(self._update)
        self.app = FastAPI()
        self.app.include_router(routes)

    def _experiment(self, experiment_name: str):
        if experiment_name not in self.experiments:
            return missing(f"no experiment {experiment_name}")
        return {"experiment": self.experiments[experiment_name]}

    async def _create_experiment(self, request: Request):
        name = (await request.json())["name"]
        self.experiments[name] = {
            "experiment_id": "1",
            "name": name,
            "artifact_location": self.folder.as_uri(),
            "lifecycle_stage": "active",
        }
        return {"experiment_id": "1"}

    async def _create_run(self, request: Request):
        asked = await request.json()
        id_ = f"run{len(self.runs)}"
        self.runs[id_] = {
            "info": {
                "run_id": id_,
                "run_uuid": id_,
                "run_name": asked["run_name"],
                "experiment_id": asked["experiment_id"],
                "status": "RUNNING",
                "artifact_uri": (self.folder / id_).as_uri(),
                "lifecycle_stage": "active",
            },
            "data": {"tags": asked["tags"]},
        }
        return {"run": self.runs[id_]}

    def _run(self, run_id: str):
        if run_id not in self.runs:
            return missing(f"no run {run_id}")
        return {"run": self.runs[run_id]}

    async def _log_batch(self, request: Request):
        for one in (await request.json())["metrics"]:
            self.metrics.append((one["key"], one["value"], one["step"]))
        return {}

    async def _update(self, request: Request):
        asked = await request.json()
        info = self.runs[asked["run_id"]]["info"]
        info["status"] = asked["status"]
        return {"run_info": info}


def missing(message):
    """As MLflow says that something is not there."""
    content = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": message}
    return JSONResponse(content, status_code=404)
