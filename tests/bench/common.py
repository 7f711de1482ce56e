"""What the benchmark scripts share: data found beside the checkout, results kept as JSON lines."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("CFINSPECT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def keep(out: Path, row: dict[str, Any]) -> None:
    """Append one result to ``out`` and print it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def spread(values: Iterable[float | None]) -> str:
    """Mean and range of a few seeds, as "0.953 (0.948 to 0.957)"."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    if len(known) == 1:
        return f"{known[0]:.3f}"
    return f"{statistics.mean(known):.3f} ({min(known):.3f} to {max(known):.3f})"
