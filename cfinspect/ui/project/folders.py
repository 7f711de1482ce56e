"""The left panel: image folders by domain with their models and counts, and the filter."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cfinspect.project.listing import Count, HumanState, ImageFilter
from cfinspect.ui.jobs.job_types import model_name
from cfinspect.ui.state.session import Session
from cfinspect.ui.widgets.drops import dropped_paths
from cfinspect.ui.widgets.icons import dress, icon
from cfinspect.ui.widgets.label import Label, plain
from cfinspect.ui.widgets.translate import mark, tr

_KEY = Qt.ItemDataRole.UserRole

# What the first box of the filter offers: a name, and what it asks for.
_STATES: tuple[tuple[str, ImageFilter], ...] = (
    (mark("All images"), ImageFilter()),
    (mark("To review"), ImageFilter(to_review=True)),
    (mark("Reviewed"), ImageFilter(reviewed=True)),
    (mark("Inspected"), ImageFilter(inspected=True)),
    (mark("Not inspected"), ImageFilter(inspected=False)),
    (mark("Flagged by the model"), ImageFilter(flagged=True)),
    (mark("Model: damaged"), ImageFilter(machine=1)),
    (mark("Model: undamaged"), ImageFilter(machine=0)),
    (mark("Human: damaged"), ImageFilter(verdict=1)),
    (mark("Human: undamaged"), ImageFilter(verdict=0)),
    (mark("Human: skipped"), ImageFilter(state=HumanState.SKIPPED)),
    (mark("Mask corrected"), ImageFilter(state=HumanState.CORRECTED)),
    (mark("No verdict yet"), ImageFilter(state=HumanState.OPEN)),
    (mark("Vanished"), ImageFilter(missing=True)),
)


_ROWS = {
    "inspected": ImageFilter(inspected=True),
    "flagged": ImageFilter(flagged=True),
    "to review": ImageFilter(to_review=True),
    "reviewed": ImageFilter(reviewed=True),
    "unreadable": ImageFilter(inspected=False),
}
_COUNTS = _KEY + 1  # which of the rows an item of the tree is


class Folders(QWidget):
    """Tree and filter. ``filtered``: list these images. ``dropped``: folders or models."""

    filtered = Signal(object)
    dropped = Signal(object)
    add_asked = Signal()
    rescan_asked = Signal(int)
    inspect_asked = Signal(int)
    remove_asked = Signal(int)
    scale_asked = Signal(int)
    allow_asked = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._folder: int | None = None
        self._domain: str | None = None
        self._state = 0
        self.setAcceptDrops(True)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.setIndentation(14)
        self.tree.setAccessibleName(tr("Image folders"))
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.currentItemChanged.connect(self._chosen)
        self.tree.itemClicked.connect(self._clicked)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, header.ResizeMode.Stretch)
        header.setSectionResizeMode(1, header.ResizeMode.ResizeToContents)
        add = QPushButton(tr("Add folder…"))
        dress(add, "folder-add")
        add.setToolTip(tr("Add another folder of images; it can be dropped here as well"))
        add.clicked.connect(self.add_asked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.tree, 1)
        layout.addWidget(add)
        layout.addLayout(self._make_filter())
        self._timer = QTimer(self, singleShot=True, interval=250)
        self._timer.timeout.connect(self._tell)
        session.facts_changed.connect(self.show_facts)
        session.closed.connect(self._clear)

    def _make_filter(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(6)
        heading = Label(tr("Filter").upper())
        heading.setProperty("role", "heading")
        column.addWidget(heading)
        self.state = QComboBox()
        self.state.setAccessibleName(tr("Which images"))
        for text, _ in _STATES:
            self.state.addItem(tr(text))
        self.state.currentIndexChanged.connect(lambda _: self._tell())
        column.addWidget(self.state)
        row = QHBoxLayout()
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        for box, value, name in (
            (self.low, 0.0, tr("Lowest score")),
            (self.high, 1.0, tr("Highest score")),
        ):
            box.setRange(0, 1)
            box.setSingleStep(0.05)
            box.setValue(value)
            box.setAccessibleName(name)
            box.setToolTip(plain(name))
            box.valueChanged.connect(lambda _: self._timer.start())
        row.addWidget(Label(tr("Score")))
        row.addWidget(self.low, 1)
        row.addWidget(Label(tr("to")))
        row.addWidget(self.high, 1)
        column.addLayout(row)
        self.text = QLineEdit()
        self.text.setPlaceholderText(tr("Part of the name"))
        self.text.setAccessibleName(tr("Part of the name"))
        self.text.setClearButtonEnabled(True)
        self.text.textChanged.connect(lambda _: self._timer.start())
        column.addWidget(self.text)
        self.clear_button = QPushButton(tr("Clear the filter"))
        self.clear_button.clicked.connect(self.clear_filter)
        column.addWidget(self.clear_button)
        self.clear_button.setEnabled(False)
        return column

    # Filter ---------------------------------------------------------------------------------------

    def wanted(self) -> ImageFilter:
        """The filter that is set."""
        base = _STATES[self.state.currentIndex()][1]
        folder = self._session.folder(self._folder) if self._folder is not None else None
        low, high = self.low.value(), self.high.value()
        return replace(
            base,
            folder=folder.name if folder else None,
            domain=self._domain,
            score_from=low if low > 0 else None,
            score_to=high if high < 1 else None,
            text=self.text.text().strip(),
        )

    def clear_filter(self) -> None:
        """Ask for all images of the folder again."""
        for box, value in ((self.low, 0.0), (self.high, 1.0)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.text.clear()
        self.state.setCurrentIndex(0)
        self._tell()

    def set_state(self, number: int) -> None:
        """Choose an entry of the first box."""
        self.state.setCurrentIndex(number)

    def select(self, folder_id: int) -> None:
        """Choose a folder, as a click on it does."""
        self._folder, self._domain = folder_id, None
        self.show_facts()
        self._tell()

    def current_folders(self) -> list[int]:
        """Ids of the folders that are chosen: one, those of a domain, or all."""
        facts = self._session.facts
        if facts is None:
            return []
        return [
            one.id
            for one in facts.folders
            if (self._folder in {None, one.id}) and (self._domain in {None, one.domain})
        ]

    def current_scope(self) -> tuple[str | None, str | None]:
        """Name of the chosen folder and domain, as the queue takes them."""
        folder = self._session.folder(self._folder) if self._folder is not None else None
        return (folder.name if folder else None), self._domain

    def _tell(self) -> None:
        wanted = self.wanted()
        plain = replace(wanted, folder=None, domain=None) == ImageFilter()
        self.clear_button.setEnabled(not plain)
        self.filtered.emit(wanted)

    # Tree -----------------------------------------------------------------------------------------

    def show_facts(self) -> None:
        """Draw the tree anew, keeping what was chosen."""
        facts = self._session.facts
        if facts is None:
            return
        counts: dict[int, list[Count]] = defaultdict(list)
        for one in facts.counts:
            counts[one.folder_id].append(one)
        models = {model.id: model_name(model) for model in facts.models}
        self.tree.blockSignals(True)
        self.tree.clear()
        every = self._item(self.tree, tr("All images"), facts.counts, ("all", None))
        chosen = every
        domains: dict[str, QTreeWidgetItem] = {}
        for folder in facts.folders:
            if folder.domain not in domains:
                inside = [
                    one
                    for other in facts.folders
                    if other.domain == folder.domain
                    for one in counts[other.id]
                ]
                key = ("domain", folder.domain)
                title = folder.domain[:1].upper() + folder.domain[1:]
                domains[folder.domain] = self._item(self.tree, title, inside, key)
                if self._folder is None and self._domain == folder.domain:
                    chosen = domains[folder.domain]
            place = domains[folder.domain]
            name = folder.path.name if folder.name == "." else folder.name.rpartition("/")[2]
            item = self._item(place, name, counts[folder.id], ("folder", folder.id))
            tip = str(folder.path)
            if not folder.reachable:
                item.setText(0, tr("{folder} (not reachable)", folder=name))
                tip = tr("{folder} lies outside of the project and is not read.", folder=tip)
            item.setToolTip(0, plain(tip))
            item.setIcon(0, icon("folder"))
            if folder.id == self._folder:
                chosen = item
            self._details(item, counts[folder.id], folder.id, models.get(folder.model_id or 0))
        self.tree.expandAll()
        self.tree.setCurrentItem(chosen)
        self.tree.blockSignals(False)
        if chosen is every and (self._folder is not None or self._domain is not None):
            self._folder = self._domain = None  # what was chosen has left the project
            self._tell()

    def _item(
        self,
        parent: QTreeWidget | QTreeWidgetItem,
        text: str,
        counts: list[Count],
        key: tuple[str, object],
    ) -> QTreeWidgetItem:
        total = sum(one.images for one in counts)
        item = QTreeWidgetItem(parent, [text, f"{total:,}"])
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
        item.setData(0, _KEY, key)
        return item

    def _details(
        self, item: QTreeWidgetItem, counts: list[Count], folder: int, model: str | None
    ) -> None:
        facts = self._session.facts
        assert facts is not None
        inspected = sum(one.images for one in counts if one.machine is not None)
        flagged = sum(one.images for one in counts if one.flagged)
        reviewed = sum(one.images for one in counts if one.is_judged)
        key = item.data(0, _KEY)
        rows = [
            ("inspected", tr("inspected"), inspected),
            ("flagged", tr("flagged"), flagged),
            ("to review", tr("to review"), facts.waiting.get(folder, 0)),
            ("reviewed", tr("reviewed"), reviewed),
        ]
        if broken := facts.unreadable.get(folder, 0):
            rows.append(("unreadable", tr("unreadable"), broken))
        for name, text, number in rows:
            child = QTreeWidgetItem(item, [text, f"{number:,}"])
            child.setData(0, _COUNTS, name)
            child.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
            child.setData(0, _KEY, key)
            child.setFlags(Qt.ItemFlag.ItemIsEnabled)
        about = tr("model: {name}", name=model) if model else tr("no model yet")
        child = QTreeWidgetItem(item, [about, ""])
        child.setFirstColumnSpanned(True)
        child.setData(0, _KEY, key)
        child.setFlags(Qt.ItemFlag.ItemIsEnabled)

    def _chosen(self, item: QTreeWidgetItem | None) -> None:
        kind, value = item.data(0, _KEY) if item is not None else ("all", None)
        self._folder = value if kind == "folder" else None
        self._domain = value if kind == "domain" else None
        self._tell()

    def _clicked(self, item: QTreeWidgetItem) -> None:
        """A count is a way to the images that it counts."""
        parent = item.parent()
        if item.flags() & Qt.ItemFlag.ItemIsSelectable or parent is None:
            return
        self.tree.setCurrentItem(parent)
        wanted = _ROWS.get(item.data(0, _COUNTS))
        for number, (_, offered) in enumerate(_STATES):
            if offered == wanted:
                self.set_state(number)

    def _clear(self) -> None:
        self._folder = self._domain = None
        self.tree.blockSignals(True)
        self.tree.clear()
        self.tree.blockSignals(False)
        for box in (self.state, self.text, self.low, self.high):
            box.blockSignals(True)
        self.state.setCurrentIndex(0)
        self.text.clear()
        self.low.setValue(0)
        self.high.setValue(1)
        for box in (self.state, self.text, self.low, self.high):
            box.blockSignals(False)

    def _menu(self, at: QPoint) -> None:
        item = self.tree.itemAt(at)
        kind, value = item.data(0, _KEY) if item is not None else ("all", None)
        if kind != "folder" or value is None:
            return
        menu = QMenu(self)
        folder = self._session.folder(value)
        allow = [] if folder is None or folder.reachable else [(tr("Allow…"), self.allow_asked)]
        for text, signal in (
            *allow,
            (tr("Inspect…"), self.inspect_asked),
            (tr("Rescan"), self.rescan_asked),
            (tr("Scale (millimetres a pixel)…"), self.scale_asked),
            (tr("Remove from the project…"), self.remove_asked),
        ):
            action = menu.addAction(text)
            action.triggered.connect(lambda _=False, signal=signal: signal.emit(value))
        menu.exec(self.tree.viewport().mapToGlobal(at))

    # Drag and drop --------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and model files."""
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand them on."""
        self.dropped.emit(dropped_paths(event))
        event.acceptProposedAction()
