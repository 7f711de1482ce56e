"""An explainer over many image files: batches in, explanations at the images' own size out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.bulk import Source
from cfinspect.engine.explain.ace import Ace
from cfinspect.engine.explain.classifier import Classifier, margins
from cfinspect.engine.explain.explained import NOT_ASKED, NOT_FLIPPED, NOT_KEPT, Explained
from cfinspect.engine.explain.protocol import ExplainCancelled, Explainer, Explanation, Images
from cfinspect.engine.images import ImageError, read_image, resize_image
from cfinspect.engine.windows import resize_map

Target = Literal["other", "undamaged", "damaged"]


def explain_sources(
    explainer: Explainer,
    classifier: Classifier,
    sources: Sequence[Source],
    *,
    target: Target = "other",
    batch: int = 16,
    too_large: Callable[[NDArray[np.uint8]], bool] = lambda image: False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Explained]:
    """Explain file after file, ``batch`` at once.

    ``target``: the class that the counterfactual should have, by default the other one than the
    classifier gives; files that have it already come back with a note only. ``too_large``: photos
    that a model looks at through windows; they come back with an error. ``progress`` counts parts
    of the work. Raises ``ExplainCancelled`` between parts once ``cancelled`` says so.
    """
    parts = explainer.ticks if isinstance(explainer, Ace) else 1
    total = parts * -(-len(sources) // batch)
    for number, start in enumerate(range(0, len(sources), batch)):
        done = number * parts

        def tick(counted: list[int] = [done]) -> None:  # noqa: B006  (a counter of this batch)
            counted[0] += 1
            if progress:
                progress(min(counted[0], total), total)
            if cancelled and cancelled():
                raise ExplainCancelled

        yield from _batch(
            explainer, classifier, sources[start : start + batch], target, too_large, tick
        )
        if progress:
            progress(done + parts, total)


def _batch(
    explainer: Explainer,
    classifier: Classifier,
    sources: Sequence[Source],
    target: Target,
    too_large: Callable[[NDArray[np.uint8]], bool],
    tick: Callable[[], None],
) -> Iterator[Explained]:
    found: dict[int, Explained] = {}
    images: dict[int, NDArray[np.uint8]] = {}
    for place, source in enumerate(sources):
        try:
            image = read_image(source.path)
        except ImageError as error:
            found[place] = Explained(source, str(error))
            continue
        if too_large(image):
            found[place] = Explained(
                source,
                f"{source.name}: a photo that is looked at through windows: cut it into tiles "
                "('cfinspect tile')",
            )
            continue
        images[place] = image
    if images:
        squares = np.stack([resize_image(image, explainer.size) for image in images.values()])
        said = margins(classifier, squares)
        wanted = _wanted(said, target)
        for number, place in enumerate(images):
            if (said[number] >= 0) == (wanted[number] == 1):
                found[place] = Explained(
                    sources[place],
                    note=NOT_ASKED,
                    image=images[place],
                    target=int(wanted[number]),
                    before=_odds(said[number]),
                )
        asked = [number for number, place in enumerate(images) if place not in found]
        if asked:
            for number, one in _explained(
                explainer, classifier, squares[asked], wanted[asked], said[asked], tick
            ):
                place = list(images)[asked[number]]
                found[place] = _full(one, sources[place], images[place])
    yield from (found[place] for place in sorted(found))


@dataclass(frozen=True)
class _Small:
    """One explanation at the explainer's size."""

    explanation: Explanation
    number: int
    change: NDArray[np.float32] | None
    target: int
    before: float
    after: float | None
    note: str


def _explained(
    explainer: Explainer,
    classifier: Classifier,
    squares: Images,
    wanted: NDArray[np.int64],
    said: NDArray[np.float32],
    tick: Callable[[], None],
) -> Iterator[tuple[int, _Small]]:
    kept = explainer.keeps(squares) if isinstance(explainer, Ace) else None
    made = explainer.explain(squares, wanted, tick)
    after: NDArray[np.float32] | None = None
    if made.counterfactual is not None:
        rounded = np.rint(made.counterfactual * 255).astype(np.uint8)
        after = margins(classifier, rounded)
    for number in range(len(squares)):
        note = ""
        if kept is not None and not kept[number]:
            note = NOT_KEPT
        if made.flipped is not None and not made.flipped[number]:
            note = NOT_FLIPPED
        change = None
        if made.counterfactual is not None:
            change = made.counterfactual[number] - squares[number] / np.float32(255)
        yield (
            number,
            _Small(
                made,
                number,
                change,
                int(wanted[number]),
                _odds(said[number]),
                None if after is None else _odds(after[number]),
                note,
            ),
        )


def _full(small: _Small, source: Source, image: NDArray[np.uint8]) -> Explained:
    """At the image's own size: only the change is enlarged, so the image keeps its detail."""
    made, number = small.explanation, small.number
    height, width = image.shape[:2]
    picture = None
    if small.change is not None:
        change = cv2.resize(small.change, (width, height), interpolation=cv2.INTER_LINEAR)
        picture = np.rint(np.clip(image + change * 255, 0, 255)).astype(np.uint8)
    return Explained(
        source=source,
        note=small.note,
        image=image,
        picture=picture,
        saliency=resize_map(made.saliency[number], height, width),
        mask=resize_map(made.mask[number].astype(np.float32), height, width) >= 0.5,
        target=small.target,
        before=small.before,
        after=small.after,
        flipped=None if made.flipped is None else bool(made.flipped[number]),
        evaluations=int(made.evaluations[number]),
        seconds=made.seconds,
    )


def _wanted(said: NDArray[np.float32], target: Target) -> NDArray[np.int64]:
    if target == "other":
        return (said < 0).astype(np.int64)
    return np.full(len(said), int(target == "damaged"), dtype=np.int64)


def _odds(margin: float) -> float:
    """Log-odds above the threshold as a probability; the verdict turns at 0.5."""
    return float(1 / (1 + np.exp(-np.clip(margin, -40, 40))))
