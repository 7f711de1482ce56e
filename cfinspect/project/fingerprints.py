"""Near-copies: images that look alike, found as predictions come in, however many there are.

An image's fingerprint is the 64 bit difference hash (whether each of 8 x 8 cells is darker than its
right neighbour; N. Krawetz, "Kind of Like That", 2013). Two images are near-copies when at most
``NEAR`` bits differ. Then at least one of ``NEAR + 1`` bands of bits is equal in both, so looking
up the bands in an index finds every candidate.
"""

from __future__ import annotations

import sqlite3

import cv2
import numpy as np
from numpy.typing import NDArray

NEAR = 5
_WIDTHS = (11, 11, 11, 11, 10, 10)  # bits of each band; together 64


def fingerprint(image: NDArray[np.uint8]) -> int:
    """The 64 bit difference hash of an image (H, W, 3) uint8."""
    small = cv2.resize(image, (9, 8), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.int16)
    bits = np.packbits(grey[:, :-1] < grey[:, 1:])
    return int.from_bytes(bits.tobytes(), "big")


def cluster_of(connection: sqlite3.Connection, image_id: int, bits: int) -> int:
    """The near-copies that an image belongs to: the id of the first of them, its leader.

    Writes the image down as a leader where it is like none; call it in a transaction.
    """
    bands = _bands(bits)
    marks = ", ".join("?" * len(bands))
    for row in connection.execute(
        f"SELECT DISTINCT image_id, bits FROM fingerprint WHERE band IN ({marks})", bands
    ):
        if (int.from_bytes(row["bits"], "big") ^ bits).bit_count() <= NEAR:
            return int(row["image_id"])
    data = bits.to_bytes(8, "big")
    connection.executemany(
        "INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?)",
        [(band, image_id, data) for band in bands],
    )
    return image_id


def _bands(bits: int) -> list[int]:
    found = []
    for number, width in enumerate(_WIDTHS):
        found.append((number << 11) | (bits & ((1 << width) - 1)))
        bits >>= width
    return found
