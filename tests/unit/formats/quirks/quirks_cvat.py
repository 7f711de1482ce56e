"""Odd files of CVAT (for images 1.1, and of videos), and what they mean."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import quoteattr

from quirk import (
    CONTROL,
    ENCODINGS,
    HEIGHT,
    SQUARE,
    WIDTH,
    Mask,
    Points,
    Quirk,
    box,
    ellipse,
    inside,
    text_in,
)

SOUND = inside(SQUARE)


def listed(points: Points) -> str:
    """Corners as CVAT writes them."""
    return ";".join(f"{x},{y}" for x, y in points)


def shape(tag: str = "polygon", inner: str = "", **values: Any) -> str:
    """One element of an image; the square where no points are given."""
    known = {"label": "crack", "source": "manual", "occluded": "0", "z_order": "0"}
    if tag == "polygon":
        known["points"] = listed(SQUARE)
    known |= values
    texts = " ".join(
        f"{key}={quoteattr(str(value))}" for key, value in known.items() if value is not None
    )
    return f"<{tag} {texts}>{inner}</{tag}>"


def image(*shapes: str, name: str | None = "a.png", **values: Any) -> str:
    """An image of the file."""
    known = {"id": "0", "name": name, "width": WIDTH, "height": HEIGHT, **values}
    texts = " ".join(
        f"{key}={quoteattr(str(value))}" for key, value in known.items() if value is not None
    )
    return f"<image {texts}>{''.join(shapes)}</image>"


def document(*images: str, before: str = "") -> str:
    """A file with the images, and the control."""
    inner = "".join([*images, image(shape(), name=CONTROL, id="9")])
    return f"<annotations><version>1.1</version>{before}{inner}</annotations>"


def quirk(
    name: str,
    /,
    data: str | bytes,
    verdict: int | None = None,
    mask: Mask | None = None,
    **how: Any,
) -> Quirk:
    """The quirk of one file, which is given by its name."""
    content = data if isinstance(data, bytes) else data.encode()
    return Quirk(name, {"a.xml": content}, verdict, mask, **{"path": "a.xml", **how})


def squared(
    name: str,
    /,
    *shapes: str,
    mask: Mask = SOUND,
    said: str = "",
    curved: bool = False,
    **more: Any,
) -> Quirk:
    """Shapes with an area, or the square in an image that is odd in other ways."""
    return quirk(
        name, document(image(*(shapes or [shape()]), **more)), 1, mask, said=said, curved=curved
    )


def undrawn(name: str, /, *shapes: str) -> Quirk:
    """Damage without an area."""
    return quirk(name, document(image(*shapes)), 1)


def nothing(name: str, /, *shapes: str, said: str = "") -> Quirk:
    """An image of which nothing is said."""
    return quirk(name, document(image(*shapes)), said=said)


def refused(name: str, /, said: str, *shapes: str, **more: Any) -> Quirk:
    """An image that is named, and of which nothing is taken."""
    return quirk(name, document(image(*(shapes or [shape()]), **more)), said=said)


def polygon(points: Points, **more: Any) -> str:
    """A polygon of these corners."""
    return shape(points=listed(points), **more)


def boxed(x0: float, y0: float, x1: float, y1: float, **more: Any) -> str:
    """A box."""
    return shape("box", xtl=x0, ytl=y0, xbr=x1, ybr=y1, **more)


def masked(
    rle: str, left: Any = 8, top: Any = 6, width: Any = 4, height: Any = 3, **more: Any
) -> str:
    """A mask."""
    return shape("mask", rle=rle, left=left, top=top, width=width, height=height, **more)


def turned(points: Points, degrees: float) -> Points:
    """Corners turned about their middle, clockwise on screen."""
    import math

    x = sum(one[0] for one in points) / len(points)
    y = sum(one[1] for one in points) / len(points)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [
        (x + (a - x) * cos - (b - y) * sin, y + (a - x) * sin + (b - y) * cos) for a, b in points
    ]


_HOLE = box(10, 10, 15, 15)
_ROUND: dict[str, Any] = {"cx": 18, "cy": 14, "rx": 10, "ry": 5}
SHAPES: list[Quirk] = [
    squared("plain"),
    squared("anticlockwise", polygon(SQUARE[::-1])),
    squared("repeated points", polygon([one for one in SQUARE for _ in range(3)])),
    squared("closed", polygon([*SQUARE, SQUARE[0]])),
    squared(
        "negative", polygon(box(-10, 5, 20, 20)), mask=inside(box(0, 5, 20, 20)), said="cut off"
    ),
    squared(
        "fractions",
        polygon([(5.3, 5.6), (20.4, 6.2), (18.7, 21.1)]),
        mask=inside([(5.3, 5.6), (20.4, 6.2), (18.7, 21.1)]),
    ),
    squared(
        "over the edge",
        polygon(box(30, 20, 60, 60)),
        mask=inside(box(30, 20, 60, 60)),
        said="cut off",
    ),
    squared("a space behind commas", shape(points="5, 5; 20, 5; 20, 20; 5, 20")),
    nothing("two points", polygon(SQUARE[:2]), said="without an area"),
    nothing("outside", polygon(box(50, 50, 60, 60)), said="without an area"),
    nothing("points in a row", polygon([(5, 5), (10, 10), (20, 20)]), said="without an area"),
    refused("no points", "polygon", shape(points=None)),
    refused("points without a partner", "polygon", shape(points="5,5;20;20,20")),
    refused("points that are none", "no number", shape(points="5,5;20,x;20,20")),
    squared("box", boxed(5, 5, 20, 20)),
    squared("box from below", boxed(20, 20, 5, 5)),
    squared(
        "box turned by 90",
        boxed(5, 5, 25, 15, rotation=90),
        mask=inside(turned(box(5, 5, 25, 15), 90)),
    ),
    squared(
        "box turned by 30",
        boxed(8, 8, 28, 16, rotation=30),
        mask=inside(turned(box(8, 8, 28, 16), 30)),
    ),
    squared(
        "box turned back",
        boxed(8, 8, 28, 16, rotation=-30.5),
        mask=inside(turned(box(8, 8, 28, 16), -30.5)),
    ),
    refused("box without a side", "no number", shape("box", xtl=5, ytl=5, xbr=20)),
    squared("ellipse", shape("ellipse", **_ROUND), mask=ellipse(18, 14, 10, 5), curved=True),
    squared(
        "ellipse turned",
        shape("ellipse", **_ROUND, rotation=30),
        mask=ellipse(18, 14, 10, 5, 30),
        curved=True,
    ),
    squared("mask", masked("0, 12"), mask=inside(box(8, 6, 12, 9))),
    squared("mask without spaces", masked("1,2,9"), mask=inside(box(9, 6, 11, 7))),
    squared(
        "mask with a hole",
        masked("0, 5, 2, 5"),
        mask=inside(box(8, 6, 12, 9)) & ~inside(box(9, 7, 11, 8)),
    ),
    squared(
        "mask at a fraction", masked("0, 12", left="8.0", top="6.0"), mask=inside(box(8, 6, 12, 9))
    ),
    squared(
        "mask over the edge",
        masked("0, 12", left=38),
        mask=inside(box(38, 6, 42, 9)),
        said="cut off",
    ),
    squared(
        "mask from above", masked("0, 12", top=-2), mask=inside(box(8, -2, 12, 1)), said="cut off"
    ),
    nothing("mask outside", masked("0, 12", left=60), said="without a pixel"),
    nothing("mask of nothing", masked("12"), said="without a pixel"),
    refused("mask too short", "do not fit", masked("0, 5")),
    refused("mask of text", "no number", masked("0, x")),
    refused("mask without runs", "no number", shape("mask", left=1, top=1, width=2, height=2)),
    refused("mask of all memory", "pixels", masked("0, 12", width=10**9, height=10**9)),
    undrawn("polyline", shape("polyline", points=listed(SQUARE))),
    undrawn("points", shape("points", points=listed(SQUARE))),
    undrawn("cuboid", shape("cuboid", xtl1=5, ytl1=5)),
    undrawn("skeleton", shape("skeleton", shape("points", points="5,5"))),
    squared("a line beside a polygon", shape("polyline", points=listed(SQUARE)), shape()),
    squared(
        "two polygons", shape(), polygon(box(25, 5, 30, 9)), mask=SOUND | inside(box(25, 5, 30, 9))
    ),
]
WORDS: list[Quirk] = [
    *(
        quirk(f"tag {word}", document(image(shape("tag", label=word))), verdict)
        for word, verdict in (("good", 0), ("OK", 0), ("Undamaged", 0), ("bad", 1), ("NG", 1))
    ),
    quirk("tag of another word", document(image(shape("tag", label="blurred")))),
    refused(
        "two tags",
        "both undamaged and damaged",
        shape("tag", label="good"),
        shape("tag", label="bad"),
    ),
    refused("tag good with a mark", "marks of damage", shape("tag", label="good"), shape()),
    squared("tag bad with a mark", shape("tag", label="bad"), shape()),
    nothing("label good", shape(label="good")),
    nothing("label background", shape(label="background")),
    squared("no label", shape(label=None)),
    squared(
        "a hole above",
        shape(),
        polygon(_HOLE, label="ignore", z_order=1),
        mask=SOUND & ~inside(_HOLE),
    ),
    squared("a hole below", shape(z_order=1), polygon(_HOLE, label="ignore")),
    squared(
        "a hole, first in the file",
        polygon(_HOLE, label="ignore", z_order=5),
        shape(),
        mask=SOUND & ~inside(_HOLE),
    ),
    squared("z below 0", polygon(_HOLE, label="ignore", z_order=-1), shape()),
    refused("z of text", "no number", shape(z_order="top")),
    squared("attributes", shape(inner='<attribute name="width">0.3</attribute>', group_id=4)),
    squared("occluded", shape(occluded=1, source="auto")),
    nothing("an image without a mark"),
]
_SIZE = f"<original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>"
_META = f"<meta><task><size>9</size></task>{_SIZE}</meta>"
_FRAME = "frame_000002.png"


def track(*shapes: str) -> str:
    """An object of a video."""
    return f'<track id="0" label="crack">{"".join(shapes)}</track>'


def framed(tag: str = "polygon", frame: Any = 2, **values: Any) -> str:
    """A shape of a frame."""
    return shape(tag, label=None, frame=frame, **{"outside": 0, "keyframe": 1, **values})


PLACES: list[Quirk] = [
    squared("size a fraction", width="40.0", height="30.0"),
    refused("sizes changed over", "must be equal", width=HEIGHT, height=WIDTH),
    refused("no size", "no number", width=None, height=None),
    refused("size of all memory", "pixels", width=10**9, height=10**9),
    squared("path of Windows", name="images\\a.png"),
    squared("path of a share", name="\\\\nas\\line\\a.png"),
    squared("path above", name="../../a.png"),
    squared("path in capitals", name="A.PNG"),
    squared("another suffix", name="a.jpg"),
    squared("a subset", subset="train", task_id="3"),
    refused("no name", "file name", name=None),
    refused("an unknown image", "no single one", name="z.png"),
    quirk(
        "umlaut in pieces",
        document(image(shape(), name="u\u0308 b.png")),
        1,
        SOUND,
        image="ü b.png",
    ),
    quirk("two suffixes", document(image(shape(), name="x.y.png")), 1, SOUND, image="x.y.png"),
    quirk("in a folder", document(image(shape(), name="sub/d.png")), 1, SOUND, image="sub/d.png"),
    quirk(
        "turned by EXIF, upright",
        document(image(shape(), name="turned.jpg")),
        1,
        SOUND,
        image="turned.jpg",
    ),
    quirk("said twice alike", document(image(shape()), image(shape())), 1, SOUND),
    quirk(
        "said twice differently",
        document(image(shape()), image(polygon(_HOLE))),
        said="named twice",
    ),
    Quirk(
        "in a folder of its own", {"annotations.xml": document(image(shape())).encode()}, 1, SOUND
    ),
    quirk("a video", document(track(framed()), before=_META), 1, SOUND, image=_FRAME),
    quirk(
        "a box of a video",
        document(track(framed("box", xtl=5, ytl=5, xbr=20, ybr=20)), before=_META),
        1,
        SOUND,
        image=_FRAME,
    ),
    quirk(
        "a video that the object has left",
        document(track(framed(outside=1)), before=_META),
        image=_FRAME,
        alone=True,
    ),
    quirk(
        "two objects of a video",
        document(track(framed()), track(framed(points=listed(box(25, 5, 30, 9)))), before=_META),
        1,
        SOUND | inside(box(25, 5, 30, 9)),
        image=_FRAME,
    ),
    quirk("a video without a size", document(track(framed())), image=_FRAME, said="no number"),
    quirk(
        "a frame of text",
        document(track(framed(frame="x")), before=_META),
        image=_FRAME,
        said="no number",
    ),
    quirk(
        "a frame below 0",
        document(track(framed(frame=-2)), before=_META),
        image=_FRAME,
        said="no single one",
    ),
]


def _in(encoding: str, declared: str = "") -> bytes:
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    return (head + document(image(shape(label=text_in(encoding))))).encode(encoding)


_BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]>'
TEXTS: list[Quirk] = [
    *(
        quirk(
            encoding,
            _in(encoding),
            1,
            SOUND,
            said=encoding.upper() if encoding in {"gb18030", "cp1252"} else "",
        )
        for encoding in ENCODINGS
    ),
    quirk("GB2312, declared", _in("gb18030", "GB2312"), 1, SOUND),
    quirk("Latin 1, declared", _in("cp1252", "ISO-8859-1"), 1, SOUND),
    quirk("UTF-16, declared", _in("utf-16", "UTF-16"), 1, SOUND),
    quirk("UTF-8, called UTF-16", _in("utf-8", "utf-16"), 1, SOUND),
    quirk("CRLF", document(image(shape())).replace("><", ">\r\n<"), 1, SOUND),
    quirk("a comment", document(image("<!-- x -->", shape(), "<?x y?>")), 1, SOUND),
    quirk("an element of others", document(image("<guide>x</guide>", shape())), 1, SOUND),
    quirk(
        "a document type", f"{_BOMB}{document(image(shape()))}", said="document type", stops=True
    ),
    quirk("cut short", document(image(shape()))[:200], said="no XML file", stops=True),
    quirk("empty", b"", said="no XML file", stops=True),
    quirk("JSON", b"{}", said="no XML file", stops=True),
]
QUIRKS: list[Quirk] = [*SHAPES, *WORDS, *PLACES, *TEXTS]
