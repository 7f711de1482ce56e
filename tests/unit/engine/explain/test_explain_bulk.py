"""Explanations of files: what is read, asked, enlarged, told and left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from recorded_progress import Recorded
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.explain.bulk import explain_sources
from cfinspect.engine.explain.classifier import Classifier
from cfinspect.engine.explain.protocol import (
    NO_NUMBER,
    NOT_ASKED,
    NOT_FLIPPED,
    Explained,
    Explanation,
    Images,
    Labels,
    own_masks,
)
from cfinspect.engine.inference.stream import Source

CPU = choose_device("cpu", "fp32")
SIZE = 32


class Bright(Classifier):
    """Damaged is what is brighter than 0.6 in the upper left quarter; sees 64 px."""

    name, size, device, limit, no_gradients = "bright", 64, CPU, 0.0, ""
    module: nn.Module | None = None

    def odds(self, x: Tensor) -> Tensor:
        quarter = x[..., : x.shape[-2] // 2, : x.shape[-1] // 2]
        return 40 * (quarter.mean(dim=(1, 2, 3)) - 0.6)

    def once(self, x: Tensor) -> Tensor:
        return self.odds(x)


class Painter:
    """Makes the quarter dark or bright, by ``strength``; takes ``most`` images at once."""

    name, size = "painter", SIZE

    def __init__(self, strength: float = 1.0, most: int = 100) -> None:
        self.strength = strength
        self.most = most
        self.seen: list[int] = []

    def ticks(self, count: int) -> int:
        return count

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        if len(images) > self.most:
            raise torch.OutOfMemoryError("not enough")
        self.seen.append(len(images))
        made = (images / 255).astype(np.float32)
        for picture, wanted in zip(made, target, strict=True):
            aim = 0.9 if wanted else 0.1
            quarter = picture[: SIZE // 2, : SIZE // 2]
            quarter += self.strength * (aim - quarter)
            progress.tick()
        saliency = np.abs(made - images / np.float32(255)).mean(axis=3)
        return Explanation(
            counterfactual=made,
            saliency=saliency,
            mask=own_masks(saliency),
            flipped=np.ones(len(images), dtype=np.bool_),  # it thinks so
            evaluations=np.full(len(images), 7),
            seconds=0.5,
        )


def written(folder: Path, name: str, picture: np.ndarray) -> Source:
    path = folder / name
    assert cv2.imwrite(str(path), picture)
    return Source(path, name, path.stem)


@pytest.fixture
def files(tmp_path: Path) -> list[Source]:
    """A bright photo across, a dark grey one, a broken one, and a bright square."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    return [
        written(tmp_path, "across.png", np.full((60, 100, 3), 220, np.uint8)),
        written(tmp_path, "grey.png", np.full((40, 40), 60, np.uint8)),
        Source(broken, "broken.png", "broken"),
        written(tmp_path, "square.png", np.full((50, 50, 3), 200, np.uint8)),
    ]


def explained(files: list[Source], painter: Painter | None = None, **how: Any) -> list[Explained]:
    return list(explain_sources(painter or Painter(), Bright(), files, **how))


def test_every_file_has_its_word_in_order(files: list[Source]) -> None:
    found = explained(files, batch=3)
    assert [one.source.name for one in found] == [one.name for one in files]
    across, grey, broken, square = found
    assert "broken.png" in broken.error and broken.image is None
    assert (across.target, grey.target, square.target) == (0, 1, 0)
    assert across.before > 0.99 and grey.before < 0.01
    assert across.flipped and across.after is not None and across.after < 0.01
    assert across.picture is not None and across.picture.shape == (60, 100, 3)
    assert across.saliency is not None and across.saliency.shape == (60, 100)
    assert across.mask is not None and across.mask[10, 20] and not across.mask[50, 90]
    # Where nothing was painted, the picture is the image.
    assert np.array_equal(across.picture[40:, 60:], np.full((20, 40, 3), 220, np.uint8))
    assert across.kept is None and across.evaluations == 7


def test_what_the_file_shows_is_asked_not_what_the_explainer_believes(files: list[Source]) -> None:
    across, *_ = explained(files, Painter(strength=0.2))
    assert across.flipped is False
    assert across.note == NOT_FLIPPED
    assert across.after is not None and across.after > 0.5
    assert across.picture is None and across.saliency is None and across.mask is None


def test_a_target_that_is_reached_is_not_asked_for(files: list[Source]) -> None:
    painter = Painter()
    found = explained(files, painter, target="damaged")
    assert [one.note for one in found] == [NOT_ASKED, "", "", NOT_ASKED]
    assert painter.seen == [1]
    assert found[0].picture is None and found[0].image is not None


def test_fewer_at_once_where_memory_runs_out(files: list[Source]) -> None:
    painter = Painter(most=1)
    found = explained(files, painter)
    assert painter.seen == [1, 1, 1]
    assert [bool(one.flipped) for one in found] == [True, True, False, True]
    with pytest.raises(torch.OutOfMemoryError):
        explained(files, Painter(most=0))


def test_photos_for_windows_are_told(files: list[Source]) -> None:
    found = explained(files, too_large=lambda image: image.shape[1] > 90)
    assert "cut it into tiles" in found[0].error
    assert found[3].flipped


def test_progress_reaches_the_end_and_a_cancel_ends_it(files: list[Source]) -> None:
    progress = Recorded()
    explained(files, batch=2, progress=progress)
    assert progress.seen[-1] == (4, 4)
    assert progress.seen == sorted(progress.seen)
    with pytest.raises(Cancelled):
        explained(files, progress=Recorded(after=0))


class Undecided(Bright):
    """Answers with no number for what is dark."""

    def odds(self, x: Tensor) -> Tensor:
        odds = super().odds(x)
        return torch.where(odds < 0, torch.nan, odds)


def test_no_number_is_an_error_of_the_image_and_no_class(files: list[Source]) -> None:
    found = list(explain_sources(Painter(), Undecided(), files, target="undamaged"))
    assert [one.error == NO_NUMBER for one in found] == [False, True, False, False]
    # Their counterfactuals are dark: what has no number has not turned the verdict.
    assert [found[place].flipped for place in (0, 3)] == [False, False]
    assert found[0].after is None and found[0].picture is None
    assert found[1].note == ""
