"""Options of ``cfinspect explain`` that do not go together."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cfinspect.cli import app
from cfinspect.engine.synth import write_folder
from cfinspect.resources import shipped_models

WORDS = [
    (("--method", "ace"), "belong together"),
    (("--method", "lime"), "give one of ace"),
    (("--method", "rise", "--target", "rotten"), "give other, undamaged or damaged"),
    (("--method", "rise", "--input-size", "64"), "knows how it is used"),
    (("--method", "ace", "--preset", "mnist"), "give one of default"),
    (("--method", "ace", "--tau", "0"), "tau must be"),
    (("--method", "rise", "--mean", "a,b", "--input-size", "8"), "three numbers"),
    (("--method", "rise", "--mean", "0,0,0"), "--mean means nothing"),
    (("--method", "rise", "--tau", "3"), "--tau means nothing"),
    (("--method", "cfgan", "--rise-masks", "3"), "--rise-masks means nothing"),
    (("--method", "ace", "--weight", "1", "--quantile", "0.5"), "--weight means nothing"),
    (("--method", "ace", "--no-refine", "--dilation", "3"), "--dilation means nothing"),
    (("--method", "rise", "--outputs", "odds", "--input-size", "8"), "logits or probabilities"),
]


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("walls"), "crack", count=2, size=48, seed=1)


@pytest.mark.parametrize(("words", "told"), WORDS)
def test_what_does_not_go_together_is_a_sentence(
    walls: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    model = shipped_models()["crack"]
    if "--input-size" in words and told != "knows how it is used":
        model = tmp_path / "theirs.onnx"
        model.write_bytes(b"another program's")
    if "ace" in words and told != "belong together":
        words = (*words, "--diffusion", str(model))
    given = ["explain", str(model), str(walls / "damaged"), "--out", str(tmp_path / "out"), *words]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "out").exists()
