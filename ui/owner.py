"""The owner's page: one Gradio component, and what the server answers it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import gradio as gr

from harness.adjudicate import case_of, decide, disputes, verdicts
from harness.errors import HarnessError, InputError
from harness.leaks import find_leaks
from harness.overview import standing
from harness.quality import drift, rater_quality
from harness.remarks import remarks, whole_remark
from harness.roster import roster
from harness.settled import watched
from harness.study.file import now
from harness.study.raters import add_rater, revoke
from harness.types import Json
from ui.guard import is_owner
from ui.plain import asset

if TYPE_CHECKING:
    from harness.campaign import Campaign
    from harness.study import StudyFile
    from ui.reports import Reports

Reply = dict[str, Json]
SCRIPTS = (
    *("state", "standing", "questions", "raters", "remarks", "leaks", "case"),
    *("report", "tabs"),
)
"""The page's script, in parts that share one scope; `tabs` starts it."""
SIGNED_OUT = "You are signed out. Open your link again."
FRESH_SECONDS = 2.0
"""How long figures are shown before they are worked out again."""
REST = 20
"""Times as long as working them out took, too, so that raters hardly notice."""


def owner_blocks(
    study: StudyFile, campaigns: tuple[Campaign, ...], reports: Reports
) -> gr.Blocks:
    """The Gradio app of the study's owner, which raters' pages know nothing of."""
    blocks = gr.Blocks(title="Study", analytics_enabled=False, fill_width=True)
    with blocks:
        gr.HTML(
            html_template=asset("owner/page.html"),
            css_template=asset("rate/page.css") + asset("owner/page.css"),
            js_on_load="\n".join(asset(f"owner/{name}.js") for name in SCRIPTS),
            apply_default_css=False,
            server_functions=_server_functions(OwnerDesk(study, campaigns, reports)),
        )
    return blocks


@dataclass(slots=True)
class OwnerDesk:
    """What the owner sees and does, one thing at a time."""

    study: StudyFile
    campaigns: tuple[Campaign, ...]
    reports: Reports
    _kept: dict[str, tuple[float, Reply]] = field(default_factory=dict)

    def act(self, request: gr.Request, act: Callable[[], Reply]) -> Reply:
        """What an act gives; its error in words if the owner may read them."""
        try:
            if not is_owner(self.study, request.headers):
                return {"error": SIGNED_OUT}
            return act()
        except HarnessError as error:
            return {"error": str(error)}

    def rested(self, make: Callable[[], Reply]) -> Reply:
        """What `make` gives, worked out anew if it was not just now."""
        begun = time.monotonic()
        until, reply = self._kept.get(make.__name__, (0.0, {}))
        if begun >= until:
            reply = make() | {"at": now()}
            done = time.monotonic()
            rest = max(FRESH_SECONDS, REST * (done - begun))
            self._kept[make.__name__] = done + rest, reply
        return reply

    def stands(self) -> Reply:
        """How all campaigns stand."""
        found = [asdict(standing(self.study, one)) for one in self.campaigns]
        return {"campaigns": found}

    def questions(self) -> Reply:
        """Whether it is settled which checkpoint is better, look by look."""
        return {
            "questions": [
                {"campaign": one.name, **asdict(question)}
                for one in self.campaigns
                for question in watched(self.study, one)
            ]
        }

    def quality(self) -> Reply:
        """How well each rater rates, by campaign, and drift between waves."""
        return {
            "quality": [
                {
                    "campaign": one.name,
                    "raters": [r.as_json() for r in rater_quality(self.study, one)],
                    "drift": [d.as_json() for d in drift(self.study, one)],
                }
                for one in self.campaigns
            ]
        }

    def leaks(self) -> Reply:
        """Outputs that tell who wrote them."""
        found = [
            {"campaign": one.name, **asdict(leak)}
            for one in self.campaigns
            for leak in find_leaks(self.study, one)
        ]
        return {"leaks": found}

    def campaign(self, message: Json) -> Campaign:
        """The campaign that the page names.

        Raises:
            InputError: it is not served.
        """
        name = _said(message, "campaign", str)
        for campaign in self.campaigns:
            if campaign.name == name:
                return campaign
        raise InputError(f"No campaign '{name:.80}' is served. Load the page again.")


def _server_functions(desk: OwnerDesk) -> list[Callable[..., Reply]]:
    """What the page can ask for; each checks the session that the request carries."""
    asked = [*_reading(desk), *_acting(desk)]

    def answering(ask: Callable[[Json], Reply]) -> Callable[..., Reply]:
        def answered(message: Json, request: gr.Request) -> Reply:
            return desk.act(request, lambda: ask(message))

        answered.__name__ = ask.__name__
        return answered

    return [answering(ask) for ask in asked]


def _reading(desk: OwnerDesk) -> list[Callable[[Json], Reply]]:
    study, campaigns = desk.study, desk.campaigns

    def ask_standing(_: Json) -> Reply:
        return desk.rested(desk.stands)

    def ask_questions(_: Json) -> Reply:
        return desk.rested(desk.questions)

    def ask_raters(_: Json) -> Reply:
        found = [asdict(one) for one in roster(study, campaigns)]
        return {"raters": found, **desk.rested(desk.quality)}

    def ask_leaks(_: Json) -> Reply:
        return desk.rested(desk.leaks)

    def ask_remarks(message: Json) -> Reply:
        before = message.get("before") if isinstance(message, Mapping) else None
        found = remarks(
            study,
            campaigns,
            flagged_only=_said(message, "flagged_only", bool),
            before=before if isinstance(before, int) else None,
        )
        return {"remarks": [asdict(one) for one in found]}

    def ask_remark(message: Json) -> Reply:
        number = _said(message, "assignment", int)
        found = whole_remark(study, campaigns, number)
        return {"remark": asdict(found) if found else None}

    def ask_disputes(message: Json) -> Reply:
        campaign = desk.campaign(message)
        return {
            "disputes": [asdict(one) for one in disputes(study, campaign)],
            "verdicts": [asdict(one) for one in verdicts(study, campaign)],
            "controls": [asdict(one) for one in campaign.scheme.controls],
        }

    def ask_case(message: Json) -> Reply:
        unit = _said(message, "unit", int)
        return {"case": asdict(case_of(study, desk.campaign(message), unit))}

    def ask_report(_: Json) -> Reply:
        return desk.reports.standing()

    return [
        ask_standing,
        ask_questions,
        ask_raters,
        ask_leaks,
        ask_remarks,
        ask_remark,
        ask_disputes,
        ask_case,
        ask_report,
    ]


def _acting(desk: OwnerDesk) -> list[Callable[[Json], Reply]]:
    study = desk.study

    def decide_case(message: Json) -> Reply:
        verdict = decide(
            study,
            desk.campaign(message),
            _said(message, "unit", int),
            _said(message, "values", dict),
            _said(message, "comment", str),
        )
        return {"verdict": asdict(verdict)}

    def make_link(message: Json) -> Reply:
        return {"invite": add_rater(study, _said(message, "name", str))}

    def revoke_rater(message: Json) -> Reply:
        revoke(study, _said(message, "rater", int))
        return {}

    def make_report(_: Json) -> Reply:
        desk.reports.start()
        return desk.reports.standing()

    return [decide_case, make_link, revoke_rater, make_report]


def _said(message: Json, name: str, kind: type) -> Json:
    said = message.get(name) if isinstance(message, Mapping) else None
    if not isinstance(said, kind) or (kind is int and isinstance(said, bool)):
        raise InputError(f"The page sent no '{name}'. Load it again.")
    return said
