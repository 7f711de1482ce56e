"""An explainer over many image files: batches in, explanations at the images' own size out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.base.errors import is_out_of_memory
from cfinspect.engine.base.images import ImageError, read_image, resize_image
from cfinspect.engine.base.progress import Progress, Ticks
from cfinspect.engine.explain.protocol import (
    NO_NUMBER,
    NOT_ASKED,
    NOT_FLIPPED,
    NOT_KEPT,
    BlackBox,
    Explained,
    Explainer,
    Explanation,
    Images,
    probability,
)
from cfinspect.engine.inference.stream import Source
from cfinspect.engine.inference.tiling import resize_map

Target = Literal["other", "undamaged", "damaged"]
TooLarge = Callable[[NDArray[np.uint8]], bool]


def explain_sources(
    explainer: Explainer,
    classifier: BlackBox,
    sources: Sequence[Source],
    *,
    target: Target = "other",
    batch: int = 16,
    too_large: TooLarge = lambda image: False,
    progress: Progress = Progress(),
) -> Iterator[Explained]:
    """Explain file after file, ``batch`` at once and fewer where memory runs out.

    ``target``: the class that the counterfactual should have, by default the other one than the
    classifier gives; files that have it already come back with a note only. ``too_large``: photos
    that a model looks at through windows; they come back with an error. ``progress`` counts parts
    of the work. Raises ``Cancelled`` between parts once somebody asked to stop.
    """
    work = _Work(explainer, classifier, target, too_large)
    groups = [sources[start : start + batch] for start in range(0, len(sources), batch)]
    ticks = Ticks(progress, sum(explainer.ticks(len(group)) for group in groups))
    done = 0
    for group in groups:
        yield from work.batch(group, ticks)
        done += explainer.ticks(len(group))
        ticks.reach(done)


class _Work:
    """Explains batches; memory holds their squares, and one image at its own size."""

    def __init__(
        self, explainer: Explainer, classifier: BlackBox, target: Target, too_large: TooLarge
    ) -> None:
        self._explainer = explainer
        self._classifier = classifier
        self._target = target
        self._too_large = too_large

    def batch(self, sources: Sequence[Source], progress: Progress) -> Iterator[Explained]:
        """One batch, in order."""
        found: dict[int, Explained] = {}
        squares: dict[int, Images] = {}
        own: dict[int, Images] = {}
        for place, source in enumerate(sources):
            image, error = self._read(source)
            if image is None:
                found[place] = Explained(source, error)
                continue
            squares[place] = resize_image(image, self._explainer.size)
            own[place] = resize_image(image, self._classifier.size)
        asked: list[int] = []
        odds = np.zeros(0, np.float32)
        if own:
            odds = self._classifier.ask(np.stack(list(own.values())))
        scores = dict(zip(own, odds.tolist(), strict=True))
        for place, score in scores.items():
            if not math.isfinite(score):
                found[place] = Explained(sources[place], NO_NUMBER)
                continue
            goal = self._goal(score)
            if (score >= self._classifier.limit) == (goal == 1):
                found[place] = Explained(
                    sources[place], note=NOT_ASKED, target=goal, before=probability(score)
                )
            else:
                asked.append(place)
        if asked:
            goals = np.array([self._goal(scores[place]) for place in asked], dtype=np.int64)
            shown = np.stack([squares[place] for place in asked])
            made, kept = self._made(shown, goals, progress), self._kept(shown, goals)
            for number, place in enumerate(asked):
                found[place] = Explained(
                    sources[place],
                    target=int(goals[number]),
                    before=probability(scores[place]),
                    kept=None if kept is None else bool(kept[number]),
                )
        for place in range(len(sources)):
            one = found[place]
            if place in asked:
                one = self._full(one, *made.of(asked.index(place)), squares[place])
            elif not one.error:
                one = _with(one, image=self._read(one.source)[0])
            yield one

    def _read(self, source: Source) -> tuple[NDArray[np.uint8] | None, str]:
        """The image, or what is wrong with it."""
        try:
            image = read_image(source.path)
        except ImageError as error:
            return None, str(error)
        if self._too_large(image):
            return None, (
                f"{source.name}: a photo that is looked at through windows: cut it into tiles "
                "('cfinspect tile')"
            )
        return image, ""

    def _goal(self, odds: float) -> int:
        if self._target == "other":
            return int(odds < self._classifier.limit)
        return int(self._target == "damaged")

    def _made(self, squares: Images, goals: NDArray[np.int64], progress: Progress) -> _Batch:
        """The explainer's word on all, in halves where memory runs out."""
        try:
            return _Batch([(self._explainer.explain(squares, goals, progress), len(squares))])
        except RuntimeError as error:
            if not is_out_of_memory(error) or len(squares) == 1:
                raise
        self._classifier.free_memory()
        middle = len(squares) // 2
        first = self._made(squares[:middle], goals[:middle], progress)
        return _Batch(first.parts + self._made(squares[middle:], goals[middle:], progress).parts)

    def _kept(self, squares: Images, goals: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Whether the filter leaves the verdict on the whole image as it is; only ACE has one."""
        filtered_says = getattr(self._explainer, "filtered_says", None)
        if filtered_says is None:
            return None
        return np.asarray(filtered_says(squares) != (goals == 1))

    def _full(self, one: Explained, made: Explanation, number: int, square: Images) -> Explained:
        """At the image's own size: only the change is enlarged, so the image keeps its detail.

        The verdict is asked of what comes out, not of the small square.
        """
        image, error = self._read(one.source)
        if image is None:  # it went away meanwhile
            return Explained(one.source, error)
        notes = [made.notes[number]] if made.notes else []
        if one.kept is False:
            notes.append(NOT_KEPT)
        height, width = image.shape[:2]
        facts = {
            "image": image,
            "evaluations": int(made.evaluations[number]),
            "seconds": made.seconds,
        }
        shown = {
            "saliency": resize_map(made.saliency[number], height, width),
            "mask": resize_map(made.mask[number].astype(np.float32), height, width) >= 0.5,
        }
        if made.counterfactual is not None:
            change = made.counterfactual[number] - square / np.float32(255)
            grown = cv2.resize(change, (width, height), interpolation=cv2.INTER_LINEAR)
            picture = np.rint(np.clip(image + grown * 255, 0, 255)).astype(np.uint8)
            after = self._classifier.ask(resize_image(picture, self._classifier.size)[None])[0]
            known = math.isfinite(after)
            flipped = known and bool(after >= self._classifier.limit) == (one.target == 1)
            facts |= {"after": probability(float(after)) if known else None, "flipped": flipped}
            shown["picture"] = picture
            if not flipped:
                notes.append(NOT_FLIPPED)
                shown = {}
        return _with(one, note="; ".join(filter(None, notes)), **facts, **shown)


class _Batch:
    """Explanations of one batch, possibly in parts."""

    def __init__(self, parts: list[tuple[Explanation, int]]) -> None:
        self.parts = parts

    def of(self, number: int) -> tuple[Explanation, int]:
        """The part that holds an image, and the image's place in it."""
        for part, count in self.parts:
            if number < count:
                return part, number
            number -= count
        raise IndexError(number)


def _with(one: Explained, **changes: object) -> Explained:
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]
