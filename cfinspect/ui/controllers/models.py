"""Which model counts for which images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QInputDialog

from cfinspect.ui.dialogs.models import ModelsDialog
from cfinspect.ui.dialogs.paths import model_filter
from cfinspect.ui.frame.context import Context
from cfinspect.ui.jobs.job_types import model_name, summary_of
from cfinspect.ui.widgets.translate import tr


class ModelController:
    """Binds models to folders, and says which ones are bound."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._session = context.session
        self._folders = context.parts.folders
        self._offered: Path | None = None

    def show_models(self) -> None:
        """Say which models count for the chosen folders, in the tool bar and the status bar."""
        bars = self._context.bars
        found = [self._session.model_of(one) for one in self._folders.current_folders()]
        names = sorted({model_name(one) for one in found if one is not None})
        text = ", ".join(names) if names else tr("none")
        bars.model_part.setVisible(self._session.facts is not None)
        bars.model_button.setText(tr("Model: {name}", name=text) + " ▾")
        bars.model_button.setToolTip(tr("Which model counts for the folders chosen on the left"))
        self._context.status.model_label.setText(tr("model {name}", name=text) if names else "")

    def fill_menu(self) -> None:
        """List the models that the chosen folders may have."""
        menu, facts = self._context.bars.model_button.menu(), self._session.facts
        menu.clear()
        chosen = self._folders.current_folders()
        if facts is None:
            return
        found = [self._session.model_of(one) for one in chosen]
        bound = {one.id for one in found if one is not None}
        for model in reversed(facts.models):
            action = menu.addAction(f"{model_name(model)} ({summary_of(model).created})")
            action.setCheckable(True)
            action.setChecked(model.id in bound)
            action.setEnabled(model.path.is_file())
            action.triggered.connect(lambda _=False, path=model.path: self._use_for(path, chosen))
        menu.addSeparator()
        menu.addAction(self._context.actions["import_model"])
        menu.addAction(self._context.actions["models"])

    def _use_for(self, path: Path, folders: list[int]) -> None:
        wanted = self.one_domain(folders)
        if wanted is not None:
            self._session.add_model_file(path, wanted)

    def one_domain(self, folders: list[int]) -> list[int] | None:
        """Of these folders (ids) those of one domain: a model is made for one. None: cancelled."""
        known = [one for one in map(self._session.folder, folders) if one is not None]
        domains = sorted({one.domain for one in known})
        if len(domains) < 2:
            return folders
        domain, chosen = QInputDialog.getItem(
            self._context.window,
            tr("Which images?"),
            tr("A model is for one kind of images. For which folders shall it count?"),
            domains,
            0,
            False,
        )
        return [one.id for one in known if one.domain == domain] if chosen else None

    def use_files(self, paths: list[Path]) -> bool:
        """Let model files count for the chosen folders; False where that was cancelled."""
        chosen = self.one_domain(self._folders.current_folders()) if paths else []
        if chosen is None:
            return False
        for path in paths:
            self._session.add_model_file(path, chosen)
        return True

    def take_file(self, path: Path) -> None:
        """A model file that was opened with cfinspect: for the project once there is one."""
        self._offered = path
        if self._session.facts is not None:
            self._take_offered()
        else:
            text = tr("{file} is taken into the project that opens next.", file=path.name)
            self._context.messages.tell(text)

    def facts_changed(self) -> None:
        """A project may be there now for a model that was offered before."""
        if self._offered is not None and self._session.facts is not None:
            QTimer.singleShot(0, self._take_offered)

    def _take_offered(self) -> None:
        path, self._offered = self._offered, None
        if path is not None:
            self.use_files([path])

    def import_file(self) -> None:
        """Ask for a model file for the folders that are chosen."""
        found, _ = QFileDialog.getOpenFileName(
            self._context.window, tr("Import a model file"), "", model_filter()
        )
        if found:
            self.use_files([Path(found)])

    def show_all(self) -> None:
        """The models of the project."""
        folders = self._folders.current_folders()
        self._context.messages.run(ModelsDialog(self._context.window, self._session, folders))
