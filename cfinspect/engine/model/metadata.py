"""The metadata of a model: all that is needed to use its weights, as JSON inside the model file.

Metadata holds no path and no code, only numbers and names. Reading is strict: a field that this
version does not know would change what the model does without anyone noticing, so it is an error.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from cfinspect.engine.base.errors import CfinspectError, short
from cfinspect.engine.base.json_types import json_text
from cfinspect.engine.model.card_json import LARGEST_NUMBER, parsed, shown
from cfinspect.engine.model.renamed_settings import with_new_names, with_old_names
from cfinspect.engine.networks.names import NAMED
from cfinspect.engine.networks.spec import LARGEST_SIDE, MOST_DEFECT_CLASSES, NetworkSpec

FORMAT_VERSION = 1
# Times that a window is enlarged for the network: smaller ones take hours for a photo.
MOST_ENLARGED = 16
Scope = Literal["whole", "tiles"]
Tta = Literal["flips", "flips+scale", "none"]


class MetadataError(CfinspectError):
    """Metadata that cannot be used; the sentence says which field and why."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input.

    ``size``: side of the square input in px. ``scope``: "whole" resizes every image to that square;
    "tiles" looks at a large photo through windows of ``tile`` source px (each resized to ``size``)
    and at an image whose longer side is at most 2 * ``tile`` as a whole. ``tile``: side of a
    training tile in source px; not used with "whole". ``tta``: what an inspection
    takes the mean over (test-time augmentation): "none": the square alone; "flips": mirror images
    of it for D; "flips+scale": also at some two thirds of its size (D in steps of 32 px), for what
    D says and what G changes.
    """

    size: int
    scope: Scope = "whole"
    tile: int = 0
    tta: Tta = "flips"

    def __post_init__(self) -> None:
        _require(
            0 < self.size <= LARGEST_SIDE,
            "preprocessing.size",
            f"must be above 0 and at most {LARGEST_SIDE} px",
            self.size,
        )
        _require(self.scope in get_args(Scope), "preprocessing.scope", "is unknown", self.scope)
        _require(self.tta in get_args(Tta), "preprocessing.tta", "is unknown", self.tta)
        least = max(2, -(-self.size // MOST_ENLARGED)) if self.scope == "tiles" else 0
        _require(
            self.tile >= least,
            "preprocessing.tile",
            f"must be at least {least} for tiles",
            self.tile,
        )

    def in_windows(self, *sides: int) -> bool:
        """Whether an image with these ``sides`` in px is looked at through windows."""
        return self.scope == "tiles" and max(sides) > 2 * self.tile


@dataclass(frozen=True)
class Decision:
    """From D's logits and G's saliency to label, mask and review; all fitted without masks.

    ``temperature``: logits are divided by it. ``score_threshold``: damaged from this score on.
    ``mask_threshold``: saliency (0..1) from which a pixel is in the mask. ``mask_rule``: how that
    was found ("median of otsu", or "fixed" before any fit). ``min_area_fraction``: smaller
    islands, as a share of the area of a window or of the whole image, are dropped.
    Review: p_fake above ``review_p_fake``, or a score in ``review_low``..``review_high``.
    ``review_rate``: the share of familiar images that this rule was fitted to send to review.
    """

    temperature: float = 1.0
    score_threshold: float = 0.5
    mask_threshold: float = 0.1
    mask_rule: str = "fixed"
    min_area_fraction: float = 0.0005
    review_p_fake: float = 1.0
    review_low: float = 0.5
    review_high: float = 0.5
    review_rate: float = 0.1

    def __post_init__(self) -> None:
        _require(
            math.isfinite(self.temperature) and self.temperature > 0,
            "decision.temperature",
            "must be above 0",
            self.temperature,
        )
        _require(
            math.isfinite(self.mask_threshold) and self.mask_threshold >= 0,
            "decision.mask_threshold",
            "must be 0 or more",
            self.mask_threshold,
        )
        for name in (
            "score_threshold",
            "min_area_fraction",
            "review_p_fake",
            "review_low",
            "review_high",
            "review_rate",
        ):
            value = getattr(self, name)
            _require(0 <= value <= 1, f"decision.{name}", "must lie in 0..1", value)


@dataclass(frozen=True)
class SegmenterSpec:
    """The segmenter that a distillation taught to mark damage in G's place.

    ``network``: how it is made. ``mask_threshold``: its probability (0..1) from which a pixel is in
    the mask; ``mask_rule``: how that was found ("median of otsu" or "human masks"; "mending" in
    older files).
    """

    network: NetworkSpec
    mask_threshold: float
    mask_rule: str

    def __post_init__(self) -> None:
        _require(
            0 <= self.mask_threshold <= 1,
            "segmenter.mask_threshold",
            "must lie in 0..1",
            self.mask_threshold,
        )


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """What a model is and how to use it.

    ``created``: ISO 8601 time. ``generator``, ``discriminator``: how they are made.
    ``metrics``: figures on validation. ``data``: fingerprint, counts and folder names (no paths).
    ``training``: the settings by today's names, without paths. ``licence_note``: what may be done.
    ``defect_classes``: where several are told apart, each one's `Decision` by its name and in the
    order of the networks; ``decision`` is then that of all classes together: where D names them
    (``names_classes``) the same as each, else on the largest of their margins (see
    ``inference.multi_class``). ``segmenter``: what makes the masks in the place
    of G's saliency; None in most models, whose JSON then does not name it, as older versions know
    no such field.
    """

    format_version: int = FORMAT_VERSION
    created: str
    cfinspect_version: str
    generator: NetworkSpec
    discriminator: NetworkSpec
    classes: tuple[str, str] = ("undamaged", "damaged")
    preprocessing: Preprocessing
    decision: Decision
    defect_classes: Mapping[str, Decision] = field(default_factory=dict)
    metrics: Mapping[str, object] = field(default_factory=dict)
    data: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)
    licence_note: str = ""
    segmenter: SegmenterSpec | None = None

    def __post_init__(self) -> None:
        undamaged, damaged = (name.strip().casefold() for name in self.classes)
        sound = undamaged not in {"", "damaged", damaged} and damaged not in {"", "undamaged"}
        _require(
            sound and "".join(self.classes).isprintable(),
            "classes",
            "must be two words, that for undamaged first",
            ", ".join(self.classes),
        )
        for name in self.defect_classes:
            problem = defect_class_problem(name)
            _require(
                not problem, f"defect_classes: the name of a class {problem}", "is refused", name
            )
        named = self.discriminator.kwargs.get(NAMED, len(self.defect_classes))
        _require(
            named == len(self.defect_classes),
            "discriminator.named",
            "must be the number of defect_classes",
            named,
        )

    @property
    def names_classes(self) -> bool:
        """Whether one D finds damage of all defect classes and names it."""
        return bool(self.defect_classes) and NAMED in self.discriminator.kwargs

    @property
    def asks_each_class(self) -> bool:
        """Whether there are several defect classes, each with a G and an answer of its own."""
        return bool(self.defect_classes) and not self.names_classes

    def with_decision(self, decision: Decision) -> Self:
        """With another decision, of the defect classes too where D names them."""
        names = self.defect_classes if self.names_classes else ()
        each = {name: decision for name in names} or self.defect_classes
        return dataclasses.replace(self, decision=decision, defect_classes=each)

    def of_defect_class(self, name: str) -> Decision:
        """The decision on one defect class alone."""
        return self.defect_classes[name]

    @property
    def method(self) -> str:
        """How it was trained, one of ``METHODS`` of the settings; "cfgan" where it is not told."""
        return str(self.training.get("method", "cfgan"))

    @property
    def validation_metrics(self) -> dict[str, float]:
        """The metrics on the validation images by name; without those that have no number."""
        told = self.metrics.get("validation")
        values = told.items() if isinstance(told, Mapping) else ()
        return {
            str(name): float(value)
            for name, value in values
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    @property
    def image_counts(self) -> dict[str, int]:
        """How many images it was made with: undamaged, damaged, training, validation, ..."""
        told = self.data.get("counts")
        values = told.items() if isinstance(told, Mapping) else ()
        return {str(name): value for name, value in values if isinstance(value, int)}

    @property
    def training_seconds(self) -> float | None:
        """How long its training took; None where that is not told."""
        told = self.training.get("seconds")
        return float(told) if isinstance(told, int | float) else None

    def to_stored(self) -> dict[str, object]:
        """Plain values as a model file holds them, by the names that all versions read."""
        told: dict[str, Any] = _plain(dataclasses.asdict(self))
        if self.segmenter is None:
            del told["segmenter"]
        for part in ("preprocessing", "training"):
            told[part] = with_old_names(told[part])
        return with_old_names(told)

    def to_json(self) -> str:
        """Return the metadata as JSON text; figures that are not finite become null."""
        return json_text(self.to_stored())

    @classmethod
    def from_json(cls, text: str) -> ModelMetadata:
        """Read metadata; ``MetadataError`` where it is none, newer, incomplete or out of range."""
        try:
            raw = parsed(text)
        except ValueError as error:
            raise MetadataError(str(error)) from error
        if not isinstance(raw, dict) or "format_version" not in raw:
            raise MetadataError(
                "The model's metadata has no format_version: not a cfinspect model."
            )
        version = raw["format_version"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise MetadataError(
                f"The model has format {version}, this cfinspect reads up to {FORMAT_VERSION}: "
                "update cfinspect."
            )
        if version is True or version != FORMAT_VERSION:
            raise MetadataError(
                f"The model has the unknown format {version!r}: not a cfinspect model."
            )
        raw = with_new_names(raw)
        for part in ("preprocessing", "training"):
            inside = raw.get(part)
            if isinstance(inside, dict):
                raw[part] = with_new_names(inside)
        return _read(cls, raw, "")


def defect_class_problem(name: str) -> str:
    """Why a defect class cannot have this name, half a sentence; empty where it can.

    Names become folders, also on other systems, and columns of tables.
    """
    if not name.strip() or name != name.strip() or set(name) == {"."}:
        return "is empty, only dots, or has spaces around it"
    if any(sign in '/\\:*?"<>|,' or not sign.isprintable() for sign in name):
        return "has signs that folders or tables cannot have"
    if name.casefold() in _TAKEN:
        return "means something else"
    return ""


_TAKEN = ("masks", "undamaged", "damaged")
_T = TypeVar("_T")


def _read(cls: type[_T], raw: Mapping[str, Any], prefix: str) -> _T:
    """Build the dataclass ``cls`` from parsed JSON, checking names and types."""
    hints = get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in raw:
        if name not in fields:
            raise MetadataError(
                f"The model's metadata has the unknown field {shown(prefix + name)}: it was "
                "probably written by a newer cfinspect; update cfinspect."
            )
    values: dict[str, Any] = {}
    for name, spec in fields.items():
        if name in raw:
            values[name] = _convert(raw[name], hints[name], prefix + name)
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise MetadataError(f"The model's metadata lacks the field {prefix}{name}.")
    return cls(**values)


def _convert(value: Any, hint: Any, name: str) -> Any:
    """Return ``value`` as the type that a field asks for, or raise ``MetadataError``."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        _require(isinstance(value, dict), name, "must be an object", value)
        return _read(hint, value, f"{name}.")
    origin = get_origin(hint)
    if origin is UnionType:  # a part that may be missing; where it is named it must be there
        (there,) = (one for one in get_args(hint) if one is not NoneType)
        return _convert(value, there, name)
    if hint == Mapping[str, Decision]:
        _require(isinstance(value, dict), name, "must be an object", value)
        few = len(value) <= MOST_DEFECT_CLASSES
        _require(few, name, f"must be {MOST_DEFECT_CLASSES} at most", len(value))
        return {key: _convert(one, Decision, f"{name}.{key}") for key, one in value.items()}
    if origin is tuple:
        pair = isinstance(value, list) and len(value) == 2
        _require(pair and all(isinstance(v, str) for v in value), name, "must be two names", value)
        return tuple(value)
    if origin in (dict, Mapping):
        _require(isinstance(value, dict), name, "must be an object", value)
    elif hint is float:
        _require(
            isinstance(value, int | float) and not isinstance(value, bool),
            name,
            "must be a number",
            value,
        )
        # float() knows no larger whole number; what is not finite, the field's own range tells.
        possible = isinstance(value, float) or abs(value) <= LARGEST_NUMBER
        _require(possible, name, "is out of range", value)
        return float(value)
    elif hint is int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        _require(whole, name, "must be a whole number", value)
    else:
        _require(isinstance(value, str), name, "must be text", value)
    return value


def _require(holds: bool, name: str, problem: str, value: object) -> None:
    if not holds:
        raise MetadataError(
            f"The model's metadata is wrong: {shown(name)} {problem}, but it is "
            f"{short(repr(value))}."
        )


def _plain(value: Any) -> Any:
    """Return ``value`` in JSON's types: NumPy numbers as Python's, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # of NumPy, which the window must not wait for
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def makes_counterfactuals(method: str) -> bool:
    """Whether models of one of ``METHODS`` have a generator that answers D."""
    return method in {"cfgan", "no-fake"}
