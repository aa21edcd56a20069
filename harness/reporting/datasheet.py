"""What a Human Evaluation Datasheet asks, answered as far as the study can.

Questions are numbered as in HEDS 2.0 (Shimorina and Belz 2022, arXiv 2103.09710); the
headings are in words of our own. What only the author knows is left as TODO.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.reporting import methods
from harness.reporting.formats import counted, listed, number, with_interval

if TYPE_CHECKING:
    from harness.reporting.model import TaskReport
    from harness.reporting.protocol import Asked, CampaignProtocol
    from harness.types import Estimate

Answered = list[tuple[str, str, str]]
"""Number of the question, our heading for it, and the answer."""

ELSEWHERE = "TODO: the ratings were made elsewhere; say how."
POWER = "TODO: the power for the smallest difference that matters to you."
KIND = (
    "TODO: experts or not, paid or not, known to the authors or not, authors among "
    "them or not."
)
PERSONAL = (
    "TODO: whether outputs or answers hold any. The study file keeps raters' names as "
    "they were typed in, and their comments."
)
FREEDOM = (
    "No time limit, and raters may stop and go on later. What is opened and left for "
    "30 minutes makes way for somebody else. TODO: any deadline."
)
CAREFUL = (
    "Raters who look careless are named to the owner; nobody is excluded by itself."
)
OTHER_QUESTION = (
    "not told here: a later campaign asks another question or scale under this name, "
    "and the report is about that one"
)

SCALES = {
    "likert": ("{points}", "Multiple choice: buttons, each with a key."),
    "slider": ("101, whole numbers.", "Slider."),
    "spans": ("101, whole numbers.", "Slider, after errors were marked in the text."),
    "pairwise": ("4", "Multiple choice: buttons, each with a key."),
    "ranking": ("N/A: ranks.", "N/A: ranks."),
}
"""Scheme to how many answers there are, and how they are presented."""

FORMS = {
    "likert": "Direct quality estimation. TODO: or agreement with a statement?",
    "slider": "Direct quality estimation.",
    "spans": "Annotation of errors, then direct quality estimation.",
    "pairwise": "Relative quality estimation.",
    "ranking": "Relative quality estimation: ranking.",
}
"""Scheme to the form of response."""

DESIGN = {
    "3.3.2": "How answers are collected",
    "3.3.3": "Quality assurance",
    "3.3.4": "What evaluators see",
    "3.3.5": "Freedom in time",
    "3.3.6": "Questions and feedback",
    "3.3.7": "Where it is done",
    "3.3.8": "Conditions",
}
"""Question to our heading for it."""


def resources(one: CampaignProtocol) -> Answered:
    """Part 1: the paper, and what goes with it."""
    paper = "the paper" if one.first else "the paper, or 'for preregistration'"
    export = "TODO: link. harness export writes outputs, scores and ratings to files."
    return [
        ("1.1", "Paper", f"TODO: link to {paper}, and which experiment this is."),
        ("1.2", "Resources", export),
        ("1.3", "Contact", "TODO: names, affiliations and addresses."),
    ]


def systems(task: TaskReport) -> Answered:
    """Part 2: what the systems do."""
    keys = task.protocol.task_file
    inputs = "TODO: which kind of text or data."
    if isinstance(keys.get("prompt"), str):
        inputs += f" Each input is a text made by this template: {keys['prompt']}"
    elif "messages" in keys:
        inputs += " Each input is a chat made by the messages at the end."
    described = f" The task file says: {task.description}" if task.description else ""
    names = listed([checkpoint.label for checkpoint in task.checkpoints])
    return [
        ("2", "Systems", f"{names}. Their fingerprints stand at the end."),
        ("2.1", "Input", inputs),
        ("2.2", "Output", "Text. TODO: sentences, a document, a turn of a dialogue?"),
        ("2.3", "Task", f"TODO: which kind of task.{described}"),
        ("2.4", "Input languages", "TODO."),
        ("2.5", "Output languages", "TODO."),
    ]


def sample(task: TaskReport, one: CampaignProtocol) -> Answered:
    """Questions 3.1: which outputs are judged."""
    sizes = "; ".join(_size(task, one, asked) for asked in one.criteria)
    chosen = f"By a program: {methods.sample(one)}."
    return [
        ("3.1.1", "Size for each system", f"{sizes}."),
        ("3.1.2", "How outputs are chosen", ELSEWHERE if one.imported else chosen),
        ("3.1.3", "Statistical power", _power(task, one)),
    ]


def _size(task: TaskReport, one: CampaignProtocol, asked: Asked) -> str:
    told = _told(task, one, asked)
    if told:
        return f"{asked.name}: {told}"
    if one.scheme in methods.COMPARING:
        sizes = [
            f"{counted(found.win_rate.n, 'comparison')} of {label}"
            for preferred in task.preferred
            if preferred.criterion.name == asked.name
            for label, found in preferred.checkpoints.items()
        ]
    else:
        sizes = [
            f"{counted(checkpoint.human[asked.name].n, 'rated output')} of "
            f"{checkpoint.label}"
            for checkpoint in task.checkpoints
            if asked.name in checkpoint.human
        ]
    return (
        f"{asked.name}: {listed(sizes) or 'nothing yet'}{_together(task, one, asked)}"
    )


def _power(task: TaskReport, one: CampaignProtocol) -> str:
    names = [asked.name for asked in one.criteria if not _told(task, one, asked)]
    said = [
        f"to show the lead of {lead.best} over {lead.second} on {lead.by} "
        f"({number(lead.difference.value)} on {counted(lead.difference.n, 'item')}) "
        f"with 80 % power takes about {counted(lead.needed, 'item')}"
        for lead in task.leads
        if lead.kind == "criterion"
        and lead.by in names
        and lead.needed is not None
        and one.scheme not in methods.COMPARING
    ]
    if not said:
        return POWER
    return (
        f"By a normal approximation, taking what was seen for the truth: "
        f"{'; '.join(said)}. {POWER}"
    )


def evaluators(one: CampaignProtocol) -> Answered:
    """Questions 3.2: who judges."""
    who = f"{methods.raters_of(one.raters)}."
    if one.raters.get("simulated"):
        who += " A program is no evaluator: nothing here is a human result."
    taught = (
        f"Instructions: {one.instructions or 'none'} Training: "
        f"{methods.training(one)}. TODO: what was said outside the rating page."
    )
    return [
        ("3.2.1", "Number of evaluators", who),
        ("3.2.2", "Kind of evaluators", KIND),
        ("3.2.3", "Recruitment", "TODO."),
        ("3.2.4", "Training", ELSEWHERE if one.imported else taught),
        ("3.2.5", "Other characteristics", "TODO: as first languages."),
    ]


def design(task: TaskReport, one: CampaignProtocol) -> Answered:
    """Questions 3.3: how the evaluation is done."""
    registered = "TODO: where, or 'no'."
    if one.imported:
        return [
            ("3.3.1", "Preregistration", registered),
            *[(at, heading, ELSEWHERE) for at, heading in DESIGN.items()],
        ]
    frozen = (
        f"The protocol was frozen on {methods.day(one.created)}, before the first "
        f"answer; its fingerprint is {one.hash}."
    )
    said = {
        "3.3.2": (
            "On Tandem's rating page in a web browser, which stores each answer at "
            f"once. {methods.answers(one)}. Answered: {methods.when(one)}."
        ),
        "3.3.3": _assurance(task, one),
        "3.3.4": (
            f"{methods.blinding(one)}. Answers: {methods.instrument(one)}. TODO: link "
            "a screenshot."
        ),
        "3.3.5": FREEDOM,
        "3.3.6": (
            "Each answer takes a comment and a flag for the study's owner; "
            f"{one.answers.remarks:,} have words and {one.answers.flagged:,} a flag. "
            "TODO: whether raters were told that they may ask."
        ),
        "3.3.7": "TODO: a place of their own, or a lab; any web browser will do.",
        "3.3.8": "TODO, unless raters chose the place.",
    }
    return [
        ("3.3.1", "Preregistration", f"{registered} {frozen}"),
        *[(at, DESIGN[at], text) for at, text in said.items()],
    ]


def _assurance(task: TaskReport, one: CampaignProtocol) -> str:
    named = re.compile(rf"campaign {re.escape(one.name)}[ ,]")
    parts = [
        f"Automatic checks: {methods.checks(one)}.",
        CAREFUL,
        *[note for note in task.rater_notes if named.search(note)],
        "TODO: native speakers? checks by hand? anybody excluded?",
    ]
    return " ".join(parts)


def quality(one: CampaignProtocol) -> Answered:
    """Questions 4.1: what a criterion is about."""
    beside = "the prompt"
    if one.plan.get("show_references"):
        beside = "the prompt and the references"
    frame = "TODO: the output alone, its input, or something outside."
    if not one.imported:
        frame += f" Beside the output raters saw {beside}."
    return [
        ("4.1.1", "Type of quality", "TODO: correctness, goodness or a feature."),
        ("4.1.2", "Aspect of the output", "TODO: form, content or both."),
        ("4.1.3", "Frame of reference", frame),
    ]


def mode(one: CampaignProtocol) -> Answered:
    """Questions 4.2: how a criterion is judged."""
    terms = "Absolute: one output at a time."
    if one.scheme in methods.COMPARING:
        terms = "Relative: outputs of several systems at a time."
    return [
        ("4.2.1", "Objective or subjective", "Subjective."),
        ("4.2.2", "Absolute or relative", ELSEWHERE if one.imported else terms),
        ("4.2.3", "Intrinsic or extrinsic", "Intrinsic: the outputs are judged."),
    ]


def elicitation(task: TaskReport, one: CampaignProtocol, asked: Asked) -> Answered:
    """Questions 4.3: what is asked, and what becomes of the answers."""
    size, presented = SCALES.get(one.scheme, (ELSEWHERE, ELSEWHERE))
    anchors = "; ".join(f"{point} = {what}" for point, what in asked.anchors.items())
    values = methods.instrument(one) + (f" ({anchors})" if anchors else "")
    undefined = ELSEWHERE if one.imported else "N/A: raters were given none."
    ranks = "Ranking up to five outputs." if one.scheme == "ranking" else "N/A."
    return [
        ("4.3.1", "Name", f"{asked.name}; raters read the question, not this name."),
        ("4.3.2", "Definition", asked.definition or undefined),
        ("4.3.3", "Size of the scale", size.format(points=one.plan.get("points", 5))),
        ("4.3.4", "Values", ELSEWHERE if one.imported else f"{values}."),
        ("4.3.5", "Presentation", presented),
        ("4.3.6", "Task without a scale", ELSEWHERE if one.imported else ranks),
        ("4.3.7", "Question, word for word", asked.question or ELSEWHERE),
        ("4.3.8", "Form of response", FORMS.get(one.scheme, ELSEWHERE)),
        ("4.3.9", "From answers to scores", _aggregation(one)),
        ("4.3.10", "Effect size and significance", _statistics(one)),
        ("4.3.11", "Agreement", _agreement(task, one, asked)),
    ]


def _aggregation(one: CampaignProtocol) -> str:
    if one.scheme in methods.COMPARING:
        return (
            "Win rates with ties as half wins, and strengths (Bradley-Terry with "
            "Davidson's ties), over all comparisons."
        )
    return "Mean over an output's raters, then an item's outputs, then items."


def _statistics(one: CampaignProtocol) -> str:
    comparing = one.scheme in methods.COMPARING
    made = "t intervals over prompts"
    if comparing:
        made = "percentile bootstrap intervals over prompts, each with all comparisons"
    gap = "strengths" if comparing else "means on the items that both have"
    return (
        f"95 % {made}; best against next best by the difference of their {gap}. TODO: "
        "tests of your own."
    )


def _agreement(task: TaskReport, one: CampaignProtocol, asked: Asked) -> str:
    told = _told(task, one, asked)
    between = told or f"{_between(task, one, asked.name)}{_together(task, one, asked)}"
    same = one.checks.repeats_same if one.checks else None
    own = "not measured"
    if same is not None and one.checks:
        own = (
            f"{100 * same:.0f} % of answers, all criteria together, the same again on "
            f"{counted(one.checks.repeats, 'repeat')}"
        )
    return f"Between raters: {between}. Within a rater: {own}."


def _between(task: TaskReport, one: CampaignProtocol, criterion: str) -> str:
    if one.scheme in methods.COMPARING:
        found = [p.alpha for p in task.preferred if p.criterion.name == criterion]
        return _alpha("nominal", found[0]) if found else "nothing was compared yet"
    if criterion not in task.raters.alpha:
        return "nothing was rated yet"
    said = [_alpha("interval", task.raters.alpha[criterion])]
    said += [
        f"ICC(1) {with_interval(reliable.icc)}, ICC(1,k) "
        f"{with_interval(reliable.icc_of_means)}"
        for reliable in task.reliability
        if reliable.criterion == criterion and reliable.icc.value is not None
    ]
    return "; ".join(said)


def _alpha(scale: str, alpha: Estimate) -> str:
    if alpha.value is None:
        return f"unknown ({alpha.method.removeprefix('undefined: ')})"
    return (
        f"Krippendorff's alpha ({scale}) {with_interval(alpha)}, {alpha.n:,} judged "
        "twice or more"
    )


def _peers(
    task: TaskReport, one: CampaignProtocol, name: str
) -> list[CampaignProtocol]:
    """Campaigns with answers of the same kind to a criterion of that name."""
    comparing = one.scheme in methods.COMPARING
    return [
        other
        for other in task.protocol.campaigns
        if other.first is not None
        and (other.scheme in methods.COMPARING) == comparing
        and any(asked.name == name for asked in other.criteria)
    ]


def _same(other: CampaignProtocol, one: CampaignProtocol, asked: Asked) -> bool:
    return asked in other.criteria and (other.low, other.high) == (one.low, one.high)


def _told(task: TaskReport, one: CampaignProtocol, asked: Asked) -> str:
    """Why the report's figures are not of this campaign; empty where they are."""
    peers = _peers(task, one, asked.name)
    return OTHER_QUESTION if peers and not _same(peers[-1], one, asked) else ""


def _together(task: TaskReport, one: CampaignProtocol, asked: Asked) -> str:
    """Which other campaigns the report's figures hold as well."""
    others = [
        other.name
        for other in _peers(task, one, asked.name)
        if other is not one and _same(other, one, asked)
    ]
    if not others:
        return ""
    return f" (together with {listed(others)}, where the question is the same)"


ETHICS: Answered = [
    ("5.1", "Ethical approval", "TODO: by which committee, or 'no'."),
    ("5.2", "Personal data", PERSONAL),
    ("5.3", "Special category data", "TODO: whether outputs or answers hold any."),
    ("5.4", "Impact assessments", "TODO: which, with their outcome, or 'none'."),
]
"""Part 5, which is the author's."""
