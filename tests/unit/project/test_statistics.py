from __future__ import annotations

from pathlib import Path

from studio import inspected_project

from cfinspect.project.finding import find
from cfinspect.project.statistics import overruled
from cfinspect.project.verdicts import Verdict, decide, undo


def test_each_image_counts_once_in_the_band_of_its_score(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.95, 0.91, 0.42, 0.48, 1.0])
    said = [
        (0, Verdict.DAMAGED),
        (1, Verdict.DAMAGED),
        (1, Verdict.UNDAMAGED),  # changed his mind
        (2, Verdict.SKIPPED),
        (3, Verdict.DAMAGED),
        (4, Verdict.UNDAMAGED),
    ]
    for image, verdict in said:
        decide(project, find(project, f"img{image}.png").id, who="ann", verdict=verdict)
    decide(project, find(project, "img0.png").id, who="ann", comment="clear")
    bands = overruled(project)
    assert [(b.agreed, b.overruled, b.skipped) for b in bands] == [
        *[(0, 0, 0)] * 4,
        (0, 1, 1),
        *[(0, 0, 0)] * 4,
        (1, 2, 0),
    ]
    assert bands[9].overruled_share == 2 / 3
    assert bands[0].overruled_share is None
    assert sum(b.agreed for b in overruled(project, "another model")) == 0


def test_what_was_undone_does_not_count(tmp_path: Path) -> None:
    project = inspected_project(tmp_path / "hall", [0.95])
    decide(project, find(project, "img0.png").id, who="ann", verdict=Verdict.DAMAGED)
    undo(project, who="ann")
    assert sum(b.agreed + b.overruled for b in overruled(project)) == 0
