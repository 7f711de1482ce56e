"""Python's cyclic garbage is collected on the window's thread only.

The interpreter collects in whichever thread allocates next. Qt's objects often hang in cycles (a
signal connected to a method of its own object), and one that a worker's thread deletes takes the
program down now and then.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_INTERVAL_MS = 400


class Collector(QObject):
    """Collects by the interpreter's own thresholds, but here; ``stop`` gives the duty back."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=_INTERVAL_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def stop(self) -> None:
        """Let the interpreter collect again, wherever it likes."""
        self._timer.stop()
        gc.enable()

    def _look(self) -> None:
        counts, limits = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation] > 0:
                gc.collect(generation)
                return
