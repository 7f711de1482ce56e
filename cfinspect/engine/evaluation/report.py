"""The whole report of an evaluation, as ``cfinspect evaluate`` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cfinspect.engine.base.json_types import INLINE, OMIT, OMIT_NONE, JsonObject, json_object
from cfinspect.engine.evaluation.evaluate import EvaluatedImage, EvaluationFigures
from cfinspect.engine.evaluation.part_figures import (
    BaselineFigures,
    ExplainersFigures,
    RealismFigures,
    RobustnessFigures,
    UncertaintyFigures,
)


@dataclass(frozen=True)
class EvaluatedModel:
    """The model file's name and fingerprint."""

    name: str
    digest: str


@dataclass(frozen=True)
class EvaluatedData:
    """The fingerprint of the images that the figures are about, and their counts by class."""

    fingerprint: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class EvaluationReport:
    """Facts about model and data, the figures, and the further parts; None where not measured.

    ``unseen_only``: images that the model has seen in training were left aside; ``seen``: how many
    of the images it has seen. ``rows``: one for each image, in images.csv; the names of all other
    fields are the keys in report.json.
    """

    cfinspect_version: str
    model: EvaluatedModel
    data: EvaluatedData
    unseen_only: bool
    seen: int
    figures: EvaluationFigures = field(metadata=INLINE)
    rows: tuple[EvaluatedImage, ...] = field(metadata=OMIT)
    baselines: Mapping[str, BaselineFigures] | None = field(default=None, metadata=OMIT_NONE)
    explainers: ExplainersFigures | None = field(default=None, metadata=OMIT_NONE)
    realism: RealismFigures | None = field(default=None, metadata=OMIT_NONE)
    uncertainty: UncertaintyFigures | None = field(default=None, metadata=OMIT_NONE)
    robustness: RobustnessFigures | None = field(default=None, metadata=OMIT_NONE)

    def to_json(self) -> JsonObject:
        """The report in JSON's types, as report.json holds it."""
        return json_object(self)
