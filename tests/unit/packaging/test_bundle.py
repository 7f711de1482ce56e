"""The parts of the bundle's build that can be tried without building one."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import archive
import compare
import licences
import matplotlib
import pytest
import trim
from trim import reason_to_drop

import cfinspect
from cfinspect import __version__


@pytest.mark.parametrize(
    "path",
    [
        "triton/_C/libtriton.so",
        "torch/include/ATen/ATen.h",
        "nvidia/nvshmem/lib/libnvshmem_device.a",
        "PySide6/Qt/qml/QtQuick/plugin.so",
        "PySide6/Qt/plugins/platforms/libqvnc.so",
        "libQt6Network.so.6",
        "matplotlib/mpl-data/sample_data/goog.npz",
        "matplotlib/mpl-data/fonts/ttf/STIXGeneral.ttf",
        "matplotlib/backends/_tkagg.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_what_nobody_needs_stays_out_with_a_reason(path: str) -> None:
    assert reason_to_drop(path, "light")
    assert reason_to_drop(path, "cpu")
    assert reason_to_drop(path, "cuda")


@pytest.mark.parametrize(
    "path",
    [
        "torch/lib/libtorch_cpu.so",
        "torchvision/_C_stable.so",
        "nvidia/cusparselt/lib/libcusparseLt.so.0",
        "nvidia/nccl/lib/libnccl.so.2",
        "nvidia/nvshmem/lib/libnvshmem_host.so.3",
        "nvidia/cudnn/lib/libcudnn.so.9",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/QtOpenGL.abi3.so",
        "libxcb-cursor.so.0",
        "resources/icons/cfinspect.svg",
        "models/crack.safetensors",
        "matplotlib/mpl-data/matplotlibrc",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf",
        "matplotlib/mpl-data/fonts/ttf/DejaVuSans-Bold.ttf",
        "matplotlib/mpl-data/fonts/ttf/LICENSE_DEJAVU",
        "cfinspect/engine/evaluation/templates/report.html.j2",
    ],
)
def test_what_starting_needs_stays_in(path: str) -> None:
    assert reason_to_drop(path, "cpu") is None


def test_what_only_a_gpu_opens_is_left_out_for_the_cpu_alone() -> None:
    path = "nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9"
    assert "GPU" in (reason_to_drop(path, "cpu") or "")
    assert reason_to_drop(path, "cuda") is None


def test_charts_need_no_more_of_matplotlib_than_the_bundle_has(tmp_path: Path) -> None:
    """The same picture and the same SVG, without the files and modules that stay out."""
    spec = ast.parse((Path(trim.__file__).parent / "cfinspect.spec").read_text(encoding="utf-8"))
    kept_out = next(
        ast.literal_eval(one.value)
        for one in ast.walk(spec)
        if isinstance(one, ast.keyword) and one.arg == "excludes"
    )
    assert "matplotlib.pyplot" in kept_out
    whole = Path(matplotlib.__file__).parent
    for file in (path for path in whole.rglob("*") if path.is_file()):
        name = f"matplotlib/{file.relative_to(whole).as_posix()}"
        if "__pycache__" not in name and not reason_to_drop(name, "cpu"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, tmp_path / name)
    code = f"""
import hashlib, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in {kept_out!r}):
            raise ImportError(name + " is not in the bundle")
sys.meta_path.insert(0, Block())
from cfinspect.engine.plots.charts import curves
from cfinspect.engine.plots.svg_chart import svg_chart
from cfinspect.engine.plots.text import shorten
from cfinspect.engine.evaluation.html_report import page
picture = curves({{"ä": [(0, 0), (1, 1)]}}, {{"Größe": ["ä"]}})
drawn = svg_chart("ö", {{"a": [(0, 0), (1, 1)], "b": [(0, 1)]}}, ("x", "y"))
print(hashlib.sha256(picture.tobytes() + drawn.encode()).hexdigest(), shorten("Maß", 90))
import matplotlib
print(matplotlib.__file__, file=sys.stderr)
"""

    def say(path: Path) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join((str(path), str(Path(cfinspect.__file__).parents[1])))
        return subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": paths, "MPLCONFIGDIR": str(tmp_path / "settings")},
        )

    trimmed = say(tmp_path)
    assert str(tmp_path) in trimmed.stderr
    assert trimmed.stdout == say(whole.parent).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cfinspect"
    (made / "_internal" / "nvidia" / "lib").mkdir(parents=True)
    (made / "cfinspect").write_bytes(b"program")
    (made / "cfinspect").chmod(0o755)
    (made / "_internal" / "nvidia" / "lib" / "libx.so.1").write_bytes(b"x" * 1000)
    (made / "_internal" / "libx.so.1").symlink_to("nvidia/lib/libx.so.1")
    return made


def test_the_manifest_names_every_file_and_link(folder: Path) -> None:
    found = archive.write_manifest(folder)
    assert found["cfinspect"] == archive.sha256(folder / "cfinspect")
    assert found["_internal/libx.so.1"] == "-> nvidia/lib/libx.so.1"
    assert json.loads((folder / archive.MANIFEST).read_text()) == found
    assert archive.write_manifest(folder) == found  # not of itself
    sums = (folder / archive.SUMS).read_text().splitlines()
    assert f"{found['cfinspect']}  cfinspect" in sums
    assert len(sums) == 2  # links have none


@pytest.mark.parametrize("packed_as", ["tar.gz", "tar.xz"])
def test_the_archive_keeps_links_and_modes_and_repeats(
    folder: Path, tmp_path: Path, packed_as: str
) -> None:
    one = archive.pack(folder, tmp_path / f"one.{packed_as}", 1_700_000_000, "cfinspect-1")
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1))
            path.chmod(path.stat().st_mode & 0o700)  # another umask
    os.link(folder / "cfinspect", tmp_path / "also the program")
    two = archive.pack(folder, tmp_path / f"two.{packed_as}", 1_700_000_000, "cfinspect-1")
    assert one.read_bytes() == two.read_bytes()
    archive.unpack(one, tmp_path / "out")
    out = tmp_path / "out" / "cfinspect-1"
    assert (out / "_internal" / "libx.so.1").readlink() == Path("nvidia/lib/libx.so.1")
    assert (out / "cfinspect").stat().st_mode & 0o777 == 0o755
    said = one.with_name(f"one.{packed_as}.sha256").read_text().split()
    assert said == [archive.sha256(one), one.name]


def test_a_zip_for_windows_holds_the_files(folder: Path, tmp_path: Path) -> None:
    packed = archive.pack(folder, tmp_path / "one.zip", 0, "cfinspect-1")
    with zipfile.ZipFile(packed) as opened:
        assert "cfinspect-1/cfinspect" in opened.namelist()
        assert opened.read("cfinspect-1/_internal/nvidia/lib/libx.so.1") == b"x" * 1000


def test_sizes_count_links_once_and_name_the_largest_part(folder: Path) -> None:
    total, parts = archive.sizes(folder)
    assert total == 1007
    assert parts[0] == ("_internal/nvidia/lib/libx.so.1", 1000)


def test_every_installed_part_has_its_licence(tmp_path: Path) -> None:
    origins = tmp_path / "origins.json"
    origins.write_text(json.dumps({"a.so": "", "b.so": str(tmp_path / "unknown.so")}))
    without = licences.collect(tmp_path / "licences", origins)
    index = (tmp_path / "licences" / "INDEX.txt").read_text(encoding="utf-8")
    for name in ("numpy", "torch", "PySide6", "safetensors", "matplotlib", "Jinja2", "Python"):
        assert name in index
    assert not [name for name in without if name.startswith(("torch", "numpy", "PySide6"))]
    texts = list((tmp_path / "licences").glob("numpy-*/*"))
    assert any("Redistribution" in text.read_text(encoding="utf-8") for text in texts)


def test_the_build_reads_the_version_without_importing() -> None:
    import build

    assert build.version() == __version__
    assert build.source_moment() > 1_700_000_000


def test_two_builds_are_compared_by_their_manifests(folder: Path, tmp_path: Path) -> None:
    first = archive.write_manifest(folder)
    packed = archive.pack(folder, tmp_path / "one.tar.gz", 0, "cfinspect-1")
    assert compare.manifest(packed) == compare.manifest(folder) == first
    (folder / "cfinspect").write_bytes(b"another program")
    (folder / "more.txt").touch()
    found = compare.differences(first, archive.write_manifest(folder))
    assert [line.split() for line in found] == [
        ["only", "in", "the", "second:", "more.txt"],
        ["differs:", "cfinspect"],
    ]


def test_the_list_without_torch_is_that_of_pyproject() -> None:
    root = Path(trim.__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (root / "packaging" / "without-torch.txt").read_text(encoding="utf-8").splitlines()
    named = {line for line in lines if line and not line.startswith("#")}
    torch = {one for one in project["dependencies"] if one.startswith("torch")}
    assert named == set(project["dependencies"]) - torch | {
        *project["optional-dependencies"]["runtime"]
    }


@pytest.mark.parametrize(
    ("path", "flavours"),
    [
        ("models/crack.onnx", {"light"}),
        ("models/crack.safetensors", {"cpu", "cuda"}),
        ("models/backbone.safetensors", {"cpu", "cuda"}),
        ("models/crack.md", {"light", "cpu", "cuda"}),
        ("onnxruntime/capi/onnxruntime_pybind11_state.so", {"light", "cpu", "cuda"}),
        ("onnxruntime/transformers/optimizer.py", {"cpu", "cuda"}),
    ],
)
def test_each_flavour_holds_the_models_that_it_can_run(path: str, flavours: set[str]) -> None:
    assert {one for one in ("light", "cpu", "cuda") if not reason_to_drop(path, one)} == flavours
