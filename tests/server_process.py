"""The rating page served by a process of its own, as `harness rate` serves it."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
# Notes every address that the server process looks up or connects to.
SERVER = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
reached = []
def watch(name):
    real = getattr(socket.socket, name)
    def watched(self, address):
        reached.append(repr(address))
        return real(self, address)
    setattr(socket.socket, name, watched)
for name in ("connect", "connect_ex"):
    watch(name)
looked_up = socket.getaddrinfo
def watched(host, *rest, **more):
    reached.append(repr(host))
    return looked_up(host, *rest, **more)
socket.getaddrinfo = watched
from rating_study import a_task
from ui.serve import serve
serve(sys.argv[2], [a_task()], raters=json.loads(sys.argv[3]), port=int(sys.argv[4]),
      open_browser=False, tell=lambda line: print(line, flush=True))
print(json.dumps(reached), flush=True)
"""


@contextmanager
def server(db, raters, port=0):
    """A server process, the links that it printed, and what it prints at its end."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVER, str(HERE), str(db),
         json.dumps(raters), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parent,
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "True"},
    )  # fmt: skip
    links = {}
    try:
        for line in process.stdout:
            if line.startswith("Link for "):
                name, _, link = line.removeprefix("Link for ").strip().partition(": ")
                links[name] = link
            if line.startswith("Stop with"):
                break
        yield process, links
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
