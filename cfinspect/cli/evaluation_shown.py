"""The figures of an evaluation on the screen: one function for each part of the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cfinspect.cli.models import flat
from cfinspect.cli.output import Output
from cfinspect.engine.base.json_types import json_object

if TYPE_CHECKING:
    from cfinspect.engine.evaluation.evaluate import EvaluationFigures
    from cfinspect.engine.evaluation.part_figures import (
        BaselineFigures,
        ExplainersFigures,
        RealismFigures,
        RobustnessFigures,
        UncertaintyFigures,
    )
    from cfinspect.engine.evaluation.report import EvaluationReport


def show_judged(found: RealismFigures, output: Output) -> None:
    """Flips under both judges and distances, per direction."""
    rows = []
    for name, one in found.directions.items():
        to = "damaged -> undamaged" if name == "damaged" else "undamaged -> damaged"
        apart = one.distances
        rows.append(
            (
                f"{to} ({one.n})",
                f"flips {_text(one.flips)}, for the judge {_text(one.judge_flips)}  changed "
                f"area {_text(one.area)}  cycle error {_text(one.cycle)}  FID {_text(apart.fid)} "
                f"(before {_text(apart.fid_before)}, of real ones {_text(apart.fid_floor)}; "
                f"{apart.fid_n} each)  KID {_text(apart.kid)}",
            )
        )
    output.table("Realism of the counterfactuals", rows)
    output.say(
        f"Judge: {found.judge.name}, right on {found.judge.accuracy:.1%}. Encoder: "
        f"{found.encoder.name}, {found.encoder.features} features."
    )


def show_compared(found: Mapping[str, BaselineFigures], output: Output) -> None:
    """IoU without and with a look at the masks, and pixel AP."""
    rows = [
        (
            name,
            f"IoU {_text(one.figures.iou)}  oracle {_text(one.figures.oracle_iou)}  pixel AP "
            f"{_text(one.figures.pixel_ap)}  {one.seconds:.4f} s an image",
        )
        for name, one in found.items()
    ]
    count = next(iter(found.values())).figures.n
    output.table(f"Where the damage is, by explainer ({count} damaged images)", rows)


def show_doubt(found: UncertaintyFigures, output: Output) -> None:
    """How well each measure finds the errors, as they are and on average over the shifts."""
    clean, *shifted = found.looks.values()
    rows = []
    for name, figures in clean.doubts.items():
        others = [one.doubts[name] for one in shifted]
        rows.append(
            (
                name,
                f"AUROC {_text(figures.auroc)}  caught in 10 % {_text(figures.caught)}  "
                f"AURC {_text(figures.aurc)}  under shifts: AUROC "
                f"{_text(_mean(one.auroc for one in others))}  caught "
                f"{_text(_mean(one.caught for one in others))}",
            )
        )
    errors = ", ".join(f"{name} {one.errors}" for name, one in found.looks.items())
    output.table(f"Which doubt finds the errors ({clean.n} images; errors: {errors})", rows)
    calibration = clean.calibration
    output.say(
        f"Expected calibration error {_text(calibration.ece)}, without temperature "
        f"{_text(calibration.ece_without_temperature)}."
    )
    for one in found.conformal:
        where = "on other photos" if one.by_group else "on other images of the same photos"
        promise = "" if one.guarantee else " NO GUARANTEE: too few images of a class."
        output.say(
            f"Conformal sets for {one.alpha:.0%} missed, {where}: {_text(one.miss_rate)} "
            f"missed, {_text(one.false_alarm_rate)} false alarms, {one.reviewed:.0%} to "
            f"review.{promise}"
        )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def show_attacks(found: RobustnessFigures, output: Output) -> None:
    """The table over eps, and the alarms in words."""
    title = (
        f"Attacked ({found.n} images, PGD-{found.pgd_steps} x {found.restarts}, "
        f"Square {found.square_queries})"
    )
    columns = zip(found.eps, found.accuracy, found.f1, found.accepted_f1, strict=True)
    output.table(
        title,
        [
            (
                f"eps {eps:g}/255",
                f"accuracy {_text(accuracy)}  F1 {_text(f1)}  F1 of the accepted {_text(kept)}",
            )
            for eps, accuracy, f1, kept in columns
        ],
    )
    for alarm in found.alarms.values():
        if alarm.fired:
            output.say(
                f"ALARM: {alarm.value:.0%} of the images {alarm.means}: the attacks are too "
                "weak for this model, and its figures too good."
            )


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def show_explainers(found: ExplainersFigures, output: Output) -> None:
    """One row for each explainer."""
    rows = []
    for name, one in found.explainers.items():
        flips = ""
        if one.made is not None:
            made, apart = one.made, one.made.distances
            flips = (
                f"flips {_text(made.flips_damaged)} / {_text(made.flips_undamaged)}  "
                f"COUT {_text(made.cout_damaged)} / {_text(made.cout_undamaged)}  "
                f"S3 {_text(made.s3)}  FID {_text(apart.fid)} of {apart.fid_n} (real ones "
                f"{_text(apart.fid_floor)} of {apart.fid_floor_n})  sFID {_text(apart.sfid)}  "
                f"changed {_text(made.change)}  diversity {_text(made.diversity)}  "
            )
        rows.append(
            (
                name,
                f"{flips}IoU {_text(one.iou)} (best {_text(one.oracle_iou)})  "
                f"{one.evaluations:.0f} passes, {one.seconds:.4f} s an image",
            )
        )
    title = (
        f"What would change its mind ({found.n} images that it has right, {found.n_damaged} "
        "damaged; damaged / undamaged ones)"
    )
    output.table(title, rows)
    if found.filter_keeps is not None:
        output.say(f"ACE's filter alone keeps {found.filter_keeps:.1%} of the verdicts.")
    encoder = found.encoder
    output.say(
        f"Encoder: {encoder.name}, {encoder.features} features. S3 of any two of the images: "
        f"{_text(encoder.any_two)}."
    )
    output.say(f"{', '.join(found.left_out)}: left out, as they need networks for faces.")


def show_report(report: EvaluationReport, out: Path, output: Output) -> None:
    """The whole report: as one JSON object, or as tables; ``out``: where the files are."""
    output.emit("report", {**report.to_json(), "out": out})
    show_figures(report.figures, output)
    if report.baselines is not None:
        show_compared(report.baselines, output)
    if report.realism is not None:
        show_judged(report.realism, output)
    if report.uncertainty is not None:
        show_doubt(report.uncertainty, output)
    if report.robustness is not None:
        show_attacks(report.robustness, output)
    if report.explainers is not None:
        show_explainers(report.explainers, output)


def show_figures(figures: EvaluationFigures, output: Output) -> None:
    """Classification, localisation, counterfactuals and review, and which kinds are told apart."""
    known = json_object(figures)
    parts = ("classification", "localisation", "counterfactual", "review")
    output.table("Evaluation", list(flat({part: known[part] for part in parts})))
    if figures.unlike_share is not None:
        output.say(f"Unlike the images that the model learned from: {figures.unlike_share:.1%}.")
    told = figures.kinds
    if told is None:
        return
    names = [name or "undamaged" for name in told.names]
    counted = [
        (name, "  ".join(f"{answer} {n}" for answer, n in zip(names, counts, strict=True)))
        for name, counts in zip(names, told.confusion, strict=True)
    ]
    output.table("Answers by true class", counted)
    output.say(
        f"Right class: {told.accuracy:.1%}; right kind, of the damage found: "
        + (f"{told.right_kind:.1%}" if told.right_kind is not None else "-")
    )
