"""The part of ``cfinspect evaluate`` that attacks the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfinspect.cli.output import Interrupted, Output, note
from cfinspect.cli.progress import Counter
from cfinspect.engine.events import CancelToken

if TYPE_CHECKING:
    from cfinspect.engine.data import Sample
    from cfinspect.engine.inspection import Inspector
    from cfinspect.engine.torch_backend import TorchBackend

IMAGES, QUICK_IMAGES = 100, 30


def attack(
    backend: TorchBackend,
    inspector: Inspector,
    samples: list[Sample],
    images: int | None,
    quick: bool,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Figures of ``robustness`` on some of the samples; says which were left aside."""
    from cfinspect.engine.evaluate.robustness import (  # noqa: PLC0415
        AttackCancelled,
        Effort,
        robustness,
    )
    from cfinspect.engine.evaluate.squares import squares  # noqa: PLC0415

    count = images or (QUICK_IMAGES if quick else IMAGES)
    chosen = squares(inspector, samples, count)
    if chosen.photos:
        note(
            f"Left aside {chosen.photos} photos: attacks are for images that are looked at as a "
            "whole. Cut the photos into tiles ('cfinspect tile') to attack those."
        )
    effort = Effort(steps=20, restarts=1, queries=200) if quick else Effort()
    try:
        with Counter("Attacking", "stages") as counter:
            return robustness(
                backend.target(),
                chosen.images,
                chosen.labels,
                chosen.groups,
                effort=effort,
                progress=counter,
                cancelled=lambda: cancel.cancelled,
            )
    except AttackCancelled:
        raise Interrupted("Interrupted: no report was written.") from None


def show(found: dict[str, Any], output: Output) -> None:
    """The table over eps, and the alarms in words."""
    title = (
        f"Attacked ({found['n']} images, PGD-{found['pgd_steps']} x {found['restarts']}, "
        f"Square {found['square_queries']})"
    )
    columns = zip(found["eps"], found["accuracy"], found["f1"], found["accepted_f1"], strict=True)
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
    for alarm in found["alarms"].values():
        if alarm["fired"]:
            output.say(
                f"ALARM: {alarm['value']:.0%} of the images {alarm['means']}: the attacks are too "
                "weak for this model, and its figures too good."
            )


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
