"""All odd label files, by format."""

from __future__ import annotations

import quirks_coco
import quirks_cvat
import quirks_labelme
import quirks_voc
import quirks_yolo
from quirk import Quirk

FORMATS: dict[str, list[Quirk]] = {
    "labelme": quirks_labelme.QUIRKS,
    "coco": quirks_coco.QUIRKS,
    "cvat": quirks_cvat.QUIRKS,
    "yolo": quirks_yolo.QUIRKS,
    "voc": quirks_voc.QUIRKS,
}
