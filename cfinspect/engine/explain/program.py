"""The program inside a torch.export archive: only what is known to compute, and nothing besides.

torch makes Python source of the names in it, imports the types that it mentions and looks operators
up by any path. So names must be names, types those of plain tuples, and operators those of
networks. What only describes (where a line of source came from, what was guarded) is dropped.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_PATH = re.compile(r"(?:[A-Za-z0-9_]{1,100}(?:\.[A-Za-z0-9_]{1,100}){0,30})?")  # of a weight
_TEXT = re.compile(r"[\w .,>+-]{0,100}", re.ASCII)  # such as a padding's mode
_PATHS = {"fqn", "parameter_name", "buffer_name", "tensor_constant_name"}
_TEXTS = {"as_string", "as_strings", "torch_version"}
_KINDS = {  # of arguments; others are programs inside, objects, or operators as values
    *("as_none", "as_tensor", "as_tensors", "as_optional_tensor", "as_optional_tensors"),
    *("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string"),
    *("as_strings", "as_sym_int", "as_sym_ints", "as_sym_bool", "as_sym_float", "as_scalar_type"),
    *("as_memory_format", "as_layout", "as_device", "as_name", "as_expr", "as_nested_tensors"),
}
# Of networks; each may have an overload, and "_" behind its name where it works in place.
_KNOWN = """
_ _assert_tensor_metadata _log_softmax _native_batch_norm_legit_no_training _softmax _to_copy
_unsafe_view abs acos acosh adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d
adaptive_max_pool2d add addmm alias alpha_dropout amax amin argmax argmin asin atan atan2
avg_pool1d avg_pool2d baddbmm batch_norm bitwise_and bitwise_not bitwise_or bmm cat
channel_shuffle chunk clamp clamp_max clamp_min clip clone concat constant_pad_nd contiguous
conv1d conv2d conv3d conv_transpose1d conv_transpose2d convolution cos cosh cumsum detach div
dropout elu embedding eq erf exp expand expand_as expm1 feature_dropout fill flatten flip floor
floor_divide fmod gather ge gelu getitem glu group_norm gt hardshrink hardsigmoid hardswish
hardtanh hstack index index_select instance_norm layer_norm le leaky_relu lerp linear log log10
log1p log2 log_sigmoid log_softmax logical_and logical_not logical_or logsumexp lt masked_fill
matmul max max_pool1d max_pool2d max_pool2d_with_indices maximum mean min minimum mish mm
movedim mul multi_head_attention_forward narrow native_batch_norm native_group_norm
native_layer_norm ne neg norm ones_like pad permute pixel_shuffle pixel_unshuffle pow prelu prod
reciprocal reflection_pad1d reflection_pad2d relu relu6 remainder replication_pad2d reshape
rms_norm roll round rrelu rsqrt rsub scaled_dot_product_attention select selu sigmoid sign silu
sin slice slice_scatter softmax softplus softshrink split split_with_sizes sqrt square squeeze
stack std sub sum swapaxes sym_size t tanh threshold to topk transpose tril triu true_divide
type_as unbind unflatten unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_nearest2d var
var_mean view view_as vstack where zeros_like
"""
_OPERATORS = frozenset(_KNOWN.split())
_ON_SIZES = {
    *("add", "sub", "mul", "floordiv", "mod", "neg", "truediv", "getitem"),
    *("eq", "ne", "lt", "le", "gt", "ge"),
}
_TYPES = (None, "builtins.tuple", "builtins.list", "builtins.dict")
_FUNCTIONS = {"Symbol", "Integer", "Rational", "Max", "Min", "Mod", "FloorDiv", "CeilDiv"}
_FORMULA = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.keyword, ast.Compare),
    *(ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.USub, ast.UAdd, ast.cmpop),
)
_LONGEST_FORMULA = 1000
_MOST_POWERS, _LARGEST_POWER = 2, 8  # more take for ever to work out


def only_computing(program: object) -> dict[str, object]:
    """A copy of models/model.json that holds what computes, and nothing else.

    Raises ValueError with half a sentence for anything that is not known to be harmless.
    """
    if not isinstance(program, dict):
        raise ValueError("its program is none")
    kept = json.loads(json.dumps(program))
    inner = kept["graph_module"]
    for node in inner["graph"]["nodes"]:
        node["metadata"] = {}
    inner["metadata"] = {}
    inner["module_call_graph"] = [one for one in inner["module_call_graph"] if one["fqn"] == ""]
    kept["guards_code"] = []
    for name, value in (
        ("custom objects", inner["graph"].get("custom_obj_values")),
        ("named tuples", inner.get("treespec_namedtuple_fields")),
    ):
        if value:
            raise ValueError(f"it has {name}")
    _check(kept, "")
    found: dict[str, object] = kept
    return found


def _check(value: Any, key: str) -> None:
    """Check what stands below ``key``, however deep."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} is no name")
            if name.startswith("as_") and name not in _KINDS:
                raise ValueError(f"it has an argument of the kind {name[3:63]!r}")
            _check(inner, name)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, key)
    elif isinstance(value, str):
        _check_text(value, key)
    elif isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("a number in it is too large")


def _check_text(text: str, key: str) -> None:
    if key == "expr_str":
        if not is_formula(text):
            raise ValueError("it holds formulas that are none")
    elif key == "target":
        if not _is_operator(text):
            raise ValueError(f"{text[:60]!r} is no operator that cfinspect knows")
    elif key in ("in_spec", "out_spec"):
        _check_layout(json.loads(text))
    else:
        known = _PATH if key in _PATHS else _TEXT if key in _TEXTS else _NAME
        if not known.fullmatch(text):
            raise ValueError(f"{text[:60]!r} is no name")


def _is_operator(target: str) -> bool:
    parts = target.split(".")
    if parts[0] == "_operator":
        return len(parts) == 2 and parts[1] in _ON_SIZES
    if parts[:3] != ["torch", "ops", "aten"] or len(parts) != 5:
        return False
    name, overload = parts[3], parts[4]
    return _is_name(overload) and not _OPERATORS.isdisjoint((name, name.removesuffix("_")))


def _check_layout(value: Any) -> None:
    """How inputs and outputs lie in tuples, lists and dicts; other types would be imported."""
    if isinstance(value, list):
        for inner in value:
            _check_layout(inner)
    elif isinstance(value, dict):
        if value.keys() != {"type", "context", "children_spec"} or value["type"] not in _TYPES:
            raise ValueError("its inputs or outputs are of a type that is not known")
        context = value["context"]
        names = [] if context is None else json.loads(context)
        plain = names is None or (
            isinstance(names, list)
            and all(isinstance(n, str) and _NAME.fullmatch(n) for n in names)
        )
        if not plain:
            raise ValueError("its inputs or outputs have odd names")
        _check_layout(value["children_spec"])
    elif not isinstance(value, int):
        raise ValueError("its inputs or outputs are odd")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def is_formula(text: str) -> bool:
    """Whether a formula is sums, products, comparisons of symbols, and a few functions by name."""
    if len(text) > _LONGEST_FORMULA:
        return False
    nodes = list(ast.walk(ast.parse(text, mode="eval")))
    powers = [
        node for node in nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    ]
    if len(powers) > _MOST_POWERS or not all(map(_is_small_power, powers)):
        return False
    return all(isinstance(node, _FORMULA) and _is_harmless(node) for node in nodes)


def _is_small_power(node: ast.BinOp) -> bool:
    exponent = node.right.value if isinstance(node.right, ast.Constant) else None
    return isinstance(exponent, int) and 0 <= exponent <= _LARGEST_POWER


def _is_harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str):
            return _is_name(value)
        return isinstance(value, bool | int | float) and abs(value) < 2**63
    return True
