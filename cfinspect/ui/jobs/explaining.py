"""Jobs that ask another explainer about one image: what ACE would take, and the explanation."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.ui.jobs.job import JobReporter
from cfinspect.ui.jobs.job_types import threads_for_work
from cfinspect.ui.jobs.levels import mask_levels, pyramid, to_qimage
from cfinspect.ui.jobs.picture import Levels, Maps
from cfinspect.ui.widgets.translate import mark, tr

if TYPE_CHECKING:
    from cfinspect.engine.explain.ace import Ace, AceSettings
    from cfinspect.engine.explain.factory import OpenedClassifier
    from cfinspect.engine.explain.protocol import Explained

METHODS = {
    "ace": mark("ACE: a counterfactual through a diffusion model"),
    "evidence": mark("Evidence: what the model looks at"),
    "rise": mark("RISE: random masks"),
    "occlusion": mark("Occlusion: a hidden square"),
    "gradcam": mark("Grad-CAM: the network's last stage"),
    "layercam": mark("LayerCAM: the last two stages"),
}


# What a method needs that a bundle, or a plain installation, may not have.
_NEEDS = {"ace": "diffusers", "gradcam": "torchcam", "layercam": "torchcam"}


def available_methods() -> dict[str, str]:
    """Those of ``METHODS`` that can work here, and those of plug-ins."""
    from cfinspect.engine.explain.plugins import PLUGINS  # noqa: PLC0415

    ours = {
        name: text
        for name, text in METHODS.items()
        if name not in _NEEDS or importlib.util.find_spec(_NEEDS[name]) is not None
    }
    return ours | {name: f"{name}: {PLUGINS.origin(name)}" for name in PLUGINS.names()}


@dataclass(frozen=True)
class Wish:
    """Which image (a file) of which model by which method; ``diffusion``: for ACE."""

    image_id: int
    image: Path
    model: Path
    method: str
    diffusion: Path | None = None
    device: str = "auto"


@dataclass(frozen=True, eq=False)
class Shown:
    """An explanation as the canvas shows it: levels as in ``pictures.Picture``.

    ``levels``: the counterfactual, empty where there is none. ``caption``: of its pane;
    ``sentence``: what came of it, with the image's name. Empty maps: no explanation was found.
    """

    image_id: int
    levels: Levels
    saliency: Maps
    mask_levels: Maps
    caption: str
    sentence: str


@dataclass
class Explain:
    """Ask one explainer about one image; the result is a ``Shown``, None when cancelled."""

    wish: Wish
    title: str = field(default_factory=lambda: tr("Explaining"))
    keeps: str = ""

    def run(self, tell: JobReporter) -> Shown | None:
        """Load, explain, and make copies of all sizes for the canvas."""
        from cfinspect.engine.explain.bulk import explain_sources  # noqa: PLC0415
        from cfinspect.engine.explain.factory import make_explainer  # noqa: PLC0415
        from cfinspect.engine.inference.inspector import Inspector  # noqa: PLC0415
        from cfinspect.engine.inference.stream import Source  # noqa: PLC0415

        wish = self.wish
        opened = _open(wish)
        try:
            explainer = (
                _ace(wish, opened) if wish.method == "ace" else make_explainer(wish.method, opened)
            )
            assert opened.backend is not None
            tell.restart_clock()
            (found,) = explain_sources(
                explainer,
                opened.classifier,
                [Source(wish.image, wish.image.name, wish.image.stem)],
                too_large=Inspector(opened.backend).is_photo,
                progress=tell,
            )
        except Cancelled:
            return None
        finally:
            opened.close()
        if found.error:
            raise CfinspectError(found.error)
        return _shown(wish, found)


class _Clock(Progress):
    """Notes when each step of an explanation ended."""

    def __init__(self, tell: JobReporter) -> None:
        self._tell = tell
        self.moments: list[float] = []

    @property
    def cancelled(self) -> bool:
        return self._tell.cancelled

    def tick(self) -> None:
        self.moments.append(time.perf_counter())
        self.check()


@dataclass
class Rehearse:
    """How long ACE would take at most, in seconds: two of its steps, measured on this PC.

    The result is a sentence instead where it cannot work at all.
    """

    wish: Wish
    title: str = field(default_factory=lambda: tr("Measuring"))
    keeps: str = ""

    def run(self, tell: JobReporter) -> float | str | None:
        """Load, run two steps without end, and project the second to all; None: cancelled."""
        try:
            return self._measured(tell)
        except CfinspectError as error:
            return str(error)

    def _measured(self, tell: JobReporter) -> float | None:
        from cfinspect.engine.base.images import read_image, resize_image  # noqa: PLC0415
        from cfinspect.engine.explain.ace import ACE_PRESETS  # noqa: PLC0415
        from cfinspect.engine.inference.inspector import Inspector  # noqa: PLC0415

        clock = _Clock(tell)
        usual = ACE_PRESETS["default"]
        opened = _open(self.wish)
        try:
            ace = _ace(self.wish, opened, replace(usual, iterations=2, margin=1e6, refine=False))
            image = read_image(self.wish.image)
            assert opened.backend is not None
            if Inspector(opened.backend).is_photo(image):
                raise CfinspectError(
                    tr("A photo that the model looks at through windows: cut it into tiles.")
                )
            ace.explain(resize_image(image, ace.size)[None], np.zeros(1, dtype=np.int64), clock)
        except Cancelled:
            return None
        finally:
            opened.close()
        moments = clock.moments
        if len(moments) < 2:
            raise CfinspectError(tr("The model answers this image with no number."))
        return (moments[1] - moments[0]) * usual.iterations


def _open(wish: Wish) -> OpenedClassifier:
    from cfinspect.engine.explain.factory import open_classifier  # noqa: PLC0415

    return open_classifier(wish.model, wish.device, "auto", None, threads=threads_for_work())


def _ace(wish: Wish, opened: OpenedClassifier, settings: AceSettings | None = None) -> Ace:
    from cfinspect.engine.explain.factory import open_denoiser, require_layers  # noqa: PLC0415

    classifier = require_layers(opened.classifier, "ACE")
    from cfinspect.engine.explain.ace import ACE_PRESETS, Ace  # noqa: PLC0415

    if wish.diffusion is None:
        raise CfinspectError(tr("ACE needs a diffusion model: choose its file."))
    chosen = settings or ACE_PRESETS["default"]
    denoiser, size = open_denoiser(wish.diffusion, wish.device, "auto", chosen)
    return Ace(classifier, denoiser, size, chosen)


def _shown(wish: Wish, found: Explained) -> Shown:
    name = (
        wish.method.upper()
        if wish.method in {"ace", "rise"}
        else tr(METHODS.get(wish.method, wish.method))
    )
    name = name.partition(":")[0]
    levels = [] if found.picture is None else [to_qimage(one) for one in pyramid(found.picture)]
    saliency, outline = [], []
    if found.saliency is not None and found.mask is not None:
        saliency = pyramid(np.rint(np.clip(found.saliency, 0, 1) * 255).astype(np.uint8))
        outline = mask_levels(found.mask.view(np.uint8), binary=True)
    took = tr(
        "{file}: {name} took {seconds} s.",
        file=wish.image.name,
        name=name,
        seconds=f"{found.seconds:.1f}",
    )
    if found.flipped is None:
        said = tr("It says where the model looks, not what would change its mind.")
    elif found.flipped:
        said = tr(
            "Score {before} became {after}.",
            before=f"{found.before:.2f}",
            after=f"{found.after or 0.0:.2f}",
        )
    else:
        said = tr("No explanation: nothing that it found changes the model's mind.")
    if found.kept is False:
        said += " " + tr("To be doubted: the diffusion model alone changes the verdict.")
    return Shown(
        wish.image_id,
        levels,
        saliency,
        outline,
        name,
        f"{took} {said}",
    )
