"""Bring the catalogues of the window's words up to date.

    python packaging/translations.py

Finds every ``tr("...")`` and ``mark("...")`` in ``cfinspect/ui`` and the settings of a training,
keeps what is translated in
``resources/translations/cfinspect_*.ts`` (Qt's XML format, for Qt Linguist), drops what no longer
occurs, adds what is new as unfinished, and compiles the ``.qm`` files that the program loads.
Exit code 1 where a translation is missing.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = "cfinspect"


def texts() -> list[str]:
    """Every text on screen, sorted."""
    found: set[str] = set()
    for path in sorted((ROOT / "cfinspect" / "ui").rglob("*.py")):
        found |= set(_texts_in(ast.parse(path.read_text(encoding="utf-8"))))
    engine = ROOT / "cfinspect" / "engine"
    for place in ("data/settings.py", "networks/settings.py", "training/config.py"):
        found |= set(_settings_in(ast.parse((engine / place).read_text(encoding="utf-8"))))
    return sorted(found)


def _texts_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"tr", "mark"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def _settings_in(tree: ast.AST) -> Iterator[str]:
    """Title and help of every setting of a training that the form shows."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setting":
            titles = [one.value for one in node.keywords if one.arg == "title"]
            for text in titles and [node.args[1], *titles]:
                assert isinstance(text, ast.Constant)
                yield str(text.value)


def read(path: Path) -> dict[str, str]:
    """The finished translations of a catalogue."""
    if not path.exists():
        return {}
    found = {}
    for message in ElementTree.parse(path).iter("message"):
        translation = message.find("translation")
        if translation is not None and translation.get("type") is None and translation.text:
            found[message.findtext("source", "")] = translation.text
    return found


def write(path: Path, language: str, known: dict[str, str]) -> list[str]:
    """Write a catalogue; returns the texts that have no translation yet."""
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    missing = []
    for text in texts():
        message = ElementTree.SubElement(context, "message")
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation")
        if text in known:
            translation.text = known[text]
        else:
            translation.set("type", "unfinished")
            missing.append(text)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', "utf-8")
    return missing


def main() -> int:
    """Update and compile all catalogues."""
    missing = 0
    for path in sorted((ROOT / "resources" / "translations").glob("cfinspect_*.ts")):
        language = path.stem.removeprefix("cfinspect_")
        left = write(path, language, read(path))
        missing += len(left)
        for text in left:
            print(f"{path.name}: {text}")
        subprocess.run(
            ["pyside6-lrelease", "-silent", str(path), "-qm", str(path.with_suffix(".qm"))],
            check=True,
        )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
