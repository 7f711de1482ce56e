import dataclasses
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from numpy_backend import Painter, RepairDark, make_card

from cfinspect.engine.inference.backend import InspectionError, NetworkOutputs
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.review_reason import in_words, review_reasons
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.metadata import Decision, ModelMetadata, SegmenterSpec
from cfinspect.engine.networks.spec import NetworkSpec


def grey(height: int, width: int, level: int = 100) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, dtype=np.uint8)


def test_probabilities_and_score_by_hand() -> None:
    logits = np.array([[0, math.log(3), math.log(4)], [1e4, 0, 0], [-1e4, -1e4, 1e4]])
    p = probabilities(logits)
    np.testing.assert_allclose(p, np.array([[1 / 8, 3 / 8, 4 / 8], [1, 0, 0], [0, 0, 1]]))
    np.testing.assert_allclose(score(p), [0.75, 0, 0.5])
    # temperature 2: the square roots of 1, 3 and 4
    root = math.sqrt(3)
    np.testing.assert_allclose(probabilities(logits[:1], 2)[0, 1], root / (1 + root + 2))


def test_a_damaged_square_is_inspected() -> None:
    image = grey(8, 8)
    image[2:4, 1:7] = 0  # 12 of 64 px
    found = Inspector(RepairDark(make_card())).inspect(image)
    total = 1 + math.exp(2) + math.exp(-2)
    assert found.label == 1
    assert found.p0 == pytest.approx(1 / total)
    assert found.p1 == pytest.approx(math.exp(2) / total)
    assert found.p_fake == pytest.approx(math.exp(-2) / total)
    assert found.score == pytest.approx(1 / (1 + math.exp(-2)))
    assert found.flipped
    assert found.head == 0.75
    dark = image[..., 0] == 0
    assert (found.mask == dark).all()
    assert found.area_fraction == 12 / 64
    np.testing.assert_allclose(found.saliency, np.where(dark, 200 / 255, 0), atol=1e-6)
    assert (found.counterfactual == np.where(dark, 200, 100)[..., None]).all()
    assert not found.review
    assert found.reason == ""


def test_an_undamaged_image_has_an_empty_mask_but_its_saliency() -> None:
    image = grey(8, 8)
    image[0, 0] = 0
    found = Inspector(RepairDark(make_card(), share=0.1)).inspect(image)
    assert found.label == 0
    assert not found.mask.any()
    assert found.area_fraction == 0
    assert found.saliency[0, 0] > 0.5
    assert not found.flipped


def test_results_have_the_original_resolution_and_detail() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(100, 200, (40, 24, 3), dtype=np.uint8)
    image[:20] = 0
    found = Inspector(RepairDark(make_card())).inspect(image)
    assert found.saliency.shape == found.mask.shape == (40, 24)
    assert found.saliency.dtype == np.float32
    assert found.counterfactual.shape == (40, 24, 3)
    assert found.mask[:15].all()
    assert not found.mask[25:].any()
    # the change is enlarged, not the image: grain outside of it stays to the last bit
    assert (found.counterfactual[25:] == image[25:]).all()


def test_small_islands_are_dropped_by_their_share_of_the_image() -> None:
    image = grey(8, 8)
    image[0, 0] = image[4:6, 4:6] = 0
    decision = Decision(min_area_fraction=2 / 64)
    found = Inspector(RepairDark(make_card(decision=decision))).inspect(image)
    assert not found.mask[0, 0]
    assert found.mask.sum() == 4


def test_thresholds_and_temperature_come_from_the_card() -> None:
    image = grey(8, 8)
    image[2:4] = 0
    s = 1 / (1 + math.exp(-2 / 4))  # temperature 4
    for threshold, label in ((s - 0.01, 1), (s + 0.01, 0)):
        decision = Decision(temperature=4, score_threshold=threshold, mask_threshold=0.79)
        found = Inspector(RepairDark(make_card(decision=decision))).inspect(image)
        assert found.score == pytest.approx(s)
        assert found.label == label
        assert not found.mask.any()  # 200/255 is below 0.79


@pytest.mark.parametrize(
    ("image_score", "p_fake", "flipped", "reason"),
    [
        (0.3, 0.1, True, ""),
        (0.3, 0.1, False, ""),
        (0.3, 0.31, True, "p_fake 0.31 above 0.20: looks unlike the training images"),
        (0.52, 0.1, True, "score 0.52 inside the band 0.40 to 0.60"),
        (
            0.52,
            0.31,
            False,
            "p_fake 0.31 above 0.20: looks unlike the training images; "
            "score 0.52 inside the band 0.40 to 0.60; the counterfactual did not flip",
        ),
    ],
)
def test_the_reason_of_a_review(
    image_score: float, p_fake: float, flipped: bool, reason: str
) -> None:
    decision = Decision(review_p_fake=0.2, review_low=0.4, review_high=0.6)
    assert in_words(review_reasons(decision, image_score, p_fake, flipped)) == reason


def test_strange_images_go_to_review() -> None:
    decision = Decision(review_p_fake=0.9, review_low=0.6, review_high=0.6)
    found = Inspector(RepairDark(make_card(decision=decision))).inspect(grey(8, 8, 255))
    assert found.p_fake == pytest.approx(math.exp(4) / (2 + math.exp(4)))
    assert found.review
    assert found.reason.startswith("p_fake 0.96 above 0.90")


def test_small_images_share_batches_and_keep_their_order() -> None:
    backend = RepairDark(make_card(size=8, scope="tiles", tile=8))
    images = []
    for k in range(7):
        image = grey(8 + k, 8)
        image[: k + 1] = 0
        images.append(image)
    images.insert(5, grey(8, 40))  # a photo among them
    many = list(Inspector(backend, batch=3).inspect_many(iter(images)))
    # 5 small ones, 9 windows, 2 small ones
    assert backend.batches == [3, 2, 3, 3, 3, 2]
    for image, found in zip(images, many, strict=True):
        alone = Inspector(backend).inspect(image)
        assert found.saliency.shape == image.shape[:2]
        np.testing.assert_array_equal(found.saliency, alone.saliency)
        np.testing.assert_array_equal(found.mask, alone.mask)
        assert found.score == alone.score
    assert list(Inspector(backend).inspect_many([])) == []


def test_images_are_taken_lazily() -> None:
    taken = 0

    def images() -> Iterator[NDArray[np.uint8]]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield grey(8, 8)

    results = Inspector(RepairDark(make_card()), batch=4).inspect_many(images())
    next(results)
    assert taken == 4


def test_up_to_two_tiles_an_image_is_seen_as_a_whole() -> None:
    backend = RepairDark(make_card(size=8, scope="tiles", tile=16))
    inspector = Inspector(backend)
    inspector.inspect(grey(32, 20))
    assert backend.batches == [1]
    inspector.inspect(grey(33, 16))
    assert backend.batches == [1, 4]  # windows at 0, 8, 16 and 17
    inspector.inspect(grey(33, 3))  # narrower than a window: mirrored
    assert backend.batches == [1, 4, 4]


def test_a_photo_is_as_bad_as_its_worst_window() -> None:
    image = grey(64, 80)
    image[60:64, 77:80] = 0  # 12 px in the corner, seen by one window only
    backend = RepairDark(make_card(size=16, scope="tiles", tile=16))
    found = Inspector(backend, batch=5).inspect(image)
    assert found.label == 1
    assert found.score == pytest.approx(1 / (1 + math.exp(-2)))
    assert found.head == 0.75
    assert found.flipped
    assert (found.mask == (image[..., 0] == 0)).all()
    assert found.area_fraction == 12 / (64 * 80)
    # the corner belongs to one window, whose saliency counts with its score
    assert found.saliency[63, 79] == pytest.approx(200 / 255 * found.score, abs=1e-5)
    assert found.counterfactual[63, 79, 0] == round(200 * found.score)
    clean = Inspector(backend).inspect(grey(64, 80))
    assert clean.label == 0
    assert not clean.mask.any()


def test_islands_in_a_photo_are_measured_against_a_window() -> None:
    image = grey(64, 80)
    image[20:22, 20:22] = 0  # 4 px: a 64th of a window, a 1280th of the photo
    for fraction, left in ((1 / 64, 4), (1 / 50, 0)):
        decision = Decision(min_area_fraction=fraction)
        metadata = make_card(size=16, scope="tiles", tile=16, decision=decision)
        assert Inspector(RepairDark(metadata)).inspect(image).mask.sum() == left


def test_what_a_clean_window_imagines_stays_out_of_the_mask() -> None:
    class Imagines(RepairDark):
        """Changes every square by 0.3, damaged or not."""

        def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
            raw = super().run(batch)
            changed = np.clip(batch / np.float32(255) + np.float32(0.3), 0, 1).astype(np.float32)
            return dataclasses.replace(raw, counterfactual=changed, logits=raw.logits * 4)

    image = grey(64, 80)
    image[:4, :4] = 0
    metadata = make_card(size=16, scope="tiles", tile=16)
    found = Inspector(Imagines(metadata)).inspect(image)
    assert found.mask[:8, :8].all()
    assert not found.mask[16:, :].any()
    assert not found.mask[:, 16:].any()
    assert found.saliency[32:, 32:].max() < 0.001


def test_a_uniform_photo_has_a_uniform_saliency() -> None:
    metadata = make_card(size=16, scope="tiles", tile=32)
    found = Inspector(Painter(metadata, lambda x: np.full_like(x, 0.25))).inspect(grey(101, 157))
    np.testing.assert_allclose(found.saliency, 0.25, atol=1e-6)
    assert len(np.unique(found.counterfactual)) == 1
    assert found.mask.all()


def test_no_seam_where_the_change_depends_on_the_place_in_the_window() -> None:
    size = tile = 32
    ramp = (np.arange(size, dtype=np.float32) / (size - 1))[None, None, :, None] * np.float32(0.4)
    metadata = make_card(size=size, scope="tiles", tile=tile)
    found = Inspector(Painter(metadata, lambda x: np.broadcast_to(ramp, x.shape))).inspect(
        grey(100, 200)
    )
    # side by side, such windows would meet in steps of 0.4. Blended, the slope is at most that of
    # the ramp plus 0.4 times that of the weights, doubled at the flush last window
    limit = 0.4 / (size - 1) + 2 * 0.4 * math.pi / tile
    steps = np.abs(np.diff(found.saliency, axis=1))
    assert steps.max() < limit
    assert steps[:, 32:144].max() < 0.4 / (size - 1) + 0.4 * math.pi / tile
    assert np.abs(np.diff(found.saliency, axis=0)).max() < 1e-5


def test_a_photo_of_12_megapixels_needs_bounded_memory() -> None:
    image = grey(3024, 4032)
    image[1500:1600, 2000:2100] = 0
    inspector = Inspector(RepairDark(make_card(size=64, scope="tiles", tile=256)), batch=16)
    tracemalloc.start()
    found = inspector.inspect(image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.label == 1
    assert found.mask[1510:1590, 2010:2090].all()
    assert not found.mask[:1000].any()
    # saliency 49 MB, counterfactual 37 MB, mask 12 MB, its labels 49 MB, and bands
    assert peak < 300e6


def test_answers_that_are_no_numbers_give_a_sentence() -> None:
    broken = Painter(make_card(), lambda x: np.full_like(x, np.nan))
    with pytest.raises(InspectionError, match=r"not a number.*--precision fp32"):
        Inspector(broken).inspect(grey(8, 8))


class Shades(RepairDark):
    """Looks at the mean shade / 100; 1 is as far as images of its kind go."""

    def __init__(self, metadata: ModelMetadata, *, knows: bool = True) -> None:
        super().__init__(metadata)
        one = np.ones(1, np.float32)
        limit = np.float32(0.5**0.5)
        known = FamiliarImages(one * 0, one, one[None], one, one[0], np.asarray(limit))
        self.familiar = known if knows else None

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        look = batch.mean(axis=(1, 2, 3), dtype=np.float32)[:, None] / np.float32(100)
        return dataclasses.replace(super().run(batch), appearance=look)


def test_unlikeness_of_images_and_of_photos() -> None:
    inspector = Inspector(Shades(make_card(scope="tiles", tile=8)))
    found = list(inspector.inspect_many([grey(8, 8, 50), grey(10, 9, 250)]))
    assert [one.unlikeness for one in found] == pytest.approx([0.5, 2.5])
    photo = grey(8, 64, 50)
    photo[:, 48:] = 250  # less than half of the windows
    assert inspector.is_photo(photo)
    assert inspector.inspect(photo).unlikeness == pytest.approx(0.5)


def test_who_cannot_tell_has_no_unlikeness() -> None:
    for backend in (RepairDark(make_card()), Shades(make_card(), knows=False)):
        assert Inspector(backend).inspect(grey(8, 8)).unlikeness is None


def test_other_arrays_are_refused() -> None:
    inspector = Inspector(RepairDark(make_card()))
    for shape, kind in (((8, 8), np.uint8), ((8, 8, 4), np.uint8), ((8, 8, 3), np.float32)):
        with pytest.raises(ValueError, match="expected"):
            inspector.inspect(np.zeros(shape, dtype=kind))
    with pytest.raises(ValueError, match="expected"):
        inspector.inspect(np.zeros((0, 8, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="batch"):
        Inspector(RepairDark(make_card()), batch=0)


def test_inspection_works_without_torch_and_qt() -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['PySide6'] = None\n"
        "import cfinspect.engine.inference.inspector, cfinspect.engine.inference.saliency\n"
        "import cfinspect.engine.model.metadata"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class MarkRed(RepairDark):
    """Also has a segmenter, which marks red places: probability .6 where red is 250 or more."""

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        probability = np.where(batch[..., 0] >= 250, np.float32(0.6), np.float32(0.1))
        return dataclasses.replace(super().run(batch), mask_probability=probability)


def with_segmenter(threshold: float = 0.5, **preprocessing: object) -> ModelMetadata:
    spec = SegmenterSpec(NetworkSpec("numpy"), threshold, "mending")
    return dataclasses.replace(make_card(**preprocessing), segmenter=spec)  # type: ignore[arg-type]


def test_the_mask_is_the_segmenters_and_all_else_as_before() -> None:
    image = grey(8, 8)
    image[2:4, 1:7] = 0
    image[6, 2:5] = (255, 100, 100)
    found = Inspector(MarkRed(with_segmenter())).inspect(image)
    plain = Inspector(RepairDark(make_card())).inspect(image)
    assert (found.mask == (image[..., 0] == 255)).all()
    assert found.area_fraction == 3 / 64
    assert found.mask_probability is not None
    assert found.cut_map is found.mask_probability
    assert plain.mask_probability is None and plain.cut_map is plain.saliency
    for name in ("saliency", "counterfactual", "score", "flipped", "reasons"):
        assert np.array_equal(getattr(found, name), getattr(plain, name))
    # Its own threshold, and the islands that the decision drops.
    assert not Inspector(MarkRed(with_segmenter(0.7))).inspect(image).mask.any()
    strict = dataclasses.replace(with_segmenter(), decision=Decision(min_area_fraction=4 / 64))
    assert not Inspector(MarkRed(strict)).inspect(image).mask.any()


def test_an_undamaged_image_has_no_mask_whatever_the_segmenter_says() -> None:
    image = grey(8, 8)
    image[6, 2:5] = (255, 100, 100)
    found = Inspector(MarkRed(with_segmenter())).inspect(image)
    assert found.label == 0 and not found.mask.any()


def test_a_photos_mask_is_blended_from_windows_that_are_damaged() -> None:
    image = grey(40, 64)
    image[20:22, 4:10] = 0
    image[24, 4:10] = (255, 100, 100)
    image[24, 50:56] = (255, 100, 100)  # where no window is damaged
    inspector = Inspector(MarkRed(with_segmenter(size=16, scope="tiles", tile=16)))
    assert inspector.is_photo(image)
    found = inspector.inspect(image)
    assert found.mask[24, 4:10].all()
    assert int(found.mask.sum()) == 6
    assert found.mask_probability is not None
    assert found.mask_probability.shape == (40, 64)
    # Windows that are not damaged weigh sigmoid(-2), damaged ones sigmoid(2), seams in between.
    assert found.mask_probability[24, 52] == pytest.approx(0.6 / (1 + math.exp(2)), abs=1e-3)
    assert found.mask_probability[24, 6] == pytest.approx(0.6 / (1 + math.exp(-2)), abs=1e-2)


def test_segmenters_go_along_in_batches() -> None:
    images = [grey(8, 8, level) for level in (100, 250, 100)]
    backend = MarkRed(with_segmenter())
    whole = backend.run(np.stack(images))
    parts = NetworkOutputs.joined([backend.run(np.stack(images[:2])), backend.run(images[2][None])])
    assert whole.mask_probability is not None and parts.mask_probability is not None
    assert np.array_equal(whole.mask_probability, parts.mask_probability)
    chosen = whole.chosen(np.array([False, True, False]))
    assert chosen.mask_probability is not None
    assert (chosen.mask_probability == np.float32(0.6)).all()
    assert RepairDark(make_card()).run(np.stack(images)).chosen(np.ones(3, bool)).head.shape == (3,)
