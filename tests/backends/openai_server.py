"""A small OpenAI-compatible server on this machine, whose answers tests decide."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import deque

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

MODEL = "tuned"
WORD = re.compile(r"\s?\S+|\s")


def word_figures(text):
    """Tokens and log-probabilities, None for the first, of a model of words."""
    tokens = WORD.findall(text)
    return tokens, [None] + [-len(token) / 8 for token in tokens[1:]]


def refusal(status, message="no", *, headers=None, **more):
    """A scripted answer in the form of OpenAI's errors."""
    content = {"error": {"message": message, **more}}
    return JSONResponse(content, status_code=status, headers=headers)


class FakeServer:
    """Answers with the prompt in capitals; `script` holds what comes before that."""

    def __init__(self):
        self.at_once = 0
        self.reset()
        self.app = app = FastAPI()
        app.post("/v1/completions")(self._completions)
        app.post("/v1/chat/completions")(self._chat)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=0, log_level="critical", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def reset(self):
        """As new: everything works."""
        self.requests = []
        """(endpoint, body, headers) of each request."""
        self.times = []
        """When each came, in seconds."""
        self.script = deque()
        """Responses, or functions from a request's body to one, for the next ones."""
        self.refuse = {}
        """Endpoint to a function from a body to a response, or None to go on."""
        self.figures = word_figures
        """What echoes are made of; None: the server takes no notice of `echo`."""
        self.usage = True
        self.fingerprint = None
        self.seconds = 0.0
        self.most_at_once = 0

    def __enter__(self):
        self._thread.start()
        end = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        self.place = f"{MODEL}@{self.url}"
        return self

    def __exit__(self, *error):
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def bodies(self, endpoint):
        """Bodies that were sent to an endpoint."""
        return [body for place, body, _ in self.requests if place == endpoint]

    async def _completions(self, request: Request) -> Response:
        return await self._answer("completions", request, self._complete)

    async def _chat(self, request: Request) -> Response:
        return await self._answer("chat", request, self._reply)

    async def _answer(self, endpoint, request, usual):
        body = await request.json()
        self.requests.append((endpoint, body, dict(request.headers)))
        self.times.append(time.monotonic())
        # Decided at once: a handler that its client has left must not, when it wakes,
        # use up what a later test has prepared.
        response = self._decide(endpoint, body, usual)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        return response

    def _decide(self, endpoint, body, usual):
        if self.script:
            scripted = self.script.popleft()
            return scripted if isinstance(scripted, Response) else scripted(body)
        refused = self.refuse.get(endpoint, lambda _: None)(body)
        return refused or self.completion(**usual(body))

    def completion(self, choice, *, read=0, written=0):
        """A response of one choice."""
        content = {"choices": [choice], "system_fingerprint": self.fingerprint}
        if self.usage:
            content["usage"] = {"prompt_tokens": read, "completion_tokens": written}
        return Response(json.dumps(content), media_type="application/json")

    def _complete(self, body):
        prompt = body["prompt"]
        choice = {"text": prompt.upper(), "finish_reason": "stop", "logprobs": None}
        if not body.get("echo") or self.figures is None:
            return {"choice": choice, "read": len(prompt), "written": 7}
        tokens, logprobs = self.figures(prompt)
        figures = {"tokens": [*tokens, "!"], "token_logprobs": [*logprobs, -0.5]}
        choice |= {
            "text": prompt + "!",
            "finish_reason": "length",
            "logprobs": figures,
        }
        return {"choice": choice, "read": len(tokens), "written": 1}

    def _reply(self, body):
        said = body["messages"][-1]["content"].upper()
        choice = {"message": {"content": said}, "finish_reason": "stop"}
        return {"choice": choice, "read": len(said), "written": 7}
