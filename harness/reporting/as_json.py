"""The report as JSON, stable over versions; more keys may be added."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.reporting.trust import of_checkpoints, of_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.reporting.combined import Combined
    from harness.reporting.lead import Lead
    from harness.reporting.learning import LearningCurve
    from harness.reporting.model import (
        CheckpointReport,
        Disagreement,
        MetricAgreement,
        Parting,
        Report,
        TaskReport,
    )
    from harness.reporting.people import (
        BothWays,
        CampaignRaters,
        Preferred,
        Raters,
        RaterWork,
        Recount,
        Reliability,
    )
    from harness.types import Estimate, Json

VERSION = 1


def json_text(report: Report) -> str:
    """The report as JSON text, without NaN: what is unknown is null."""
    return json.dumps(
        as_json(report), ensure_ascii=False, allow_nan=False, indent=2, default=str
    )


def as_json(report: Report) -> dict[str, Json]:
    """The report as plain values; each estimate is `Estimate.as_json`."""
    return {
        "version": VERSION,
        "simulated": report.simulated,
        "study": report.study,
        "human": report.human,
        "draws": report.draws,
        "seed": report.seed,
        "packages": dict(report.versions),
        "tasks": [_task(task) for task in report.tasks],
    }


def _task(task: TaskReport) -> dict[str, Json]:
    return {
        "task": task.task,
        "simulated": task.simulated,
        "verdict": task.verdict,
        "description": task.description,
        "items": task.items,
        "metrics": [asdict(metric) for metric in task.metrics],
        "criteria": [asdict(criterion) for criterion in task.criteria],
        "checkpoints": [_checkpoint(one) for one in task.checkpoints],
        "baselines": [
            {"name": baseline.name, "metrics": _estimates(baseline.metrics)}
            for baseline in task.baselines
        ],
        "leads": [_lead(lead) for lead in task.leads],
        "combined": [combined_json(one) for one in task.combined],
        "partings": [_parting(one) for one in task.partings],
        "learning_curves": [_learning(one) for one in task.learning],
        "agreement": [_agreement(one) for one in task.agreement],
        "clusters": [asdict(one) for one in task.clusters],
        "preferences": [_preferred(one) for one in task.preferred],
        "raters": _people(task),
        "protocol": asdict(task.protocol),
        "disagreements": [_disagreement(one) for one in task.disagreements],
        "notes": list(task.notes),
    }


def _checkpoint(one: CheckpointReport) -> dict[str, Json]:
    return {
        "name": one.name,
        "series": one.series,
        "step": one.step,
        "outputs": one.outputs,
        "prompts_cut": one.prompts_cut,
        "used": dict(one.used),
        "configuration": dict(one.configuration),
        "metrics": _estimates(one.metrics),
        "human": _estimates(one.human),
    }


def _estimates(found: Mapping[str, Estimate]) -> dict[str, Json]:
    return {name: estimate.as_json() for name, estimate in found.items()}


def _lead(lead: Lead) -> dict[str, Json]:
    return {
        "kind": lead.kind,
        "by": lead.by,
        "best": lead.best,
        "second": lead.second,
        "difference": lead.difference.as_json(),
        "unit": lead.unit,
        "clear": lead.clear,
        "rival": lead.rival,
        "items_needed": lead.needed,
    }


def combined_json(one: Combined) -> dict[str, Json]:
    """Two checkpoints by ratings alone and together with scores."""
    return {
        "kind": one.kind,
        "criterion": one.criterion,
        "question": one.question,
        "checkpoint": one.checkpoint,
        "against": one.against,
        "estimand": one.both.estimand,
        "signature": one.metric,
        "rule": one.rule,
        "alone": one.alone.as_estimate().as_json(),
        "combined": one.both.as_estimate().as_json(),
        "how": one.both.method,
        "r2": one.both.r2,
        "saved": one.saved,
        "rated": one.both.n,
        "prompts": one.prompts,
        "raters": one.raters,
        "p": one.p,
        "better": one.better,
    }


def _parting(one: Parting) -> dict[str, Json]:
    return {
        "series": one.series,
        "from": one.start,
        "to": one.end,
        "steps": list(one.steps),
        "signature": one.signature,
        "criterion": one.criterion,
        "metric_change": one.metric.as_json(),
        "rating_change": one.ratings.as_json(),
    }


def _learning(one: LearningCurve) -> dict[str, Json]:
    known = dict(one.finite)
    return {
        "series": one.series,
        "run": one.run,
        "form": one.form,
        "name": one.name,
        "points": one.points,
        "steps": list(one.steps),
        "values": [known.get(step) for step in one.steps],
        "not_finite": {"n": one.lost, "at": [[at, str(v)] for at, v in one.marks]},
    }


def _agreement(one: MetricAgreement) -> dict[str, Json]:
    return {
        "metric": one.metric,
        "signature": one.signature,
        "criterion": one.criterion,
        "system": _estimates(of_checkpoints(one)),
        "segment": {
            grouping: _estimates(of_outputs(at)) for grouping, at in one.segment.items()
        },
        "ceiling": {
            "rater": one.ceiling.rater.as_json(),
            "metric": one.ceiling.metric.as_json(),
            "difference": one.ceiling.difference.as_json(),
        },
    }


def _preferred(one: Preferred) -> dict[str, Json]:
    return {
        "criterion": one.criterion.name,
        "checkpoints": [
            {
                "checkpoint": label,
                "win_rate": found.win_rate.as_json(),
                "strength": found.strength.as_json(),
            }
            for label, found in one.checkpoints.items()
        ],
        "ranked": one.ranked,
        "identical": one.identical,
        "ties": one.ties.as_json(),
        "both_bad": one.both_bad.as_json(),
        "left": one.left.as_json(),
        "alpha": one.alpha.as_json(),
    }


def _people(task: TaskReport) -> dict[str, Json]:
    return {
        **_raters(task.raters),
        "reliability": {one.criterion: _reliability(one) for one in task.reliability},
        "campaigns": [_campaign(one) for one in task.campaigns],
        "without_careless": _recount(task.recount) if task.recount else None,
        "notes": list(task.rater_notes),
    }


def _raters(raters: Raters) -> dict[str, Json]:
    return {
        "alpha": _estimates(raters.alpha),
        "count": raters.count,
        "kinds": dict(raters.kinds),
        "ratings": raters.ratings,
        "comparisons": raters.comparisons,
        "outputs": raters.outputs,
        "seconds": raters.seconds,
    }


def _reliability(one: Reliability) -> dict[str, Json]:
    return {
        "ac2": one.ac2.as_json(),
        "icc": one.icc.as_json(),
        "icc_of_means": one.icc_of_means.as_json(),
        "severity_sd": one.severity_sd,
        "noise_sd": one.noise_sd,
        "raters": [asdict(rater) for rater in one.raters],
        "raw": _estimates(one.raw),
        "z": _estimates(one.z),
        "adjusted": _estimates(one.adjusted),
    }


def _campaign(one: CampaignRaters) -> dict[str, Json]:
    return {
        "campaign": one.campaign or None,
        "raters": [_work(rater) for rater in one.raters],
    }


def _work(one: RaterWork) -> dict[str, Json]:
    said = one.quality
    return {
        "rater": said.rater,
        "kind": said.kind,
        "rated": said.rated,
        "seconds": said.seconds,
        "agreement": said.agreement.as_json(),
        "severity": one.severity,
        "noise": one.noise,
        "gold": asdict(said.gold),
        "repeats": asdict(said.repeats),
        "flags": list(said.warnings),
        "careless": said.careless,
    }


def _recount(one: Recount) -> dict[str, Json]:
    return {
        "raters": list(one.raters),
        "ratings": one.ratings,
        "criteria": {
            found.criterion: {
                "means": {k: _both(v) for k, v in found.means.items()},
                "alpha": _both(found.alpha),
                "kendall": {k: _both(v) for k, v in found.kendall.items()},
                "best": {"all": found.best[0], "without": found.best[1]},
            }
            for found in one.criteria
        },
        "comparisons": one.comparisons,
        "preferences": {
            found.criterion: {
                "win_rates": {k: _both(v) for k, v in found.win_rates.items()},
                "strengths": {k: _both(v) for k, v in found.strengths.items()},
                "alpha": _both(found.alpha),
                "best": {"all": found.best[0], "without": found.best[1]},
            }
            for found in one.preferences
        },
    }


def _both(one: BothWays) -> dict[str, Json]:
    return {"all": one.all.as_json(), "without": one.without.as_json()}


def _disagreement(one: Disagreement) -> dict[str, Json]:
    output = one.output
    return {
        "criterion": one.criterion,
        "signature": one.signature,
        "higher": one.higher,
        "metric_rank": one.metric_rank,
        "rating_rank": one.rating_rank,
        "score": output.scores[one.signature],
        "rating": output.ratings[one.criterion],
        "raters": [
            {"rater": rater, "value": value}
            for rater, value in output.given.get(one.criterion, ())
        ],
        "checkpoint": output.checkpoint,
        "item": output.item,
        "sample": output.sample,
        "prompt": output.prompt,
        "references": list(output.references),
        "output": output.text,
    }
