"""Undo and redo of mask changes, as compressed patches of what changed; memory is bounded."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cfinspect.masks.drawing import Box

IndexMask = NDArray[np.uint8]

STEPS = 200
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class _Patch:
    """What a box held before and after, and the numbers of these two states."""

    box: Box
    before: bytes
    after: bytes
    old: int
    new: int

    @property
    def size(self) -> int:
        return len(self.before) + len(self.after)


class History:
    """The changes of one mask (H, W) uint8, newest last; at most ``steps``, and ``max_bytes``.

    Change the mask through ``apply``; the arrays handed in are copied, never kept.
    """

    def __init__(self, mask: IndexMask, steps: int = STEPS, max_bytes: int = MAX_BYTES) -> None:
        self._mask = mask.copy()
        self._steps = steps
        self._max_bytes = max_bytes
        self._done: deque[_Patch] = deque()
        self._undone: list[_Patch] = []
        self._bytes = 0
        self._state = self._saved = self._newest = 0

    @property
    def mask(self) -> IndexMask:
        """The mask as it is now; read-only."""
        view = self._mask.view()
        view.flags.writeable = False
        return view

    @property
    def bytes_held(self) -> int:
        """Memory that the patches take."""
        return self._bytes

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return bool(self._undone)

    @property
    def changed(self) -> bool:
        """Whether this is another state than at first or when ``mark_saved`` was called."""
        return self._state != self._saved

    def mark_saved(self) -> None:
        """Remember this state as the one that is stored."""
        self._saved = self._state

    def apply(self, mask: IndexMask) -> Box | None:
        """Make ``mask`` the new state; returns the box that changed, None when nothing did."""
        if mask.shape != self._mask.shape or mask.dtype != np.uint8:
            raise ValueError(f"need {self._mask.shape} uint8, got {mask.shape} {mask.dtype}")
        changed = mask != self._mask
        rows, columns = changed.any(axis=1), changed.any(axis=0)
        if not rows.any():
            return None
        ys, xs = np.flatnonzero(rows), np.flatnonzero(columns)
        box = Box(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
        self._newest += 1
        patch = _Patch(
            box,
            _pack(self._mask[box.slices]),
            _pack(mask[box.slices]),
            self._state,
            self._newest,
        )
        self._mask[box.slices] = mask[box.slices]
        self._state = self._newest
        self._bytes += patch.size - sum(one.size for one in self._undone)
        self._undone.clear()
        self._done.append(patch)
        while len(self._done) > self._steps or (
            self._bytes > self._max_bytes and len(self._done) > 1
        ):
            self._bytes -= self._done.popleft().size
        return box

    def undo(self) -> Box | None:
        """Take back the last change; returns the box that changed."""
        if not self._done:
            return None
        patch = self._done.pop()
        self._undone.append(patch)
        self._put(patch.box, patch.before)
        self._state = patch.old
        return patch.box

    def redo(self) -> Box | None:
        """Do again what was taken back last; returns the box that changed."""
        if not self._undone:
            return None
        patch = self._undone.pop()
        self._done.append(patch)
        self._put(patch.box, patch.after)
        self._state = patch.new
        return patch.box

    def _put(self, box: Box, data: bytes) -> None:
        shape = (box.y1 - box.y0, box.x1 - box.x0)
        self._mask[box.slices] = np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape)


def _pack(part: IndexMask) -> bytes:
    return zlib.compress(np.ascontiguousarray(part).tobytes(), 1)
