"""Splits that never tear a group apart, the same for a seed whatever the order of the files."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.data.dataset import DAMAGED, DataError


class Splittable(Protocol):
    """What a split looks at: samples of a data folder, and images of a project.

    ``digest``: of the content; equal content never lands on two sides. ``label``: 1 is damaged,
    ``defect_class``: which of several, else 0. ``path`` only breaks ties of order.
    """

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def label(self) -> int:
        """0 or 1."""

    @property
    def group(self) -> str:
        """What must stay together."""

    @property
    def digest(self) -> int:
        """Of the content."""

    @property
    def defect_class(self) -> int:
        """Which of several defect classes."""


T = TypeVar("T", bound=Splittable)


@dataclass(frozen=True)
class _Block(Generic[T]):
    """Samples that must stay together, and how many of each class they are."""

    samples: tuple[T, ...]
    sizes: tuple[int, ...]


def split_by_group(
    samples: Sequence[T], fractions: Mapping[str, float], seed: int
) -> dict[str, list[T]]:
    """Split into named parts; samples of equal group or equal content stay on one side.

    ``fractions`` are positive shares that sum to 1. Each part gets about its share of both
    classes, at least one sample, and where the groups allow it some of each class. The result
    depends on the set of samples and ``seed``, not on order or place of the files.

    Raises DataError when there are fewer groups than parts, ValueError for impossible fractions.
    """
    shares = np.array(list(fractions.values()), dtype=np.float64)
    if not len(shares) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"fractions must be positive and sum to 1, got {dict(fractions)}")
    blocks = _blocks(samples)
    if len(blocks) < len(shares):
        raise DataError(
            f"{len(samples)} images in {len(blocks)} independent groups cannot be split into "
            f"{', '.join(fractions)}; give images from more sources, or finer groups in labels.csv."
        )
    parts = _deal(blocks, shares, seed)
    _spread_classes(parts)
    _fill_empty(parts)
    return {
        name: sorted((s for block in part for s in block.samples), key=_content_order)
        for name, part in zip(fractions, parts, strict=True)
    }


def folds_by_group(samples: Sequence[T], k: int, seed: int) -> list[tuple[list[T], list[T]]]:
    """``k`` pairs (train, test); every sample is in exactly one test part. Rules as above.

    Raises DataError when there are fewer than ``k`` groups, ValueError for ``k`` below 2.
    """
    if k < 2:
        raise ValueError(f"k must be at least 2, got {k}")
    parts = split_by_group(samples, {f"fold {i + 1}": 1 / k for i in range(k)}, seed)
    return [
        (
            sorted((s for n, part in parts.items() if n != name for s in part), key=_content_order),
            test,
        )
        for name, test in parts.items()
    ]


def _content_order(sample: Splittable) -> tuple[int, int, str, str]:
    return sample.digest, sample.label, sample.path.name, str(sample.path)


def _blocks(samples: Sequence[T]) -> list[_Block[T]]:
    """Connected components under "same group" and "same content", in an order of their own."""
    parent = list(range(len(samples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[str | int, int] = {}
    for index, sample in enumerate(samples):
        for key in (sample.group, sample.digest):
            parent[root(index)] = root(first.setdefault(key, index))
    members: defaultdict[int, list[T]] = defaultdict(list)
    for index, sample in enumerate(samples):
        members[root(index)].append(sample)
    groups = [sorted(group, key=_content_order) for group in members.values()]
    groups.sort(key=lambda group: _content_order(group[0]))
    last = max([DAMAGED, *(sample.label + sample.defect_class for sample in samples)])
    return [_Block(tuple(group), _sizes(group, last)) for group in groups]


def _sizes(samples: Iterable[Splittable], last: int) -> tuple[int, ...]:
    """How many there are of each class; defect classes are classes of their own."""
    classes = [sample.label + sample.defect_class for sample in samples]
    return tuple(classes.count(number) for number in range(last + 1))


def _deal(
    blocks: Sequence[_Block[T]], shares: NDArray[np.float64], seed: int
) -> list[list[_Block[T]]]:
    """Largest blocks first, each to the part that then misses its share of both classes least."""
    order = np.random.default_rng(seed).permutation(len(blocks))
    queue = sorted((blocks[i] for i in order), key=lambda block: -sum(block.sizes))
    totals = np.sum([block.sizes for block in blocks], axis=0)
    goal = shares[:, None] * np.maximum(totals, 1)
    dealt = np.zeros_like(goal)
    parts: list[list[_Block[T]]] = [[] for _ in shares]
    for block in queue:
        sizes = np.array(block.sizes)
        # Growth of sum((dealt - goal)^2 / goal): it levels the parts' relative filling.
        growth = ((2 * (dealt - goal) + sizes) * sizes / goal).sum(axis=1)
        best = int(growth.argmin())
        dealt[best] += sizes
        parts[best].append(block)
    return parts


def _spread_classes(parts: list[list[_Block[T]]]) -> None:
    """Give every part some of each class, where another part can spare a block."""
    for label in _classes(parts):
        for part in parts:
            if any(block.sizes[label] for block in part):
                continue
            spare = [
                (donor, block)
                for donor in parts
                for block in _spare_blocks(donor)
                if block.sizes[label]
            ]
            _move_smallest(spare, part)


def _spare_blocks(part: Sequence[_Block[T]]) -> list[_Block[T]]:
    """Blocks without which the part still has all the classes that it has now."""
    classes = _classes([part])
    having = [sum(block.sizes[label] > 0 for block in part) for label in classes]
    return [
        block for block in part if all(having[label] > 1 for label in classes if block.sizes[label])
    ]


def _classes(parts: Iterable[Sequence[_Block[T]]]) -> range:
    return range(max((len(block.sizes) for part in parts for block in part), default=0))


def _fill_empty(parts: list[list[_Block[T]]]) -> None:
    for part in parts:
        if not part:
            spare = [(donor, block) for donor in parts if len(donor) > 1 for block in donor]
            _move_smallest(spare, part)


def _move_smallest(
    spare: Sequence[tuple[list[_Block[T]], _Block[T]]], part: list[_Block[T]]
) -> None:
    if spare:
        donor, block = min(spare, key=lambda entry: sum(entry[1].sizes))
        donor[:] = [kept for kept in donor if kept is not block]
        part.append(block)
