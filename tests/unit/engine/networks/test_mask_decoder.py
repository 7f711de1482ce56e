"""The segmenter: shapes, what it shares, that it learns."""

import numpy as np
import pytest
import torch

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.calibration.mask_training import (
    DAMAGE,
    DOUBTFUL,
    TaughtImages,
    mask_loss,
    train_mask_decoder,
)
from cfinspect.engine.networks.backbone import Backbone, load_backbone, shipped_backbone
from cfinspect.engine.networks.mask_decoder import MASK_DECODER, MaskDecoder, make_mask_decoder
from cfinspect.engine.networks.spec import NetworkSpec

CPU = choose_device("cpu", "fp32")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone(shipped_backbone())


@pytest.mark.parametrize("side", [32, 64, 48])
def test_one_logit_a_pixel(backbone: Backbone, side: int) -> None:
    decoder = MaskDecoder(backbone, 8).eval()
    logits = decoder(torch.rand(2, 3, side, side))
    assert logits.shape == (2, side, side)
    assert logits.dtype == torch.float32
    # Nothing is learned yet: most pixels are sound.
    assert float(torch.sigmoid(logits).detach().mean()) < 0.2


def test_features_at_hand_give_the_same(backbone: Backbone) -> None:
    decoder = MaskDecoder(backbone, 8).eval()
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(decoder(x), decoder.decode(x, backbone(x)))


def test_the_backbone_is_shared_and_no_part_of_its_weights(backbone: Backbone) -> None:
    decoder = MaskDecoder(backbone)
    assert decoder.backbone is backbone
    assert not any(name.startswith("backbone") for name in decoder.state_dict())
    assert sum(weight.numel() for weight in decoder.parameters()) < 100_000


def test_names_that_mean_no_decoder(backbone: Backbone) -> None:
    assert make_mask_decoder(NetworkSpec(MASK_DECODER, {"width": 8}), backbone).width == 8
    with pytest.raises(ValueError, match="unknown segmenter"):
        make_mask_decoder(NetworkSpec("unet"), backbone)


def test_the_loss_by_hand() -> None:
    # One image: two sound pixels and one damaged at even odds, and one of which nothing is taught.
    logits = torch.zeros(1, 2, 2)
    masks = torch.tensor([[[0.0, 0.0], [1.0, -1.0]]])
    # Dice: (2 * .5 + 1) / (1.5 + 1 + 1)
    expected = np.log(2) + 1 - 2 / 3.5
    assert float(mask_loss(logits, masks, torch.ones(1))) == pytest.approx(expected, rel=1e-5)
    logits[0, 1, 1] = 50.0
    assert float(mask_loss(logits, masks, torch.ones(1))) == pytest.approx(expected, rel=1e-5)


def squares() -> TaughtImages:
    """Grey squares of 32 px; every second has a dark block, whose rim is doubtful."""
    rng = np.random.default_rng(0)
    images = rng.integers(120, 140, (8, 32, 32, 3), dtype=np.uint8)
    masks = np.zeros((8, 32, 32), np.uint8)
    for number in range(0, 8, 2):
        images[number, 8:20, 10:22] = 20
        masks[number, 8:20, 10:22] = DOUBTFUL
        masks[number, 9:19, 11:21] = DAMAGE
    labels = (np.arange(8) % 2 == 0).astype(np.int64)
    return TaughtImages(images, masks, np.ones(8, np.float32), labels)


def test_it_learns_and_a_seed_repeats_it(backbone: Backbone) -> None:
    taught = squares()
    first, again = (
        train_mask_decoder(backbone, taught, CPU, steps=steps, batch=4, seed=3) for steps in (3, 3)
    )
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    trained = train_mask_decoder(backbone, taught, CPU, steps=60, batch=4, seed=3)
    x = torch.from_numpy(taught.images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        found = torch.sigmoid(trained(x)).numpy() >= 0.3
    true = taught.masks == DAMAGE
    assert (found & true).sum() / true.sum() > 0.8
    assert found[taught.labels == 0].mean() < 0.02


def test_it_stops_when_asked(backbone: Backbone) -> None:
    class Stop(Progress):
        cancelled = True

    with pytest.raises(Cancelled):
        train_mask_decoder(backbone, squares(), CPU, steps=1000, progress=Stop())
