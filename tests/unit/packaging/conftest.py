"""The build's scripts are no package: they are found as they find one another."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "packaging"))
