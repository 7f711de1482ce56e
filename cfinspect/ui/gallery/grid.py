"""A grid of equal cells over any number of items.

Qt's own list view asks the model about every single item when a list is laid out, which takes
seconds at 100,000; in a grid of equal cells a place is a division.
"""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QCursor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem

from cfinspect.ui.gallery.badges import GridDelegate

Index = QModelIndex | QPersistentModelIndex


class Grid(QAbstractItemView):
    """Rows of cells from left to right. ``resized``: ctrl and wheel ask for another size.
    ``hovered``: the mouse has come over a place, or over none (-1).
    """

    resized = Signal(int)
    hovered = Signal(int)

    def __init__(self, side: int) -> None:
        super().__init__()
        self._anchor: int | None = None
        self._hovered = -1
        self.grid = GridDelegate(side, self)  # before anything that asks for geometry
        self.setItemDelegate(self.grid)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.set_side(side)
        self.viewport().setMouseTracking(True)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    def set_tint(self, image_id: int | None, tint: QPixmap | None) -> None:
        """Draw this over the thumbnail of an image; None: over none."""
        wanted = None if image_id is None or tint is None else (image_id, tint)
        if wanted != self.grid.tint:
            self.grid.tint = wanted
            self.viewport().update()

    def set_side(self, side: int) -> None:
        """Another size of the pictures."""
        self.grid.side = side
        self.verticalScrollBar().setSingleStep(self.grid.cell.height() // 3)
        self.updateGeometries()
        self.viewport().update()

    # Where things are -----------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """Cells in a row."""
        return max(1, self.viewport().width() // self.grid.cell.width())

    def _count(self) -> int:
        model = self.model()
        return model.rowCount() if model is not None else 0

    def _cell(self, place: int) -> QRect:
        """Where a place is drawn, in the viewport."""
        row, column = divmod(place, self.columns)
        cell = self.grid.cell
        return QRect(
            column * cell.width(),
            row * cell.height() - self.verticalOffset(),
            cell.width(),
            cell.height(),
        )

    def visualRect(self, index: Index) -> QRect:
        """Where an item is drawn."""
        return self._cell(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        """What is drawn at a point of the viewport."""
        cell = self.grid.cell
        column = point.x() // cell.width()
        if not 0 <= column < self.columns:
            return QModelIndex()
        place = (point.y() + self.verticalOffset()) // cell.height() * self.columns + column
        if not 0 <= place < self._count():
            return QModelIndex()
        return self.model().index(place, 0)

    def horizontalOffset(self) -> int:
        """There is none."""
        return 0

    def verticalOffset(self) -> int:
        """How far it is scrolled, in px."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, _index: Index) -> bool:
        """Nothing is."""
        return False

    def scrollTo(
        self,
        index: Index,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Bring an item into sight."""
        cell, bar = self.visualRect(index), self.verticalScrollBar()
        height = self.viewport().height()
        if hint is QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + cell.center().y() - height // 2)
        elif cell.top() < 0:
            bar.setValue(bar.value() + cell.top())
        elif cell.bottom() > height:
            bar.setValue(bar.value() + cell.bottom() - height + 1)

    def updateGeometries(self) -> None:
        """How far can be scrolled."""
        rows = -(-self._count() // self.columns)
        bar, height = self.verticalScrollBar(), self.viewport().height()
        bar.setPageStep(height)
        bar.setRange(0, max(0, rows * self.grid.cell.height() - height))
        super().updateGeometries()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The first item in sight stays there."""
        before = self.indexAt(QPoint(1, 1))
        super().resizeEvent(event)
        self.updateGeometries()
        if before.isValid() and self.visualRect(before).top() > self.grid.cell.height():
            self.scrollTo(before)

    # Choosing -------------------------------------------------------------------------------------

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, _modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Where a key leads."""
        count = self._count()
        if not count:
            return QModelIndex()
        actions = QAbstractItemView.CursorAction
        page = max(1, self.viewport().height() // self.grid.cell.height()) * self.columns
        steps = {
            actions.MoveLeft: -1,
            actions.MovePrevious: -1,
            actions.MoveRight: 1,
            actions.MoveNext: 1,
            actions.MoveUp: -self.columns,
            actions.MoveDown: self.columns,
            actions.MovePageUp: -page,
            actions.MovePageDown: page,
            actions.MoveHome: -count,
            actions.MoveEnd: count,
        }
        now = self.currentIndex()
        place = now.row() + steps[action] if now.isValid() else 0
        if not 0 <= place < count and action in {actions.MoveUp, actions.MoveDown}:
            return now  # no jump into another column
        return self.model().index(max(0, min(count - 1, place)), 0)

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select what a rectangle touches; between two cells, all from one to the other."""
        model, count = self.model(), self._count()
        if model is None or not count:
            return
        rect = rect.normalized()
        cell, offset = self.grid.cell, self.verticalOffset()
        modifiers = QItemSelectionModel.SelectionFlag
        first_row = max(0, (rect.top() + offset) // cell.height())
        last_row = (rect.bottom() + offset) // cell.height()
        left = max(0, rect.left() // cell.width())
        right = min(self.columns - 1, rect.right() // cell.width())
        selection = QItemSelection()
        for row in range(first_row, last_row + 1):
            first, last = row * self.columns + left, row * self.columns + right
            if first < count and left <= right:
                end = min(count - 1, last)
                selection.select(model.index(first, 0), model.index(end, 0))
        self.selectionModel().select(selection, command | modifiers.Rows)

    def select_range(self, first: int, last: int) -> None:
        """Select all from one place to another, and nothing else."""
        model = self.model()
        flags = QItemSelectionModel.SelectionFlag
        selection = QItemSelection(
            model.index(min(first, last), 0), model.index(max(first, last), 0)
        )
        self.selectionModel().select(selection, flags.ClearAndSelect | flags.Rows)

    def selectAll(self) -> None:
        """Select the whole list as one range."""
        if self._count():
            self.select_range(0, self._count() - 1)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Where a selection is drawn; as much as is in sight."""
        del selection
        return QRegion(self.viewport().rect())

    # Keys and painting ----------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens; shift extends in reading order; letters are commands, not a search."""
        key, shift = event.key(), event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        arrows = {
            Qt.Key.Key_Left: QAbstractItemView.CursorAction.MoveLeft,
            Qt.Key.Key_Right: QAbstractItemView.CursorAction.MoveRight,
            Qt.Key.Key_Up: QAbstractItemView.CursorAction.MoveUp,
            Qt.Key.Key_Down: QAbstractItemView.CursorAction.MoveDown,
        }
        if key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.activated.emit(self.currentIndex())
        elif shift and key in arrows and self.currentIndex().isValid():
            if self._anchor is None:
                self._anchor = self.currentIndex().row()
            target = self.moveCursor(arrows[Qt.Key(key)], event.modifiers())
            flags = QItemSelectionModel.SelectionFlag
            self.select_range(self._anchor, target.row())
            self.selectionModel().setCurrentIndex(target, flags.NoUpdate)
            self.scrollTo(target)
        elif event.text().isalnum() and not event.modifiers():
            event.ignore()
        else:
            if key not in {Qt.Key.Key_Shift, Qt.Key.Key_Control}:
                self._anchor = None
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click is where the next range begins; with shift it ends there, in reading order."""
        index, now = self.indexAt(event.position().toPoint()), self.currentIndex()
        shift = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        if shift and event.button() == Qt.MouseButton.LeftButton and index.isValid():
            if self._anchor is None:
                self._anchor = now.row() if now.isValid() else index.row()
            self.select_range(self._anchor, index.row())
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
            return
        self._anchor = None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell over which image the mouse is."""
        super().mouseMoveEvent(event)
        self._hover(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, event: QEvent) -> None:
        """Over none any more."""
        super().leaveEvent(event)
        self._hover(-1)

    def _scrolled(self) -> None:
        """Another image has come under a mouse that rests."""
        if self._hovered >= 0:
            self._hover(self.indexAt(self.viewport().mapFromGlobal(QCursor.pos())).row())

    def _hover(self, place: int) -> None:
        if place != self._hovered:
            self._hovered = place
            self.hovered.emit(place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with ctrl, else scroll."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = 16 if event.angleDelta().y() > 0 else -16
            self.resized.emit(max(64, min(256, self.grid.side + step)))
            event.accept()
        else:
            super().wheelEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the cells that are to be seen."""
        count, cell = self._count(), self.grid.cell
        if not count:
            return
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        flags = QStyle.StateFlag
        plain = option.state & ~flags.State_Selected & ~flags.State_HasFocus
        top = event.rect().top() + self.verticalOffset()
        bottom = event.rect().bottom() + self.verticalOffset()
        first = top // cell.height() * self.columns
        last = min(count, (bottom // cell.height() + 1) * self.columns)
        current = self.currentIndex().row() if self.hasFocus() else -1
        selected = self.selectionModel()
        for place in range(first, last):
            index = self.model().index(place, 0)
            option.rect = self._cell(place)  # type: ignore[attr-defined,unused-ignore]
            state = plain
            if selected.isSelected(index):
                state |= flags.State_Selected
            if place == current:
                state |= flags.State_HasFocus
            option.state = state  # type: ignore[attr-defined,unused-ignore]
            self.grid.paint(painter, option, index)
        painter.end()
