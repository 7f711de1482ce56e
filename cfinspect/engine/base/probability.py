"""From logits to probabilities, to the score, and to log-odds and back: stated once, here."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
