"""Learning masks from the review: better ones count at once, others change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from driver import (
    answer,
    click,
    drag,
    inspect,
    open_folder,
    picture_shown,
    press,
    project_of,
    settled,
    trigger,
    wait_for,
)
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.model.file import load_metadata
from cfinspect.engine.synth.folder import write_folder
from cfinspect.project.listing import list_images
from cfinspect.project.paths import user_folder
from cfinspect.project.project import Project
from cfinspect.project.verdicts import Verdict, decide, human_of
from cfinspect.ui.dialogs.common import Dialog, ErrorDialog
from cfinspect.ui.jobs.distilling import Distil, Distilled
from cfinspect.ui.jobs.job import JobProgress, JobState
from cfinspect.ui.shell.main_window import MainWindow

pytest_plugins = ["stage"]


@pytest.fixture
def reviewed(window: MainWindow, model: Path, tmp_path: Path) -> Path:
    """Walls that the window has inspected, and whose masks a colleague has corrected."""
    walls = write_folder(tmp_path / "photos", "crack", count=208, size=48, seed=5)
    masks = (walls / "masks").rename(tmp_path / "drawn")
    open_folder(window, walls)
    inspect(window, model)
    with Project.create(walls, human=True) as project:
        for row in list_images(project, limit=500):
            if row.label == 1:
                mask = read_mask(masks / f"{row.path.stem}.png").astype(np.uint8)
                decide(project, row.id, who="bob", verdict=Verdict.DAMAGED, mask=mask)
    return walls


def learn(window: MainWindow, steps: int, title: str, button: str) -> tuple[Distilled, str]:
    """What came of it, and what the dialog of this title said before its button was clicked."""
    said: list[str] = []
    came: list[Distilled] = []
    steps_shown: list[JobProgress] = []

    def progressed(progress: JobProgress) -> None:
        if progress.text == "Teaching the segmenter" and progress.done:
            steps_shown.append(progress)

    def look(dialog: Dialog) -> None:
        said.append(" ".join(label.text() for label in dialog.findChildren(QLabel)))
        click(dialog, button)

    met = answer(Dialog, look, 300, title=title)
    ticket = window.controllers.distillation.start(steps)
    assert ticket is not None
    ticket.succeeded.connect(came.append)
    ticket.progressed.connect(progressed)
    wait_for(lambda: ticket.is_over, 300)
    assert ticket.state is JobState.DONE
    assert steps == 1 or steps_shown
    assert all(one.total == steps and one.rate == 0 for one in steps_shown)  # no images a second
    wait_for(lambda: bool(met))
    return came[0], said[0]


def test_better_masks_count_at_once_and_all_else_changes_nothing(
    window: MainWindow, reviewed: Path, model: Path
) -> None:
    stopped = window.controllers.distillation.start(100_000)
    assert stopped is not None
    wait_for(lambda: stopped.progress.text == "Teaching the segmenter", 300)
    trigger(window, "cancel_job")
    wait_for(lambda: stopped.is_over)
    assert stopped.state is JobState.CANCELLED

    none, said = learn(window, 1, "The new masks are no better", "Close")
    assert none.model is None and not none.result.accepted
    assert "nothing was changed" in said
    assert not (user_folder() / "models").exists()
    before = window.session.model_of(1)
    assert before is not None and before.path == model

    some, said = learn(window, 60, "The new masks are better", "Inspect again")
    result, new = some.result, some.model
    assert new == user_folder() / "models" / "run-masks.safetensors"
    assert load_metadata(new).segmenter is not None
    assert result.human_masks >= 10
    assert result.old.agreement is not None and result.new.agreement is not None
    assert f"is {result.new.agreement:.3f}, before {result.old.agreement:.3f}" in said

    def inspected() -> bool:
        bound, facts = window.session.model_of(1), window.session.facts
        counts = facts.counts if facts is not None else []
        done = sum(one.images for one in counts if one.machine is not None)
        return bound is not None and bound.path == new and done == 208

    wait_for(inspected)
    with project_of(window) as project:
        assert {one.path for one in project.models()} == {model, new}

    # Masks that a model learned which no longer counts for the folder: what counts now stays.
    root = window.session.root
    assert root is not None
    late = answer(Dialog, lambda dialog: click(dialog, "Close"), title="The new masks are better")
    window.controllers.distillation.show_result(Distil(root, before, [1]), Distilled(model, result))
    wait_for(lambda: bool(late))
    settled(window)
    with project_of(window) as project:
        bound = next(one.model_id for one in project.folders() if one.id == 1)
        assert next(one.path for one in project.models() if one.id == bound) == new


def test_too_few_images_are_told_and_change_nothing(
    window: MainWindow, walls: Path, model: Path
) -> None:
    for path in sorted((walls / "damaged").iterdir())[3:]:
        path.unlink()
    open_folder(window, walls)
    window.refresher.refresh_now()
    assert not window.actions_["distil"].isEnabled()  # nothing is inspected
    inspect(window, model)
    image_id = window.model.ids[0]
    window.controllers.review.open_image(image_id)
    picture_shown(window)
    press(window, Qt.Key.Key_B)
    middle = window.canvas.rect().center()
    drag(window.canvas, [(middle.x() + 9 * n, middle.y()) for n in range(8)])
    assert window.edits.has_edits

    window.expected_failure = True  # type: ignore[attr-defined]
    met = answer(ErrorDialog, lambda dialog: dialog.accept())
    trigger(window, "distil")
    with project_of(window) as project:  # the corrections were stored first
        assert human_of(project, image_id).mask is not None
    wait_for(lambda: bool(met))
    failure = window.messages.last_failure
    assert failure is not None and failure.title == "Learning masks"
    assert "give more images" in failure.sentence
    bound = window.session.model_of(1)
    assert bound is not None and bound.path == model
    assert not (user_folder() / "models").exists()
