"""Doubt, calibration and conformal sets, on answers whose figures are known by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from report_parts import there

from cfinspect.engine.evaluation.uncertainty import (
    SHIFTS,
    Answers,
    calibration_error,
    conformal,
    quantile,
    reliability,
    risk_by_coverage,
    uncertainty,
)
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.metrics.classification import auroc, average_precision, group_draws
from cfinspect.engine.model.metadata import Decision


def answers(scores: list[float], p_fake: list[float] | None = None) -> Answers:
    values = np.array(scores)
    fake = np.zeros(len(values)) if p_fake is None else np.array(p_fake)
    p = np.stack([(1 - values) * (1 - fake), values * (1 - fake), fake], axis=1)
    return Answers(values, p, values, np.ones(len(values), bool), values, values, 0.5)


def test_average_precision_by_hand() -> None:
    assert average_precision([1, 0, 1, 0], [4, 3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([1, 0], [1, 1]) == pytest.approx(0.5)
    assert average_precision([0, 0], [1, 2]) is None


def test_weights_count_images_more_often() -> None:
    labels, scores = [1, 0, 1, 0], [4.0, 3.0, 2.0, 1.0]
    twice = auroc([1, 0, 1, 1, 0], [4.0, 3.0, 2.0, 2.0, 1.0])
    assert auroc(labels, scores, np.array([1.0, 1, 2, 1])) == pytest.approx(twice)


def test_intervals_draw_whole_groups() -> None:
    assert group_draws(["a"] * 4, lambda weights: float(weights.sum())) is None
    low, high = there(group_draws(["a", "a", "b"], lambda weights: float(weights[0] - weights[1])))
    assert low == high == 0


def test_risk_grows_with_coverage_and_equal_doubts_share_it() -> None:
    risks = risk_by_coverage([False, False, True, True], [0, 1, 2, 3])
    np.testing.assert_allclose(risks, [0, 0, 1 / 3, 0.5])
    np.testing.assert_allclose(risk_by_coverage([True, False], [1, 1]), [0.5, 0.5])


def test_the_doubt_that_knows_the_errors_is_told_from_the_others() -> None:
    # two errors among ten: the scores nearest to a half; p_fake points at sound answers
    scores = [0.05, 0.1, 0.08, 0.45, 0.02, 0.9, 0.95, 0.55, 0.97, 0.92]
    labels = [0, 0, 0, 1, 0, 1, 1, 0, 1, 1]
    fake = [0.9, 0.9, 0.9, 0.0, 0.9, 0.1, 0.1, 0.0, 0.1, 0.1]
    found = uncertainty(answers(scores, fake), labels, [str(n) for n in range(10)])
    assert (found.n, found.errors) == (10, 2)
    best, worst = found.doubts["max_softmax"], found.doubts["p_fake"]
    assert best.auroc == best.aupr == 1
    assert worst.auroc == 0
    assert worst.auroc_ci95 == (0, 0)
    assert best.caught == pytest.approx(0.5)  # 10 % of ten is one image
    assert best.risk_at == {"0.8": 0.0, "0.9": pytest.approx(1 / 9), "0.95": 0.2, "0.99": 0.2}
    assert there(best.aurc) < there(worst.aurc)


def test_without_errors_there_is_nothing_to_find() -> None:
    found = uncertainty(answers([0.1, 0.9]), [0, 1], ["a", "b"])
    assert found.errors == 0
    assert found.doubts["p_fake"].auroc is None
    assert found.doubts["p_fake"].caught is None


def test_calibration_error_by_hand() -> None:
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.2, 0.2])
    truth = np.array([True, True, True, False, False, False])
    # 0.9: right in 3 of 4; 0.8: right in 2 of 2
    assert calibration_error(scores, truth) == pytest.approx((4 * 0.15 + 2 * 0.2) / 6)
    assert [row.n for row in reliability(scores, truth)] == [2, 4]
    assert calibration_error(np.zeros(0), np.zeros(0, bool)) is None


def test_conformal_quantile_is_the_right_order_statistic() -> None:
    values = np.arange(1, 20) / 20  # 19 values: at alpha 0.1 the 18th
    assert quantile(values, 0.1) == pytest.approx(18 / 20)
    assert quantile(values[:8], 0.1) == float("inf")


def mixed(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 4 == 0).astype(np.int64)
    return 1 / (1 + np.exp(-(4 * labels - 2 + rng.normal(0, 1.5, n)))), labels


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
def test_the_promised_miss_rate_holds_on_average_in_both_classes(alpha: float) -> None:
    scores, labels = mixed(800, 1)
    found = conformal(scores, labels, alpha)
    assert found.guarantee
    low, high = there(found.miss_rate_middle95)
    assert low < there(found.miss_rate) < high
    assert found.miss_rate == pytest.approx(alpha, abs=0.03)
    assert found.false_alarm_rate == pytest.approx(alpha, abs=0.03)
    assert 0 < found.reviewed < 1


def test_other_photos_are_missed_more_often_than_promised() -> None:
    # Every photo has its own light: its images are wrong together.
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(8), 50)
    labels = np.tile([0, 1], 200)
    light = rng.normal(0, 3, 8)[groups]
    scores = 1 / (1 + np.exp(-(4 * labels - 2 + light + rng.normal(0, 0.5, 400))))
    alike = conformal(scores, labels, 0.1)
    others = conformal(scores, labels, 0.1, groups.tolist())
    assert alike.miss_rate == pytest.approx(0.1, abs=0.03)
    assert there(others.miss_rate) > there(alike.miss_rate) + 0.03
    spread = [
        there(one.miss_rate_middle95)[1] - there(one.miss_rate_middle95)[0]
        for one in (alike, others)
    ]
    assert spread[1] > 2 * spread[0]
    assert others.by_group and not alike.by_group


def test_too_few_images_give_no_guarantee_and_review_everything() -> None:
    scores, labels = mixed(40, 2)
    found = conformal(scores, labels, 0.01)
    assert not found.guarantee
    assert found.reviewed == 1
    assert found.miss_rate == 0


def test_answers_come_from_the_networks_outputs() -> None:
    raw = NetworkOutputs(
        logits=np.array([[0, 2, -9], [2, 0, -9]], np.float32),
        counterfactual=np.zeros((2, 4, 4, 3), np.float32),
        flipped_logits=np.array([[2, 0, -9], [2, 0, -9]], np.float32),
        head=np.array([0.7, 0.4], np.float32),
    )
    found = Answers.of(raw, Decision(temperature=2.0, score_threshold=0.6))
    np.testing.assert_allclose(found.scores, 1 / (1 + np.exp([-1.0, 1.0])), atol=1e-4)
    turn = np.log(0.6 / 0.4)  # where the decision turns, the fitted probability is one half
    np.testing.assert_allclose(found.damaged, 1 / (1 + np.exp([turn - 1, turn + 1])), atol=1e-4)
    raw_turn = 2 * turn
    expected = 1 / (1 + np.exp([raw_turn - 2, raw_turn + 2]))
    np.testing.assert_allclose(found.damaged_raw, expected, atol=1e-4)
    assert found.flipped.tolist() == [True, False]
    both = Answers.joined([found, found])
    assert both.scores.shape == (4,)
    assert both.threshold == 0.6


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts_change_images_and_keep_their_kind(name: str) -> None:
    images = np.random.default_rng(0).integers(60, 200, (2, 16, 16, 3), dtype=np.uint8)
    shifted = SHIFTS[name](images)
    assert shifted.shape == images.shape
    assert shifted.dtype == np.uint8
    change = shifted.mean() - images.mean()
    assert {"dark": change < -40, "bright": change > 30}.get(name, abs(change) < 10)
