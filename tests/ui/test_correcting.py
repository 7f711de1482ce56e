"""Correct a mask with brush, fill and threshold, and store it: through the real window."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from driver import (
    drag,
    inspect,
    live,
    open_first,
    open_folder,
    picture_shown,
    press,
    project_of,
    settled,
    trigger,
    wait_for,
)
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cfinspect.engine.model.file import load_model, save_model
from cfinspect.engine.model.metadata import SegmenterSpec
from cfinspect.engine.networks.backbone import load_backbone, shipped_backbone
from cfinspect.engine.networks.mask_decoder import MASK_DECODER, MaskDecoder
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.project.verdicts import human_of, read_mask_of
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def test_brush_undo_and_mask(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = open_first(window)
    canvas = window.canvas
    window.inspector.slider.setValue(1000)  # an empty mask to begin with
    press(window, Qt.Key.Key_B)
    assert canvas.tool is Tool.BRUSH
    canvas.set_radius(2)
    middle = canvas.rect().center()
    drag(canvas, [(middle.x() + 12 * n, middle.y()) for n in range(8)])
    assert window.edits.has_edits
    assert canvas.editor is not None
    once = canvas.editor.mask.copy()
    assert once.any()
    drag(canvas, [(middle.x(), middle.y() + 12 * n) for n in range(8)])
    twice = canvas.editor.mask.copy()
    press(window, Qt.Key.Key_Z, ctrl=True)
    assert (canvas.editor.mask == once).all()
    press(window, Qt.Key.Key_Y, ctrl=True)
    assert (canvas.editor.mask == twice).all()
    drag(canvas, [(middle.x(), middle.y() + 12 * n) for n in range(8)], right=True)  # erases
    assert canvas.editor.mask.sum() < twice.sum()
    expected = canvas.editor.mask.copy()
    press(window, Qt.Key.Key_M)
    settled(window)
    with project_of(window) as project:
        human = human_of(project, image_id)
        stored = read_mask_of(project, human)
    assert stored is not None
    assert (stored == expected).all()
    assert human.who == "ann"


def test_leaving_an_image_stores_its_corrections(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = open_first(window)
    window.inspector.slider.setValue(1000)  # an empty mask to begin with
    trigger(window, "polygon")
    canvas = window.canvas
    x, y = canvas.rect().center().toTuple()
    for point in ((x, y), (x + 90, y), (x + 90, y + 90)):
        drag(canvas, [point])
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert window.edits.has_edits
    press(window, Qt.Key.Key_Right)
    settled(window)
    with project_of(window) as project:
        human = human_of(project, image_id)
    assert human.mask is not None
    assert human.verdict is None  # a draft: nothing is said in a person's name
    press(window, Qt.Key.Key_Left)
    picture_shown(window)
    assert window.canvas.picture is not None
    assert window.canvas.picture.human_mask is not None


def test_fill_snap_and_discard(window: MainWindow, walls: Path, model: Path) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = open_first(window, 5)
    window.inspector.slider.setValue(1000)
    trigger(window, "fill")
    canvas = window.canvas
    drag(canvas, [canvas.rect().center().toTuple()])
    assert window.edits.has_edits
    trigger(window, "snap")
    wait_for(lambda: canvas.message == "")
    press(window, Qt.Key.Key_X)
    assert not window.edits.has_edits
    trigger(window, "mask_ok")
    settled(window)
    window.navigator.show(image_id)
    picture_shown(window)
    press(window, Qt.Key.Key_X)  # takes the stored mask away
    settled(window)
    with project_of(window) as project:
        assert human_of(project, image_id).mask is None


def test_the_threshold_redraws_the_mask_and_can_be_stored(
    window: MainWindow, walls: Path, model: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = open_first(window)
    inspector = window.inspector
    picture = window.canvas.picture
    assert picture is not None
    inspector.slider.setValue(400)
    inspector.settle()
    few = window.canvas.machine_mask()
    assert few is not None
    inspector.slider.setValue(126)
    inspector.settle()
    many = window.canvas.machine_mask()
    assert many is not None
    assert many.sum() > few.sum()
    live(0.3)
    assert inspector.regions.table.rowCount() > 0
    inspector.regions.table.selectRow(0)
    assert window.canvas.highlight is not None
    expected = many.copy()
    press(window, Qt.Key.Key_M)
    settled(window)
    with project_of(window) as project:
        stored = read_mask_of(project, human_of(project, image_id))
    assert stored is not None
    assert (stored == expected).all()


def test_a_segmenters_mask_stays_until_the_slider_moves(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path
) -> None:
    plain = load_model(model)
    # It has learned nothing, so each pixel is damage at 5 %: more than the threshold.
    spec = SegmenterSpec(NetworkSpec(MASK_DECODER, {"width": 8}), 0.01, "mending")
    distilled = dataclasses.replace(
        plain,
        metadata=dataclasses.replace(plain.metadata, segmenter=spec),
        segmenter=MaskDecoder(load_backbone(shipped_backbone()), 8),
    )
    path = tmp_path / "distilled.safetensors"
    save_model(path, distilled)
    open_folder(window, walls)
    inspect(window, path)
    open_first(window)
    inspector, picture = window.inspector, window.canvas.picture
    assert picture is not None and picture.mask is not None and picture.mask.all()
    assert inspector.threshold_text.text() == "–"
    inspector.slider.setValue(400)
    inspector.settle()
    moved = window.canvas.machine_mask()
    assert inspector.threshold_text.text() == "0.16"
    assert moved is not None and not moved.all()
    inspector.reset.click()
    back = window.canvas.machine_mask()
    assert inspector.threshold_text.text() == "–"
    assert back is not None and back.all()

    window.session.add_model_file(model, [picture.row.folder_id])

    def bound() -> bool:
        now = window.session.model_of(picture.row.folder_id)
        return now is not None and now.path == model

    wait_for(bound)
    inspector.show_picture(picture)  # what the model before said of it
    assert inspector.threshold_text.text() == "–"
