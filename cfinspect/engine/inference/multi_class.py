"""One answer from several: which defect class an image has, if any."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Progress
from cfinspect.engine.inference.backend import Backend, NetworkOutputs
from cfinspect.engine.inference.inspector import DefectClassResult, Inspection, Inspector
from cfinspect.engine.inference.review_reason import review_reasons
from cfinspect.engine.metrics.probability import logit, sigmoid
from cfinspect.engine.model.metadata import Decision, ModelMetadata

_SMALLEST = 1e-300


def margins(p: NDArray[np.float64], thresholds: ArrayLike) -> NDArray[np.float64]:
    """How far scores lie beyond their ``thresholds`` (...,), in logits; negative: undamaged.

    ``p`` (..., 3): p0, p1, p_fake. From p0 and p1 themselves: two classes may both be so sure that
    their scores are 1.
    """
    p0, p1 = (np.log(np.maximum(p[..., index], _SMALLEST)) for index in (0, 1))
    return np.asarray(p1 - p0 - logit(thresholds), dtype=np.float64)


def answer_of_all(
    margin: NDArray[np.float64], p_fake: NDArray[np.float64], decision: Decision
) -> NDArray[np.float64]:
    """p0, p1, p_fake (n, 3) of all classes together; the score p1 / (p0 + p1) is 0.5 at margin 0.

    ``margin`` (n,): the largest of the classes'; ``p_fake`` (n,): that class's.
    """
    score = sigmoid(margin / decision.temperature)
    return np.stack([(1 - score) * (1 - p_fake), score * (1 - p_fake), p_fake], axis=-1)


@dataclasses.dataclass(frozen=True)
class MultiClassBackend:
    """A model of several classes; ``members``: the backend of each, in the metadata's order."""

    metadata: ModelMetadata
    members: tuple[Backend, ...]

    def run(self, batch: NDArray[np.uint8]) -> NetworkOutputs:
        """There is no single answer in terms of one G and one D."""
        raise CfinspectError("this looks at one defect class at a time; the model knows several")

    @property
    def at_once(self) -> int:
        """How many squares to give, so that nobody waits long for an answer."""
        return min(getattr(member, "at_once", 64) for member in self.members)

    @property
    def device(self) -> str:
        """Where the networks run, in words."""
        return str(getattr(self.members[0], "device", "cpu"))

    def close(self) -> None:
        """Let the networks go and hand their memory back."""
        for member in self.members:
            close = getattr(member, "close", None)
            if close is not None:
                close()


class MultiClassInspector(Inspector):
    """Asks every class and answers with the one whose score lies farthest beyond its threshold.

    An image is damaged when any class says so. The answer's saliency, counterfactual, mask, p_fake
    and head are those of that class; ``defect_classes`` holds what each class says on its own.
    """

    def __init__(self, backend: MultiClassBackend, batch: int = 64) -> None:
        super().__init__(backend, batch)
        self._names = tuple(backend.metadata.defect_classes)
        self._members = [Inspector(member, batch) for member in backend.members]
        self._thresholds = [
            backend.metadata.of_defect_class(name).score_threshold for name in self._names
        ]

    def _inspect_whole(self, images: list[NDArray[np.uint8]]) -> Iterator[Inspection]:
        answers = [iter(member._inspect_whole(images)) for member in self._members]
        for _ in images:
            yield self._one(answers)

    def _inspect_photo(self, image: NDArray[np.uint8], progress: Progress) -> Inspection:
        return self._one(
            [iter((member._inspect_photo(image, progress),)) for member in self._members]
        )

    def _one(self, answers: Sequence[Iterator[Inspection]]) -> Inspection:
        """The next image's answer; of the classes that do not win, no more than is told is kept."""
        found: Inspection | None = None
        largest = -np.inf
        defect_classes: dict[str, DefectClassResult] = {}
        winner = ""
        for name, limit, own in zip(self._names, self._thresholds, answers, strict=True):
            said = next(own)
            defect_classes[name] = DefectClassResult(
                said.label,
                said.score,
                said.p_fake,
                np.rint(said.saliency * np.float32(255)).astype(np.uint8),
            )
            margin = float(margins(np.array([said.p0, said.p1, said.p_fake]), limit))
            if found is None or margin > largest:
                found, largest, winner = said, margin, name
        assert found is not None
        decision = self.backend.metadata.decision
        (p,) = answer_of_all(np.array([largest]), np.array([found.p_fake]), decision)
        score = float(p[1] / (p[0] + p[1])) if p[2] < 1 else 0.5
        reasons = review_reasons(decision, score, found.p_fake, found.flipped)
        return dataclasses.replace(
            found,
            score=score,
            p0=float(p[0]),
            p1=float(p[1]),
            review=bool(reasons),
            reasons=reasons,
            defect_class=winner if found.label else "",
            defect_classes=defect_classes,
        )
