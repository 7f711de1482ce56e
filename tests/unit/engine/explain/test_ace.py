"""ACE's attack and refinement against formulas, on classifiers and filters that are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from recorded_progress import Recorded
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.explain.ace import ACE_PRESETS, REPAINTED, Ace, AceSettings, change_mask
from cfinspect.engine.explain.classifier import Classifier

CPU = choose_device("cpu", "fp32")
SIZE = 16


class Linear(Classifier):
    """Damaged where w x + b >= 0: its boundary is known."""

    name, size, device, limit, no_gradients = "linear", SIZE, CPU, 0.0, ""
    module: nn.Module | None = None

    def __init__(self, bias: float = 0.0, weight: Tensor | None = None) -> None:
        random = torch.Generator().manual_seed(0)
        self.weight = torch.randn(3, SIZE, SIZE, generator=random) if weight is None else weight
        self.bias = bias

    def odds(self, x: Tensor) -> Tensor:
        return (x * self.weight).sum(dim=(1, 2, 3)) + self.bias

    def once(self, x: Tensor) -> Tensor:
        return self.odds(x)


class Transparent:
    """A filter that lets everything pass, and says how often it was asked."""

    def __init__(self) -> None:
        self.levels = [1, 0]
        self.asked = 0

    def noised(self, images: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
        return images

    def cleaner(self, noised: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
        return noised

    def shown(self, noised: Tensor) -> Tensor:
        return noised

    def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
        self.asked += 1
        return images


def images(n: int = 2, low: int = 60, high: int = 200) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.integers(low, high, (n, SIZE, SIZE, 3), dtype=np.uint8)


def tensor(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def attacked(pictures: np.ndarray, goal: int, bias: float = 0.0, **settings: Any) -> np.ndarray:
    """The pre-explanations: without refinement and with a filter that lets all pass."""
    chosen = AceSettings(refine=False, **{"margin": 1e9, **settings})
    ace = Ace(Linear(bias), Transparent(), SIZE, chosen)
    found = ace.explain(pictures, np.full(len(pictures), goal, dtype=np.int64))
    assert found.counterfactual is not None
    return found.counterfactual


def steps_of(
    x: Tensor, sign: Tensor, number: int, weight: float, rate: float, bias: float
) -> Tensor:
    """Eq. (4) of the paper by hand for a linear classifier and l1: sign steps, clamped."""
    model = Linear(bias)
    now = x.clone()
    for _ in range(number):
        beyond = model.odds(now) * sign
        # d softplus(-m) / dx = -sigmoid(-m) sign w
        slope = -torch.sigmoid(-beyond)[:, None, None, None] * sign[:, None, None, None]
        slope = slope * model.weight + weight * (now - x).sign()
        now = (now - rate * slope.sign()).clamp(0, 1)
    return now


@pytest.mark.parametrize("number", [1, 2, 3, 7])
@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_the_first_steps_are_those_of_the_formula(number: int, weight: float) -> None:
    pictures = images()
    # On the boundary, where the loss has a slope that the distance can hold back.
    bias = -float(Linear().odds(tensor(pictures)).mean())
    rate = 1 / 255
    found = attacked(pictures, 1, bias, iterations=number, weight=weight, rate=rate)
    expected = steps_of(tensor(pictures), torch.ones(2), number, weight, rate, bias)
    assert np.allclose(found.transpose(0, 3, 1, 2), expected.numpy(), atol=1e-6)


def test_a_plain_gradient_step_has_the_length_of_the_rate() -> None:
    pictures = images()
    found = attacked(pictures, 1, attack="gd", iterations=1, weight=0.0, rate=4 / 255)
    moved = (found - pictures / np.float32(255)).transpose(0, 3, 1, 2)
    weight = Linear().weight.numpy()
    expected = 4 / 255 * weight / np.abs(weight).max()
    # The explanation is in 8 bit.
    assert np.abs(moved - expected).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("attack", ["pgd", "gd", "cw"])
@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_every_attack_flips_a_linear_classifier(attack: Any, distance: Any) -> None:
    pictures = images(4)
    model = Linear()
    said = model.odds(tensor(pictures)) >= 0
    goal = (~said).numpy().astype(np.int64)
    settings = AceSettings(attack=attack, distance=distance, rate=4 / 255, iterations=80)
    found = Ace(model, Transparent(), SIZE, settings).explain(pictures, goal)
    assert found.flipped is not None and found.flipped.all()
    assert found.counterfactual is not None
    after = model.odds(torch.from_numpy(found.counterfactual).permute(0, 3, 1, 2)) >= 0
    assert np.array_equal(after.numpy(), goal == 1)
    assert found.seconds > 0


def test_images_that_are_done_stop_and_the_others_go_on() -> None:
    pictures = images(3)
    model, through = Linear(), Transparent()
    goal = (model.odds(tensor(pictures)) < 0).numpy().astype(np.int64)
    goal[0] = 1 - goal[0]  # this one is of its class already
    settings = AceSettings(margin=0.0, iterations=40)
    found = Ace(model, through, SIZE, settings).explain(pictures, goal)
    assert found.evaluations[0] < found.evaluations[1:].min()
    assert through.asked < 41
    assert found.counterfactual is not None
    assert np.array_equal(found.counterfactual[0], pictures[0] / np.float32(255))
    assert not found.mask[0].any()


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_the_quantile_says_how_many_pixels_stay(steps: int) -> None:
    pictures = images(1)
    both = [attacked(pictures, 1, iterations=steps, quantile=q) for q in (0.0, 0.75)]
    still = [np.mean(found == pictures / np.float32(255)) for found in both]
    assert still[0] < 0.05
    assert still[1] == pytest.approx(0.75, abs=0.02)


def corner_weight() -> Tensor:
    weight = torch.zeros(3, SIZE, SIZE)
    weight[:, 2:5, 2:5] = 1.0
    return weight


def test_outside_of_the_refined_mask_nothing_changes_by_a_bit() -> None:
    class Painting(Transparent):
        """A filter that changes every pixel: the refinement must take that back."""

        def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
            return (images + 0.02).clamp(0, 1)

        def cleaner(self, noised: Tensor, level: int, seeds: Sequence[int]) -> Tensor:
            return (noised + 0.02).clamp(0, 1)

    pictures = images(2)
    model = Linear(bias=-27 * 0.7, weight=corner_weight())
    settings = AceSettings(iterations=120, weight=0.0, dilation=3, rate=2 / 255)
    found = Ace(model, Painting(), SIZE, settings).explain(pictures, np.ones(2, dtype=np.int64))
    assert found.flipped is not None and found.flipped.all()
    assert found.counterfactual is not None
    changed = (found.counterfactual != pictures / np.float32(255)).any(axis=3)
    inside = np.zeros((SIZE, SIZE), dtype=bool)
    inside[1:6, 1:6] = True  # the corner, dilated by one px to each side
    assert changed[:, inside].any()
    assert not changed[:, ~inside].any()
    bytes_ = np.rint(found.counterfactual * 255).astype(np.uint8)
    assert np.array_equal(bytes_[:, ~inside], pictures[:, ~inside])


def test_noise_is_another_at_every_step_of_the_attack() -> None:
    class Counting(Transparent):
        def __init__(self) -> None:
            super().__init__()
            self.seeds: list[tuple[int, ...]] = []

        def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
            self.seeds.append(tuple(seeds))
            return images

    through = Counting()
    settings = AceSettings(iterations=4, margin=1e9)
    Ace(Linear(), through, SIZE, settings).explain(images(2), np.ones(2, dtype=np.int64))
    assert len(set(through.seeds)) == len(through.seeds) == 5


@pytest.mark.parametrize("threshold", [0.0, 0.9])
def test_a_refinement_that_takes_the_flip_back_keeps_less_of_the_image(threshold: float) -> None:
    """One pixel moves most, and all together decide: at last the whole image is taken."""
    weight = torch.ones(3, SIZE, SIZE)
    weight[:, 0, 0] = 30.0
    pictures = np.full((1, SIZE, SIZE, 3), 100, dtype=np.uint8)
    start = float(Linear(0.0, weight).odds(tensor(pictures)))
    model = Linear(-start - 100, weight)
    settings = AceSettings(
        attack="gd", weight=0.0, rate=1.0, iterations=60, dilation=1, threshold=threshold
    )
    found = Ace(model, Transparent(), SIZE, settings).explain(pictures, np.ones(1, dtype=np.int64))
    assert found.flipped is not None and found.flipped.all()
    assert found.counterfactual is not None
    changed = (found.counterfactual != pictures / np.float32(255)).any(axis=3)
    assert changed.sum() > 0.9 * SIZE * SIZE
    assert bool(found.notes[0]) == (threshold > 0)
    if found.notes[0]:
        assert found.notes[0] == REPAINTED


def test_where_nothing_flips_that_is_said() -> None:
    model = Linear(bias=-1e6)
    ace = Ace(model, Transparent(), SIZE, AceSettings(iterations=2))
    found = ace.explain(images(), np.ones(2, dtype=np.int64))
    assert found.flipped is not None and not found.flipped.any()


def test_the_filter_is_asked_first_whether_it_keeps_the_verdict() -> None:
    class Blinding(Transparent):
        def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
            return torch.zeros_like(images)

    pictures = images(8)
    # Without light, the bias alone decides.
    said = (Linear(bias=-1.0).odds(tensor(pictures)) >= 0).numpy()
    ace = Ace(Linear(bias=-1.0), Blinding(), SIZE, AceSettings())
    assert not ace.filtered_says(pictures).any()
    assert said.any()
    clear = Ace(Linear(bias=-1.0), Transparent(), SIZE, AceSettings())
    assert np.array_equal(clear.filtered_says(pictures), said)


def test_an_explanation_does_not_depend_on_its_neighbours() -> None:
    class Noisy(Transparent):
        def filtered(self, images: Tensor, seeds: Sequence[int]) -> Tensor:
            drawn = [
                torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
                for seed in seeds
            ]
            return images + 0.1 * torch.stack(drawn)

    pictures = images(3)
    goal = np.ones(3, dtype=np.int64)
    ace = Ace(Linear(bias=-20), Noisy(), SIZE, AceSettings(iterations=20, margin=0.5, refine=False))
    alone = ace.explain(pictures[1:2], goal[1:2]).counterfactual
    beside = ace.explain(pictures, goal).counterfactual
    assert alone is not None and beside is not None
    assert np.array_equal(alone[0], beside[1])
    other = dataclasses.replace(ace.settings, seed=1)
    again = Ace(Linear(bias=-20), Noisy(), SIZE, other).explain(pictures, goal).counterfactual
    assert again is not None and not np.array_equal(again, beside)


def test_it_can_be_stopped_between_steps() -> None:
    progress = Recorded(after=3)
    ace = Ace(Linear(), Transparent(), SIZE, AceSettings(margin=1e9))
    with pytest.raises(Cancelled):
        ace.explain(images(), np.ones(2, dtype=np.int64), progress)
    assert progress.ticks == 3


def test_the_change_mask_by_hand() -> None:
    x = torch.zeros(1, 3, 9, 9)
    changed = x.clone()
    changed[0, :, 4, 4] = 0.2
    changed[0, 0, 0, 0] = 0.05  # a twelfth of the sum over channels in the middle
    mask = change_mask(x, changed, 3, 0.15)
    assert int(mask.sum()) == 9
    assert bool(mask[0, 0, 3:6, 3:6].all())
    assert int(change_mask(x, changed, 1, 0.05).sum()) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"attack": "fgsm"}, "pgd, cw or gd"),
        ({"distance": "l0"}, "l1 or l2"),
        ({"tau": 60}, "tau"),
        ({"dilation": 4}, "odd"),
        ({"quantile": 1.5}, "quantile"),
        ({"quantile": 0.5, "distance": "l2"}, "needs the distance l1"),
        ({"rate": 0.0}, "rate"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CfinspectError, match=words):
        AceSettings(**settings)


def test_the_presets_are_those_of_the_paper() -> None:
    table = {
        name: (one.respaced, one.tau, one.iterations, one.threshold)
        for name, one in ACE_PRESETS.items()
        if name != "default"
    }
    assert table == {
        "celeba": (50, 5, 50, 0.15),
        "celeba-hq": (25, 5, 50, 0.15),
        "bdd": (100, 5, 50, 0.05),
        "imagenet": (25, 5, 100, 0.15),
    }
    for name in table:
        one = ACE_PRESETS[name]
        assert (one.attack, one.distance, one.rate, one.dilation) == ("pgd", "l1", 1 / 255, 15)
        assert (one.weight, one.quantile, one.refine) == (0.001, None, True)


def test_a_classifier_without_gradients_is_told() -> None:
    class Blind(Linear):
        no_gradients = "it is a lookup table"

    with pytest.raises(CfinspectError, match="lookup table"):
        Ace(Blind(), Transparent(), SIZE, AceSettings())
