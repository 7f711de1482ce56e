"""The report of an evaluation as one HTML file: no network, no script, good on paper."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

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
    report: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    galleries: Mapping[str, NDArray[np.uint8]],
    command: str,
) -> str:
    """The HTML text.

    ``report``: as ``evaluate`` gives it, with or without the parts robustness, uncertainty,
    realism, baselines, explainers, and the facts about model and data; ``rows``: one per image;
    ``galleries``: a picture (H, W, 3) for each heading; ``command``: what was typed.
    """
    template = _templates().get_template("report.html.j2")
    return template.render(
        name=str((report.get("model") or {}).get("name", "model")),
        summary=summary(report),
        figures=_figures(report),
        charts=_charts(report, rows),
        report=report,
        parts=_PARTS,
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


def summary(report: Mapping[str, Any]) -> list[str]:
    """The figures as sentences; only what is known, and what to doubt first."""
    said = report["classification"]
    lines = []
    if report.get("seen"):
        lines.append(
            f"The model has seen {report['seen']} of these images in training: all figures "
            "flatter it."
        )
    damaged, sound = said["n_damaged"], said["n"] - said["n_damaged"]
    if said.get("recall") is not None:
        lines.append(f"Of {damaged} damaged images it finds {said['recall']:.1%}.")
    if sound and said.get("accuracy") is not None:
        missed = round((1 - (said["recall"] or 0.0)) * damaged)
        wrong = round((1 - said["accuracy"]) * said["n"]) - missed
        lines.append(f"Of {sound} undamaged images it calls {wrong / sound:.1%} damaged.")
    review = report["review"]
    if review.get("errors_caught") is not None:
        lines.append(
            f"It sends {review['rate']:.1%} to a human, and {review['errors_caught']:.0%} of its "
            f"{review['errors']} errors are among them."
        )
    iou = report["localisation"].get("iou")
    if iou is not None:
        lines.append(f"Its masks and the true ones overlap by {iou:.2f} (intersection over union).")
    flips = report["counterfactual"].get("flip_rate_damaged")
    if flips is not None:
        lines.append(
            f"Of the images that it calls damaged, it can mend {flips:.0%} so that it calls them "
            "undamaged."
        )
    attacked = report.get("robustness")
    if attacked:
        clean, *others = zip(attacked["eps"], attacked["accuracy"], strict=True)
        held = ", ".join(f"{value:.0%} at {eps:g}" for eps, value in others)
        lines.append(
            f"Of {attacked['n']} attacked images {clean[1]:.0%} are right untouched; changed to "
            f"deceive it by so many grey levels of 255: {held}."
        )
    return lines


def _figures(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    intervals = report["classification"].get("ci95") or {}
    for part in ("classification", "localisation", "counterfactual", "review"):
        for name, value in report[part].items():
            if isinstance(value, dict):
                continue
            ends = intervals.get(name) if part == "classification" else None
            found.append((f"{part}: {name.replace('_', ' ')}", _number(value), _interval(ends)))
    return found


def _charts(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    known = [(row["label"], row["score"]) for row in rows if row.get("score") is not None]
    labels = np.array([label for label, _ in known], dtype=np.int64)
    scores = np.array([score for _, score in known], dtype=np.float64)
    shown = []
    if len(set(labels.tolist())) == 2:
        order = np.argsort(-scores, kind="stable")
        last = np.append(np.diff(scores[order]) != 0, True)  # equal scores are one step
        hits = np.cumsum(labels[order])[last]
        alarms = np.cumsum(1 - labels[order])[last]
        recall, fall_out = hits / hits[-1], alarms / alarms[-1]
        precision = hits / (hits + alarms)
        roc = _thin([(0.0, 0.0), *zip(fall_out.tolist(), recall.tolist(), strict=True)])
        shown.append(svg_chart("ROC", {"": roc}, ("false alarms", "damage found"), diagonal=True))
        pr = _thin(list(zip(recall.tolist(), precision.tolist(), strict=True)))
        shown.append(svg_chart("Precision over recall", {"": pr}, ("recall", "precision")))
    doubt = report.get("uncertainty")
    if doubt:
        bins = doubt["looks"]["as they are"]["calibration"]["bins"]
        points = [(row["confidence"], row["accuracy"]) for row in bins]
        axes = ("confidence", "share right")
        shown.append(svg_chart("Reliability", {"": points}, axes, diagonal=True))
        risks = {
            name: [(float(at), value) for at, value in one["risk_at"].items()]
            for name, one in doubt["looks"]["as they are"]["doubts"].items()
        }
        top = max([value for points in risks.values() for _, value in points] + [0.01])
        shown.append(
            svg_chart(
                "Risk over coverage", risks, ("share decided", "errors"), (0.8, 1.0), (0.0, top)
            )
        )
    attacked = report.get("robustness")
    if attacked:
        lines = {
            name: [
                (eps, value)
                for eps, value in zip(attacked["eps"], attacked[key], strict=True)
                if value is not None
            ]
            for name, key in (("F1", "f1"), ("F1 of the accepted", "accepted_f1"))
        }
        most = max(attacked["eps"])
        shown.append(
            svg_chart("Under attack", lines, ("eps, grey levels of 255", "F1"), (0.0, most))
        )
    return shown


def _thin(points: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """Evenly fewer points: a curve of 100,000 images must not weigh megabytes."""
    chosen = np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))
    return [points[index] for index in chosen]


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    model, data = report.get("model") or {}, report.get("data") or {}
    counts = ", ".join(f"{value} {key}" for key, value in (data.get("counts") or {}).items())
    return [
        ("cfinspect", str(report.get("cfinspect_version", ""))),
        ("model", f"{model.get('name', '')} ({model.get('digest', '')})"),
        ("data", f"{counts}; fingerprint {data.get('fingerprint', '')}"),
        ("left out", str(len(report.get("left_out") or []))),
    ]


def _number(value: object) -> str:
    """Four digits; a dash for what is not known."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _interval(ends: Sequence[float] | None) -> str:
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
