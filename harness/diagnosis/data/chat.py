"""Whether conversations are as trainers and OpenAI's service take them.

The checks of OpenAI's cookbook, "Data preparation and analysis for chat model
fine-tuning", and the order of turns that LLaMA-Factory insists on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from harness.diagnosis.data.family import Family, shown_row
from harness.diagnosis.data.rules import Rule
from harness.diagnosis.data.shapes import ASSISTANT, turns
from harness.diagnosis.model import Findings
from harness.reporting.formats import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.diagnosis.data.family import Seen
    from harness.diagnosis.data.rows import Sniffed
    from harness.diagnosis.data.shapes import Sample
    from harness.diagnosis.model import Example
    from harness.types import Json

KNOWN_KEYS = frozenset(
    (
        *("role", "content", "name", "from", "value", "weight", "refusal", "audio"),
        *("tool_calls", "tool_call_id", "function_call", "images"),
        *("reasoning_content", "thinking"),
    )
)
USERS = frozenset({"user", "human"})
SYSTEM = frozenset({"system", "developer"})
TOOLS = frozenset(
    (
        *("tool", "tool_call", "tool_response", "function", "function_call"),
        *("observation", "ipython"),
    )
)
COOKBOOK = "OpenAI cookbook, chat fine-tuning data preparation (any); share ours"


def _rule(name: str, weight: float, source: str = COOKBOOK) -> Rule:
    return Rule(
        name,
        source,
        {"notice": 0.0, "warning": 0.01, "failure": 0.1},
        weights={
            "warning": {"malformed_data": weight},
            "failure": {"malformed_data": 2 * weight},
        },
    )


RULES = {
    "have no list of messages": _rule("chat_messages", 1.5),
    "have a turn without role or content": _rule("chat_turns", 1.0),
    "have a turn with a key that is unknown": _rule("chat_keys", 0.0),
    "have a turn with a role that is unknown": _rule("chat_roles", 1.0),
    "have a turn whose content is empty": _rule("chat_contents", 1.0),
    "have no turn of the assistant": _rule("chat_answers", 1.5),
    "end with a turn that is not the assistant's": _rule(
        "chat_endings", 1.0, "LLaMA-Factory 0.9.5 skips the example; share ours"
    ),
    "have turns in an order that chat templates refuse": _rule(
        "chat_order", 1.0, "LLaMA-Factory 0.9.5 skips the example; share ours"
    ),
}
SHOWN = 3


class Chats(Family):
    """Roles, contents and the order of turns."""

    def __init__(self, sniffed: Sniffed) -> None:
        self._sniffed = sniffed
        self._rows = 0
        self._counts: Counter[str] = Counter()
        self._shown: defaultdict[str, list[Example]] = defaultdict(list)

    def see(self, batch: Sequence[Sample]) -> None:
        """Look at each conversation."""
        for one in batch:
            if one.shape not in {"chat", "ShareGPT"}:
                continue
            self._rows += 1
            for fault in set(_faults(one)):
                self._counts[fault] += 1
                if len(self._shown[fault]) < SHOWN:
                    self._shown[fault].append(shown_row(self._sniffed, one))

    def findings(self, seen: Seen) -> Findings:  # noqa: ARG002 - the family's contract
        """One check each; none where no row is a conversation."""
        if not self._rows:
            return Findings()
        return Findings(
            tuple(
                rule.check(
                    self._counts[fault] / self._rows,
                    f"{counted(self._counts[fault], 'conversation')} of "
                    f"{self._rows:,} {fault}",
                    self._shown[fault],
                )
                for fault, rule in RULES.items()
            )
        )


def _faults(one: Sample) -> Iterator[str]:
    value = next(
        (
            inner
            for name, inner in one.values.items()
            if name.lower() in {"messages", "conversations", "conversation"}
        ),
        None,
    )
    if not isinstance(value, list) or not value:
        yield "have no list of messages"
        return
    if not all(_is_turn(turn) for turn in value):
        yield "have a turn without role or content"
    if any(isinstance(turn, dict) and set(turn) - KNOWN_KEYS for turn in value):
        yield "have a turn with a key that is unknown"
    told = turns(value)
    roles = [role for role, _ in told]
    known = ASSISTANT | USERS | SYSTEM | TOOLS
    if any(role not in known for role in roles if role):
        yield "have a turn with a role that is unknown"
    if any(
        not text.strip() and not _is_call(turn)
        for turn, (_, text) in zip(_dicts(value), told, strict=True)
    ):
        yield "have a turn whose content is empty"
    if not ASSISTANT & set(roles):
        yield "have no turn of the assistant"
    elif roles[-1] not in ASSISTANT:
        yield "end with a turn that is not the assistant's"
    if not _in_order(roles):
        yield "have turns in an order that chat templates refuse"


def _dicts(value: Sequence[Json]) -> list[dict[str, Json]]:
    return [turn for turn in value if isinstance(turn, dict)]


def _is_turn(turn: Json) -> bool:
    if not isinstance(turn, dict):
        return False
    has_role = "role" in turn or "from" in turn
    return has_role and ("content" in turn or "value" in turn or _is_call(turn))


def _is_call(turn: dict[str, Json]) -> bool:
    return bool(turn.get("tool_calls") or turn.get("function_call"))


def _in_order(roles: Sequence[str]) -> bool:
    """System first if at all, then user and assistant in turn; tools anywhere."""
    spoken = [role for role in roles if role not in TOOLS]
    if any(role in SYSTEM for role in spoken[1:]):
        return False
    sides = [role in ASSISTANT for role in spoken if role not in SYSTEM]
    if len(spoken) < len(roles):  # with tools the assistant may speak again
        return not sides or not sides[0]
    return all(side == bool(place % 2) for place, side in enumerate(sides))
