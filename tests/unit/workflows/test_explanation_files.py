"""What `explain` writes, and where it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.protocol import Explained
from cfinspect.engine.inference.stream import Source
from cfinspect.workflows.explanation_files import AboutExplanations, Explanations


@pytest.mark.parametrize("inner", ["masks", "counterfactuals", "saliency", "masks/cam"])
def test_links_in_a_strangers_results_lead_nowhere(tmp_path: Path, inner: str) -> None:
    mine, place = tmp_path / "mine", tmp_path / "out" / inner
    mine.mkdir()
    (mine / "a.png").write_bytes(b"mine")
    place.parent.mkdir(parents=True)
    place.symlink_to(mine, target_is_directory=True)
    one = Explained(
        Source(tmp_path / "a.png", "cam/a.png", "cam/a"),
        image=np.zeros((9, 9, 3), np.uint8),
        mask=np.ones((9, 9), np.bool_),
    )
    with pytest.raises(CfinspectError, match="is a link"):
        Explanations(tmp_path / "out", AboutExplanations("rise", "m", 0.5)).add(one)
    assert [path.name for path in mine.iterdir()] == ["a.png"]
    assert (mine / "a.png").read_bytes() == b"mine"
