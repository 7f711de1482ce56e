"""The report of an evaluation as one HTML file: no network, no script, good on paper."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.evaluation.html_parts import PARTS, ends_of, number, table_of
from cfinspect.engine.plots.svg import chart

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; break-after: avoid; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; }
td { font-variant-numeric: tabular-nums; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.charts svg { width: 22rem; }
svg text { font: 11px system-ui, sans-serif; fill: #333; } svg .title { font-weight: 600; }
svg .title, svg .axis, svg .tick { text-anchor: middle; } svg .side { text-anchor: end; }
svg .frame { fill: none; stroke: #888; } svg .grid { stroke: #ddd; }
svg .line { fill: none; stroke-width: 2; }
img { max-width: 100%; image-rendering: auto; } figure { margin: 0 0 1rem; break-inside: avoid; }
.alarm { border-left: 4px solid #d55e00; padding-left: .7rem; }
code { overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } .charts svg { width: 15rem; } }
"""


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
    parts = [
        _section("In plain words", _list(summary(report))),
        _section("Figures", _figures(report)),
        _section("Curves", _curves(report, rows)),
    ]
    for name, (title, show) in PARTS.items():
        if name in report:
            parts.append(_section(title, show(report[name])))
    shown = "".join(
        f'<figure><figcaption>{escape(name)}</figcaption><img alt="{escape(name)}" '
        f'src="data:image/png;base64,{_png(picture)}"></figure>'
        for name, picture in galleries.items()
    )
    if shown:
        parts.append(_section("Image, counterfactual, saliency, mask", shown))
    parts.append(_section("What was measured", _facts(report, command)))
    name = escape(str((report.get("model") or {}).get("name", "model")))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{name}: evaluation</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{name}</h1>\n{''.join(parts)}</body>\n</html>\n"
    )


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


def _figures(report: Mapping[str, Any]) -> str:
    found = []
    intervals = report["classification"].get("ci95") or {}
    for part in ("classification", "localisation", "counterfactual", "review"):
        for name, value in report[part].items():
            if isinstance(value, dict):
                continue
            ends = intervals.get(name) if part == "classification" else None
            found.append((f"{part}: {name.replace('_', ' ')}", number(value), ends_of(ends)))
    return table_of(("figure", "value", "95 %, bootstrapped over groups"), found)


def _curves(report: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
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
        shown.append(chart("ROC", {"": roc}, ("false alarms", "damage found"), diagonal=True))
        pr = _thin(list(zip(recall.tolist(), precision.tolist(), strict=True)))
        shown.append(chart("Precision over recall", {"": pr}, ("recall", "precision")))
    doubt = report.get("uncertainty")
    if doubt:
        bins = doubt["looks"]["as they are"]["calibration"]["bins"]
        points = [(row["confidence"], row["accuracy"]) for row in bins]
        axes = ("confidence", "share right")
        shown.append(chart("Reliability", {"": points}, axes, diagonal=True))
        risks = {
            name: [(float(at), value) for at, value in one["risk_at"].items()]
            for name, one in doubt["looks"]["as they are"]["doubts"].items()
        }
        top = max([value for points in risks.values() for _, value in points] + [0.01])
        shown.append(
            chart("Risk over coverage", risks, ("share decided", "errors"), (0.8, 1.0), (0.0, top))
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
        shown.append(chart("Under attack", lines, ("eps, grey levels of 255", "F1"), (0.0, most)))
    return f'<div class="charts">{"".join(shown)}</div>'


def _thin(points: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """Evenly fewer points: a curve of 100,000 images must not weigh megabytes."""
    chosen = np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))
    return [points[index] for index in chosen]


def _facts(report: Mapping[str, Any], command: str) -> str:
    model, data = report.get("model") or {}, report.get("data") or {}
    counts = ", ".join(f"{value} {key}" for key, value in (data.get("counts") or {}).items())
    rows = [
        ("cfinspect", str(report.get("cfinspect_version", ""))),
        ("model", f"{model.get('name', '')} ({model.get('digest', '')})"),
        ("data", f"{counts}; fingerprint {data.get('fingerprint', '')}"),
        ("left out", str(len(report.get("left_out") or []))),
    ]
    return table_of(("", ""), rows) + f"<p><code>{escape(command)}</code></p>"


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>\n"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _png(picture: NDArray[np.uint8]) -> str:
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be encoded")
    return base64.b64encode(data.tobytes()).decode("ascii")
