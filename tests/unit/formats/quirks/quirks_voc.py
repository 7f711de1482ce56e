"""Odd folders of Pascal VOC: masks with and without boxes, and boxes alone; what they mean."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from quirk import (
    ENCODINGS,
    HEIGHT,
    SQUARE,
    WIDTH,
    Files,
    Mask,
    Quirk,
    box,
    inside,
    text_in,
)

SOUND = inside(SQUARE)
_BOX = "<bndbox><xmin>6</xmin><ymin>6</ymin><xmax>20</xmax><ymax>20</ymax></bndbox>"
_SIZE = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"

_TURNED = "<size><width>30</width><height>40</height></size>"


def thing(name: str | None = "crack", inner: str = _BOX) -> str:
    """An object."""
    return f"<object>{'' if name is None else f'<name>{name}</name>'}{inner}</object>"


def document(*things: str, name: str | None = "a.png", size: str = _SIZE, more: str = "") -> str:
    """The XML of an image."""
    file = "" if name is None else f"<filename>{name}</filename>"
    return f"<annotation><folder>x</folder>{file}{size}{more}{''.join(things)}</annotation>"


def boxes(text: str | bytes, file: str = "Annotations/a.xml", /, **more: bytes) -> Files:
    """A folder of boxes alone, with the control."""
    data = text if isinstance(text, bytes) else text.encode()
    return {file: data, "Annotations/c.xml": document(thing(), name="c.png").encode(), **more}


def damaged(name: str, text: str | bytes, /, **how: Any) -> Quirk:
    """Boxes: damage without an area."""
    return Quirk(name, boxes(text), 1, **how)


def silent(name: str, text: str, /, **how: Any) -> Quirk:
    """Boxes of nothing that is damage, which do not say that there is none elsewhere."""
    return Quirk(name, boxes(text), **how)


_HOLE = "<polygon><x1>5</x1><y1>5</y1><x2>20</x2><y2>5</y2><x3>20</x3><y3>20</y3></polygon>"
_XML = document(thing())
BOXES: list[Quirk] = [
    damaged("plain boxes", _XML),
    damaged("two objects", document(thing(), thing("rust"))),
    damaged("difficult", document(thing(inner=f"{_BOX}<difficult>1</difficult>"))),
    damaged("truncated", document(thing(inner=f"{_BOX}<truncated>1</truncated><pose>Left</pose>"))),
    damaged("occluded, with parts", document(thing(inner=f"<part><name>x</name>{_BOX}</part>"))),
    damaged("a box of fractions", document(thing(inner=_BOX.replace("6<", "6.5<")))),
    damaged("a box below 0", document(thing(inner=_BOX.replace(">6<", ">-6<")))),
    damaged("a box turned round", document(thing(inner=_BOX.replace(">6<", ">60<")))),
    damaged("a box of text", document(thing(inner=_BOX.replace(">6<", ">x<")))),
    damaged("no box", document(thing(inner=""))),
    damaged("a polygon of Roboflow", document(thing(inner=_BOX + _HOLE))),
    damaged("a turned box", document(thing(inner="<robndbox><cx>9</cx></robndbox>"))),
    damaged("no name of a class", document(thing(None))),
    damaged("an empty name of a class", document(thing(""))),
    damaged("labelImg", _XML.replace("<annotation>", '<annotation verified="yes">')),
    damaged(
        "an attribute list", document(thing(inner=f"{_BOX}<attributes><attribute/></attributes>"))
    ),
    silent("no object", document()),
    silent("an object good", document(thing("good"))),
    silent("an object ignore", document(thing("ignore"))),
    damaged("good and crack", document(thing("good"), thing())),
    damaged("no size", document(thing(), size="")),
    damaged("size 0", document(thing(), size=_SIZE.replace("40", "0").replace("30", "0"))),
    damaged("size empty", document(thing(), size="<size><width/><height/></size>")),
    damaged("size a fraction", document(thing(), size=_SIZE.replace("40", "40.0"))),
    # The word for an image holds whatever its size; only masks must fit.
    damaged("size of another image", document(thing(), size=_SIZE.replace("40", "41"))),
    damaged("sizes changed over", document(thing(), size=_TURNED)),
    Quirk(
        "size of text", boxes(document(thing(), size=_SIZE.replace("40", "wide"))), said="no number"
    ),
    damaged("no file name", document(thing(), name=None)),
    damaged("file name empty", document(thing(), name="")),
    damaged("file name without suffix", document(thing(), name="a")),
    damaged("path of Windows", document(thing(), name="images\\a.png")),
    damaged("path of another PC", document(thing(), name="C:\\x\\a.png")),
    damaged("path above", document(thing(), name="../../a.png")),
    damaged("path in capitals", document(thing(), name="A.PNG")),
    damaged("another suffix", document(thing(), name="a.jpg")),
    damaged("two suffixes", document(thing(), name="x.y.png"), image="x.y.png"),
    damaged("two suffixes, none of an image", document(thing(), name="x.y"), image="x.y.png"),
    damaged("umlaut in pieces", document(thing(), name="u\u0308 b.png"), image="ü b.png"),
    damaged("brackets and a space", document(thing(), name="A-1 (2).png"), image="A-1 (2).png"),
    damaged("in a folder", document(thing(), name="sub/d.png"), image="sub/d.png"),
    damaged("turned by EXIF, upright", document(thing(), name="turned.jpg"), image="turned.jpg"),
    Quirk("an unknown image", boxes(document(thing(), name="z.png")), said="no single one"),
    Quirk(
        "file name with a line break", boxes(document(thing(), name="a\n.png")), said="file name"
    ),
    Quirk("nested", boxes(_XML, "Annotations/x/a.xml"), 1),
    Quirk(
        "a folder of XML alone",
        {"a.xml": _XML.encode(), "c.xml": document(thing(), name="c.png").encode()},
        1,
    ),
    Quirk("one file is given", {"a.xml": _XML.encode()}, 1, path="a.xml", alone=True),
    Quirk("a Mac's shadow", boxes(_XML, **{"Annotations/._a.xml": b"x"}), 1),
    Quirk("another suffix in capitals", boxes(_XML, "Annotations/a.XML"), 1),
    Quirk(
        "no XML among them",
        boxes(_XML, **{"Annotations/b.xml": b"{}"}),
        1,
        said="b.xml is no XML file",
    ),
    Quirk("cut short", boxes(_XML[:80]), said="a.xml is no XML file"),
    Quirk("a document type", boxes(f"<!DOCTYPE a>{_XML}"), said="document type"),
    Quirk("nothing at all", {"x.md": b"x"}, said="no folder SegmentationClass", stops=True),
    *(
        damaged(
            f"boxes in {encoding}",
            document(thing(text_in(encoding))).encode(encoding),
            said=encoding.upper() if encoding in {"gb18030", "cp1252"} else "",
        )
        for encoding in ENCODINGS
    ),
    damaged("UTF-8, called UTF-16", f'<?xml version="1.0" encoding="utf-16"?>{_XML}'),
    damaged(
        "GBK, declared",
        f'<?xml version="1.0" encoding="GBK"?>{document(thing("裂纹"))}'.encode("gbk"),
    ),
]


def png(array: NDArray[Any], mode: str | None = None, palette: bool = False) -> bytes:
    """A mask as a PNG; ``palette``: indexed, with VOC's first colours."""
    image = Image.fromarray(array.astype(np.uint8) if array.dtype == np.bool_ else array)
    if palette:
        image = Image.fromarray(array.astype(np.uint8), mode="P")
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [9] * 756)
    stream = BytesIO()
    (image.convert(mode) if mode else image).save(stream, "PNG")
    return stream.getvalue()


def masks(data: bytes, file: str = "a.png", /, **more: bytes) -> Files:
    """A folder of masks with the control."""
    control = {"SegmentationClass/c.png": png(SOUND, palette=True)}
    return {f"SegmentationClass/{file}": data, **control, **more}


def drawn(name: str, data: bytes, mask: Mask = SOUND, /, **how: Any) -> Quirk:
    """A mask with something in it."""
    said, image, file = how.pop("said", ""), how.pop("image", "a.png"), how.pop("file", "a.png")
    return Quirk(name, masks(data, file, **how), 1, mask, image=image, said=said)


def _colours(**rows: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The square in one colour, a stripe below it in another."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[SOUND] = rows["square"]
    pixels[inside(box(0, 25, 40, 30))] = rows.get("stripe", (0, 0, 0))
    return pixels


_STRIPE = inside(box(0, 25, 40, 30))
_EDGE = inside(box(4, 4, 21, 21)) & ~SOUND
_TWO = SOUND * np.uint8(1) + _STRIPE * np.uint8(2)
_MAP = b"# label:color_rgb:parts:actions\nbackground:0,0,0::\ncrack:128,0,0::\nrust:250,50,83::\n"
_MAPPED = _colours(square=(128, 0, 0), stripe=(250, 50, 83))
_ENDS = _MAP.replace(b"\n", b"\r\n")
MASKS: list[Quirk] = [
    drawn("indexed", png(SOUND, palette=True)),
    drawn("indexed, two classes", png(_TWO, palette=True), SOUND | _STRIPE),
    drawn("with VOC's border", png(SOUND * np.uint8(1) + _EDGE * np.uint8(255), palette=True)),
    drawn("grey class numbers", png(_TWO), SOUND | _STRIPE),
    drawn("black and white", png(SOUND * np.uint8(255))),
    drawn("1 bit", png(SOUND * np.uint8(255), "1")),
    drawn("colours of VOC", png(_colours(square=(128, 0, 0), stripe=(0, 128, 0))), SOUND | _STRIPE),
    drawn("colours of a map", png(_MAPPED), SOUND | _STRIPE, **{"labelmap.txt": _MAP}),
    drawn("a map with CRLF", png(_MAPPED), SOUND | _STRIPE, **{"labelmap.txt": _ENDS}),
    drawn(
        "a map with a mark",
        png(_MAPPED),
        SOUND | _STRIPE,
        **{"labelmap.txt": b"\xef\xbb\xbf" + _MAP},
    ),
    drawn(
        "a map in UTF-16",
        png(_MAPPED),
        SOUND | _STRIPE,
        **{"labelmap.txt": _MAP.decode().encode("utf-16")},
    ),
    Quirk("nothing marked", masks(png(SOUND & False, palette=True)), 0),
    Quirk("nothing but a border", masks(png(_EDGE * np.uint8(255), palette=True)), 1, _EDGE),
    Quirk(
        "an unknown colour",
        masks(png(_colours(square=(1, 2, 3)))),
        said="labelmap.txt does not name",
    ),
    Quirk(
        "a colour that the map leaves out",
        masks(png(_colours(square=(9, 9, 99))), **{"labelmap.txt": _MAP}),
        said="does not name",
    ),
    Quirk(
        "of another size", masks(png(np.ones((9, 9), np.uint8), palette=True)), said="must be equal"
    ),
    Quirk("sizes changed over", masks(png(SOUND.T, palette=True)), said="must be equal"),
    Quirk("cut short", masks(png(SOUND, palette=True)[:60]), said="a.png"),
    Quirk("no picture", masks(b"x"), said="a.png"),
    Quirk("empty file", masks(b""), said="empty"),
    drawn(
        "objects beside it",
        png(SOUND, palette=True),
        **{"SegmentationObject/a.png": png(_TWO, palette=True)},
    ),
    drawn("boxes beside it", png(SOUND, palette=True), **{"Annotations/a.xml": _XML.encode()}),
    drawn(
        "boxes that name another image",
        png(SOUND, palette=True),
        image="b.png",
        **{"Annotations/a.xml": document(thing(), name="b.png").encode()},
    ),
    Quirk(
        "damaged boxes beside it",
        masks(png(SOUND, palette=True), **{"Annotations/a.xml": b"<"}),
        said="a.xml",
    ),
    drawn("two suffixes", png(SOUND, palette=True), file="x.y.png", image="x.y.png"),
    drawn("umlaut in pieces", png(SOUND, palette=True), file="u\u0308 b.png", image="ü b.png"),
    drawn("in a folder", png(SOUND, palette=True), file="sub/d.png", image="sub/d.png"),
    drawn(
        "turned by EXIF, upright", png(SOUND, palette=True), file="turned.png", image="turned.jpg"
    ),
    Quirk(
        "a Mac's shadow",
        masks(png(SOUND, palette=True), **{"SegmentationClass/._a.png": b"x"}),
        1,
        SOUND,
    ),
    Quirk(
        "the system's files",
        masks(png(SOUND, palette=True), **{"SegmentationClass/Thumbs.db": b"x"}),
        1,
        SOUND,
    ),
    Quirk(
        "a map of nonsense",
        masks(png(SOUND, palette=True), **{"labelmap.txt": b"crack"}),
        said="must have lines",
        stops=True,
    ),
]
QUIRKS: list[Quirk] = [
    *BOXES,
    *(Quirk(**{**vars(one), "name": f"mask: {one.name}"}) for one in MASKS),
]
