"""A training that goes wrong is noticed, named and answered."""

import pytest
import torch

from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.state import TrainState
from cfinspect.engine.training.validation import CollapseMonitor


@pytest.fixture
def state() -> TrainState:
    state = TrainState(
        TrainConfig.from_preset(
            "balanced", backbone="none", width=4, discriminator_width=4, size=32, l1_ramp=10
        ),
        torch.device("cpu"),
    )
    state.counters.generator_steps = 100
    return state


def figures(**changes: float) -> dict[str, float]:
    return {"fake_told": 0.3, "flip_damaged": 0.9, "change_damaged": 0.02} | changes


def answers(state: TrainState, values: dict[str, float], fraction: float = 0.5) -> list[str]:
    return list(CollapseMonitor(TrainConfig(l1_ramp=10)).intervene(state, values, fraction))


def test_a_healthy_training_is_left_alone(state: TrainState) -> None:
    assert answers(state, figures()) == []
    assert state.counters.rho == 0.4


def test_a_generator_that_does_nothing_gets_weaker_sparsity(state: TrainState) -> None:
    (text,) = answers(state, figures(flip_damaged=0.1, change_damaged=0.001), 0.2)
    assert "hardly changes anything" in text
    assert state.counters.l1_scale == 0.5


def test_few_flips_after_a_third_go_back_to_the_best(state: TrainState) -> None:
    state.keep_best()
    state.counters.best_step = 40
    with torch.no_grad():
        for weight in state.nets["generator"].parameters():
            weight.fill_(7.0)
    assert answers(state, figures(flip_damaged=0.3), 0.2) == []
    (text,) = answers(state, figures(flip_damaged=0.3), 0.4)
    assert "30%" in text and "step 40" in text
    assert state.counters.rho == 0.2
    assert all((w != 7.0).all() for w in state.nets["generator"].parameters())


def test_a_discriminator_that_tells_every_fake_is_noticed_after_a_while(state: TrainState) -> None:
    bad = figures(fake_told=0.99, flip_damaged=0.2)
    assert answers(state, bad, 0.2) == []
    assert answers(state, bad, 0.2) == []
    (text,) = answers(state, bad, 0.2)
    assert "tells every fake" in text


def test_answers_end_after_three(state: TrainState) -> None:
    for _ in range(3):
        assert answers(state, figures(flip_damaged=0.1), 0.5)
    assert answers(state, figures(flip_damaged=0.1), 0.5) == []
