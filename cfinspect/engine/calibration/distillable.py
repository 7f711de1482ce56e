"""Which models have masks of their own that a distillation can teach; works without torch."""

from __future__ import annotations

from pathlib import Path

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.model.file import require_inspecting
from cfinspect.engine.model.metadata import ModelMetadata, makes_counterfactuals
from cfinspect.engine.model.plugins import is_foreign, is_onnx


class DistillationError(CfinspectError):
    """A model or images that nothing can be distilled from."""


def require_distillable(path: Path, metadata: ModelMetadata) -> None:
    """Raise a CfinspectError for a model that has no masks of its own to teach."""
    require_inspecting(path, metadata)
    if metadata.asks_each_class:
        raise DistillationError(
            f"{path} has a G for each of several defect classes, whose masks one segmenter cannot "
            "tell apart: give a model with one G"
        )
    if not makes_counterfactuals(metadata.method):
        raise DistillationError(
            f"{path} makes no counterfactuals, and so no masks that could teach: give a model that "
            "was trained by --method cfgan"
        )


def is_distillable(path: Path, metadata: ModelMetadata | None) -> bool:
    """Whether it can be distilled; ``metadata``: None where this version cannot read them."""
    if metadata is None or is_onnx(path) or is_foreign(path):
        return False
    try:
        require_distillable(path, metadata)
    except CfinspectError:
        return False
    return True
