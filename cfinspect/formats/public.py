"""Public data sets in the layout in which they are handed out.

- **CASC IFW** (internal feeding worm in apples): folders of undamaged and of damaged apples.
- **Concrete Crack Segmentation Dataset** (C. F. Özgenel, CC BY 4.0): ``rgb/`` with photos (.jpg and
  .JPG), ``BW/`` with masks as JPEG files of the same stems, where half a percent of the pixels are
  neither black nor white. Photos may carry an EXIF rotation that their masks do not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cfinspect.engine.base.images import (
    ImageError,
    header_size,
    orientation,
    read_bytes,
    turn_upright,
)
from cfinspect.engine.data.class_words import DAMAGED, class_words, fold_word
from cfinspect.engine.data.image_folders import list_images
from cfinspect.engine.data.mask_values import read_mask
from cfinspect.engine.data.settings import MaskValues
from cfinspect.formats.exchange_types import FormatError, ImportedImage, Refused
from cfinspect.formats.safe import clean_name
from cfinspect.masks.polygons import Mask

_WORMS = {"infested": DAMAGED, "ifw": DAMAGED, "worm": DAMAGED}


@dataclass(frozen=True)
class Photo:
    """A photo of a data set; ``mask``: its mask file, None where there is none; ``values``: what
    the values of that are.
    """

    path: Path
    label: int
    mask: Path | None = None
    values: MaskValues = MaskValues.AUTO

    def read_mask(self) -> Mask | None:
        """The mask (H, W) as the upright photo has it, turned as the photo is.

        Raises FormatError when it fits the photo neither way.
        """
        if self.mask is None:
            return None
        mask = read_mask(self.mask, self.values)
        data = read_bytes(self.path)
        upright = header_size(self.path, data)
        how = orientation(self.path, data)
        stored = upright[::-1] if how >= 5 else upright
        if mask.shape == stored:
            return turn_upright(mask.astype(np.uint8), how) > 0
        if mask.shape == upright:
            return mask
        raise FormatError(
            f"{self.mask} has {mask.shape[1]} x {mask.shape[0]} pixels and {self.path} "
            f"{stored[1]} x {stored[0]}; they belong to different photos."
        )


def casc_ifw(root: Path) -> Iterator[Photo]:
    """The apples of CASC IFW, by the names of their folders."""
    words = {**class_words(), **_WORMS}
    for path in list_images([root]):
        folders = path.relative_to(root).parts[:-1]
        # The whole name, or a word of it: "Undamaged Apples".
        parts = [
            word
            for name in reversed(folders)
            for word in (fold_word(name), *fold_word(name).split("_"))
        ]
        label = next((words[word] for word in parts if word in words), None)
        if label is not None:
            yield Photo(path, label)


def concrete_crack(root: Path) -> Iterator[Photo]:
    """The photos of the Concrete Crack Segmentation Dataset with their masks; all are damaged."""
    photos, masks = root / "rgb", root / "BW"
    if not photos.is_dir() or not masks.is_dir():
        raise FormatError(f"There is no rgb and BW in {root}: give the folder that holds both.")
    by_stem = {path.stem.casefold(): path for path in list_images([masks])}
    for path in list_images([photos]):
        mask = by_stem.get(path.stem.casefold())
        if mask is not None:
            yield Photo(path, DAMAGED, mask, MaskValues.BINARY)


def read_casc_ifw(root: Path) -> Iterator[ImportedImage]:
    """Labels of CASC IFW."""
    photos = list(casc_ifw(root))
    if not photos:
        raise FormatError(
            f"There is no folder of undamaged or damaged apples in {root}: give the folder that "
            "holds both."
        )
    for photo in photos:
        name = clean_name(photo.path.relative_to(root).as_posix(), "")
        yield ImportedImage(name, None, label=photo.label)


def read_concrete_crack(root: Path) -> Iterator[ImportedImage | Refused]:
    """Masks of the Concrete Crack Segmentation Dataset."""
    for photo in concrete_crack(root):
        name = photo.path.relative_to(root).as_posix()
        try:
            mask = photo.read_mask()
        except (FormatError, ImageError) as error:
            yield Refused(name, str(error))
            continue
        assert mask is not None
        yield ImportedImage(
            clean_name(name, ""),
            mask.astype(np.uint8),
            {1: "damage"},
            DAMAGED,
            height=mask.shape[0],
            width=mask.shape[1],
            complete=True,
        )
