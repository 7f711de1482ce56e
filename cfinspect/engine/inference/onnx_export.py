"""A model as an ONNX graph that answers as torch does, for machines without torch."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError, first_line
from cfinspect.engine.inference.backend import NetworkOutputs
from cfinspect.engine.inference.forward import answers
from cfinspect.engine.inference.onnx_backend import (
    ANSWERS,
    ATTENDED,
    EVIDENCE,
    INPUT,
    REFIT_SHIFT,
    REFIT_WEIGHT,
    OnnxBackend,
)
from cfinspect.engine.inference.torch_backend import TorchBackend
from cfinspect.engine.metrics.probability import probabilities, score
from cfinspect.engine.model.file import Model, file_digest, load_model, require_inspecting
from cfinspect.engine.model.onnx_file import OnnxModel, Refit, write_onnx
from cfinspect.engine.networks.projected import Heads, refittable_heads
from cfinspect.engine.synth.apples import make_apple
from cfinspect.engine.synth.cracks import make_crack

OPSET = 20
CLOSE = 1e-3  # most that a score may differ
_NEAR = 2e-3  # of the threshold: there a label may differ
_PICTURES = 0.5 / 255  # most that counterfactuals differ on average, half a grey level
_DRAWN = 24


class ConversionError(CfinspectError):
    """A model that cannot be converted, or whose graph answers otherwise."""


@dataclass(frozen=True)
class Conversion:
    """What was made: ``bytes`` of the file, ``opset`` and ``producer`` of its graph.

    How much it differs from torch at most, on ``images`` squares of noise and drawn ones:
    ``score`` (0..1), ``counterfactual`` and ``mask_probability`` (0..1, means over a square; None
    where the model has no segmenter).
    """

    bytes: int
    opset: int
    producer: str
    images: int
    score: float
    counterfactual: float
    mask_probability: float | None


def convert_model(path: Path, out: Path, *, half: bool = False) -> Conversion:
    """Write the model file ``path`` as ONNX to ``out``, once it was found to answer as torch does.

    Weights that 16 bit hold exactly take 16 bit each, with ``half`` all others too. Raises
    ModelFileError, or ConversionError with a sentence; nothing is written then.
    """
    model = load_model(path)
    require_inspecting(path, model.metadata)
    if model.metadata.asks_each_class:
        raise ConversionError(
            f"{path} asks each of several defect classes, which a converted model cannot: train "
            "one whose D names them (the default for several classes)"
        )
    graph, producer = _exported(model, half)
    source = f"{path.name}, {file_digest(path)}"
    refit = None
    if heads := refittable_heads(model.generator, model.discriminator):
        assert heads[0].refit is not None
        refit = Refit(np.zeros(heads[0].refit.in_features, np.float32), 0.0)
    made = OnnxModel(graph, model.metadata, model.seen, model.familiar, source, refit)
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / "tried.onnx"
        write_onnx(tried, made)
        found = _compared(path, model, tried, producer, half)
    write_onnx(out, made)
    return found


class _Runnable(nn.Module):
    """All networks as one: squares (n, S, S, 3) uint8 -> what ``NetworkOutputs`` holds."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.generator = model.generator.requires_grad_(False)
        self.discriminator = model.discriminator.requires_grad_(False)
        self.segmenter = model.segmenter
        self.tta = model.metadata.preprocessing.tta

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """See the class; an answer that a model does not give is left out."""
        x = batch.permute(0, 3, 1, 2).to(torch.float32) / 255
        found = answers(self.generator, self.discriminator, self.segmenter, x, self.tta, True)
        return {name: value for name, value in found.items() if value is not None}


class _Refittable(nn.Module):
    """The same for a D that calibration can refit: what it learns comes in with the squares."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        for heads in refittable_heads(model.generator, model.discriminator):
            heads.make_refittable()
        self.inner = _Runnable(model)
        parts = self.inner.named_modules()
        self.heads = [name for name, part in parts if isinstance(part, Heads)]

    def forward(
        self, batch: torch.Tensor, refit_weight: torch.Tensor, refit_shift: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Add ``refit_weight`` (C,) and ``refit_shift`` () to what D and G's prior go by."""
        changed = {}
        for heads in self.heads:
            weight, bias = f"{heads}.refit.weight", f"{heads}.whole.1.bias"
            changed[weight] = self.inner.get_parameter(weight) + refit_weight
            damaged = torch.tensor([0.0, 1.0, 0.0])
            changed[bias] = self.inner.get_parameter(bias) + damaged * refit_shift
        found: dict[str, torch.Tensor] = functional_call(self.inner, changed, (batch,))
        return found


def _exported(model: Model, half: bool) -> tuple[bytes, str]:
    """The graph as the bytes of an ONNX file without properties, and what made it."""
    try:
        import onnx  # noqa: PLC0415  (of the extra "convert")
        import onnxruntime  # noqa: F401, PLC0415
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConversionError(
            f"Converting needs the package {error.name}, which no bundle has: with Python, pip "
            "install 'cfinspect[convert]'"
        ) from error
    size = model.metadata.preprocessing.size
    squares = torch.zeros((4, size, size, 3), dtype=torch.uint8)
    shapes: dict[str, dict[int, Any]] = {INPUT: {0: torch.export.Dim("n", min=1, max=4096)}}
    network: nn.Module
    if heads := refittable_heads(model.generator, model.discriminator):
        network = _Refittable(model).eval()
        assert heads[0].refit is not None
        weight = torch.zeros(heads[0].refit.in_features)
        example: tuple[torch.Tensor, ...] = (squares, weight, torch.tensor(0.0))
        shapes |= {REFIT_WEIGHT: {}, REFIT_SHIFT: {}}
    else:
        network, example = _Runnable(model).eval(), (squares,)
    with torch.inference_mode():
        found = network(*example)
        names = [name for name in (*ANSWERS, EVIDENCE, ATTENDED) if name in found]
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                network,
                example,
                input_names=list(shapes),
                output_names=names,
                dynamic_shapes=shapes,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # torch's exporter has many kinds
        raise ConversionError(f"torch cannot export these networks: {first_line(error)}") from error
    assert program is not None
    proto = program.model_proto
    _strip(proto)
    _narrow(onnx, proto, half)
    return proto.SerializeToString(), f"{proto.producer_name} {proto.producer_version}"


@contextlib.contextmanager
def _quiet() -> Any:
    """torch's exporter tells developers much that is of no use here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _strip(proto: Any) -> None:
    """Take out notes for developers: they name files and folders of this machine."""
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.initializer):
        part.doc_string = ""
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
    for part in (*proto.graph.input, *proto.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    del proto.graph.value_info[:]


def _narrow(onnx: Any, proto: Any, half: bool) -> None:
    """Store weights as 16 bit where these hold them exactly, or all with ``half``.

    The graph widens them again once, when it is loaded.
    """
    widened = []
    for tensor in proto.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float16)
        exact = np.array_equal(narrow.astype(np.float32), values)
        if values.size < 2 or not (exact or (half and np.isfinite(narrow).all())):
            continue
        name = f"{tensor.name}.16bit"
        cast = onnx.helper.make_node("Cast", [name], [tensor.name], to=onnx.TensorProto.FLOAT)
        tensor.CopyFrom(onnx.numpy_helper.from_array(narrow, name))
        widened.append(cast)
    nodes = [*widened, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


def _compared(path: Path, model: Model, tried: Path, producer: str, half: bool) -> Conversion:
    """How much the graph in ``tried`` differs; ConversionError where that is too much."""
    squares = _squares(model.metadata.preprocessing.size)
    ours = TorchBackend(model, choose_device("cpu", "fp32")).run(squares)
    theirs = OnnxBackend(tried, "cpu").run(squares)
    decision = model.metadata.decision
    first, second = (_scores(one, decision.temperature) for one in (ours, theirs))
    apart = np.abs(first - second)
    clear = np.abs(first - decision.score_threshold) > _NEAR
    turned = ((first >= decision.score_threshold) != (second >= decision.score_threshold)) & clear
    pictures = float(np.abs(ours.counterfactual - theirs.counterfactual).mean(axis=(1, 2, 3)).max())
    masks = None
    if ours.mask_probability is not None and theirs.mask_probability is not None:
        between = np.abs(ours.mask_probability - theirs.mask_probability)
        masks = float(between.mean(axis=(1, 2)).max())
    if turned.any() or apart.max() > CLOSE or pictures > _PICTURES or (masks or 0) > CLOSE:
        raise ConversionError(
            f"{path} answers otherwise once it is converted (scores differ by up to "
            f"{apart.max():.2g}, counterfactuals by {255 * pictures:.2g} grey levels): nothing was "
            f"written; {'leave --half out, or ' if half else ''}inspect with the original"
        )
    return Conversion(
        tried.stat().st_size, OPSET, producer, len(squares), float(apart.max()), pictures, masks
    )


def _scores(outputs: NetworkOutputs, temperature: float) -> NDArray[np.float64]:
    return np.asarray(score(probabilities(outputs.logits, temperature)), dtype=np.float64)


def _squares(size: int) -> NDArray[np.uint8]:
    """Noise, cracks and apples (n, size, size, 3), the same each time."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, size, size, 3)).astype(np.uint8)
    makers = (make_crack, make_apple)
    drawn = [makers[i % 2](rng, size, i % 4 < 2).image for i in range(_DRAWN)]
    return np.concatenate([noise, np.stack(drawn)])
