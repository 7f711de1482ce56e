"""The report of an evaluation as one HTML file: no network, no script, good on paper."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.evaluation.evaluate import EvaluatedImage, EvaluationFigures, unlike_count
from cfinspect.engine.evaluation.part_figures import RobustnessFigures, UncertaintyFigures
from cfinspect.engine.evaluation.report import EvaluationReport
from cfinspect.engine.metrics.classification import Interval
from cfinspect.engine.plots.svg_chart import svg_chart

if TYPE_CHECKING:
    from jinja2 import Environment

# The parts beyond the plain figures, in the page's order; each has its template in parts/.
_PARTS = (
    ("kinds", "Which kind of damage"),
    ("baselines", "Where the damage is, by explainer"),
    ("explainers", "What would change its mind, by explainer"),
    ("realism", "Whether counterfactuals look real"),
    ("uncertainty", "Which doubt finds the errors"),
    ("robustness", "Under attack"),
)


def page(
    report: EvaluationReport,
    galleries: Mapping[str, NDArray[np.uint8]],
    command: str,
) -> str:
    """The HTML text.

    ``galleries``: a picture (H, W, 3) for each heading; ``command``: what was typed.
    """
    template = _templates().get_template("report.html.j2")
    return template.render(
        name=report.model.name,
        summary=summary(report),
        figures=_figures(report.figures),
        charts=_charts(report),
        # A figure is a row of that table, also where an explainer does not have it.
        explainers={
            name: json_object(one)
            for name, one in (report.explainers.explainers if report.explainers else {}).items()
        },
        parts=[
            (name, title, found)
            for name, title in _PARTS
            if (found := report.figures.kinds if name == "kinds" else getattr(report, name))
            is not None
        ],
        pictures={name: _png(picture) for name, picture in galleries.items()},
        facts=_facts(report),
        command=command,
    )


@functools.cache
def _templates() -> Environment:
    """The templates beside this module; all that they print is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    found = Environment(
        loader=PackageLoader("cfinspect.engine.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"number": _number, "interval": _interval, "percent": _percent}
    return found


def summary(report: EvaluationReport) -> list[str]:
    """The figures as sentences; only what is known, and what to doubt first."""
    figures = report.figures
    said, review = figures.classification, figures.review
    lines = []
    if report.seen:
        lines.append(
            f"The model has seen {report.seen} of these images in training: all figures flatter it."
        )
    if figures.unlike_share is not None:
        lines.append(
            unlike_count(report.rows).warning
            or f"Of these images {figures.unlike_share:.1%} are unlike those that it learned from."
        )
    damaged, sound = said.n_damaged, said.n - said.n_damaged
    if said.recall is not None:
        lines.append(f"Of {damaged} damaged images it finds {said.recall:.1%}.")
    if sound and said.accuracy is not None:
        missed = round((1 - (said.recall or 0.0)) * damaged)
        wrong = round((1 - said.accuracy) * said.n) - missed
        lines.append(f"Of {sound} undamaged images it calls {wrong / sound:.1%} damaged.")
    if review.errors_caught is not None:
        lines.append(
            f"It sends {review.rate:.1%} to a human, and {review.errors_caught:.0%} of its "
            f"{review.errors} errors are among them."
        )
    iou = figures.localisation.figures.iou
    if iou is not None:
        lines.append(f"Its masks and the true ones overlap by {iou:.2f} (intersection over union).")
    flips = figures.counterfactual.flip_rate_damaged
    if flips is not None:
        lines.append(
            f"Of the images that it calls damaged, it can mend {flips:.0%} so that it calls them "
            "undamaged."
        )
    attacked = report.robustness
    if attacked is not None:
        clean, *others = zip(attacked.eps, attacked.accuracy, strict=True)
        held = ", ".join(f"{value:.0%} at {eps:g}" for eps, value in others)
        lines.append(
            f"Of {attacked.n} attacked images {clean[1]:.0%} are right untouched; changed to "
            f"deceive it by so many grey levels of 255: {held}."
        )
    return lines


def _figures(figures: EvaluationFigures) -> list[tuple[str, str, str]]:
    intervals = figures.classification.ci95
    ends = {"f1": intervals.f1, "accuracy": intervals.accuracy, "auroc": intervals.auroc}
    parts = {
        "classification": json_object(figures.classification),
        "localisation": json_object(figures.localisation),
        "counterfactual": json_object(figures.counterfactual),
        "review": json_object(figures.review),
    }
    unlike = figures.unlike_share
    return [
        (
            f"{part}: {name.replace('_', ' ')}",
            _number(value),
            _interval(ends.get(name) if part == "classification" else None),
        )
        for part, values in parts.items()
        for name, value in values.items()
        if not isinstance(value, dict)
    ] + ([] if unlike is None else [("unlike share", _number(unlike), _interval(None))])


def _charts(report: EvaluationReport) -> list[str]:
    shown = _curves(report.rows)
    if report.uncertainty is not None:
        shown += _doubt_charts(report.uncertainty)
    if report.robustness is not None:
        shown.append(_attack_chart(report.robustness))
    return shown


def _curves(rows: Sequence[EvaluatedImage]) -> list[str]:
    """ROC and precision over recall, of images of both classes."""
    known = [(row.label, row.score) for row in rows if row.score is not None]
    labels = np.array([label for label, _ in known], dtype=np.int64)
    scores = np.array([score for _, score in known], dtype=np.float64)
    if len(set(labels.tolist())) < 2:
        return []
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # equal scores are one step
    hits = np.cumsum(labels[order])[last]
    alarms = np.cumsum(1 - labels[order])[last]
    recall, fall_out = hits / hits[-1], alarms / alarms[-1]
    precision = hits / (hits + alarms)
    roc = _thin([(0.0, 0.0), *zip(fall_out.tolist(), recall.tolist(), strict=True)])
    pr = _thin(list(zip(recall.tolist(), precision.tolist(), strict=True)))
    return [
        svg_chart("ROC", {"": roc}, ("false alarms", "damage found"), diagonal=True),
        svg_chart("Precision over recall", {"": pr}, ("recall", "precision")),
    ]


def _doubt_charts(doubt: UncertaintyFigures) -> list[str]:
    look = doubt.looks["as they are"]
    points = [(one.confidence, one.accuracy) for one in look.calibration.bins]
    risks = {
        name: [(float(at), value) for at, value in one.risk_at.items()]
        for name, one in look.doubts.items()
    }
    top = max([value for points in risks.values() for _, value in points] + [0.01])
    return [
        svg_chart("Reliability", {"": points}, ("confidence", "share right"), diagonal=True),
        svg_chart("Risk over coverage", risks, ("share decided", "errors"), (0.8, 1.0), (0.0, top)),
    ]


def _attack_chart(attacked: RobustnessFigures) -> str:
    lines = {
        name: [
            (eps, value)
            for eps, value in zip(attacked.eps, values, strict=True)
            if value is not None
        ]
        for name, values in (("F1", attacked.f1), ("F1 of the accepted", attacked.accepted_f1))
    }
    axes = ("eps, grey levels of 255", "F1")
    return svg_chart("Under attack", lines, axes, (0.0, max(attacked.eps)))


def _thin(points: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """Evenly fewer points: a curve of 100,000 images must not weigh megabytes."""
    chosen = np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))
    return [points[index] for index in chosen]


def _facts(report: EvaluationReport) -> list[tuple[str, str]]:
    counts = ", ".join(f"{value} {key}" for key, value in report.data.counts.items())
    return [
        ("cfinspect", report.cfinspect_version),
        ("model", f"{report.model.name} ({report.model.digest})"),
        ("data", f"{counts}; fingerprint {report.data.fingerprint}"),
        ("left out", str(len(report.figures.left_out))),
    ]


def _number(value: object) -> str:
    """Four digits; a dash for what is not known."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _interval(ends: Interval) -> str:
    """Both ends; a dash for what is not known."""
    return f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else "-"


def _percent(value: float, digits: int = 0) -> str:
    """A share in [0, 1] in hundredths."""
    return f"{value:.{digits}%}"


def _png(picture: NDArray[np.uint8]) -> str:
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be encoded")
    return base64.b64encode(data.tobytes()).decode("ascii")
