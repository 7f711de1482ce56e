"""The gallery: a grid or a list over any number of images."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.project.listing import ImageRow, Sort
from cfinspect.ui.icons import dress
from cfinspect.ui.models.images import Column, ImageModel
from cfinspect.ui.panels.grid import Grid
from cfinspect.ui.panels.tint import Tint
from cfinspect.ui.session import Session
from cfinspect.ui.translate import mark, tr

_ORDERS = (
    (Sort.PLACE, False, mark("Name")),
    (Sort.SCORE, True, mark("Score, highest first")),
    (Sort.SCORE, False, mark("Score, lowest first")),
    (Sort.P_FAKE, True, mark("p_fake, highest first")),
    (Sort.UNCERTAINTY, True, mark("Least sure first")),
    (Sort.AREA, True, mark("Damaged area, largest first")),
    (Sort.DATE, True, mark("Newest first")),
    (Sort.DATE, False, mark("Oldest first")),
)


class Gallery(QWidget):
    """Grid and list over one model, with one selection. ``opened``: show this image.
    ``next_asked``: do what the button in the bar offers. ``menu_asked``: at a point of the screen.
    """

    opened = Signal(int)
    selection_changed = Signal()
    next_asked = Signal()
    menu_asked = Signal(QPoint)

    def __init__(self, session: Session, model: ImageModel) -> None:
        super().__init__()
        self._session = session
        self.model = model
        self._last: int | None = None
        self.grid = Grid(session.preferences.get("thumbnail_size"))
        self.table = self._make_table()
        self.grid.setAccessibleName(tr("Images as a grid"))
        self.table.setAccessibleName(tr("Images as a list"))
        self.grid.setModel(model)
        self.table.setModel(model)
        self.table.setSelectionModel(self.grid.selectionModel())
        self.grid.selectionModel().selectionChanged.connect(self.selection_changed)
        self.grid.resized.connect(
            lambda side: self._session.preferences.set("thumbnail_size", side)
        )
        session.preferences.changed.connect(self._preference_changed)
        for view in (self.grid, self.table):
            view.activated.connect(self._open)
            view.doubleClicked.connect(self._open)
            view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            view.customContextMenuRequested.connect(
                lambda at, view=view: self._menu(view.viewport().mapToGlobal(at))
            )
        self._tint = Tint(session, self.grid)
        self.grid.hovered.connect(self._hovered)
        self.views = QStackedWidget()
        self.empty = self._make_empty()
        for widget in (self.grid, self.table, self.empty):
            self.views.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_bar())
        layout.addWidget(self.views)
        model.listed.connect(self._listed)
        session.opened.connect(self._watch_thumbnails)
        self._reset_timer = QTimer(self, singleShot=True, interval=0)
        self._reset_timer.timeout.connect(self._back_to_place)
        model.modelReset.connect(self._reset_timer.start)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSortingEnabled(True)
        table.setAlternatingRowColors(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(28)
        table.horizontalHeader().setDefaultSectionSize(116)
        table.horizontalHeader().setSortIndicator(int(Column.NAME), Qt.SortOrder.AscendingOrder)
        table.horizontalHeader().setStretchLastSection(True)
        table.setTabKeyNavigation(False)
        return table

    def _make_bar(self) -> QWidget:
        bar = QWidget()
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(8, 4, 8, 4)
        self.count = QLabel()
        self.count.setProperty("role", "faint")
        self.order = QComboBox()
        self.order.setAccessibleName(tr("Order"))
        for _, _, text in _ORDERS:
            self.order.addItem(tr(text))
        self.order.activated.connect(self._reorder)
        self.as_grid, self.as_list = QToolButton(), QToolButton()
        group = QButtonGroup(bar)
        pairs = ((self.as_grid, "gallery", tr("Grid")), (self.as_list, "list", tr("List")))
        for number, (button, name, text) in enumerate(pairs):
            dress(button, name)
            button.setToolTip(text)
            button.setAccessibleName(text)
            button.setCheckable(True)
            group.addButton(button, number)
        self.as_grid.setChecked(True)
        group.idClicked.connect(lambda number: self._show_view())
        layout.addWidget(self.count)
        self.next_step = QPushButton()
        self.next_step.setProperty("role", "primary")
        self.next_step.clicked.connect(self.next_asked)
        self.next_step.hide()
        layout.addSpacing(12)
        layout.addWidget(self.next_step)
        layout.addStretch()
        layout.addWidget(QLabel(tr("Order:")))
        layout.addWidget(self.order)
        layout.addWidget(self.as_grid)
        layout.addWidget(self.as_list)
        return bar

    def _make_empty(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        self.empty_text = QLabel(tr("No image fits the filter."))
        self.empty_text.setProperty("role", "faint")
        self.empty_text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty_text.setWordWrap(True)
        layout.addWidget(self.empty_text)
        return page

    def offer(self, text: str, tip: str = "") -> None:
        """Offer what comes next as a button in the bar; "": nothing."""
        self.next_step.setText(text)
        self.next_step.setToolTip(tip)
        self.next_step.setVisible(bool(text))

    # What is selected -----------------------------------------------------------------------------

    def selected(self) -> list[ImageRow]:
        """The images that are selected, in the list's order."""
        places = sorted({index.row() for index in self.grid.selectionModel().selectedIndexes()})
        found = (self.model.row_at(place) for place in places)
        return [row for row in found if row is not None]

    def select(self, image_id: int) -> None:
        """Select one image and scroll to it."""
        place = self.model.place_of(image_id)
        self._last = image_id
        if place is not None:
            index = self.model.index(place, 0)
            flags = QItemSelectionModel.SelectionFlag
            self.grid.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            for view in (self.grid, self.table):
                view.scrollTo(index)

    def focus(self) -> None:
        """Give the view on screen the keys."""
        view = self.views.currentWidget()
        if view is not None:
            view.setFocus()

    def select_all(self) -> None:
        """Select the whole list."""
        view = self.table if self.views.currentWidget() is self.table else self.grid
        view.selectAll()

    # Reactions ------------------------------------------------------------------------------------

    def _open(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self.model.ids[index.row()])

    def _menu(self, at: QPoint) -> None:
        if self.grid.selectionModel().hasSelection():
            self.menu_asked.emit(at)

    def _hovered(self, place: int) -> None:
        self._tint.show(self.model.row_at(place) if place >= 0 else None)

    def _reorder(self, number: int) -> None:
        sort_by, descending, _ = _ORDERS[number]
        self.model.show(sort_by=sort_by, descending=descending)

    def _show_view(self) -> None:
        if not self.model.ids:
            self.views.setCurrentWidget(self.empty)
        elif self.as_list.isChecked():
            self.views.setCurrentWidget(self.table)
        else:
            self.views.setCurrentWidget(self.grid)

    def _listed(self, number: int) -> None:
        self.count.setText(tr("Images: {n}", n=f"{number:,}"))
        for place, (sort_by, descending, _) in enumerate(_ORDERS):
            if (sort_by, descending) == (self.model.sort_by, self.model.descending):
                self.order.setCurrentIndex(place)
        filtered = self.model.wanted != type(self.model.wanted)(missing=self.model.wanted.missing)
        self.empty_text.setText(
            tr("No image fits the filter. Clear it on the left to see all.")
            if filtered
            else tr(
                "There are no images here yet. Put some into the folder and rescan (F5), or add "
                "another folder on the left."
            )
        )
        self._show_view()

    def _back_to_place(self) -> None:
        if self._last is not None:
            self.select(self._last)

    def _watch_thumbnails(self) -> None:
        self._last = None
        self._session.thumbnails.ready.connect(lambda _: self.grid.viewport().update())

    def _preference_changed(self, name: str) -> None:
        if name == "thumbnail_size":
            self.grid.set_side(self._session.preferences.get(name))

    def sizeHint(self) -> QSize:
        """As much as there is."""
        return QSize(900, 700)
