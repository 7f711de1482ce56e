"""Odd COCO files, and what they mean."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from quirk import (
    CONTROL,
    ENCODINGS,
    HEIGHT,
    SQUARE,
    WIDTH,
    Files,
    Mask,
    Points,
    Quirk,
    box,
    inside,
    text_in,
)

SOUND = inside(SQUARE)
GONE = object()  # a key that is not there


def flat(points: Points) -> list[float]:
    """x, y, x, y, ..."""
    return [value for point in points for value in point]


def kept(known: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that are to be missing."""
    return {key: value for key, value in known.items() if value is not GONE}


def mark(segmentation: Any = None, **more: Any) -> dict[str, Any]:
    """An annotation of a.png: the square where nothing else is said."""
    given = [flat(SQUARE)] if segmentation is None else segmentation
    known = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": given, "iscrowd": 0}
    return kept({**known, "bbox": [5, 5, 15, 15], "area": 225, **more})


def image(number: Any = 1, name: Any = "a.png", **more: Any) -> dict[str, Any]:
    """An image of the list."""
    return kept({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT, **more})


def document(*marks: Any, images: Any = None, **more: Any) -> dict[str, Any]:
    """A file of a.png with the ``marks``, and the control."""
    listed = [image()] if images is None else images
    control = mark(id=99, image_id="control")
    known = {
        "info": {},
        "licenses": [],
        "images": [*listed, image("control", CONTROL)],
        "categories": [{"id": 1, "name": "crack", "supercategory": ""}],
        "annotations": [*marks, control],
    }
    return kept({**known, **more})


def files(data: object, name: str = "a.json") -> Files:
    """The one file."""
    return {name: data if isinstance(data, bytes) else json.dumps(data).encode()}


def quirk(
    name: str, /, data: object, verdict: int | None = None, mask: Mask | None = None, **how: Any
) -> Quirk:
    """The quirk of one file, which is given by its name."""
    return Quirk(name, files(data), verdict, mask, **{"path": "a.json", **how})


def squared(name: str, /, *marks: Any, mask: Mask = SOUND, said: str = "", **more: Any) -> Quirk:
    """Marks with an area, or the square in a file that is odd in other ways."""
    return quirk(name, document(*(marks or [mark()]), **more), 1, mask, said=said)


def refused(name: str, /, said: str, *marks: Any, **more: Any) -> Quirk:
    """An image that is named, and of which nothing is taken."""
    return quirk(name, document(*(marks or [mark()]), **more), said=said)


def stops(name: str, /, said: str, data: object) -> Quirk:
    """A file of which nothing can be taken at all."""
    return quirk(name, data, said=said, stops=True)


def _plain_runs(mask: Mask) -> list[int]:
    """Run lengths, column by column, counted one pixel at a time."""
    counts, last = [0], False
    for value in mask.T.ravel().tolist():
        if value != last:
            counts.append(0)
            last = value
        counts[-1] += 1
    return counts


_BLOB = inside(box(8, 3, 30, 22)) & ~inside(box(12, 8, 18, 12))
_PACKED = coco_mask.encode(np.asfortranarray(_BLOB.astype(np.uint8)))["counts"].decode()
_SIZE = [HEIGHT, WIDTH]


def runs(counts: Any, **more: Any) -> dict[str, Any]:
    """An annotation by run lengths."""
    return mark({"size": _SIZE, "counts": counts}, **more)


_OTHER = box(25, 5, 30, 9)
SHAPES: list[Quirk] = [
    squared("plain"),
    squared("anticlockwise", mark([flat(SQUARE[::-1])])),
    squared("repeated points", mark([flat([one for one in SQUARE for _ in range(3)])])),
    squared("closed", mark([flat([*SQUARE, SQUARE[0]])])),
    squared(
        "negative",
        mark([flat(box(-10, 5, 20, 20))]),
        mask=inside(box(0, 5, 20, 20)),
        said="cut off",
    ),
    squared(
        "fractions",
        mark([[5.3, 5.6, 20.4, 6.2, 18.7, 21.1]]),
        mask=inside([(5.3, 5.6), (20.4, 6.2), (18.7, 21.1)]),
    ),
    squared(
        "over the edge",
        mark([flat(box(30, 20, 60, 60))]),
        mask=inside(box(30, 20, 60, 60)),
        said="cut off",
    ),
    squared(
        "a bow tie",
        mark([[5, 5, 20, 20, 20, 5, 5, 20]]),
        mask=inside([(5, 5), (20, 20), (20, 5), (5, 20)]),
    ),
    squared("two parts", mark([flat(SQUARE), flat(_OTHER)]), mask=SOUND | inside(_OTHER)),
    squared(
        "parts that overlap",
        mark([flat(SQUARE), flat(box(10, 10, 30, 25))]),
        mask=SOUND | inside(box(10, 10, 30, 25)),
    ),
    squared("no list around it", mark(flat(SQUARE))),
    squared("coordinates as text", mark([[str(value) for value in flat(SQUARE)]])),
    squared("a part of two points", mark([[1, 1, 2, 2], flat(SQUARE)]), said="without an area"),
    squared("two annotations", mark(), mark([flat(_OTHER)], id=2), mask=SOUND | inside(_OTHER)),
    squared("the same annotation twice", mark(), mark(id=2)),
    quirk("two points alone", document(mark([[5, 5, 20, 20]]))),
    quirk("outside", document(mark([flat(box(50, 50, 60, 60))]))),
    quirk("points in a row", document(mark([[5, 5, 10, 10, 20, 20]]))),
    refused("an odd count", "pairs of numbers", mark([[5, 5, 20, 5, 20]])),
    refused("points in pairs", "no number", mark([[list(point) for point in SQUARE]])),
    refused("a part that is empty", "pairs of numbers", mark([[], flat(SQUARE)])),
    refused("text", "neither polygons nor run lengths", mark("5 5 20 5")),
    refused("a coordinate without end", "no number", mark([[float("inf"), 5, 20, 5, 20, 20]])),
    *(
        quirk(f"a box alone: {name}", document(mark(**how)), 1)
        for name, how in (
            ("no segmentation", {"segmentation": GONE}),
            ("empty list", {"segmentation": []}),
            ("empty object", {"segmentation": {}}),
            ("keypoints", {"segmentation": GONE, "keypoints": [5, 5, 2], "num_keypoints": 1}),
        )
    ),
    quirk("a box alone: null", document({**mark(), "segmentation": None}), 1),
    squared("run lengths", runs(_plain_runs(_BLOB)), mask=_BLOB),
    squared("run lengths, packed", runs(_PACKED), mask=_BLOB),
    squared("a crowd", runs(_plain_runs(_BLOB), iscrowd=1), mask=_BLOB),
    squared("a crowd, packed", runs(_PACKED, iscrowd=1), mask=_BLOB),
    squared("a crowd of polygons", mark(iscrowd=1)),
    squared("run lengths that are 0", runs([0, *_plain_runs(~_BLOB)[1:]]), mask=~_BLOB),
    refused(
        "run lengths of another size",
        "another size",
        mark({"size": [WIDTH, HEIGHT], "counts": _plain_runs(_BLOB)}),
    ),
    refused("run lengths too short", "do not fit", runs([10, 20])),
    refused("run lengths below 0", "do not fit", runs([-10, 1210])),
    refused("run lengths cut short", "run lengths", runs(_PACKED[:-1] + "o")),
    refused("run lengths of fractions", "no numbers", runs([1.5, 1198.5])),
    refused("no run lengths", "no numbers", mark({"size": _SIZE})),
    quirk("run lengths of nothing", document(runs([HEIGHT * WIDTH]))),
]


def _category(*categories: Any) -> dict[str, Any]:
    return {"categories": list(categories)}


IDS: list[Quirk] = [
    squared("image id in text, there", mark(image_id="1")),
    squared("image id in text, here", images=[image("1")]),
    squared("image id a fraction", mark(image_id=1.0)),
    squared("image id 0", mark(image_id=0), images=[image(0)]),
    squared("image id a name", mark(image_id="a"), images=[image("a")]),
    squared("image id of 20 digits", mark(image_id=10**20), images=[image(10**20)]),
    refused("image id null", "has no id", mark(image_id=None), images=[image(None)]),
    refused("an id of two images", "that others have", images=[image(), image(name="b.png")]),
    refused("annotation of an image that is not listed", "does not list", mark(image_id=77)),
    refused("annotation of no image", "of no image", mark(image_id=GONE)),
    squared("category id in text", mark(category_id="1")),
    squared(
        "category id 0",
        mark(category_id=0),
        **_category({"id": 0, "name": "crack"}, {"id": 1, "name": "x"}),
    ),
    squared(
        "category ids with gaps",
        mark(category_id=90),
        **_category({"id": 90, "name": "crack"}, {"id": 1, "name": "x"}),
    ),
    squared("category without a name", categories=GONE),
    squared("categories null", categories=None),
    squared("category named by a number", **_category({"id": 1, "name": 7})),
    refused("unknown category", "unknown category", mark(category_id=5)),
    refused("category of no id", "unknown category", mark(category_id=None)),
    quirk(
        "category good",
        document(
            mark(category_id=2), **_category({"id": 1, "name": "crack"}, {"id": 2, "name": "good"})
        ),
    ),
    quirk(
        "category ignore",
        document(
            mark(category_id=2),
            **_category({"id": 1, "name": "crack"}, {"id": 2, "name": "ignore"}),
        ),
    ),
    squared(
        "a hole by a category",
        mark(),
        mark([flat(box(10, 10, 15, 15))], id=2, category_id=2),
        mask=SOUND & ~inside(box(10, 10, 15, 15)),
        **_category({"id": 1, "name": "crack"}, {"id": 2, "name": "background"}),
    ),
    squared("an annotation without id", mark(id=GONE)),
    squared("no area, no box", mark(area=GONE, bbox=GONE, iscrowd=GONE)),
    squared("area and box of nonsense", mark(area="x", bbox=[float("nan")])),
]
PLACES: list[Quirk] = [
    quirk("listed, without a mark", document(), 0),
    quirk(
        "listed, without a mark, where one is lost",
        document(mark(image_id=77)),
        said="does not list",
    ),
    quirk("nothing but a list", document(annotations=[]), image="a.png", alone=True),
    squared("size as text", images=[image(width="40", height="30")]),
    squared("size as a fraction", images=[image(width=40.0, height=30.0)]),
    refused("sizes changed over", "must be equal", images=[image(width=HEIGHT, height=WIDTH)]),
    refused("no size", "no number", images=[image(width=GONE, height=GONE)]),
    refused("size null", "no number", images=[image(width=None)]),
    refused("size of all memory", "pixels", images=[image(width=10**9, height=10**9)]),
    squared("path of Windows", images=[image(name="train\\images\\a.png")]),
    squared("path of another PC", images=[image(name="C:\\Users\\li\\a.png")]),
    squared("path above", images=[image(name="../../a.png")]),
    squared("path in capitals", images=[image(name="A.PNG")]),
    squared("another suffix", images=[image(name="a.jpg")]),
    refused("no file name", "file name", images=[image(name=GONE)]),
    refused("an unknown image", "no single one", images=[image(name="z.png")]),
    quirk(
        "umlaut in pieces",
        document(mark(), images=[image(name="u\u0308 b.png")]),
        1,
        SOUND,
        image="ü b.png",
    ),
    quirk(
        "two suffixes", document(mark(), images=[image(name="x.y.png")]), 1, SOUND, image="x.y.png"
    ),
    quirk(
        "in a folder",
        document(mark(), images=[image(name="sub/d.png")]),
        1,
        SOUND,
        image="sub/d.png",
    ),
    quirk(
        "turned by EXIF, upright",
        document(mark(), images=[image(name="turned.jpg")]),
        1,
        SOUND,
        image="turned.jpg",
    ),
    refused("listed twice with two words", "named twice", mark(), images=[image(), image(2)]),
    squared(
        "keys of others",
        mark(attributes={"occluded": False}, score=0.9),
        images=[image(license=1, coco_url="x")],
    ),
    Quirk(
        "in the layout of a folder",
        {"annotations/instances_train.json": json.dumps(document(mark())).encode()},
        1,
        SOUND,
    ),
    Quirk(
        "one bad file of a folder",
        {
            "annotations/a.json": json.dumps(document(mark())).encode(),
            "annotations/b.json": b"{",
            "annotations/._a.json": b"\x00\x05\x16\x07",
        },
        1,
        SOUND,
        said="b.json is no JSON file",
    ),
]
_PLAIN = json.dumps(document(mark()))


def _named(encoding: str) -> dict[str, Any]:
    return document(mark(), categories=[{"id": 1, "name": text_in(encoding)}])


TEXTS: list[Quirk] = [
    *(
        quirk(
            encoding,
            json.dumps(_named(encoding), ensure_ascii=False).encode(encoding),
            1,
            SOUND,
            said=encoding.upper() if encoding in {"gb18030", "cp1252"} else "",
        )
        for encoding in ENCODINGS
    ),
    quirk("CRLF", json.dumps(document(mark()), indent=1).replace("\n", "\r\n").encode(), 1, SOUND),
    stops("empty", "no JSON file", b""),
    stops("cut short", "no JSON file", _PLAIN.encode()[:90]),
    stops("results of a detector", "no JSON object", [mark()]),
    stops("annotations null", "list of objects", document(annotations=None)),
    stops("no annotations", "list of objects", document(annotations=GONE)),
    stops("images null", "list of objects", {"images": None, "annotations": []}),
    stops("annotations of numbers", "list of objects", document(annotations=[1])),
]
QUIRKS: list[Quirk] = [*SHAPES, *IDS, *PLACES, *TEXTS]
