"""The regions of a mask with their measures; a click shows one on the picture."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cfinspect.masks.regions import Region
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import tr

MOST = 100


class Regions(QWidget):
    """A sentence and a table. ``chosen``: the box of a region in image pixels."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.text = Label()
        self.text.setProperty("role", "faint")
        self.text.setWordWrap(True)
        column.addWidget(self.text)
        self.table = QTableWidget(0, 4)
        self.table.setAccessibleName(tr("Regions"))
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        first = QHeaderView.ResizeMode.Fixed
        self.table.horizontalHeader().setSectionResizeMode(0, first)
        self.table.setColumnWidth(0, 36)
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setFixedHeight(128)
        self.table.setTabKeyNavigation(False)
        self.table.itemSelectionChanged.connect(self._choose)
        column.addWidget(self.table)

    def clear(self) -> None:
        """Nothing was inspected."""
        self.text.setText("")
        self.table.setRowCount(0)

    def show_regions(
        self,
        regions: list[Region],
        share: float,
        scale: float | None,
        *,
        total: int | None = None,
        drawn: bool = False,
    ) -> None:
        """List regions; ``share``: of the image that they cover, 0..1; ``scale``: mm a pixel.

        ``total``: how many there are where ``regions`` is cut to the largest. ``drawn``: they are
        those of a human's mask, not of the machine's.
        """
        number = total if total is not None else len(regions)
        text = tr(
            "Regions: {n}, {share} % of the image",
            n=f"{number:,}" if number < MOST else tr("{n} or more", n=MOST),
            share=f"{100 * share:.2f}",
        )
        if number >= MOST:
            text += "; " + tr("the largest {n} are listed", n=MOST)
        self.text.setText(f"{tr('Drawn mask.')} {text}" if drawn else text)
        unit, factor, fine = ("mm", scale, 2) if scale else ("px", 1.0, 0)
        heads = ["#", tr("Area {unit}", unit=f"{unit}²"), tr("Length"), tr("Width")]
        self.table.setHorizontalHeaderLabels(heads)
        self.table.setToolTip(plain(tr("Length and width in {unit}", unit=unit)))
        self.table.blockSignals(True)
        self.table.setRowCount(len(regions))
        for place, region in enumerate(regions):
            figures = (
                str(place + 1),
                f"{region.area * factor**2:.{fine}f}",
                f"{region.length * factor:.1f}",
                f"{region.mean_width * factor:.{max(1, fine)}f}",
            )
            box = QRect(region.x, region.y, region.width, region.height)
            for column, figure in enumerate(figures):
                item = QTableWidgetItem(figure)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setData(Qt.ItemDataRole.UserRole, box)
                self.table.setItem(place, column, item)
        self.table.clearSelection()
        self.table.blockSignals(False)

    def _choose(self) -> None:
        items = self.table.selectedItems()
        if items:
            self.chosen.emit(items[0].data(Qt.ItemDataRole.UserRole))
