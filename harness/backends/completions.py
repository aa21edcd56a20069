"""What is asked of an OpenAI-compatible server, and how its answers are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from harness.backends.base import Generated
from harness.identity import content_hash

if TYPE_CHECKING:
    from harness.backends.base import Request
    from harness.types import Generation, Json

Endpoint = Literal["completions", "chat"]
Body = dict[str, Any]

STOPS_SENT = 4
"""The most that OpenAI takes; answers are cut at the others here."""
LENGTH = frozenset({"length", "max_tokens", "model_length"})
FILTERED = "content_filter"
BROKEN = frozenset({"abort", "error"})
"""What servers call an answer that they did not bring to its end."""

Count = Annotated[int, Field(ge=0)]


class _Message(BaseModel):
    content: str | list[Any] | None = None
    refusal: str | None = None

    def written(self) -> str:
        if isinstance(self.content, list):
            texts = [part.get("text") for part in self.content if type(part) is dict]
            return "".join(text for text in texts if type(text) is str)
        return self.content or self.refusal or ""


class _Choice(BaseModel):
    text: str | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    logprobs: Any = None


class _Counts(BaseModel):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Counts | None = None
    system_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered to one request."""

    text: str
    """What the model wrote; empty where the server gives nothing."""
    finish: str
    """`stop`, `length` or `filtered`."""
    prompt_tokens: int | None
    """Tokens read, as the server counts them; None where it does not."""
    new_tokens: int | None
    """Tokens written, likewise."""
    fingerprint: str | None
    """What the server says of its own state."""
    logprobs: Json
    """As the server gives them, unchecked."""


def question(request: Request, settings: Generation, *, chat: bool) -> Body:
    """The body of a request for one answer.

    Args:
        request: what is to be answered.
        settings: how answers are drawn.
        chat: whether a plain prompt is sent as a user's turn.
    """
    item = request.item
    body: Body = {
        "max_tokens": settings.max_new_tokens,
        "temperature": settings.temperature,
    }
    if item.messages:
        body["messages"] = [
            {key: _sendable(text) for key, text in turn.items()}
            for turn in item.messages
        ]
    elif chat:
        body["messages"] = [{"role": "user", "content": _sendable(item.prompt)}]
    else:
        body["prompt"] = _sendable(item.prompt)
    if settings.stop:
        body["stop"] = list(settings.stop[:STOPS_SENT])
    if settings.temperature > 0:
        body["top_p"] = settings.top_p
        body["seed"] = draw_seed(item.id, request.sample, settings.seed)
    return body


def draw_seed(item: str, sample: int, seed: int) -> int:
    """The seed of one answer, from 0 to 2**31 - 1, which every server can hold."""
    return int(content_hash(item, sample, seed)[:8], 16) >> 1


def echo_question(text: str) -> Body:
    """The body of a request for the log-probabilities of a text.

    One token is asked for because some servers take 0 for "without limit".
    """
    return {
        "prompt": _sendable(text),
        "max_tokens": 1,
        "temperature": 0,
        "echo": True,
        "logprobs": 1,
    }


def read_answer(text: str, endpoint: Endpoint, most: int) -> Answer | None:
    """The answer in a response's text; None if it is none.

    Args:
        text: untrusted, as it came.
        endpoint: where it came from.
        most: tokens that were asked for.
    """
    try:
        read = _Completion.model_validate_json(text)
    except ValidationError:
        return None
    choice, counts = read.choices[0], read.usage or _Counts()
    if endpoint == "chat":
        written = None if choice.message is None else choice.message.written()
    else:
        written = choice.text
    if written is None or choice.finish_reason in BROKEN:
        return None
    return Answer(
        text=written,
        finish=_finish(choice.finish_reason, counts.completion_tokens, most),
        prompt_tokens=counts.prompt_tokens,
        new_tokens=counts.completion_tokens,
        fingerprint=read.system_fingerprint or None,
        logprobs=choice.logprobs,
    )


def generated(request: Request, answer: Answer, settings: Generation) -> Generated:
    """The answer in the form that all backends give."""
    cuts = [answer.text.find(stop) for stop in settings.stop if stop]
    cut = min((at for at in cuts if at >= 0), default=None)
    return Generated(
        item=request.item.id,
        sample=request.sample,
        text=answer.text[:cut],
        finish=answer.finish if cut is None else "stop",
        prompt_tokens=answer.prompt_tokens,
        new_tokens=answer.new_tokens,
        truncated=False,
    )


def _finish(reason: str | None, new_tokens: int | None, most: int) -> str:
    if reason == FILTERED:
        return "filtered"
    if reason is None:
        return "length" if (new_tokens or 0) >= most else "stop"
    return "length" if reason in LENGTH else "stop"


def _sendable(text: str) -> str:
    # JSON files allow lone surrogates, which UTF-8 cannot hold.
    return text.encode("utf-8", "replace").decode("utf-8")
