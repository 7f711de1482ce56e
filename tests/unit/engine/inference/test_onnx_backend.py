"""onnxruntime answers as torch does, in bounded memory, and says what it cannot."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from recorded_progress import Recorded

from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.inference import onnx_backend
from cfinspect.engine.inference.backend import InspectionError, NetworkOutputs, require_shapes
from cfinspect.engine.inference.inspector import Inspector
from cfinspect.engine.inference.loading import load_inspector
from cfinspect.engine.inference.onnx_backend import OnnxBackend, choose_provider
from cfinspect.engine.inference.torch_backend import load_backend
from cfinspect.engine.model.onnx_file import Refit, read_onnx, write_onnx
from cfinspect.engine.networks.spec import NetworkSpec
from cfinspect.engine.synth.apples import make_apple
from cfinspect.engine.synth.cracks import make_crack
from cfinspect.resources import models_path

CRACK = models_path() / "crack.onnx"


@pytest.fixture(scope="module")
def tiles() -> NDArray[np.uint8]:
    """32 drawn walls of 96 px, half of them cracked."""
    rng = np.random.default_rng(7)
    return np.stack([make_crack(rng, 96, n % 2 == 0).image for n in range(32)])


def test_the_shipped_crack_model_answers_as_with_torch(tiles: NDArray[np.uint8]) -> None:
    ours = load_backend(CRACK.with_suffix(".safetensors"), "cpu", "fp32").run(tiles)
    theirs = OnnxBackend(CRACK, "cpu").run(tiles)
    for name in (field.name for field in dataclasses.fields(NetworkOutputs)):
        first, second = getattr(ours, name), getattr(theirs, name)
        assert (first is None) == (second is None), name
        if first is not None:
            assert np.abs(first - second).max() < 1e-3, name


def test_evidence_and_what_calibration_learns_from_are_those_of_torch(
    tiles: NDArray[np.uint8],
) -> None:
    ours = load_backend(CRACK.with_suffix(".safetensors"), "cpu", "fp32")
    theirs = OnnxBackend(CRACK, "cpu")
    assert ours.has_evidence and theirs.has_evidence
    assert np.abs(ours.evidence(tiles) - theirs.evidence(tiles)).max() < 1e-3
    first, second = ours.look_closer(tiles[:4]), theirs.look_closer(tiles[:4])
    assert np.abs(first.logits - second.logits).max() < 1e-3
    assert np.abs(first.features - second.features).max() < 1e-3
    assert np.array_equal(theirs.logits(tiles), theirs.run(tiles).logits)


def test_the_shipped_apple_model_inspects_as_with_torch() -> None:
    rng = np.random.default_rng(8)
    images = [make_apple(rng, 120, n % 2 == 0).image for n in range(12)]
    path = models_path() / "apple.onnx"
    ours = load_inspector(path.with_suffix(".safetensors"), "cpu", "fp32").inspect_many(images)
    theirs = load_inspector(path, "cpu", threads=1).inspect_many(images)
    for first, second in zip(ours, theirs, strict=True):
        assert first.label == second.label and first.reasons == second.reasons
        assert abs(first.score - second.score) < 1e-3
        assert (first.mask == second.mask).mean() > 0.999
        assert np.abs(first.counterfactual.astype(int) - second.counterfactual).max() <= 1


def test_squares_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        OnnxBackend(CRACK, "cpu").run(np.zeros((1, 64, 64, 3), np.uint8))


def test_a_photo_goes_through_windows() -> None:
    photo = make_crack(np.random.default_rng(3), 320, True).image
    found = Inspector(OnnxBackend(CRACK, "cpu")).inspect(photo)
    assert found.saliency.shape == photo.shape[:2] and found.label == 1


def with_graph(graph: onnx.GraphProto, path: Path, refit: Refit | None = None) -> Path:
    """The shipped model with another graph; the properties stay."""
    shipped = read_onnx(CRACK)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    data = model.SerializeToString()
    # What looks through the backbone has inputs that a small graph lacks.
    spec = NetworkSpec("compact") if refit is None else shipped.metadata.discriminator
    metadata = dataclasses.replace(shipped.metadata, discriminator=spec)
    write_onnx(path, dataclasses.replace(shipped, data=data, metadata=metadata, refit=refit))
    return path


def answering(nodes: list[onnx.NodeProto], *constants: onnx.TensorProto) -> onnx.GraphProto:
    shapes: dict[str, list[str | int | None]] = {
        "logits": ["n", 3],
        "counterfactual": ["n", 96, 96, 3],
        "flipped_logits": ["n", 3],
        "head": ["n"],
    }
    batch = helper.make_tensor_value_info("batch", TensorProto.UINT8, ["n", 96, 96, 3])
    outputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in shapes.items()]
    return helper.make_graph(nodes, "g", [batch], outputs, list(constants))


# Its memory is bounded for the whole process once, so that the graph has one of its own.
_GREEDY = """
import re, sys
from pathlib import Path
import numpy as np
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.base.progress import Cancelled
from cfinspect.engine.inference import onnx_backend
onnx_backend._MOST_MEMORY = 64 << 20
backend = onnx_backend.OnnxBackend(Path(sys.argv[1]), "cpu")
try:
    backend.run(np.zeros((4, 96, 96, 3), np.uint8))
except CfinspectError as error:
    print(error)
held = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(backend.most, int(held[1]) >> 10)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what was held")
def test_a_graph_that_takes_much_memory_is_a_sentence(tmp_path: Path) -> None:
    many = numpy_helper.from_array(np.array([128, 1024, 1024], np.int64), "many")
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    nodes = [helper.make_node("Expand", ["one", "many"], ["huge"])]
    nodes += [
        helper.make_node("ReduceMean", ["huge"], [name], keepdims=0)
        for name in ("logits", "counterfactual", "flipped_logits", "head")
    ]
    path = with_graph(answering(nodes, many, one), tmp_path / "bomb.onnx")
    done = subprocess.run(
        [sys.executable, "-c", _GREEDY, str(path)], capture_output=True, text=True, check=True
    )
    sentence, (most, held) = done.stdout.splitlines()[0], done.stdout.splitlines()[1].split()
    assert sentence.startswith("Not enough memory for one image of 96 px")
    assert most == "1" and int(held) < 450  # of 512 MiB that it asks for


def test_answers_of_another_shape_are_a_sentence(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["batch"], ["x"], to=TensorProto.FLOAT)]
    names = ("logits", "counterfactual", "flipped_logits", "head")
    nodes += [helper.make_node("Relu", ["x"], [name]) for name in names]
    backend = OnnxBackend(with_graph(answering(nodes), tmp_path / "odd.onnx"), "cpu")
    with pytest.raises(CfinspectError, match=r"its logits is \(1, 96, 96, 3\), not \(1, 3\)"):
        backend.run(np.zeros((1, 96, 96, 3), np.uint8))


def test_a_graph_without_the_answers_is_a_sentence(tmp_path: Path) -> None:
    graph = answering([helper.make_node("Cast", ["batch"], ["logits"], to=TensorProto.FLOAT)])
    del graph.output[1:]
    with pytest.raises(CfinspectError, match="convert it again"):
        OnnxBackend(with_graph(graph, tmp_path / "odd.onnx"), "cpu")


def test_a_graph_that_onnxruntime_refuses_is_a_sentence(tmp_path: Path) -> None:
    graph = answering([helper.make_node("Relu", ["nowhere"], ["logits"])])
    with pytest.raises(CfinspectError, match=r"onnxruntime .* cannot use .*odd\.onnx"):
        OnnxBackend(with_graph(graph, tmp_path / "odd.onnx"), "cpu")


def test_the_provider_is_what_is_asked_for_or_the_fastest() -> None:
    cpu, cuda, dml = (f"{one}ExecutionProvider" for one in ("CPU", "CUDA", "Dml"))
    assert choose_provider("auto", [cpu]) == (cpu, "no GPU provider")
    assert choose_provider("auto", [dml, cpu])[0] == dml
    assert choose_provider("auto", [dml, cuda, cpu])[0] == cuda
    assert choose_provider("cpu", [cuda, cpu])[0] == cpu
    assert choose_provider("cuda:0", [cuda, cpu])[0] == cuda
    with pytest.raises(CfinspectError, match="onnxruntime-gpu"):
        choose_provider("cuda", [cpu])
    for odd in ("tpu", "cuda:banana", "cpu:0", "dml:"):
        with pytest.raises(CfinspectError, match=f"unknown device '{odd}'"):
            choose_provider(odd, [cpu])


def test_a_file_that_could_be_of_another_format_is_run_as_what_was_checked(tmp_path: Path) -> None:
    """By four letters onnxruntime knows a format of its own, which nobody here has checked."""
    version, producer = bytes([0x08, 0x0A]), bytes([0x12, 0x04]) + b"ORTM"
    path = tmp_path / "two.onnx"
    path.write_bytes(version + producer + CRACK.read_bytes())
    assert path.read_bytes()[4:8] == b"ORTM"
    assert OnnxBackend(path, "cpu").metadata == read_onnx(CRACK).metadata


def test_what_a_model_names_must_be_in_its_metadata(tmp_path: Path) -> None:
    outputs = NetworkOutputs(
        logits=np.zeros((2, 3), np.float32),
        counterfactual=np.zeros((2, 96, 96, 3), np.float32),
        flipped_logits=np.zeros((2, 3), np.float32),
        head=np.zeros(2, np.float32),
        mask_probability=np.zeros((2, 96, 96), np.float32),
    )
    shipped = read_onnx(CRACK)
    require_shapes(outputs, 2, shipped.metadata, shipped.familiar)
    for changed, said in (
        ({"named": np.zeros((2, 3), np.float32)}, "its metadata names none"),
        ({"appearance": np.zeros((2, 5), np.float32)}, r"its appearance is \(2, 5\), not"),
        ({"appearance": np.full((2, 384), np.nan, np.float32)}, "appearance is not a number"),
        ({"mask_probability": None}, "its mask_probability is"),
    ):
        with pytest.raises(ValueError, match=said):
            require_shapes(
                dataclasses.replace(outputs, **changed), 2, shipped.metadata, shipped.familiar
            )


def test_upper_case_in_the_suffix_is_no_other_format(tmp_path: Path) -> None:
    path = tmp_path / "CRACK.ONNX"
    path.write_bytes(CRACK.read_bytes())
    assert load_inspector(path, "cpu").backend.metadata == read_onnx(CRACK).metadata


def test_another_precision_is_refused() -> None:
    with pytest.raises(CfinspectError, match="computes in fp32"):
        OnnxBackend(CRACK, "cpu", "bf16")


def test_memory_runs_out_for_many_and_not_for_few(
    tiles: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = OnnxBackend(CRACK, "cpu")
    assert backend.most == 2
    session, asked = backend._session, []

    class Small:
        """A session that has room for one square."""

        def run(self, names: list[str], feeds: dict[str, NDArray[np.uint8]], how: object) -> object:
            asked.append(len(feeds[onnx_backend.INPUT]))
            if asked[-1] > 1:
                raise RuntimeError("Failed to allocate memory for requested buffer")
            return session.run(names, feeds, how)

    monkeypatch.setattr(backend, "_session", Small())
    found = backend.run(tiles[:10])
    assert asked == [2, *[1] * 10] and len(found.logits) == 10


def test_several_threads_answer_as_one_does_and_in_order() -> None:
    rng = np.random.default_rng(6)
    sides = (96, 128, 60, 300, 110, 96, 1500, 90, 128, 96, 96, 100, 96)
    images = [make_crack(rng, side, n % 2 == 0).image for n, side in enumerate(sides)]
    one, many = (OnnxBackend(CRACK, "cpu", threads=count) for count in (1, 4))
    assert (one.workers, many.workers) == (1, 4)
    few = [image for image in images if len(image) < 1000]
    found = list(Inspector(many).inspect_many(few))
    for image, first, second in zip(few, Inspector(one).inspect_many(few), found, strict=True):
        assert second.saliency.shape == image.shape[:2]
        assert first.label == second.label and abs(first.score - second.score) < 1e-5
        assert np.abs(first.saliency - second.saliency).max() < 1e-4


def test_a_stop_in_a_photo_is_heard_by_all_threads() -> None:
    photo = make_crack(np.random.default_rng(3), 700, True).image
    inspector = Inspector(OnnxBackend(CRACK, "cpu", threads=4))
    with pytest.raises(Cancelled):
        inspector.inspect(photo, Recorded(after=0))
    assert inspector.inspect(photo[:96, :96]).score >= 0
    inspector.close()
    with pytest.raises(InspectionError, match="closed"):
        inspector.inspect(photo[:96, :96])


@pytest.mark.parametrize(("size", "cores", "workers"), [(96, 16, 4), (96, 2, 2), (1024, 16, 1)])
def test_large_squares_leave_room_for_fewer_threads(size: int, cores: int, workers: int) -> None:
    backend = OnnxBackend(CRACK, "cpu", threads=1)
    preprocessing = dataclasses.replace(backend.metadata.preprocessing, size=size)
    backend.metadata = dataclasses.replace(backend.metadata, preprocessing=preprocessing)
    backend._choose("CPUExecutionProvider", cores, None)
    assert backend.workers == workers
    backend._choose("CUDAExecutionProvider", cores, None)
    assert (backend.workers, backend.most) == (1, 64)


def test_a_model_converted_by_an_earlier_version_is_a_sentence(tmp_path: Path) -> None:
    shipped = read_onnx(CRACK)
    write_onnx(tmp_path / "old.onnx", dataclasses.replace(shipped, refit=None))
    with pytest.raises(InspectionError, match="earlier version: convert it again"):
        OnnxBackend(tmp_path / "old.onnx", "cpu")


def test_evidence_of_another_shape_is_refused(tiles: NDArray[np.uint8]) -> None:
    backend = OnnxBackend(CRACK, "cpu")
    assert backend.evidence(tiles[:1]).shape == (1, 48, 48)
    for shape in ((1, 0, 0), (1, 47, 48), (1, 48), (2, 48, 48)):
        with pytest.raises(ValueError, match="its evidence is"):
            backend._require_shapes({"evidence": np.zeros(shape, np.float32)}, 1)
