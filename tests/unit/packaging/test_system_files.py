"""Desktop entry, installer and the recipes for systems that cannot be built here."""

from __future__ import annotations

import configparser
import os
import plistlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

PACKAGING = Path(__file__).parents[3] / "packaging"
LINUX = PACKAGING / "linux"

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's installer")


def test_the_desktop_entry_is_well_formed() -> None:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read(LINUX / "cfinspect.desktop", encoding="utf-8")
    entry = parser["Desktop Entry"]
    assert entry["Type"] == "Application"
    assert entry["Exec"] == "@PROGRAM@ gui %f"
    mime = {one for one in entry["MimeType"].split(";") if one}
    # Not for folders: some desktops would make us their file manager.
    assert mime == {"application/x-cfinspect-model"}
    assert {key.split("[")[0] for key in entry} <= {
        "Type", "Version", "Name", "GenericName", "Comment", "Exec", "TryExec", "Icon", "Terminal",
        "Categories", "Keywords", "MimeType", "StartupWMClass",
    }  # fmt: skip


def test_the_mime_type_is_for_models() -> None:
    root = ElementTree.parse(LINUX / "cfinspect-mime.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    kind = root.find(f"{space}mime-type")
    assert kind is not None
    assert kind.get("type") == "application/x-cfinspect-model"
    glob = kind.find(f"{space}glob")
    assert glob is not None
    assert glob.get("pattern") == "*.safetensors"


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A folder as the archive leaves it, with a program that says how it was called."""
    folder = tmp_path / "Down loads" / "cfinspect & $co"
    folder.mkdir(parents=True)
    for name in ("install.sh", "uninstall.sh", "cfinspect.desktop", "cfinspect-mime.xml"):
        (folder / name).write_bytes((LINUX / name).read_bytes())
    (folder / "cfinspect.svg").write_text("<svg/>")
    (folder / "MANIFEST.json").write_text("{}")
    (folder / "_internal" / "resources").mkdir(parents=True)
    (folder / "_internal" / "resources" / "build.json").write_text("{}")
    (folder / "cfinspect").write_text('#!/bin/sh\necho "called: $*"\n')
    (folder / "cfinspect").chmod(0o755)
    return folder


def _run(script: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(
        ["sh", str(script), *words], env=environment, capture_output=True, text=True, check=False
    )


@linux_only
@pytest.mark.parametrize("here", [True, False])
def test_install_and_uninstall_for_one_user(unpacked: Path, tmp_path: Path, here: bool) -> None:
    home = tmp_path / "Jürgen"
    (home / "Bilder").mkdir(parents=True)
    for _ in range(2):  # the second time it is an update
        done = _run(unpacked / "install.sh", home, *(["--here"] if here else []))
        assert done.returncode == 0, done.stderr
    place = unpacked if here else home / ".local" / "opt" / "cfinspect"
    assert (home / ".local" / "bin" / "cfinspect").resolve() == (place / "cfinspect").resolve()
    entry = home / ".local" / "share" / "applications" / "cfinspect.desktop"
    line = next(line for line in entry.read_text().splitlines() if line.startswith("Exec="))
    # As a desktop reads it: backslashes of a string value first, then quotes as in a shell.
    value = line.removeprefix("Exec=").replace("\\\\", "\\")
    command = ["sh", "-c", value.replace("%%", "%").replace("%f", "photos")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "called: gui photos\n"
    assert (home / ".local/share/icons/hicolor/scalable/apps/cfinspect.svg").is_file()
    assert _run(unpacked / "uninstall.sh", home).returncode == 0
    left = {path.name for path in home.rglob("*") if path.is_file() and "mime/" not in str(path)}
    assert left <= {"mimeinfo.cache"}
    assert (home / "Bilder").is_dir()
    assert unpacked.is_dir()


@linux_only
def test_the_installer_leaves_foreign_folders_alone(unpacked: Path, tmp_path: Path) -> None:
    place = tmp_path / ".local" / "opt" / "cfinspect"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("precious")
    done = _run(unpacked / "install.sh", tmp_path)
    assert done.returncode == 2
    assert "not cfinspect's" in done.stderr
    assert (place / "mine.txt").read_text() == "precious"
    assert _run(unpacked / "install.sh", tmp_path, "--what").returncode == 2


@linux_only
def test_what_a_person_keeps_in_the_programs_folder_stays(unpacked: Path, tmp_path: Path) -> None:
    assert _run(unpacked / "install.sh", tmp_path).returncode == 0
    mine = tmp_path / ".local" / "opt" / "cfinspect" / "my photos" / "a.png"
    mine.parent.mkdir()
    mine.write_text("precious")
    done = _run(unpacked / "install.sh", tmp_path)  # an update
    assert done.returncode == 2
    assert "my photos" in done.stderr
    assert mine.read_text() == "precious"
    assert _run(unpacked / "uninstall.sh", tmp_path).returncode == 0
    assert mine.read_text() == "precious"
    assert not (mine.parents[1] / "_internal").exists()


@linux_only
def test_another_program_of_that_name_is_not_touched(unpacked: Path, tmp_path: Path) -> None:
    other = tmp_path / ".local" / "bin" / "cfinspect"
    other.parent.mkdir(parents=True)
    other.write_text("of pip")
    done = _run(unpacked / "install.sh", tmp_path)
    assert done.returncode == 2
    assert "another program" in done.stderr
    assert _run(unpacked / "uninstall.sh", tmp_path).returncode == 0
    assert other.read_text() == "of pip"


def _sum(folder: Path) -> None:
    """Name all files of a bundle in its list, as the build does."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{'0' * 64}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))


@linux_only
def test_a_link_to_another_program_of_that_name_stays(unpacked: Path, tmp_path: Path) -> None:
    command = tmp_path / ".local" / "bin" / "cfinspect"
    command.parent.mkdir(parents=True)
    other = tmp_path / "pipx" / "cfinspect"
    for exists in (True, False):
        if exists:
            other.parent.mkdir()
            other.write_text("of pipx")
        else:
            other.unlink()
        command.unlink(missing_ok=True)
        command.symlink_to(other)
        done = _run(unpacked / "install.sh", tmp_path)
        assert done.returncode == 2
        assert f"a link to another program ({other})" in done.stderr
        assert not (tmp_path / ".local" / "opt").exists()
        assert _run(unpacked / "uninstall.sh", tmp_path).returncode == 0
        assert command.readlink() == other


@linux_only
@pytest.mark.parametrize("name", ["applications/cfinspect.desktop", "mime/packages/cfinspect.xml"])
def test_nothing_is_written_or_deleted_behind_a_link(
    unpacked: Path, tmp_path: Path, name: str
) -> None:
    mine = tmp_path / "mine"
    mine.write_text("precious")
    link = tmp_path / ".local" / "share" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(mine)
    assert _run(unpacked / "install.sh", tmp_path).returncode == 2
    assert _run(unpacked / "uninstall.sh", tmp_path).returncode == 0
    assert link.is_symlink() and mine.read_text() == "precious"


@linux_only
@pytest.mark.parametrize("suffix", ["", ".new", ".old"])
@pytest.mark.parametrize("linked", [True, False])
def test_a_folder_that_only_has_our_name_stays(
    unpacked: Path, tmp_path: Path, suffix: str, linked: bool
) -> None:
    place = tmp_path / ".local" / "opt" / f"cfinspect{suffix}"
    place.parent.mkdir(parents=True)
    real = tmp_path / "disk2" if linked else place
    real.mkdir()
    (real / "mine").write_text("precious")
    if linked:
        place.symlink_to(real)
    done = _run(unpacked / "install.sh", tmp_path)
    assert done.returncode == 2 and str(place) in done.stderr
    assert _run(unpacked / "uninstall.sh", tmp_path).returncode == 0
    assert place.is_symlink() is linked
    assert (real / "mine").read_text() == "precious"


@linux_only
def test_what_an_installation_left_that_was_ended_half_way_is_cleared(
    unpacked: Path, tmp_path: Path
) -> None:
    half = tmp_path / ".local" / "opt" / "cfinspect.new"
    half.mkdir(parents=True)
    (half / ".unfinished-installation").touch()
    (half / "LICENSE").write_text("ha")
    assert _run(unpacked / "install.sh", tmp_path).returncode == 0
    assert {path.name for path in half.parent.iterdir()} == {"cfinspect"}
    assert not list(half.parent.rglob(".unfinished*"))


@linux_only
@pytest.mark.parametrize(
    "name", ["cfinspect.notes", "licences/mine.txt", "_internal/plugin.py", "photos/a.png"]
)
def test_an_update_costs_no_file_of_the_user(unpacked: Path, tmp_path: Path, name: str) -> None:
    (unpacked / "licences").mkdir()
    (unpacked / "licences" / "numpy.txt").write_text("BSD")
    (unpacked / "_internal" / "libx.so.1").symlink_to("nvidia/lib/libx.so.1")
    _sum(unpacked)
    for _ in range(2):
        assert _run(unpacked / "install.sh", tmp_path).returncode == 0
    mine = tmp_path / ".local" / "opt" / "cfinspect" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    done = _run(unpacked / "install.sh", tmp_path)
    assert done.returncode == 2 and name in done.stderr
    assert mine.read_text() == "precious"
    done = _run(unpacked / "uninstall.sh", tmp_path)
    assert done.returncode == 0 and "they stay" in done.stderr
    assert [
        path for path in mine.parents[len(Path(name).parents) - 1].rglob("*") if path.is_file()
    ] == [mine]
    mine.unlink()


@linux_only
def test_without_a_home_nothing_happens(unpacked: Path) -> None:
    for script in ("install.sh", "uninstall.sh"):
        environment = {"HOME": "", "PATH": os.environ["PATH"]}
        words = ["sh", str(unpacked / script)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "HOME" in done.stderr


@linux_only
def test_the_installer_is_found_wherever_it_is_called_from(unpacked: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "CDPATH": ".:/tmp"}
    words = ["sh", f"{unpacked.name}/install.sh", "--here"]
    done = subprocess.run(words, cwd=unpacked.parent, env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / ".local/bin/cfinspect").resolve() == (unpacked / "cfinspect").resolve()


@linux_only
def test_an_archive_unpacked_inside_the_installation_is_refused(
    unpacked: Path, tmp_path: Path
) -> None:
    assert _run(unpacked / "install.sh", tmp_path).returncode == 0
    inside = tmp_path / ".local" / "opt" / "cfinspect" / "new"
    shutil.copytree(unpacked, inside)
    done = _run(inside / "install.sh", tmp_path)
    assert done.returncode == 2
    assert "outside of" in done.stderr
    assert (inside / "cfinspect").is_file()


def test_the_plist_of_macos_is_one() -> None:
    about = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    kinds = about["CFBundleDocumentTypes"]
    assert ["safetensors"] in [kind.get("CFBundleTypeExtensions") for kind in kinds]
    assert ["public.folder"] in [kind.get("LSItemContentTypes") for kind in kinds]


def test_the_version_resource_of_windows_fits_its_format() -> None:
    text = (PACKAGING / "windows" / "version.txt").read_text(encoding="utf-8")
    filled = text.replace("@NUMBERS@", "1, 2, 3, 0").replace("@VERSION@", "1.2.3")
    assert "@" not in filled
    info = [f"{kind}Info" for kind in ("FixedFile", "StringFile", "VarFile", "VSVersion")]
    names = [*info, "StringTable", "StringStruct", "VarStruct"]

    def maker(*given: object, **named: object) -> SimpleNamespace:
        return SimpleNamespace(given=given, **named)

    found = eval(filled, dict.fromkeys(names, maker))  # PyInstaller reads it in this way too
    assert found.ffi.filevers == (1, 2, 3, 0)
    strings = dict(one.given for one in found.kids[0].given[0][0].given[1])
    assert strings["ProductVersion"] == "1.2.3"
    assert strings["OriginalFilename"] == "cfinspect.exe"


_SECTIONS = {"Setup", "InstallDelete", "Languages", "Tasks", "Files", "Icons", "Registry", "Run"}
_PARAMETERS = {
    "Languages": {"Name", "MessagesFile"},
    "Tasks": {"Name", "Description", "Flags"},
    "InstallDelete": {"Type", "Name"},
    "Files": {"Source", "DestDir", "Flags"},
    "Icons": {"Name", "Filename", "Tasks"},
    "Registry": {"Root", "Subkey", "ValueType", "ValueName", "ValueData", "Flags"},
    "Run": {"Filename", "Description", "Flags"},
}


def test_the_recipe_of_the_windows_installer() -> None:
    """Sections, parameters, tasks and files that it names exist; quotes are closed."""
    section, tasks, wanted = "", set(), set()
    for line in (PACKAGING / "windows" / "cfinspect.iss").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith((";", "#")) or line.startswith("  #"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            assert section in _SECTIONS
            continue
        assert line.count('"') % 2 == 0, line
        if section == "Setup":
            name, value = line.split("=", 1)
            assert re.fullmatch(r"[A-Za-z0-9]+", name), line
            if name == "LicenseFile":
                assert (PACKAGING / "windows" / value.replace("\\", "/")).resolve().is_file()
            continue
        parts = dict(re.findall(r'(\w+): ((?:"(?:[^"]|"")*"|[^;"]+)+)(?:; |$)', line))
        assert set(parts) <= _PARAMETERS[section], line
        assert "; ".join(f"{name}: {value}" for name, value in parts.items()) == line
        if section == "Tasks":
            tasks.add(parts["Name"].strip('"'))
        wanted |= {parts["Tasks"]} if "Tasks" in parts else set()
        if section == "Registry" and parts["Subkey"].endswith('command"'):
            assert parts["ValueData"] == '"""{app}\\cfinspect.exe"" gui ""%1"""'
    assert wanted == tasks
