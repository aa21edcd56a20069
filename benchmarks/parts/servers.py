"""The servers that are put under load: Tandem, Potato and Label Studio.

Each is started by its own quick start, on 127.0.0.1, with the same 1,000 outputs (five
answers to each of 200 prompts), two questions with five points, and `k` raters wanted
for each. Each is a process of its own that ends, with all it started, by its id.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import yaml
from parts.flows import CRITERIA, FORM
from parts.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HARNESS = Path(sys.executable).with_name("harness")
MOST_SECONDS_TO_START = 240
QUESTIONS = {
    "meaning": "Does the answer say what was asked for?",
    "fluency": "Is it good English?",
}
SENTENCE = "The boat came in at dusk with more fish than it could well carry. "


@dataclass(frozen=True)
class Size:
    """How much there is to rate."""

    prompts: int = 200
    checkpoints: int = 5
    raters_per_output: int = 45
    scheme: str = "likert"


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    flow: str
    """Its name in `parts.flows`."""
    port: int
    """On 127.0.0.1."""
    keys: tuple[str, ...]
    """What lets each of the raters in."""
    first_page_s: float
    """From its start until it served its first page."""
    owner: str = ""
    """What lets the owner in, where there is a page that shows how all stands."""


def rows(size: Size) -> Iterator[dict[str, str]]:
    """Outputs of some 270 letters, as each of the servers gets them."""
    for prompt in range(size.prompts):
        for checkpoint in range(size.checkpoints):
            yield {
                "item": f"item-{prompt}",
                "system": f"checkpoint-{checkpoint}",
                "prompt": f"Tell of the harbour on day {prompt}.",
                "output": f"Day {prompt}, {checkpoint}. " + SENTENCE * 4,
            }


@contextmanager
def tandem(place: Path, raters: int, size: Size | None = None) -> Iterator[Server]:
    """`harness import` and `harness rate`, in a folder that it makes."""
    size = size or Size()
    task, study = _tandem_study(place, size)
    port = free_port()
    names = [f"rater-{number}" for number in range(raters)]
    command = [
        *(str(HARNESS), "rate", str(task), "--db", str(study), "--no-browser"),
        *("--port", str(port)),
        *(part for name in names for part in ("--rater", name)),
    ]
    begin = time.perf_counter()
    with started(command, place, heard=True) as process:
        keys, owner = [], ""
        for line in process.stdout or ():
            if line.startswith("Link for "):
                keys.append(line.strip().rpartition("/i/")[2])
            if line.startswith("Page for you"):
                owner = line.strip().rpartition("/o/")[2]
            if line.startswith("Stop with"):
                break
        if len(keys) != raters:
            raise RuntimeError(f"{len(keys)} links; see {place / 'said.txt'}")
        until_it_answers(process, port, f"/i/{keys[0]}")
        yield Server("tandem", port, tuple(keys), time.perf_counter() - begin, owner)


def _tandem_study(place: Path, size: Size) -> tuple[Path, Path]:
    place.mkdir()
    task, data, study = (place / name for name in ("load.yaml", "load.jsonl", "s.db"))
    data.write_text("".join(json.dumps(row) + "\n" for row in rows(size)))
    content = {
        "name": "load",
        "description": "Answer in a few sentences.",
        "data": data.name,
        "prompt": "{{ prompt }}",
        "rating": {
            "scheme": size.scheme,
            "criteria": [
                {"name": name, "question": text} for name, text in QUESTIONS.items()
            ],
            "items": "all",
            "raters_per_output": size.raters_per_output,
        },
    }
    task.write_text(yaml.safe_dump(content, sort_keys=False))
    subprocess.run(
        [
            *(str(HARNESS), "import", "outputs", str(data)),
            *("--task", "load", "--db", str(study)),
        ],
        check=True,
        capture_output=True,
    )
    return task, study


@contextmanager
def potato(program: Path, place: Path, raters: int) -> Iterator[Server]:
    """`potato start config.yaml`, after its example of a Likert scale."""
    size = Size()
    (place / "data").mkdir(parents=True)
    data = [
        {"id": f"{row['item']}-{row['system']}", "text": row["output"]}
        for row in rows(size)
    ]
    (place / "data" / "load.json").write_text(
        "".join(json.dumps(row) + "\n" for row in data)
    )
    content = {
        "annotation_task_name": "Load",
        "task_dir": ".",
        "output_annotation_dir": "annotation_output/",
        "output_annotation_format": "json",
        "data_files": ["data/load.json"],
        "item_properties": {"id_key": "id", "text_key": "text"},
        "user_config": {"allow_all_users": True, "users": []},
        "require_password": False,
        "max_annotations_per_item": size.raters_per_output,
        "annotation_schemes": [
            {
                "annotation_type": "likert",
                "name": name,
                "description": QUESTIONS[name],
                "min_label": "Not at all",
                "max_label": "Completely",
                "size": 5,
            }
            for name in CRITERIA
        ],
        "site_dir": "default",
    }
    (place / "config.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    port = free_port()
    command = [str(program), "start", "config.yaml", "--host", "127.0.0.1"]
    begin = time.perf_counter()
    with started([*command, "-p", str(port)], place) as process:
        until_it_answers(process, port, "/")
        seconds = time.perf_counter() - begin
        names = tuple(f"rater-{number}" for number in range(raters))
        yield Server("potato", port, names, seconds)


@contextmanager
def label_studio(program: Path, place: Path, raters: int) -> Iterator[Server]:
    """`label-studio start` with its SQLite, its data made at the first time."""
    port = free_port()
    known = place / "known.json"
    place.mkdir(exist_ok=True)
    command = [str(program), "start", "--no-browser", "--data-dir", str(place)]
    command += ["--port", str(port), "--internal-host", "127.0.0.1"]
    begin = time.perf_counter()
    with started(command, place, settings=_SILENT) as process:
        until_it_answers(process, port, "/user/login/")
        seconds = time.perf_counter() - begin
        if not known.exists():
            keys = asyncio.run(_sign_up(port, raters))
            known.write_text(json.dumps(keys))
        yield Server(
            "label_studio", port, tuple(json.loads(known.read_text())), seconds
        )


_SILENT = {
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "COLLECT_ANALYTICS": "0",
    "LATEST_VERSION_CHECK": "0",
}


async def _sign_up(port: int, raters: int) -> list[str]:
    """Raters of one organization, a project by the first of them; their sessions."""
    wires = [Wire(port) for _ in range(raters)]
    for number, wire in enumerate(wires):
        await wire.get("/user/signup/")
        form = {
            "csrfmiddlewaretoken": wire.cookies["csrftoken"],
            "email": f"rater-{number}@example.org",
            "password": secrets.token_urlsafe(12),
            "allow_newsletters": "false",
        }
        reply = await wire.ask("POST", "/user/signup/", FORM, urlencode(form).encode())
        if reply.status != 302:  # noqa: PLR2004 - to the projects
            raise RuntimeError(f"no sign-up: {reply.status} {reply.body[:300]!r}")
    project = await _made(wires[0], "/api/projects/", _PROJECT)
    tasks = [{"data": {"prompt": row["prompt"], "output": row["output"]}}
             for row in rows(Size())]  # fmt: skip
    await _made(wires[0], f"/api/projects/{project['id']}/import", tasks)
    for wire in wires:
        wire.close()
    return [
        json.dumps({"project": project["id"], "cookies": wire.cookies})
        for wire in wires
    ]


_PROJECT = {
    "title": "Load",
    "label_config": "<View><Text name='prompt' value='$prompt'/>"
    "<Text name='output' value='$output'/>"
    + "".join(
        f"<Header value='{QUESTIONS[name]}'/>"
        f"<Rating name='{name}' toName='output' maxRating='5'/>"
        for name in CRITERIA
    )
    + "</View>",
    "maximum_annotations": Size().raters_per_output,
}


async def _made(wire: Wire, path: str, content: Any) -> Any:
    reply = await wire.post(path, content)
    if reply.status != 201:  # noqa: PLR2004 - created
        raise RuntimeError(f"{path}: {reply.status} {reply.body[:300]!r}")
    return reply.json()


@contextmanager
def started(
    command: Sequence[str],
    place: Path,
    *,
    settings: Mapping[str, str] | None = None,
    heard: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, that ends with all that it started.

    What it says goes to said.txt in its folder; if it is `heard`, only its errors do.
    """
    with (place / "said.txt").open("a") as errors:
        process = subprocess.Popen(
            command,
            cwd=place,
            env=os.environ | {"NO_PROXY": "*"} | (settings or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if heard else errors,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    for how, seconds in ((signal.SIGINT, 5), (signal.SIGKILL, 5)):
        if process.poll() is None:
            os.killpg(process.pid, how)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def until_it_answers(process: subprocess.Popen[str], port: int, path: str) -> None:
    """Wait for the first page of a server."""
    end = time.perf_counter() + MOST_SECONDS_TO_START
    while not asyncio.run(_answers(port, path)):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        if time.perf_counter() > end:
            raise RuntimeError(f"{process.args} serves no page")
        time.sleep(0.05)


async def _answers(port: int, path: str) -> bool:
    wire = Wire(port)
    try:
        return (await wire.get(path)).status == 200  # noqa: PLR2004 - a page
    except (OSError, EOFError):
        return False
    finally:
        wire.close()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
