"""Label files as other tools write them, and a project that takes them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exchanging import SIDE, write_images

from cfinspect.formats.import_plan import ImportReport
from cfinspect.formats.importing import Source, import_labels
from cfinspect.project.corrections import mask_classes
from cfinspect.project.finding import find
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, human_of, read_mask_of

NAMES = ["a.png", "b.png", "c.png"]
SQUARE = [5, 5, 20, 5, 20, 20, 5, 20]
AREA = 225
SIZE = {"width": SIDE, "height": SIDE}


class Hall:
    """A project of three images, what is imported into it, and what it says then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_images(folder / "hall", NAMES)
        self.project = Project.create(folder / "hall", human=True)
        scan(self.project)

    def take(self, form: str, path: Path, **how: Any) -> ImportReport:
        return import_labels(self.project, Source(form, path, **how), who="bob")

    def verdict(self, name: str) -> Verdict | None:
        return human_of(self.project, find(self.project, name).id).verdict

    def area(self, name: str) -> int:
        mask = read_mask_of(self.project, human_of(self.project, find(self.project, name).id))
        return 0 if mask is None else int((mask > 0).sum())

    def names(self) -> set[str]:
        return set(mask_classes(self.project).values())


def labelme(folder: Path, stem: str, *shapes: dict[str, Any], **more: Any) -> Path:
    """A labelme file; ``more`` with None takes a key away."""
    data = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [{"label": "crack", "shape_type": "polygon", **shape} for shape in shapes],
        "imagePath": f"{stem}.png",
        "imageData": None,
        "imageHeight": SIDE,
        "imageWidth": SIDE,
        **more,
    }
    folder.mkdir(exist_ok=True)
    file = folder / f"{stem}.json"
    file.write_text(json.dumps({key: one for key, one in data.items() if one != "none"}))
    return file


def points(flat: list[int]) -> list[list[int]]:
    return [flat[i : i + 2] for i in range(0, len(flat), 2)]


def coco(file: Path, annotations: list[dict[str, Any]], **more: Any) -> Path:
    """A COCO file of the three images, with the ids 1, 2, 3."""
    images = [{"id": n, "file_name": name, **SIZE} for n, name in enumerate(NAMES, 1)]
    data = {"images": images, "categories": [{"id": 1, "name": "crack"}], **more}
    file.write_text(json.dumps({**data, "annotations": annotations}))
    return file


def mark(image: object, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": 1, "segmentation": [SQUARE], **more}


def cvat(file: Path, *images: str, before: str = "") -> Path:
    file.write_text(f"<annotations>{before}{''.join(images)}</annotations>", encoding="utf-8")
    return file


def cvat_image(name: str, inside: str) -> str:
    return f'<image id="0" name="{name}" width="{SIDE}" height="{SIDE}">{inside}</image>'


POLYGON = '<polygon label="crack" points="5,5;20,5;20,20;5,20" z_order="0"/>'
