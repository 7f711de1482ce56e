"""The canvas: one image with its layers, zoomed and compared; and the tools' mouse."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QWheelEvent,
)

from cfinspect.ui.canvas.base import CompareMode
from cfinspect.ui.canvas.editor import Tool
from cfinspect.ui.canvas.painting import CanvasPainting
from cfinspect.ui.widgets.translate import tr

_HANDLE = 14  # px around the divider that catch the mouse


class Canvas(CanvasPainting):
    """The canvas with its mouse and keys; see ``CanvasBase`` for what it shows and tells."""

    # Mouse and keys -------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; with ctrl, the brush's size."""
        steps = event.angleDelta().y() / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.tool in {
            Tool.BRUSH,
            Tool.ERASER,
        }:
            self.set_radius(self.radius * 1.15**steps)
        else:
            self.zoom(1.25**steps, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Drag the divider, pan, or use the tool."""
        at = event.position()
        pans = event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton and self.tool is Tool.HAND
        )
        if event.button() == Qt.MouseButton.LeftButton and self._on_divider(at):
            self._dragging_divider = True
        elif pans:
            self._pan = at
            if self.tool is Tool.HAND:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton}:
            self._use_tool(at, erase=event.button() == Qt.MouseButton.RightButton)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what the press began."""
        at = event.position()
        if self._dragging_divider:
            self.divider = min(1.0, max(0.0, at.x() / max(1, self.width())))
            self.update()
        elif self._pan is not None:
            self._offset += at - self._pan
            self._pan = at
            self._fitted = False
            self._keep_in_sight()
            self.update()
        elif self.editor is not None and self.editor.is_drawing:
            place = self.to_image(at)
            erase = self.tool is Tool.ERASER or bool(event.buttons() & Qt.MouseButton.RightButton)
            self.editor.extend((place.x(), place.y()), self.radius * self._pressure, erase=erase)
        self._update_ring()
        self._mouse = at
        self._update_ring()
        if self.tool is Tool.POLYGON and self._corners:
            self.update()
        if self.tool is Tool.HAND and self._pan is None:
            over = self._on_divider(at)
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.OpenHandCursor)
        self._tell_pixel(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End what the press began."""
        self._dragging_divider = False
        if self._pan is not None:
            self._pan = None
            if self.tool is Tool.HAND:
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        if self.editor is not None and self.editor.is_drawing:
            self.editor.end()
            self.update()
            self.stroke_ended.emit()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close a polygon; else switch between the whole image and its own size."""
        if self.tool is Tool.POLYGON and self._corners:
            self.close_polygon()
        elif self.tool is Tool.HAND and event.button() == Qt.MouseButton.LeftButton:
            if self._fitted:
                self.zoom_to(1 / self.devicePixelRatioF(), event.position())
            else:
                self.fit()

    def tabletEvent(self, event: QTabletEvent) -> None:
        """A pen's pressure is the brush's width; the mouse events that follow draw."""
        pen = event.pointerType() in {
            QPointingDevice.PointerType.Pen,
            QPointingDevice.PointerType.Eraser,
        }
        self._pressure = max(0.15, event.pressure()) if pen and event.pressure() > 0 else 1.0
        event.ignore()  # Qt sends a mouse event in its place

    def leaveEvent(self, _event: object) -> None:
        """No ring where there is no mouse."""
        self._mouse = None
        self._pressure = 1.0
        self.pixel.emit("")
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space blinks, return and backspace are the polygon's, escape gives up."""
        key = event.key()
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.set_blink(True)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._corners:
            self.close_polygon()
        elif key == Qt.Key.Key_Backspace and self._corners:
            self.drop_corner()
        elif key == Qt.Key.Key_Escape and (self._corners or self.tool is not Tool.HAND):
            self.set_tool(Tool.HAND)
            self.stroke_ended.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space was let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.set_blink(False)
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: object) -> None:
        """Blinking ends when the keys go elsewhere."""
        self.set_blink(False)
        super().focusOutEvent(event)  # type: ignore[arg-type]

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """A fitted image stays fitted."""
        if self._fitted:
            self.fit()

    @property
    def has_corners(self) -> bool:
        """Whether a polygon is being drawn."""
        return bool(self._corners)

    def drop_corner(self) -> None:
        """Take back the last corner of the polygon."""
        if self._corners:
            self._corners.pop()
            self.update()

    def close_polygon(self) -> None:
        """Fill the polygon that was drawn."""
        corners = [(corner.x(), corner.y()) for corner in self._corners]
        self._corners = []
        if self._make_editor() and self.editor is not None and len(corners) >= 3:
            self.editor.add_polygon(corners)
            self.stroke_ended.emit()
        self.update()

    def _use_tool(self, at: QPointF, *, erase: bool) -> None:
        place = self.to_image(at)
        if self.tool is Tool.POLYGON:
            if erase:
                self.close_polygon()
            else:
                self._corners.append(place)
                self.update()
            return
        if self.tool is Tool.HAND or not self._make_editor() or self.editor is None:
            return
        point = (place.x(), place.y())
        if self.tool is Tool.FILL:
            pixels = self.picture.pixels() if self.picture is not None else None
            if pixels is not None:
                self.editor.fill(pixels, point, self.tolerance, erase=erase)
                self.stroke_ended.emit()
                self.update()
            return
        self.editor.begin(
            point, self.radius * self._pressure, erase=erase or self.tool is Tool.ERASER
        )

    def _make_editor(self) -> bool:
        if self.editor is None:
            self.needs_editor.emit()
        return self.editor is not None

    def _on_divider(self, at: QPointF) -> bool:
        if self.compare is not CompareMode.SWIPE:
            return False
        return abs(at.x() - self.divider * self.width()) < _HANDLE

    def _tell_pixel(self, at: QPointF) -> None:
        picture = self.picture
        if picture is None or not picture.levels:
            return
        place = self.to_image(at)
        x, y = math.floor(place.x()), math.floor(place.y())
        if not (0 <= x < picture.width and 0 <= y < picture.height):
            self.pixel.emit("")
            return
        image = picture.levels[0]
        factor = image.width() / picture.width
        colour = image.pixelColor(
            min(image.width() - 1, int(x * factor)), min(image.height() - 1, int(y * factor))
        )
        text = f"{x}, {y}   RGB {colour.red()} {colour.green()} {colour.blue()}"
        if picture.saliency and picture.saliency[0].shape == (picture.height, picture.width):
            value = picture.saliency[0][y, x] / 255
            text += "   " + tr("saliency {value}", value=f"{value:.2f}")
        self.pixel.emit(text)

    def sizeHint(self) -> QSize:
        """As much as there is."""
        return QSize(900, 700)
