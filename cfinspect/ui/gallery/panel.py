"""The gallery: a grid or a list over any number of images."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cfinspect.project.listing import ImageFilter, ImageRow, SortOrder
from cfinspect.ui.gallery.grid import Grid
from cfinspect.ui.gallery.image_model import Column, ImageModel
from cfinspect.ui.gallery.tint import Tint
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.icons import dress
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.layouts import wide_list
from cfinspect.ui.widgets.translate import mark, tr

_ORDERS = (
    (SortOrder.PLACE, False, mark("Name")),
    (SortOrder.SCORE, True, mark("Score, highest first")),
    (SortOrder.SCORE, False, mark("Score, lowest first")),
    (SortOrder.P_FAKE, True, mark("p_fake, highest first")),
    (SortOrder.UNCERTAINTY, True, mark("Least sure first")),
    (SortOrder.AREA, True, mark("Damaged area, largest first")),
    (SortOrder.DATE, True, mark("Newest first")),
    (SortOrder.DATE, False, mark("Oldest first")),
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
        self._selected: list[int] = []
        self._current: int | None = None
        self.grid = Grid(session.preferences.get("thumbnail_size"))
        self.table = self._make_table()
        self.grid.setAccessibleName(tr("Images as a grid"))
        self.table.setAccessibleName(tr("Images as a list"))
        self.grid.setModel(model)
        self.table.setModel(model)
        stretch = QHeaderView.ResizeMode.Stretch
        self.table.horizontalHeader().setSectionResizeMode(int(Column.NAME), stretch)
        self.table.setColumnWidth(int(Column.DATE), 140)
        self.table.setColumnWidth(int(Column.STATE), 140)
        self.table.setSelectionModel(self.grid.selectionModel())
        self.grid.selectionModel().selectionChanged.connect(self.selection_changed)
        self.grid.selectionModel().selectionChanged.connect(self._count)
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
        self._reset_timer.timeout.connect(self._select_again)
        model.modelAboutToBeReset.connect(self._remember)
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
        table.horizontalHeader().setDefaultSectionSize(108)
        table.horizontalHeader().setSortIndicator(int(Column.NAME), Qt.SortOrder.AscendingOrder)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setTabKeyNavigation(False)
        return table

    def _make_bar(self) -> QWidget:
        bar = QWidget()
        layout = QHBoxLayout(bar)
        layout.setContentsMargins(8, 4, 8, 4)
        self.count = Label()
        self.count.setProperty("role", "faint")
        self.order = QComboBox()
        self.order.setAccessibleName(tr("Order"))
        for _, _, text in _ORDERS:
            self.order.addItem(tr(text))
        wide_list(self.order)
        self.order.activated.connect(self._reorder)
        self.as_grid, self.as_list = QToolButton(), QToolButton()
        group = QButtonGroup(bar)
        pairs = ((self.as_grid, "gallery", tr("Grid")), (self.as_list, "list", tr("List")))
        for number, (button, name, text) in enumerate(pairs):
            dress(button, name)
            button.setToolTip(plain(text))
            button.setAccessibleName(text)
            button.setCheckable(True)
            group.addButton(button, number)
        self.as_grid.setChecked(True)
        group.idClicked.connect(lambda number: self._show_view())
        layout.addWidget(self.count)
        self.next_step = QPushButton()
        self.next_step.setProperty("role", "primary")
        self.next_step.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.next_step.clicked.connect(self.next_asked)
        self.next_step.hide()
        layout.addSpacing(12)
        layout.addWidget(self.next_step)
        layout.addStretch()
        layout.addWidget(Label(tr("Order:")))
        layout.addWidget(self.order)
        layout.addWidget(self.as_grid)
        layout.addWidget(self.as_list)
        return bar

    def _make_empty(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        self.empty_text = Label(tr("No image fits the filter."))
        self.empty_text.setProperty("role", "faint")
        self.empty_text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty_text.setWordWrap(True)
        layout.addWidget(self.empty_text)
        return page

    def offer(self, text: str, tip: str = "") -> None:
        """Offer what comes next as a button in the bar; "": nothing."""
        self.next_step.setText(text)
        self.next_step.setToolTip(plain(tip))
        self.next_step.setVisible(bool(text))

    # What is selected -----------------------------------------------------------------------------

    def selected(self) -> list[ImageRow]:
        """The images that are selected, in the list's order."""
        places = sorted({place for part in self._ranges() for place in part})
        found = (self.model.row_at(place) for place in places)
        return [row for row in found if row is not None]

    def _ranges(self) -> list[range]:
        """The places that are selected; by ranges, as there may be 100,000 of them."""
        chosen = self.grid.selectionModel().selection()
        ranges = [chosen.at(number) for number in range(chosen.count())]
        return [range(one.top(), one.bottom() + 1) for one in ranges]

    def select(self, image_id: int) -> None:
        """Select one image and scroll to it."""
        place = self.model.place_of(image_id)
        self._selected, self._current = [image_id], image_id  # also for a list on its way
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
        self._session.preferences.set_text("order", str(number))

    def restore_order(self) -> None:
        """The order that was chosen last; with the next list."""
        kept = self._session.preferences.text("order", "0")
        number = int(kept) if kept.isdigit() and int(kept) < len(_ORDERS) else 0
        self.model.sort_by, self.model.descending, _ = _ORDERS[number]

    def _count(self) -> None:
        """How many are listed, and how many of them selected: verdict keys are for those."""
        number = sum(map(len, self._ranges()))
        text = tr("Images: {n}", n=f"{len(self.model.ids):,}")
        if number > 1:
            text += "   " + tr("selected: {n}", n=f"{number:,}")
        self.count.setText(text)

    def _show_view(self) -> None:
        if not self.model.ids:
            self.views.setCurrentWidget(self.empty)
        elif self.as_list.isChecked():
            self.views.setCurrentWidget(self.table)
        else:
            self.views.setCurrentWidget(self.grid)

    def _listed(self, number: int) -> None:
        self._count()
        for place, (sort_by, descending, _) in enumerate(_ORDERS):
            if (sort_by, descending) == (self.model.sort_by, self.model.descending):
                self.order.setCurrentIndex(place)
        filtered = replace(self.model.wanted, folder=None, domain=None) != ImageFilter()
        self.empty_text.setText(
            tr("No image fits the filter. Clear it on the left to see all.")
            if filtered
            else tr(
                "There are no images here yet. Put some into the folder and rescan (F5), or add "
                "another folder on the left."
            )
        )
        self._show_view()

    def _remember(self) -> None:
        """What is selected now, before the list changes below it."""
        index = self.grid.currentIndex()
        if index.isValid():
            self._current = self.model.ids[index.row()]
        ranges = self._ranges()
        if ranges:
            self._selected = [self.model.ids[place] for part in ranges for place in part]

    def _select_again(self) -> None:
        """Select in the new list what was selected in the old one, as far as it is there."""
        flags = QItemSelectionModel.SelectionFlag
        found = [self.model.place_of(one) for one in self._selected]
        ranges: list[list[int]] = []
        for place in sorted(one for one in found if one is not None):
            if ranges and ranges[-1][1] + 1 == place:
                ranges[-1][1] = place
            else:
                ranges.append([place, place])
        selection = QItemSelection()
        for first, last in ranges:
            selection.select(self.model.index(first, 0), self.model.index(last, 0))
        self.grid.selectionModel().select(selection, flags.ClearAndSelect | flags.Rows)
        current = self.model.place_of(self._current) if self._current is not None else None
        if current is not None:
            index = self.model.index(current, 0)
            self.grid.selectionModel().setCurrentIndex(index, flags.NoUpdate)
            for view in (self.grid, self.table):
                view.scrollTo(index)

    def _watch_thumbnails(self) -> None:
        self._selected, self._current = [], None
        self._session.thumbnails.ready.connect(lambda _: self.grid.viewport().update())

    def _preference_changed(self, name: str) -> None:
        if name == "thumbnail_size":
            self.grid.set_side(self._session.preferences.get(name))

    def sizeHint(self) -> QSize:
        """As much as there is."""
        return QSize(900, 700)
