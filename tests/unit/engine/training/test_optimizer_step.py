"""The rates at which G and D learn."""

from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.optimizer_step import OptimizerStep, share_of_rate
from cfinspect.engine.training.state import TrainState


def test_rates_start_small_stay_flat_and_settle() -> None:
    assert share_of_rate(0, 0.0) == pytest.approx(0.02)
    assert share_of_rate(200, 0.1) == share_of_rate(4000, 0.5) == 1
    assert share_of_rate(4000, 0.75) == pytest.approx(0.51)
    assert share_of_rate(4000, 1.0) == pytest.approx(0.02)


def test_d_learns_at_its_own_rate_while_it_warms_up(tmp_path: Path) -> None:
    config = TrainConfig.from_preset(
        "balanced",
        backbone="none",
        data=(str(tmp_path),),
        size=32,
        width=4,
        discriminator_width=4,
        batch=4,
        steps=100,
        warmup=2,
        lr_warmup=0.01,
        lr_discriminator=0.002,
    )
    device = choose_device("cpu", "fp32")
    state = TrainState(config, device.device)
    optimizer_step = OptimizerStep(config, state, device)
    rng = np.random.default_rng(0)
    batch = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8), np.array([0, 1, 0, 1])
    rates = []
    for step in range(4):
        losses, _ = optimizer_step.learn(batch, step / 100)
        state.counters.step += 1
        share = share_of_rate(step, step / 100)
        rates.append(state.optimisers["discriminator"].param_groups[0]["lr"] / share)
        assert set(losses) == ({"d"} if step < 2 else {"d", "g", "flip", "change", "head"})
    assert rates == pytest.approx([0.01, 0.01, 0.002, 0.002])
