"""What of the installed packages does not go into the bundle, and why.

Patterns are matched against the path in the bundle (forward slashes), as ``fnmatch`` does it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

Flavour = Literal["light", "cpu", "cuda"]

# In every flavour.
_NEVER = {
    "compiles GPU kernels for torch.compile, which cfinspect does not use": ("triton/*",),
    "tests, headers and tools for building on torch": (
        "torch/test/*",
        "torch/bin/protoc*",
        "torch/bin/*test*",
        "torch/bin/*bench*",
        "torch/include/*",
        "torch/share/*",
        "torch/testing/*.pt",
        "*/cmake/*",
    ),
    "for linking programs, not for running them": ("*.a", "*.bc", "*/include/*", "*.h", "*.hpp"),
    "Python sources beside their byte code, which nobody compiles at run time": (
        "nvidia/*.py",
        "PySide6/*.pyi",
        "*/py.typed",
    ),
    "CUDA over several machines or for measuring": (
        "nvidia/nvshmem/lib/nvshmem_transport_*",
        "nvidia/nvshmem/lib/nvshmem_bootstrap_*",
        "nvidia/cu*/lib/libnvperf_*",
        "nvidia/cu*/lib/libcheckpoint*",
        "nvidia/cu*/lib/libpcsamplingutil*",
        "nvidia/cu*/lib/libcusolverMg*",
        "libcusolverMg*",
        "libnvperf_*",
        "nvshmem_*",
        "libcheckpoint*",
        "libpcsamplingutil*",
    ),
    "parts of Qt that the window does not use": (
        "PySide6/Qt/qml/*",
        "PySide6/Qt/translations/*",
        "PySide6/translations/*",
        "PySide6/Qt/plugins/qmltooling/*",
        "PySide6/Qt/plugins/virtualkeyboard/*",
        "PySide6/Qt/plugins/platforminputcontexts/libqtvirtualkeyboard*",
        "PySide6/Qt/plugins/imageformats/libqpdf*",
        "PySide6/Qt/plugins/networkinformation/*",
        "PySide6/Qt/plugins/tls/*",
        "PySide6/Qt/plugins/sqldrivers/*",
        "PySide6/Qt/plugins/egldeviceintegrations/*",
        "PySide6/Qt/plugins/platforms/libqeglfs*",
        "PySide6/Qt/plugins/platforms/libqlinuxfb*",
        "PySide6/Qt/plugins/platforms/libqvnc*",
        "PySide6/Qt/plugins/platforms/libqvkkhrdisplay*",
        "PySide6/Qt/plugins/platforms/libqminimalegl*",
        "*libQt6Pdf*",
        "*libQt6Qml*",
        "*libQt6Quick*",
        "*libQt6VirtualKeyboard*",
        "*libQt6Network.*",
        "*libQt6EglFs*",
        "*libQt6Test*",
        "PySide6/Qt/plugins/generic/*",
    ),
    "GTK, which a theme of Qt's would bring along": (
        "PySide6/Qt/plugins/platformthemes/libqgtk3*",
        "libgtk-3*",
        "libgdk-3*",
        "libgdk_pixbuf*",
        "libatk*",
        "libatspi*",
        "libpango*",
        "libcairo*",
        "libepoxy*",
    ),
    "matplotlib's letters of formulas, of PDF files and of others than DejaVu Sans": (
        "matplotlib/mpl-data/fonts/afm/*",
        "matplotlib/mpl-data/fonts/pdfcorefonts/*",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSans-*Oblique.ttf",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSansDisplay.ttf",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSansMono*",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSerif*",
        "matplotlib/mpl-data/fonts/ttf/LICENSE_STIX",
        "matplotlib/mpl-data/fonts/ttf/STIX*",
        "matplotlib/mpl-data/fonts/ttf/cm*.ttf",
    ),
    "windows, styles, samples and tests of matplotlib": (
        "matplotlib/backends/_macosx*",
        "matplotlib/backends/_tkagg*",
        "matplotlib/backends/web_backend/*",
        "matplotlib/mpl-data/images/*",
        "matplotlib/mpl-data/kpsewhich.lua",
        "matplotlib/mpl-data/plot_directive/*",
        "matplotlib/mpl-data/sample_data/*",
        "matplotlib/tests/*",
        "matplotlib/mpl-data/stylelib/*",
        "mpl_toolkits/*/tests/*",
        "dateutil/zoneinfo/*",
    ),
}

# cuDNN's work horses are loaded when a GPU computes; without one they are never opened. The rest
# of CUDA stays: `import torch` of a CUDA build fails without it.
_WITHOUT_GPU = {
    "cuDNN's engines, opened on a GPU only": (
        "*libcudnn_adv*",
        "*libcudnn_cnn*",
        "*libcudnn_engines_*",
        "*libcudnn_ext*",
        "*libcudnn_graph*",
        "*libcudnn_heuristic*",
        "*libcudnn_ops*",
    ),
    "linear algebra and compiling on a GPU": (
        "*libtorch_cuda_linalg*",
        "*libnvrtc-builtins*",
        "*libcaffe2_nvrtc*",
    ),
}

_WITH_TORCH = {"models for machines without torch": ("models/*.onnx",)}
_WITHOUT_TORCH = {
    "models that only torch reads": ("models/*.safetensors",),
    "onnxruntime's tools for making and training models": (
        "onnxruntime/tools/*",
        "onnxruntime/transformers/*",
        "onnxruntime/quantization/*",
        "onnxruntime/training/*",
        "onnxruntime/datasets/*",
    ),
}


def reason_to_drop(path: str, flavour: Flavour) -> str | None:
    """Why ``path`` stays out of the bundle; None where it belongs in."""
    rules = {
        "light": {**_NEVER, **_WITHOUT_TORCH},
        "cpu": {**_NEVER, **_WITH_TORCH, **_WITHOUT_GPU},
        "cuda": {**_NEVER, **_WITH_TORCH},
    }[flavour]
    for reason, patterns in rules.items():
        if any(fnmatchcase(path, pattern) for pattern in patterns):
            return reason
    return None
