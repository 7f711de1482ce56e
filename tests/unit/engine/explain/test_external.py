"""Classifiers from other programs: how they are read, used and refused."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.ace import Ace, AceSettings
from cfinspect.engine.explain.cam import gradcam, layercam
from cfinspect.engine.explain.external import ClassifierUsage, ExternalClassifier, load_external
from cfinspect.engine.explain.factory import open_classifier
from cfinspect.engine.explain.saliency import occlusion

CPU = choose_device("cpu", "fp32")
SIDE = 32
USAGE = ClassifierUsage(size=SIDE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))


def network(outputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, outputs),
    ).eval()


def saved(kind: str, folder: Path, *, flexible: bool = True) -> Path:
    example = torch.zeros(2 if flexible else 1, 3, SIDE, SIDE)
    place = folder / f"classifier.{kind}"
    net = network()
    if kind == "ts":
        torch.jit.save(torch.jit.trace(net, example), str(place))
    elif kind == "pt2":
        count = {0: torch.export.Dim("n", min=1, max=512)} if flexible else None
        torch.export.save(torch.export.export(net, (example,), dynamic_shapes=(count,)), place)
    else:
        torch.onnx.export(
            net,
            (example,),
            str(place),
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}} if flexible else None,
        )
    return place


def images(n: int = 5) -> Tensor:
    return torch.rand(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("flexible", [True, False])
@pytest.mark.parametrize("kind", ["ts", "pt2", "onnx"])
def test_every_format_answers_as_the_network_does(
    kind: str, flexible: bool, tmp_path: Path
) -> None:
    found = load_external(saved(kind, tmp_path, flexible=flexible), USAGE, CPU, trust=kind == "ts")
    x = images()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (USAGE.mean, USAGE.std))
    with torch.no_grad():
        logits = network()((x - mean) / std)
        expected = logits[:, 1] - logits[:, 0]
        assert torch.allclose(found.odds(x), expected, atol=1e-5)
    assert not found.no_gradients
    moved = x.requires_grad_(True)
    found.odds(moved).sum().backward()
    assert moved.grad is not None and float(moved.grad.abs().sum()) > 0


def test_onnx_that_onnx2torch_does_not_know_goes_by_onnxruntime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx2torch

    def unknown(_: str) -> nn.Module:
        raise NotImplementedError("Converter is not implemented")

    monkeypatch.setattr(onnx2torch, "convert", unknown)
    path = saved("onnx", tmp_path)
    found = load_external(path, USAGE, CPU)
    monkeypatch.undo()
    with torch.no_grad():
        assert torch.allclose(
            found.odds(images()), load_external(path, USAGE, CPU).odds(images()), atol=1e-5
        )
    assert "not implemented" in found.no_gradients
    maps = occlusion(found).explain(np.zeros((1, SIDE, SIDE, 3), np.uint8), np.zeros(1, np.int64))
    assert maps.saliency.shape == (1, SIDE, SIDE)
    with pytest.raises(CfinspectError, match="not implemented"):
        Ace(found, None, SIDE, AceSettings())  # type: ignore[arg-type]


def foreign(answer: Any, **usage: Any) -> ExternalClassifier:
    return ExternalClassifier(
        lambda x: answer.expand(len(x), *answer.shape),
        ClassifierUsage(size=SIDE, **usage),
        CPU,
        "stranger",
    )


def test_outputs_of_all_sorts() -> None:
    def odds(answer: list[float], **usage: Any) -> float:
        return float(foreign(torch.tensor(answer), **usage).odds(images(1))[0])

    assert odds([0.3, 2.3]) == pytest.approx(2.0)
    assert odds([0.3, 2.3], damaged=0) == pytest.approx(-2.0)
    assert odds([1.5]) == pytest.approx(1.5)
    # Three classes: damaged against all the others together.
    assert odds([0.0, 1.0, 0.0]) == pytest.approx(1 - np.log(2), abs=1e-6)
    assert odds([0.2, 0.8], outputs="probabilities") == pytest.approx(np.log(4), abs=1e-5)
    assert odds([0.8], outputs="probabilities") == pytest.approx(np.log(4), abs=1e-5)
    # Nearly sure answers keep a slope.
    sure = torch.tensor([[1e-9, 1 - 1e-9]], dtype=torch.float32, requires_grad=True)
    ExternalClassifier(
        lambda x: sure, ClassifierUsage(size=SIDE, outputs="probabilities"), CPU, "s"
    ).odds(images(1)).sum().backward()
    assert sure.grad is not None and float(sure.grad.abs().max()) > 1
    assert foreign(torch.zeros(1), threshold=0.8).limit == pytest.approx(np.log(4))
    with pytest.raises(CfinspectError, match="give --index"):
        odds([0.3, 2.3], damaged=2)
    with pytest.raises(CfinspectError, match="give --outputs logits"):
        odds([-3.0, 2.0], outputs="probabilities")
    with pytest.raises(CfinspectError, match="is no classifier"):
        foreign(torch.zeros(4, 8, 8)).odds(images(1))


def test_as_many_answers_as_images_are_needed() -> None:
    squeezed = ExternalClassifier(
        lambda x: torch.zeros(2), ClassifierUsage(size=SIDE), CPU, "squeezed"
    )
    with pytest.raises(CfinspectError, match="does not answer n images"):
        squeezed.odds(images(3))
    squeezed.one_by_one = True
    assert squeezed.odds(images(3)).shape == (3,)


def test_images_are_resized_to_its_input() -> None:
    found = ExternalClassifier(
        lambda x: torch.full((len(x), 1), float(x.shape[-1])),
        ClassifierUsage(size=16),
        CPU,
        "sides",
    )
    assert found.odds(torch.rand(2, 3, SIDE, SIDE)).tolist() == [16.0, 16.0]


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (print, ("this must never run",))


@pytest.mark.parametrize("name", ["plain.pt", "whole.pth"])
def test_pickles_are_refused_and_never_run(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if name == "plain.pt":
        path.write_bytes(pickle.dumps(Evil()))
    else:
        torch.save({"net": Evil()}, path)
    with pytest.raises(CfinspectError, match="pickle, which could run anything"):
        load_external(path, USAGE, CPU)
    assert "never" not in capsys.readouterr().out


def evil(protocol: int) -> bytes:
    return pickle.dumps(Evil(), protocol=protocol)


def saved_evil() -> bytes:
    found = io.BytesIO()
    torch.save(Evil(), found)
    return found.getvalue()


CHANGES = {
    "example inputs": ("data/sample_inputs/model.pt", saved_evil()),
    "example inputs, an old pickle": ("data/sample_inputs/model.pt", evil(0)),
    "old weights": ("data/weights/model.pt", evil(2)),
    "objects": ("data/constants/opaque_obj_0", evil(2)),
    "libraries": ("data/aotinductor/model/wrapper.so", b"elf"),
    "legacy": ("../serialized_example_inputs.pt", evil(2)),
    "twice": ("DATA/sample_inputs/model.pt", evil(2)),
    "two folders": ("/../b/data/sample_inputs/model.pt", evil(2)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_exports_with_anything_that_could_run_are_refused(
    change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content = CHANGES[change]
    path = tmp_path / "changed.pt2"
    changed(saved("pt2", tmp_path), path, name, content)
    with pytest.raises(CfinspectError, match=r"pickle|could bring code|holds a file twice"):
        load_external(path, USAGE, CPU)
    assert "never" not in capsys.readouterr().out


def changed(source: Path, target: Path, part: str, content: bytes) -> None:
    """With one member exchanged, or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        names = old.namelist()
        prefix = names[0].partition("/")[0]
        wanted = f"{prefix}/{part}"
        if part.startswith("../"):
            wanted = part.removeprefix("../")
        elif part.startswith("/../"):
            wanted = part.removeprefix("/../")
        for name in names:
            if name != wanted:
                new.writestr(name, old.read(name))
        new.writestr(wanted, content)


@pytest.mark.parametrize(
    "formula",
    [
        "print('never')",
        "(print)('never')",
        "[print][0]('never')",
        "Symbol('x').__class__",
        "pr\\u0069nt('never')",
        "Symbol('a') if print('never') else 1",
    ],
)
def test_formulas_that_could_run_are_refused(
    formula: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, path = saved("pt2", tmp_path), tmp_path / "changed.pt2"
    with zipfile.ZipFile(whole) as archive:
        name = next(name for name in archive.namelist() if name.endswith("models/model.json"))
        text = archive.read(name).decode()
    found = re.sub(r'("expr_str": ")[^"]*"', lambda m: f'{m[1]}{formula}"', text)
    assert found != text
    changed(whole, path, "models/model.json", found.encode())
    with pytest.raises(CfinspectError, match="changed by hand"):
        load_external(path, USAGE, CPU)
    assert "never" not in capsys.readouterr().out


def test_a_damaged_export_is_a_sentence(tmp_path: Path) -> None:
    whole, path = saved("pt2", tmp_path), tmp_path / "changed.pt2"
    for part, content in (("models/model.json", b"{"), ("data/weights/weight_0", b"1")):
        changed(whole, path, part, content)
        with pytest.raises(CfinspectError, match=r"changed by hand|cannot be loaded"):
            load_external(path, USAGE, CPU)


def test_files_that_are_nothing_are_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.pt"
    path.write_text("hello")
    with pytest.raises(CfinspectError, match="is no classifier that cfinspect reads"):
        load_external(path, USAGE, CPU)
    path = tmp_path / "notes.onnx"
    path.write_text("hello")
    with pytest.raises(CfinspectError, match="no ONNX file"):
        load_external(path, USAGE, CPU)
    with pytest.raises(CfinspectError, match="--input-size"):
        open_classifier(path, "cpu", "fp32", None)


def test_another_input_size_than_it_takes_is_told(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.reshape(-1, 3 * SIDE * SIDE)[:, :2]

    path = tmp_path / "fixed.ts"
    example = torch.zeros(1, 3, SIDE, SIDE)
    torch.jit.save(torch.jit.trace(Fixed(), example), str(path))
    with pytest.raises(CfinspectError, match="is --input-size right"):
        load_external(path, ClassifierUsage(size=20), CPU, trust=True)


def test_a_program_is_not_opened_without_trust(tmp_path: Path) -> None:
    path, victim = tmp_path / "program.pt", tmp_path / "settings"
    victim.write_bytes(b"mine, and to stay as it is")

    class Writes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.victim: str = str(victim)

        def forward(self, x: Tensor) -> Tensor:
            file = torch.from_file(self.victim, True, 4, dtype=torch.uint8)
            file.zero_()
            return x.mean(dim=[2, 3])

    torch.jit.save(torch.jit.script(Writes()), str(path))
    with pytest.raises(CfinspectError, match=r"is TorchScript: a program.*--trust"):
        load_external(path, USAGE, CPU)
    assert victim.read_bytes() == b"mine, and to stay as it is"


@pytest.mark.parametrize("flexible", [True, False])
def test_class_activation_maps_of_a_strangers_network(flexible: bool, tmp_path: Path) -> None:
    found = load_external(saved("onnx", tmp_path, flexible=flexible), USAGE, CPU)
    pictures = (images(2).permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
    for maker in (gradcam, layercam):
        maps = maker(found).explain(pictures, np.zeros(2, np.int64)).saliency
        assert maps.shape == (2, SIDE, SIDE)
        assert maps.max() > 0
    with pytest.raises(CfinspectError, match="use rise or occlusion"):
        gradcam(load_external(saved("ts", tmp_path), USAGE, CPU, trust=True))


@pytest.mark.parametrize(
    "usage", [{"size": 0}, {"std": (0.0, 1.0, 1.0)}, {"damaged": -1}, {"threshold": 1.0}]
)
def test_usages_that_cannot_be(usage: dict[str, Any]) -> None:
    with pytest.raises(CfinspectError, match="classifier: "):
        ClassifierUsage(**{"size": 32, **usage})
