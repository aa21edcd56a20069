"""The rating page served by a process of its own, as `harness rate` serves it."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
# Python tells the hook of every address that any code looks up, connects or sends to.
SERVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
reached = []
OUTWARD = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname",
           "socket.gethostbyaddr", "socket.getnameinfo", "socket.sendto",
           "socket.sendmsg"}
def heard(event, arguments):
    if event in OUTWARD:
        reached.append(f"{event} {arguments[-4:]!r}")
sys.addaudithook(heard)
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
