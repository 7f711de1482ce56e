"""A torch.export archive that a stranger crafted: nothing in it runs, and it takes no memory."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cfinspect.engine.base.device import choose_device
from cfinspect.engine.base.errors import CfinspectError
from cfinspect.engine.explain.archives import rebuilt_export
from cfinspect.engine.explain.external import ClassifierUsage, load_external
from cfinspect.engine.explain.program import is_formula

USAGE = ClassifierUsage(size=16)
CPU = choose_device("cpu", "fp32")
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """Of a sound archive."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.append(nn.Linear(4, 2))
    path = tmp_path_factory.mktemp("sound") / "sound.pt2"
    count = {0: torch.export.Dim("n", min=1, max=64)}
    example = (torch.zeros(2, 3, 16, 16),)
    torch.export.save(torch.export.export(net.eval(), example, dynamic_shapes=(count,)), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(members: Members, folder: Path) -> Path:
    path = folder / "crafted.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def part(members: Members, end: str) -> str:
    return next(name for name in members if name.endswith(end))


def with_json(
    members: Members, change: Callable[[Any], object], end: str = "models/model.json"
) -> Members:
    name = part(members, end)
    value = json.loads(members[name])
    change(value)
    return {**members, name: json.dumps(value).encode()}


def root(program: Any) -> Any:
    return program["graph_module"]["module_call_graph"][0]["signature"]


def first(program: Any) -> Any:
    return program["graph_module"]["graph"]["nodes"][0]


def renamed(members: Members, code: str) -> Members:
    """The input is called ``code`` everywhere."""
    name = part(members, "models/model.json")
    text = members[name].decode()
    own = json.loads(text)["graph_module"]["signature"]["input_specs"][-1]["user_input"]
    old = own["arg"]["as_tensor"]["name"]
    return {**members, name: text.replace(json.dumps(old), json.dumps(code)).encode()}


def spec(kind: str, context: str = "null") -> str:
    return json.dumps([1, {"type": kind, "context": context, "children_spec": []}])


PROGRAMS: dict[str, Callable[[Any], object]] = {
    "names of arguments": lambda p: root(p).update(forward_arg_names=["x=print('never')"]),
    "another operator": lambda p: first(p).update(target="torch.os.system"),
    "a module's operator": lambda p: first(p).update(target="math.__loader__"),
    "an operator on files": lambda p: first(p).update(target="torch.ops.aten.from_file.default"),
    "a library's operator": lambda p: first(p).update(target="torch.ops.evil.system.default"),
    "an extension's operator": lambda p: first(p).update(target="#evil:print"),
    "an operator as a value": lambda p: first(p)["inputs"][0].update(arg={"as_operator": "print"}),
    "an object": lambda p: first(p)["inputs"][0].update(arg={"as_custom_obj": {"name": "a"}}),
    "a type to import": lambda p: root(p).update(in_spec=spec("evil.module.Class")),
    "an enumeration to import": lambda p: root(p).update(
        in_spec=spec("builtins.dict", '[{"__enum__": true, "fqn": "evil:name"}]')
    ),
    "a weight's path": lambda p: p["graph_module"]["signature"]["input_specs"][0][
        "parameter"
    ].update(parameter_name="a'];print('never')#"),
    "a key": lambda p: p["graph_module"]["graph"]["tensor_values"].update({"print()": {}}),
    "custom objects": lambda p: p["graph_module"]["graph"].update(custom_obj_values={"a": {}}),
    "a huge number": lambda p: p["range_constraints"].update(s0={"min_val": 1, "max_val": 10**80}),
    "half a program": lambda p: p.pop("graph_module"),
}


@pytest.mark.parametrize("change", PROGRAMS)
def test_programs_of_anything_but_networks_are_refused(
    change: str, members: Members, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(with_json(members, PROGRAMS[change]), tmp_path)
    with pytest.raises(CfinspectError, match=r"model\.json is damaged, or was changed by hand"):
        load_external(path, USAGE, CPU)
    assert "never" not in capsys.readouterr().out


def test_an_input_named_as_code_is_refused(members: Members, tmp_path: Path) -> None:
    with pytest.raises(CfinspectError, match="is no name"):
        load_external(written(renamed(members, "x=print('never')"), tmp_path), USAGE, CPU)


def test_what_only_describes_is_left_out(
    members: Members, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(program: Any) -> None:
        program["guards_code"] = ["print('never')"]
        first(program)["metadata"] = {"source_fn_stack": "a,os.system", "custom": "print('never')"}

    found = load_external(written(with_json(members, change), tmp_path), USAGE, CPU)
    whole = load_external(written(members, tmp_path), USAGE, CPU)
    x = torch.rand(3, 3, 16, 16)
    assert torch.equal(found.odds(x), whole.odds(x))
    assert "never" not in capsys.readouterr().out


def test_no_pickle_is_in_what_is_loaded(members: Members, tmp_path: Path) -> None:
    with zipfile.ZipFile(rebuilt_export(written(members, tmp_path))) as archive:
        assert archive.read("classifier/data/sample_inputs/model.pt") == b""


def grown(config: Any) -> None:
    meta = next(iter(config["config"].values()))["tensor_meta"]
    meta["sizes"] = [{"as_int": 10**6}, {"as_int": 10**6}]


def elsewhere(config: Any) -> None:
    next(iter(config["config"].values()))["path_name"] = "../../models/model.json"


@pytest.mark.parametrize("change", [grown, elsewhere])
def test_tensors_larger_than_their_bytes_are_refused(
    change: Callable[[Any], None], members: Members, tmp_path: Path
) -> None:
    changed = with_json(members, change, "model_weights_config.json")
    with pytest.raises(CfinspectError, match=r"larger than what is stored|odd name"):
        rebuilt_export(written(changed, tmp_path))
    name = part(members, "weights/weight_0")
    empty = {**members, name: b""}  # torch would take zeros of the size that is written
    with pytest.raises(CfinspectError, match="larger than what is stored"):
        rebuilt_export(written(empty, tmp_path))


def test_a_name_that_stands_twice_is_refused(members: Members, tmp_path: Path) -> None:
    name = part(members, "model_weights_config.json")
    text = members[name].replace(b'"use_pickle": false', b'"use_pickle": true, "use_pickle": false')
    with pytest.raises(CfinspectError, match="stands twice"):
        rebuilt_export(written({**members, name: text}, tmp_path))


def test_a_compressed_archive_is_refused(members: Members, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, bytes(50_000_000) if name.endswith("weight_0") else content)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(CfinspectError, match="compressed, which no export is"):
        rebuilt_export(path)


def test_parts_that_overlap_are_refused(members: Members, tmp_path: Path) -> None:
    path = written(members, tmp_path)
    with zipfile.ZipFile(path) as archive:
        place = archive.start_dir  # of the list at the end, and of its first entry
    content = bytearray(path.read_bytes())
    content[place + 20 : place + 28] = (2**31).to_bytes(4, "little") * 2  # both sizes
    path.write_bytes(content)
    with pytest.raises(CfinspectError, match="larger than the whole"):
        rebuilt_export(path)


@pytest.mark.parametrize("two", ["before", "behind", "comment", "twice"])
def test_a_file_that_is_two_archives_is_refused(two: str, members: Members, tmp_path: Path) -> None:
    path = written(members, tmp_path)
    whole = path.read_bytes()
    if two == "twice":
        with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(part(members, "models/model.json"), b"{}")
    elif two == "comment":
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = b"PK\x05\x06" + bytes(18)
    else:
        path.write_bytes(whole + whole if two == "before" else whole + b"PK\x05\x06")
    with pytest.raises(CfinspectError, match=r"before|behind|twice|damaged"):
        rebuilt_export(path)


@pytest.mark.parametrize(
    ("formula", "harmless"),
    [
        ("Symbol('s77', positive=True, integer=True)", True),
        ("2*s0 + Max(1, s1)**2", True),
        ("9**9**9**9", False),
        ("2**999999999", False),
        ("1 << 999999999", False),
        ("[1, 2]", False),
        ("Max(*[1])", False),
        ("Symbol('__import__(1)')", False),
        ("+".join(["s0"] * 1000), False),
    ],
)
def test_formulas(formula: str, harmless: bool) -> None:
    assert is_formula(formula) is harmless
