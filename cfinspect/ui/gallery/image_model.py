"""A list of images for Qt's views: ids of the whole list at once, rows by pages when looked at."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from cfinspect.project.database import ProjectError
from cfinspect.project.listing import HumanState, ImageFilter, ImageRow, SortOrder, ids
from cfinspect.project.project import Project
from cfinspect.ui.jobs.thumbnails import Wanted
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.label import plain
from cfinspect.ui.widgets.translate import mark, tr

Index = QModelIndex | QPersistentModelIndex

ROW = Qt.ItemDataRole.UserRole + 1
THUMBNAIL = Qt.ItemDataRole.UserRole + 2

_PAGE = 128
_PAGES = 60


class Column(IntEnum):
    """Columns of the list view."""

    NAME = 0
    LABEL = 1
    SCORE = 2
    P_FAKE = 3
    AREA = 4
    STATE = 5
    DATE = 6


HEADINGS = {
    Column.NAME: mark("Name"),
    Column.LABEL: mark("Model says"),
    Column.SCORE: mark("Score"),
    Column.P_FAKE: mark("p_fake"),
    Column.AREA: mark("Area"),
    Column.STATE: mark("Human"),
    Column.DATE: mark("Date"),
}
SORTS = {
    Column.NAME: SortOrder.PLACE,
    Column.SCORE: SortOrder.SCORE,
    Column.P_FAKE: SortOrder.P_FAKE,
    Column.AREA: SortOrder.AREA,
    Column.DATE: SortOrder.DATE,
}


def label_text(label: int | None) -> str:
    """A label in words."""
    return {0: tr("undamaged"), 1: tr("damaged"), None: ""}.get(label, "")


def state_text(row: ImageRow) -> str:
    """What humans said of an image, in words."""
    if row.state is HumanState.OPEN:
        return tr("to review") if row.to_review else ""
    if row.state is HumanState.SKIPPED:
        return tr("skipped")
    said = label_text(row.verdict)
    return (
        tr("{verdict}, mask corrected", verdict=said) if row.state is HumanState.CORRECTED else said
    )


class ImageModel(QAbstractTableModel):
    """The images of a filter in an order. ``listed`` when a list has arrived."""

    listed = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.ids: list[int] = []
        self._places: dict[int, int] = {}
        self._pages: OrderedDict[int, list[ImageRow]] = OrderedDict()
        self.wanted = ImageFilter()
        self.sort_by = SortOrder.PLACE
        self.descending = False
        session.closed.connect(lambda: self.set_ids([]))
        session.images_changed.connect(self._images_changed)

    # What is listed -------------------------------------------------------------------------------

    def show(
        self,
        wanted: ImageFilter | None = None,
        sort_by: SortOrder | None = None,
        descending: bool | None = None,
    ) -> None:
        """List other images, or in another order; what is not given stays."""
        self.wanted = wanted if wanted is not None else self.wanted
        self.sort_by = sort_by if sort_by is not None else self.sort_by
        self.descending = descending if descending is not None else self.descending
        self.reload()

    def reload(self) -> None:
        """Read the list again; it changes when the answer is here."""
        if self._session.project is None:
            return
        wanted, sort_by, descending = self.wanted, self.sort_by, self.descending

        def read(project: Project) -> list[int]:
            try:
                return ids(project, wanted, sort_by, descending=descending)
            except ProjectError:
                return []  # the folder has just left the project; another list is on its way

        self._session.reader.ask(read, self.set_ids, key="ids")

    def set_ids(self, numbers: list[int]) -> None:
        """List exactly these."""
        if numbers != self.ids:
            self.beginResetModel()
            self.ids = numbers
            self._places = {}
            self._pages.clear()
            self.endResetModel()
        else:
            self._changed()
        self.listed.emit(len(numbers))

    def place_of(self, image_id: int) -> int | None:
        """Where an image stands in the list."""
        if not self._places:
            self._places = {number: place for place, number in enumerate(self.ids)}
        return self._places.get(image_id)

    def row_at(self, place: int) -> ImageRow | None:
        """The image at a place."""
        number, inner = divmod(place, _PAGE)
        page = self._pages.get(number)
        if page is None:
            start = number * _PAGE
            page = self._session.rows(self.ids[start : start + _PAGE])
            self._pages[number] = page
            while len(self._pages) > _PAGES:
                self._pages.popitem(last=False)
        return page[inner] if inner < len(page) else None

    def _images_changed(self, changed: list[int] | None) -> None:
        if changed is None:  # what fits the filter may be others now
            self._changed()
            self.reload()
            return
        places = [place for one in changed if (place := self.place_of(one)) is not None]
        for place in places:
            self._pages.pop(place // _PAGE, None)
        for place in places:
            self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))

    def _changed(self) -> None:
        self._pages.clear()
        if self.ids:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.ids) - 1, len(Column) - 1))

    # Qt's side ------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many images are listed."""
        return 0 if parent.isValid() else len(self.ids)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many columns the list view has."""
        return len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """The headings."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(HEADINGS[Column(section)])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: PLR0911
        """An image's row (ROW), thumbnail (THUMBNAIL), or the text of a column."""
        row = self.row_at(index.row()) if index.isValid() else None
        if row is None:
            return None
        if role == ROW:
            return row
        if role == THUMBNAIL:
            return self._session.thumbnails.get(Wanted(row.digest, row.path, row.reach))
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(_description(row))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return _description(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            numbers = {Column.SCORE, Column.P_FAKE, Column.AREA}
            side = "AlignRight" if index.column() in numbers else "AlignLeft"
            return Qt.AlignmentFlag[side] | Qt.AlignmentFlag.AlignVCenter
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a heading that was clicked."""
        found = SORTS.get(Column(column))
        if found is not None:
            self.show(sort_by=found, descending=order is Qt.SortOrder.DescendingOrder)


def _text(row: ImageRow, column: Column) -> str:
    texts = {
        Column.NAME: row.name,
        Column.LABEL: label_text(row.machine),
        Column.SCORE: "" if row.score is None else f"{row.score:.2f}",
        Column.P_FAKE: "" if row.p_fake is None else f"{row.p_fake:.2f}",
        Column.AREA: "" if row.area is None else f"{100 * row.area:.2f} %",
        Column.STATE: state_text(row),
        Column.DATE: datetime.fromtimestamp(row.mtime_ns / 1e9).strftime("%Y-%m-%d %H:%M"),
    }
    return texts[column]


def _description(row: ImageRow) -> str:
    parts = [row.name]
    if row.score is not None:
        parts.append(tr("the model says {label}", label=label_text(row.machine)))
        parts.append(tr("score {score}", score=f"{row.score:.2f}"))
        parts.append(f"p_fake {row.p_fake:.2f}")
    if said := state_text(row):
        parts.append(tr("human: {state}", state=said))
    return "\n".join(parts)
