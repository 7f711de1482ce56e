"""Pictures in a project's folder are decoded only if they are what cfinspect puts there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from studio import SIDE, inspected_project

from cfinspect.formats.exporting import export
from cfinspect.project.database import ProjectError
from cfinspect.project.finding import find
from cfinspect.project.kept_pictures import decode_map, decode_photo
from cfinspect.project.predictions import prediction_of
from cfinspect.project.project import Project
from cfinspect.project.saliency import SaliencyCache, kept_counterfactual, kept_saliency
from cfinspect.project.verdicts import Verdict, decide

CHANCE = np.random.default_rng(0)
MAP = CHANCE.integers(0, 255, (20, 30), np.uint8)
PHOTO = np.repeat(np.repeat(CHANCE.integers(0, 255, (3, 4, 3), np.uint8), 8, axis=0), 8, axis=1)


def png(width: int, height: int, depth: int = 1, kind: int = 0, rows: bytes = b"x") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels


def encoded(suffix: str, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    return cv2.imencode(suffix, np.ascontiguousarray(ordered))[1].tobytes()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the real user's folder."""
    monkeypatch.setenv("CFINSPECT_HOME", str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with inspected_project(tmp_path / "hall", [0.9, 0.8]) as found:
        yield found


def test_maps_and_photos_of_the_right_size_are_decoded() -> None:
    found = decode_map(encoded(".png", MAP), (20, 30))
    assert found is not None
    assert (found == MAP).all()
    for photo in (
        decode_photo(encoded(".jpg", PHOTO), (24, 32)),
        decode_photo(encoded(".jpg", PHOTO), most=32),
    ):
        assert photo is not None
        assert np.abs(photo.astype(int) - PHOTO).mean() < 12


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"GIF89a",
        encoded(".png", MAP)[:30],
        encoded(".png", MAP)[:-30],
        encoded(".png", MAP.T.copy()),
        encoded(".png", PHOTO[:20, :30]),
        encoded(".jpg", MAP),
        encoded(".bmp", MAP),
        png(32_000, 32_000),
        png(30, 20, depth=16),
        png(30, 20, kind=3),
        png(30, 20),
    ],
    ids=range(13),
)
def test_what_is_no_map_of_the_size_is_passed_over(data: bytes | None) -> None:
    assert decode_map(data, (20, 30)) is None


@pytest.mark.parametrize("size", [(40_000, 40_000), (2_000_000, 1), None])
def test_a_size_over_the_limits_is_no_size_of_a_map(size: tuple[int, int] | None) -> None:
    height, width = size or (40_000, 40_000)
    assert decode_map(png(width, height), size) is None


def test_what_is_no_photo_of_the_size_is_passed_over() -> None:
    photo = encoded(".jpg", PHOTO)
    bomb = bytearray(photo)
    at = bomb.index(b"\xff\xc0") + 5
    bomb[at : at + 4] = struct.pack(">HH", 14_000, 14_000)
    for data in (None, b"", encoded(".png", PHOTO), photo[:20], bytes(bomb)):
        assert decode_photo(data, (24, 32)) is None
        assert decode_photo(data, most=256) is None
    assert decode_photo(photo, most=31) is None
    assert decode_photo(bytes(bomb), (14_000, 14_000)) is None


def test_maps_of_another_size_than_the_image_are_none(project: Project) -> None:
    (model,) = project.models()
    cache = SaliencyCache(project)
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    assert cache.write(1, model.id, np.zeros((SIDE, SIDE), np.float32), photo)
    size, place = (SIDE, SIDE), project.paths
    assert kept_saliency(place, 1, model.id, size) is not None
    assert kept_counterfactual(place, 1, model.id, size) is not None

    path = place.saliency_file(1, model.id)
    path.write_bytes(png(32_000, 32_000))
    path.with_suffix(".jpg").write_bytes(png(18_000, 18_000))
    assert kept_saliency(place, 1, model.id, size) is None
    assert kept_counterfactual(place, 1, model.id, size) is None


def test_a_file_of_more_bytes_than_it_may_have_is_not_read(project: Project) -> None:
    path = project.paths.thumbnail_file("ab" * 16)
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(1001))
    assert project.paths.read(path, 1000) is None
    assert project.paths.read(path, 1001) == bytes(1001)
    with path.open("r+b") as file:  # huge, and nothing on the disk
        file.truncate(40 << 30)
    assert project.paths.read(path) is None


def test_a_huge_mask_of_the_model_is_a_sentence_and_an_export_goes_on(
    project: Project, tmp_path: Path
) -> None:
    first, second = (find(project, name) for name in ("img0.png", "img1.png"))
    (model,) = project.models()
    for image in (first, second):
        decide(project, image.id, who="ann", verdict=Verdict.DAMAGED)
    with project.database.writing() as connection:
        connection.execute(
            "UPDATE prediction SET mask = ? WHERE image_id = ?", (png(32_000, 32_000), first.id)
        )

    with pytest.raises(ProjectError, match="damaged: inspect it again"):
        prediction_of(project, first.id, model.id)
    report = export(project, "png", tmp_path / "out")
    assert report.written == 1
    (problem,) = report.problems
    assert "inspect it again" in problem
    assert [path.name for path in (tmp_path / "out" / "masks").iterdir()] == ["img1.png"]


def test_a_size_over_the_limit_in_the_database_is_not_believed(
    project: Project, tmp_path: Path
) -> None:
    image = find(project, "img0.png")
    decide(project, image.id, who="ann", verdict=Verdict.UNDAMAGED)
    with project.database.writing() as connection:
        connection.execute("UPDATE image SET width = 40000, height = 40000")
        connection.execute("UPDATE prediction SET mask = NULL")

    report = export(project, "png", tmp_path / "out")
    assert (report.written, report.problems) == (1, [])
    written = cv2.imread(str(tmp_path / "out" / "masks" / "img0.png"), cv2.IMREAD_UNCHANGED)
    assert written is not None
    assert written.shape[:2] == (SIDE, SIDE)
