"""Judges, encoders and distances, on images whose answers are known."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from numpy_backend import make_card
from recorded_progress import Recorded
from report_parts import there
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.evaluation import realism as module
from cfinspect.engine.evaluation.encoders import load_encoder, train_judge
from cfinspect.engine.evaluation.part_figures import RealismFigures
from cfinspect.engine.evaluation.realism import realism
from cfinspect.engine.evaluation.sampling import Squares
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.model.file import Model
from cfinspect.engine.networks.generators import GeneratorOutput

CPU = choose_device("cpu", "fp32")
SIDE = 32


def stripes(n: int, seed: int) -> Squares:
    """Grey noise; every second image has a dark stripe, which is the damage."""
    rng = np.random.default_rng(seed)
    images = rng.integers(110, 150, (n, SIDE, SIDE, 3), dtype=np.uint8)
    labels = np.arange(n) % 2
    for place in np.flatnonzero(labels):
        column = int(rng.integers(4, SIDE - 8))
        images[place, :, column : column + 4] = 10
    return Squares(images, labels.astype(np.int64), tuple(map(str, range(n))), 0)


class Mend(nn.Module):
    """Paints dark places grey; leaves undamaged images as they are."""

    def forward(self, x: Tensor) -> GeneratorOutput:
        dark = (x < 0.2).float()
        picture = x * (1 - dark) + 0.51 * dark
        return GeneratorOutput(picture, dark[:, :1], dark.mean(dim=(1, 2, 3)))


class Darkest(nn.Module):
    """Damaged is what has dark places."""

    def forward(self, x: Tensor) -> Tensor:
        dark = (x < 0.2).float().mean(dim=(1, 2, 3)) * 200
        return torch.stack([torch.ones_like(dark), dark, torch.zeros_like(dark) - 5], dim=1)


def backend_of(generator: nn.Module) -> TorchBackend:
    metadata = make_card(size=SIDE)
    return TorchBackend(Model(generator, Darkest(), metadata, np.zeros(0, np.uint64)), CPU)


@pytest.fixture(scope="module")
def found() -> RealismFigures:
    return realism(backend_of(Mend()), stripes(120, 0), stripes(80, 1), steps=120)


def test_mended_images_flip_for_the_model_and_for_a_judge_that_never_saw_it(
    found: RealismFigures,
) -> None:
    assert found.judge.accuracy > 0.9
    damaged, sound = found.directions["damaged"], found.directions["undamaged"]
    assert damaged.n == sound.n == 40
    assert damaged.flips == 1
    assert there(damaged.judge_flips) > 0.8
    assert (
        there(damaged.judge_flips_ci95)[0]
        <= there(damaged.judge_flips)
        <= there(damaged.judge_flips_ci95)[1]
    )
    assert sound.flips == sound.judge_flips == 0


def test_changes_are_measured_in_units_of_the_image(found: RealismFigures) -> None:
    damaged, sound = found.directions["damaged"], found.directions["undamaged"]
    assert damaged.area == pytest.approx(4 / SIDE)
    assert damaged.change == pytest.approx(4 / SIDE * (0.51 - 10 / 255), abs=1e-3)
    # What was mended once is not changed again, so x never comes back.
    assert damaged.cycle == pytest.approx(damaged.change, abs=1e-3)
    assert sound.area == sound.change == 0
    assert sound.cycle == pytest.approx(0, abs=1e-6)


def test_mended_images_are_nearer_to_the_real_ones_than_the_broken_were(
    found: RealismFigures,
) -> None:
    apart = found.directions["damaged"].distances
    assert there(apart.fid) < there(apart.fid_before) / 4
    assert there(apart.kid) < there(apart.kid_before) / 4
    assert 0 <= there(apart.fid_floor) < there(apart.fid_before) / 4
    assert apart.fid_n == 20  # half of the 40 real ones
    assert found.encoder.features == 256
    assert "120 other images" in found.encoder.name


def test_a_perfect_generator_lies_at_the_floor() -> None:
    rng = np.random.default_rng(0)
    made, target = rng.normal(0, 1, (2, 300, 64)).astype(np.float32)
    found = module._distances(made, made + 1, target, range(300), 0)
    assert found.fid_n == 150
    assert found.fid == pytest.approx(found.fid_floor, rel=0.1)
    assert there(found.fid_before) > 2 * there(found.fid)


def test_halves_have_no_group_in_common() -> None:
    groups = [number // 7 for number in range(100)]
    one, other = module.halves(groups, np.random.default_rng(0))
    assert sorted([*one, *other]) == list(range(100))
    assert not {groups[place] for place in one} & {groups[place] for place in other}
    assert 40 <= len(one) <= 50


def test_distances_by_hand() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(0, 1, (4000, 2)).astype(np.float32)
    # Equal covariance and means (3, 4) apart: the squared distance of the means.
    assert module.fid(one + np.array([3, 4], np.float32), one) == pytest.approx(25, rel=1e-3)
    # Twice the spread: the sum of (2 - 1)^2 over both axes.
    assert module.fid(2 * one, one) == pytest.approx(2, rel=0.1)
    kid, spread = module._kid(one[:2000], one[2000:], 0)
    assert abs(kid) < 3 * spread


def test_without_torchmetrics_the_rest_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "have_distances", lambda: False)
    result = realism(backend_of(Mend()), stripes(40, 0), stripes(40, 1), steps=5)
    assert result.directions["damaged"].flips == 1
    assert result.directions["damaged"].distances.fid is None


def test_few_images_give_no_distance_and_one_class_a_sentence() -> None:
    result = realism(backend_of(Mend()), stripes(20, 0), stripes(12, 1), steps=5)
    assert result.directions["damaged"].distances.fid is None
    with pytest.raises(CfinspectError, match="at least 10"):
        realism(backend_of(Mend()), stripes(18, 0), stripes(12, 1), steps=5)
    lonely = stripes(20, 2)
    chosen = lonely.labels == 1
    lonely = Squares(lonely.images[chosen], lonely.labels[chosen], lonely.groups[1::2], 0)
    with pytest.raises(CfinspectError, match="both classes"):
        realism(backend_of(Mend()), stripes(20, 0), lonely, steps=5)


@pytest.mark.parametrize("stop", [3, 51, 53])
def test_it_can_be_cancelled_in_all_its_parts(stop: int) -> None:
    progress = Recorded(after=stop)
    with pytest.raises(Cancelled):
        realism(
            backend_of(Mend()),
            stripes(20, 0),
            stripes(20, 1),
            steps=50,
            progress=progress,
        )
    assert progress.seen == [(done, 54) for done in range(1, stop + 1)]


def test_a_judge_that_knows_nothing_has_no_word() -> None:
    learned = stripes(40, 0)
    shuffled = Squares(learned.images[::2], learned.labels[:20], learned.groups[:20], 0)
    found = realism(backend_of(Mend()), shuffled, stripes(40, 1), steps=3)
    assert found.judge.accuracy < 0.65
    assert found.directions["damaged"].judge_flips is None
    assert found.directions["damaged"].flips == 1


def test_the_judge_is_a_function_of_its_seed() -> None:
    chosen = stripes(20, 0)
    one, same, other = (
        train_judge(chosen.images, chosen.labels, CPU, steps=3, seed=seed) for seed in (0, 0, 1)
    )
    features = one.encode(chosen.images)
    assert np.array_equal(features, same.encode(chosen.images))
    assert not np.array_equal(features, other.encode(chosen.images))


def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)


def test_local_weights_make_an_encoder(tmp_path: Path) -> None:
    network = torchvision.models.resnet18(weights=None)
    torch.save(network.state_dict(), tmp_path / "resnet18.pth")
    encoder = load_encoder(tmp_path / "resnet18.pth", CPU)
    assert encoder.encode(pictures()).shape == (2, 512)
    assert "ResNet18" in encoder.name
    assert "resnet18.pth" in encoder.name


def test_inception_gets_what_it_learned_with(tmp_path: Path) -> None:
    network = torchvision.models.inception_v3(weights=None, init_weights=False)
    torch.save(network.state_dict(), tmp_path / "inception.pth")
    encoder = load_encoder(tmp_path / "inception.pth", CPU)
    assert encoder.network.transform_input  # type: ignore[attr-defined]
    assert encoder.encode(pictures()).shape == (2, 2048)


def test_other_files_are_refused_in_words(tmp_path: Path) -> None:
    torch.save({"some.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(CfinspectError, match="none of the encoders"):
        load_encoder(tmp_path / "other.pth", CPU)
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    with pytest.raises(CfinspectError, match="cannot be read"):
        load_encoder(tmp_path / "broken.pth", CPU)
    torch.save({"layer4.1.conv2.weight": torch.zeros(1)}, tmp_path / "half.pth")
    with pytest.raises(CfinspectError, match="is no ResNet18") as caught:
        load_encoder(tmp_path / "half.pth", CPU)
    assert len(str(caught.value)) < 200
