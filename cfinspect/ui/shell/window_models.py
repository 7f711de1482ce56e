"""Which model counts for which images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QInputDialog

from cfinspect.ui.shell.window_base import WindowBase
from cfinspect.ui.widgets.translate import tr


class ModelsPart(WindowBase):
    """What the window does with models."""

    def show_models(self) -> None:
        """Say which models count for the chosen folders, in the tool bar and the status bar."""
        from cfinspect.ui.jobs.job_types import model_name  # noqa: PLC0415

        found = [self.session.model_of(one) for one in self.folders.current_folders()]
        names = sorted({model_name(one) for one in found if one is not None})
        text = ", ".join(names) if names else tr("none")
        self.model_part.setVisible(self.session.facts is not None)
        self.model_button.setText(tr("Model: {name}", name=text) + " ▾")
        self.model_button.setToolTip(tr("Which model counts for the folders chosen on the left"))
        self.model_label.setText(tr("model {name}", name=text) if names else "")

    def fill_models(self) -> None:
        """List the models that the chosen folders may have."""
        from cfinspect.ui.jobs.job_types import card_of, model_name  # noqa: PLC0415

        menu, facts = self.model_button.menu(), self.session.facts
        menu.clear()
        chosen = self.folders.current_folders()
        if facts is None:
            return
        found = [self.session.model_of(one) for one in chosen]
        bound = {one.id for one in found if one is not None}
        for model in reversed(facts.models):
            action = menu.addAction(f"{model_name(model)} ({card_of(model)['created']})")
            action.setCheckable(True)
            action.setChecked(model.id in bound)
            action.setEnabled(model.path.is_file())
            action.triggered.connect(lambda _=False, path=model.path: self._use_for(path, chosen))
        menu.addSeparator()
        menu.addAction(self.actions_["import_model"])
        menu.addAction(self.actions_["models"])

    def _use_for(self, path: Path, folders: list[int]) -> None:
        from cfinspect.ui.dialogs.models import add_model_file  # noqa: PLC0415

        wanted = self.one_domain(folders)
        if wanted is not None:
            add_model_file(self.session, path, wanted)

    def one_domain(self, folders: list[int]) -> list[int] | None:
        """Of these folders (ids) those of one domain: a model is made for one. None: cancelled."""
        known = [one for one in map(self.session.folder, folders) if one is not None]
        domains = sorted({one.domain for one in known})
        if len(domains) < 2:
            return folders
        domain, chosen = QInputDialog.getItem(
            self,
            tr("Which images?"),
            tr("A model is for one kind of images. For which folders shall it count?"),
            domains,
            0,
            False,
        )
        return [one.id for one in known if one.domain == domain] if chosen else None
