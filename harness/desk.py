"""What one rater does at one sitting, over all campaigns that are served."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.assignments import contents_of
from harness.campaign import Campaign, find_campaign, has_simulated_raters
from harness.differences import Differences, differences
from harness.earlier import Earlier, earlier, reopen
from harness.errors import InputError, RatingRefused
from harness.rate import (
    Answer,
    Outcome,
    Progress,
    Shown,
    answer,
    last_answered,
    next_assignment,
    progress,
    skip,
    undo,
)
from harness.study.raters import stored_time
from harness.tickets import STALE, taken_by, ticket_for
from harness.training import feedback_on, place_in_training

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.feedback import Feedback
    from harness.study import StudyFile
    from harness.study.raters import Rater

NOTICES = {
    "stored": "Saved",
    "again": "Saved before; it counts once",
    "replaced": "Saved; it replaces your earlier answer to the same output",
}
STALE_UNDO = (
    "Nothing was taken back: that is not your newest answer any more, perhaps because "
    "of another window."
)


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything that the page draws at one time."""

    shown: Shown | None
    """What is to be judged; None at the end."""
    done: int
    """Answers of this rater that count."""
    left: int
    """Outputs that this rater could still rate."""
    seconds_left: float | None
    """How long these will take at the rater's pace; None before the first answer."""
    last: str | None
    """Ticket of the newest answer, which `undo` takes back; None if there is none."""
    rater: str
    """Name of the rater."""
    simulated: bool
    """Whether programs rate in a campaign that is served."""
    notice: str = ""
    """What became of the last answer."""
    problem: str = ""
    """Why the last answer was refused; empty if it was not."""
    feedback: Feedback | None = None
    """What to say of the example that was just answered; None after all else."""
    training: tuple[int, int] | None = None
    """Which of how many examples is shown, from 1; None outside of the training."""
    reopened: bool = False
    """Whether an answer that counts is shown, to be changed or left as it is."""


@dataclass(frozen=True)
class Desk:
    """One rater's work on several campaigns, one after the other.

    Assignments go by tickets here, also where a value has a `token`.
    """

    study: StudyFile
    """Where everything is stored."""
    campaigns: tuple[Campaign, ...]
    """In the order in which they are served."""
    rater: Rater
    """Whose desk it is."""

    def current(self, *, notice: str = "", problem: str = "") -> Screen:
        """What lies on the desk now."""
        shown = None
        for campaign in self._reopened_first():
            shown = next_assignment(self.study, campaign, self.rater)
            if shown is not None:
                break
        return self._screen(shown, notice=notice, problem=problem)

    def earlier(self) -> tuple[Earlier, ...]:
        """The rater's last answers, newest first, as far as they can be changed."""
        found = earlier(self.study, self.campaigns, self.rater)
        return tuple(
            replace(one, token=ticket_for(self.study, one.token)) for one in found
        )

    def reopen(self, ticket: str) -> Screen:
        """An earlier answer, to be changed by `submit` or left by `current`."""
        try:
            mine, _ = taken_by(self.study, self.rater, ticket)
            shown = reopen(self.study, self.campaigns, self.rater, mine.token)
        except RatingRefused as refusal:
            return self.current(problem=str(refusal))
        return replace(self._screen(shown), reopened=True)

    def differences(self, ticket: str) -> Differences:
        """Where the two texts that the page shows differ.

        Raises:
            InputError: it does not show two, or they are too long.
            RatingRefused: the ticket is nobody's or another rater's.
        """
        mine, _ = taken_by(self.study, self.rater, ticket)
        shown = contents_of(self.study, find_campaign(self.study, mine.campaign), mine)
        return differences(*compared(shown))

    def _screen(
        self, shown: Shown | None, *, notice: str = "", problem: str = ""
    ) -> Screen:
        so_far = Progress(0, 0)
        for campaign in self.campaigns:
            so_far += progress(self.study, campaign, self.rater)
        pace = so_far.seconds_per_item
        training = (
            None
            if shown is None
            else place_in_training(self.study, campaign, shown.token)
        )
        if shown is not None:
            shown = replace(shown, token=ticket_for(self.study, shown.token))
        return Screen(
            shown=shown,
            done=so_far.done,
            left=so_far.left,
            seconds_left=None if pace is None else pace * so_far.left,
            last=self._last(),
            rater=self.rater.name,
            simulated=any_simulated(self.study, self.campaigns),
            notice=notice,
            problem=problem,
            training=training,
        )

    def submit(self, ticket: str, given: Answer) -> Screen:
        """Store an answer; what comes next.

        Raises:
            InputError: the answer is incomplete or malformed; the page stays.
        """
        try:
            with self.study.transaction():
                token, outcome = self._answer(ticket, given)
        except RatingRefused as refusal:
            return self.current(problem=str(refusal))
        said = (
            feedback_on(self.study, campaign, token, given.values)
            for campaign in self.campaigns
        )
        feedback = next(filter(None, said), None)
        return replace(self.current(notice=NOTICES[outcome]), feedback=feedback)

    def skip(self, ticket: str, reason: str) -> Screen:
        """Put an assignment aside; what comes next.

        Raises:
            InputError: the reason is too long; the page stays.
        """
        try:
            with self.study.transaction():
                self._skip(ticket, reason)
        except RatingRefused as refusal:
            return self.current(problem=str(refusal))
        return self.current(notice="Skipped")

    def undo(self, ticket: str) -> Screen:
        """Take back the newest answer, in whichever campaign it was.

        Its ticket says which one is meant, so that the same request again, or one of
        another window, takes no other answer back.
        """
        try:
            with self.study.transaction():
                self._take_back(ticket)
        except RatingRefused as refusal:
            return self.current(problem=str(refusal))
        return self.current(notice="Taken back; answer it anew")

    def _answer(self, ticket: str, given: Answer) -> tuple[str, Outcome]:
        mine, is_stale = taken_by(self.study, self.rater, ticket)
        outcome = answer(self.study, self.rater, mine.token, given)
        # The same answer sent again changes nothing.
        if is_stale and outcome != "again":
            raise RatingRefused(STALE)
        return mine.token, outcome

    def _skip(self, ticket: str, reason: str) -> None:
        mine, is_stale = taken_by(self.study, self.rater, ticket)
        if is_stale and mine.state != "skipped":
            raise RatingRefused(STALE)
        skip(self.study, self.rater, mine.token, reason)

    def _take_back(self, ticket: str) -> None:
        mine, _ = taken_by(self.study, self.rater, ticket)
        if ticket != self._last():
            raise RatingRefused(STALE_UNDO)
        undo(self.study, find_campaign(self.study, mine.campaign), self.rater)

    def _last(self) -> str | None:
        number = last_answered(self.study, self.campaigns, self.rater)
        if number is None:
            return None
        [token] = self.study.column(
            "SELECT token FROM assignments WHERE id = ?", [number]
        )
        return ticket_for(self.study, token)

    def _reopened_first(self) -> list[Campaign]:
        """The campaigns, with one where an answer was just taken back in front."""
        reopened = self.study.column(
            "SELECT campaign FROM assignments WHERE rater = ? AND state = 'undone' "
            "AND lease_until > ? ORDER BY shown_at DESC LIMIT 1",
            [self.rater.id, stored_time(datetime.now(UTC))],
        )
        return sorted(self.campaigns, key=lambda campaign: campaign.id not in reopened)


def compared(shown: Shown) -> tuple[str, str]:
    """The two texts that can be compared, in the order of the page.

    Raises:
        InputError: neither two outputs nor one output and one right answer are shown.
    """
    both = shown.outputs if len(shown.outputs) > 1 else shown.references + shown.outputs
    if len(both) != 2:  # noqa: PLR2004
        raise InputError("There are no two texts on this page to compare.")
    return both[0], both[1]


def any_simulated(study: StudyFile, campaigns: Iterable[Campaign]) -> bool:
    """Whether programs rate in one of the campaigns; every page must say so."""
    return any(has_simulated_raters(study, campaign) for campaign in campaigns)
