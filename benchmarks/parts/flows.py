"""What a rater's browser asks each server for: sign in once, then rate and rate."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode

if TYPE_CHECKING:
    from parts.wire import Reply, Wire

CALL = "/ui/gradio_api/component_server/"
FORM = "application/x-www-form-urlencoded"


class Flow(Protocol):
    """One rater."""

    @property
    def wire(self) -> Wire:
        """Their connection."""

    async def enter(self) -> None:
        """Sign in, up to the first thing to be rated."""

    async def rate(self) -> bool:
        """Rate what is shown and get the next; whether there is one."""


@dataclass
class Tandem:
    """One request a rating: the reply holds the next screen."""

    wire: Wire
    key: str
    """The rater's invite."""
    number: int = 0
    component: int = 0
    shown: dict[str, Any] | None = None

    async def enter(self) -> None:
        """Follow the invite and open the page."""
        _expect(await self.wire.get(f"/i/{self.key}"), 200)
        _expect(await self.wire.ask("POST", f"/i/{self.key}"), 303)
        _expect(await self.wire.get("/ui/"), 200)
        config = _expect(await self.wire.get("/ui/config"), 200).json()
        [self.component] = [
            one["id"] for one in config["components"] if one["props"].get("server_fns")
        ]
        await self._call("current", {})

    async def rate(self) -> bool:
        """The same places on the scale by turns."""
        if self.shown is None:
            return False
        self.number += 1
        values = {
            control["name"]: control["options"][self.number % 5]["value"]
            for control in self.shown["controls"]
        }
        message = {"values": values, "comment": "", "seconds": 1.0, "flagged": False}
        await self._call("submit", message | {"token": self.shown["token"]})
        return self.shown is not None

    async def _call(self, name: str, message: Any) -> None:
        call = {
            "data": message,
            "component_id": self.component,
            "fn_name": name,
            "session_hash": "load",
        }
        reply = _expect(await self.wire.post(CALL, call), 200).json()
        if "screen" not in reply or reply["screen"]["problem"]:
            raise RuntimeError(f"refused: {json.dumps(reply)[:500]}")
        self.shown = reply["screen"]["shown"]


@dataclass
class Owner:
    """The page of Tandem's owner, which asks how all stands every five seconds."""

    wire: Wire
    key: str
    """The owner's invite."""
    component: int = 0
    looks: int = 0

    async def enter(self) -> None:
        """Follow the invite and open the page."""
        _expect(await self.wire.get(f"/o/{self.key}"), 200)
        _expect(await self.wire.ask("POST", f"/o/{self.key}"), 303)
        config = _expect(await self.wire.get("/owner/config"), 200).json()
        [self.component] = [
            one["id"] for one in config["components"] if one["props"].get("server_fns")
        ]

    async def look(self) -> None:
        """Ask for what the first tab shows."""
        for name in ("ask_standing", "ask_questions"):
            call = {
                "data": {},
                "component_id": self.component,
                "fn_name": name,
                "session_hash": "load",
            }
            path = "/owner/gradio_api/component_server/"
            reply = _expect(await self.wire.post(path, call), 200).json()
            if "error" in reply:
                raise RuntimeError(f"refused: {reply['error']}")
        self.looks += 1


@dataclass
class Potato:
    """Save, then ask for the next page; its browser reloads the page once more."""

    wire: Wire
    key: str
    """The rater's name."""
    number: int = 0
    instance: str = ""

    async def enter(self) -> None:
        """Sign in by name alone."""
        form = urlencode({"email": self.key, "pass": "", "action": "login"}).encode()
        _expect(await self.wire.ask("POST", "/auth", FORM, form), 302)
        self._read(await self.wire.get("/annotate"))

    async def rate(self) -> bool:
        """Both criteria, saved as the page's script saves them."""
        self.number += 1
        point = str(self.number % 5 + 1)
        message = {
            "instance_id": self.instance,
            "annotations": {f"{name}:{point}": point for name in CRITERIA},
            "span_annotations": [],
        }
        saved = _expect(await self.wire.post("/updateinstance", message), 200).json()
        if saved.get("status") != "success":
            raise RuntimeError(f"refused: {saved}")
        before = self.instance
        move = {"action": "next_instance", "instance_id": before}
        self._read(await self.wire.post("/annotate", move))
        return self.instance != before

    def _read(self, reply: Reply) -> None:
        found = INSTANCE.search(_expect(reply, 200).body)
        if found is None:
            raise RuntimeError(f"no item on the page: {reply.body[:500]!r}")
        self.instance = found[1].decode()


CRITERIA = ("meaning", "fluency")
INSTANCE = re.compile(rb'<input[^>]*id="instance_id"[^>]*value="([^"]+)"')


@dataclass
class LabelStudio:
    """Create an annotation, then ask for the next task."""

    wire: Wire
    key: str
    """JSON of the project's number and the cookies of a rater who has signed up."""
    number: int = 0
    project: int = 0
    task: int = 0
    result: list[Any] = field(default_factory=list)

    async def enter(self) -> None:
        """Take up the session."""
        known = json.loads(self.key)
        self.project = known["project"]
        self.wire.cookies.update(known["cookies"])
        await self._next()

    async def rate(self) -> bool:
        """Both criteria."""
        self.number += 1
        rating = {"rating": self.number % 5 + 1}
        result = [
            {"from_name": name, "to_name": "output", "type": "rating", "value": rating}
            for name in CRITERIA
        ]
        path = f"/api/tasks/{self.task}/annotations/?project={self.project}"
        _expect(await self.wire.post(path, {"result": result, "lead_time": 1.0}), 201)
        return await self._next()

    async def _next(self) -> bool:
        reply = await self.wire.get(f"/api/projects/{self.project}/next/")
        if reply.status == 404:  # noqa: PLR2004 - how it says that none is left
            return False
        self.task = _expect(reply, 200).json()["id"]
        return True


FLOWS = {"tandem": Tandem, "potato": Potato, "label_studio": LabelStudio}


def _expect(reply: Reply, status: int) -> Reply:
    if reply.status != status:
        raise RuntimeError(
            f"status {reply.status} to {reply.location or 'nowhere'} instead of "
            f"{status}: {reply.body[:500]!r}"
        )
    return reply
