"""The parts of the bundle's build that can be tried without building one."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import archive
import compare
import licences
import pytest
from trim import reason_to_drop

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
    ],
)
def test_what_nobody_needs_stays_out_with_a_reason(path: str) -> None:
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
    ],
)
def test_what_starting_needs_stays_in(path: str) -> None:
    assert reason_to_drop(path, "cpu") is None


def test_what_only_a_gpu_opens_is_left_out_for_the_cpu_alone() -> None:
    path = "nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9"
    assert "GPU" in (reason_to_drop(path, "cpu") or "")
    assert reason_to_drop(path, "cuda") is None


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


def test_the_archive_keeps_links_and_modes_and_repeats(folder: Path, tmp_path: Path) -> None:
    one = archive.pack(folder, tmp_path / "one.tar.gz", 1_700_000_000, "cfinspect-1")
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1))
            path.chmod(path.stat().st_mode & 0o700)  # another umask
    os.link(folder / "cfinspect", tmp_path / "also the program")
    two = archive.pack(folder, tmp_path / "two.tar.gz", 1_700_000_000, "cfinspect-1")
    assert one.read_bytes() == two.read_bytes()
    archive.unpack(one, tmp_path / "out")
    out = tmp_path / "out" / "cfinspect-1"
    assert (out / "_internal" / "libx.so.1").readlink() == Path("nvidia/lib/libx.so.1")
    assert (out / "cfinspect").stat().st_mode & 0o777 == 0o755
    said = one.with_name("one.tar.gz.sha256").read_text().split()
    assert said == [archive.sha256(one), "one.tar.gz"]


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
    for name in ("numpy", "torch", "PySide6", "safetensors", "Python"):
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
