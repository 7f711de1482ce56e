"""What an export of ours in a folder says of itself, before another takes its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cfinspect.engine.base.atomic import read_regular_text
from cfinspect.formats.export_filter import Only

SIDECAR = "cfinspect-export.json"


@dataclass(frozen=True)
class EarlierExport:
    """How many images it holds, which it took, and its parts by name; see ``ExportFilter``."""

    written: int
    only: Only
    split: dict[str, float]


def earlier_export(folder: Path) -> EarlierExport | None:
    """Of the export in ``folder``; None where there is none that can be read."""
    try:
        said = json.loads(read_regular_text(folder / SIDECAR))
        written, only, split = said["report"]["written"], Only(said["only"]), said["split"]
        if not isinstance(written, int) or not isinstance(split, dict):
            return None
        return EarlierExport(written, only, {str(k): float(v) for k, v in split.items()})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
