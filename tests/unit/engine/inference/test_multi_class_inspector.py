"""One answer from several classes: thresholds together, the winner, its card, confusion."""

import dataclasses
import json
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from numpy_backend import RepairDark, make_card
from report_parts import row

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.calibration.fit_multi_class import answers, fit_together
from cfinspect.engine.evaluation.evaluate import kinds_told
from cfinspect.engine.inference.multi_class import MultiClassBackend, MultiClassInspector, margins
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.model.metadata import Decision, MetadataError, ModelMetadata, Preprocessing


def make_answers(
    rng: np.random.Generator, labels: NDArray[np.int64], own: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Logits of a class that knows its ``own`` images and is unsure of the others."""
    margin = np.where(own, 4.0, -3.0) + rng.normal(0, 1.5, len(labels))
    return np.stack([-margin / 2, margin / 2, np.full(len(labels), -3.0)], axis=1).astype(
        np.float32
    )


def test_several_chances_of_a_false_alarm_move_the_thresholds() -> None:
    rng = np.random.default_rng(0)
    defect_classes = np.arange(1200) % 6 - 3  # half undamaged
    labels = (defect_classes >= 0).astype(np.int64)
    logits = np.stack(
        [make_answers(rng, labels, defect_classes == defect_class) for defect_class in range(3)]
    )
    start = [Decision()] * 3
    together, each = fit_together(start, logits, labels, logits, 0.1)

    def alarms(decisions: Sequence[Decision]) -> float:
        said = [
            score(probabilities(one, d.temperature)) >= d.score_threshold
            for one, d in zip(logits, decisions, strict=True)
        ]
        return float(np.any(said, axis=0)[labels == 0].mean())

    assert alarms(each) < alarms(start) / 1.5
    assert together.score_threshold == 0.5
    assert together.review_low < 0.5 < together.review_high
    assert len({d.score_threshold for d in each}) == 1
    joint = answers(together, each, logits)
    assert joint.sum(axis=1) == pytest.approx(np.ones(len(labels)))
    reviewed = (score(joint) >= together.review_low) & (score(joint) <= together.review_high)
    assert reviewed.mean() == pytest.approx(0.1, abs=0.02)
    # Together they say damaged exactly where one of them does.
    said = [
        score(probabilities(one, d.temperature)) >= d.score_threshold
        for one, d in zip(logits, each, strict=True)
    ]
    assert np.array_equal(score(joint) >= 0.5, np.any(said, axis=0))


def test_the_review_rule_is_that_of_familiar_images() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    defect_classes = np.where(labels == 1, np.arange(600) // 2 % 2, -1)
    logits = np.stack(
        [make_answers(rng, labels, defect_classes == defect_class) for defect_class in range(2)]
    )
    paler = logits.copy()
    paler[..., 1] -= 2
    paler[..., 2] += 3
    start = [Decision()] * 2
    together, each = fit_together(start, paler, labels, logits, 0.1)
    assert each[0].score_threshold < 0.4
    assert together.review_p_fake < answers(together, each, paler)[:, 2].mean()


def test_of_two_sure_kinds_the_surer_wins() -> None:
    limits = np.array([0.5, 0.49])
    sure = probabilities(np.array([[-12.5, 12.5, -30.0], [-7.5, 7.5, -30.0]]), 1.0)
    beyond = margins(sure, limits)
    assert beyond == pytest.approx([25, 15 - np.log(0.49 / 0.51)], abs=1e-6)


def test_moved_thresholds_take_their_band_with_them() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    logits = np.stack([make_answers(rng, labels, labels == 1)] * 2)
    logits[..., 1] += 2
    start = [Decision(review_low=0.45, review_high=0.55)] * 2
    _, each = fit_together(start, logits, labels, logits, 0.1)
    assert each[0].score_threshold > 0.6
    assert each[0].review_low < each[0].score_threshold < each[0].review_high


def card_of(defect_classes: dict[str, Decision]) -> ModelMetadata:
    return dataclasses.replace(
        make_card(),
        decision=Decision(temperature=2.0, review_low=0.4, review_high=0.6),
        defect_classes=defect_classes,
    )


def test_the_answer_is_the_kind_farthest_beyond_its_threshold() -> None:
    decisions = {
        "line": Decision(min_area_fraction=0.0, score_threshold=0.9),
        "blot": Decision(min_area_fraction=0.0, score_threshold=0.6),
    }
    metadata = card_of(decisions)
    members = tuple(
        RepairDark(dataclasses.replace(make_card(), decision=one), share)
        for one, share in zip(decisions.values(), (0.0, 0.5), strict=True)
    )
    inspector = MultiClassInspector(MultiClassBackend(metadata, members), batch=2)
    line = np.full((8, 8, 3), 255 // 2, np.uint8)
    line[4] = 0
    blot = line.copy()
    blot[2:] = 0
    sound = np.full((8, 8, 3), 127, np.uint8)
    found = list(inspector.inspect_many([sound, line, blot]))
    assert [one.defect_class for one in found] == ["", "", "blot"]
    # A line's score of 0.88 is not enough for its threshold of 0.9.
    assert [one.label for one in found] == [0, 0, 1]
    margin = np.log(
        found[2].defect_classes["blot"].score / (1 - found[2].defect_classes["blot"].score)
    ) - np.log(1.5)
    assert found[2].score == pytest.approx(1 / (1 + np.exp(-margin / 2)))
    assert found[2].mask.mean() == 0.75
    assert found[1].review and "inside the band" in found[1].reason
    with pytest.raises(CfinspectError, match="one defect class at a time"):
        inspector.backend.run(sound[None])


def test_photos_among_small_images_are_not_gathered() -> None:
    metadata = dataclasses.replace(
        card_of({"line": Decision(), "blot": Decision()}),
        preprocessing=Preprocessing(8, scope="tiles", tile=8),
    )
    own = dataclasses.replace(metadata, defect_classes={}, decision=Decision(min_area_fraction=0.0))
    inspector = MultiClassInspector(
        MultiClassBackend(metadata, (RepairDark(own), RepairDark(own, 0.5))), batch=8
    )
    taken: list[int] = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for number, side in enumerate((8, 40, 40, 8, 40, 8)):
            taken.append(number)
            image = np.full((side, side, 3), 127, np.uint8)
            image[1] = 0
            yield image

    seen = []
    for found in inspector.inspect_many(images()):
        seen.append((len(taken), found.saliency.shape[0]))
        assert found.label == 1
        assert found.defect_class == "line"
        assert found.mask[1].all() and found.mask.sum() == found.mask.shape[1]
    # Nothing is read beyond the photo that is looked at.
    assert seen == [(2, 8), (2, 40), (3, 40), (5, 8), (5, 40), (6, 8)]


def test_a_card_of_kinds_is_read_strictly() -> None:
    text = card_of({"line": Decision(), "blot": Decision()}).to_json()
    assert tuple(ModelMetadata.from_json(text).defect_classes) == ("line", "blot")
    raw = json.loads(text)
    raw["kinds"]["../../escaped"] = raw["kinds"].pop("line")
    with pytest.raises(MetadataError, match="name of a class"):
        ModelMetadata.from_json(json.dumps(raw))
    raw = json.loads(text)
    raw["kinds"]["line"]["score_threshold"] = 7
    with pytest.raises(MetadataError, match="score_threshold"):
        ModelMetadata.from_json(json.dumps(raw))
    raw["kinds"]["line"] = {"magic": 1}
    with pytest.raises(MetadataError, match=r"defect_classes\.line\.magic"):
        ModelMetadata.from_json(json.dumps(raw))
    raw["kinds"]["line"] = 3
    with pytest.raises(MetadataError, match=r"defect_classes\.line must be an object"):
        ModelMetadata.from_json(json.dumps(raw))


def test_a_confusion_matrix_by_hand() -> None:
    rows = [
        row(kind=kind, answer=answer)
        for kind, answer in (("", ""), ("", "a"), ("a", "a"), ("a", "b"), ("b", ""), ("b", "b"))
    ]
    told = kinds_told(rows, ("a", "b"))
    assert told.confusion == ((1, 1, 0), (0, 1, 1), (1, 0, 1))
    assert told.accuracy == 0.5
    assert told.right_kind == pytest.approx(2 / 3)
    assert kinds_told(rows[:2], ("a", "b")).right_kind is None
