"""The examples in the docstrings of the public interface run, on drawn images."""

from __future__ import annotations

import doctest
import importlib
import inspect
import shutil
from pathlib import Path

import pytest

import cfinspect
from cfinspect.engine.synth import write_folder

MODULES = (
    "cfinspect",
    "cfinspect.errors",
    "cfinspect.api.evaluation",
    "cfinspect.api.model",
    "cfinspect.api.projects",
    "cfinspect.api.result",
    "cfinspect.api.training",
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples call wall.png, photos and walls."""
    folder = tmp_path_factory.mktemp("drawn")
    write_folder(folder / "walls", "crack", count=32, size=96, seed=7)
    write_folder(folder / "more", "crack", count=8, size=128, seed=8)
    for image in sorted((folder / "more").glob("*damaged/*.png")):
        (folder / "photos").mkdir(exist_ok=True)
        shutil.copy(image, folder / "photos" / image.name)
        if image.parent.name == "damaged":
            shutil.copy(image, folder / "wall.png")
    return folder


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of(
    name: str, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    found = [one for one in doctest.DocTestFinder().find(module) if one.examples]
    assert found
    for examples in found:
        report: list[str] = []
        doctest.DocTestRunner(verbose=False).run(examples, out=report.append, clear_globs=False)
        assert not report, "".join(report)


@pytest.mark.parametrize("name", sorted(set(cfinspect.__all__) - {"__version__"}))
def test_every_public_name_says_what_it_does_and_shows_it(name: str) -> None:
    value = getattr(cfinspect, name)
    told = {name: value}
    if inspect.isclass(value):
        told |= {
            f"{name}.{part}": member
            for part, member in vars(value).items()
            if not part.startswith("_") and (callable(member) or isinstance(member, property))
        }
    for place, one in told.items():
        assert ">>> " in (inspect.getdoc(one) or ""), place
