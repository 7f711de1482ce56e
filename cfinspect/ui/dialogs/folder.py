"""What the images of a new folder show: a domain that the project has, or another one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QLineEdit, QRadioButton, QWidget

from cfinspect.ui.dialogs.common import Dialog
from cfinspect.ui.widgets.translate import tr


class AddFolderDialog(Dialog):
    """Asks for the domain of ``folders``, with those of the project to choose from."""

    def __init__(self, parent: QWidget | None, folders: list[Path], domains: list[str]) -> None:
        super().__init__(parent, tr("Add an image folder"), 480)
        self.add_text("\n".join(str(folder) for folder in folders))
        self.add_text(
            tr("What do these images show? Folders that show the same share one model."),
            faint=True,
        )
        self._group = QButtonGroup(self)
        self.known: dict[str, QRadioButton] = {}
        for domain in domains:
            button = QRadioButton(tr("The same as {domain}", domain=domain))
            self._group.addButton(button)
            self.column.addWidget(button)
            self.known[domain] = button
        self.other = QRadioButton(tr("Something else:"))
        self._group.addButton(self.other)
        self.column.addWidget(self.other)
        self.name = QLineEdit(folders[0].name if folders else "")
        self.name.setAccessibleName(tr("Name of what they show"))
        self.name.textEdited.connect(lambda _: self.other.setChecked(True))
        self.column.addWidget(self.name)
        self.add_cancel()
        self.ok = self.add_ok(tr("Add"))
        same = self.known.get(folders[0].name if folders else "")
        (same or self.other).setChecked(True)
        self.other.setVisible(bool(self.known))
        self._group.buttonToggled.connect(lambda *_: self._show_state())
        self.name.textChanged.connect(lambda _: self._show_state())
        self.name.selectAll()
        self.name.setFocus()
        self._show_state()

    def _show_state(self) -> None:
        self.ok.setEnabled(bool(self.domain()))

    def domain(self) -> str:
        """The domain that was chosen."""
        for domain, button in self.known.items():
            if button.isChecked():
                return domain
        return self.name.text().strip()
