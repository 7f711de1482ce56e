"""The part of ``cfinspect evaluate`` that asks explainers what would change the model's mind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled, Progress, Ticks
from cfinspect.engine.model.metadata import makes_counterfactuals
from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.data.dataset import Sample
    from cfinspect.engine.evaluation.encoders import Encoder
    from cfinspect.engine.evaluation.part_figures import ExplainersFigures
    from cfinspect.engine.evaluation.sampling import Squares
    from cfinspect.engine.explain.ace import Ace, AceSettings
    from cfinspect.engine.explain.classifier import Classifier
    from cfinspect.engine.explain.protocol import Explainer
    from cfinspect.engine.inference.torch_backend import TorchBackend

IMAGES, QUICK_IMAGES = 100, 30
SEEDS = 2  # of what draws lots, for its diversity
_LEARNED, _BATCH = 1000, 16


def ask_explainers(
    backend: TorchBackend,
    samples: list[Sample],
    diffusion: Path | None,
    settings: AceSettings,
    encoder: Encoder | None,
    images: int | None,
    quick: bool,
    listener: Listener,
) -> ExplainersFigures:
    """Figures of ``explaining``; half of the groups teach the encoder, the others are asked."""
    from cfinspect.engine.data.splits import split_by_group  # noqa: PLC0415
    from cfinspect.engine.evaluation.explainer_benchmark import STOCHASTIC as DRAWS  # noqa: PLC0415
    from cfinspect.engine.evaluation.explainer_benchmark import explaining, select_correct_samples  # noqa: PLC0415
    from cfinspect.engine.evaluation.realism import have_distances  # noqa: PLC0415
    from cfinspect.engine.evaluation.sampling import squares  # noqa: PLC0415
    from cfinspect.engine.evaluation.simsiam import train_simsiam  # noqa: PLC0415
    from cfinspect.engine.explain.classifier import OwnClassifier  # noqa: PLC0415
    from cfinspect.engine.inference.inspector import Inspector  # noqa: PLC0415

    inspector = Inspector(backend)
    classifier = OwnClassifier(backend, "D")
    count = images or (QUICK_IMAGES if quick else IMAGES)
    parts = split_by_group(samples, {"learned": 0.5, "asked": 0.5}, 0)
    learned = squares(inspector, parts["learned"], _LEARNED)
    # Of these the classifier has to have enough right.
    known = squares(inspector, parts["asked"], 2 * count)
    asked = select_correct_samples(classifier, known, count)
    if not have_distances():
        listener.note("Without FID: pip install 'cfinspect[evaluate]' brings it.")
    makers = _makers(backend, classifier, diffusion, settings, quick, listener)
    total = sum(
        make(0).ticks(_BATCH) * -(-len(asked.images) // _BATCH) * (SEEDS if name in DRAWS else 1)
        for name, make in makers.items()
    )
    try:
        with listener.task("Learning what images look like", "steps") as counter:
            simsiam = train_simsiam(
                learned.images,
                backend.device,
                steps=200 if quick else 600,
                progress=counter,
            )
            keeps = None
            if "ace" in makers:
                keeps = verdicts_kept(cast("Ace", makers["ace"](0)), asked, counter)
        with listener.task("Explaining", "parts") as counter:
            found = explaining(
                makers,
                classifier,
                asked,
                learned,
                simsiam,
                encoder,
                batch=_BATCH,
                seeds=SEEDS,
                progress=Ticks(counter, total),
            )
    except Cancelled:
        raise Cancelled("Interrupted: the report holds what was done before.") from None
    return dataclasses.replace(found, filter_keeps=keeps, ace=settings if "ace" in makers else None)


def verdicts_kept(ace: Ace, asked: Squares, progress: Progress) -> float:
    """Of how many images the diffusion model's filter leaves the verdict as it is, in [0, 1]."""
    kept = 0
    for start in range(0, len(asked.images), _BATCH):
        chosen = slice(start, start + _BATCH)
        said = ace.filtered_says(asked.images[chosen])
        kept += int((said == (asked.labels[chosen] == 1)).sum())
        progress.check()
    return kept / len(asked.images)


def _makers(
    backend: TorchBackend,
    classifier: Classifier,
    diffusion: Path | None,
    settings: AceSettings,
    quick: bool,
    listener: Listener,
) -> dict[str, Callable[[int], Explainer]]:
    """Makers of all explainers that can be had here, each of a seed."""
    from cfinspect.engine.explain.ace import Ace  # noqa: PLC0415
    from cfinspect.engine.explain.cam import gradcam, have_cams, layercam  # noqa: PLC0415
    from cfinspect.engine.explain.factory import open_denoiser  # noqa: PLC0415
    from cfinspect.engine.explain.saliency import (  # noqa: PLC0415
        Cfgan,
        evidence,
        has_evidence,
        occlusion,
        rise,
    )

    makers: dict[str, Callable[[int], Explainer]] = {}
    if makes_counterfactuals(backend.metadata.method):
        makers["cfgan"] = lambda _: Cfgan(backend, classifier)
    if diffusion is None:
        listener.note(
            "Without ACE: give --diffusion, a model of 'cfinspect train --method diffusion'."
        )
    else:
        device = str(backend.device.device)
        denoiser, size = open_denoiser(diffusion, device, backend.device.precision, settings)
        if size != classifier.size:
            raise CfinspectError(
                f"{diffusion} makes images of {size} px and the model sees {classifier.size} px: "
                f"train the diffusion model with --size {classifier.size}"
            )

        def ace(seed: int) -> Ace:
            return Ace(classifier, denoiser, size, dataclasses.replace(settings, seed=seed))

        makers["ace"] = ace

    if has_evidence(backend):
        makers["evidence"] = lambda _: evidence(backend, classifier.name)
    if have_cams():
        for name, maker in (("gradcam", gradcam), ("layercam", layercam)):
            try:
                found = maker(classifier)
            except CfinspectError as error:
                listener.note(f"Without {name}: {error}")
            else:
                makers[name] = lambda _, found=found: found  # type: ignore[misc]
    makers["rise"] = lambda _: rise(classifier, 100 if quick else 400)
    makers["occlusion"] = lambda _: occlusion(classifier)
    return makers
