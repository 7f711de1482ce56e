"""The parts of ``cfinspect evaluate`` that try the model: attacks, and how well doubt is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.model.metadata import makes_counterfactuals
from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Sample
    from cfinspect.engine.evaluation.encoders import Encoder
    from cfinspect.engine.evaluation.part_figures import (
        BaselineFigures,
        RealismFigures,
        RobustnessFigures,
        UncertaintyFigures,
    )
    from cfinspect.engine.inference.inspector import Inspector
    from cfinspect.engine.inference.torch_backend import TorchBackend
    from cfinspect.engine.model.metadata import ModelMetadata

IMAGES, QUICK_IMAGES = 100, 30
DOUBTS, QUICK_DOUBTS = 3000, 300
COMPARED, QUICK_COMPARED = 200, 50
JUDGED, QUICK_JUDGED = 1000, 200
_BATCH = 64


def require_one_defect_class(metadata: ModelMetadata, part: str) -> None:
    """Raise CfinspectError for a model that asks each of several; ``part`` is what was asked."""
    if metadata.asks_each_class:
        raise CfinspectError(
            f"--{part} looks at one defect class at a time, and this model asks each of several"
        )


def attack(
    backend: TorchBackend,
    inspector: Inspector,
    samples: list[Sample],
    images: int | None,
    quick: bool,
    listener: Listener,
) -> RobustnessFigures:
    """Figures of ``robustness`` on some of the samples; says which were left aside."""
    from cfinspect.engine.evaluation.robustness import (  # noqa: PLC0415
        Effort,
        robustness,
    )
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415

    count = images or (QUICK_IMAGES if quick else IMAGES)
    chosen = squares(inspector, samples, count)
    _tell_photos(chosen.photos, listener)
    effort = Effort(steps=20, restarts=1, queries=200) if quick else Effort()
    try:
        with listener.task("Attacking", "decisions") as counter:
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
    backend: TorchBackend, samples: list[Sample], quick: bool, listener: Listener
) -> dict[str, BaselineFigures]:
    """Localisation by other explainers, beside the counterfactual's."""
    from cfinspect.engine.evaluation.localisation_baselines import (  # noqa: PLC0415
        baselines,
    )
    from cfinspect.engine.explain.cam import have_cams  # noqa: PLC0415

    if not have_cams():
        listener.note(
            "Without Grad-CAM and LayerCAM: pip install 'cfinspect[evaluate]' brings them."
        )
    try:
        with listener.task("Comparing explainers", "explainers") as counter:
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
    listener: Listener,
) -> RealismFigures:
    """Figures of ``realism``: one half of the samples trains a judge, the other is measured."""
    from cfinspect.engine.data.splits import split_by_group  # noqa: PLC0415
    from cfinspect.engine.evaluation.realism import (  # noqa: PLC0415
        have_distances,
        realism,
    )
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415

    if not have_distances():
        listener.note("Without FID and KID: pip install 'cfinspect[evaluate]' brings them.")
    backend = cast("TorchBackend", inspector.backend)
    if not makes_counterfactuals(backend.metadata.method):
        raise CfinspectError("realism needs counterfactuals, and this model makes none")
    count = QUICK_JUDGED if quick else JUDGED
    halves = split_by_group(samples, {"learned": 0.5, "measured": 0.5}, 0)
    learned, measured = (squares(inspector, half, count) for half in halves.values())
    _tell_photos(learned.photos + measured.photos, listener)
    try:
        with listener.task("Judging counterfactuals", "steps") as counter:
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


def doubt(
    inspector: Inspector, samples: list[Sample], quick: bool, listener: Listener
) -> UncertaintyFigures:
    """Figures of ``uncertainty`` on the samples and under shifts, and of conformal sets."""
    import numpy as np  # noqa: PLC0415

    from cfinspect.engine.evaluation.part_figures import UncertaintyFigures  # noqa: PLC0415
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415
    from cfinspect.engine.evaluation.uncertainty import (  # noqa: PLC0415
        SHIFTS,
        Answers,
        conformal,
        uncertainty,
    )

    if len(samples) > DOUBTS:
        listener.note(f"Uncertainty is measured on {DOUBTS} of the {len(samples)} images.")
        places = np.random.default_rng(0).permutation(len(samples))[:DOUBTS]
        samples = [samples[place] for place in sorted(places)]
    chosen = squares(inspector, samples, QUICK_DOUBTS if quick else None)
    _tell_photos(chosen.photos, listener)
    backend, result = inspector.backend, {}
    decision = backend.metadata.decision
    with listener.task("Looking under other light, blur and noise", "looks") as counter:
        for done, (name, shift) in enumerate([("as they are", None), *SHIFTS.items()], start=1):
            parts = []
            for start in range(0, len(chosen.images), _BATCH):
                if listener.cancel.cancelled:
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
    return UncertaintyFigures(result, tuple(sets))


def _tell_photos(count: int, listener: Listener) -> None:
    if count:
        listener.note(
            f"Left aside {count} photos: this is for images that are looked at as a whole. Cut the "
            "photos into tiles ('cfinspect tile') for those."
        )
