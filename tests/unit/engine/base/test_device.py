"""Device and precision: chosen with a reason, refused with a sentence."""

import pytest
import torch

from cfinspect.engine.base.device import DeviceError, choose_device
from cfinspect.engine.training.config import TrainConfig
from cfinspect.engine.training.gan_step import NoiseBank


def test_the_cpu_can_always_be_had_and_the_reason_is_said() -> None:
    device = choose_device("cpu")
    assert device.device.type == "cpu"
    assert device.precision in ("bf16", "fp32")
    assert "as asked" in str(device)


def test_precision_is_followed() -> None:
    with choose_device("cpu", "bf16").autocast():
        assert (torch.rand(2, 2) @ torch.rand(2, 2)).dtype == torch.bfloat16
    with choose_device("cpu", "fp32").autocast():
        assert (torch.rand(2, 2) @ torch.rand(2, 2)).dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "precision", "words"),
    [
        ("tpu9", "auto", "unknown device"),
        ("cpu", "fp8", "unknown precision"),
        ("cpu", "fp16", "not available on the CPU"),
        ("meta", "auto", "not supported"),
        ("cuda:99", "auto", "no CUDA device was found|does not exist"),
    ],
)
def test_wishes_that_cannot_be_met_get_a_sentence(device: str, precision: str, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        choose_device(device, precision)


def test_noise_is_a_function_of_seed_and_step() -> None:
    x = torch.zeros(2, 3, 32, 32)
    config = TrainConfig(seed=1, size=32, batch=2)
    one, two = (NoiseBank(config, torch.device("cpu")) for _ in range(2))
    one.at(3)
    first = one.add(x, 0.1)
    two.at(7)
    two.add(x, 0.1)
    two.at(3)
    assert torch.equal(two.add(x, 0.1), first)
    assert float(first.std()) == pytest.approx(0.1, rel=0.2)


def test_no_noise_leaves_the_images_alone() -> None:
    x = torch.rand(1, 3, 4, 4)
    assert NoiseBank(TrainConfig(size=32), torch.device("cpu")).add(x, 0.0) is x
