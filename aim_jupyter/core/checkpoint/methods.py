"""The methods of ``quantization_config``, each read as vLLM 0.32 reads it.

Source: vLLM ``model_executor/layers/quantization/``: fp8.py, fbgemm_fp8.py, auto_awq.py,
auto_gptq.py, compressed_tensors/, modelopt.py, quark/, mxfp4.py, inc/; the type of the KV cache by
``utils/torch_utils.py`` (``resolve_kv_cache_dtype_string``) and ``layers/attention/attention.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.formats import (
    CHANNEL,
    FP8,
    FP8_TENSOR,
    INT8,
    MXFP4,
    MXFP6,
    MXFP8,
    NVFP4,
    TENSOR,
    Format,
    integers,
)
from aim_jupyter.core.checkpoint.modules import Names
from aim_jupyter.core.checkpoint.quantization import Quantization, Rule, Said

_ALL = Names("all")
_BLOCK = (128, 128)  # elements that share a scale, where a checkpoint does not say
_SIXTEEN = 16  # bits of an element that is not quantized
_GROUP = 128


def quantization(fields: Fields | None, said: Said = ()) -> Quantization:
    """Return what a ``quantization_config`` says; an empty one says that nothing is quantized.

    Parameters
    ----------
    said : pairs of str
        What the family calls parts of a layer that are called otherwise here.

    Raises
    ------
    Unreadable
        If the method is not known here.
    """
    if fields is None or not fields.config:
        return Quantization()
    method = fields.text("quant_method").lower().replace("_", "-")
    if not method and fields.has("quant_algo", "quantization"):
        method = "modelopt"
    for prefix, read in _READERS.items():
        if method.startswith(prefix):
            found = read(fields)
            return structs.replace(found, name=method, said=said)
    raise Unreadable(f"the quantization {method!r} is not known here")


def _fp8(fields: Fields) -> Quantization:
    block = fields.numbers("weight_block_size")
    shape = structs.replace(FP8, rows=block[0], columns=block[1]) if _pair(block) else FP8_TENSOR
    skipped = fields.texts("ignored_layers") or fields.texts("modules_to_not_convert")
    experts = MXFP4 if fields.get("store_dtype", "expert_dtype") in ("mxfp4", "fp4") else shape
    rules = [_plain(Names("exact", skipped)), Rule(Names("part", (".experts.",)), experts)]
    return Quantization(rules=(*rules, Rule(_ALL, shape)))


def _fbgemm(fields: Fields) -> Quantization:
    return _all_but(FP8, Names("exact", fields.texts("modules_to_not_convert")))


def _awq(fields: Fields) -> Quantization:
    bits = fields.size("w_bit", "bits", most=_SIXTEEN)
    zeros = bits if fields.flag("zero_point", default=True) else 0
    shape = integers(bits, _group(fields, "q_group_size", "group_size"), zeros)
    skipped = Names("part", fields.texts("modules_to_not_convert"))
    head = fields.flag("lm_head")
    return structs.replace(_all_but(shape, skipped), head=head)


def _gptq(fields: Fields) -> Quantization:
    """GPTQ: `dynamic` maps expressions to other settings; a leading ``-:`` leaves out."""
    base = _gptq_format(fields, Fields({}))
    rules = [
        Rule(
            Names("regex", (pattern.removeprefix("-:").removeprefix("+:"),)),
            None if pattern.startswith("-:") else _gptq_format(fields, own),
        )
        for pattern, own in _parts(fields.part("dynamic"))
    ]
    inside = _flat(fields.get("modules_in_block_to_quantize"))
    last = Rule(Names("part", inside) if inside else _ALL, base)
    return Quantization(rules=(*rules, last), head=fields.flag("lm_head"))


def _gptq_format(fields: Fields, own: Fields) -> Format:
    bits = own.size("bits", default=fields.size("bits", most=_SIXTEEN), most=_SIXTEEN)
    group = own if own.has("group_size") else fields
    return integers(bits, _group(group, "group_size"))


def _autoround(fields: Fields) -> Quantization:
    """AutoRound: `extra_config` maps names, or expressions, to other settings."""
    signs = frozenset("*+?^$()[]{}|\\")
    rules = [
        Rule(
            Names("regex", (f".*(?:{name})",)) if signs & set(name) else Names("suffix", (name,)),
            _autoround_format(fields, own),
        )
        for name, own in _parts(fields.part("extra_config"))
    ]
    blocks = _flat(fields.get("block_name_to_quantize"))
    last = Names("part", tuple(name.strip(".") for name in blocks)) if blocks else _ALL
    return Quantization(rules=(*rules, Rule(last, _autoround_format(fields, Fields({})))))


def _autoround_format(fields: Fields, own: Fields) -> Format | None:
    bits = own.size("bits", default=fields.size("bits", most=_SIXTEEN), most=2 * _SIXTEEN)
    if bits >= _SIXTEEN:
        return None
    kind = str(fields.get("data_type") or "int")
    if "mx_fp" in kind:
        return MXFP4 if bits == MXFP4.bits else MXFP8
    if "nv_fp" in kind:
        return NVFP4
    if kind.startswith("fp"):
        return FP8
    group = own if own.has("group_size") else fields
    symmetric = own.flag("sym", default=fields.flag("sym", default=True))
    return integers(bits, _group(group, "group_size"), 0 if symmetric else bits)


def _compressed(fields: Fields) -> Quantization:
    groups = _parts(fields.part("config_groups"))
    if not groups:
        raise Unreadable("quantization_config says nothing of the weights")
    rules = [_plain(Names("target", fields.texts("ignore")))]
    head = False
    for _, group in groups:
        weights = group.part("weights")
        targets = group.texts("targets") or ("Linear",)
        head = head or "lm_head" in targets or "re:.*lm_head" in targets
        rules.append(Rule(Names("target", targets), _scheme(weights) if weights else None))
    kv = "fp8" if fields.has("kv_cache_scheme") else ""
    return Quantization(rules=tuple(rules), kv=kv, head=head)


def _scheme(weights: Fields) -> Format:
    bits = weights.size("num_bits", most=_SIXTEEN)
    strategy, group = weights.get("strategy"), weights.get("group_size")
    if weights.get("type") == "float":
        if bits == MXFP4.bits:
            return MXFP4 if group == MXFP4.columns else NVFP4
        if strategy == "block":
            block = weights.numbers("block_structure")
            return structs.replace(FP8, rows=block[0], columns=block[1]) if _pair(block) else _FP8B
        if strategy == "group" and group == MXFP8.columns:
            return MXFP8
        return FP8_TENSOR if strategy == "tensor" else FP8
    if strategy in ("channel", "tensor") and bits == INT8.bits:
        return INT8
    zeros = 0 if weights.flag("symmetric", default=True) else bits
    return integers(bits, _group(weights, "group_size") if group else CHANNEL, zeros)


_FP8B = structs.replace(FP8, rows=_BLOCK[0], columns=_BLOCK[1])


def _modelopt(fields: Fields) -> Quantization:
    inner = fields.part("quantization") or fields
    skipped = inner.texts("exclude_modules") or inner.texts("ignore")
    # "name*" is the name and all that begins with it and a dot (apply_vllm_mapper).
    names = tuple(name.removesuffix("*") for name in skipped)
    rules = [_plain(Names("modelopt", names))]
    algorithm = inner.text("quant_algo").upper()
    if algorithm == "MIXED_PRECISION":
        rules += _by_layer(inner.part("quantized_layers"))
    else:
        rules.append(Rule(_ALL, _modelopt_format(algorithm, inner)))
    return Quantization(rules=tuple(rules), kv=_modelopt_kv(fields, inner), head=True)


def _by_layer(layers: Fields | None) -> list[Rule]:
    found: dict[Format, list[str]] = {}
    for name, own in _parts(layers):
        shape = _modelopt_format(own.text("quant_algo").upper(), own)
        found.setdefault(shape, []).append(name)
    return [Rule(Names("exact", tuple(names)), shape) for shape, names in found.items()]


def _modelopt_format(algorithm: str, fields: Fields) -> Format:
    shapes = {
        "FP8": FP8_TENSOR,
        "FP8_PER_CHANNEL_PER_TOKEN": FP8,
        "FP8_PB_WO": _FP8B,
        "FP8_BLOCK_SCALES": _FP8B,
        "NVFP4": NVFP4,
        "W4A16_NVFP4": NVFP4,
        "NVFP4_AWQ": NVFP4,
        "MXFP8": MXFP8,
        "MXFP4": MXFP4,
        "W4A16_MXFP4": MXFP4,
        "INT8_SQ": INT8,
    }
    if algorithm in ("W4A16_AWQ", "W4A8_AWQ"):
        return integers(4, _group(fields, "group_size"))
    if algorithm not in shapes:
        raise Unreadable(f"the modelopt algorithm {algorithm!r} is not known here")
    return shapes[algorithm]


def _modelopt_kv(whole: Fields, inner: Fields) -> str:
    """Return what vLLM's ``get_kv_cache_quant_algo_string`` makes of it."""
    said = (
        inner.get("kv_cache_scheme")
        or whole.get("kv_cache_scheme")
        or inner.get("kv_cache_quant_algo")
        or whole.get("kv_cache_quant_algo")
    )
    if isinstance(said, dict):
        if said.get("type") != "float":
            return ""
        eight = said.get("num_bits") == FP8.bits and said.get("dynamic") is False
        return "fp8" if eight else "nvfp4" if said.get("num_bits") == NVFP4.bits else ""
    return said.lower() if isinstance(said, str) and said.lower() in ("fp8", "nvfp4") else ""


def _quark(fields: Fields) -> Quantization:
    """Quark: by layer, then by type of layer, then global; the KV cache stays in 16 bits."""
    rules = [_plain(Names("target", fields.texts("exclude")))]
    for name, own in _parts(fields.part("layer_quant_config")):
        how = Names("target", (name,)) if name.startswith("re:") else Names("wildcard", (name,))
        rules.append(Rule(how, _quark_format(own)))
    kinds = fields.part("layer_type_quant_config")
    linear = kinds.part("Linear", "nn.Linear") if kinds else None
    base = linear or fields.part("global_quant_config")
    if base is not None:
        rules.append(Rule(_ALL, _quark_format(base)))
    return Quantization(rules=tuple(rules))


def _quark_format(fields: Fields) -> Format | None:
    weight = fields.get("weight")
    stages = [Fields(each) for each in (weight if isinstance(weight, list) else [weight]) if each]
    if not stages:
        return None
    kinds = [stage.text("dtype") for stage in stages]
    if "int4" in kinds and len(kinds) > 1:  # FP8 in its turn stored in int4
        return Format("int4", 4)
    return _quark_stage(stages[0], kinds[0])


def _quark_fp8(weight: Fields) -> Format:
    if weight.get("group_size") == MXFP8.columns:
        return MXFP8
    if not weight.has("block_size"):
        return FP8 if weight.get("qscheme") == "per_channel" else FP8_TENSOR
    block = weight.numbers("block_size")
    rows, columns = block if _pair(block) else _BLOCK
    exponents = "e8m0" in str(weight.get("scale_type", "scale_format"))
    name, bits = ("mxfp8", 8) if columns == MXFP8.columns else ("fp8", 32)
    return Format(name, 8, rows, columns, 8 if exponents else bits)


def _quark_stage(weight: Fields, kind: str) -> Format:
    if kind == "fp8_e4m3":
        return _quark_fp8(weight)
    found = {
        "fp4": NVFP4 if weight.get("group_size") == NVFP4.columns else MXFP4,
        "fp6_e2m3": MXFP6,
        "fp6_e3m2": MXFP6,
        "int8": INT8 if weight.get("qscheme") == "per_channel" else _INT8_TENSOR,
    }
    if kind in ("int4", "uint4"):
        zeros = 0 if weight.get("symmetric") else 4
        return integers(4, _group(weight, "group_size"), zeros)
    if kind not in found:
        raise Unreadable(f"quark weights of dtype {kind!r} are not known here")
    return found[kind]


_INT8_TENSOR = structs.replace(INT8, columns=TENSOR)


def _mxfp4(fields: Fields) -> Quantization:
    """gpt-oss: experts alone."""
    skipped = fields.texts("ignored_layers") or fields.texts("modules_to_not_convert")
    rules = (_plain(Names("tree", skipped)), Rule(Names("part", (".experts.",)), MXFP4))
    return Quantization(rules=rules, padded=True)


def _bitsandbytes(fields: Fields) -> Quantization:
    shape = INT8 if fields.flag("load_in_8bit") else Format("int4", 4, columns=64)
    skipped = fields.texts("llm_int8_skip_modules") or fields.texts("modules_to_not_convert")
    return _all_but(shape, Names("tree", skipped))


def _all_but(shape: Format, names: Names) -> Quantization:
    return Quantization(rules=(_plain(names), Rule(_ALL, shape)))


def _plain(names: Names) -> Rule:
    return Rule(names, None)


def _group(fields: Fields, *names: str) -> int:
    value = fields.get(*names)
    return CHANNEL if value == -1 else fields.size(*names, default=_GROUP)


def _pair(numbers: tuple[int, ...]) -> bool:
    return len(numbers) == len(_BLOCK) and min(numbers) > 0


def _parts(fields: Fields | None) -> list[tuple[str, Fields]]:
    """Return the objects of an object, each under its name."""
    if fields is None:
        return []
    return [(name, Fields(each, name)) for name, each in fields.config.items()]


def _flat(value: Any) -> tuple[str, ...]:
    """Return the texts of a list of texts or of lists of them; a text stands for its parts."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if not isinstance(value, list):
        return ()
    return tuple(name for each in value for name in (_flat(each) if each else ()))


_READERS: dict[str, Callable[[Fields], Quantization]] = {
    "fp8": _fp8,
    "deepseek-v4-fp8": _fp8,
    "fbgemm-fp8": _fbgemm,
    "awq": _awq,
    "gptq": _gptq,
    "auto-round": _autoround,
    "intel/auto-round": _autoround,
    "inc": _autoround,
    "compressed-tensors": _compressed,
    "mxfp4": _mxfp4,
    "gpt-oss-mxfp4": _mxfp4,
    "quark": _quark,
    "modelopt": _modelopt,
    "bitsandbytes": _bitsandbytes,
}
