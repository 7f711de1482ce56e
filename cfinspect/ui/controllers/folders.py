"""The image folders of a project: adding, removing, their scale; and what is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QInputDialog

from cfinspect.engine.model.plugins import model_suffixes
from cfinspect.ui.controllers.models import ModelController
from cfinspect.ui.controllers.projects import ProjectController
from cfinspect.ui.frame.context import Context
from cfinspect.ui.widgets.label import plain
from cfinspect.ui.widgets.translate import tr

if TYPE_CHECKING:
    from cfinspect.project.project import Project


class FolderController:
    """Adds, removes and describes folders."""

    def __init__(
        self, context: Context, projects: ProjectController, models: ModelController
    ) -> None:
        self._context = context
        self._session = context.session
        self._projects = projects
        self._models = models

    def add_dialog(self) -> None:
        """Ask for another image folder."""
        found = QFileDialog.getExistingDirectory(self._context.window, tr("Add an image folder"))
        if found:
            self.take_paths([Path(found)])

    def take_paths(self, paths: list[Path]) -> None:
        """What was dropped: model files for this project, folders to add or to open."""
        folders = [path for path in paths if path.is_dir()]
        if self._session.project is None:
            if folders:
                self._projects.open(folders[0])
            return
        models = [path for path in paths if path.suffix in model_suffixes()]
        if self._models.use_files(models) and folders:
            self._add(folders)

    def _add(self, folders: list[Path]) -> None:
        from cfinspect.ui.dialogs.folder import AddFolderDialog  # noqa: PLC0415  (when needed)

        facts = self._session.facts
        known = {one.path: one for one in facts.folders} if facts else {}
        there = [known[one.resolve()] for one in folders if one.resolve() in known]
        folders = [one for one in folders if one.resolve() not in known]
        if not folders:
            text = tr("{folder} is in the project already.", folder=there[0].path)
            self._context.messages.tell(text)
            self._context.parts.folders.select(there[0].id)
            return
        domains = sorted({one.domain for one in known.values()})
        dialog = AddFolderDialog(self._context.window, folders, domains)
        if not self._context.messages.run(dialog):
            return
        domain = dialog.domain()

        def work(project: Project) -> list[int]:
            return [project.add_folder(folder, domain).id for folder in folders]

        def after(added: list[int]) -> None:
            self._projects.rescan(added)
            self._select_when_known(added[0])

        self._session.change(work, after)

    def _select_when_known(self, folder: int) -> None:
        """Choose a new folder on the left as soon as it is listed: what follows is for it."""
        root = self._session.root

        def look() -> None:
            if self._session.root != root:
                self._session.facts_changed.disconnect(look)
            elif self._session.folder(folder) is not None:
                self._session.facts_changed.disconnect(look)
                self._context.parts.folders.select(folder)

        self._session.facts_changed.connect(look)

    def remove(self, number: int) -> None:
        """Take a folder (id) out of the project, after a question: undo does not bring it back."""
        folder = self._session.folder(number)
        if folder is None or not self._context.messages.ask(
            tr("Remove from the project"),
            tr(
                "{folder} leaves the project. No file is deleted, and what was said of its images "
                "comes back when the folder is added again.",
                folder=folder.path,
            ),
            tr("Remove"),
        ):
            return
        self._session.change(lambda project: project.remove_folder(folder))

    def allow(self, number: int) -> None:
        """Ask whether a folder (id) outside of the project may be read."""
        folder = self._session.folder(number)
        if folder is not None:
            self._projects.ask_to_read([folder.path])

    def set_scale(self, number: int) -> None:
        """Ask for the scale of the images of a folder (id)."""
        folder, parts = self._session.folder(number), self._context.parts
        if folder is None:
            return
        value, chosen = QInputDialog.getDouble(
            self._context.window,
            tr("Scale"),
            plain(tr("Millimetres a pixel in {folder}:", folder=folder.path.name)),
            folder.mm_per_px or 0.1,
            0.000001,
            1000.0,
            6,
        )
        if chosen:
            self._session.change(
                lambda project: project.set_scale(folder, value),
                lambda _: parts.inspector.show_picture(parts.canvas.picture),
            )
