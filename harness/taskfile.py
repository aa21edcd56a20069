"""The keys of a task file, and what to say of a wrong one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import InputError, shown
from harness.types import Generation, Json

if TYPE_CHECKING:
    from pathlib import Path

    from harness.yamlfile import KeyPath

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""What names of tasks and criteria look like."""

Name = Annotated[str, Field(pattern=NAME)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False
    )


class Message(_Strict):
    """One turn of a chat prompt."""

    role: Literal["system", "user", "assistant", "developer", "tool"]
    content: str


class GenerationSettings(_Strict):
    """How outputs are drawn; see `harness.types.Generation`."""

    max_new_tokens: int = Field(default=128, ge=1)
    stop: list[Annotated[str, Field(min_length=1)]] = []
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    samples: int = Field(default=1, ge=1)
    seed: int = 0

    def frozen(self) -> Generation:
        """The settings as they pass between stages."""
        return Generation(**{**self.model_dump(), "stop": tuple(self.stop)})


class Criterion(_Strict):
    """One thing that people judge."""

    name: Name
    question: str = Field(min_length=1)
    definition: str = ""
    anchors: dict[int, str] = {}


MOST_CHECKS = 0.5
"""Largest share of checks among what a rater is shown."""

Rate = Annotated[float, Field(ge=0, le=MOST_CHECKS)]


class RatingPlan(_Strict):
    """What people rate, and how many of them."""

    scheme: Literal["likert", "slider", "pairwise", "ranking", "spans"] = "likert"
    criteria: list[Criterion] = Field(min_length=1)
    points: int = Field(default=5, ge=2, le=9)
    pairs: Literal["all", "neighbours"] = "all"
    raters_per_output: int = Field(default=1, ge=1)
    items: Annotated[int, Field(ge=1)] | Literal["all"] = 50
    draw: Literal["random", "stratified", "active"] = "random"
    draw_by: str | None = None
    draw_floor: Annotated[float, Field(gt=0, le=1)] = 0.3
    checkpoints: Literal["all"] | Annotated[list[str], Field(min_length=1)] = "all"
    show_references: bool = False
    render: Literal["raw", "markdown", "code"] = "raw"
    gold: str | None = None
    gold_rate: Rate = 0.1
    examples: str | None = None
    repeat_rate: Rate = 0.0
    degraded_rate: Rate = 0.0
    seed: int = 0

    @model_validator(mode="after")
    def _consistent(self) -> RatingPlan:
        checks = (self.gold_rate * (self.gold is not None), self.repeat_rate)
        if sum(checks) + self.degraded_rate > MOST_CHECKS:
            raise ValueError(
                "gold_rate, repeat_rate and degraded_rate add up to more than "
                f"{MOST_CHECKS}: at most half of what a rater is shown may be checks"
            )
        names = [criterion.name for criterion in self.criteria]
        if len(set(names)) < len(names):
            raise ValueError("two criteria have the same name")
        if self.scheme == "spans" and "errors" in names:
            raise ValueError(
                "in scheme 'spans' the marks are called 'errors'; "
                "give the criterion another name"
            )
        if self.scheme == "spans" and self.render == "markdown":
            raise ValueError(
                "errors are marked in the text as the model wrote it; "
                "scheme 'spans' needs render: raw or code"
            )
        for criterion in self.criteria:
            self._check_anchors(criterion)
        return self

    def _check_anchors(self, criterion: Criterion) -> None:
        low, high = {"likert": (1, self.points)}.get(self.scheme, (0, 100))
        for point in criterion.anchors:
            if self.scheme in {"pairwise", "ranking"}:
                raise ValueError(
                    f"criterion '{criterion.name}' has anchors, but scheme "
                    f"'{self.scheme}' compares outputs and has no scale"
                )
            if not low <= point <= high:
                raise ValueError(
                    f"criterion '{criterion.name}' has an anchor for {point}, "
                    f"but the scale runs from {low} to {high}"
                )


class TaskFile(_Strict):
    """The keys of a task file."""

    name: Name
    description: str = ""
    data: str = Field(min_length=1)
    prompt: str | None = None
    messages: list[Message] | None = None
    references: list[str] = []
    generation: GenerationSettings | Literal["none"] = GenerationSettings()
    metrics: list[str | dict[str, dict[str, Any]]] = []
    rating: RatingPlan | None = None

    @model_validator(mode="after")
    def _one_prompt(self) -> TaskFile:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("it needs either 'prompt' or 'messages'")
        if self.generation == "none" and self.rating is not None:
            raise ValueError(
                "with 'generation: none' there are no outputs that people could rate; "
                "leave 'rating' out, or say how outputs are drawn"
            )
        return self


def check(values: Json, path: Path, lines: dict[KeyPath, int]) -> TaskFile:
    """The keys of a task file, checked.

    Args:
        values: what the YAML holds.
        path: the file, for messages.
        lines: the line of each key path.

    Raises:
        InputError: names line and key, what was expected, and the nearest key.
    """
    if not isinstance(values, dict):
        raise InputError("a task file must map keys to values", file=path, line=1)
    try:
        return TaskFile.model_validate(values)
    except ValidationError as error:
        raise _first_problem(error, path, lines) from None


def _first_problem(
    error: ValidationError, path: Path, lines: dict[KeyPath, int]
) -> InputError:
    problems = error.errors(include_url=False)
    # A misspelt key is missing, too, but its spelling is what has to be mended.
    misspelt = [one for one in problems if one["type"] == "extra_forbidden"]
    problem = (misspelt or problems)[0]
    # Pydantic names the members of a union in the path; those are no keys.
    at: KeyPath = ()
    for part in problem["loc"]:
        if (*at, part) in lines:
            at = (*at, part)
    key = ".".join(str(part) for part in at) or "task"
    return InputError(_explain(problem, key), file=path, line=lines.get(at, 1))


def _explain(problem: Json, key: str) -> str:
    last = str(problem["loc"][-1]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        allowed = _keys_beside(problem["loc"])
        near = get_close_matches(last, allowed, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(allowed)}"
        return f"unknown key '{key}'; {hint}"
    if problem["type"] == "missing":
        return f"key '{last}' is missing" + (f" in '{key}'" if key != "task" else "")
    message = problem["msg"].removeprefix("Value error, ")
    if key == "generation" and problem["type"] == "model_type":
        message = "It must map settings to values, or be none"
    if problem["type"] == "value_error":
        return f"{key}: {message}"
    hint = "; put it in quotes" if problem["type"] == "string_type" else ""
    return f"key '{key}': {message}, not {shown(problem['input'])}{hint}"


def _keys_beside(at: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = TaskFile
    nested: dict[str, type[BaseModel]] = {
        "generation": GenerationSettings,
        "rating": RatingPlan,
        "criteria": Criterion,
        "messages": Message,
    }
    for part in at[:-1]:
        model = nested.get(str(part), model)
    return list(model.model_fields)
