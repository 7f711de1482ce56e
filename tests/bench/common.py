"""What the benchmark scripts share: data found beside the checkout, results kept as JSON lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("CFINSPECT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def keep(out: Path, row: dict[str, Any]) -> None:
    """Append one result to ``out`` and print it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)
