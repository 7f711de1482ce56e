"""Odd folders of YOLO (Ultralytics, Roboflow, labelImg), and what they mean."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
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
YAML = "train: images\nval: images\nnames: [crack, rust]\n"


def _picture(name: str = "a.png") -> bytes:
    stream = BytesIO()
    turned = name == "turned.jpg"
    shape = (WIDTH, HEIGHT, 3) if turned else (HEIGHT, WIDTH, 3)
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    form = "JPEG" if turned else "PNG"
    Image.fromarray(np.full(shape, 90, np.uint8)).save(stream, form, exif=exif)
    return stream.getvalue()


def line(points: Points = SQUARE, number: Any = 0) -> str:
    """A polygon as YOLO writes it."""
    return " ".join([str(number), *(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in points)])


def files(
    text: str | bytes,
    yaml: str | bytes = YAML,
    place: str = "{0}/{1}",
    name: str = "a.png",
    **more: bytes,
) -> Files:
    """The label file in question, and the control; ``place``: where images and labels are."""
    stem, _, suffix = name.rpartition(".")
    labels = {stem: text if isinstance(text, bytes) else text.encode(), "c": line().encode()}
    found = {"data.yaml": yaml if isinstance(yaml, bytes) else yaml.encode()}
    for one, data in labels.items():
        image = CONTROL if one == "c" else f"{one}.{suffix}"
        found[place.format("images", image)] = _picture(image)
        found[place.format("labels", f"{one}.txt")] = data
    return {**found, **more}


# Files beside the labels; typed apart, since a call names them like arguments.
_LISTED: dict[str, Any] = {"list.txt": b"./images/a.png\r\nimages/c.png\r\n"}
_README: dict[str, Any] = {"README.md": b"x"}


def squared(
    name: str, /, text: str | bytes, mask: Mask = SOUND, said: str = "", **how: Any
) -> Quirk:
    """Lines with an area."""
    image = how.get("name", "a.png")
    return Quirk(name, files(text, **how), 1, mask, image=image, said=said)


def undrawn(name: str, /, text: str, **how: Any) -> Quirk:
    """Damage without an area."""
    return Quirk(name, files(text, **how), 1)


def undamaged(name: str, /, text: str | bytes, **how: Any) -> Quirk:
    """A label file that is there, and marks nothing."""
    return Quirk(name, files(text, **how), 0)


def refused(name: str, /, said: str, text: str | bytes, **how: Any) -> Quirk:
    """An image that is named, and of which nothing is taken."""
    return Quirk(name, files(text, **how), said=said)


def stops(name: str, /, said: str, yaml: str | bytes) -> Quirk:
    """A folder of which nothing can be taken at all."""
    return Quirk(name, files(line(), yaml), said=said, stops=True)


_OTHER = box(25, 5, 30, 9)
_TIE: Points = [(5, 5), (20, 20.4), (20, 5.2), (5, 20)]
_ODD: Points = [(5.31, 5.62), (20.43, 6.21), (18.74, 21.13)]
LINES: list[Quirk] = [
    squared("plain", line()),
    squared("a line break at the end", f"{line()}\n"),
    squared("CRLF", f"{line()}\r\n{line(_OTHER)}\r\n", SOUND | inside(_OTHER)),
    squared("two lines", f"{line()}\n{line(_OTHER, 1)}", SOUND | inside(_OTHER)),
    squared("the same line twice", f"{line()}\n{line()}\n"),
    squared("empty lines", f"\n\n{line()}\n \n"),
    squared("tabs", line().replace(" ", "\t")),
    squared("spaces", f"  {line().replace(' ', '   ')}  "),
    squared("anticlockwise", line(SQUARE[::-1])),
    squared("repeated points", line([one for one in SQUARE for _ in range(3)])),
    squared("closed", line([*SQUARE, SQUARE[0]])),
    squared("fractions", line(_ODD), inside(_ODD)),
    squared("a bow tie", line(_TIE), inside(_TIE)),
    squared("on the edge", line(box(30, 20, WIDTH, HEIGHT)), inside(box(30, 20, WIDTH, HEIGHT))),
    squared(
        "a little over the edge",
        line(box(30, 20, WIDTH + 1.6, HEIGHT + 1.2)),
        inside(box(30, 20, 60, 60)),
        said="cut off",
    ),
    squared(
        "a little below 0", line(box(-1.6, 5, 20, 20)), inside(box(0, 5, 20, 20)), said="cut off"
    ),
    refused("far over the edge", "shares", line(box(30, 20, 60, 60))),
    refused("in pixels", "shares", "0 5 5 20 5 20 20 5 20"),
    squared(
        "exponents",
        "0 1.25e-1 1.66666667e-1 5e-1 1.66666667e-1 5E-1 6.6666667e-1 0.125 6.6666667e-1",
    ),
    squared("class as a fraction", line(number="0.0")),
    squared(
        "a turned box",
        line([(10, 5), (20, 10), (15, 20), (5, 15)]),
        inside([(10, 5), (20, 10), (15, 20), (5, 15)]),
    ),
    undrawn("a box", "0 0.5 0.5 0.2 0.2"),
    undrawn("two boxes", "0 0.5 0.5 0.2 0.2\n1 0.2 0.2 0.1 0.1\n"),
    squared("a box and a polygon", f"0 0.5 0.5 0.2 0.2\n{line()}"),
    Quirk("points in a row", files(line([(5, 10), (10, 10), (20, 10)])), said="without an area"),
    undamaged("empty", ""),
    undamaged("of white space", " \n\n"),
    undamaged("of a byte order mark", b"\xef\xbb\xbf"),
    refused("a confidence behind a box", "confidence", "0 0.5 0.5 0.2 0.2 0.93"),
    refused("a confidence behind a polygon", "confidence", f"{line()} 0.93"),
    refused("a class alone", "neither a box", "0"),
    refused("two numbers", "neither a box", "0 0.5 0.5"),
    refused("a comma in numbers", "no number", line().replace(".", ",")),
    refused("commas between", "no number", line().replace(" ", ",")),
    refused("a comment", "no number", f"# crack\n{line()}"),
    refused("class by name", "no number", line(number="crack")),
    refused("unknown class", "does not name", line(number=9)),
    refused("class 255", "does not name", line(number=255)),
    refused("class below 0", "does not name", line(number=-1)),
    refused("half a class", "does not name", line(number=0.5)),
    refused("not a number", "no number", line().replace("0.125000", "nan", 1)),
    refused("one bad line among good ones", "Line 2", f"{line()}\n0 x\n{line()}"),
]


def named(names: str, /, text: str | None = None, mask: Mask = SOUND, **how: Any) -> Quirk:
    """Names of classes, written as a line of YAML."""
    return squared(
        f"names {names[:24]}", text or line(), mask, yaml=f"train: images\n{names}\n", **how
    )


_HOLE = box(10, 10, 15, 15)
NAMES: list[Quirk] = [
    named("names: [crack]"),
    named("names: {0: crack}"),
    named("names: {'0': crack}"),
    named("names:\n- crack"),
    named("names:\n  0: crack\n  3: rust", line(number=3)),
    named("names: [1, 2]"),
    named("nc: 2\nnames: ['crack', 'rust']"),
    named("names: [crack] # one"),
    named(f"names: [{', '.join(f'c{n}' for n in range(256))}]", line(number=255)),
    squared(
        "a hole by a class",
        f"{line()}\n{line(_HOLE, 1)}",
        SOUND & ~inside(_HOLE),
        yaml="train: images\nnames: [crack, background]\n",
    ),
    Quirk("a class good", files(line(), "train: images\nnames: [good]\n"), alone=True),
    Quirk("a class ignore", files(f"{line(number=1)}", "train: images\nnames: [crack, ignore]\n")),
    undrawn("key points", "0 0.5 0.5 0.2 0.2 0.4 0.6 0.6 0.1", yaml=f"{YAML}kpt_shape: [2, 2]\n"),
    undrawn(
        "key points of three numbers",
        "0 0.5 0.5 0.2 0.2 0.4 0.6 2 0.6 0.1 0",
        yaml=f"{YAML}kpt_shape: [2, 3]\n",
    ),
    stops("no names", "no names", "train: images\n"),
    stops("names of text", "no names", "train: images\nnames: crack\n"),
    stops("names with keys of text", "no names", "train: images\nnames: {a: crack}\n"),
    stops("an alias", "no YAML", "a: &a [x]\nnames: *a\n"),
    stops("a tag that runs code", "no YAML", "names: !!python/object/apply:os.system ['true']\n"),
    stops("a tab", "no YAML", "names:\n\t- crack\n"),
    stops("empty YAML", "no names", ""),
]
_ROBOFLOW = (
    "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['crack']\n"
)
PLACES: list[Quirk] = [
    squared("Roboflow's folders", line(), yaml=_ROBOFLOW, place="train/{0}/{1}"),
    squared(
        "Ultralytics' folders",
        line(),
        yaml="path: ../datasets/x\ntrain: images/train\nval: images/train\nnames: [crack]\n",
        place="{0}/train/{1}",
    ),
    squared(
        "path of another PC", line(), yaml="path: C:\\Users\\li\\x\ntrain: images\nnames: [crack]\n"
    ),
    squared(
        "with backslashes",
        line(),
        yaml="train: images\\train\nnames: [crack]\n",
        place="{0}/train/{1}",
    ),
    squared("all in one folder", line(), yaml="train: .\nnames: [crack]\n", place="all/{1}"),
    squared("nested", line(), yaml="train: images\nnames: [crack]\n", place="{0}/x/y/{1}"),
    squared("no split at all", line(), yaml="names: [crack]\n"),
    squared(
        "a list of folders",
        line(),
        yaml="train: [images/one, images/two]\nnames: [crack]\n",
        place="{0}/one/{1}",
        said="images/two",
    ),
    squared(
        "a list of images",
        line(),
        yaml="train: list.txt\nnames: [crack]\n",
        **_LISTED,
    ),
    squared("the same folder twice", line()),
    squared("another name of the YAML", line(), **_README),
    squared("two suffixes", line(), name="x.y.png"),
    squared("an umlaut", line(), name="ü b.png"),
    squared("brackets and a space", line(), name="A-1 (2).png"),
    squared("turned by EXIF", line(), name="turned.jpg"),
    Quirk(
        "no label file",
        {key: data for key, data in files(line()).items() if key != "labels/a.txt"},
        alone=True,
    ),
    Quirk("a damaged image", {**files(line()), "images/a.png": b"\x89PNG"}, said="a.png"),
    Quirk("labels of no image", {**files(line()), "labels/z.txt": b"x"}, 1, SOUND),
    Quirk(
        "a Mac's shadow",
        {**files(line()), "labels/._a.txt": b"x", "images/._a.png": b"x"},
        1,
        SOUND,
    ),
    Quirk("the YAML alone is given", files(line()), 1, SOUND, path="data.yaml"),
    Quirk(
        "no YAML",
        {key: data for key, data in files(line()).items() if key != "data.yaml"},
        said="no data.yaml",
        stops=True,
    ),
    Quirk(
        "a folder of nothing", {"data.yaml": YAML.encode()}, said="There is no images", alone=True
    ),
]
TEXTS: list[Quirk] = [
    *(
        squared(
            f"YAML in {encoding}",
            line(),
            yaml=f"train: images\nnames: [{text_in(encoding)}]\n".encode(encoding),
            said=encoding.upper() if encoding in {"gb18030", "cp1252"} else "",
        )
        for encoding in ENCODINGS
    ),
    *(
        squared(f"labels in {encoding}", line().encode(encoding))
        for encoding in ("utf-8-sig", "utf-16", "utf-16-le")
    ),
]
QUIRKS: list[Quirk] = [*LINES, *NAMES, *PLACES, *TEXTS]
