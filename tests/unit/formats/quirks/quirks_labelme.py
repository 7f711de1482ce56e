"""Odd files of labelme and of X-AnyLabeling, and what they mean."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from quirk import (
    ENCODINGS,
    HEIGHT,
    SQUARE,
    WIDTH,
    Files,
    Mask,
    Points,
    Quirk,
    box,
    ellipse,
    inside,
    text_in,
)

SOUND = inside(SQUARE)
GONE = object()  # a key that is not there


def shape(points: Any = SQUARE, kind: Any = "polygon", label: Any = "crack", **more: Any) -> Any:
    """One shape as labelme writes it."""
    known = {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}}
    return {key: value for key, value in {**known, **more}.items() if value is not GONE}


def document(*shapes: Any, **more: Any) -> dict[str, Any]:
    """A file of labelme for a.png."""
    known: dict[str, Any] = {
        "version": "5.5.0",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "a.png",
        "imageData": None,
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
    }
    return {key: value for key, value in {**known, **more}.items() if value is not GONE}


def files(data: object, name: str = "a.json", /, **more: object) -> Files:
    """The file in question, and the control."""
    control = document(shape(), imagePath="c.png")
    found = {name: data, "c.json": control, **more}
    return {
        key: value if isinstance(value, bytes) else json.dumps(value).encode()
        for key, value in found.items()
    }


def picture(mask: Mask, mode: str = "L") -> str:
    """A mask as the text that labelme keeps it in."""
    stream = BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).convert(mode).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def _image_text() -> str:
    stream = BytesIO()
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def drawn(name: str, /, points: Points, **how: Any) -> Quirk:
    """A polygon that has an area in the image."""
    return Quirk(name, files(document(shape(points))), 1, inside(points), **how)


def nothing(name: str, /, *shapes: Any, **more: Any) -> Quirk:
    """A file that says nothing about its image."""
    return Quirk(name, files(document(*shapes, **more)))


def undrawn(name: str, /, *shapes: Any) -> Quirk:
    """Damage without an area."""
    return Quirk(name, files(document(*shapes)), 1)


def refused(name: str, /, said: str, *shapes: Any, **more: Any) -> Quirk:
    """A file of which nothing is taken, and that is named."""
    return Quirk(name, files(document(*shapes, **more)), said=said)


def squared(name: str, /, one: Any, *, mask: Mask = SOUND, **more: Any) -> Quirk:
    """A shape with an area, or the square in a file that is odd in other ways."""
    return Quirk(name, files(document(one, **more)), 1, mask)


_HOLE = inside(SQUARE) & ~inside(box(10, 10, 15, 15))
_PART = np.ones((10, 8), np.bool_)
_AT = [[30, 10], [37, 19]]
SHAPES: list[Quirk] = [
    drawn("plain", SQUARE),
    drawn("anticlockwise", SQUARE[::-1]),
    drawn("repeated points", [point for point in SQUARE for _ in range(3)]),
    drawn("closed", [*SQUARE, SQUARE[0]]),
    drawn("negative", box(-10, 5, 20, 20), said="cut off"),
    drawn("fractions", [(5.3, 5.6), (20.4, 6.2), (18.7, 21.1)]),
    drawn("over the edge", box(30, 20, 60, 60), said="cut off"),
    drawn("on the edge", box(30, 20, WIDTH, HEIGHT)),
    drawn("a bow tie", [(5, 5), (20, 20), (20, 5), (5, 20)]),
    drawn("whole image", box(-1e9, -1e9, 1e9, 1e9), said="cut off"),
    nothing("two points", shape(SQUARE[:2])),
    nothing("one point", shape(SQUARE[:1])),
    nothing("points in a row", shape([(5, 5), (10, 10), (20, 20)])),
    nothing("all the same point", shape([(5, 5)] * 5)),
    nothing("outside", shape(box(50, 50, 60, 60))),
    nothing("between pixels", shape(box(5.6, 5, 6.4, 20))),
    squared("rectangle", shape([(5, 5), (20, 20)], "rectangle")),
    squared("rectangle from below", shape([(20, 20), (5, 5)], "rectangle")),
    squared("rectangle from the right", shape([(20, 5), (5, 20)], "rectangle")),
    squared("rectangle of four points", shape(SQUARE, "rectangle")),
    squared("X-AnyLabeling's turned box", shape(SQUARE, "rotation", direction=0.3)),
    squared("labelme's turned box", shape(SQUARE, "oriented_rectangle")),
    squared("quadrilateral", shape(SQUARE, "quadrilateral")),
    squared("no type", shape(kind=GONE)),
    squared("type null", shape(kind=None)),
    Quirk(
        "circle",
        files(document(shape([(15, 15), (15, 21)], "circle"))),
        1,
        ellipse(15, 15, 6, 6),
        curved=True,
    ),
    Quirk(
        "circle over the edge",
        files(document(shape([(36, 25), (36, 35)], "circle"))),
        1,
        ellipse(36, 25, 10, 10),
        curved=True,
        said="cut off",
    ),
    undrawn("line", shape(SQUARE[:2], "line")),
    undrawn("line strip", shape(SQUARE[:3], "linestrip")),
    undrawn("point", shape(SQUARE[:1], "point")),
    undrawn("points", shape(SQUARE, "points")),
    undrawn("cuboid", shape([*SQUARE, *SQUARE], "cuboid")),
    squared("mask", shape(_AT, "mask", mask=picture(_PART)), mask=inside(box(30, 10, 38, 20))),
    squared(
        "mask of 1 bit",
        shape(_AT, "mask", mask=picture(_PART, "1")),
        mask=inside(box(30, 10, 38, 20)),
    ),
    squared(
        "mask over the edge",
        shape([[36, 25], [43, 34]], "mask", mask=picture(_PART)),
        mask=inside(box(36, 25, 44, 35)),
    ),
    refused(
        "mask of another size",
        "size is not that",
        shape([[1, 1], [3, 3]], "mask", mask=picture(_PART)),
    ),
    refused("mask without picture", "without a picture", shape(_AT, "mask", mask=None)),
    refused("mask turned round", "place", shape(_AT[::-1], "mask", mask=picture(_PART))),
    squared("coordinates as text", shape([[str(x), str(y)] for x, y in SQUARE])),
    refused("coordinates by name", "points", shape([{"x": x, "y": y} for x, y in SQUARE])),
    refused("three coordinates", "points", shape([(x, y, 1) for x, y in SQUARE])),
    refused("coordinates that are none", "no number", shape([(float("nan"), 5), *SQUARE])),
    refused("coordinates without end", "no number", shape([(float("inf"), 5), *SQUARE])),
    refused("truth as a coordinate", "no number", shape([(True, 5), *SQUARE])),
    refused("points null", "points", shape(None)),
    refused("rectangle of one point", "two points", shape(SQUARE[:1], "rectangle")),
    refused("shapes by name", "list of objects", shapes={"0": shape()}),
    refused("shapes of text", "list of objects", "crack"),
    squared("two groups", shape(group_id=1), mask=SOUND),
    Quirk(
        "two shapes of a group",
        files(document(shape(group_id=1), shape(box(25, 5, 30, 9), group_id=1))),
        1,
        SOUND | inside(box(25, 5, 30, 9)),
    ),
    Quirk(
        "a slip beside a shape",
        files(document(shape(SQUARE[:2]), shape())),
        1,
        SOUND,
        said="without an area",
    ),
    nothing("no shapes"),
    nothing("shapes null", shapes=None),
]
WORDS: list[Quirk] = [
    squared("label null", shape(label=None)),
    squared("label a number", shape(label=7)),
    squared("no label", shape(label=GONE)),
    squared("label with a space", shape(label="fine crack ")),
    nothing("label good", shape(label="good")),
    nothing("label ignore", shape(label="__ignore__")),
    nothing("label background", shape(label="_background_")),
    squared(
        "a hole",
        shape(),
        mask=_HOLE,
        shapes=[shape(), shape(box(10, 10, 15, 15), label="_background_")],
    ),
    squared(
        "ignored in it",
        shape(),
        mask=_HOLE,
        shapes=[shape(), shape(box(10, 10, 15, 15), label="ignore")],
    ),
    squared("damage on background", shape(), shapes=[shape(label="background"), shape()]),
    Quirk("flag good", files(document(flags={"good": True, "bad": False})), 0),
    Quirk("flag bad", files(document(flags={"good": False, "bad": True})), 1),
    Quirk("flag OK", files(document(flags={"OK": True})), 0),
    Quirk("flag NG", files(document(flags={"NG": True})), 1),
    Quirk("flag undamaged", files(document(flags={"Undamaged": True})), 0),
    nothing("flags not ticked", flags={"good": False, "bad": False, "damaged": False}),
    nothing("flag of another word", flags={"blurred": True}),
    nothing("flag ticked in text", flags={"good": "true"}),
    nothing("flag ticked by a number", flags={"good": 1}),
    nothing("flags null", flags=None),
    nothing("flags a list", flags=["good"]),
    refused("both flags", "both undamaged and damaged", flags={"good": True, "bad": True}),
    refused("good with marks", "marks of damage", shape(), flags={"good": True}),
    refused("good with a line", "marks of damage", shape(SQUARE[:2], "line"), flags={"good": True}),
    squared("flags of a shape", shape(flags={"good": True})),
    squared("difficult", shape(difficult=True, score=0.3, description="x", attributes={"a": 1})),
]
_SIZED: dict[str, Any] = {"imageHeight": GONE, "imageWidth": GONE}
PLACES: list[Quirk] = [
    squared("size as text", shape(), imageHeight="30", imageWidth="40"),
    squared("size as a fraction", shape(), imageHeight=30.0, imageWidth=40.0),
    refused("sizes changed over", "must be equal", shape(), imageHeight=WIDTH, imageWidth=HEIGHT),
    refused("size 0", "0 pixels", shape(), imageHeight=0),
    refused("size negative", "pixels", shape(), imageHeight=-30),
    refused("size of all memory", "pixels", shape(), imageHeight=10**9, imageWidth=10**9),
    squared("size of the picture in it", shape(), imageData=_image_text(), **_SIZED),
    refused("no size at all", "how large", shape(), **_SIZED),
    refused("a damaged picture in it", "Cannot read", shape(), imageData="AAAA", **_SIZED),
    squared("path of Windows", shape(), imagePath="..\\images\\a.png"),
    squared("path of another PC", shape(), imagePath="C:\\Users\\li\\a.png"),
    squared("path of a share", shape(), imagePath="\\\\nas\\line 3\\a.png"),
    squared("path above", shape(), imagePath="../../a.png"),
    squared("path in capitals", shape(), imagePath="A.PNG"),
    squared("another suffix", shape(), imagePath="a.jpg"),
    squared("no path", shape(), imagePath=GONE),
    squared("path null", shape(), imagePath=None),
    squared("path empty", shape(), imagePath=""),
    refused("path with a line break", "file name", shape(), imagePath="a\n.png"),
    refused("path a number", "file name", shape(), imagePath=7),
    refused("an unknown image", "no single one", shape(), imagePath="z.png"),
    Quirk(
        "umlaut in pieces", files(document(shape(), imagePath="u\u0308 b.png")), 1, SOUND, "ü b.png"
    ),
    Quirk("two suffixes", files(document(shape(), imagePath="x.y.png")), 1, SOUND, "x.y.png"),
    Quirk(
        "two suffixes, none of an image",
        files(document(shape(), imagePath="x.y")),
        1,
        SOUND,
        "x.y.png",
    ),
    Quirk(
        "brackets and a space",
        files(document(shape(), imagePath="A-1 (2).png")),
        1,
        SOUND,
        "A-1 (2).png",
    ),
    Quirk(
        "in a folder",
        files(document(shape(), imagePath="d.png"), "sub/d.json"),
        1,
        SOUND,
        "sub/d.png",
    ),
    Quirk(
        "turned by EXIF, upright",
        files(document(shape(), imagePath="turned.jpg")),
        1,
        SOUND,
        "turned.jpg",
    ),
    Quirk(
        "turned by EXIF, as stored",
        files(document(shape(), imagePath="turned.jpg", imageHeight=WIDTH, imageWidth=HEIGHT)),
        image="turned.jpg",
        said="must be equal",
    ),
    Quirk(
        "said twice alike",
        files(document(shape()), **{"b.json": document(shape())}),
        1,
        SOUND,
    ),
    Quirk(
        "said twice differently",
        files(document(shape()), **{"b.json": document(shape(box(25, 5, 30, 9)))}),
        said="named twice",
    ),
    Quirk(
        "good and bad in two files",
        files(document(flags={"good": True}), **{"b.json": document(flags={"bad": True})}),
        said="named twice",
    ),
    Quirk("suffix in capitals", files(document(shape()), "a.JSON"), 1, SOUND),
    Quirk(
        "a Mac's shadow", files(document(shape()), **{"._a.json": b"\x00\x05\x16\x07"}), 1, SOUND
    ),
    Quirk(
        "another JSON file", files(document(shape()), **{"classes.json": {"0": "crack"}}), 1, SOUND
    ),
    squared(
        "labelme 3", shape(line_color=None, fill_color=[1, 2, 3, 4]), lineColor=[0, 255, 0, 128]
    ),
    squared("keys of others", shape(), checked=True, text="", note=float("nan")),
]


def _text(name: str, data: bytes, said: str = "") -> Quirk:
    return Quirk(name, files(data), 1, SOUND, said=said)


_PLAIN = json.dumps(document(shape()))
TEXTS: list[Quirk] = [
    *(
        _text(
            encoding,
            json.dumps(document(shape(label=text_in(encoding))), ensure_ascii=False).encode(
                encoding
            ),
            encoding.upper() if encoding in {"gb18030", "cp1252"} else "",
        )
        for encoding in ENCODINGS
    ),
    _text("CRLF", json.dumps(document(shape()), indent=2).replace("\n", "\r\n").encode()),
    _text("white space around", f"\n\n {_PLAIN} \n\n".encode()),
    _text("a key twice", _PLAIN.replace('"flags": {}', '"flags": {}, "flags": {}', 1).encode()),
    Quirk(
        "a key twice, with two values",
        files(_PLAIN.replace('"flags": {}', '"flags": {"x": true}, "flags": {}', 1).encode()),
        said="twice in one object",
    ),
    *(
        Quirk(name, files(data), said="no JSON file")
        for name, data in (
            ("empty", b""),
            ("cut short", _PLAIN.encode()[:60]),
            ("more behind the end", f"{_PLAIN}x".encode()),
            ("single quotes", _PLAIN.replace('"', "'").encode()),
            ("a comma too much", _PLAIN.replace("}]", "},]").encode()),
            ("nested without end", b"[" * 100_000),
        )
    ),
    Quirk("a list", files([document(shape())]), said="no JSON object"),
    Quirk("null", files(None), said="no JSON object"),
]
QUIRKS: list[Quirk] = [*SHAPES, *WORDS, *PLACES, *TEXTS]
