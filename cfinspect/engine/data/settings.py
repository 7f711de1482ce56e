"""Settings of what is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cfinspect.engine.base.setting import Range, Settings, setting


class MaskValues(StrEnum):
    """What the values of a mask file are: ``auto`` looks, the others say."""

    AUTO = "auto"
    BINARY = "binary"
    LABELS = "labels"
    INSTANCES = "instances"


@dataclass(frozen=True)
class DataSettings(Settings):
    """Where images are, and what their folders are called."""

    data: tuple[str, ...] = setting((), "folders with undamaged/ and damaged/ images")
    undamaged: str | None = setting(
        None,
        "name of the folder of undamaged images",
        title="Undamaged folder",
        option="--undamaged",
        metavar="NAME",
    )
    damaged: str | None = setting(
        None,
        "name of the folder of damaged images",
        title="Damaged folder",
        option="--damaged",
        metavar="NAME",
    )
    defect_classes: str | None = setting(
        None,
        "names of the folders of several defect classes, with commas between them",
        title="Defect classes",
        option="--defect-classes",
        metavar="A,B,...",
    )
    mask_values: str = setting(
        MaskValues.AUTO.value,
        "what the values of mask files are; auto: looked at, and refused where it is not clear",
        tuple(MaskValues),
        title="Values of masks",
        option="--mask-values",
    )
    memory_gb: float = setting(
        2.0,
        "decoded images kept in memory up to this many GiB",
        within=Range(0, open_low=True),
        unit="GiB",
        title="Memory for images",
    )

    @property
    def defect_class_names(self) -> tuple[str, ...]:
        """Names of the defect classes; empty for a model that knows but one."""
        return tuple(self.defect_classes.split(",")) if self.defect_classes else ()


def plain_defect_classes(text: str) -> str:
    """Names of classes as they are kept: no spaces or slashes around them, commas between."""
    names = (name.strip().rstrip("/\\").strip() for name in text.split(","))
    return ",".join(name for name in names if name)
