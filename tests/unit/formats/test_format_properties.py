"""What must hold for every export that is read back, tried on what hypothesis makes up."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import repeatable
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from labelled import taken

from cfinspect.engine.base.images import write_png
from cfinspect.formats.exchange_types import About, ImportedImage, IndexMask, Item, Options
from cfinspect.formats.naming import Matcher, flat_stems
from cfinspect.formats.registry import FORMATS
from cfinspect.project.listing import list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan

repeatable.load()

# All that the project takes as the name of a mask class (see `mask_class`).
TEXT = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\ufffe\uffff")
CLASS_NAMES = st.text(TEXT, min_size=1, max_size=12).map(str.strip).filter(bool)
FILE_NAMES = st.text(TEXT, min_size=1, max_size=12).filter(lambda name: name[0] != ".")
PARTS = st.lists(FILE_NAMES, min_size=1, max_size=3)


@dataclass(frozen=True)
class Drawn:
    """What an export is of: masks of class numbers with these names, and labels."""

    classes: Mapping[int, str]
    masks: tuple[IndexMask, ...]
    labels: tuple[int, ...]


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    names = draw(st.lists(CLASS_NAMES, min_size=1, max_size=3, unique=True))
    sides = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
    one = hnp.arrays(np.uint8, sides, elements=st.integers(0, len(names)))
    masks = tuple(draw(st.lists(one, min_size=1, max_size=3)))
    labels = tuple(int(bool(mask.any()) or draw(st.booleans())) for mask in masks)
    return Drawn(dict(enumerate(names, 1)), masks, labels)


@contextmanager
def exported(name: str, what: Drawn, options: Options) -> Iterator[list[ImportedImage]]:
    """Write items in a format into a new folder and read them back, in the order given."""
    form = FORMATS[name]
    assert form.write is not None
    assert form.read is not None
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "source", Path(folder) / "out"
        source.mkdir()
        out.mkdir()
        items = []
        for number, (mask, label) in enumerate(zip(what.masks, what.labels, strict=True)):
            path = source / f"s{number}.png"
            write_png(path, np.full((*mask.shape, 3), number, np.uint8))
            height, width = mask.shape
            items.append(Item(path.name, f"s{number}", path, width, height, label, mask))
        form.write(out, iter(items), About(what.classes, {}), options)
        found = {Path(one.name).stem[:2]: one for one in taken(form.read, out)}
        assert sorted(found) == [item.stem for item in items]
        yield [found[item.stem] for item in items]


def parts_of(mask: IndexMask, classes: Mapping[int, str]) -> dict[str, list[list[bool]]]:
    return {name: (mask == n).tolist() for n, name in classes.items() if (mask == n).any()}


def named(*names: str) -> Drawn:
    """One mask with a pixel of each class."""
    mask = np.arange(len(names) + 1, dtype=np.uint8)[None]
    return Drawn(dict(enumerate(names, 1)), (mask,), (1,))


@pytest.mark.parametrize(
    ("form", "polygons"),
    [
        ("png", False),
        ("coco", False),
        ("coco", True),
        ("voc", False),
        ("labelme", False),
        ("labelme", True),
        ("cvat", False),
        ("cvat", True),
        ("yolo", True),
    ],
)
@settings(max_examples=30)
@example(what=named("a:b", "[0]", "#", "null", "1", "'", '"', "\\", "a/b", "a, b", "]]>"))
@example(what=named("\U0001f50d", "a\u2028b", "\u00a0x", "\ufeff", "\ufffd", "\U0001ffff"))
@given(what=drawn())
def test_every_pixel_keeps_the_name_of_its_class(form: str, polygons: bool, what: Drawn) -> None:
    with exported(form, what, Options(polygons=polygons)) as found:
        for mask, one in zip(what.masks, found, strict=True):
            parts = {name: part.tolist() for name, part in one.parts.items()}
            assert parts == parts_of(mask, what.classes)


@pytest.mark.parametrize("form", ["png-binary", "cfinspect"])
@settings(max_examples=30)
@given(what=drawn())
def test_formats_of_one_class_keep_what_is_damaged(form: str, what: Drawn) -> None:
    with exported(form, what, Options()) as found:
        for mask, one in zip(what.masks, found, strict=True):
            assert sum(one.parts.values(), np.zeros(mask.shape, bool)).tolist() == (
                (mask > 0).tolist()
            )


@pytest.mark.parametrize("form", ["coco", "labelme", "cvat", "cfinspect", "csv"])
@settings(max_examples=20)
@given(what=drawn())
def test_every_label_comes_back(form: str, what: Drawn) -> None:
    with exported(form, what, Options()) as found:
        assert [one.label for one in found] == list(what.labels)


def folded(path: Path) -> str:
    return unicodedata.normalize("NFC", path.as_posix()).casefold()


@settings(max_examples=40)
@given(st.lists(PARTS, min_size=1, max_size=5, unique_by=lambda one: "/".join(one).casefold()))
def test_flat_names_are_different_and_lead_back(names: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "photos"
        root.mkdir()
        made: set[Path] = set()
        for number, parts in enumerate(names):
            path = root.joinpath(*parts[:-1], f"{parts[-1]}.png")
            # Systems that fold names would have one file of two of these.
            if any(folded(path) in folded(other) for other in made):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(path, np.full((2, 2, 3), number, np.uint8))
            made.add(path)
        with Project.create(root, human=True) as project:
            assert scan(project).problems == []
            rows = list_images(project)
            assert len(rows) == len(made)
            stems = flat_stems(project)
            assert len({stem.casefold() for stem in stems.values()}) == len(rows)
            matcher = Matcher(project)
            for row in rows:
                assert matcher.find(f"{stems[row.id]}.png") == row.id
                assert matcher.find(f"somewhere/{stems[row.id]}.png") in {row.id, None}
