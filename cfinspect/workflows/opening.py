"""Opening a model for inspection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfinspect.workflows.listener import Listener

if TYPE_CHECKING:
    from cfinspect.engine.inference.inspector import Inspector


def open_inspector(
    model: Path, device: str, precision: str, batch: int, listener: Listener
) -> Inspector:
    """``load_inspector``, which starts torch; notes which device was chosen, and why.

    A file that is no model, or gives no verdicts, is told before torch starts (ModelFileError).
    """
    from cfinspect.engine.inference.loading import load_inspector  # noqa: PLC0415

    inspector = load_inspector(model, device, precision, batch)
    listener.note(f"Device: {inspector.device}")
    return inspector
