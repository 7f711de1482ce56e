import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from numpy_backend import RepairDark, make_card
from recorded_progress import Recorded
from report_parts import there

from cfinspect.engine.base.images import write_png
from cfinspect.engine.base.json_types import json_object
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.data.dataset import Sample, read_folders
from cfinspect.engine.evaluation.evaluate import (
    ROW_FIELDS,
    EvaluationError,
    evaluate,
)
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.metrics.classification import auroc, classification
from cfinspect.engine.metrics.counterfactual import counterfactual
from cfinspect.engine.metrics.localisation import Localisation
from cfinspect.engine.metrics.review import review
from cfinspect.engine.model.metadata import Decision


def test_auroc_by_hand() -> None:
    # six pairs of a damaged and an undamaged image, four in the right order
    assert auroc([1, 1, 1, 0, 0], [0.9, 0.6, 0.2, 0.7, 0.1]) == pytest.approx(4 / 6)
    assert auroc([1, 0], [0.5, 0.5]) == 0.5
    assert auroc([True, False, False], [2, 1, 2]) == 0.75
    assert auroc([1, 1], [0.1, 0.9]) is None
    assert auroc([0], [0.1]) is None
    assert auroc([], []) is None


def test_classification_by_hand() -> None:
    found = classification([1, 1, 1, 0, 0], [0.9, 0.5, 0.2, 0.7, 0.1], 0.5)
    # two found, one missed, one false alarm, one rightly left alone
    assert found.n == 5
    assert found.n_damaged == 3
    assert found.f1 == pytest.approx(4 / 6)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.auroc == pytest.approx(4 / 6)


def test_classification_where_figures_are_undefined() -> None:
    only_damaged = classification([1, 1], [0.9, 0.1], 0.5)
    assert only_damaged.f1 == pytest.approx(2 / 3)
    assert only_damaged.recall == 0.5
    assert only_damaged.auroc is None
    assert only_damaged.ci95.auroc is None
    only_undamaged = classification([0, 0], [0.9, 0.1], 0.5)
    assert only_undamaged.accuracy == 0.5
    for name in ("f1", "precision", "recall", "auroc"):
        assert getattr(only_undamaged, name) is None
    assert classification([1, 0], [0.1, 0.1], 0.5).precision is None
    assert classification([], [], 0.5).accuracy is None
    json.dumps(json_object(only_undamaged), allow_nan=False)


def test_intervals_agree_with_the_binomial_distribution() -> None:
    labels = np.tile([1, 0], 200)
    scores = np.where(np.arange(400) % 5 == 0, 1 - labels, labels)  # a fifth is wrong
    low, high = there(classification(labels, scores, 0.5).ci95.accuracy)
    spread = 1.96 * math.sqrt(0.8 * 0.2 / 400)
    assert low == pytest.approx(0.8 - spread, abs=0.008)
    assert high == pytest.approx(0.8 + spread, abs=0.008)
    assert classification([1, 0, 1, 0], [1, 0, 1, 0], 0.5).ci95.accuracy == (1, 1)


def test_intervals_draw_whole_groups() -> None:
    labels = np.tile([1, 0], 200)
    groups = np.arange(400) // 40
    scores = np.where(groups < 2, 1 - labels, labels)  # two of ten photos are all wrong
    alone = classification(labels, scores, 0.5).ci95
    grouped = classification(labels, scores, 0.5, [str(g) for g in groups]).ci95
    for name in ("f1", "accuracy", "auroc"):
        (low, high), (first, last) = getattr(grouped, name), getattr(alone, name)
        assert high - low > 3 * (last - first)
    assert classification(labels, scores, 0.5, ["one"] * 400).ci95.f1 is None
    assert grouped == classification(labels, scores, 0.5, [str(g) for g in groups]).ci95


def mask(*values: int) -> NDArray[np.bool_]:
    return np.array([values], dtype=np.bool_)


def levels(*values: float) -> NDArray[np.float32]:
    return np.array([values], dtype=np.float32)


def test_localisation_by_hand() -> None:
    parts = Localisation()
    assert parts.add(mask(1, 1, 0, 0), mask(1, 0, 1, 0), levels(0.9, 0.2, 0.8, 0.1)) == 1 / 3
    assert parts.add(mask(1, 0), mask(1, 0), levels(0.5, 0)) == 1
    found = parts.result()
    assert found.iou == 2 / 4
    assert found.mean_image_iou == pytest.approx(2 / 3)
    # pixels by saliency: 0.9 true, 0.8 false, 0.5 true, 0.2 true, 0.1 false, 0 false
    assert found.pixel_ap == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert found.oracle_iou == 3 / 4
    assert found.oracle_threshold == pytest.approx(0.2, abs=1 / 4096)
    assert found.n == 2


def test_the_oracle_threshold_reproduces_the_oracle_iou() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((60, 70)) < 0.2
    saliency = np.clip(rng.normal(0.1 + 0.2 * truth, 0.1), 0, 1).astype(np.float32)
    parts = Localisation()
    parts.add(truth, saliency >= 0.5, saliency)
    found = parts.result()
    pred = saliency >= there(found.oracle_threshold)
    assert (pred & truth).sum() / (pred | truth).sum() == pytest.approx(found.oracle_iou)
    assert there(found.oracle_iou) > there(found.iou)


def test_localisation_where_figures_are_undefined() -> None:
    parts = Localisation()
    assert set(json_object(parts.result()).values()) == {None, 0}
    assert parts.add(mask(0, 0), mask(0, 0), levels(0, 1)) is None
    assert parts.result().iou is None
    assert parts.result().pixel_ap is None
    assert parts.result().n == 1
    assert parts.add(mask(0, 0), mask(1, 0), levels(0, 1)) == 0
    with pytest.raises(ValueError, match="sizes differ"):
        parts.add(mask(0, 0), mask(0, 0, 0), levels(0, 1))


def test_flip_rates_by_hand() -> None:
    found = counterfactual([1, 1, 0, 0], [True, True, True, False], [0.1, 0.2, 0.3, 0])
    assert json_object(found) == {
        "flip_rate": 0.75,
        "flip_rate_damaged": 1.0,
        "flip_rate_undamaged": 0.5,
        "mean_abs_change": pytest.approx(0.15),
    }
    assert counterfactual([1], [True], [0.1]).flip_rate_undamaged is None


def test_review_by_hand() -> None:
    found = review(
        labels=[1, 0, 1, 0],
        predicted=[1, 1, 0, 0],
        scores=[0.9, 0.6, 0.4, 0.2],
        p_fake=[0.1, 0.5, 0.3, 0.4],
        reviewed=[0, 1, 0, 1],
    )
    nll = -np.log([0.9, 0.4, 0.4, 0.8])
    assert json_object(found) == {
        "rate": 0.5,
        "errors": 2,
        "errors_caught": 0.5,
        "auroc_p_fake": 0.75,
        "auroc_max_softmax": 1.0,
        "corr_p_fake_nll": pytest.approx(np.corrcoef([0.1, 0.5, 0.3, 0.4], nll)[0, 1]),
    }
    no_errors = review([1, 0], [1, 0], [1, 0], [0.1, 0.1], [0, 0])
    for name in ("errors_caught", "auroc_p_fake", "auroc_max_softmax", "corr_p_fake_nll"):
        assert getattr(no_errors, name) is None
    sure_and_wrong = review([1, 0], [0, 0], [0, 0], [0.5, 0.1], [0, 0])
    assert sure_and_wrong.corr_p_fake_nll == pytest.approx(1)


def save(folder: Path, name: str, dark: int, *, truth: int | None = None) -> None:
    """Write a grey 8 x 8 image with ``dark`` black rows on top, and a mask of ``truth`` rows."""
    image = np.full((8, 8, 3), 100, dtype=np.uint8)
    image[:dark] = 0
    kind = folder / name.split("/", maxsplit=1)[0]
    kind.mkdir(parents=True, exist_ok=True)
    # the last pixel makes files differ, lest they count as copies of one photo
    image[7, 7] = 100 + len(list(folder.rglob("*.png")))
    write_png(folder / f"{name}.png", image)
    if truth is not None:
        (folder / "masks").mkdir(exist_ok=True)
        rows = np.zeros((8, 8), dtype=np.bool_)
        rows[:truth] = True
        write_png(folder / "masks" / f"{Path(name).name}.png", rows)


def samples_of(folder: Path) -> tuple[Sample, ...]:
    return read_folders([folder]).samples


def inspector(**decision: float) -> Inspector:
    settings = {"min_area_fraction": 0.0} | decision
    return Inspector(RepairDark(make_card(decision=Decision(**settings))), batch=2)  # type: ignore[arg-type]


def test_a_folder_is_evaluated(tmp_path: Path) -> None:
    save(tmp_path, "damaged/a", 2, truth=4)  # half of the damage found
    save(tmp_path, "damaged/b", 0, truth=1)  # missed
    save(tmp_path, "damaged/c", 1)  # found; no mask to compare with
    save(tmp_path, "undamaged/d", 0)
    save(tmp_path, "undamaged/e", 1)  # false alarm
    progress = Recorded()
    result = evaluate(inspector(), samples_of(tmp_path), progress=progress)
    report = result.figures
    assert report.classification.n == 5
    assert report.classification.accuracy == 0.6
    assert report.classification.f1 == pytest.approx(4 / 6)
    # intersection 16 px; union 32 px of a and 8 px of b
    assert report.localisation.figures.iou == pytest.approx(16 / 40)
    assert report.localisation.figures.mean_image_iou == pytest.approx(0.25)
    assert report.localisation.figures.n == 2
    assert report.localisation.missing_masks == 1
    assert report.counterfactual.flip_rate_damaged == 1
    assert report.counterfactual.flip_rate_undamaged == 0
    assert report.counterfactual.mean_abs_change == pytest.approx(4 / 8 / 5 * 200 / 255)
    assert report.review.errors == 2
    assert report.left_out == ()
    json.dumps(json_object(report), allow_nan=False)
    assert progress.seen == [(k, 5) for k in range(1, 6)]
    rows = {Path(row.file).stem: row for row in result.rows}
    assert {key: row.iou for key, row in rows.items()} == {
        "a": 0.5,
        "b": 0.0,
        "c": None,
        "d": None,
        "e": None,
    }
    assert rows["e"].label == 0
    assert rows["e"].predicted == 1
    assert all(tuple(json_object(row)) == ROW_FIELDS for row in result.rows)


def test_an_unreadable_image_is_a_row_with_its_error(tmp_path: Path) -> None:
    for name in ("damaged/a", "undamaged/b", "undamaged/c"):
        save(tmp_path, name, 0)
    samples = samples_of(tmp_path)
    broken = next(s.path for s in samples if s.path.stem == "b")
    broken.write_bytes(broken.read_bytes()[:60])
    progress = Recorded()
    result = evaluate(inspector(), samples, progress=progress)
    assert progress.seen[-1] == (3, 3)
    assert result.figures.classification.n == 2
    assert [Path(entry.file).stem for entry in result.figures.left_out] == ["b"]
    row = result.rows[-1]
    assert "b.png" in row.error
    assert row.score is None
    assert tuple(json_object(row)) == ROW_FIELDS
    for sample in samples:
        sample.path.write_bytes(b"")
    with pytest.raises(EvaluationError, match="no image to evaluate"):
        evaluate(inspector(), samples)
    with pytest.raises(EvaluationError, match="no image to evaluate"):
        evaluate(inspector(), [])


def test_a_mask_of_another_size_gives_a_sentence(tmp_path: Path) -> None:
    save(tmp_path, "damaged/a", 1, truth=1)
    save(tmp_path, "undamaged/b", 0)
    write_png(tmp_path / "masks" / "a.png", np.zeros((8, 9), dtype=np.bool_))
    report = evaluate(inspector(), samples_of(tmp_path)).figures
    (entry,) = report.left_out
    assert "a.png has 9 x 8 px, its image 8 x 8" in entry.reason
    assert report.localisation.missing_masks == 1
    assert report.classification.n == 2


def test_an_evaluation_can_be_cancelled(tmp_path: Path) -> None:
    for name in ("damaged/a", "undamaged/b", "undamaged/c"):
        save(tmp_path, name, 0)
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        evaluate(inspector(), samples_of(tmp_path), progress=Recorded(lambda: next(answers)))
