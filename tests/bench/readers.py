"""Do other people's programs read what we export? labelme's and Ultralytics' own loaders.

    pip install labelme ultralytics    (heavy, and each brings its own Qt or OpenCV: use a venv)
    python tests/bench/readers.py [labelme] [ultralytics]

200 masks that are hard on formats (holes, islands, image edges, lines of one pixel, two classes).
IoU is that of all of them together, drawn by the other program's own function.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "formats"))
from labelled import ABOUT, CLASSES, items

from cfinspect.formats import labelme, yolo
from cfinspect.formats.exchange_types import Item, Options


class Tally:
    """Sums intersection and union."""

    def __init__(self) -> None:
        self.both = self.either = self.images = 0

    def add(self, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Compare two masks of class numbers."""
        self.images += 1
        for number in CLASSES:
            self.both += int(((ours == number) & (theirs == number)).sum())
            self.either += int(((ours == number) | (theirs == number)).sum())

    def __str__(self) -> str:
        return f"{self.images} images, IoU {self.both / self.either:.4f}"


def with_labelme(before: list[Item], out: Path, polygons: bool) -> Tally:
    """labelme's LabelFile opens it, labelme's shapes_to_label draws it."""
    from labelme import LabelFile, utils

    out.mkdir()
    labelme.write(out, iter(before), ABOUT, Options(polygons=polygons))
    values = {"_background_": 0, **{name: number for number, name in CLASSES.items()}}
    tally = Tally()
    for item in before:
        file = LabelFile(str(out / f"{item.stem}.json"))
        assert file.image_data
        assert file.flags == {"damaged": bool(item.label)}
        drawn, _ = utils.shapes_to_label(item.mask.shape, file.shapes, values)
        tally.add(item.mask, drawn)
    return tally


def with_ultralytics(before: list[Item], out: Path) -> Tally:
    """Ultralytics checks data.yaml and every label file, and draws the polygons."""
    from ultralytics.data.utils import check_det_dataset, polygon2mask, verify_image_label

    out.mkdir()
    yolo.write(out, iter(before), ABOUT, Options())
    data = check_det_dataset(str(out / "data.yaml"))
    assert list(data["names"].values()) == list(CLASSES.values())
    tally = Tally()
    for item in before:
        (image,) = (out / "images" / "train").glob(f"{item.stem}.*")
        label = out / "labels" / "train" / f"{item.stem}.txt"
        arguments = (str(image), str(label), "", False, len(CLASSES), 0, 0, False)
        _, boxes, _, segments, _, missing, _, _, corrupt, message = verify_image_label(arguments)
        assert not missing
        assert not corrupt, message
        drawn = np.zeros(item.mask.shape, np.uint8)
        for box, segment in zip(boxes, segments, strict=True):
            points = segment * (item.width, item.height)
            mask = polygon2mask(item.mask.shape, [points.ravel()])
            drawn[mask > 0] = int(box[0]) + 1
        tally.add(item.mask, drawn)
    return tally


def main() -> None:
    """Print a line for each reader."""
    wanted = sys.argv[1:] or ["labelme", "ultralytics"]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        before = items(work / "source", range(200))
        if "labelme" in wanted:
            print("labelme, masks:", with_labelme(before, work / "masks", polygons=False))
            print("labelme, polygons:", with_labelme(before, work / "polygons", polygons=True))
        if "ultralytics" in wanted:
            print("ultralytics:", with_ultralytics(before, work / "yolo"))


if __name__ == "__main__":
    main()
