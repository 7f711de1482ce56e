"""The running mean of weights: fast at first, then slow; counters are copied."""

import copy

import pytest
import torch
from torch import nn

from cfinspect.engine.networks.running_mean import follow


@pytest.mark.parametrize(("updates", "share"), [(0, 0.1), (9, 10 / 19), (10_000, 0.99)])
def test_as_much_of_the_mean_stays_as_the_updates_say(updates: int, share: float) -> None:
    live = nn.BatchNorm2d(2)
    mean = copy.deepcopy(live)
    state = live.state_dict()
    with torch.no_grad():
        state["weight"].fill_(3.0)
        state["num_batches_tracked"].fill_(7)
    follow(mean, live, 0.99, updates)
    found = mean.state_dict()
    assert found["weight"].tolist() == pytest.approx([share + 3 * (1 - share)] * 2, abs=1e-5)
    assert int(found["num_batches_tracked"]) == 7
