"""ONNX files that a stranger crafted: they open no other file, end in time, and take no memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain import onnx_process
from cfinspect.engine.explain.external import ClassifierUsage, load_external
from cfinspect.engine.explain.onnx_process import OnnxProcess, checked_onnx

SIDE = 16
USAGE = ClassifierUsage(size=SIDE)
CPU = choose_device("cpu", "fp32")
WEIGHTS = numpy_helper.from_array(np.ones((3, 2), np.float32), "W")
POOLED = [
    helper.make_node("GlobalAveragePool", ["x"], ["p"]),
    helper.make_node("Flatten", ["p"], ["f"]),
]
LINEAR = helper.make_node("MatMul", ["f", "W"], ["y"])
ADDED = [
    helper.make_node("MatMul", ["f", "W"], ["z"]),
    helper.make_node("Add", ["z", "r"], ["y"]),
]


def network(
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto],
    functions: list[onnx.FunctionProto] | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        [*POOLED, *nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n", 3, SIDE, SIDE))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 2))],
        weights,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions)
    model.ir_version = 9
    return model


def written(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "crafted.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def outside(location: str) -> TensorProto:
    tensor = TensorProto(name="W", data_type=TensorProto.FLOAT, dims=[3, 2])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "24")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def endless() -> onnx.NodeProto:
    boolean, number = TensorProto.BOOL, TensorProto.FLOAT
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Identity", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", boolean, []),
            helper.make_tensor_value_info("v", number, None),
        ],
        [
            helper.make_tensor_value_info("d", boolean, []),
            helper.make_tensor_value_info("w", number, None),
        ],
    )
    return helper.make_node("Loop", ["", "true", "z"], ["y"], body=body)


def test_a_plain_network_is_answered(tmp_path: Path) -> None:
    model = checked_onnx(written(network([LINEAR], [WEIGHTS]), tmp_path))
    process = OnnxProcess(model.SerializeToString())
    found = process(np.ones((2, 3, SIDE, SIDE), np.float32))
    assert found.tolist() == [[3.0, 3.0]] * 2
    with pytest.raises(ValueError, match="x"):
        process(np.ones((2, 1, SIDE, SIDE), np.float32))
    assert process(np.zeros((1, 3, SIDE, SIDE), np.float32)).tolist() == [[0.0, 0.0]]
    process.close()
    with pytest.raises(ValueError, match="does not answer"):
        process(np.ones((2, 3, SIDE, SIDE), np.float32))


@pytest.mark.parametrize("location", ["/etc/passwd", "../../etc/passwd", "pipe", "/dev/zero"])
def test_weights_in_other_files_are_refused_unopened(location: str, tmp_path: Path) -> None:
    if location == "pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # to open it would take for ever
    with pytest.raises(CfinspectError, match="has weights in other files"):
        load_external(written(network([LINEAR], [outside(location)]), tmp_path), USAGE, CPU)
    constant = helper.make_node("Constant", [], ["W"], value=outside(location))
    constant.attribute[0].t.name = "W"
    with pytest.raises(CfinspectError, match="has weights in other files"):
        checked_onnx(written(network([constant, LINEAR], []), tmp_path))


def test_loops_and_functions_are_refused(tmp_path: Path) -> None:
    true = numpy_helper.from_array(np.array(True), "true")
    loop = network([ADDED[0], endless()], [WEIGHTS, true])
    with pytest.raises(CfinspectError, match="has a loop or a condition"):
        load_external(written(loop, tmp_path), USAGE, CPU)
    inside = helper.make_node("Identity", ["a"], ["b"])
    own = helper.make_function("own", "F", ["a"], ["b"], [inside], [helper.make_opsetid("", 17)])
    with pytest.raises(CfinspectError, match="has functions"):
        load_external(written(network([LINEAR], [WEIGHTS], [own]), tmp_path), USAGE, CPU)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory cannot be limited so")
@pytest.mark.parametrize("kind", ["ConstantOfShape", "Expand"])
def test_giant_tensors_are_refused(kind: str, tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([60_000, 60_000], np.int64), "s")
    if kind == "Expand":
        one = helper.make_node("ReduceSum", ["f"], ["one"], keepdims=0)
        large = [one, helper.make_node("Expand", ["one", "s"], ["big"])]
    else:
        large = [helper.make_node("ConstantOfShape", ["s"], ["big"])]
    nodes = [*large, helper.make_node("ReduceMax", ["big"], ["r"], keepdims=0), *ADDED]
    with pytest.raises(CfinspectError, match=r"crafted\.onnx"):
        load_external(written(network(nodes, [WEIGHTS, shape]), tmp_path), USAGE, CPU)


def test_what_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = OnnxProcess(network([LINEAR], [WEIGHTS]).SerializeToString())
    monkeypatch.setattr(onnx_process, "_START_SECONDS", 0.0)
    monkeypatch.setattr(onnx_process, "_IMAGE_SECONDS", 0.0)
    with pytest.raises(ValueError, match=r"takes more than 0 s|does not answer"):
        for _ in range(100):
            process(np.ones((64, 3, SIDE, SIDE), np.float32))


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), b"\x08\x09" * 900])
def test_files_that_are_no_network_are_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "crafted.onnx"
    path.write_bytes(content)
    with pytest.raises(CfinspectError, match="no ONNX file that can be read"):
        load_external(path, USAGE, CPU)
