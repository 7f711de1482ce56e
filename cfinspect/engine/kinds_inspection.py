"""One answer from several: which kind of damage an image has, if any."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cfinspect.engine.card import Card, Decision
from cfinspect.engine.errors import CfinspectError
from cfinspect.engine.inspection import Backend, Inspection, Inspector, Raw, review_reason

_SMALLEST = 1e-6


def margins(scores: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far scores lie beyond their thresholds, in logits; negative: undamaged. Same shape."""
    return _logit(scores) - _logit(thresholds)


def together(margin: float, decision: Decision) -> float:
    """The score of all kinds together, 0.5 where the largest ``margin`` is 0."""
    return float(1 / (1 + np.exp(-np.clip(margin / decision.temperature, -50, 50))))


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


@dataclasses.dataclass(frozen=True)
class KindsBackend:
    """A model of several kinds; ``members``: the backend of each, in the order of the card."""

    card: Card
    members: tuple[Backend, ...]

    def run(self, batch: NDArray[np.uint8]) -> Raw:
        """There is no single answer in terms of one G and one D."""
        raise CfinspectError("this looks at one kind of damage at a time; the model knows several")

    def close(self) -> None:
        """Let the networks go and hand their memory back."""
        for member in self.members:
            close = getattr(member, "close", None)
            if close is not None:
                close()


class KindsInspector(Inspector):
    """Asks every kind and answers with the one whose score lies farthest beyond its threshold.

    An image is damaged when any kind says so. The answer's saliency, counterfactual, mask, p_fake
    and head are those of that kind; ``kinds`` holds what each kind says on its own.
    """

    def __init__(self, backend: KindsBackend, batch: int = 64) -> None:
        super().__init__(backend, batch)
        self._names = tuple(backend.card.kinds)
        self._members = [Inspector(member, batch) for member in backend.members]
        self._thresholds = np.array(
            [backend.card.of_kind(name).score_threshold for name in self._names]
        )

    def inspect_many(self, images: Iterable[NDArray[np.uint8]]) -> Iterator[Inspection]:
        """See ``Inspector``."""
        waiting = iter(images)
        while chunk := list(islice(waiting, 1)):
            # Large photos go one by one: the answers of all kinds are kept until all are there.
            if not self.is_photo(chunk[0]):
                chunk += list(islice(waiting, self.batch - 1))
            answers = [member.inspect_many(chunk) for member in self._members]
            for own in zip(*answers, strict=True):
                yield self._one(own)

    def _one(self, own: Sequence[Inspection]) -> Inspection:
        decision = self.backend.card.decision
        beyond = margins(np.array([answer.score for answer in own]), self._thresholds)
        winner = int(beyond.argmax())
        found = own[winner]
        score = together(float(beyond[winner]), decision)
        reason = review_reason(decision, score, found.p_fake, found.flipped)
        return dataclasses.replace(
            found,
            score=score,
            p0=(1 - score) * (1 - found.p_fake),
            p1=score * (1 - found.p_fake),
            review=bool(reason),
            reason=reason,
            kind=self._names[winner] if found.label else "",
            kinds=dict(zip(self._names, own, strict=True)),
        )
