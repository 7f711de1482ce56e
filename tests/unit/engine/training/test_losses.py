"""The equations of METHOD, against numbers worked out by hand."""

import math

import pytest
import torch

from cfinspect.engine.networks.projected import Judgement
from cfinspect.engine.training import losses


def test_discriminator_loss_weighs_fakes_by_rho() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    real = math.log(math.exp(2) + 2) - 2
    fake = math.log(math.exp(1) + 2) - 1
    loss = losses.discriminator_loss(logits, torch.tensor([0]), rho=0.4)
    assert float(loss) == pytest.approx(real + 0.4 * fake, rel=1e-6)


def test_flip_loss_asks_for_the_other_class() -> None:
    labels = torch.tensor([1, 0])
    flipped = torch.tensor([[9.0, -9.0, -9.0], [-9.0, 9.0, -9.0]])
    assert float(losses.flip_loss(flipped, labels, 1.5)) < 1e-6
    assert float(losses.flip_loss(-flipped, labels, 1.5)) > 10


def test_flip_loss_weighs_the_directions() -> None:
    even = torch.zeros(1, 3)
    damaged = losses.flip_loss(even, torch.tensor([1]), 1.5)
    undamaged = losses.flip_loss(even, torch.tensor([0]), 1.5)
    assert float(damaged) == pytest.approx(1.5 * math.log(3))
    assert float(undamaged) == pytest.approx(0.5 * math.log(3))


def test_sparsity_is_the_mean_absolute_change() -> None:
    x = torch.zeros(1, 3, 2, 2)
    y = x.clone()
    y[0, 0, 0, 0] = 0.6
    assert float(losses.l1_loss(x, y)) == pytest.approx(0.05)


def test_head_loss_is_cross_entropy_of_one_logit() -> None:
    assert float(losses.head_loss(torch.zeros(2), torch.tensor([0, 1]))) == pytest.approx(
        math.log(2)
    )


def judged(evidence: torch.Tensor, strongest: torch.Tensor) -> Judgement:
    return Judgement(torch.zeros(len(strongest), 3), evidence, torch.zeros(1), strongest)


def test_evidence_is_taught_by_every_place_of_what_is_undamaged() -> None:
    evidence = torch.tensor([[[0.0, 2.0]], [[9.0, 9.0]]])
    strongest = torch.tensor([-50.0, 50.0])  # both right beyond doubt: no loss of theirs
    places = (math.log(2) + math.log(1 + math.exp(2))) / 2
    loss = losses.evidence_loss(judged(evidence, strongest), torch.tensor([0, 1]))
    assert float(loss) == pytest.approx(0.5 * places, rel=1e-5)
    alone = losses.evidence_loss(judged(evidence[1:], strongest[1:]), torch.tensor([1]))
    assert float(alone) == pytest.approx(0, abs=1e-6)


def test_the_strongest_places_are_taught_by_the_label() -> None:
    evidence = torch.full((2, 1, 1), -50.0)
    loss = losses.evidence_loss(judged(evidence, torch.tensor([1.0, 1.0])), torch.tensor([0, 1]))
    wrong, right = math.log(1 + math.e), math.log(1 + math.exp(-1))
    assert float(loss) == pytest.approx(0.5 * (wrong + right) / 2, rel=1e-5)
