"""Load a model and inspect images with it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, overload

import numpy as np
from numpy.typing import NDArray

from cfinspect.api.result import Result, result_of
from cfinspect.engine.base.images import from_pillow, read_image
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.inference.stream import Source, find_sources, inspect_sources
from cfinspect.engine.model.file import ModelFileError
from cfinspect.engine.model.metadata import ModelMetadata
from cfinspect.resources import shipped_models
from cfinspect.workflows.folder_inspection import inspect_into
from cfinspect.workflows.inspection_summary import InspectionSummary

if TYPE_CHECKING:
    from PIL import Image

AnyPath = str | os.PathLike[str]
OnError = Callable[[str, str], object]
_MODEL_OF_RUN = "model.safetensors"


def load(
    model: AnyPath, *, device: str = "auto", precision: str = "auto", batch: int = 64
) -> Model:
    """Load a model, ready to inspect images.

    ``model``: the name of one that comes with cfinspect ("apple" or "crack"), or the path of a
    model file, or of a training's folder, which holds one. ``device``: "auto" (a GPU where there is
    one), "cpu", "cuda" or "cuda:N". ``precision``: "auto", "fp32", "bf16" or "fp16" (GPU only).
    ``batch``: images, or windows of a photo, that go through the networks at once; 1 or more.

    Raises ModelFileError where there is no such model or the file is damaged, MetadataError where
    its metadata cannot be used, DeviceError where the device or precision cannot be had, and
    PluginError where a plug-in that loads files of this suffix fails; ValueError for a batch
    below 1.

    >>> import cfinspect
    >>> model = cfinspect.load("crack", device="cpu")
    >>> model.classes
    ('undamaged', 'damaged')
    """
    path = _model_path(model)
    return Model(path, load_inspector(path, device, precision, batch))


class Model:
    """A loaded model: see ``load``. Not for several threads at once: load one for each.

    ``path``: its file. Use it as a context manager, or call ``close``, to free a GPU's memory
    before the program ends.

    >>> import cfinspect
    >>> with cfinspect.load("apple") as model:
    ...     print(model.path.name, model.device)  # doctest: +ELLIPSIS
    apple.safetensors C...
    """

    def __init__(self, path: Path, inspector: Inspector) -> None:
        self.path = path
        self._inspector = inspector

    def __repr__(self) -> str:
        return f"<Model {self.path}: {', '.join((*self.classes, *self.defect_classes))}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def metadata(self) -> ModelMetadata:
        """What the model file says of itself: input size, thresholds, figures, training.

        >>> import cfinspect
        >>> cfinspect.load("crack").metadata.preprocessing.size
        96
        """
        return self._inspector.backend.metadata

    @property
    def classes(self) -> tuple[str, str]:
        """The model's words for its labels 0 and 1, such as ("undamaged", "damaged").

        >>> import cfinspect
        >>> cfinspect.load("apple").classes
        ('undamaged', 'damaged')
        """
        return self.metadata.classes

    @property
    def defect_classes(self) -> tuple[str, ...]:
        """The kinds of damage that the model tells apart; empty where it knows but one.

        >>> import cfinspect
        >>> cfinspect.load("crack").defect_classes
        ()
        """
        return tuple(self.metadata.defect_classes)

    @property
    def device(self) -> str:
        """Where the networks run, in which precision and why, in words.

        >>> import cfinspect
        >>> cfinspect.load("crack", device="cpu", precision="fp32").device.partition(" (")[0]
        'CPU, fp32'
        """
        return self._inspector.device

    @property
    def inspector(self) -> Inspector:
        """The engine's own object behind this one, for what the public interface lacks.

        >>> import cfinspect
        >>> cfinspect.load("crack").inspector.batch
        64
        """
        return self._inspector

    def inspect(self, image: AnyPath | Image.Image | NDArray[np.uint8]) -> Result:
        """Inspect one image at its own resolution.

        ``image``: the path of a JPEG, PNG, BMP, TIFF or WebP file, a Pillow image, or an array
        (H, W, 3) uint8 in RGB order. Files and Pillow images are turned upright as EXIF says, laid
        over white where they are transparent, and of 16 bit the high byte is taken.

        A photo that is larger than two of the model's tiles goes through overlapping windows. For
        many files ``inspect_folder`` is faster: it fills batches.

        Raises ImageError where a file or Pillow image cannot be read, ValueError for an array of
        another shape or type, TypeError for any other object, and InspectionError where the
        model's answer is no number or memory runs out.

        >>> import cfinspect, numpy
        >>> from PIL import Image
        >>> model = cfinspect.load("crack")
        >>> model.inspect("wall.png").label
        'damaged'
        >>> model.inspect(Image.open("wall.png")).label
        'damaged'
        >>> model.inspect(numpy.full((96, 96, 3), 128, numpy.uint8)).mask.shape
        (96, 96)
        """
        name, pixels = _read(image)
        return result_of(name, pixels, self._inspector.inspect(pixels), self.classes)

    def explain(
        self, image: AnyPath | Image.Image | NDArray[np.uint8], method: str = "evidence"
    ) -> NDArray[np.float32]:
        """Where in the image the model found what it says, in another way than by ``inspect``.

        ``image``: as for ``inspect``. ``method``: "evidence" (what the model looks at: how much
        each place speaks for its verdict, of models that see through pretrained features),
        "gradcam", "layercam" (both need the extra ``evaluate``), "rise", "occlusion", "cfgan" (the
        saliency of the counterfactual), or the name of a plug-in's.

        Returns (H, W) float32 in 0..1. Raises CfinspectError for an unknown method, where this
        model cannot be explained by it, and for a photo that goes through windows; and what
        ``inspect`` raises for images that cannot be read.

        >>> import cfinspect
        >>> model = cfinspect.load("crack")
        >>> seen = model.explain("wall.png")
        >>> seen.shape == model.inspect("wall.png").mask.shape, bool(0 <= seen.min())
        (True, True)
        """
        from cfinspect.engine.explain.single import saliency_by  # noqa: PLC0415  (starts torch)

        _, pixels = _read(image)
        return saliency_by(method, self._inspector, self.path.name, pixels)

    @overload
    def inspect_folder(
        self, folder: AnyPath | Sequence[AnyPath], *, on_error: OnError | None = None
    ) -> Iterator[Result]: ...

    @overload
    def inspect_folder(
        self,
        folder: AnyPath | Sequence[AnyPath],
        out: AnyPath,
        *,
        on_error: OnError | None = None,
        overlays: bool = True,
        skip_done: bool = False,
    ) -> InspectionSummary: ...

    def inspect_folder(
        self,
        folder: AnyPath | Sequence[AnyPath],
        out: AnyPath | None = None,
        *,
        on_error: OnError | None = None,
        overlays: bool = True,
        skip_done: bool = False,
    ) -> Iterator[Result] | InspectionSummary:
        """Inspect all images of a folder and the folders in it (or several, or files).

        With ``out`` it writes what ``cfinspect inspect --out`` writes into that folder:
        inspections.csv (a row per image), masks/, and overlays/ unless ``overlays=False``; and
        returns the counts. ``skip_done`` keeps the rows that ``out`` has already.

        Without ``out`` it yields a ``Result`` per image, in natural order, and reads ahead only as
        far as a batch: memory stays bounded however many images there are.

        An image that cannot be read stops nothing and is no result: ``on_error(name, sentence)`` is
        called for it, by default it is a UserWarning; with ``out`` its row has the sentence as
        ``error``. Folders called masks/ hold masks, and are passed over.

        Raises CfinspectError where a path does not exist, where there is no image at all, and when
        ``skip_done`` meets results of another model. Without ``out`` that is at the call, too.

        >>> import cfinspect
        >>> model = cfinspect.load("crack")
        >>> sorted({result.label for result in model.inspect_folder("photos")})
        ['damaged', 'undamaged']
        >>> counts = model.inspect_folder("photos", out="results")
        >>> counts.images, counts.errors
        (8, 0)
        >>> from pathlib import Path
        >>> sorted(path.name for path in Path("results").iterdir())
        ['inspection.json', 'inspections.csv', 'masks', 'overlays']
        """
        paths = _paths(folder)
        target = None if out is None else Path(out)
        sources, _ = find_sources(paths, leave_out=target)  # a mistyped path is told at the call
        tell = on_error or _warn
        if target is None:
            return self._results(sources, tell)
        with inspect_into(
            self._inspector, self.path, paths, target, skip_done=skip_done, overlays=overlays
        ) as work:
            for row in work.rows():
                if row["error"]:
                    tell(row["file"], row["error"])
        return work.summary()

    def _results(self, sources: Sequence[Source], tell: OnError) -> Iterator[Result]:
        for outcome in inspect_sources(self._inspector, sources):
            if outcome.inspection is None or outcome.image is None:
                tell(outcome.source.name, outcome.error)
                continue
            yield result_of(outcome.source.name, outcome.image, outcome.inspection, self.classes)

    def close(self) -> None:
        """Let the networks go and free their memory; nothing can be inspected afterwards.

        >>> import cfinspect
        >>> cfinspect.load("crack").close()
        """
        self._inspector.close()


def _model_path(model: AnyPath) -> Path:
    shipped = shipped_models()
    if isinstance(model, str) and model in shipped:
        return shipped[model]
    path = Path(model)
    if path.is_dir() and (path / _MODEL_OF_RUN).is_file():
        return path / _MODEL_OF_RUN
    if not path.is_file():
        raise ModelFileError(
            f"There is no model {model}: give the path of a model file, the folder of a training, "
            f"or one of {', '.join(shipped)}."
        )
    return path


def _read(image: AnyPath | Image.Image | NDArray[np.uint8]) -> tuple[str, NDArray[np.uint8]]:
    """What an image is called, and its pixels (H, W, 3)."""
    if isinstance(image, str | os.PathLike):
        return os.fspath(image), read_image(Path(image))
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(
                f"an array must be (H, W, 3) uint8 in RGB order, not {image.shape} {image.dtype}"
            )
        return "", image
    from PIL import Image  # noqa: PLC0415  (already imported by whoever has such an image)

    if isinstance(image, Image.Image):
        return str(getattr(image, "filename", "")), from_pillow(image)
    raise TypeError(f"give a path, a Pillow image or an array, not {type(image).__name__}")


def _paths(folder: AnyPath | Sequence[AnyPath]) -> list[Path]:
    if isinstance(folder, str | os.PathLike):
        return [Path(folder)]
    return [Path(one) for one in folder]


def _warn(_name: str, sentence: str) -> None:
    warnings.warn(f"Left out: {sentence}", UserWarning, stacklevel=4)
