"""Files beside the code are found from a checkout, an installed wheel and a frozen program."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from cfinspect import __version__, resources
from cfinspect.engine.base import installed
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.training.config import TrainConfig

REPOSITORY = Path(__file__).parents[2]


def test_everything_in_the_two_folders_is_there_at_run_time() -> None:
    # Against an installed wheel this proves that packaging leaves nothing behind.
    for name, found in (
        ("models", resources.models_path()),
        ("resources", resources.resource_path(".")),
    ):
        files = [path for path in (REPOSITORY / name).rglob("*") if path.is_file()]
        assert files
        for file in files:
            assert (found / file.relative_to(REPOSITORY / name)).read_bytes() == file.read_bytes()


def test_an_installed_package_never_takes_a_foreign_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "cfinspect"
    (package / "shared" / "models").mkdir(parents=True)
    (tmp_path / "site-packages" / "models").mkdir()
    monkeypatch.setattr(installed, "_PACKAGE", package)
    assert resources.models_path() == package / "shared" / "models"


def test_a_frozen_program_looks_into_its_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "demo.json").write_text("{}")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resources.resource_path("demo.json") == tmp_path / "resources" / "demo.json"
    assert resources.models_path() == tmp_path / "models"


def test_a_missing_file_is_a_sentence() -> None:
    with pytest.raises(CfinspectError, match=r"no-such\.svg is missing .*: reinstall"):
        resources.resource_path("no-such.svg")


def test_the_demo_draws_other_images_than_the_models_have_learned() -> None:
    demo = json.loads(resources.resource_path("demo.json").read_text(encoding="utf-8"))
    recipes = json.loads((resources.models_path() / "recipes.json").read_text(encoding="utf-8"))
    for recipe in recipes.values():
        assert recipe["drawn"]["seed"] != demo["new"]["seed"]
        assert TrainConfig.from_preset(**recipe["train"]).steps


def test_a_bundle_says_its_build_and_a_checkout_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resources.version_in_words() == __version__
    (tmp_path / "resources").mkdir()
    note = {"flavour": "cpu", "commit": "0123abc", "torch": "2.9"}
    (tmp_path / "resources" / "build.json").write_text(json.dumps(note))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    resources.build_info.cache_clear()
    try:
        assert resources.build_info()["torch"] == "2.9"
        assert resources.version_in_words() == f"{__version__} (cpu bundle, commit 0123abc)"
    finally:
        resources.build_info.cache_clear()


def test_every_package_is_installed() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    listed = {name for name in settings["tool"]["setuptools"]["packages"] if ".shared." not in name}
    there = {
        ".".join(path.parent.relative_to(REPOSITORY).parts)
        for path in (REPOSITORY / "cfinspect").rglob("__init__.py")
    }
    assert listed == there
