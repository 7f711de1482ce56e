"""Exports, imports and models through their dialogs; folders and domains; the demo's list."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from driver import (
    answer,
    drag,
    inspect,
    live,
    open_first,
    open_folder,
    picture_shown,
    press,
    project_of,
    settled,
    trigger,
    wait_for,
)
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from cfinspect.formats.coco import read as read_coco
from cfinspect.formats.exchange_types import ImportedImage
from cfinspect.formats.export_filter import Only
from cfinspect.project.listing import HumanState, ImageFilter, list_images
from cfinspect.project.verdicts import human_of, read_mask_of
from cfinspect.ui.dialogs.common import Dialog, Question
from cfinspect.ui.dialogs.exporting import ExportDialog
from cfinspect.ui.dialogs.folder import AddFolderDialog
from cfinspect.ui.dialogs.importing import ImportDialog
from cfinspect.ui.dialogs.models import ModelsDialog
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


def test_corrections_are_exported_and_read_again(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    image_id = window.model.ids[0]
    window.controllers.review.open_image(image_id)
    picture_shown(window)
    window.inspector.slider.setValue(1000)
    press(window, Qt.Key.Key_B)
    window.canvas.set_radius(3)
    middle = window.canvas.rect().center()
    drag(window.canvas, [(middle.x() + 20 * n, middle.y()) for n in range(6)])
    press(window, Qt.Key.Key_M)
    picture_shown(window)
    press(window, Qt.Key.Key_U)
    settled(window)
    with project_of(window) as project:
        mask = read_mask_of(project, human_of(project, image_id))
    assert mask is not None
    out = tmp_path / "out"

    def choose(dialog: ExportDialog) -> None:
        wait_for(lambda: "To be written: 2." in dialog.preview.text())
        assert "46 not reviewed" in dialog.preview.text()
        dialog.out.line.setText(str(out))
        dialog.ok.click()

    met = answer(ExportDialog, choose)
    done = answer(Dialog, lambda dialog: dialog.reject(), title="Export done")
    trigger(window, "export")
    wait_for(lambda: bool(met))
    wait_for(lambda: bool(done))
    wait_for(lambda: window.session.jobs.running is None)
    found = {one.name: one for one in read_coco(out) if isinstance(one, ImportedImage)}
    assert len(found) == 2
    stored = [one.mask for one in found.values() if one.mask is not None and one.mask.any()]
    assert len(stored) == 1
    assert (stored[0] == mask).all()


def exported(folder: Path) -> int:
    return sum(isinstance(one, ImportedImage) for one in read_coco(folder))


def test_a_larger_export_is_not_replaced_without_a_word(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    inspect(window, model)
    open_first(window)
    press(window, Qt.Key.Key_D)
    settled(window)
    out = tmp_path / "out"

    def take(only: Only | None) -> Callable[[ExportDialog], None]:
        def choose(dialog: ExportDialog) -> None:
            dialog.out.line.setText(str(out))
            if only is not None:
                dialog.only.setCurrentIndex(dialog.only.findData(only.value))
            many = 48 if dialog.only.currentData() == Only.ALL.value else 1
            wait_for(lambda: f"To be written: {many}." in dialog.preview.text())
            dialog.ok.click()

        return choose

    def export(only: Only | None, *, replaced: bool = True) -> None:
        met = answer(ExportDialog, take(only))
        done: list[Dialog] = []
        if replaced:
            done = answer(Dialog, lambda dialog: dialog.reject(), title="Export done")
        trigger(window, "export")
        wait_for(lambda: bool(met))
        wait_for(lambda: window.session.jobs.running is None)
        wait_for(lambda: bool(done) or not replaced)

    export(Only.ALL)
    assert exported(out) == 48
    asked = answer(Question, lambda dialog: dialog.reject())
    export(Only.REVIEWED, replaced=False)
    wait_for(lambda: bool(asked))
    assert exported(out) == 48
    export(None)  # offered is what was taken there before
    assert exported(out) == 48


def test_labels_come_in_with_a_look_at_them_first(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    row = window.model.row_at(2)
    assert row is not None
    mask = np.zeros((48, 48), np.uint8)
    mask[10:20, 5:30] = 1
    shapes = [
        {
            "label": "damage",
            "points": [[5, 10], [30, 10], [30, 20], [5, 20]],
            "shape_type": "polygon",
        }
    ]
    about = {"imagePath": row.path.name, "imageHeight": 48, "imageWidth": 48, "shapes": shapes}
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / f"{row.path.stem}.json").write_text(
        json.dumps({"version": "5", "flags": {}, "imageData": None, **about})
    )

    def choose(dialog: ImportDialog) -> None:
        dialog.form.setCurrentIndex(dialog.form.findData("labelme"))
        dialog.path.line.setText(str(labels))
        wait_for(lambda: "To be taken: 1." in dialog.preview.text())
        dialog.ok.click()

    met = answer(ImportDialog, choose)
    done = answer(Dialog, lambda dialog: dialog.accept(), title="Import done")
    trigger(window, "import")
    wait_for(lambda: bool(met))
    wait_for(lambda: bool(done))
    wait_for(lambda: window.session.jobs.running is None)
    with project_of(window) as project:
        stored = read_mask_of(project, human_of(project, row.id))
        assert human_of(project, row.id).who == "ann (labelme import)"
    assert stored is not None
    assert (stored == mask).all()
    trigger(window, "undo")
    wait_for(lambda: not window.session.can_undo)
    with project_of(window) as project:
        assert human_of(project, row.id).verdict is None


def test_a_file_of_another_format_is_told_in_the_dialog(
    window: MainWindow, walls: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{")
    texts: list[str] = []

    def choose(dialog: ImportDialog) -> None:
        dialog.form.setCurrentIndex(dialog.form.findData("coco"))
        dialog.path.line.setText(str(wrong))
        wait_for(lambda: dialog.preview.text() not in {"", "Reading…"})
        texts.append(dialog.preview.text())
        assert not dialog.ok.isEnabled()
        dialog.reject()

    met = answer(ImportDialog, choose)
    trigger(window, "import")
    wait_for(lambda: bool(met))
    assert "wrong.json" in texts[0]


def test_models_by_drop_bind_and_compare(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path
) -> None:
    open_folder(window, walls)
    other = tmp_path / "other.safetensors"
    data = model.read_bytes()
    other.write_bytes(data)
    window.controllers.folders.take_paths([other])
    wait_for(lambda: bool(window.session.facts and window.session.facts.models))
    assert window.session.model_of(1) is not None

    def look(dialog: ModelsDialog) -> None:
        assert dialog.table.rowCount() == 1
        assert "preprocessing" in dialog.metadata.toPlainText()
        dialog.table.selectRow(0)
        dialog.bind.click()
        dialog.compare.click()
        wait_for(lambda: dialog.figures.count() > 5)
        assert "label: 48." in dialog.note.text()
        dialog.reject()

    met = answer(ModelsDialog, look)
    trigger(window, "models")
    wait_for(lambda: bool(met))


def test_a_second_folder_with_its_own_domain(
    window: MainWindow, walls: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cfinspect.engine.synth.folder import write_folder

    apples = write_folder(tmp_path / "apples", "apple", count=8, size=48, seed=1)
    open_folder(window, walls)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(apples))

    def name_it(dialog: AddFolderDialog) -> None:
        assert list(dialog.known) == ["walls"]
        dialog.name.setText("apple")
        dialog.ok.click()

    met_first = answer(AddFolderDialog, name_it)
    trigger(window, "add_folder")
    wait_for(lambda: bool(met_first))
    wait_for(lambda: window.session.facts and len(window.session.facts.folders) == 2)
    wait_for(lambda: len(window.model.ids) == 8)  # the new folder is chosen: what follows is for it
    wait_for(lambda: "8" in window.gallery.next_step.text())  # once the scan is counted
    facts = window.session.facts
    assert facts is not None
    assert {one.domain for one in facts.folders} == {"walls", "apple"}
    second = facts.folders[1]
    assert window.folders.current_folders() == [second.id]
    ticket = window.controllers.inspections.start(model, [second.id])
    assert ticket is not None
    wait_for(lambda: ticket.is_over)
    live(0.4)
    assert window.session.model_of(second.id) is not None
    assert window.session.model_of(facts.folders[0].id) is None
    met = answer(Question, lambda dialog: dialog.accept())
    window.controllers.folders.remove(second.id)
    wait_for(lambda: bool(met))
    wait_for(lambda: len(window.model.ids) == 48)
    with project_of(window) as project:
        assert len(list_images(project, ImageFilter(state=HumanState.OPEN), limit=100)) == 48
