"""Groups and duplicates stay on one side; every part gets its share of both classes."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cfinspect.engine.data.dataset import DataError, Sample
from cfinspect.engine.data.splits import folds_by_group, split_by_group

THREE = {"train": 0.7, "validation": 0.15, "test": 0.15}


def sample(index: int, label: int, group: str | None = None, digest: int | None = None) -> Sample:
    content = (index * 2654435761 + 12345) % 2**32 if digest is None else digest
    name = f"{index:05d}.png"
    return Sample(Path("data") / name, label, group or f"#{content}", None, content, 8, 8)


def grouped(groups: int, seed: int = 0) -> list[Sample]:
    """Groups of 1 to 12 samples, each with its own mix of classes."""
    rng = random.Random(seed)
    samples: list[Sample] = []
    for group in range(groups):
        share = rng.random()
        for _ in range(rng.randint(1, 12)):
            samples.append(sample(len(samples), int(rng.random() < share), f"g{group}"))
    return samples


def test_every_sample_is_in_exactly_one_part_and_no_group_in_two() -> None:
    samples = grouped(100)

    parts = split_by_group(samples, THREE, seed=3)

    assert list(parts) == list(THREE)
    assert sorted(s.path for part in parts.values() for s in part) == [s.path for s in samples]
    groups = [{s.group for s in part} for part in parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 100


@pytest.mark.parametrize("seed", range(5))
def test_parts_get_their_share_of_both_classes(seed: int) -> None:
    samples = grouped(100, seed)
    totals = Counter(s.label for s in samples)

    for name, part in split_by_group(samples, THREE, seed).items():
        for label, count in Counter(s.label for s in part).items():
            assert count / totals[label] == pytest.approx(THREE[name], abs=0.02)


def test_independent_images_are_split_to_the_image() -> None:
    samples = [sample(i, label=int(i < 300)) for i in range(1000)]

    parts = split_by_group(samples, THREE, seed=0)

    counts = {name: Counter(s.label for s in part) for name, part in parts.items()}
    assert counts == {
        "train": {0: 490, 1: 210},
        "validation": {0: 105, 1: 45},
        "test": {0: 105, 1: 45},
    }


def test_equal_content_is_never_on_both_sides_even_across_groups() -> None:
    samples = [sample(i, i % 2, f"g{i}", digest=i // 2 * 2 + i % 2) for i in range(60)]
    # A chain: g0 and g1 share content 1000, g1 and g2 share content 1001.
    chain = [(100, "g0", 1000), (101, "g1", 1000), (102, "g1", 1001), (103, "g2", 1001)]
    samples += [sample(index, 1, group, digest) for index, group, digest in chain]

    for seed in range(10):
        parts = split_by_group(samples, {"a": 0.5, "b": 0.5}, seed)
        homes = [
            name for name, part in parts.items() for s in part if s.group in {"g0", "g1", "g2"}
        ]
        assert len(homes) == 7
        assert len(set(homes)) == 1


def test_depends_on_the_seed_and_not_on_order_or_place() -> None:
    samples = grouped(60)
    shuffled = random.Random(1).sample(samples, len(samples))
    moved = [replace(s, path=Path("elsewhere") / s.path.name) for s in shuffled]

    def names(given: list[Sample], seed: int) -> dict[str, list[str]]:
        return {k: [s.path.name for s in v] for k, v in split_by_group(given, THREE, seed).items()}

    assert names(samples, 5) == names(shuffled, 5) == names(moved, 5)
    assert names(samples, 5) != names(samples, 6)


@pytest.mark.parametrize("seed", range(20))
def test_few_groups_still_give_every_part_both_classes(seed: int) -> None:
    samples = [
        sample(i, label, f"{label}{i}") for label in (0, 1) for i in range(3 * label, 3 + 3 * label)
    ]

    parts = split_by_group(samples, THREE, seed)

    assert [sorted(s.label for s in part) for part in parts.values()] == [[0, 1]] * 3


def test_one_giant_group_leaves_no_part_empty() -> None:
    samples = [sample(i, i % 2, "giant") for i in range(100)]
    samples += [sample(200, 0, "a"), sample(201, 1, "b")]

    parts = split_by_group(samples, THREE, seed=0)

    assert sorted(len(part) for part in parts.values()) == [1, 1, 100]


def test_one_class_alone_is_split_too() -> None:
    parts = split_by_group([sample(i, 1) for i in range(20)], THREE, seed=0)

    assert {name: len(part) for name, part in parts.items()} == {
        "train": 14,
        "validation": 3,
        "test": 3,
    }


def test_too_few_groups_is_a_sentence() -> None:
    samples = [sample(i, i % 2, f"g{i % 2}") for i in range(50)]

    with pytest.raises(DataError, match=r"50 images in 2 independent groups .*train, validation"):
        split_by_group(samples, THREE, seed=0)


@pytest.mark.parametrize("fractions", [{}, {"a": 0.5}, {"a": 1.0, "b": 0.0}, {"a": 1.5, "b": -0.5}])
def test_impossible_fractions(fractions: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        split_by_group(grouped(10), fractions, seed=0)


def test_folds_test_every_sample_once_and_keep_groups_apart() -> None:
    samples = grouped(30)

    folds = folds_by_group(samples, 5, seed=1)

    assert len(folds) == 5
    assert sorted(s.path for _, test in folds for s in test) == [s.path for s in samples]
    for train, test in folds:
        assert len(train) + len(test) == len(samples)
        assert not {s.group for s in train} & {s.group for s in test}
        assert {s.label for s in test} == {0, 1}


def test_a_single_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        folds_by_group(grouped(10), 1, seed=0)
