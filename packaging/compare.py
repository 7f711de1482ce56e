"""Do two builds differ in anything that matters?

    python packaging/compare.py one.tar.gz two.tar.gz      archives of Linux, or unpacked folders

Compares the manifests (every file's SHA-256, every link's target). Exit code 1 where they differ
in more than the note of the build itself.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

from archive import MANIFEST

# Says which commit was built when; everything else comes from the sources.
_MAY_DIFFER = {"_internal/resources/build.json"}


def manifest(place: Path) -> dict[str, str]:
    """The manifest of an archive or of an unpacked folder."""
    if place.is_dir():
        text = (place / MANIFEST).read_text(encoding="utf-8")
    else:
        with tarfile.open(place) as packed:
            for entry in packed:
                if entry.name.endswith(f"/{MANIFEST}") and entry.name.count("/") == 1:
                    file = packed.extractfile(entry)
                    assert file is not None
                    text = file.read().decode()
                    break
            else:
                sys.exit(f"{place} holds no {MANIFEST}: it was not made by build.py")
    found: dict[str, str] = json.loads(text)
    return found


def differences(one: dict[str, str], two: dict[str, str]) -> list[str]:
    """A line for each file that is in one only, or is another."""
    lines = [f"only in the first:  {name}" for name in sorted(one.keys() - two.keys())]
    lines += [f"only in the second: {name}" for name in sorted(two.keys() - one.keys())]
    both = sorted(one.keys() & two.keys())
    return lines + [f"differs:            {name}" for name in both if one[name] != two[name]]


def main() -> None:
    """Print the differences."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    one, two = (manifest(Path(word)) for word in sys.argv[1:])
    found = differences(one, two)
    print("\n".join(found))
    grave = [line for line in found if line.split(":", 1)[1].strip() not in _MAY_DIFFER]
    print(f"{len(one)} and {len(two)} entries, {len(found)} differ, {len(grave)} of them matter.")
    sys.exit(1 if grave else 0)


if __name__ == "__main__":
    main()
