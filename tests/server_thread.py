"""The rating page, or any ASGI app, served by a thread of this process."""

import socket
import threading
import time
from contextlib import contextmanager


@contextmanager
def running(study_path, campaign, **settings):
    """The rating page on a free port of this machine; gives the port."""
    from ui.app import create_app

    with in_thread(lambda: create_app(study_path, [campaign], **settings)) as port:
        yield port


@contextmanager
def in_thread(make_app, listener=None, **settings):
    """An app on a free port of this machine, or at a socket; gives the port."""
    import uvicorn

    listener = listener or socket.create_server(("127.0.0.1", 0))
    servers = []

    def work():
        # In this thread: playwright keeps an event loop running in the main one.
        app = make_app()
        config = uvicorn.Config(
            app, log_level="warning", ws="none", timeout_graceful_shutdown=1, **settings
        )
        servers.append(uvicorn.Server(config))
        servers[0].run(sockets=[listener])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while thread.is_alive() and not (servers and servers[0].started):
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        servers[0].should_exit = True
        thread.join()
        listener.close()
