"""The scores of a folder, with the image on screen marked."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from cfinspect.project.database import ProjectError
from cfinspect.project.listing import Filter, ImageRow, score_histogram
from cfinspect.project.project import Project
from cfinspect.ui import theme
from cfinspect.ui.session import Session
from cfinspect.ui.translate import tr

BINS = 20


class Histogram(QWidget):
    """Bars of how many images have which score; blue-green below the threshold, orange above."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._row: ImageRow | None = None
        self._card: dict[str, Any] = {}
        self._folder: str | None = None
        self._found: tuple[list[int], list[int]] = ([], [])
        self._plot: Any = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(120)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.text = QLabel()
        self.text.setProperty("role", "faint")
        layout.addWidget(self.text)
        self._timer = QTimer(self, singleShot=True, interval=250)
        self._timer.timeout.connect(self._read)
        session.facts_changed.connect(self._timer.start)

    def show_image(self, row: ImageRow | None) -> None:
        """Mark this image; another folder is read anew."""
        folder = self._session.folder(row.folder_id) if row else None
        model = self._session.model_of(row.folder_id) if row else None
        self._card = dict(model.card.get("decision", {})) if model else {}
        name = folder.name if folder else None
        self._row = row
        if name != self._folder:
            self._folder = name
            self._read()  # at once: there is nothing to look at yet
        self._draw()

    def _read(self) -> None:
        if self._session.project is None or self._folder is None:
            self._found = ([], [])
            self._draw()
            return
        wanted = Filter(folder=self._folder)

        def read(project: Project) -> tuple[list[int], list[int]]:
            try:
                return score_histogram(project, wanted, BINS)
            except ProjectError:
                return [], []  # the folder has just left the project

        def show(found: tuple[list[int], list[int]]) -> None:
            self._found = found
            self._draw()

        self._session.reader.ask(read, show, key="histogram")

    def _draw(self) -> None:
        undamaged, damaged = self._found
        total = sum(undamaged) + sum(damaged)
        self.text.setVisible(total == 0)
        if self._plot is not None:
            self._plot.setVisible(total > 0)
        if total == 0:
            self.text.setText(tr("No scores yet: inspect the folder.") if self._folder else "")
            return
        plot = self._make_plot()
        plot.clear()
        import pyqtgraph as pg  # noqa: PLC0415  (not before the first paint)

        now = theme.colours()
        centres = [(place + 0.5) / BINS for place in range(BINS)]
        for values, base, colour in (
            (undamaged, [0] * BINS, now.undamaged),
            (damaged, undamaged, now.damaged),
        ):
            plot.addItem(
                pg.BarGraphItem(
                    x=centres, y0=base, height=values, width=0.9 / BINS, brush=colour, pen=None
                )
            )
        band = [self._card.get(name) for name in ("review_low", "review_high")]
        if None not in band:
            shade = QColor(now.review)
            shade.setAlpha(60)
            plot.addItem(pg.LinearRegionItem(band, movable=False, brush=shade, pen=pg.mkPen(None)))
        threshold = self._card.get("score_threshold")
        if threshold is not None:
            dashes = pg.mkPen(now.faint, width=1, style=Qt.PenStyle.DashLine)
            plot.addItem(pg.InfiniteLine(threshold, pen=dashes))
        if self._row is not None and self._row.score is not None:
            marker = pg.InfiniteLine(self._row.score, pen=pg.mkPen(now.text, width=2))
            plot.addItem(marker)
        tip = tr("Solid line: this image. Dashed: from here on the model says damaged.")
        if None not in band:
            tip += " " + tr("Violet: doubtful, for review.")
        plot.setToolTip(tip)
        self.setAccessibleName(tr("Histogram of {n} scores", n=total))

    def _make_plot(self) -> Any:
        if self._plot is None:
            import pyqtgraph as pg  # noqa: PLC0415

            self._plot = pg.PlotWidget(background=None)
            self._plot.setMouseEnabled(x=False, y=False)
            self._plot.hideButtons()
            self._plot.setMenuEnabled(False)
            self._plot.setXRange(0, 1, padding=0.02)
            axis = self._plot.getAxis("left")
            axis.setWidth(34)
            font = QFont(self.font())
            font.setPixelSize(10)
            for name in ("left", "bottom"):
                self._plot.getAxis(name).setTickFont(font)
                self._plot.getAxis(name).setPen(theme.colours().line)
                self._plot.getAxis(name).setTextPen(theme.colours().faint)
            self._column.addWidget(self._plot)
        return self._plot

    def retheme(self) -> None:
        """Colours have changed: the plot is made anew."""
        if self._plot is not None:
            self._column.removeWidget(self._plot)
            self._plot.deleteLater()
            self._plot = None
        self._draw()

    def sizeHint(self) -> QSize:
        """A small one."""
        return QSize(220, 120)
