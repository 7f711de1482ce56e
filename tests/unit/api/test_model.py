"""Load, inspect and show: images of every kind, folders, bad files, notebooks."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cfinspect
from cfinspect import errors
from cfinspect.engine.base.images import read_image
from cfinspect.engine.synth import write_folder


@pytest.fixture(scope="module")
def model() -> cfinspect.Model:
    return cfinspect.load("crack", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn walls, half of them cracked."""
    return write_folder(tmp_path_factory.mktemp("api") / "walls", "crack", count=8, size=96, seed=3)


@pytest.fixture(scope="module")
def wall(walls: Path) -> Path:
    return sorted((walls / "damaged").iterdir())[0]


def test_path_pillow_image_and_array_give_the_same(model: cfinspect.Model, wall: Path) -> None:
    with Image.open(wall) as picture:
        results = [
            model.inspect(wall),
            model.inspect(str(wall)),
            model.inspect(picture),
            model.inspect(read_image(wall)),
        ]
    first = results[0]
    assert [one.name for one in results] == [str(wall), str(wall), str(wall), ""]
    for one in results[1:]:
        assert (one.label, one.score, one.p_fake) == (first.label, first.score, first.p_fake)
        np.testing.assert_array_equal(one.counterfactual, first.counterfactual)
    assert first.label == "damaged"
    assert first.damaged
    assert first.unlikeness is not None
    assert first.unlikeness > 0
    assert first.mask.any()
    assert [str(one.dtype) for one in (first.mask, first.saliency)] == ["bool", "float32"]
    assert first.area_fraction == pytest.approx(first.mask.mean())
    assert bool(first.review_reason) == first.review
    assert "damaged, score" in repr(first)


def test_pillow_images_are_read_as_files_are(model: cfinspect.Model, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    clear = Image.fromarray(np.dstack([pixels, pixels[..., 0]]))
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=turned)
    Image.fromarray(pixels).save(tmp_path / "turned.tif", exif=turned)
    Image.fromarray(pixels.astype(np.uint16)[..., 0] * 257).save(tmp_path / "deep.png")
    Image.fromarray(pixels).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "print.jpg")
    clear.save(tmp_path / "clear.png")
    for file in sorted(tmp_path.iterdir()):
        with Image.open(file) as picture:
            np.testing.assert_array_equal(model.inspect(picture).image, read_image(file), file.name)
    assert model.inspect(tmp_path / "turned.png").mask.shape == (60, 40)


def test_what_is_no_image_is_told(model: cfinspect.Model, tmp_path: Path) -> None:
    with pytest.raises(errors.ImageError, match=r"nothing\.png"):
        model.inspect(tmp_path / "nothing.png")
    with pytest.raises(errors.ImageError, match="the given image: its pixels are 32 bit"):
        model.inspect(Image.fromarray(np.zeros((8, 8), np.float32)))
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    half = Image.open(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]))
    with pytest.raises(errors.ImageError, match="cannot be decoded"):
        model.inspect(half)
    for array in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
            model.inspect(array)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not list"):
        model.inspect([[1, 2], [3, 4]])  # type: ignore[arg-type]


def test_models_by_name_path_and_folder(model: cfinspect.Model, tmp_path: Path) -> None:
    assert model.classes == ("undamaged", "damaged")
    assert "crack.safetensors" in repr(model)
    assert cfinspect.load(model.path).metadata == model.metadata
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").write_bytes(model.path.read_bytes())
    assert cfinspect.load(tmp_path / "run").path == tmp_path / "run" / "model.safetensors"
    with pytest.raises(errors.ModelFileError, match="one of apple, crack"):
        cfinspect.load("cracks")
    with pytest.raises(errors.DeviceError, match="abacus"):
        cfinspect.load("crack", device="abacus")
    (tmp_path / "bad.safetensors").write_bytes(b"no model")
    with pytest.raises(errors.ModelFileError, match="not a readable model"):
        cfinspect.load(tmp_path / "bad.safetensors")


def test_one_bad_file_stops_no_folder(
    model: cfinspect.Model, walls: Path, wall: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    (folder / "a.png").write_bytes(wall.read_bytes())
    (folder / "b" / "broken.png").write_bytes(b"no image")
    (folder / "c.png").write_bytes(wall.read_bytes())
    left: list[tuple[str, str]] = []
    results = list(model.inspect_folder(folder, on_error=lambda *one: left.append(one)))
    assert [one.name for one in results] == ["a.png", "c.png"]
    assert [name for name, _ in left] == ["b/broken.png"]
    assert "Cannot read" in left[0][1]
    with pytest.warns(UserWarning, match=r"Left out: Cannot read .*broken"):
        assert len(list(model.inspect_folder(folder))) == 2
    out = tmp_path / "results"
    with pytest.warns(UserWarning, match="broken"):
        counts = model.inspect_folder(folder, out)
    assert (counts.images, counts.damaged, counts.errors) == (3, 2, 1)
    with (out / "inspections.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert [row["label"] for row in rows] == ["damaged", "", "damaged"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = model.inspect_folder([folder], out, skip_done=True, overlays=False)
    assert again.images == 1, "only the one that could not be read"


def test_a_folder_without_images_is_told_at_the_call(
    model: cfinspect.Model, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.CfinspectError, match="no images"):
        model.inspect_folder(tmp_path / "empty")
    with pytest.raises(errors.CfinspectError, match="no images"):
        model.inspect_folder(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(errors.CfinspectError, match="no file or folder"):
        model.inspect_folder(tmp_path / "nowhere")


def test_a_result_shows_itself_in_a_notebook(model: cfinspect.Model, wall: Path) -> None:
    result = model.inspect(wall)
    with Image.open(io.BytesIO(result._repr_png_())) as picture:
        assert picture.format == "PNG"
        shown = np.asarray(picture)
    side = read_image(wall).shape[0]
    enlarged = -(-128 // side) * side
    assert shown.shape[1] >= 4 * enlarged
    quarter = shown.shape[1] // 4
    mask = shown[-enlarged:, -enlarged:]
    assert set(np.unique(mask)) == {0, 255}, "the last picture is the mask"
    assert (mask[..., 0] == 255).mean() == pytest.approx(result.area_fraction, abs=0.01)
    assert shown[-enlarged:, :enlarged].std() > 0
    assert not np.array_equal(shown[:, :quarter], shown[:, quarter : 2 * quarter])


def test_a_large_photo_is_shown_small_with_every_crack(model: cfinspect.Model, wall: Path) -> None:
    photo = np.tile(read_image(wall), (4, 5, 1))
    result = model.inspect(photo)
    assert result.mask.shape == photo.shape[:2]
    with Image.open(io.BytesIO(result._repr_png_())) as picture:
        assert picture.width <= 4 * 320 + 40
        assert bool((np.asarray(picture)[-200:, -300:] == 255).all(axis=2).any())


def test_evidence_lies_where_the_damage_is(model: cfinspect.Model, walls: Path) -> None:
    inside, outside = [], []
    images = sorted((walls / "damaged").iterdir())
    found = [image for image in images if model.inspect(image).damaged]
    assert len(found) >= 3
    for image in found:
        drawn = np.asarray(Image.open(walls / "masks" / image.name)) > 0
        seen = model.explain(image)
        assert seen.shape == drawn.shape
        assert 0 <= seen.min() <= seen.max() <= 1
        inside.append(seen[drawn].mean())
        outside.append(seen[~drawn].mean())
    assert np.mean(inside) > 3 * np.mean(outside)


def test_what_cannot_be_explained_is_told(model: cfinspect.Model, wall: Path) -> None:
    with pytest.raises(errors.CfinspectError, match="unknown method 'magic'"):
        model.explain(wall, "magic")
    with pytest.raises(errors.CfinspectError, match="through windows"):
        model.explain(np.zeros((600, 600, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8"):
        model.explain(np.zeros((8, 8), np.uint8))
