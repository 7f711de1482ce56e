"""What an augmentation may change."""

import numpy as np

from cfinspect.engine.data.augment import augment


def test_light_moves_masks_along_and_recolours_every_other_image() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(100, 150, (40, 8, 8, 4), dtype=np.uint8)
    images[..., 3] = rng.choice(np.array([0, 128, 255], np.uint8), (40, 8, 8))
    images[..., :3][images[..., 3] == 255] = 20  # damage is dark
    before = images.copy()
    changed = augment(images, "light", rng)
    assert np.array_equal(images, before)
    recoloured = 0
    for old, new in zip(before, changed, strict=True):
        # A mask keeps its three values, only their places change.
        assert np.array_equal(np.sort(new[..., 3], axis=None), np.sort(old[..., 3], axis=None))
        inside, outside = (new[..., :3][new[..., 3] == value].mean() for value in (255, 0))
        assert inside < outside
        same = np.array_equal(np.sort(new[..., :3], axis=None), np.sort(old[..., :3], axis=None))
        recoloured += not same
    assert 10 < recoloured < 30
