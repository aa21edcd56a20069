"""The openai backend against a real server: `transformers serve` with a small model."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from backends.passages import first_references

from harness.backends import OpenAIBackend, TransformersBackend
from harness.backends.retry import Patience
from harness.errors import ServerError
from harness.types import Generation, Item

SECONDS_TO_START = 60
PATIENCE = Patience(tries=3, first_wait=0.1, timeout=60.0)

CHAT = (
    "{% for turn in messages %}{{ turn.role }}: {{ turn.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(checkpoint, tmp_path_factory):
    """Folder of a model and the URL where it is served."""
    home = tmp_path_factory.mktemp("served")
    folder = shutil.copytree(checkpoint("gpt2"), home / "checkpoint-30")
    (folder / "chat_template.jinja").write_text(CHAT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("transformers"), "serve", str(folder)]
    command += ["--device", "cpu", "--dtype", "float32"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    alone = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
    log = home / "log.txt"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=os.environ | alone, stdout=output, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            wait_for(port, server, log)
            yield folder, f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(port, server, log):
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="module")
def models(served):
    """The same model twice: run here, and asked at the server."""
    folder, url = served
    backend = OpenAIBackend(patience=PATIENCE)
    return TransformersBackend().load(str(folder)), backend.load(f"{folder}@{url}")


def written(answers):
    return {key: (one.text, one.prompt_tokens) for key, one in answers.items()}


def test_greedy_answers_equal_those_of_the_model_run_here(models, items, answer):
    here, there = models
    settings = Generation(max_new_tokens=12)
    assert written(answer(there, items, settings)) == written(
        answer(here, items, settings)
    )
    assert there.usage.requests == len(items)


def test_chat_answers_equal_those_of_the_model_run_here(models, items, answer):
    here, there = models
    asked = [
        replace(one, messages=({"role": "user", "content": one.prompt},))
        for one in items[:8]
    ]
    settings = Generation(max_new_tokens=12)
    chatted = written(answer(there, asked, settings))
    assert chatted == written(answer(here, asked, settings))
    assert chatted != written(answer(here, items[:8], settings))


def test_stop_texts_end_answers_as_they_do_here(models, items, answer):
    here, there = models
    free = answer(here, items, Generation(max_new_tokens=12))
    stop = next(one.text[2:4] for one in free.values() if len(one.text) > 6)
    settings = Generation(max_new_tokens=12, stop=(stop,))
    stopped = written(answer(there, items, settings))
    assert stopped == written(answer(here, items, settings))
    assert stopped != written(free)


def test_it_has_completions_but_gives_no_likelihoods(served):
    folder, url = served
    backend = OpenAIBackend(patience=PATIENCE)
    identity = backend.identity(f"{folder}@{url}")
    assert identity["plain prompts"] == "completions"
    assert identity["likelihoods"] == "none"
    one = Item("i", "t", "k", "go", references=(" on",))
    [[scored]] = backend.load(f"{folder}@{url}").loglikelihood(first_references(one))
    assert "not available there" in scored.reason


def test_a_model_that_it_does_not_have_is_refused(served):
    _, url = served
    with pytest.raises(ServerError, match="refuses 'nobody/nothing'"):
        OpenAIBackend(patience=PATIENCE).fingerprint(f"nobody/nothing@{url}", {})
