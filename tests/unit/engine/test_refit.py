"""Refitting D's last layer: helps where a camera differs, keeps its hands off elsewhere."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cfinspect.engine.card import Decision
from cfinspect.engine.device import choose_device
from cfinspect.engine.refit import apply_refit, refit_head

CPU = choose_device("cpu", "fp32")


class Colours(nn.Module):
    """A D whose features are the mean colours; it calls red damage and knows no blue."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3, 3)
        with torch.no_grad():
            self.last.weight.zero_()
            self.last.bias.copy_(torch.tensor([0.5, -0.5, 7.0]))
            self.last.weight[1, 0] = 2.0
            self.last.weight[2] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.last(x.mean(dim=(2, 3)))
        return result


def squares(count: int, seed: int, telling: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Squares of one colour each; the channel ``telling`` is high where damaged."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    colours = rng.integers(60, 190, (count, 3))
    colours[:, telling] += np.where(labels == 1, 50, -50)
    return np.broadcast_to(colours[:, None, None], (count, 8, 8, 3)).astype(np.uint8), labels


def groups(count: int) -> list[str]:
    return [f"photo {i // 4}" for i in range(count)]


def accuracy(network: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = network(x).numpy()
    return float(((logits[:, 1] > logits[:, 0]) == (labels == 1)).mean())


def test_another_camera_shows_damage_in_another_feature() -> None:
    network = Colours().eval()
    few, labels = squares(40, 0, telling=2)
    new, wanted = squares(400, 1, telling=2)
    fake = network.last.weight[2].clone()
    assert accuracy(network, new, wanted) < 0.6
    refit = refit_head(network, few, labels, groups(40), CPU, Decision())
    assert refit is not None and refit.loss < 0.8 * refit.loss_before
    apply_refit(network, refit)
    assert accuracy(network, new, wanted) > 0.75
    assert (network.last.weight[2] == fake).all()


def test_the_margins_are_those_of_fits_that_had_not_seen_the_group() -> None:
    network = Colours().eval()
    few, labels = squares(40, 0, telling=2)
    refit = refit_head(network, few, labels, groups(40), CPU, Decision())
    assert refit is not None
    said = refit.margins > 0
    apply_refit(network, refit)
    assert (said == (labels == 1)).mean() <= accuracy(network, few, labels)
    # Cross-entropy of exactly these margins.
    each = np.log1p(np.exp(-np.where(labels == 1, 1, -1) * refit.margins))
    assert each.mean() == pytest.approx(refit.loss)


def test_no_change_without_something_to_learn() -> None:
    few, _ = squares(40, 0, telling=2)
    noise = np.random.default_rng(5).permutation(np.arange(40) % 2)
    assert refit_head(Colours().eval(), few, noise, groups(40), CPU, Decision()) is None


def test_too_few_groups_or_no_linear_layer_is_no_refit() -> None:
    few, labels = squares(40, 0, telling=2)
    same = ["one photo"] * 40
    assert refit_head(Colours().eval(), few, labels, same, CPU, Decision()) is None
    convolution = nn.Sequential(nn.Conv2d(3, 3, 8), nn.Flatten()).eval()
    assert refit_head(convolution, few, labels, groups(40), CPU, Decision()) is None
