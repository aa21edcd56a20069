"""The owner's page as a browser would use it, over HTTP."""

CALL = "gradio_api/component_server/"
MESSAGE = {
    "campaign": "modernize",
    "unit": 1,
    "assignment": 1,
    "rater": 1,
    "name": "Eve",
    "flagged_only": False,
    "values": {"meaning": 3, "fluency": 3},
    "comment": "",
}


class OwnersPage:
    """The owner's page, opened by a link."""

    def __init__(self, http, invite):
        self.http = http
        self.greeting = http.get(f"/o/{invite}")
        self.answer = http.post(f"/o/{invite}", headers={"origin": _root(http)})
        assert str(self.answer.url).endswith("/owner/"), self.answer.text
        self.component = component_of(http.get("/owner/config").json())

    def call(self, name, message=MESSAGE):
        """What the server answers to one call."""
        reply = call(self.http, "/owner", self.component, name, message)
        reply.raise_for_status()
        return reply.json()


def component_of(config):
    [number] = [
        component["id"]
        for component in config["components"]
        if component.get("props", {}).get("server_fns")
    ]
    return number


def call(http, page, component, name, message=MESSAGE):
    body = {
        "data": message,
        "component_id": component,
        "fn_name": name,
        "session_hash": "test",
    }
    return http.post(f"{page}/{CALL}", json=body, headers={"origin": _root(http)})


def _root(http):
    return str(http.base_url).rstrip("/")
