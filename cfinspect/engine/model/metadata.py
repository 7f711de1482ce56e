"""The metadata of a model: all that is needed to use its weights, as JSON inside the model file.

Metadata holds no path and no code, only numbers and names. Reading is strict: a field that this
version does not know would change what the model does without anyone noticing, so it is an error.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from cfinspect.engine.base.errors import CfinspectError

FORMAT_VERSION = 1
Scope = Literal["whole", "tiles"]
Views = Literal["near", "near and far"]


class MetadataError(CfinspectError):
    """Metadata that cannot be used; the sentence says which field and why."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input.

    ``size``: side of the square input in px. ``scope``: "whole" resizes every image to that square;
    "tiles" looks at a large photo through windows of ``tile`` source px (each resized to ``size``)
    and at an image whose longer side is at most 2 * ``tile`` as a whole. ``tile``: side of a
    training tile in source px; not used with "whole". ``views``: "near" looks at it as
    it is; "near and far" also at some two thirds of its size (D in steps of 32 px), and takes the
    mean of what D says and of what G changes.
    """

    size: int
    scope: Scope = "whole"
    tile: int = 0
    views: Views = "near"

    def __post_init__(self) -> None:
        _require(self.size > 0, "preprocessing.size", "must be above 0", self.size)
        _require(self.scope in get_args(Scope), "preprocessing.scope", "is unknown", self.scope)
        _require(self.views in get_args(Views), "preprocessing.views", "is unknown", self.views)
        tile_ok = self.tile >= 2 if self.scope == "tiles" else self.tile >= 0
        _require(tile_ok, "preprocessing.tile", "must be at least 2 for tiles", self.tile)


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


@dataclass(frozen=True, kw_only=True)
class ModelMetadata:
    """What a model is and how to use it.

    ``created``: ISO 8601 time. ``generator``, ``discriminator``: {"name": ..., "kwargs": {...}}.
    ``metrics``: figures on validation. ``data``: fingerprint, counts and folder names (no paths).
    ``training``: the configuration, without paths. ``licence_note``: what may be done with it.
    ``kinds``: where several kinds of damage are told apart, the fields of each one's `Decision`, by
    its name and in the order of the networks; ``decision`` is then that of all kinds together, on
    the largest of their margins (see ``kinds_inspection``).
    """

    format_version: int = FORMAT_VERSION
    created: str
    cfinspect_version: str
    generator: dict[str, Any]
    discriminator: dict[str, Any]
    classes: tuple[str, str] = ("undamaged", "damaged")
    preprocessing: Preprocessing
    decision: Decision
    kinds: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    licence_note: str = ""

    def __post_init__(self) -> None:
        for name, network in (
            ("generator", self.generator),
            ("discriminator", self.discriminator),
        ):
            _require(isinstance(network.get("name"), str), name, "needs a name", network)
        for name in self.kinds:
            problem = kind_problem(name)
            _require(not problem, f"kinds: the name of a kind {problem}", "is refused", name)
            self.of_kind(name)

    def of_kind(self, name: str) -> Decision:
        """The decision on one kind of damage alone."""
        fields = self.kinds[name]
        _require(isinstance(fields, Mapping), f"kinds.{name}", "must be an object", fields)
        return _read(Decision, fields, f"kinds.{name}.")

    def to_json(self) -> str:
        """Return the metadata as JSON text; figures that are not finite become null."""
        return json.dumps(_plain(dataclasses.asdict(self)), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ModelMetadata:
        """Read metadata; ``MetadataError`` where it is none, newer, incomplete or out of range."""
        try:
            raw = json.loads(text)
        except ValueError as error:
            raise MetadataError(
                "The model's metadata is not valid JSON: the file is damaged."
            ) from error
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
        return _read(cls, raw, "")


def kind_problem(name: str) -> str:
    """Why a kind of damage cannot have this name, half a sentence; empty where it can.

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
                f"The model's metadata has the unknown field {prefix}{name}: it was probably "
                "written by a newer cfinspect; update cfinspect."
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
    if origin is tuple:
        pair = isinstance(value, list) and len(value) == 2
        _require(pair and all(isinstance(v, str) for v in value), name, "must be two names", value)
        return tuple(value)
    if origin is dict:
        _require(isinstance(value, dict), name, "must be an object", value)
    elif hint is float:
        _require(
            isinstance(value, int | float) and not isinstance(value, bool),
            name,
            "must be a number",
            value,
        )
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
            f"The model's metadata is wrong: {name} {problem}, but it is {value!r}."
        )


def _plain(value: Any) -> Any:
    """Return ``value`` in JSON's types: NumPy numbers as Python's, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def makes_counterfactuals(method: str) -> bool:
    """Whether models of one of ``METHODS`` have a generator that answers D."""
    return method in {"cfgan", "no-fake"}
