"""Fine-tuning jobs of OpenAI's API: their checkpoints, and what they logged.

A job is named as a model is, `ID[@URL[#KEY_VARIABLE]]`; its checkpoints are models of
the same server.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.backends.base import Place, backends
from harness.backends.hosted import HostedModel
from harness.errors import CheckpointError, MissingPackage, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from openai import OpenAI

    from harness.types import Json

JOB = "openai-job"
"""As in `--checkpoint openai-job:ID`."""
MODELS = "openai"
"""The backend that runs the checkpoints."""
SECONDS = 60.0
QUOTED = 300
"""Letters of a server's words that a message repeats."""
MOST = 10_000
"""Checkpoints, and events, that are read of a job."""
GONE = frozenset({404, 410})
"""How servers refuse what they no longer have."""
SUFFIX = re.compile(r"ft:[^:]*:[^:]*:(?P<suffix>[^:]+):[^:]+")
"""A fine-tuned model's name: base, organisation, the user's suffix, id."""
SETTINGS = {
    "batch_size": "batch_size",
    "n_epochs": "epochs",
    "learning_rate_multiplier": "learning_rate_multiplier",
}
"""Hyperparameters of a job, and what they are called here."""


@dataclass(frozen=True, slots=True)
class TunedPlace:
    """A model of a job."""

    place: Place
    """Where it is; its series is the job's."""
    step: int | None
    """Optimizer steps; 0 is the model that the job began with."""
    settings: Mapping[str, Json]
    """What the job was asked for."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a job has to evaluate."""

    models: tuple[TunedPlace, ...]
    """Those that can be asked, by step."""
    remarks: tuple[str, ...] = ()
    """What is missing, and why."""


@dataclass(frozen=True, slots=True)
class TrainingFiles:
    """What a job logged."""

    series: str
    """The job's."""
    files: Mapping[str, bytes]
    """Name to content, as `harness.logs` reads them."""
    remarks: tuple[str, ...] = ()
    """What is missing, and why."""


def tuning(name: str) -> Tuning:
    """The base model and the checkpoints of a job.

    Each is asked for a token or two, since a list may name what has expired.

    Raises:
        CheckpointError: the job has no model that can be asked; says how it stands.
        MissingPackage: the openai package is not installed.
        ServerError: the server cannot be reached, or refuses the key or the job.
        UsageError: the name holds no proper URL, or the key is missing.
    """
    hosted = HostedModel.parse(name)
    with _client(hosted) as client:
        job = client.fine_tuning.jobs.retrieve(hosted.model)
        listed = client.fine_tuning.jobs.checkpoints.list(hosted.model, limit=100)
        steps = _steps(islice(listed, MOST))
        if job.fine_tuned_model and job.fine_tuned_model not in steps.values():
            last = _last_step(client, hosted.model)
            steps.setdefault(last, job.fine_tuned_model)
    if not steps:
        raise CheckpointError(f"Job {hosted.model}{_standing(job)}")
    remarks = []
    if job.status != "succeeded":
        remarks.append(f"Job {hosted.model}{_standing(job)}")
    models = []
    for step, model in {0: job.model, **steps}.items():
        location = HostedModel(model, hosted.url, hosted.key_variable).location
        if not _answers(location):
            remarks.append(_expired(hosted, model, step))
            continue
        called = f"step-{step}" if step is not None else model
        place = Place(location, called, series_of(job))
        models.append(TunedPlace(place, step, _settings(job)))
    if not any(one.step != 0 for one in models):
        raise CheckpointError(" ".join(remarks))
    return Tuning(tuple(models), tuple(remarks))


def training_files(name: str) -> TrainingFiles:
    """The results, events and checkpoints of a job, for diagnosis.

    Raises:
        MissingPackage, ServerError, UsageError: as `tuning`.
    """
    hosted = HostedModel.parse(name)
    files: dict[str, bytes] = {}
    remarks = []
    with _client(hosted) as client:
        jobs = client.fine_tuning.jobs
        job = jobs.retrieve(hosted.model)
        for number, id_ in enumerate(job.result_files or (), start=1):
            found = _content(client, id_)
            if found is None:
                remarks.append(f"Results {id_} of job {hosted.model} are gone.")
            else:
                files[f"results{f'-{number}' * (number > 1)}.csv"] = found
        if not job.result_files:
            remarks.append(
                f"Job {hosted.model} has no results file (yet); its losses are those "
                "of its events."
            )
        # The newest come first.
        events = list(islice(jobs.list_events(hosted.model, limit=100), MOST))[::-1]
        files["events.jsonl"] = _lines(events)
        checkpoints = jobs.checkpoints.list(hosted.model, limit=100)
        files["checkpoints.jsonl"] = _lines(islice(checkpoints, MOST))
    key = (hosted.key() or "").encode()
    kept = {
        called: content.replace(key, b"***") if key else content
        for called, content in files.items()
        if content.strip()
    }
    return TrainingFiles(series_of(job), kept, tuple(remarks))


def series_of(job: Any) -> str:
    """What a job is called: its suffix, else its id."""
    given = getattr(job, "user_provided_suffix", None)
    named = SUFFIX.fullmatch(job.fine_tuned_model or "")
    suffix = given if isinstance(given, str) and given else named and named["suffix"]
    return re.sub(r"[^\w.-]", "-", suffix or job.id).lstrip(".-") or "job"


@contextmanager
def _client(hosted: HostedModel) -> Iterator[OpenAI]:
    """The official client; its errors become ours."""
    try:
        import openai
    except ImportError:
        raise MissingPackage("Reading a fine-tuning job", "openai") from None
    key = hosted.key()
    # A redirect or a proxy must not carry the key where the user did not send it.
    http = openai.DefaultHttpxClient(
        follow_redirects=False, trust_env=not hosted.is_loopback
    )
    try:
        with openai.OpenAI(
            api_key=key or "none",
            base_url=hosted.url,
            timeout=SECONDS,
            http_client=http,
        ) as client:
            yield client
    except openai.APIStatusError as error:
        said = _quoted(error.message, key)
        raise ServerError(
            f"{hosted.url} does not give job '{hosted.model}' (status "
            f"{error.status_code}: {said}). Check the job's id, and that the key is of "
            "its project.",
            status=error.status_code,
            said=said,
        ) from None
    except openai.APIError as error:
        said = _quoted(str(error.__cause__ or error), key)
        raise ServerError(
            f"{hosted.url} gives no answer about job '{hosted.model}' ({said})."
        ) from None


def _steps(checkpoints: Iterable[Any]) -> dict[int | None, str]:
    """Step to model, ascending."""
    named = [
        (one.step_number, one.fine_tuned_model_checkpoint)
        for one in checkpoints
        if isinstance(one.step_number, int) and one.fine_tuned_model_checkpoint
    ]
    return dict(sorted(named))


def _last_step(client: OpenAI, job: str) -> int | None:
    """The step at which training ended, as its events say."""
    steps = [
        step
        for event in islice(client.fine_tuning.jobs.list_events(job, limit=100), MOST)
        if isinstance(event.data, dict)
        and isinstance(step := event.data.get("step"), int)
    ]
    return max(steps, default=None)


def _answers(location: str) -> bool:
    try:
        backends[MODELS].fingerprint(location, {})
    except ServerError as error:
        if error.status in GONE:
            return False
        raise
    return True


def _expired(hosted: HostedModel, model: str, step: int | None) -> str:
    what = "base model" if step == 0 else "model" if step is None else f"step {step}"
    return (
        f"Job {hosted.model}: the {what} is left out, for the server no longer has "
        f"'{model}'."
    )


def _standing(job: Any) -> str:
    """How a job stands, and what to do."""
    if job.status == "failed":
        error = job.error
        why = f": {_quoted(error.message or error.code, None)}" if error else "."
        return f" has failed{why}"
    if job.status == "cancelled":
        return " was cancelled; what it has made until then is all there is."
    if job.status == "succeeded":
        return " has no checkpoint any more, nor a model."
    return (
        f" is not done ({_quoted(job.status, None)}). Run the same command again later "
        "for checkpoints that are still to come."
    )


def _settings(job: Any) -> dict[str, Json]:
    """What decides how a job trains, without what is unknown."""
    asked = _as_dict(getattr(job, "hyperparameters", None))
    method = _as_dict(getattr(job, "method", None))
    kind = method.get("type")
    inner = (method.get(kind) or {}) if isinstance(kind, str) else {}
    asked |= inner.get("hyperparameters") or {} if isinstance(inner, dict) else {}
    found = {ours: asked.get(name) for name, ours in SETTINGS.items()}
    found |= {"base_model": job.model, "method": kind, "seed": job.seed}
    found |= {"training_file": job.training_file}
    plain = (int, float, str)
    return {name: value for name, value in found.items() if isinstance(value, plain)}


def _as_dict(given: Any) -> dict[str, Json]:
    return given.to_dict(mode="json") if hasattr(given, "to_dict") else {}


def _content(client: OpenAI, file: str) -> bytes | None:
    from openai import APIStatusError

    try:
        return client.files.content(file).content
    except APIStatusError as error:
        if error.status_code in GONE:
            return None
        raise


def _lines(objects: Iterable[Any]) -> bytes:
    rows = (json.dumps(one.to_dict(mode="json")) for one in objects)
    return "".join(f"{row}\n" for row in rows).encode()


def _quoted(text: str, key: str | None) -> str:
    """A server's words, safe to print: no key, no control signs, not too long."""
    if key:
        text = text.replace(key, "***")
    seen = "".join(one if one.isprintable() else " " for one in text)
    return seen if len(seen) <= QUOTED else seen[:QUOTED] + "..."
