"""Measures of explainers, on classifiers and explanations that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_progress import Recorded
from report_parts import there
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import read_image
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.data.augment import augment
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.evaluation.explainer_benchmark import cout, explaining, select_correct_samples
from cfinspect.engine.evaluation.sampling import Squares
from cfinspect.engine.evaluation.simsiam import train_simsiam
from cfinspect.engine.explain.classifier import Classifier
from cfinspect.engine.explain.protocol import Explanation, Images, Labels, own_masks
from cfinspect.engine.synth import write_folder

CPU = choose_device("cpu", "fp32")
SIZE = 32


class Dark(Classifier):
    """Damaged is what has dark pixels: each speaks for it."""

    name, size, device, limit, no_gradients = "dark", SIZE, CPU, 0.0, ""
    module: nn.Module | None = None

    def odds(self, x: Tensor) -> Tensor:
        return (x.mean(dim=1) < 0.3).float().sum(dim=(1, 2)) * 4 - 2

    def once(self, x: Tensor) -> Tensor:
        return self.odds(x)


def crack(n: int, dark: int) -> np.ndarray:
    """Grey walls with a few pixels each that are dark."""
    images = np.random.default_rng(0).integers(140, 160, (n, SIZE, SIZE, 3), dtype=np.uint8)
    images[:, 10, 8 : 8 + dark] = 20
    return images


def mended(images: np.ndarray) -> np.ndarray:
    found = images.copy()
    found[found.mean(axis=3) < 60] = 150
    return found


def test_cout_is_near_one_where_few_pixels_turn_the_verdict() -> None:
    images, goal = crack(2, 5), np.zeros(2, dtype=np.int64)
    best = cout(Dark(), images, mended(images), goal)
    # Everything is repainted, most of all what does not matter.
    painted = np.where(images > 100, 255, mended(images)).astype(np.uint8)
    painted[:, 10, 8:13] = 100
    worst = cout(Dark(), images, painted, goal)
    still = cout(Dark(), images, images, goal)
    assert (best > 0.7).all()
    assert (worst < -0.7).all()
    assert (still < -0.9).all()
    assert cout(Dark(), mended(images), images, 1 - goal).min() > 0.7


class Mender:
    """Paints dark pixels; ``wrongly``: changes something else."""

    size = SIZE

    def __init__(self, name: str, wrongly: bool = False, seed: int = 0) -> None:
        self.name = name
        self._wrongly = wrongly
        self._seed = seed

    def ticks(self, count: int) -> int:
        return 1

    def explain(
        self, images: Images, target: Labels, progress: Progress = Progress()
    ) -> Explanation:
        made = mended(images)
        if self._wrongly:
            made = images.copy()
            made[:, :4, :4] = 200 + 20 * self._seed
        for number, wanted in enumerate(target):
            if wanted == 1 and not self._wrongly:
                made[number, 20, 4:9] = 20
        saliency = np.abs(made.astype(np.float32) - images).mean(axis=3) / 255
        progress.tick()
        said = (Dark().odds(torch.from_numpy(made).permute(0, 3, 1, 2) / 255) >= 0).numpy()
        return Explanation(
            counterfactual=(made / 255).astype(np.float32),
            saliency=saliency,
            mask=own_masks(saliency),
            flipped=said == (target == 1),
            evaluations=np.full(len(images), 3),
            seconds=0.1,
        )


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(
        tmp_path_factory.mktemp("explaining") / "walls", "crack", count=96, size=SIZE, seed=3
    )


def drawn(walls: Path) -> np.ndarray:
    return np.stack([read_image(one.path) for one in read_folders([walls]).samples])


def squares(n: int) -> Squares:
    images = np.concatenate([mended(crack(n, 5)), crack(n, 5)])
    labels = np.repeat([0, 1], n)
    samples = tuple(
        Sample(Path(str(place)), int(label), str(place), None, place, SIZE, SIZE)
        for place, label in enumerate(labels)
    )
    return Squares(images, labels, tuple(map(str, range(2 * n))), 0, samples)


def test_only_what_is_right_is_asked_about() -> None:
    known = squares(6)
    wrong = known.labels.copy()
    wrong[[0, 11]] = 1 - wrong[[0, 11]]
    asked = select_correct_samples(
        Dark(), Squares(known.images, wrong, known.groups, 0, known.samples), 6
    )
    assert asked.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert asked.groups == ("1", "2", "3", "6", "7", "8")
    few = known.chosen([0, *range(6, 12)])
    assert select_correct_samples(Dark(), few, 6).labels.tolist() == [0, 1, 1, 1, 1, 1]
    assert select_correct_samples(Dark(), known.chosen([*range(6), 6]), 6).labels.tolist() == [
        0,
        0,
        0,
        0,
        0,
        1,
    ]
    assert select_correct_samples(Dark(), few, 60).labels.tolist() == [0, 1, 1, 1, 1, 1, 1]
    with pytest.raises(CfinspectError, match="none of the images right"):
        select_correct_samples(
            Dark(), Squares(known.images, 1 - known.labels, known.groups, 0, known.samples), 6
        )


def test_explainers_side_by_side(walls: Path) -> None:
    simsiam = train_simsiam(drawn(walls), CPU, steps=3, width=4)
    known = squares(24)
    asked = select_correct_samples(Dark(), known, 40)
    progress = Recorded()
    found = explaining(
        {
            "mender": lambda seed: Mender("mender"),
            "ace": lambda seed: Mender("ace", wrongly=True, seed=seed),
        },
        Dark(),
        asked,
        known,
        simsiam,
        batch=16,
        progress=progress,
    )
    mender = found.explainers["mender"]
    good, bad = there(mender.made), there(found.explainers["ace"].made)
    assert found.n == 40
    assert (good.flips, good.flips_damaged, good.flips_undamaged) == (1.0, 1.0, 1.0)
    assert bad.flips == 0.0
    assert there(good.cout) > 0.7 > there(bad.cout)
    assert good.cout == pytest.approx((there(good.cout_damaged) + there(good.cout_undamaged)) / 2)
    assert found.n_damaged == 20 and good.distances.fid_floor_n == 40
    assert 0 < there(good.change) < 0.1 and 0 < there(good.area) < 0.1 and 0 < there(good.s3) < 1
    assert there(good.distances.fid) > 0 and good.distances.fid_floor is not None
    assert good.distances.sfid is not None and good.distances.fid_n == 40
    # What does not flip is no counterfactual, however alike it is.
    assert (good.flipped_n, bad.flipped_n) == (40, 0)
    nothing = (bad.change, bad.area, bad.s3, bad.diversity, bad.distances.fid, bad.distances.sfid)
    assert set(nothing) == {None}
    assert good.diversity is None
    assert found.encoder.features == 128
    assert mender.evaluations == 3 and mender.seconds == pytest.approx(0.1)
    assert mender.iou is None and mender.masks == 0
    # Three batches each, the one that draws lots twice; curves and distances can be stopped, too.
    assert progress.ticks > 9 + 2 * 40


def test_diversity_is_the_distance_between_seeds(walls: Path) -> None:
    simsiam = train_simsiam(drawn(walls), CPU, steps=3, width=4)
    known = squares(4)

    class Corner(Mender):
        """Flips everything, and paints a corner by its seed."""

        def explain(
            self, images: Images, target: Labels, progress: Progress = Progress()
        ) -> Explanation:
            found = super().explain(images, target)
            assert found.counterfactual is not None
            found.counterfactual[:, :4, :4] = 0.5 + 0.1 * self._seed
            return found

    def diversity(seeds: int, different: bool) -> float | None:
        found = explaining(
            {"ace": lambda seed: Corner("ace", seed=seed if different else 0)},
            Dark(),
            select_correct_samples(Dark(), known, 8),
            known,
            simsiam,
            seeds=seeds,
        )
        return there(found.explainers["ace"].made).diversity

    assert diversity(1, True) is None
    assert diversity(2, False) == pytest.approx(0, abs=1e-7)
    two, three = diversity(2, True), diversity(3, True)
    assert two and three and three != two


def test_distances_compare_as_many_of_each_class(walls: Path) -> None:
    """Of 12 asked about only the rarer class limits the number on both sides."""
    simsiam = train_simsiam(drawn(walls), CPU, steps=3, width=4)
    known = squares(24)
    kept = np.flatnonzero((known.labels == 1) | (np.arange(48) < 12))
    others = Squares(
        known.images[kept],
        known.labels[kept],
        tuple(known.groups[place] for place in kept),
        0,
        tuple(known.samples[place] for place in kept),
    )
    found = explaining(
        {"mender": lambda _: Mender("mender")},
        Dark(),
        select_correct_samples(Dark(), known, 48),
        others,
        simsiam,
    )
    assert there(found.explainers["mender"].made).distances.fid_n == 24 + 12


def test_what_simsiam_learns_is_what_views_share(walls: Path) -> None:
    images = drawn(walls)
    simsiam = train_simsiam(images[:64], CPU, steps=60, width=8)
    rest = images[64:]
    views = augment(rest, "strong", np.random.default_rng(5))
    assert simsiam.alike(rest, rest) == pytest.approx(1, abs=1e-5)
    pairs = [
        simsiam.alike(rest, np.roll(rest, shift, axis=0)).mean() for shift in range(1, len(rest))
    ]
    any_two = simsiam.any_two(rest)
    assert any_two == pytest.approx(np.mean(pairs), abs=1e-4)
    assert any_two is not None and any_two < 0.9
    assert simsiam.any_two(rest[:1]) is None
    assert simsiam.apart(rest, rest) == pytest.approx(0, abs=1e-6)
    own = simsiam.alike(rest, views).mean()
    assert own > simsiam.alike(rest, np.roll(views, 1, axis=0)).mean()
    assert simsiam.apart(rest, np.roll(rest, 1, axis=0)).min() > 0.01
