"""What a project teaches: the images of the folders that were asked for, and people's masks."""

from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.images import ImageError
from cfinspect.engine.data.dataset import DAMAGED, UNDAMAGED
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.synth.folder import write_folder
from cfinspect.masks.files import encode_indexed
from cfinspect.project.listing import list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide
from cfinspect.workflows.distil_model import project_lessons
from cfinspect.workflows.listener import Listener


class Told(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)


def test_only_the_folders_that_were_asked_for_teach(tmp_path: Path) -> None:
    walls = write_folder(tmp_path / "walls", "crack", count=6, size=32, seed=1)
    apples = write_folder(tmp_path / "apples", "apple", count=4, size=32, seed=1)
    corrected = np.zeros((32, 32), np.uint8)
    corrected[4:9, 5:20] = 1
    with Project.create(walls, domain="crack", human=True) as project:
        project.add_folder(apples, "apple")
        scan(project)
        ids = {folder.domain: folder.id for folder in project.folders()}
        rows = [row for row in list_images(project) if row.folder_id == ids["crack"]]
        row = next(one for one in rows if one.label == DAMAGED)
        skipped = next(one for one in rows if one.label == UNDAMAGED)
        decide(project, row.id, who="ann", verdict=Verdict.DAMAGED, mask=corrected)
        decide(project, skipped.id, who="ann", verdict=Verdict.SKIPPED)
        lessons = project_lessons(project, {ids["crack"]}, Listener())
        assert len(project_lessons(project, ids.values(), Listener()).dataset.samples) == 9
    samples = {one.path: one for one in lessons.dataset.samples}
    assert lessons.from_project
    assert set(samples) == {one.path for one in rows} - {skipped.path}
    assert [one.path for one in samples.values() if one.mask is not None] == [row.path]
    mask = samples[row.path].mask
    assert mask is not None
    assert np.array_equal(lessons.read_mask(mask), corrected > 0)
    # Masks of data folders are read as such.
    drawn = next((walls / "masks").iterdir())
    assert np.array_equal(lessons.read_mask(drawn), read_mask(drawn))
    # A corrected mask that somebody changed is not what the person drew.
    mask.write_bytes(encode_indexed(np.ones((32, 32), np.uint8)))
    with pytest.raises(ImageError, match="not what was saved"):
        lessons.read_mask(mask)


def test_an_unreadable_image_is_left_out_and_told(tmp_path: Path) -> None:
    walls = write_folder(tmp_path / "walls", "crack", count=4, size=32, seed=1)
    with Project.create(walls, domain="crack", human=True) as project:
        scan(project)
        rows = list_images(project)
        rows[0].path.write_bytes(b"")
        listener = Told()
        lessons = project_lessons(project, {rows[0].folder_id}, listener)
    assert {one.path for one in lessons.dataset.samples} == {one.path for one in rows[1:]}
    assert len(listener.notes) == 1 and str(rows[0].path) in listener.notes[0]
