"""A server that has fine-tuning jobs, as OpenAI's API documents them."""

from __future__ import annotations

from backends.openai_server import FakeServer, refusal
from fastapi import Request, Response

ID = "ftjob-1"
BASE = "gpt-base"
FINAL = "ft:gpt-base:org:robin:abc"
PAGE = 2
"""Objects on a page, so that few take several."""
RESULTS = b"""step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy
1,2.5,0.4,2.6,0.41
2,2.0,0.5,,
3,1.5,0.6,2.2,0.52
"""


def checkpoint(step, model=None):
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": f"ftckpt_{step}",
        "created_at": step,
        "fine_tuned_model_checkpoint": model or f"{FINAL}:ckpt-step-{step}",
        "fine_tuning_job_id": ID,
        "metrics": {"step": step, "train_loss": 3.0 - step, "full_valid_loss": 2.9},
        "step_number": step,
    }


def event(step):
    return {
        "object": "fine_tuning.job.event",
        "id": f"ftevent-{step}",
        "created_at": step,
        "level": "info",
        "message": f"Step {step}/3",
        "type": "metrics",
        "data": {"step": step, "train_loss": 3.0 - step, "total_steps": 3},
    }


class JobServer(FakeServer):
    """Three checkpoints of one job, the last of which is the tuned model."""

    def __init__(self):
        super().__init__()
        self.app.get("/v1/fine_tuning/jobs/{id_}")(self._job)
        self.app.get("/v1/fine_tuning/jobs/{id_}/checkpoints")(self._checkpoints)
        self.app.get("/v1/fine_tuning/jobs/{id_}/events")(self._events)
        self.app.get("/v1/files/{id_}/content")(self._content)

    def reset(self):
        super().reset()
        self.job = {
            "object": "fine_tuning.job",
            "id": ID,
            "created_at": 1,
            "error": None,
            "fine_tuned_model": FINAL,
            "finished_at": 9,
            "hyperparameters": {"n_epochs": 3, "batch_size": 4},
            "model": BASE,
            "organization_id": "org",
            "result_files": ["file-1"],
            "seed": 5,
            "status": "succeeded",
            "training_file": "file-0",
            "method": {
                "type": "supervised",
                "supervised": {"hyperparameters": {"learning_rate_multiplier": 1.8}},
            },
        }
        self.checkpoints = [checkpoint(3, FINAL), checkpoint(2), checkpoint(1)]
        self.events = [event(3), event(2), event(1)]
        self.files = {"file-1": RESULTS}
        self.gone = set()
        """Models that the server no longer has."""
        self.asked = []
        """Paths that were read, with their queries."""
        self.refuse = dict.fromkeys(("completions", "chat"), self._expired)

    def _expired(self, body):
        if body["model"] in self.gone:
            return refusal(404, "The model does not exist", code="model_not_found")
        return None

    async def _job(self, id_: str, request: Request):
        self.requests.append(("job", {}, dict(request.headers)))
        if id_ != self.job["id"]:
            key = request.headers["authorization"]
            return refusal(404, f"No such job: {id_}, {key}")
        return self.job

    async def _checkpoints(self, request: Request):
        return self._page(self.checkpoints, request)

    async def _events(self, request: Request):
        return self._page(self.events, request)

    def _page(self, objects, request):
        self.asked.append(str(request.url))
        ids = [one["id"] for one in objects]
        after = request.query_params.get("after")
        begin = ids.index(after) + 1 if after else 0
        shown = objects[begin : begin + PAGE]
        more = begin + PAGE < len(objects)
        return {"object": "list", "data": shown, "has_more": more}

    async def _content(self, id_: str):
        if id_ not in self.files:
            return refusal(404, "No such file")
        return Response(self.files[id_], media_type="application/octet-stream")
