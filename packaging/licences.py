"""Collect the licences of every part of a bundle into one folder with an index."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

_NAMES = re.compile(r"(licen[cs]e|copying|notice|authors|copyright|eula)", re.IGNORECASE)
_BUILD_ONLY = {"pip", "setuptools", "wheel", "pyinstaller-hooks-contrib", "altgraph"}


def collect(out: Path, origins: Path) -> list[str]:
    """Write ``out/<part>/...`` and ``out/INDEX.txt``; returns the parts without a licence text.

    To be run in the venv that was frozen. ``origins`` is the list of libraries that the spec
    wrote; those from outside Python belong to packages of the system.
    """
    out.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    without: list[str] = []
    parts = [_python(out), _backbone(out)]
    parts += [*_distributions(out), *_system_packages(out, origins)]
    for name, said, texts in sorted(parts, key=lambda part: part[0].lower()):
        lines.append(f"{name}: {said or 'see its texts'} ({texts} texts)")
        if not texts and not said:
            without.append(name)
    head = "cfinspect (Apache-2.0) stands on these parts. Their texts are in the folders here.\n\n"
    (out / "INDEX.txt").write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return without


_Part = tuple[str, str, int]


def _python(out: Path) -> _Part:
    folder = out / "Python"
    folder.mkdir(exist_ok=True)
    places = (Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE")
    found = [place for place in places if place.is_file()]
    for place in found[:1]:
        shutil.copyfile(place, folder / "LICENSE.txt")
    return (
        f"Python {sys.version.split()[0]}",
        "Python Software Foundation License",
        len(found[:1]),
    )


def _backbone(out: Path) -> _Part:
    """The pretrained weights in models/, which are under the licence that cfinspect has too."""
    root = Path(__file__).resolve().parents[1]
    folder = out / "EfficientNet-Lite0 weights"
    folder.mkdir(exist_ok=True)
    texts = (root / "LICENSE", root / "models" / "backbone.md")
    for text in texts:
        shutil.copyfile(text, folder / text.name)
    return "EfficientNet-Lite0 weights", "Apache-2.0", len(texts)


def _distributions(out: Path) -> list[_Part]:
    parts = []
    for distribution in importlib.metadata.distributions():
        name = str(distribution.metadata["Name"])
        if name.lower() in _BUILD_ONLY:
            continue
        own = [file for file in distribution.files or () if ".dist-info" not in str(file)]
        if not own:
            continue  # a list of other packages
        folder = out / f"{name}-{distribution.version}"
        count = 0
        for file in distribution.files or ():
            place = Path(str(distribution.locate_file(file)))
            text = file.suffix.lower() in {"", ".txt", ".md", ".rst"}
            if text and _NAMES.search(file.name) and place.is_file():
                folder.mkdir(exist_ok=True)
                shutil.copyfile(place, folder / f"{count:02d}_{file.name}")
                count += 1
        parts.append((f"{name} {distribution.version}", _said(distribution), count))
    return parts


def _said(distribution: importlib.metadata.Distribution) -> str:
    """The licence that the package states, in a few words."""
    about = distribution.metadata
    keys = ("License-Expression", "License")
    named = [value for key in keys for value in about.get_all(key) or ()]
    stated = str(named[0]).strip() if named else ""
    classified = [
        value.rsplit("::", 1)[-1].strip()
        for value in about.get_all("Classifier") or ()
        if value.startswith("License ::")
    ]
    first = stated.splitlines()[0] if stated else ""
    return first if 0 < len(first) < 100 else ", ".join(classified)


def _system_packages(out: Path, origins: Path) -> list[_Part]:
    """Debian and Ubuntu packages that libraries were taken from, with their copyright files."""
    if shutil.which("dpkg-query") is None:
        return []
    found: dict[str, int] = {}
    prefixes = (sys.prefix, sys.base_prefix)
    for source in set(json.loads(origins.read_text(encoding="utf-8")).values()):
        if not source or source.startswith(prefixes):
            continue
        package = _package_of(Path(source))
        if package is None or package in found:
            continue
        text = Path("/usr/share/doc") / package / "copyright"
        if text.is_file():
            (out / package).mkdir(exist_ok=True)
            shutil.copyfile(text, out / package / "copyright")
        found[package] = int(text.is_file())
    return [(name, "", count) for name, count in found.items()]


def _package_of(library: Path) -> str | None:
    for path in (library, library.resolve(), Path("/usr") / library.resolve().relative_to("/")):
        asked = subprocess.run(
            ["dpkg-query", "-S", str(path)], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            return asked.stdout.split(":", 1)[0]
    return None


if __name__ == "__main__":
    missing = collect(Path(sys.argv[1]), Path(sys.argv[2]))
    if missing:
        sys.exit("no licence was found for " + ", ".join(missing))
