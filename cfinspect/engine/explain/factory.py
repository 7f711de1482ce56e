"""From files and names to explainers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cfinspect.engine.base.device import choose_device, tune_host
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.ace import AceSettings
from cfinspect.engine.explain.classifier import Classifier, OwnClassifier
from cfinspect.engine.explain.external import ClassifierUsage, load_external
from cfinspect.engine.explain.plugins import make_plugin, method_names
from cfinspect.engine.explain.protocol import Explainer
from cfinspect.engine.explain.saliency import (
    Cfgan,
    evidence,
    gradcam,
    layercam,
    occlusion,
    rise,
)
from cfinspect.engine.inference.torch_backend import TorchBackend, load_backend
from cfinspect.engine.model.file import load_metadata, load_model
from cfinspect.engine.model.metadata import makes_counterfactuals
from cfinspect.engine.model.onnx_file import is_converted
from cfinspect.engine.model.plugins import is_onnx
from cfinspect.engine.networks.diffusion import Ddpm, Denoiser, require_diffusers
from cfinspect.engine.networks.names import DDPM


@dataclass(frozen=True)
class OpenedClassifier:
    """A classifier; ``backend``: the cfinspect model it belongs to, None for an external one."""

    classifier: Classifier
    backend: TorchBackend | None


def open_classifier(
    path: Path,
    device: str,
    precision: str,
    usage: ClassifierUsage | None,
    *,
    trust: bool = False,
) -> OpenedClassifier:
    """A cfinspect model, or with ``usage`` another program's classifier.

    ``trust``: also one that is a program; see ``load_external``. Raises CfinspectError with a
    sentence.
    """
    if path.suffix.lower() == ".safetensors":
        if usage is not None:
            raise CfinspectError(
                f"{path} is a cfinspect model and knows how it is used: leave out --input-size and "
                "what belongs to it"
            )
        backend = load_backend(path, device, precision)
        return OpenedClassifier(OwnClassifier(backend, path.name), backend)
    if is_onnx(path) and is_converted(path):
        load_model(path)  # which says what is needed in its place
    if usage is None:
        raise CfinspectError(
            f"{path} is no cfinspect model, so say how it is used: --input-size, and where needed "
            "--index, --mean, --std and --outputs"
        )
    tune_host()
    chosen = choose_device(device, precision)
    return OpenedClassifier(load_external(path, usage, chosen, trust=trust), None)


def open_denoiser(
    path: Path, device: str, precision: str, settings: AceSettings, *, sparing: bool = False
) -> tuple[Denoiser, int]:
    """A model trained by ``--method diffusion``, and the side of its images in px."""
    metadata = load_metadata(path)
    if metadata.generator.name != DDPM:
        raise CfinspectError(
            f"{path} is no diffusion model: train one with 'cfinspect train DATA --method "
            "diffusion --out RUN'"
        )
    require_diffusers()
    chosen = choose_device(device, precision)
    network = load_model(path).generator.to(chosen.device)
    assert isinstance(network, Ddpm)
    denoiser = Denoiser(
        network,
        network.steps,
        chosen,
        respaced=settings.respaced,
        tau=settings.tau,
        sparing=sparing,
    )
    return denoiser, metadata.preprocessing.size


def make_explainer(method: str, opened: OpenedClassifier, rise_masks: int = 400) -> Explainer:
    """Any of ``method_names()`` but ACE, which needs a diffusion model: see ``ace.Ace``.

    Raises CfinspectError for an unknown method, and where it cannot explain this classifier.
    """
    if method == "cfgan":
        backend = opened.backend
        if backend is None or not makes_counterfactuals(backend.metadata.method):
            raise CfinspectError(
                f"{opened.classifier.name} has no generator: use ace, evidence, gradcam, layercam, "
                "rise or occlusion"
            )
        return Cfgan(backend)
    makers: dict[str, Callable[[], Explainer]] = {
        "evidence": lambda: evidence(opened.classifier),
        "gradcam": lambda: gradcam(opened.classifier),
        "layercam": lambda: layercam(opened.classifier),
        "rise": lambda: rise(opened.classifier, rise_masks),
        "occlusion": lambda: occlusion(opened.classifier),
    }
    if method in makers:
        return makers[method]()
    found = make_plugin(method, opened.classifier)
    if found is None:
        raise CfinspectError(
            f"unknown method {method!r}: choose one of {', '.join(method_names())}"
        )
    return found
