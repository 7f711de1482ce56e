"""The refit of D's margin: what few images may move, and what more of them teach."""

import numpy as np
import pytest

from cfinspect.engine.calibration.head_refit import cross_validated, group_folds, refit_head

RNG = np.random.default_rng(0)


def camera(
    count: int, told: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Margins that say nothing, and one of 20 features that tells the label with ``told``."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    features = rng.normal(size=(count, 20))
    features[:, 3] += told * (2 * labels - 1)
    return rng.normal(size=count), 5 + 3 * features, labels, [f"g{i // 2}" for i in range(count)]


def test_the_features_mend_a_margin_that_says_nothing() -> None:
    margin, features, labels, groups = camera(200, 2.0)
    found = cross_validated(margin, features, labels, groups)
    assert ((found > 0) == (labels == 1)).mean() > 0.9
    assert ((margin > 0) == (labels == 1)).mean() < 0.65


def test_features_that_say_nothing_are_left_out() -> None:
    _, features, labels, groups = camera(40, 0.0)
    margin = 4.0 * (2 * labels - 1) + RNG.normal(size=40)
    refit = refit_head(margin, features, labels, groups)
    assert refit.ridge == np.inf
    assert not refit.weight.any()
    assert refit.slope > 0


def test_a_refit_says_of_its_images_what_it_was_fitted_to_say() -> None:
    margin, features, labels, groups = camera(100, 3.0)
    refit = refit_head(margin, features, labels, groups)
    said = refit.moved(margin, features) > 0
    assert (said == (labels == 1)).mean() > 0.97


def test_an_offset_of_a_new_camera_is_taken_away() -> None:
    labels = np.arange(60) % 2
    margin = 2.0 * (2 * labels - 1) + 7.0 + RNG.normal(size=60) * 0.3
    refit = refit_head(margin, np.zeros((60, 4)), labels, [str(i) for i in range(60)])
    assert refit.shift == pytest.approx(-7.0, abs=0.5)


def test_groups_stay_together_in_folds() -> None:
    groups = [f"g{i % 12}" for i in range(60)]
    folds = group_folds(groups, 10)
    assert len(np.unique(folds)) == 10
    for name in set(groups):
        assert len({fold for fold, group in zip(folds, groups, strict=True) if group == name}) == 1


def test_too_few_groups_are_parted_by_image() -> None:
    assert len(np.unique(group_folds(["one"] * 30, 10))) == 10


def test_a_margin_that_tells_the_opposite_is_left_aside() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(120) % 2
    features = rng.normal(size=(120, 6))
    features[:, 0] += 3.0 * (2 * labels - 1)
    margin = -2.0 * (2 * labels - 1) + rng.normal(size=120)
    groups = [f"g{i // 2}" for i in range(120)]
    found = cross_validated(margin, features, labels, groups)
    assert ((found > 0) == (labels == 1)).mean() > 0.9
    assert refit_head(margin, features, labels, groups).slope > 0
