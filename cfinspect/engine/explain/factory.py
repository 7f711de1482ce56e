"""From files and names to explainers; torch is started only where one needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.installed import has_torch
from cfinspect.engine.explain.converted import ConvertedClassifier
from cfinspect.engine.explain.plugins import make_plugin, method_names
from cfinspect.engine.explain.protocol import BlackBox, Explainer
from cfinspect.engine.explain.saliency import Cfgan, evidence, occlusion, rise
from cfinspect.engine.inference.backend import Backend, PlacedBackend
from cfinspect.engine.inference.onnx_backend import OnnxBackend
from cfinspect.engine.model.file import load_metadata, load_model
from cfinspect.engine.model.metadata import makes_counterfactuals
from cfinspect.engine.model.onnx_file import is_converted
from cfinspect.engine.model.plugins import SUFFIX, is_onnx
from cfinspect.engine.networks.names import DDPM

if TYPE_CHECKING:
    from cfinspect.engine.explain.ace import AceSettings
    from cfinspect.engine.explain.classifier import Classifier
    from cfinspect.engine.explain.external import ClassifierUsage
    from cfinspect.engine.inference.torch_backend import TorchBackend
    from cfinspect.engine.networks.diffusion import Denoiser


@dataclass(frozen=True)
class OpenedClassifier:
    """A classifier; ``backend``: the cfinspect model it belongs to, None for an external one."""

    classifier: BlackBox
    backend: PlacedBackend | None

    @property
    def device(self) -> str:
        """Where it computes, in words."""
        return str(getattr(self.classifier, "device", "unknown"))

    def close(self) -> None:
        """Let the networks go, where the model is one of ours."""
        close = getattr(self.backend, "close", None)
        if close is not None:
            close()


def open_classifier(
    path: Path,
    device: str,
    precision: str,
    usage: ClassifierUsage | None,
    *,
    trust: bool = False,
    threads: int | None = None,
) -> OpenedClassifier:
    """A cfinspect model, or with ``usage`` another program's classifier.

    ``trust``: also one that is a program; see ``load_external``. ``threads``: of the CPU, None for
    all. Raises CfinspectError with a sentence.
    """
    if usage is not None:
        refuse_usage(path)
    ours = is_ours(path)
    if ours and is_onnx(path):
        return _converted(OnnxBackend(path, device, precision, threads, workers=1), path.name)
    if not ours and usage is None:
        raise CfinspectError(
            f"{path} is no cfinspect model, so say how it is used: --input-size, and where needed "
            "--index, --mean, --std and --outputs"
        )
    from cfinspect.engine.base.device import choose_device, limit_threads, tune_host  # noqa: PLC0415

    if threads is not None:
        limit_threads(threads)
    if usage is None:
        from cfinspect.engine.inference.torch_backend import load_backend  # noqa: PLC0415

        return _of_torch(load_backend(path, device, precision), path.name)
    from cfinspect.engine.explain.external import load_external  # noqa: PLC0415

    tune_host()
    chosen = choose_device(device, precision)
    return OpenedClassifier(load_external(path, usage, chosen, trust=trust), None)


def is_ours(path: Path) -> bool:
    """Whether it is a cfinspect model, by its name and of .onnx by its content."""
    return is_converted(path) if is_onnx(path) else path.suffix.lower() == SUFFIX


def refuse_usage(path: Path) -> None:
    """Raise CfinspectError for a cfinspect model, of which nobody need say how it is used."""
    if is_ours(path):
        raise CfinspectError(
            f"{path} is a cfinspect model and knows how it is used: leave out --input-size and "
            "what belongs to it"
        )


def classifier_of(backend: Backend, name: str) -> OpenedClassifier | None:
    """A loaded model's own classifier; None for a plug-in's, into which nobody sees."""
    if isinstance(backend, OnnxBackend):
        return _converted(backend, name)
    if not has_torch():
        return None
    from cfinspect.engine.inference.torch_backend import TorchBackend  # noqa: PLC0415

    return _of_torch(backend, name) if isinstance(backend, TorchBackend) else None


def _converted(backend: OnnxBackend, name: str) -> OpenedClassifier:
    return OpenedClassifier(ConvertedClassifier(backend, name), backend)


def _of_torch(backend: TorchBackend, name: str) -> OpenedClassifier:
    from cfinspect.engine.explain.classifier import OwnClassifier  # noqa: PLC0415

    return OpenedClassifier(OwnClassifier(backend, name), backend)


def require_layers(classifier: BlackBox, method: str) -> Classifier:
    """The same as a network that gradients pass; CfinspectError for a converted model."""
    if isinstance(classifier, ConvertedClassifier):
        raise CfinspectError(
            f"{method} looks into the layers of a network, which a converted model does not show: "
            f"give the .safetensors file that {classifier.name} was made of, or use cfgan, "
            "evidence, rise or occlusion"
        )
    return classifier  # type: ignore[return-value]  # all others are of torch


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
    from cfinspect.engine.base.device import choose_device  # noqa: PLC0415
    from cfinspect.engine.networks.diffusion import Ddpm, Denoiser, require_diffusers  # noqa: PLC0415

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
    asked, backend = opened.classifier, opened.backend
    if method == "cfgan":
        if backend is None or not makes_counterfactuals(backend.metadata.method):
            raise CfinspectError(
                f"{asked.name} has no generator: use ace, evidence, gradcam, layercam, "
                "rise or occlusion"
            )
        return Cfgan(backend, asked)
    makers: dict[str, Callable[[], Explainer]] = {
        "evidence": lambda: evidence(backend, asked.name),
        "rise": lambda: rise(asked, rise_masks),
        "occlusion": lambda: occlusion(asked),
    }
    if method in makers:
        return makers[method]()
    unknown = CfinspectError(
        f"unknown method {method!r}: choose one of {', '.join(method_names())}"
    )
    if method not in method_names():
        raise unknown
    classifier = require_layers(asked, method)
    if method in {"gradcam", "layercam"}:
        from cfinspect.engine.explain import cam  # noqa: PLC0415

        return cam.gradcam(classifier) if method == "gradcam" else cam.layercam(classifier)
    found = make_plugin(method, classifier)
    if found is None:
        raise unknown
    return found
