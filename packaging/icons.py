"""Make the icons of Windows and macOS from resources/icons/cfinspect.svg: ``icons.py FOLDER``.

Needs the installed package (Qt draws the SVG, Pillow writes the containers).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from cfinspect.resources import resource_path

_SIZES = (16, 24, 32, 48, 64, 128, 256, 512, 1024)


def draw(size: int) -> Image.Image:
    """The program's icon, ``size`` pixels wide, RGBA."""
    svg = resource_path("icons/cfinspect.svg").read_bytes()
    image = QImage(size, size, QImage.Format.Format_RGBA8888)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg)).render(painter)
    painter.end()
    return Image.frombytes("RGBA", (size, size), bytes(image.constBits()))


def main(out: Path) -> None:
    """Write cfinspect.ico, cfinspect.icns and cfinspect.png."""
    app = QGuiApplication.instance() or QGuiApplication([])
    assert app is not None
    images = {size: draw(size) for size in _SIZES}
    largest = images[1024]
    largest.save(out / "cfinspect.ico", sizes=[(size, size) for size in _SIZES if size <= 256])
    largest.save(out / "cfinspect.icns")
    images[256].save(out / "cfinspect.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
