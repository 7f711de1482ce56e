"""Decisions from labels alone: temperature, thresholds, review rule."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from report_parts import there

from cfinspect.engine.calibration.fit import (
    LabelledOutputs,
    cross_fitted_review,
    fit_decision,
    fit_mask_threshold,
    fit_min_area,
    fit_review,
    fit_score_threshold,
    shift_to_false_alarms,
)
from cfinspect.engine.calibration.head_refit import group_folds
from cfinspect.engine.metrics.probability import logit, probabilities, score, sigmoid
from cfinspect.engine.metrics.review import in_sample_review_metrics
from cfinspect.engine.model.metadata import Decision


def logits_for(margin: NDArray[np.float64]) -> NDArray[np.float32]:
    """D's logits with the given margin of p1 over p0 and a low p_fake."""
    zero = np.zeros_like(margin)
    return np.column_stack([zero, margin, zero - 2]).astype(np.float32)


def drawn(a: float, b: float, count: int = 6000) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Margins with P(damaged | margin) = sigmoid(a * margin + b)."""
    rng = np.random.default_rng(0)
    margin = rng.normal(0, 3, count)
    labels = rng.random(count) < 1 / (1 + np.exp(-(a * margin + b)))
    return logits_for(margin), labels.astype(np.int64)


def test_temperature_is_recovered() -> None:
    temperature, threshold = fit_score_threshold(*drawn(a=0.5, b=0.0))
    assert temperature == pytest.approx(2.0, rel=0.1)
    assert threshold == pytest.approx(0.5, abs=0.05)


def test_a_shifted_camera_moves_the_threshold() -> None:
    logits, labels = drawn(a=1.0, b=0.0)
    logits[:, 1] += 4  # the new camera makes everything look damaged
    temperature, threshold = fit_score_threshold(logits, labels)
    said = score(probabilities(logits, temperature)) >= threshold
    assert threshold > 0.9
    assert (said == (labels == 1)).mean() > 0.8


def test_few_separated_images_give_no_extreme_answer() -> None:
    margin = np.array([-1.0, -0.8, 0.9, 1.1])
    temperature, threshold = fit_score_threshold(logits_for(margin), np.array([0, 0, 1, 1]))
    assert 0.2 < temperature < 2
    assert 0.3 < threshold < 0.7


def test_few_images_move_a_model_that_knows_better_only_a_little() -> None:
    margin = np.array([-1.0, -0.8, 0.9, 1.1])
    old = Decision(temperature=0.5, score_threshold=0.8)
    labels = np.array([0, 0, 1, 1])
    _, threshold = fit_score_threshold(logits_for(margin), labels, old)
    _, alone = fit_score_threshold(logits_for(margin), labels)
    assert abs(threshold - 0.8) < 0.1 < abs(alone - 0.8)


def test_mask_threshold_lies_between_the_humps_of_most_images() -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(0.02, 0.01, (9, 32, 32)).clip(0, 1)
    images[:8, 10:14] = 0.4
    images[8] = 0.9
    assert 0.05 < fit_mask_threshold(images.astype(np.float32)) < 0.4


def test_islands_go_up_to_the_size_that_d_would_miss() -> None:
    """Cracks of 60 px, dust of 4 px; D looks at the crack only, then at the dust as well."""
    images = np.full((20, 100, 100, 3), 200, np.uint8)
    images[:, 50, 20:80] = images[:, 10:12, 10:12] = 0
    repaired = np.full(images.shape, 200 / 255, np.float32)
    change = np.abs(repaired - images / 255).mean(axis=3).astype(np.float32)

    def judge_of(place: tuple[slice, ...]) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        def judge(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
            dark = pictures[(slice(None), *place)].reshape(len(pictures), -1).min(axis=1) < 0.5
            return logits_for(np.where(dark, 3.0, -3.0))

        return judge

    crack_only = judge_of((slice(40, 60), slice(None)))
    assert fit_min_area(images, repaired, change, 0.3, crack_only) == 0.004
    everything = judge_of((slice(None), slice(None)))
    assert fit_min_area(images, repaired, change, 0.3, everything) == 0.0
    nothing_helps = judge_of((slice(0, 100), slice(0, 100)))
    as_they_were = (images / np.float32(255)).astype(np.float32)
    assert fit_min_area(images, as_they_were, change, 0.3, nothing_helps) is None


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_review_rule_sends_about_the_wished_share(rate: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2000, 3)).astype(np.float32)
    p = probabilities(logits, 1.0)
    rule = fit_review(Decision(), p, rate)
    scores = score(p)
    sent = ((scores >= rule.review_low) & (scores <= rule.review_high)) | (
        p[:, 2] > rule.review_p_fake
    )
    assert sent.mean() == pytest.approx(rate, abs=0.02)
    assert rule.review_low < 0.5 < rule.review_high


def test_one_odd_image_does_not_make_the_limit_of_strangeness() -> None:
    rng = np.random.default_rng(0)
    p = probabilities(rng.normal(0, 1, (1000, 3)).astype(np.float32), 1.0)
    p[0] = (0.005, 0.005, 0.99)
    limit = fit_review(Decision(), p, 0.1).review_p_fake
    assert np.sort(p[:, 2])[-10] < limit < 0.99


def test_few_images_leave_the_limit_of_strangeness_alone() -> None:
    p = np.array([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3], [0.45, 0.45, 0.1]])
    assert fit_review(Decision(), p, 1 / 3).review_p_fake == 0.3
    assert fit_review(Decision(review_p_fake=0.25), p, 1 / 3).review_p_fake == 0.25


def test_what_to_expect_is_what_other_images_show() -> None:
    rng = np.random.default_rng(0)

    def images(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        labels = np.arange(count) % 2
        return logits_for(np.where(labels == 1, 1.5, -1.5) + rng.normal(0, 1.5, count)), labels

    rates = []
    for _ in range(60):
        logits, labels = images(24)
        names = [str(number) for number in range(24)]
        rule = fit_decision(LabelledOutputs(logits, np.abs(logits), labels), 0.2)
        others, truth = images(2000)
        found = [
            cross_fitted_review(logits, labels, names, 0.2),
            in_sample_review_metrics(rule, probabilities(logits, rule.temperature), labels),
            in_sample_review_metrics(rule, probabilities(others, rule.temperature), truth),
        ]
        rates.append([float(one.miss_rate or 0) for one in found])
    expected, flattering, there_then = np.mean(rates, axis=0)
    assert flattering < expected  # by which fewer are told to be missed than will be
    assert abs(expected - there_then) < abs(flattering - there_then)


def test_each_group_is_judged_by_a_rule_of_the_others() -> None:
    rng = np.random.default_rng(0)
    groups = [str(number // 4) for number in range(80)]
    labels = np.arange(80) % 2
    logits = logits_for(np.where(labels == 1, 2.0, -2.0) + rng.normal(0, 1.5, 80))
    found = cross_fitted_review(logits, labels, groups, 0.1)
    folds, wrong = group_folds(groups, 10), 0
    for fold in range(10):
        rest, left = folds != fold, folds == fold
        temperature, threshold = fit_score_threshold(logits[rest], labels[rest])
        wrong += int(
            ((score(probabilities(logits[left], temperature)) >= threshold) != labels[left]).sum()
        )
    assert found.errors == wrong
    # Copies as other cameras would take them: twice the same images change nothing.
    twice = np.concatenate([logits, logits]), np.concatenate([labels, labels])
    again = cross_fitted_review(logits, labels, groups, 0.1, elsewhere=twice)
    assert again.errors == pytest.approx(found.errors, abs=2)


def test_what_to_expect_counts_by_hand() -> None:
    rule = Decision(review_low=0.4, review_high=0.6, review_p_fake=0.5)
    # Found; missed but in review; missed; a false alarm; right; right but strange.
    margins = np.array([3.0, -0.1, -3.0, 3.0, -3.0, -3.0])
    labels = np.array([1, 1, 1, 0, 0, 0])
    logits = logits_for(margins)
    logits[5, 2] = 5
    p = probabilities(logits, 1.0)
    found = in_sample_review_metrics(rule, p, labels)
    assert found.damaged_n == 3
    assert found.missed_alone == pytest.approx(2 / 3)
    assert found.miss_rate == pytest.approx(1 / 3)
    low, high = there(found.miss_rate_ci95)
    assert low < 1 / 3 < high
    assert found.reviewed == pytest.approx(2 / 6)
    assert found.errors == 3
    assert found.errors_caught == pytest.approx(1 / 3)
    none = in_sample_review_metrics(rule, p[4:5], labels[4:5])
    assert none.miss_rate is None
    assert none.miss_rate_ci95 is None
    assert none.errors_caught is None


def test_images_of_other_cameras_decide_the_scores_alone() -> None:
    rng = np.random.default_rng(3)
    labels = np.arange(400) % 2
    margins = np.where(labels == 1, 3.0, -3.0) + rng.normal(0, 2, 400)
    saliency = np.where(rng.random((400, 8, 8)) < 0.2, 0.5, 0.01).astype(np.float32)
    seen = LabelledOutputs(logits_for(margins), saliency, labels.astype(np.int64))
    paler = (logits_for(margins - 2), seen.labels)  # elsewhere damage looks less like damage
    here, there = fit_decision(seen, 0.1), fit_decision(seen, 0.1, None, paler)
    assert there.score_threshold < here.score_threshold - 0.1
    assert (there.temperature, there.score_threshold) == fit_score_threshold(*paler)
    assert there.mask_threshold == pytest.approx(here.mask_threshold, abs=1e-3)
    assert here.review_low < here.score_threshold < here.review_high
    assert there.review_low < there.score_threshold < there.review_high


def test_what_cannot_be_fitted_is_kept() -> None:
    start = Decision(mask_threshold=0.33, min_area_fraction=0.002)
    seen = LabelledOutputs(
        logits_for(np.full(8, -5.0)), np.zeros((8, 4, 4), np.float32), np.zeros(8, np.int64)
    )
    fitted = fit_decision(seen, 0.1, start)
    assert fitted.mask_threshold == 0.33
    assert fitted.min_area_fraction == 0.002


def undamaged(margin: np.ndarray) -> np.ndarray:
    logits = np.zeros((len(margin), 3), np.float32)
    logits[:, 1] = margin
    return logits


@pytest.mark.parametrize("count", [19, 39, 40, 99])
def test_the_false_alarm_rate_holds_for_the_next_image(count: int) -> None:
    rng, called, draws = np.random.default_rng(0), 0, 4000
    for _ in range(draws):
        known = rng.normal(size=count + 1)
        fitted = shift_to_false_alarms(Decision(), undamaged(known[:-1]), 0.05)
        margin = known[-1] / fitted.temperature
        called += bool(sigmoid(margin) >= fitted.score_threshold)
    assert called / draws < 0.05 + 0.008  # two deviations of 4,000 draws


def test_a_false_alarm_rate_where_every_score_is_near_one() -> None:
    margin = np.random.default_rng(0).normal(11, 2, 99)
    old = Decision(review_low=0.4, review_high=0.6)
    fitted = shift_to_false_alarms(old, undamaged(margin), 0.05)
    scores = sigmoid(margin / fitted.temperature)
    assert (scores >= fitted.score_threshold).sum() == 4
    assert fitted.review_low < fitted.score_threshold < fitted.review_high < 1
    assert fitted.temperature > 1


def test_the_review_band_moves_with_the_threshold() -> None:
    old = Decision(temperature=2.0, score_threshold=0.5, review_low=0.4, review_high=0.6)
    fitted = shift_to_false_alarms(old, undamaged(np.linspace(-1, 1, 39)), 0.05)
    # One of 39 may be called damaged: half-way between the two highest margins.
    assert logit(fitted.score_threshold) * 2 == pytest.approx(1 - 1 / 38, abs=1e-6)
    for end in ("review_low", "review_high"):
        moved = logit(getattr(fitted, end)) - logit(fitted.score_threshold)
        assert moved == pytest.approx(logit(getattr(old, end)), abs=1e-6)
