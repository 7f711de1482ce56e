"""What a project teaches: the images of the folders that were asked for, and people's masks."""

from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import read_mask
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.dataset import DAMAGED, UNDAMAGED
from cfinspect.engine.synth.folder import write_folder
from cfinspect.project.listing import list_images
from cfinspect.project.project import Project
from cfinspect.project.scan import scan
from cfinspect.project.verdicts import Verdict, decide
from cfinspect.workflows.distil_model import project_lessons


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
        lessons = project_lessons(project, {ids["crack"]}, Progress())
        assert len(project_lessons(project, ids.values(), Progress()).dataset.samples) == 9
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
