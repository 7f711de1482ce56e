"""The parts of ``cfinspect evaluate`` that try the model: attacks, and how well doubt is placed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from cfinspect.cli.output import Output, note
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.events import CancelToken
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.model.metadata import makes_counterfactuals

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Sample
    from cfinspect.engine.evaluation.encoders import Encoder
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.engine.inference.torch_backend import TorchBackend
    from cfinspect.engine.model.metadata import ModelMetadata

IMAGES, QUICK_IMAGES = 100, 30
DOUBTS, QUICK_DOUBTS = 3000, 300
COMPARED, QUICK_COMPARED = 200, 50
JUDGED, QUICK_JUDGED = 1000, 200
_BATCH = 64


def require_one_kind(metadata: ModelMetadata, part: str) -> None:
    """Raise CfinspectError for a model of several kinds of damage; ``part`` is what was asked."""
    if metadata.kinds:
        raise CfinspectError(
            f"--{part} looks at one kind of damage at a time, and this model knows several"
        )


def attack(
    backend: TorchBackend,
    inspector: Inspector,
    samples: list[Sample],
    images: int | None,
    quick: bool,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Figures of ``robustness`` on some of the samples; says which were left aside."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.evaluation.robustness import (  # noqa: PLC0415
        Effort,
        robustness,
    )
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415

    count = images or (QUICK_IMAGES if quick else IMAGES)
    chosen = squares(inspector, samples, count)
    _tell_photos(chosen.photos)
    effort = Effort(steps=20, restarts=1, queries=200) if quick else Effort()
    try:
        with Counter("Attacking", "decisions", cancel=cancel) as counter:
            return robustness(
                backend.target(),
                chosen.images,
                chosen.labels,
                chosen.groups,
                effort=effort,
                progress=counter,
            )
    except Cancelled:
        raise Cancelled("Interrupted: the report holds what was done before.") from None


def compare(
    backend: TorchBackend, samples: list[Sample], quick: bool, cancel: CancelToken
) -> dict[str, Any]:
    """Localisation by other explainers, beside the counterfactual's."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.evaluation.localisation_baselines import (  # noqa: PLC0415
        baselines,
    )
    from cfinspect.engine.explain.saliency import have_cams  # noqa: PLC0415

    if not have_cams():
        note("Without Grad-CAM and LayerCAM: pip install 'cfinspect[evaluate]' brings them.")
    try:
        with Counter("Comparing explainers", "explainers", cancel=cancel) as counter:
            return baselines(
                backend,
                samples,
                QUICK_COMPARED if quick else COMPARED,
                rise_masks=100 if quick else 400,
                progress=counter,
            )
    except Cancelled:
        raise Cancelled("Interrupted: the report holds what was done before.") from None


def judge(
    inspector: Inspector,
    samples: list[Sample],
    encoder: Encoder | None,
    quick: bool,
    cancel: CancelToken,
) -> dict[str, Any]:
    """Figures of ``realism``: one half of the samples trains a judge, the other is measured."""
    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.data.splits import split_by_group  # noqa: PLC0415
    from cfinspect.engine.evaluation.realism import (  # noqa: PLC0415
        have_distances,
        realism,
    )
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415

    if not have_distances():
        note("Without FID and KID: pip install 'cfinspect[evaluate]' brings them.")
    backend = cast("TorchBackend", inspector.backend)
    if not makes_counterfactuals(str(backend.metadata.training.get("method", "cfgan"))):
        raise CfinspectError("realism needs counterfactuals, and this model makes none")
    count = QUICK_JUDGED if quick else JUDGED
    halves = split_by_group(samples, {"learned": 0.5, "measured": 0.5}, 0)
    learned, measured = (squares(inspector, half, count) for half in halves.values())
    _tell_photos(learned.photos + measured.photos)
    try:
        with Counter("Judging counterfactuals", "steps", cancel=cancel) as counter:
            return realism(
                backend,
                learned,
                measured,
                encoder,
                steps=100 if quick else 300,
                progress=counter,
            )
    except Cancelled:
        raise Cancelled("Interrupted: the report holds what was done before.") from None


def show_judged(found: dict[str, Any], output: Output) -> None:
    """Flips under both judges and distances, per direction."""
    rows = []
    for name, one in found["directions"].items():
        to = "damaged -> undamaged" if name == "damaged" else "undamaged -> damaged"
        rows.append(
            (
                f"{to} ({one['n']})",
                f"flips {_text(one['flips'])}, for the judge {_text(one['judge_flips'])}  changed "
                f"area {_text(one['area'])}  cycle error {_text(one['cycle'])}  FID "
                f"{_text(one['fid'])} (before {_text(one['fid_before'])}, of real ones "
                f"{_text(one['fid_floor'])}; {one['fid_n']} each)  KID {_text(one['kid'])}",
            )
        )
    output.table("Realism of the counterfactuals", rows)
    output.say(
        f"Judge: {found['judge']['name']}, right on {found['judge']['accuracy']:.1%}. Encoder: "
        f"{found['encoder']['name']}, {found['encoder']['features']} features."
    )


def show_compared(found: dict[str, Any], output: Output) -> None:
    """IoU without and with a look at the masks, and pixel AP."""
    rows = [
        (
            name,
            f"IoU {_text(one['iou'])}  oracle {_text(one['oracle_iou'])}  pixel AP "
            f"{_text(one['pixel_ap'])}  {one['seconds']:.4f} s an image",
        )
        for name, one in found.items()
    ]
    count = next(iter(found.values()))["n"]
    output.table(f"Where the damage is, by explainer ({count} damaged images)", rows)


def doubt(
    inspector: Inspector, samples: list[Sample], quick: bool, cancel: CancelToken
) -> dict[str, Any]:
    """Figures of ``uncertainty`` on the samples and under shifts, and of conformal sets."""
    import numpy as np  # noqa: PLC0415

    from cfinspect.cli.progress import Counter  # noqa: PLC0415
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415
    from cfinspect.engine.evaluation.uncertainty import (  # noqa: PLC0415
        SHIFTS,
        Answers,
        conformal,
        uncertainty,
    )

    if len(samples) > DOUBTS:
        note(f"Uncertainty is measured on {DOUBTS} of the {len(samples)} images.")
        places = np.random.default_rng(0).permutation(len(samples))[:DOUBTS]
        samples = [samples[place] for place in sorted(places)]
    chosen = squares(inspector, samples, QUICK_DOUBTS if quick else None)
    _tell_photos(chosen.photos)
    backend, result = inspector.backend, {}
    decision = backend.metadata.decision
    with Counter("Looking under other light, blur and noise", "looks") as counter:
        for done, (name, shift) in enumerate([("as they are", None), *SHIFTS.items()], start=1):
            parts = []
            for start in range(0, len(chosen.images), _BATCH):
                if cancel.cancelled:
                    raise Cancelled("Interrupted: the report holds what was done before.")
                images = chosen.images[start : start + _BATCH]
                parts.append(Answers.of(backend.run(shift(images) if shift else images), decision))
            answers = Answers.joined(parts)
            result[name] = uncertainty(answers, chosen.labels, chosen.groups)
            if shift is None:
                sets = [
                    conformal(answers.scores, chosen.labels, alpha, groups)
                    for alpha in (0.1, 0.05)
                    for groups in (None, chosen.groups)
                ]
            counter.show(done, len(SHIFTS) + 1)
    return {"looks": result, "conformal": sets}


def _tell_photos(count: int) -> None:
    if count:
        note(
            f"Left aside {count} photos: this is for images that are looked at as a whole. Cut the "
            "photos into tiles ('cfinspect tile') for those."
        )


def show_doubt(found: dict[str, Any], output: Output) -> None:
    """How well each measure finds the errors, as they are and on average over the shifts."""
    clean, *shifted = found["looks"].values()
    rows = []
    for name, figures in clean["doubts"].items():
        others = [one["doubts"][name] for one in shifted]
        rows.append(
            (
                name,
                f"AUROC {_text(figures['auroc'])}  caught in 10 % {_text(figures['caught'])}  "
                f"AURC {_text(figures['aurc'])}  under shifts: AUROC "
                f"{_text(_mean(one['auroc'] for one in others))}  caught "
                f"{_text(_mean(one['caught'] for one in others))}",
            )
        )
    errors = ", ".join(f"{name} {one['errors']}" for name, one in found["looks"].items())
    output.table(f"Which doubt finds the errors ({clean['n']} images; errors: {errors})", rows)
    calibration = clean["calibration"]
    output.say(
        f"Expected calibration error {_text(calibration['ece'])}, without temperature "
        f"{_text(calibration['ece_without_temperature'])}."
    )
    for one in found["conformal"]:
        where = "on other photos" if one["by_group"] else "on other images of the same photos"
        promise = "" if one["guarantee"] else " NO GUARANTEE: too few images of a class."
        output.say(
            f"Conformal sets for {one['alpha']:.0%} missed, {where}: {_text(one['miss_rate'])} "
            f"missed, {_text(one['false_alarm_rate'])} false alarms, {one['reviewed']:.0%} to "
            f"review.{promise}"
        )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def show_attacks(found: dict[str, Any], output: Output) -> None:
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


SHOWN = {
    "baselines": show_compared,
    "realism": show_judged,
    "uncertainty": show_doubt,
    "robustness": show_attacks,
}
