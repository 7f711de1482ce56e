"""Bombs among the pictures of a project: the window shows the images, without what is none."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from driver import wait_for
from PySide6.QtWidgets import QApplication

from cfinspect.engine.base.images import write_png
from cfinspect.engine.inference.inspector import Inspection
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.project.listing import by_ids
from cfinspect.project.predictions import Inspected, save
from cfinspect.project.project import Project
from cfinspect.project.saliency import SaliencyCache
from cfinspect.project.scan import scan
from cfinspect.ui.jobs.picture import Picture
from cfinspect.ui.jobs.picture_reader import PictureReader, read_state
from cfinspect.ui.jobs.thumbnails import SIDE, Thumbnails, Wanted

pytest_plugins = ["stage"]

HEIGHT, WIDTH = 20, 30
METADATA = ModelMetadata(
    created="2026-01-01T00:00:00+00:00",
    cfinspect_version="0",
    generator=NetworkSpec("identity"),
    discriminator=NetworkSpec("compact"),
    preprocessing=Preprocessing(size=32),
    decision=Decision(score_threshold=0.5),
)


def bomb(side: int, rows: int | None = None) -> bytes:
    """A PNG of ``side`` px of 1 bit; ``rows``: of how many there are pixels (None: one byte)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = b"x" if rows is None else bytes((1 + side // 8) * rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def project(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """One image that a model has marked."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    write_png(tmp_path / "a.png", image)
    with Project.create(tmp_path, domain="crack", human=True) as made:
        scan(made)
        model = made.add_model(Path("model.safetensors"), "m1", METADATA)
        made.bind(made.folders()[0], model)
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[2:6, 2:9] = True
        said = Inspection(
            label=1,
            score=0.9,
            p0=0.1,
            p1=0.9,
            p_fake=0.1,
            flipped=True,
            review=False,
            reasons=(),
            saliency=mask.astype(np.float32),
            counterfactual=image,
            mask=mask,
            area_fraction=float(mask.mean()),
            head=0.9,
        )
        save(made, model, [Inspected(1, image, said)], SaliencyCache(made))
        yield made


def shown(project: Project) -> Picture:
    """The image as the window gets it."""
    came: list[Picture] = []
    reader = PictureReader(came.append, lambda: False)
    facts = read_state(project, 1)
    assert facts is not None
    reader.read(facts, first=True)
    reader.close()
    return came[-1]


def test_the_whole_picture_is_shown(project: Project) -> None:
    picture = shown(project)
    assert not picture.error
    assert picture.levels and picture.saliency and picture.counterfactual
    assert picture.mask is not None


@pytest.mark.parametrize("data", [bomb(40_000), bomb(32_000, 32_000), bomb(24), b"x"], ids=range(4))
def test_an_image_is_shown_without_maps_that_are_none_of_its_size(
    project: Project, data: bytes
) -> None:
    path = project.paths.saliency_file(1, 1)
    path.write_bytes(data)
    path.with_suffix(".jpg").write_bytes(data)

    picture = shown(project)
    assert not picture.error
    assert picture.levels
    assert not picture.saliency
    assert not picture.counterfactual


def test_an_image_is_shown_without_a_mask_of_the_model_that_is_none(project: Project) -> None:
    with project.database.writing() as connection:
        connection.execute("UPDATE prediction SET mask = ?", (bomb(32_000, 32_000),))

    picture = shown(project)
    assert "inspect it again" in picture.error
    assert picture.levels
    assert picture.mask is None


@pytest.mark.parametrize(
    "data", [bomb(40_000), bomb(32_000, 32_000), b"x", bytes(2 << 20)], ids=range(4)
)
def test_a_thumbnail_that_is_none_is_made_anew(
    project: Project, data: bytes, request: pytest.FixtureRequest
) -> None:
    (row,) = by_ids(project, [1])
    path = project.paths.thumbnail_file(row.digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)

    thumbnails = Thumbnails(project.paths)
    request.addfinalizer(thumbnails.close)
    wanted = Wanted(row.digest, row.path, row.reach)
    assert thumbnails.get(wanted) is None
    wait_for(lambda: thumbnails.get(wanted) is not None)
    picture = thumbnails.get(wanted)
    assert picture is not None
    assert (picture.height(), picture.width()) == (HEIGHT, WIDTH)
    assert picture.width() <= SIDE
    assert path.read_bytes()[:2] == b"\xff\xd8"
