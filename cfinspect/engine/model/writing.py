"""Tensors into a .safetensors file in one step, with the system's own words where that fails."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from cfinspect.engine.base.atomic import write_atomically

if TYPE_CHECKING:
    from torch import Tensor


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write ``tensors``, contiguous and on the CPU, and ``metadata``; a failure leaves ``path``.

    Raises OSError where it cannot be written, such as on a full disk.
    """
    from safetensors.torch import save_file  # noqa: PLC0415  (torch only where weights are)

    def write(file: Path) -> None:
        try:
            save_file(dict(tensors), file, metadata=dict(metadata))
        except SafetensorError as error:
            number = re.search(r"\(os error (\d+)\)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error

    write_atomically(path, write)
