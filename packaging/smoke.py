"""Try a bundle as a plant's IT and its operators would, and print what it takes.

    python packaging/smoke.py dist/cfinspect-...tar.xz [--picture FILE]

The archive is unpacked into a new folder that the user may not write, with a name beyond ASCII.
The program runs with an empty environment, without network (``unshare -n``), with no other program
on its PATH, as an ordinary user whose name and home are beyond ASCII too; first without a display,
then in a window under Xvfb that gets its keys from xdotool. Exit code 1 at the first thing that
is not as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from archive import unpack

_NOBODY = 65534
_USER = "Jürgen Weiß"


class Failed(Exception):
    """What is not as it should be."""


class Bundle:
    """The unpacked program, and how it is called."""

    def __init__(self, archive: Path, place: Path) -> None:
        self.home = place / _USER
        self.work = self.home / "Prüfplatz №1"
        self.work.mkdir(parents=True)
        (place / "empty").mkdir()
        self._path = place / "empty"
        if archive.is_dir():
            shutil.copytree(archive, place / "Programme" / "cfinspect", symlinks=True)
        else:
            unpack(archive, place / "Programme")
        self.folder = next((place / "Programme").iterdir())
        subprocess.run(["chmod", "-R", "a-w,a+rX", str(self.folder)], check=True)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", str(_NOBODY), str(self.home)], check=True)
        self.peak_mb = 0.0

    @property
    def program(self) -> Path:
        """The executable."""
        return self.folder / "cfinspect"

    def command(self, *words: object, **variables: str) -> list[str]:
        """The call of the program with nothing around it: no variables, no network, no rights."""
        return [*self.alone(**variables), str(self.program), *map(str, words)]

    def alone(self, **variables: str) -> list[str]:
        """What stands before a command of the user's."""
        known = {
            "HOME": str(self.home),
            "USER": _USER,
            "LOGNAME": _USER,
            "PATH": str(self._path),
            "LANG": "C.UTF-8",
            **variables,
        }
        pairs = [f"{name}={value}" for name, value in known.items()]
        root = os.getuid() == 0
        ids = ["--reuid", str(_NOBODY), "--regid", str(_NOBODY), "--clear-groups"]
        as_user = ["/usr/bin/setpriv", *ids] if root else []
        # Mapped to oneself and not to root, or the namespace would give the right to write.
        alone = ["/usr/bin/unshare", "-n"] if root else ["/usr/bin/unshare", "-c", "-n"]
        return [*alone, *as_user, "/usr/bin/env", "-i", *pairs]

    def run(self, *words: object, code: int = 0) -> list[dict[str, Any]]:
        """Run a command to its end; its JSON lines. Prints how long it took and what it held."""
        started = time.perf_counter()
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                self.command(*words), stdout=out, stderr=errors, cwd=self.work
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            printed, said = out.read(), errors.read()
        seconds, held = time.perf_counter() - started, used.ru_maxrss / 1024
        self.peak_mb = max(self.peak_mb, held)
        if process.returncode != code:
            tail = "\n".join((printed + said).splitlines()[-25:])
            raise Failed(f"cfinspect {words} ended with {process.returncode}:\n{tail}")
        shown = " ".join(map(str, words))
        for place in (self.work, self.folder):
            shown = shown.replace(f"{place}/", "")
        print(f"  {seconds:6.1f} s {held:6.0f} MB  cfinspect {shown}")
        lines = [line for line in printed.splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]


def require(holds: bool, sentence: str) -> None:
    """Raise where something does not hold."""
    if not holds:
        raise Failed(sentence)


def wait_until(holds: Callable[[], bool], sentence: str, seconds: float = 60.0) -> None:
    """Look ten times a second."""
    end = time.monotonic() + seconds
    while not holds():
        require(time.monotonic() < end, f"{sentence} (not within {seconds:.0f} s)")
        time.sleep(0.1)


def read_only(bundle: Bundle) -> None:
    """The user really cannot write into the program's folder."""
    test = ["/bin/sh", "-c", 'touch "$0/written"', str(bundle.folder)]
    subprocess.run(
        [*bundle.alone(PATH="/usr/bin:/bin"), *test], check=False, stderr=subprocess.DEVNULL
    )
    require(not (bundle.folder / "written").exists(), "the program's folder could be written")


def commands(bundle: Bundle) -> Path:
    """Everything that the command line is for; returns a project whose images are inspected."""
    print("Without a display:")
    version = subprocess.run(
        bundle.command("--version"), capture_output=True, text=True, check=True
    ).stdout.strip()
    require("bundle" in version, f"--version says {version!r} and does not name the build")
    print(f"  {version}")
    checks = bundle.run("doctor", "--json")
    bad = [c for c in checks if c["event"] == "check" and not c["ok"] and c["name"] != "display"]
    require(not bad, f"doctor is not content: {bad}")
    models = bundle.run("models", "verify", "--json")
    require(models[-1]["models"] >= 2, "fewer than two models are shipped")
    demo = bundle.work / "démo"
    done = bundle.run("demo", demo, "--headless", "--json")[-1]
    require(all(Path(sheet).is_file() for sheet in done["sheets"]), "the demo left no sheets")
    photos = bundle.work / "Fotos"
    bundle.run("synth", photos, "--domain", "crack", "--count", 24, "--seed", 5, "--json")
    bundle.run("project", "init", photos, "--domain", "crack", "--json")
    kept = bundle.folder / "_internal" / "models"
    model = next(iter([*kept.glob("crack.safetensors"), *kept.glob("crack.onnx")]))
    found = bundle.run("inspect", model, "--project", photos, "--json")
    damaged = [row["file"] for row in found if row.get("label") == "damaged"]
    require(len(damaged) >= 6, f"only {len(damaged)} of 12 cracks were found")
    bundle.run("review", photos, "--set", f"{damaged[0]}=damaged", "--json")
    out = bundle.work / "Masken"
    bundle.run("export", photos, "--format", "png", "--only", "all", "--out", out, "--json")
    masks = list(out.rglob("*.png"))
    require(len(masks) >= 6, f"the export holds {len(masks)} masks")
    run = bundle.work / "Lauf"
    for method in ("cfgan", "rise"):
        words = "explain", model, photos, "--method", method, "--limit", 1
        bundle.run(*words, "--out", bundle.work / method, "--json")
    own = bundle.work / f"own{model.suffix}"
    bundle.run("calibrate", model, photos, "--out", own, "--json")
    bundle.run("inspect", own, photos, "--out", bundle.work / "own", "--json")
    train = "train", photos, "--out", run, "--steps", 20, "--set", "warmup=10", "--seed", 1
    if model.suffix == ".onnx":
        bundle.run(*train, "--json", code=2)
        bundle.run("inspect", model, photos, "--out", bundle.work / "neu", "--json")
    else:
        bundle.run(*train, "--json")
        trained = run / "model.safetensors"
        require(trained.is_file(), "training left no model")
        bundle.run("inspect", trained, photos, "--out", bundle.work / "neu", "--json")
    bundle.run("inspect", photos / "labels.csv", photos, "--out", bundle.work / "x", code=2)
    return photos


def offscreen(bundle: Bundle, photos: Path) -> None:
    """The window without a screen: it starts, opens the project, and stays."""
    print("The window, offscreen:")
    log = bundle.work / "fenster.log"
    words = ("gui", photos, "--log-file", log)
    process = subprocess.Popen(
        bundle.command(*words, QT_QPA_PLATFORM="offscreen"),
        cwd=bundle.work,
        stderr=subprocess.DEVNULL,  # Qt says there what this platform lacks; errors are in the log
    )
    try:
        wait_until(lambda: log.is_file() and "Opening" in log.read_text(), "it opened no project")
        time.sleep(4.0)
        require(process.poll() is None, f"it ended by itself, code {process.returncode}")
        text = log.read_text(encoding="utf-8")
        require("ERROR" not in text and "Traceback" not in text, f"its log says:\n{text}")
    finally:
        process.kill()
        process.wait()
    print("  opened the project, no error in its log")


@contextlib.contextmanager
def x_server() -> Iterator[dict[str, str]]:
    """An Xvfb of its own; yields the variables for its clients."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as told:
            number = told.readline().strip()
        yield {"DISPLAY": f":{number}"}
    finally:
        server.terminate()
        server.wait()


def window(bundle: Bundle, picture: Path | None) -> None:
    """A new project by keys alone: inspect with the shipped model, review, a verdict."""
    print("The window, under Xvfb:")
    photos = bundle.work / "Neue Fotos ü"
    bundle.run("synth", photos, "--domain", "crack", "--count", 12, "--seed", 9, "--json")
    with x_server() as variables:
        screen = Screen(variables)
        started = time.perf_counter()
        process = subprocess.Popen(bundle.command("gui", photos, **variables), cwd=bundle.work)
        try:
            wait_until(lambda: bool(screen.windows()), "no window appeared")
            print(f"  first window after {time.perf_counter() - started:.2f} s")
            # As much as an operator waits before the first key: the images are on the screen.
            time.sleep(4.0)
            screen.keys("ctrl+r")
            wait_until(lambda: len(screen.windows()) > 1, "Ctrl+R asked for no model")
            screen.keys("Down", "Down", "Return")  # no model yet, apple, crack
            rows = "SELECT COUNT(*) FROM prediction"
            wait_until(lambda: count(photos, rows) == 12, "not all images were inspected", 120)
            time.sleep(1.0)
            screen.keys("r")
            time.sleep(2.0)
            screen.keys("d")
            said = "SELECT COUNT(*) FROM human WHERE verdict IS NOT NULL"
            wait_until(lambda: count(photos, said) == 1, "the verdict was not stored")
            if picture is not None and shutil.which("import"):
                shot = ["import", "-window", "root", str(picture)]
                subprocess.run(shot, env={**os.environ, **variables}, check=False)
            held = Path(f"/proc/{process.pid}/status").read_text()
            peak = int(re.findall(r"VmHWM:\s+(\d+) kB", held)[0]) / 1024
            bundle.peak_mb = max(bundle.peak_mb, peak)
            print(f"  inspected 12 images and stored a verdict by keys; peak {peak:.0f} MB")
        finally:
            process.kill()
            process.wait()


class Screen:
    """The windows of an X server, and keys for the one on top."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._environment = {**os.environ, **variables}

    def _ask(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def windows(self) -> list[str]:
        """Numbers of the visible windows of more than 200 px, the oldest first."""
        tree = self._ask("xwininfo", "-root", "-tree")
        found = re.findall(r"^ {5}(0x\S+) .*?(\d+)x(\d+)\+", tree, flags=re.MULTILINE)
        large = [name for name, wide, high in found if int(wide) > 200 and int(high) > 80]
        seen = [name for name in large if "IsViewable" in self._ask("xwininfo", "-id", name)]
        return sorted(seen, key=lambda name: int(name, 16))

    def keys(self, *keys: str) -> None:
        """Press keys in the newest window."""
        newest = self.windows()[-1]
        self._ask("xdotool", "windowfocus", "--sync", newest)
        self._ask("xdotool", "key", "--delay", "150", *keys)


def count(project: Path, query: str) -> int:
    """A number from the project's database, read from outside."""
    file = project / ".cfinspect" / "project.sqlite"
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return int(database.execute(query).fetchone()[0])


def installer(bundle: Bundle) -> None:
    """install.sh and uninstall.sh as the user, both ways; the installed command starts."""
    print("Installing for the user:")
    # The scripts need the system's own tools, unlike the program.
    shell = [*bundle.alone(PATH="/usr/bin:/bin"), "/bin/sh"]
    command = bundle.home / ".local" / "bin" / "cfinspect"
    entry = bundle.home / ".local" / "share" / "applications" / "cfinspect.desktop"
    for options in (["--here"], []):
        for name, there in (("install.sh", True), ("uninstall.sh", False)):
            words = [str(bundle.folder / name), *(options if there else [])]
            done = subprocess.run([*shell, *words], capture_output=True, text=True, check=False)
            require(done.returncode == 0, f"{words} failed: {done.stdout}{done.stderr}")
            both = entry.is_file() and command.is_symlink()
            require(both == there, f"after {words}: menu entry {entry.exists()}")
            if there:
                said = subprocess.run(
                    [*bundle.alone(), str(command), "--version"],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                require("bundle" in said, f"the installed command says {said!r}")
        print(f"  install.sh {' '.join(options)}: started, and removed again")


def main() -> None:
    """Try it all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path, help="the archive, or an unpacked bundle")
    parser.add_argument("--picture", type=Path, help="keep a picture of the window here")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory(prefix="cfinspect-smoke-") as place:
        # Others must be able to look into it: the program runs as another user.
        Path(place).chmod(0o755)
        bundle = Bundle(arguments.archive, Path(place))
        size = sum(p.stat().st_size for p in bundle.folder.rglob("*") if not p.is_symlink())
        print(f"{arguments.archive.name}: {size / 1e6:.0f} MB unpacked")
        try:
            read_only(bundle)
            photos = commands(bundle)
            offscreen(bundle, photos)
            window(bundle, arguments.picture)
            installer(bundle)
        except Failed as failure:
            sys.exit(f"The smoke test failed: {failure}")
        finally:
            subprocess.run(["chmod", "-R", "u+w", str(bundle.folder)], check=False)
    print(f"The bundle works. Peak memory {bundle.peak_mb:.0f} MB.")


if __name__ == "__main__":
    main()
