"""A rater without a browser: the same HTTP calls that the page makes.

    page = RaterPage(http, invite)        # http: an httpx.Client or a TestClient
    screen = page.current()               # what `harness.desk.Screen` holds, as JSON
    while screen["shown"]:
        screen = page.submit({"meaning": 4, "fluency": 3})

`http` must keep cookies and have the server's root as its base URL.
"""

PAGE = "/ui/"
CALL = "/ui/gradio_api/component_server/"


def an_answer(shown, choice=0):
    """Values that the scheme of a shown unit takes, whatever scheme it is.

    `choice` tells several answers apart: answers of one scheme differ by it.
    """
    outputs = len(shown["outputs"])
    ranks = [1 + (place + choice) % outputs for place in range(outputs)]
    kinds = {
        "choice": lambda control: control["options"][choice]["value"],
        "slider": lambda _: 10 * choice,
        "ranking": lambda _: ranks,
        "spans": lambda _: [{"severity": "minor"}] * (choice % 2),
    }
    return {one["name"]: kinds[one["kind"]](one) for one in shown["controls"]}


class RaterPage:
    """One rater's page, opened by an invite."""

    def __init__(self, http, invite):
        """Follow the invite link, press the button, read the page's configuration."""
        self.http = http
        self.entry = http.get(f"/i/{invite}")
        self.entry.raise_for_status()
        answer = http.post(f"/i/{invite}", headers={"origin": _root(http)})
        assert str(answer.url).endswith(PAGE), answer.text
        self.html = answer.text
        self.screen = None
        self.bodies = []
        self.reload()

    def reload(self):
        """Read the page's configuration anew, as after a restart of the server."""
        self.config = self.http.get("/ui/config").json()
        [self.component] = [
            component["id"]
            for component in self.config["components"]
            if component.get("props", {}).get("server_fns")
        ]

    def call(self, name, message):
        """What the server answers to one call, whatever it is."""
        reply = self.http.post(
            CALL,
            json={
                "data": message,
                "component_id": self.component,
                "fn_name": name,
                "session_hash": "test",
            },
            headers={"origin": _root(self.http)},
        )
        self.bodies.append(reply.content)
        reply.raise_for_status()
        return reply.json()

    def current(self):
        """The screen as a reload of the page shows it."""
        return self._seen(self.call("current", {}))

    def submit(self, values, comment="", seconds=1.0, token=None):
        """Answer what is shown, or the assignment with `token`; the next screen."""
        message = {"values": values, "comment": comment, "seconds": seconds}
        return self._seen(self.call("submit", message | {"token": self._token(token)}))

    def skip(self, reason="", token=None):
        """Skip what is shown; the next screen."""
        message = {"token": self._token(token), "reason": reason}
        return self._seen(self.call("skip", message))

    def undo(self):
        """Take the last answer back; the screen with it."""
        return self._seen(self.call("undo", {"token": self.screen["last"]}))

    def earlier(self):
        """The list of earlier answers, newest first."""
        return self.call("earlier", {})["earlier"]

    def reopen(self, token):
        """The screen with an earlier answer opened again."""
        return self._seen(self.call("reopen", {"token": token}))

    def differences(self, token=None):
        """What the server says of where the two shown texts differ."""
        return self.call("differences", {"token": self._token(token)})

    def _token(self, token):
        return self.screen["shown"]["token"] if token is None else token

    def _seen(self, reply):
        assert "screen" in reply, reply
        self.screen = reply["screen"]
        return self.screen


def _root(http):
    return str(http.base_url).rstrip("/")
