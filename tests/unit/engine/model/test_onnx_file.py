"""Converted models as files: what onnx itself reads in them, and what crafted ones may not do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.model.file import ModelFileError, load_metadata, load_model, seen_digests
from cfinspect.engine.model.metadata import Decision
from cfinspect.engine.model.onnx_file import (
    ARRAYS,
    CARD,
    is_converted,
    read_onnx,
    with_properties,
    write_onnx,
)
from cfinspect.engine.model.plugins import ONNX_SUFFIX
from cfinspect.resources import models_path

SHIPPED = models_path() / f"crack{ONNX_SUFFIX}"
Change = Callable[[onnx.ModelProto], object]


@pytest.fixture(scope="module")
def sound() -> onnx.ModelProto:
    """The shipped model's properties about a graph of one node."""
    shipped = onnx.load(str(SHIPPED))
    node = helper.make_node("Relu", ["x"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    graph = helper.make_graph([node], "g", values[:1], values[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    helper.set_model_props(model, {one.key: one.value for one in shipped.metadata_props})
    return model


def test_the_shipped_one_says_what_its_original_says() -> None:
    original = SHIPPED.with_suffix(".safetensors")
    assert load_metadata(SHIPPED) == load_metadata(original)
    assert np.array_equal(seen_digests(SHIPPED), seen_digests(original))
    familiar, theirs = read_onnx(SHIPPED).familiar, load_model(original).familiar
    assert familiar is not None and theirs is not None
    for name, value in theirs.tensors().items():
        assert np.array_equal(familiar.tensors()[name], value)


def test_other_properties_leave_the_graph_as_it_is(tmp_path: Path) -> None:
    before = read_onnx(SHIPPED)
    decision = dataclasses.replace(before.metadata.decision, score_threshold=0.25)
    changed = dataclasses.replace(before, metadata=before.metadata.with_decision(decision))
    write_onnx(tmp_path / "new.onnx", changed)
    assert isinstance(decision, Decision)
    assert load_metadata(tmp_path / "new.onnx").decision == decision
    ours, theirs = (onnx.load(str(path)) for path in (tmp_path / "new.onnx", SHIPPED))
    assert ours.graph == theirs.graph
    onnx.checker.check_model(ours)


def test_properties_are_written_as_onnx_reads_them(sound: onnx.ModelProto) -> None:
    data = with_properties(sound.SerializeToString(), {"name": "Süd 南", "long": "x" * 100_000})
    found = onnx.load_from_string(data)
    assert {one.key: one.value for one in found.metadata_props} == {
        "name": "Süd 南",
        "long": "x" * 100_000,
    }
    assert found.graph == sound.graph


def _loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["n", "c"], ["z"], body=body))


def _inside(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Relu", ["x"], ["z"], body=body))


def _outside(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _constant_outside(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.ones(3, np.float32))
    tensor.external_data.add(key="location", value="../secret")
    model.graph.node.append(helper.make_node("Constant", [], ["z"], value=tensor))


def _function(model: onnx.ModelProto) -> None:
    relu = helper.make_node("Relu", ["x"], ["y"])
    model.functions.append(
        helper.make_function("own", "F", ["x"], ["y"], [relu], [helper.make_opsetid("", 20)])
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_loop, "'Loop' is none that converted models use|holds a graph of its own"),
        (_inside, "holds a graph of its own"),
        (_outside, "weights lie in another file"),
        (_constant_outside, "weights lie in another file"),
        (_function, "holds functions"),
        (lambda m: m.graph.node[0].MergeFrom(onnx.NodeProto(domain="com.x")), "another program"),
        (lambda m: m.graph.node[0].MergeFrom(onnx.NodeProto(op_type="Evil")), "'Evil' is none"),
        (lambda m: m.graph.sparse_initializer.add(), "sparse tensors"),
        (lambda m: m.graph.node.extend(list(m.graph.node) * 20_001), "more than any network"),
        (lambda m: m.graph.Clear(), "holds no graph"),
        (lambda m: m.ClearField("metadata_props"), "not made by cfinspect"),
        (lambda m: helper.set_model_props(m, {CARD: "{}", ARRAYS: ""}), "not a cfinspect model"),
    ],
)
def test_a_graph_that_does_more_than_a_network_is_refused(
    sound: onnx.ModelProto, tmp_path: Path, change: Change, said: str
) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(sound)
    change(model)
    path = tmp_path / "crafted.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(CfinspectError, match=said):
        load_metadata(path)
    # Ours, be it crafted: its own fault is told, not that it is a stranger.
    assert is_converted(path) == (said != "not made by cfinspect")


def test_files_cut_short_or_changed_are_sentences(sound: onnx.ModelProto, tmp_path: Path) -> None:
    data = sound.SerializeToString()
    path = tmp_path / "part.onnx"
    rng = np.random.default_rng(0)
    for end in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:end])
        with pytest.raises(CfinspectError):
            read_onnx(path)
    for _ in range(300):
        changed = np.frombuffer(data, np.uint8).copy()
        changed[rng.integers(0, len(data), 5)] = rng.integers(0, 256, 5)
        path.write_bytes(changed.tobytes())
        try:
            read_onnx(path)
        except CfinspectError:
            continue


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _field(tag: int, inside: bytes) -> bytes:
    return _varint(tag) + _varint(len(inside)) + inside


@pytest.mark.parametrize("number", [1 << 32 | 1 << 3 | 2, 1 << 60 | 1 << 3 | 2, 2])
def test_a_node_behind_a_tag_that_others_cut_is_no_hiding_place(
    sound: onnx.ModelProto, tmp_path: Path, number: int
) -> None:
    hidden = _field(number, helper.make_node("Loop", ["x"], ["y"]).SerializeToString())
    graph = sound.graph.SerializeToString() + hidden
    path = tmp_path / "crafted.onnx"
    path.write_bytes(sound.SerializeToString() + _field(7 << 3 | 2, graph))
    with pytest.raises(CfinspectError, match="a number that none can have"):
        read_onnx(path)


@pytest.mark.parametrize("length", [1 << 33, 1 << 62, (1 << 64) - 1, 1 << 64])
def test_a_number_in_the_place_of_a_text_makes_no_text_of_that_length(
    sound: onnx.ModelProto, tmp_path: Path, length: int
) -> None:
    path = tmp_path / "crafted.onnx"
    entry = _varint(1 << 3) + _varint(length)
    path.write_bytes(sound.SerializeToString() + _field(14 << 3 | 2, entry))
    with pytest.raises(CfinspectError, match="a number stands where"):
        read_onnx(path)


@pytest.mark.parametrize("inside", [b"\x08\x00", b"\x0a\x00"])
def test_parts_without_end_are_counted(
    sound: onnx.ModelProto, tmp_path: Path, inside: bytes
) -> None:
    path = tmp_path / "crafted.onnx"
    path.write_bytes(sound.SerializeToString() + _field(7 << 3 | 2, inside * 600_000))
    with pytest.raises(
        CfinspectError, match=r"more parts than|is none that converted|number stands"
    ):
        read_onnx(path)


def test_what_a_converted_model_cannot_do_names_its_original() -> None:
    with pytest.raises(ModelFileError, match=r"converted model.*crack\.safetensors, [0-9a-f]{16}"):
        load_model(SHIPPED)
