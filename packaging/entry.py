"""Where the frozen program starts: as ``python -m cfinspect``, after what a bundle needs."""

from __future__ import annotations

import multiprocessing
import os
import sys

if __name__ == "__main__":
    # First of all: a child process of a frozen program starts here again, and must go no further.
    multiprocessing.freeze_support()
    # The loader has read its path already. Programs that we start (a file manager) must not look
    # for their libraries in the bundle.
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    elif getattr(sys, "frozen", False):
        os.environ.pop("LD_LIBRARY_PATH", None)
    if sys.platform.startswith("linux"):
        # Qt finds its plugins by the qt.conf inside; another Qt program must not find ours.
        for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
            os.environ.pop(name, None)
    from cfinspect.project.paths import user_folder
    from cfinspect.resources import build_info

    # PyInstaller gives matplotlib a new folder each time, where it would list the system's fonts
    # anew, for seconds; the list is ours, as this matplotlib has fewer fonts than others.
    os.environ["MPLCONFIGDIR"] = str(user_folder() / "matplotlib")
    if build_info().get("flavour") == "cpu":
        # A part of CUDA is left out; a GPU that half works would be worse than none.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if sys.platform == "win32" and build_info().get("flavour") != "light":
        import torch  # noqa: F401  (after Qt's its libraries do not load there, WinError 1114)
    from cfinspect.__main__ import main

    main()
