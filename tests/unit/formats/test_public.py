"""The layouts of public data sets, rebuilt small with all their quirks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded_progress import Recorded

from cfinspect.engine.base.images import read_image
from cfinspect.engine.base.progress import Cancelled
from cfinspect.formats.exchange_types import FormatError
from cfinspect.formats.importing import Source, import_labels
from cfinspect.formats.public import casc_ifw, concrete_crack
from cfinspect.formats.tiles import Cut, cut_tiles
from cfinspect.project.finding import find
from cfinspect.project.listing import list_images
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, human_of, read_mask_of

HIGH, WIDE = 96, 160


@pytest.fixture
def concrete(tmp_path: Path) -> Path:
    """Four photos with a bright square where the mask is; EXIF turns three of them."""
    root = tmp_path / "concrete"
    (root / "rgb").mkdir(parents=True)
    (root / "BW").mkdir()
    chance = np.random.default_rng(0)
    for number, (how, suffix) in enumerate(((1, "jpg"), (6, "JPG"), (3, "jpg"), (8, "JPG"))):
        stored = chance.integers(60, 90, (HIGH, WIDE, 3)).astype(np.uint8)
        mask = np.zeros((HIGH, WIDE), np.uint8)
        stored[16:48, 8:40] = 230
        mask[16:48, 8:40] = 255
        exif = Image.Exif()
        exif[0x0112] = how
        photo = root / "rgb" / f"{number:03d}.{suffix}"
        Image.fromarray(stored).save(photo, "JPEG", quality=95, exif=exif)
        # A JPEG mask has greys at its edges.
        Image.fromarray(mask).save(root / "BW" / f"{number:03d}.jpg", quality=60)
    return root


def test_masks_lie_where_the_upright_photo_shows_the_crack(concrete: Path) -> None:
    photos = list(concrete_crack(concrete))
    assert len(photos) == 4
    for photo in photos:
        mask = photo.read_mask()
        assert mask is not None
        bright = read_image(photo.path)[..., 0] > 160
        assert mask.shape == bright.shape
        assert (mask & bright).sum() / (mask | bright).sum() > 0.95


def test_import_adds_the_photos_with_their_masks(concrete: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with Project.create(tmp_path / "home", human=True) as project:
        report = import_labels(
            project, Source("concrete-crack", concrete), who="set", domain="crack"
        )
        assert (report.taken, report.masks, report.unknown) == (4, 4, 0)
        for row in list_images(project):
            said = human_of(project, row.id)
            assert said.verdict is Verdict.DAMAGED
            mask = read_mask_of(project, said)
            assert mask is not None
            bright = read_image(row.path)[..., 0] > 160
            assert ((mask > 0) & bright).sum() / ((mask > 0) | bright).sum() > 0.95


def test_what_is_not_that_set_is_said(tmp_path: Path, concrete: Path) -> None:
    with pytest.raises(FormatError, match="rgb and BW"):
        list(concrete_crack(tmp_path))
    Image.new("L", (10, 10)).save(concrete / "BW" / "000.jpg")
    with pytest.raises(FormatError, match="different photos"):
        next(concrete_crack(concrete)).read_mask()


def test_apples_are_labelled_by_their_folders(tmp_path: Path) -> None:
    root = tmp_path / "CASC"
    for name in ("Undamaged Apples", "damaged/red", "Infested", "notes"):
        (root / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), (len(name), 0, 0)).save(root / name / "a.png")
    assert {photo.path.parent.name: photo.label for photo in casc_ifw(root)} == {
        "Infested": 1,
        "red": 1,
        "Undamaged Apples": 0,
    }
    (tmp_path / "home").mkdir()
    with Project.create(tmp_path / "home", human=True) as project:
        report = import_labels(project, Source("casc-ifw", root), who="set", domain="apple")
        assert report.taken == 3
        image = find(project, str(root / "Infested" / "a.png"))
        assert human_of(project, image.id).verdict is Verdict.DAMAGED
        with pytest.raises(FormatError, match="apples"):
            import_labels(project, Source("casc-ifw", tmp_path / "home"), who="set")
        assert len(project.folders()) == 2


def test_photos_become_labelled_tiles(concrete: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiles"
    report = cut_tiles(concrete, out, Cut(size=32))
    assert report.photos == 4
    damaged, undamaged = (sorted((out / word).iterdir()) for word in ("damaged", "undamaged"))
    assert (len(damaged), len(undamaged)) == (report.damaged, report.undamaged)
    assert report.damaged + report.undamaged + report.dropped == 4 * 15
    for tile in damaged:
        mask = np.asarray(Image.open(out / "masks" / tile.name)) > 0
        bright = read_image(tile)[..., 0] > 160
        assert mask.mean() >= 0.005
        assert (mask & bright).sum() / (mask | bright).sum() > 0.8
    for tile in undamaged:
        assert (read_image(tile)[..., 0] > 160).mean() < 0.02
    table = (out / "labels.csv").read_text().splitlines()
    assert table[0] == "filename,label,group"
    assert len(table) == 1 + len(damaged) + len(undamaged)
    assert {line.split(",")[2] for line in table[1:]} == {"000", "001", "002", "003"}


def test_a_cancelled_cut_leaves_no_tiles(concrete: Path, tmp_path: Path) -> None:
    progress = Recorded(after=2)
    with pytest.raises(Cancelled):
        cut_tiles(concrete, tmp_path / "tiles", Cut(size=32), progress=progress)
    assert progress.seen == [(0, 4), (1, 4)]
    assert [path.name for path in tmp_path.iterdir()] == ["concrete"]


def test_overlap_limits_and_remainders(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for folder in ("damaged", "undamaged", "masks"):
        (data / folder).mkdir(parents=True)
    chance = np.random.default_rng(0)
    for folder in ("damaged", "undamaged"):
        pixels = chance.integers(0, 255, (100, 150, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(data / folder / "a.png")
    mask = np.zeros((100, 150), np.uint8)
    mask[40, 0:150] = 255  # a line of one pixel
    mask[99, 149] = 255  # one pixel in the corner
    Image.fromarray(mask).save(data / "masks" / "a.png")
    report = cut_tiles(data, tmp_path / "one", Cut(size=50))
    assert (report.damaged, report.undamaged, report.dropped) == (3, 6 + 2, 1)
    names = {path.name for path in (tmp_path / "one" / "damaged").iterdir()}
    assert names == {f"d_a_00000_{x:05d}.png" for x in (0, 50, 100)}
    half = cut_tiles(data, tmp_path / "two", Cut(size=50, overlap=0.5))
    assert half.damaged == 2 * 5
    few = cut_tiles(data, tmp_path / "three", Cut(size=50, undamaged_per_photo=1))
    assert few.undamaged == 2
    with pytest.raises(FormatError, match="not empty"):
        cut_tiles(data, tmp_path / "three")
    Image.fromarray(mask).save(data / "damaged" / "nomask.png")
    told = cut_tiles(data, tmp_path / "four", Cut(size=50))
    assert "nomask.png" in told.problems[0]
    for bad in ({"size": 4}, {"overlap": 1.0}, {"min_damage": 0.0}):
        with pytest.raises(FormatError):
            Cut(**bad)
