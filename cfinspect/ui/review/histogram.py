"""The scores of a folder, with the image on screen marked."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from cfinspect.engine.model.metadata import Decision
from cfinspect.project.database import ProjectError
from cfinspect.project.listing import ImageFilter, ImageRow, score_histogram
from cfinspect.project.project import Project
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets import theme
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import tr

BINS = 20


class Histogram(QWidget):
    """Bars of how many images have which score; blue-green below the threshold, orange above."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._row: ImageRow | None = None
        self._decision: Decision | None = None
        self._folder: str | None = None
        self._found: tuple[list[int], list[int]] = ([], [])
        self._plot: Any = None
        self._bars: list[Any] = []
        self._band: Any = None
        self._limit: Any = None
        self._mark: Any = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(120)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.text = Label()
        self.text.setProperty("role", "faint")
        layout.addWidget(self.text)
        self._timer = QTimer(self, singleShot=True, interval=250)
        self._timer.timeout.connect(self._read)
        session.facts_changed.connect(self._timer.start)

    def show_image(self, row: ImageRow | None) -> None:
        """Mark this image; another folder is read anew."""
        folder = self._session.folder(row.folder_id) if row else None
        model = self._session.model_of(row.folder_id) if row else None
        self._decision = model.metadata.decision if model and model.metadata else None
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
        wanted = ImageFilter(folder=self._folder)

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
        self._make_plot()
        centres = [(place + 0.5) / BINS for place in range(BINS)]
        self._bars[0].setOpts(x=centres, y0=[0] * BINS, height=undamaged)
        self._bars[1].setOpts(x=centres, y0=undamaged, height=damaged)
        decision = self._decision
        self._band.setVisible(decision is not None)
        if decision is not None:
            self._band.setRegion((decision.review_low, decision.review_high))
        score = self._row.score if self._row is not None else None
        for line, value in (
            (self._limit, decision.score_threshold if decision is not None else None),
            (self._mark, score),
        ):
            line.setVisible(value is not None)
            if value is not None:
                line.setValue(value)
        tip = tr("Solid line: this image. Dashed: from here on the model says damaged.")
        if decision is not None:
            tip += " " + tr("Violet: doubtful, for review.")
        self._plot.setToolTip(plain(tip))
        self.setAccessibleName(tr("Histogram of {n} scores", n=total))

    def _make_plot(self) -> None:
        """The plot and its parts, once: they are moved for each image, never made anew."""
        if self._plot is not None:
            return
        import pyqtgraph as pg  # noqa: PLC0415  (not before the first paint)

        now = theme.colours()
        self._plot = pg.PlotWidget(background=None)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        self._plot.setXRange(0, 1, padding=0.02)
        self._plot.getAxis("left").setWidth(34)
        font = QFont(self.font())
        font.setPixelSize(10)
        for name in ("left", "bottom"):
            self._plot.getAxis(name).setTickFont(font)
            self._plot.getAxis(name).setPen(now.line)
            self._plot.getAxis(name).setTextPen(now.faint)
        self._bars = [
            pg.BarGraphItem(x=[0], y0=[0], height=[0], width=0.9 / BINS, brush=colour, pen=None)
            for colour in (now.undamaged, now.damaged)
        ]
        shade = QColor(now.review)
        shade.setAlpha(60)
        self._band = pg.LinearRegionItem((0, 1), movable=False, brush=shade, pen=pg.mkPen(None))
        dashes = pg.mkPen(now.faint, width=1, style=Qt.PenStyle.DashLine)
        self._limit = pg.InfiniteLine(0, pen=dashes)
        self._mark = pg.InfiniteLine(0, pen=pg.mkPen(now.text, width=2))
        for part in (*self._bars, self._band, self._limit, self._mark):
            self._plot.addItem(part)
        self._column.addWidget(self._plot)

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
