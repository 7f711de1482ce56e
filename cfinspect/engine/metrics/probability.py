"""From logits to probabilities, to the score, and to log-odds and back: stated once, here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def probabilities(
    logits: NDArray[np.floating[Any]], temperature: float = 1.0
) -> NDArray[np.float64]:
    """Softmax of ``logits`` (n, 3) / ``temperature``: p0, p1 and p_fake per row."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)


def score(p: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """p1 / (p0 + p1) of probabilities (n, 3); 0.5 where both are 0 (all of it is fake)."""
    p = np.asarray(p, dtype=np.float64)
    real = p[..., 0] + p[..., 1]
    share = np.divide(p[..., 1], real, out=np.full(real.shape, 0.5), where=real > 0)
    return np.asarray(share, dtype=np.float64)


def logit(p: ArrayLike, smallest: float = 1e-6) -> NDArray[np.float64]:
    """Log-odds of probabilities, kept finite: nearer than ``smallest`` to 0 or 1 they are cut."""
    known = np.clip(np.asarray(p, dtype=np.float64), smallest, 1 - smallest)
    return np.asarray(np.log(known / (1 - known)), dtype=np.float64)


def sigmoid(odds: ArrayLike) -> NDArray[np.float64]:
    """The probability of log-odds; beyond 50 it is that of 50, which is 0 or 1 in all but name."""
    cut = np.clip(np.asarray(odds, dtype=np.float64), -50, 50)
    return np.asarray(1 / (1 + np.exp(-cut)), dtype=np.float64)
