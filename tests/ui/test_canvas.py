"""The canvas and its parts without a project: geometry, colours, outlines, the editor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cfinspect.masks.drawing import Box
from cfinspect.project.listing import HumanState, ImageRow
from cfinspect.project.reach import Reach
from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.canvas.editor import MaskEditor, Tool
from cfinspect.ui.canvas.layers import (
    indexed,
    mask_table,
    outline,
    saliency_table,
)
from cfinspect.ui.canvas.view import Canvas
from cfinspect.ui.jobs.levels import halved, mask_levels, pyramid, to_qimage
from cfinspect.ui.jobs.picture import Picture

WIDTH, HEIGHT = 400, 300


def a_row() -> ImageRow:
    return ImageRow(
        1, 1, Path("a.png"), "a.png", HumanState.OPEN, None, None, "", 1, 0.9, 0.1, 0.2, None, 0.1,
        False, WIDTH, HEIGHT, False, "d", 0, Reach(Path()),
    )  # fmt: skip


@pytest.fixture
def canvas(qapp: QApplication) -> Canvas:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[100:200, 100:300] = (200, 40, 40)
    other = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[120:160, 150:250] = True
    saliency = np.where(mask, 200, 0).astype(np.uint8)
    made = Canvas()
    made.resize(800, 600)
    made.show_picture(
        Picture(
            a_row(),
            WIDTH,
            HEIGHT,
            [to_qimage(one) for one in pyramid(pixels)],
            counterfactual=[to_qimage(one) for one in pyramid(other)],
            saliency=pyramid(saliency),
            mask=mask,
            mask_levels=mask_levels(mask.view(np.uint8), binary=True),
        )
    )
    return made


def colour_at(canvas: Canvas, x: float, y: float) -> QColor:
    """The colour on screen at an image position."""
    place = QPointF(x, y) * canvas.scale + canvas._offset
    return canvas.grab().toImage().pixelColor(place.toPoint())


def test_zooming_keeps_the_place_under_the_cursor(canvas: Canvas) -> None:
    at = QPointF(500, 200)
    before = canvas.to_image(at)
    for factor in (1.25, 1.25, 0.8, 3.0):
        canvas.zoom(factor, at)
        assert (canvas.to_image(at) - before).manhattanLength() < 1e-6
    canvas.fit()
    assert canvas.scale == 2.0
    canvas.actual_size()
    assert canvas.scale == 1.0


def test_what_is_drawn_lies_where_the_pixels_are(canvas: Canvas) -> None:
    canvas.layers.machine_mask.visible = False
    assert colour_at(canvas, 110.5, 110.5) == QColor(200, 40, 40)
    assert colour_at(canvas, 90.5, 110.5) == QColor(0, 0, 0)
    canvas.zoom_to(8.0, QPointF(400, 300))
    x, y = canvas.to_image(QPointF(400, 300)).toTuple()
    assert colour_at(canvas, round(x) + 0.5, round(y) + 0.5) == QColor(200, 40, 40)


def test_the_divider_shows_the_image_left_and_the_counterfactual_right(canvas: Canvas) -> None:
    canvas.layers.machine_mask.visible = False
    canvas.set_compare(CompareMode.SWIPE)
    assert colour_at(canvas, 110.5, 150.5) == QColor(200, 40, 40)
    assert colour_at(canvas, 290.5, 150.5) == QColor(90, 90, 90)


def test_side_by_side_shows_the_same_place_twice(canvas: Canvas) -> None:
    canvas.set_compare(CompareMode.SIDE)
    left = canvas.to_image(QPointF(100, 250))
    right = canvas.to_image(QPointF(100 + (800 - 4) / 2 + 4, 250))
    assert (left - right).manhattanLength() < 1e-6


def test_blinking_without_a_counterfactual_says_so(canvas: Canvas) -> None:
    from dataclasses import replace

    said: list[str] = []
    canvas.unavailable.connect(said.append)
    assert canvas.picture is not None
    canvas.show_picture(replace(canvas.picture, counterfactual=[]))
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert said


def test_saliency_is_transparent_where_there_is_none(canvas: Canvas) -> None:
    canvas.layers.machine_mask.visible = False
    plain = colour_at(canvas, 50.5, 50.5)
    canvas.layers.saliency.visible = True
    canvas.refresh()
    assert colour_at(canvas, 50.5, 50.5) == plain
    assert colour_at(canvas, 200.5, 140.5) != QColor(200, 40, 40)
    weak, strong = saliency_table("inferno", 1.0, 1.0), saliency_table("inferno", 5.0, 1.0)
    assert weak[0] >> 24 == 0
    assert strong[60] >> 24 >= weak[60] >> 24


def test_the_preview_of_a_threshold_is_the_mask_that_it_gives(canvas: Canvas) -> None:
    canvas.set_machine_mask(np.zeros((HEIGHT, WIDTH), bool))
    empty = canvas.grab().toImage()
    canvas.preview_threshold(150, 10)
    shown = canvas.grab().toImage()
    assert shown != empty
    canvas.preview_threshold(250, 10)
    assert canvas.grab().toImage() == empty
    canvas.preview_threshold(150, 10_000)  # larger than the only island
    assert canvas.grab().toImage() == empty


def test_masks_are_never_smoothed(canvas: Canvas) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[140, 200] = 1
    canvas.set_editor(MaskEditor(mask))
    canvas.layers.machine_mask.visible = False
    canvas.layers.human_mask.opacity = 1.0
    canvas.zoom_to(16.0, QPointF(400, 300))
    places = [(0.45, 0.45), (0.55, 0.45), (0.45, 0.55), (0.55, 0.55)]
    inside = {colour_at(canvas, 200 + dx, 140 + dy).name() for dx, dy in places}
    assert len(inside) == 1
    assert colour_at(canvas, 202.5, 140.5) == QColor(200, 40, 40)


def test_a_fitted_image_stays_fitted_when_the_window_grows(canvas: Canvas) -> None:
    canvas.show()
    canvas.resize(400, 300)
    QApplication.processEvents()
    assert canvas.scale == 1.0
    canvas.look_at(QRect(150, 120, 20, 20))
    assert canvas.scale > 1.0
    assert canvas.highlight is not None


def test_the_polygon_can_be_taken_back_corner_by_corner(canvas: Canvas) -> None:
    canvas.set_editor(MaskEditor(np.zeros((HEIGHT, WIDTH), np.uint8)))
    canvas.set_tool(Tool.POLYGON)
    for x, y in ((200, 200), (500, 200), (500, 400), (20, 20)):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert canvas.editor is not None
    assert canvas.editor.mask.sum() == pytest.approx(150 * 100 / 2, rel=0.03)


# Layers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(600, 801), (513, 1025), (1000, 700)])
def test_halves_of_a_mask_keep_what_is_marked(shape: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)
    mask = (chance.random(shape) < 0.001).astype(np.uint8)
    slow, fast = mask_levels(mask), mask_levels(mask, binary=True)
    for one, other in zip(slow, fast, strict=True):
        assert (one == other).all()
    ys, xs = np.nonzero(mask)
    for level, half in enumerate(fast):
        assert half[ys >> level, xs >> level].all()


def test_halves_keep_the_largest_class() -> None:
    mask = np.array([[0, 3, 1], [2, 0, 0]], np.uint8)
    assert halved(mask).tolist() == [[3, 1]]


def test_an_outline_follows_the_edges_of_pixels() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:9, 4:12] = 1
    box = outline(mask).boundingRect()
    assert (box.left(), box.top()) == pytest.approx((4.25, 5.25))
    assert (box.right(), box.bottom()) == pytest.approx((11.75, 8.75))
    assert outline(np.zeros((5, 5), np.uint8)).isEmpty()


def test_indexed_images_take_their_colours_from_the_table(qapp: QApplication) -> None:
    table = mask_table(QColor("#FFC247"), 0.5)
    image = indexed(np.array([[0, 1], [1, 0]], np.uint8), table)
    assert image.pixelColor(0, 0).alpha() == 0
    assert image.pixelColor(1, 0).name() == "#ffc247"
    assert image.pixelColor(1, 0).alpha() == 128


# Editor -------------------------------------------------------------------------------------------


def test_the_editor_says_what_changed_and_keeps_its_halves_up_to_date() -> None:
    chance = np.random.default_rng(1)
    editor = MaskEditor(np.zeros((700, 900), np.uint8))
    editor.levels()
    boxes: list[Box | None] = []
    editor.changed.connect(boxes.append)
    for _ in range(30):
        points = chance.uniform(-20, 920, (4, 2)).tolist()
        erase = bool(chance.random() < 0.3)
        editor.begin(tuple(points[0]), 9.0, erase=erase)
        for point in points[1:]:
            editor.extend(tuple(point), 9.0, erase=erase)
        editor.end()
    assert boxes
    for one, other in zip(editor.levels(), mask_levels(editor.mask), strict=True):
        assert (one == other).all()


def test_undo_redo_and_abandoned_strokes() -> None:
    editor = MaskEditor(np.zeros((50, 50), np.uint8))
    editor.begin((10, 10), 3, erase=False)
    editor.abandon()
    assert not editor.mask.any()
    assert not editor.can_undo
    editor.add_polygon([(5, 5), (20, 5), (20, 20), (5, 20)])
    once = editor.mask.copy()
    editor.replace(np.ones((50, 50), np.uint8))
    editor.undo()
    assert (editor.mask == once).all()
    editor.undo()
    assert not editor.is_changed
    editor.redo()
    editor.redo()
    assert editor.mask.all()
    editor.mark_saved()
    assert not editor.is_changed
    editor.undo()
    assert editor.is_changed
