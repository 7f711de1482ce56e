"""Prints what share of the lines of each package the tests ran; fails where that is too little.

Reads the JSON report of coverage.py: ``python .ci/coverage_floor.py coverage.json``.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path, PurePath

PACKAGES = ("engine", "project", "formats", "masks")
FLOOR = 90.0  # percent of the lines of each
SHOWN = 12  # modules with the most lines that no test runs


def main(report: Path) -> int:
    """Print the table; 1 where a package lies below the floor, else 0."""
    files: dict[str, dict[str, dict[str, int]]] = json.loads(report.read_text("utf-8"))["files"]
    lines: defaultdict[str, int] = defaultdict(int)
    missing: defaultdict[str, int] = defaultdict(int)
    modules = {}
    for path, facts in files.items():
        parts = PurePath(path).parts
        inner = parts[len(parts) - 1 - parts[::-1].index("cfinspect") :]
        package = inner[1]
        lines[package] += facts["summary"]["num_statements"]
        missing[package] += facts["summary"]["missing_lines"]
        modules["/".join(inner)] = facts["summary"]["missing_lines"]
    low = []
    for package in PACKAGES:
        share = 100 * (1 - missing[package] / lines[package]) if lines[package] else 0.0
        print(f"{package:8} {share:5.1f} % of {lines[package]} lines")
        low += [package] if share < FLOOR else []
    print("Most lines that no test ran:")
    for module, count in sorted(modules.items(), key=lambda one: -one[1])[:SHOWN]:
        print(f"  {count:4} {module}")
    if low:
        print(f"Below {FLOOR:.0f} %: {', '.join(low)}.", file=sys.stderr)
    return bool(low)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
