"""A converted model: one ONNX file, the networks as a graph and all else as its properties.

The file is read with neither torch nor onnx: of protocol buffers (https://protobuf.dev, "Encoding")
only the outer layers are looked at. A graph from a stranger is a program, so that it may only do
what converted networks do: operators by name, no loops, no files beside it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors import numpy as numpy_tensors

from cfinspect.engine.base.atomic import write_atomically
from cfinspect.engine.base.errors import CfinspectError, first_line
from cfinspect.engine.model.familiar import FamiliarImages
from cfinspect.engine.model.metadata import ModelMetadata

CARD, ARRAYS, SOURCE = "cfinspect_card", "cfinspect_arrays", "cfinspect_source"
SEEN = "seen"
_WEIGHT, _SHIFT = "refit.weight", "refit.shift"
OPERATORS = frozenset(
    {
        *("Add", "And", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant"),
        *("ConstantOfShape", "Conv", "Div"),
        *("Equal", "Expand", "Gather", "Gelu", "Gemm", "Greater", "InstanceNormalization"),
        *("LayerNormalization", "LeakyRelu", "MatMul", "MaxPool", "Mul", "Not", "Pad", "Range"),
        *("ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Resize", "ScatterND"),
        *("Shape", "Sigmoid", "Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh", "TopK"),
        *("Transpose", "Unsqueeze", "Where"),
    }
)
_MOST_BYTES = 1 << 30
_MOST_NODES = 5_000
_MOST_FIELDS = 500_000  # a second of reading; the largest networks have a fifth of it
# Numbers of fields, from onnx.proto.
_GRAPH, _PROPERTIES, _TRAINING, _FUNCTIONS = 7, 14, 20, 25
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15
_OPERATOR, _ATTRIBUTE, _DOMAIN = 4, 5, 7
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS, _SPARSE, _SPARSES = 5, 6, 10, 11, 22, 23
_EXTERNAL, _LOCATION = 13, 14


class OnnxFileError(CfinspectError):
    """An ONNX file that is no converted model, is damaged, or does what none may do."""


@dataclass(frozen=True, eq=False)
class Refit:
    """What calibration adds to D's logit of damaged: ``weight`` (C,) on its features, ``shift``."""

    weight: NDArray[np.float32]
    shift: float

    def __post_init__(self) -> None:
        known = self.weight.ndim == 1 and self.weight.dtype == np.float32
        largest = float(np.finfo(np.float32).max)
        if not (known and np.isfinite(self.weight).all() and abs(self.shift) <= largest):
            raise ValueError("what calibration added is no list of numbers")


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A converted model as it was read.

    ``data``: the whole file, for onnxruntime. ``seen``, ``familiar``: as in ``file.Model``.
    ``source``: name and digest of the model file that it was made of. ``refit``: inputs of the
    graph where D looks through the pretrained backbone, else None.
    """

    data: bytes
    metadata: ModelMetadata
    seen: NDArray[np.uint64]
    familiar: FamiliarImages | None
    source: str
    refit: Refit | None = None


def read_onnx(path: Path) -> OnnxModel:
    """Read and check a converted model; raises OnnxFileError or MetadataError with a sentence."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise OnnxFileError(f"{path} has more than {_MOST_BYTES >> 20} MiB: no model is so big")
        data = path.read_bytes()
        properties = _checked(memoryview(data))
    except (OSError, ValueError) as error:
        raise OnnxFileError(
            f"{path} is not a readable ONNX file (wrong kind or cut short): {first_line(error)}"
        ) from error
    if CARD not in properties or ARRAYS not in properties:
        raise OnnxFileError(
            f"{path} was not made by cfinspect: it has no metadata. Another program's classifier "
            "can be explained ('cfinspect explain FILE --input-size ...'), not inspect"
        )
    metadata = ModelMetadata.from_json(properties[CARD])
    try:
        arrays = numpy_tensors.load(base64.b64decode(properties[ARRAYS], validate=True))
        seen = arrays[SEEN]
        if seen.dtype != np.int64 or seen.ndim != 1:
            raise ValueError("the hashes of seen images are of another kind")
        familiar = FamiliarImages.from_tensors(arrays)
        refit = None
        if _WEIGHT in arrays:
            refit = Refit(arrays[_WEIGHT], arrays[_SHIFT].item())
    except (TypeError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise OnnxFileError(
            f"{path}: its arrays do not fit ({first_line(error)}); made by another version of "
            "cfinspect, or changed by hand"
        ) from error
    source = properties.get(SOURCE, "")
    return OnnxModel(data, metadata, seen.view(np.uint64), familiar, source, refit)


def is_converted(path: Path) -> bool:
    """Whether it is one of ours, be it damaged, and not another program's classifier."""
    try:
        return path.stat().st_size <= _MOST_BYTES and CARD.encode() in path.read_bytes()
    except OSError:
        return False


def write_onnx(path: Path, model: OnnxModel) -> None:
    """Write the graph of ``model.data`` with the other fields as its properties, atomically.

    Raises OSError where it cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {SEEN: np.sort(model.seen).view(np.int64)}
    if model.familiar is not None:
        arrays |= {name: np.asarray(one) for name, one in model.familiar.tensors().items()}
    if model.refit is not None:
        arrays |= {
            _WEIGHT: model.refit.weight,
            _SHIFT: np.array([model.refit.shift], dtype=np.float32),
        }
    packed = base64.b64encode(numpy_tensors.save(arrays)).decode()
    properties = {CARD: model.metadata.to_json(), ARRAYS: packed, SOURCE: model.source}
    data = with_properties(model.data, properties)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda place: place.write_bytes(data))


def with_properties(data: bytes, properties: Mapping[str, str]) -> bytes:
    """The same ONNX file with ``properties`` in the place of those that it had."""
    kept = [bytes(raw) for number, _, raw in _fields(memoryview(data)) if number != _PROPERTIES]
    for name, value in properties.items():
        entry = _text_field(1, name) + _text_field(2, value)
        kept.append(_key(_PROPERTIES) + _length(len(entry)) + entry)
    return b"".join(kept)


def _checked(data: memoryview) -> dict[str, str]:
    """The properties of a file whose graph may run; ValueError for any other."""
    properties: dict[str, str] = {}
    nodes, left = 0, [_MOST_FIELDS]
    for number, value, _ in _fields(data, left):
        if number in {_TRAINING, _FUNCTIONS}:
            raise ValueError("it holds functions, which converted models do not")
        if number == _PROPERTIES:
            parts = _fields(_message(value), left)
            entry = {key: bytes(_message(text)) for key, text, _ in parts}
            properties[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
        elif number == _GRAPH:
            nodes += _check_graph(_message(value), left)
            if nodes > _MOST_NODES:
                raise ValueError(f"its graph has {nodes} nodes, more than any network here")
    if not nodes:
        raise ValueError("it holds no graph")
    return properties


def _check_graph(graph: memoryview, left: list[int]) -> int:
    nodes = 0
    for number, value, _ in _fields(graph, left):
        if number == _NODE:
            nodes += 1
            _check_node(_message(value), left)
        elif number == _INITIALIZER:
            _check_tensor(_message(value), left)
        elif number == _SPARSE_INITIALIZER:
            raise ValueError("it holds sparse tensors, which converted models do not")
    return nodes


def _check_node(node: memoryview, left: list[int]) -> None:
    operator = ""
    for number, value, _ in _fields(node, left):
        if number == _OPERATOR:
            operator = bytes(_message(value)).decode()
        elif number == _DOMAIN and len(_message(value)):
            raise ValueError("it uses operators of another program")
        elif number == _ATTRIBUTE:
            for kind, inner, _ in _fields(_message(value), left):
                if kind in {_SUBGRAPH, _SUBGRAPHS, _SPARSE, _SPARSES}:
                    raise ValueError(f"its operator {operator[:40]!r} holds a graph of its own")
                if kind in {_TENSOR, _TENSORS}:
                    _check_tensor(_message(inner), left)
    if operator not in OPERATORS:
        raise ValueError(f"its operator {operator[:40]!r} is none that converted models use")


def _check_tensor(tensor: memoryview, left: list[int]) -> None:
    for number, value, _ in _fields(tensor, left):
        if number == _EXTERNAL or (number == _LOCATION and value):
            raise ValueError("its weights lie in another file")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where a part of the file should")
    return value


def _fields(
    data: memoryview, left: list[int] | None = None
) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """Number, value and all bytes of each field of a message; ValueError where it is cut short.

    ``left``: how many fields may still be read, counted down.
    """
    place = 0
    while place < len(data):
        start = place
        key, place = _varint(data, place)
        kind = key & 7
        # Other readers cut such numbers, and so see another field than we do.
        if not 0 < key >> 3 < 1 << 29:
            raise ValueError("it holds a field with a number that none can have")
        if left is not None:
            left[0] -= 1
            if left[0] < 0:
                raise ValueError("it has more parts than any network here")
        value: int | memoryview
        if kind == 0:
            value, place = _varint(data, place)
        else:
            if kind == 2:
                length, place = _varint(data, place)
            elif kind in {1, 5}:
                length = 8 if kind == 1 else 4
            else:
                raise ValueError("it holds a field of an unknown kind")
            value, place = data[place : place + length], place + length
            if place > len(data):
                raise ValueError("it ends in the middle of a field")
        yield key >> 3, value, data[start:place]


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("it ends in the middle of a number")


def _key(number: int) -> bytes:
    return _length(number << 3 | 2)


def _length(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _text_field(number: int, text: str) -> bytes:
    data = text.encode()
    return _key(number) + _length(len(data)) + data
