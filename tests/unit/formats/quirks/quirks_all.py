"""All odd label files, by format."""

from __future__ import annotations

import quirks_labelme
from quirk import Quirk

FORMATS: dict[str, list[Quirk]] = {"labelme": quirks_labelme.QUIRKS}
