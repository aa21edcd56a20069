"""The rating page served by a process of its own, as `harness rate` serves it."""

import json
import multiprocessing
import os
import subprocess
import sys
import warnings
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


def links_of(lines):
    """Name to link, of what a server says until it serves."""
    links = {}
    for line in lines:
        if line.startswith("Link for "):
            name, _, link = line.removeprefix("Link for ").strip().partition(": ")
            links[name] = link
        if line.startswith("Stop with"):
            break
    return links


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
    try:
        yield process, links_of(process.stdout)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def warm_server(db, raters, port=0):
    """The same for servers started again and again: each a fork of one ready process.

    That process has imported Gradio and served nothing yet, so that a start takes a
    moment instead of seconds; the fork is a process of its own that can be killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ui.app", "ui.serve"])
    heard, told = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(told, str(db), raters, port))
    process.start()
    told.close()
    try:
        yield process, links_of(iter(heard.recv, None))
    finally:
        process.kill()
        process.join()
        process.close()
        heard.close()


def _serve(told, db, raters, port):
    from rating_study import a_task

    from ui.serve import serve

    warnings.simplefilter("error")
    serve(db, [a_task()], raters=raters, port=port, open_browser=False, tell=told.send)
