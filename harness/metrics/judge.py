"""Judge: a model behind an OpenAI-compatible server grades outputs by a rubric."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import quote

import numpy as np

from harness.errors import InputError, ServerError, Unscorable
from harness.identity import content_hash
from harness.metrics.base import BatchedMean, metrics
from harness.metrics.judge_forms import Grading, Pairing, plain
from harness.metrics.settings import check_least
from harness.types import Generation, Item

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from harness.backends import Request, Usage
    from harness.backends.hosted import HostedModel
    from harness.backends.openai_model import OpenAIModel
    from harness.metrics.base import Group, Judged
    from harness.metrics.judge_forms import Form
    from harness.types import Tally

BACKEND = "openai"
CUT = "the judge's answer was cut at {} tokens; raise max_tokens"
HIDDEN = "the server's filter hides the judge's answer"


@metrics.register("judge")
@dataclass(frozen=True, kw_only=True)
class Judge(BatchedMean):
    """The score that a model gives an output by a rubric; what it says is no fact.

    Outputs stand in the judge's prompt between tags that they cannot hold. An answer
    without a score, or with one off the scale, leaves the output unscored.
    """

    name = "judge"
    costly = True
    model: str = ""
    """The judge, as `MODEL[@URL[#KEY_VARIABLE]]`; every task has to name it."""
    rubric: str = ""
    """What makes an output good, or the .md or .txt file that says it, from the task's
    folder; every task has to say it."""
    scale: tuple[float, float] = (1, 5)
    """The worst and the best score."""
    against: Literal["none", "reference"] = "none"
    """`reference`: no score, but whether the output is better (1) than the first
    reference, as good (0.5) or worse (0), asked in both orders."""
    prompt: str = ""
    """Jinja2 text of the question, or its .md or .txt file; empty: the usual one."""
    temperature: float = 0.0
    """Some hosted models take nothing but 1."""
    max_tokens: int = 1024
    """Most tokens of an answer, what the model thinks included."""
    _seen: Counter[str] = field(
        init=False, repr=False, compare=False, default_factory=Counter
    )

    def __post_init__(self) -> None:
        """Refuse settings that no judge can work with.

        Raises:
            InputError: names the setting.
            UsageError: the model's name is not as it must be, or holds a secret.
        """
        super().__post_init__()
        check_least(self, max_tokens=1, temperature=0)
        for setting in ("model", "rubric"):
            if not getattr(self, setting).strip():
                raise InputError(
                    f"metric 'judge' needs the setting '{setting}', as in "
                    "{judge: {model: gpt-4o-mini, rubric: rubric.md}}"
                )
        low, high = self.scale
        if not -inf < low < high < inf:
            raise InputError(
                "metric 'judge': setting 'scale' must be the worst and the best score, "
                f"as [1, 5], but it is [{plain(low)}, {plain(high)}]"
            )
        _ = self._hosted

    def beside(self, folder: Path) -> Judge:
        """With the rubric and the prompt that the paths lead to.

        Raises:
            InputError: no such file, or the prompt is no template for this.
        """
        read = replace(
            self, rubric=_read(self.rubric, folder), prompt=_read(self.prompt, folder)
        )
        read._form.check()  # noqa: SLF001 - its own
        return read

    @property
    def signature(self) -> str:
        """`judge|model:NAME@HOST|rubric:HASH|prompt:HASH|scale:...|...|v1`."""
        form = self._form
        _, _, place = self._hosted.url.removesuffix("/v1").partition("://")
        model = quote(f"{self._hosted.model}@{place}", safe="@/:.")
        low, high = self.scale
        scale = f"scale:{plain(low)}-{plain(high)}"
        return "|".join(
            [
                self.name,
                f"model:{model}",
                f"rubric:{content_hash(form.rubric)[:8]}",
                f"prompt:{content_hash(form.text)[:8]}",
                scale if self.against == "none" else f"against:{self.against}",
                f"temperature:{plain(self.temperature)}",
                f"max_tokens:{self.max_tokens}",
                self.version,
            ]
        )

    @property
    def usage(self) -> Usage:
        """Requests, tokens and cost; how often an answer changed with the order."""
        if "_server" not in vars(self):
            return super().usage
        used = self._server.usage
        if not self._seen["unsteady"]:
            return used
        remark = (
            f"Of {self._seen['verdicts']} comparisons by the judge "
            f"{self._seen['unsteady']} changed with the order of the texts; they count "
            "as ties."
        )
        return replace(used, remarks=(*used.remarks, remark))

    def tallies(self, judged: Sequence[Judged]) -> list[Tally | Unscorable]:
        """[value, 1], or the reason for none, for each output.

        Raises:
            ServerError: the server refuses, or gives no answer for too long.
        """
        found = {
            place: tally for group in self.in_groups(judged) for place, tally in group
        }
        return [found[place] for place in range(len(judged))]

    def in_groups(self, judged: Sequence[Judged]) -> Generator[Group, None, None]:
        """Tallies as the judge's answers come; the same question is asked once.

        Raises:
            ServerError: as `tallies`; what was answered before was given before.
        """
        asked: dict[int, list[str]] = {}
        waiting: dict[str, list[int]] = defaultdict(list)
        requests: dict[str, Request] = {}
        unasked: Group = []
        for place, (item, text) in enumerate(judged):
            try:
                questions = self._form.questions(item, text)
            except Unscorable as reason:
                unasked.append((place, reason))
                continue
            made = [_request(item, question) for question in questions]
            requests |= {request.item.id: request for request in made}
            asked[place] = [request.item.id for request in made]
            for id_ in set(asked[place]):
                waiting[id_].append(place)
        if unasked:
            yield unasked
        answers: dict[str, str | Unscorable] = {}
        for group in self._answers(list(requests.values())):
            answers |= group
            places = {place for id_ in group for place in waiting[id_]}
            ready = [p for p in sorted(places) if answers.keys() >= set(asked[p])]
            if ready:
                yield [
                    (p, self._tally([answers[id_] for id_ in asked[p]])) for p in ready
                ]

    def _answers(
        self, requests: Sequence[Request]
    ) -> Iterator[dict[str, str | Unscorable]]:
        from harness.backends import Generated

        if not requests:
            return
        settings = Generation(
            max_new_tokens=self.max_tokens, temperature=self.temperature
        )
        try:
            for group in self._server.replies(requests, settings):
                yield {
                    one.item: self._said(one.text, one.finish)
                    if isinstance(one, Generated)
                    else Unscorable(f"the judge's server refuses it: {one.error.said}")
                    for one in group
                }
        except ServerError as error:
            raise ServerError(
                f"Metric '{self.name}': {error}", status=error.status, final=error.final
            ) from None

    def _said(self, text: str, finish: str) -> str | Unscorable:
        # A score in an answer that was cut may be another, or none of the judge's own.
        reasons = {"length": CUT.format(self.max_tokens), "filtered": HIDDEN}
        return Unscorable(reasons[finish]) if finish in reasons else text

    def _tally(self, answers: Sequence[str | Unscorable]) -> Tally | Unscorable:
        said = []
        for answer in answers:
            if isinstance(answer, Unscorable):
                return answer
            said.append(answer)
        try:
            verdict = self._form.verdict(said)
        except Unscorable as reason:
            return reason
        self._seen.update(verdicts=1, unsteady=not verdict.steady)
        return np.array([verdict.value, 1.0])

    @cached_property
    def _form(self) -> Form:
        # From Python no task's folder is known: paths start where the program does.
        rubric, prompt = (_read(text, Path()) for text in (self.rubric, self.prompt))
        if self.against == "reference":
            return Pairing(rubric, prompt)
        return Grading(rubric, prompt, *self.scale)

    @cached_property
    def _hosted(self) -> HostedModel:
        from harness.backends.hosted import HostedModel

        return HostedModel.parse(self.model.removeprefix(f"{BACKEND}:"))

    @cached_property
    def _server(self) -> OpenAIModel:
        from harness.backends import backends

        return cast("OpenAIModel", backends[BACKEND].load(self._hosted.location))


def _request(item: Item, question: str) -> Request:
    from harness.backends import Request

    turns = ({"role": "user", "content": question},)
    id_ = content_hash(question)
    return Request(Item(id_, item.task, item.key, question, messages=turns))


def _read(text: str, folder: Path) -> str:
    """The text of the file that a single line ending in .md or .txt names."""
    if "\n" in text or not text.endswith((".md", ".txt")):
        return text
    file = folder / Path(text).expanduser()
    try:
        read = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise InputError(
            f"metric 'judge' cannot read it: {error}", file=file
        ) from error
    if not read:
        raise InputError("metric 'judge' finds nothing in it", file=file)
    # So that what it says can never be taken for the name of a file.
    return read + "\n"
