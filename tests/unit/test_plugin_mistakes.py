"""Plug-ins that fail in their work: every mistake is a sentence that names the plug-in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cfinspect.engine.base import plugins
from cfinspect.engine.base.plugins import PluginError
from cfinspect.engine.base.progress import Cancelled, Progress
from cfinspect.engine.explain.factory import OpenedClassifier, make_explainer, open_classifier
from cfinspect.engine.explain.plugins import method_names
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.model.file import ModelFileError, load_metadata, load_model, seen_digests
from cfinspect.engine.model.plugins import model_suffixes
from cfinspect.formats.exchange_types import About, FormatError, Options
from cfinspect.formats.registry import reader, writer
from cfinspect.resources import shipped_models

CODE = """
import json
import numpy as np
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.explain.protocol import Explanation
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.model.metadata import Decision, ModelMetadata, Preprocessing
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.formats.registry import Format

def write(folder, items, about, options):
    raise KeyError("colour")

def read(path):
    yield from ()
    if path.name == "stop":
        raise Cancelled
    raise ZeroDivisionError("by zero")

FORMAT = Format("any", "always fails", write, read)

class Narrow:
    def __init__(self, classifier):
        self.name, self.size = "narrow", classifier.size
    def ticks(self, count):
        return 1
    def explain(self, images, target, progress=None):
        progress.tick()
        empty = np.zeros((len(images), 3, 3), np.float32)
        return Explanation(None, empty, empty > 0, None, np.zeros(len(images), np.int64), 0.0)

def refuse(classifier):
    raise RuntimeError("needs a camera")

def load_metadata(path):
    said = json.loads(path.read_text())
    if said == "nothing":
        return None
    classes = dict.fromkeys(("rot", "scab"), Decision()) if said == "classes" else {}
    net = NetworkSpec("x")
    return ModelMetadata(created="", cfinspect_version="", generator=net, discriminator=net,
        preprocessing=Preprocessing(size=32), decision=Decision(), defect_classes=classes)

class load_backend:
    def __init__(self, path, device, precision):
        self.metadata, self.said = load_metadata(path), json.loads(path.read_text())
        if self.said == "fails":
            raise OSError("no such engine")
        if self.said == "idle":
            self.run = None
    def run(self, batch):
        n = len(batch)
        head = np.zeros(n + 1, np.float32)
        logits = np.zeros((n, 3), np.float32)
        return NetworkOutputs(logits, batch / np.float32(255), logits, head)
"""
ENTRIES = """
[cfinspect.formats]
wrong = clumsy:FORMAT
[cfinspect.explainers]
narrow = clumsy:Narrow
refuses = clumsy:refuse
number = clumsy:NUMBER
[cfinspect.backends]
toy = clumsy
half = json
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package is installed for the time of a test."""
    site = tmp_path / "site"
    about = site / "clumsy-0.3.dist-info"
    about.mkdir(parents=True)
    (site / "clumsy.py").write_text(CODE, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: clumsy\nVersion: 0.3\n")
    (about / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    monkeypatch.syspath_prepend(site)
    plugins.forget()
    yield
    plugins.forget()


def model_file(folder: Path, says: str, suffix: str = ".toy") -> Path:
    path = folder / f"model{suffix}"
    path.write_text(f'"{says}"', encoding="utf-8")
    return path


def test_a_format_that_fails_is_named(tmp_path: Path) -> None:
    write, form = writer("wrong")
    assert form.needs_masks
    with pytest.raises(PluginError, match=r"format plug-in wrong of clumsy 0\.3 failed \(KeyError"):
        write(tmp_path, iter(()), About({}, {}), Options())
    read, about = reader("wrong")
    assert about.name == "wrong", "the entry point's name counts"
    with pytest.raises(PluginError, match=r"ZeroDivisionError: by zero"):
        list(read(tmp_path))
    with pytest.raises(Cancelled):
        list(read(tmp_path / "stop"))
    with pytest.raises(FormatError, match=r"no export format other; there are .*, wrong\."):
        writer("other")


@pytest.fixture
def crack() -> OpenedClassifier:
    return open_classifier(shipped_models()["crack"], "cpu", "fp32", None)


def test_an_explainer_that_fails_is_named(
    crack: OpenedClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    assert method_names()[-3:] == ("narrow", "number", "refuses")
    narrow = make_explainer("narrow", crack)
    images = np.zeros((2, narrow.size, narrow.size, 3), np.uint8)
    with pytest.raises(PluginError, match=r"narrow of clumsy 0\.3 failed .*its saliency is \(2, 3"):
        narrow.explain(images, np.zeros(2, np.int64))

    class Stopped(Progress):
        @property
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        narrow.explain(images, np.zeros(2, np.int64), Stopped())
    with pytest.raises(PluginError, match="needs a camera"):
        make_explainer("refuses", crack)
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(Exception, match="unknown method 'number'"),
    ):
        make_explainer("number", crack)
    assert (
        "The explainer plug-in number of clumsy 0.3 cannot be used (AttributeError" in caplog.text
    )


def test_a_backend_that_fails_is_named(tmp_path: Path) -> None:
    assert model_suffixes() == (".safetensors", ".onnx", ".half", ".toy")
    square = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(PluginError, match=r"toy of clumsy 0\.3 failed .*its head is \(2,\), not"):
        load_inspector(model_file(tmp_path, "")).inspect(square)
    for says, sentence in {
        "nothing": "load_metadata gave NoneType",
        "fails": "no such engine",
        "idle": "cannot run a model",
    }.items():
        with pytest.raises(PluginError, match=sentence):
            load_inspector(model_file(tmp_path, says))
    with pytest.raises(ModelFileError, match="several defect classes"):
        load_inspector(model_file(tmp_path, "classes"))
    with pytest.raises(PluginError, match="the warning before this says why"):
        load_metadata(model_file(tmp_path, "", ".half"))
    with pytest.raises(ModelFileError, match="does not exist"):
        load_metadata(tmp_path / "gone.toy")


def test_what_only_our_own_models_can_is_refused(tmp_path: Path) -> None:
    path = model_file(tmp_path, "")
    assert len(seen_digests(path)) == 0
    with pytest.raises(ModelFileError, match="loaded by a plug-in"):
        load_model(path)
