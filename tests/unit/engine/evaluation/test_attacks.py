"""Attacks on decisions whose weakest point is known, and against another implementation."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from foolbox.attacks import LinfPGD
from foolbox.models.pytorch import PyTorchModel
from recorded_progress import Recorded
from report_parts import there
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.images import resize_image
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.evaluation.attacks import pgd, square
from cfinspect.engine.evaluation.robustness import Effort, robustness
from cfinspect.engine.evaluation.sampling import squares
from cfinspect.engine.inference.decision_logits import Aim, DecisionLogits
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.metadata import Decision
from cfinspect.engine.synth import write_folder
from cfinspect.resources import shipped_models

CPU = choose_device("cpu", "fp32")
SIDE = 32


class Linear(nn.Module):
    """Damaged where red is on average above a half; ``fake`` times green says fake."""

    def __init__(self, fake: float = 0.0, steps: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(100.0))
        self.fake, self.steps = fake, steps

    def forward(self, x: Tensor) -> Tensor:
        if self.steps:  # no gradient passes through rounding
            x = (x * self.steps).round() / self.steps
        red, green = x[:, 0].mean(dim=(1, 2)), x[:, 1].mean(dim=(1, 2))
        zero = torch.zeros_like(red)
        return torch.stack([zero, self.weight * (red - 0.5), self.fake * (green - 0.5) - 9], dim=1)


def flat(red: float, n: int = 2) -> tuple[Tensor, Tensor]:
    """Images of one colour, and what a decision at red 0.5 says of them."""
    x = torch.full((n, 3, SIDE, SIDE), 0.5)
    x[:, 0] = red
    return x, torch.full((n,), int(red >= 0.5))


def aimed(discriminator: nn.Module, **decision: float) -> DecisionLogits:
    return DecisionLogits(discriminator, Decision(**decision), CPU)  # type: ignore[arg-type]


@pytest.mark.parametrize("aim", ["margin", "ce"])
@pytest.mark.parametrize("red", [0.53, 0.47])
def test_gradients_find_the_weakest_point_exactly(aim: Aim, red: float) -> None:
    x, labels = flat(red)
    target = aimed(Linear())
    assert not pgd(target, x, labels, eps=0.029, aim=aim, steps=20, restarts=2).broken.any()
    found = pgd(target, x, labels, eps=0.031, aim=aim, steps=20, restarts=2)
    assert found.broken.all()
    assert float((found.images - x).abs().max()) <= 0.031 + 1e-6
    assert ((target.excess(target.logits(found.images)) >= 0) != (labels == 1)).all()


def test_the_models_own_threshold_is_attacked() -> None:
    x, labels = flat(0.53)
    # sigmoid(1): the decision lies at red 0.51, a third of the way
    nearer = aimed(Linear(), score_threshold=1 / (1 + np.exp(-1.0)))
    assert pgd(nearer, x, labels, eps=0.021, aim="margin", steps=20, restarts=1).broken.all()
    assert not pgd(nearer, x, labels, eps=0.019, aim="margin", steps=20, restarts=1).broken.any()
    cooler = dataclasses.replace(
        nearer, decision=Decision(temperature=2.0, score_threshold=1 / (1 + np.exp(-1.0)))
    )
    assert pgd(cooler, x, labels, eps=0.011, aim="margin", steps=20, restarts=1).broken.all()


def test_a_search_without_gradients_gets_there_too() -> None:
    x, labels = flat(0.53)
    assert not square(aimed(Linear()), x, labels, eps=0.029, queries=300).broken.any()
    found = square(aimed(Linear()), x, labels, eps=0.06, queries=300)
    assert found.broken.all()
    assert float((found.images - x).abs().max()) <= 0.06 + 1e-6


def test_an_unnoticed_attack_keeps_p_fake_low() -> None:
    x, labels = flat(0.53)
    limit = 0.5
    free = dataclasses.replace(aimed(Linear(fake=50.0)), most_fake=limit)
    found = pgd(free, x, labels, eps=0.05, aim="unnoticed", steps=30, restarts=1)
    assert found.broken.all()
    p = torch.softmax(free.logits(found.images), dim=1)
    assert float(p[:, 2].max()) <= limit + 1e-6

    class Telling(Linear):
        def forward(self, x: Tensor) -> Tensor:
            logits = super().forward(x)
            gone = (x[:, 0].mean(dim=(1, 2)) - 0.53).abs()  # whoever moves red is seen
            return torch.cat([logits[:, :2], (2000 * gone - 9)[:, None]], dim=1)

    seen = dataclasses.replace(aimed(Telling()), most_fake=limit)
    assert pgd(seen, x, labels, eps=0.05, aim="margin", steps=30, restarts=1).broken.all()
    assert not pgd(seen, x, labels, eps=0.05, aim="unnoticed", steps=30, restarts=1).broken.any()


def both(red: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    images = np.full((20, SIDE, SIDE, 3), 128, dtype=np.uint8)
    images[:10, ..., 0], images[10:, ..., 0] = round(red[0] * 255), round(red[1] * 255)
    return images, np.array([0] * 10 + [1] * 10)


def test_the_protocols_figures_by_hand() -> None:
    images, labels = both((118 / 255, 129 / 255))  # 9.5 and 1.5 grey levels from the decision
    progress = Recorded()
    found = robustness(
        aimed(Linear()),
        images,
        labels,
        [str(n // 2) for n in range(20)],
        effort=Effort(steps=10, restarts=1, queries=50),
        eps=(1.0, 2.0, 16.0),
        progress=progress,
    )
    assert found.eps == (0.0, 1.0, 2.0, 16.0)
    assert found.accuracy == (1.0, 1.0, 0.5, 0.0)
    assert found.f1 == (1.0, 1.0, 0.0, 0.0)
    assert progress.seen[-1] == (120, 120)
    assert progress.seen == sorted(progress.seen)
    assert not any(alarm.fired for alarm in found.alarms.values())


def test_pixels_at_the_end_of_their_range_do_not_stop_an_attack() -> None:
    class Dark(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            red = x[:, 0].mean(dim=(1, 2))
            zero = torch.zeros_like(red)
            return torch.stack([zero, 100 * (red - 0.02), zero - 9], dim=1)

    x, labels = torch.zeros(4, 3, SIDE, SIDE), torch.zeros(4, dtype=torch.long)
    assert pgd(aimed(Dark()), x, labels, eps=0.021, aim="margin", steps=20, restarts=1).broken.all()
    assert not pgd(aimed(Dark()), x, labels, eps=0.019, aim="ce", steps=20, restarts=1).broken.any()


def test_whoever_is_fooled_unnoticed_by_any_attack_counts() -> None:
    images, labels = both((100 / 255, 155 / 255))
    found = robustness(
        aimed(Linear(steps=20)),  # gradients find nothing, Square does; p_fake never moves
        images,
        labels,
        [str(n) for n in range(20)],
        effort=Effort(steps=5, restarts=1, queries=200),
        eps=(40.0,),
    )
    assert there(found.f1[-1]) < 1
    assert found.accepted_f1 == pytest.approx(found.f1)
    assert found.accepted_n == (20, 20)


def test_masked_gradients_raise_the_alarm() -> None:
    images, labels = both((100 / 255, 155 / 255))
    found = robustness(
        aimed(Linear(steps=20)),
        images,
        labels,
        [str(n) for n in range(20)],
        effort=Effort(steps=10, restarts=1, queries=200),
        eps=(40.0,),
    )
    assert there(found.accuracy[-1]) < 1
    assert found.alarms["square_beats_gradients"].fired


def test_an_attack_can_be_stopped() -> None:
    images, labels = both((100 / 255, 155 / 255))
    with pytest.raises(Cancelled):
        robustness(aimed(Linear()), images, labels, ["a"] * 20, progress=Recorded(after=0))


class Binary(nn.Module):
    """The decision as two logits, as other libraries want it."""

    def __init__(self, target: DecisionLogits) -> None:
        super().__init__()
        self.target = target

    def forward(self, x: Tensor) -> Tensor:
        excess = self.target.excess(self.target.logits(x))
        return torch.stack([torch.zeros_like(excess), excess], dim=1)


def test_foolbox_breaks_as_many(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "w", "crack", count=40, size=96, seed=8)
    backend = load_backend(shipped_models()["crack"], "cpu", "fp32")
    chosen = squares(Inspector(backend), read_folders([folder]).samples, 32)
    x = torch.from_numpy(chosen.images).permute(0, 3, 1, 2).float() / 255
    target = backend.target()
    labels = (target.excess(target.logits(x)) >= 0).long().detach()  # all of them right
    steps, eps = 10, 1 / 255
    ours = pgd(target, x, labels, eps=eps, aim="margin", steps=steps, restarts=1).broken
    attack = LinfPGD(steps=steps, abs_stepsize=2.5 * eps / steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PyTorchModel(Binary(target).eval(), bounds=(0, 1), device="cpu")
        _, _, theirs = attack(model, x, labels, epsilons=eps)
    assert 0.1 < float(ours.float().mean()) < 0.95
    assert abs(int(ours.sum()) - int(theirs.sum())) <= 2


def test_the_choice_of_images_is_balanced_and_spread(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = write_folder(tmp_path_factory.mktemp("s") / "s", "crack", count=40, size=64, seed=9)
    samples = list(read_folders([folder]).samples)
    inspector = Inspector(load_backend(shipped_models()["crack"], "cpu", "fp32"))
    chosen = squares(inspector, samples, 10)
    assert chosen.images.shape == (10, 96, 96, 3)
    assert chosen.labels.tolist() == [0] * 5 + [1] * 5
    assert len(set(chosen.groups[:5])) == min(5, len({s.group for s in samples if s.label == 0}))
    again = squares(inspector, samples, 10)
    assert np.array_equal(chosen.images, again.images)
    broken: list[Sample] = [dataclasses.replace(one, path=folder / "labels.csv") for one in samples]
    with pytest.raises(CfinspectError, match="no image"):
        squares(inspector, broken, 10)
    assert resize_image(chosen.images[0], 96).shape == (96, 96, 3)
