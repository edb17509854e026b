"""How many bytes the elements of a quantized matrix take.

Each method of ``quantization_config`` becomes one `Format` for the matrices that it covers: bits
of an element, and scales (and zero points) shared by a group of elements. Layouts from vLLM's
``model_executor/layers/quantization/``: fp8.py, compressed_tensors/, awq.py, gptq.py, mxfp4.py,
quark/, modelopt.py.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct, structs

from aim_jupyter.core.fit.fields import Fields, Unreadable

DTYPES = {
    "float64": 8,
    "float32": 4,
    "float": 4,
    "float16": 2,
    "half": 2,
    "bfloat16": 2,
    "fp8": 1,
    "fp8_e4m3": 1,
    "fp8_e5m2": 1,
    "int8": 1,
}
CHANNEL = 0  # a scale for each row, instead of one for each group of elements


class Format(Struct, frozen=True):
    """One element takes `bits`, and each group of `rows` x `columns` has `scale_bits` more.

    `columns` of 0 stands for the whole row: one scale for each output channel.
    """

    bits: int
    rows: int = 1
    columns: int = CHANNEL
    scale_bits: int = 32

    def bytes(self, rows: int, columns: int) -> int:
        """Return what a matrix of `rows` x `columns` takes."""
        across = math.ceil(columns / self.columns) if self.columns else 1
        groups = math.ceil(rows / self.rows) * across
        return math.ceil((rows * columns * self.bits + groups * self.scale_bits) / 8)


FP8 = Format(8)
INT8 = Format(8)
MXFP4 = Format(4, columns=32, scale_bits=8)
NVFP4 = Format(4, columns=16, scale_bits=8)
_BLOCK = (128, 128)  # elements that share a scale, where a checkpoint does not say


class Quantization(Struct, frozen=True):
    """What is stored in fewer bits.

    Attributes
    ----------
    name : str
        The method, empty for none.
    format : Format or None
        Of the covered matrices; None leaves them in the model's dtype.
    only_experts : bool
        Whether nothing but the routed experts is covered.
    skipped : tuple of str
        Modules that are left out, as the config names them: parts of names, or ``re:`` and a
        regular expression.
    kv : bool
        Whether the checkpoint brings scales for a KV cache in FP8, which the engine then uses.
    padded : bool
        Whether experts are widened to what the kernels want.
    """

    name: str = ""
    format: Format | None = None
    only_experts: bool = False
    skipped: tuple[str, ...] = ()
    kv: bool = False
    padded: bool = False

    @property
    def activations8(self) -> bool:
        """Whether activations are quantized to 8 bits too, into buffers of their own."""
        return self.format is not None and self.format.bits == FP8.bits

    @property
    def width(self) -> Literal["none", "bits8", "bits4"]:
        """How wide the elements of the covered matrices are."""
        if self.format is None:
            return "none"
        return "bits8" if self.activations8 else "bits4"

    def names(self, layer: int) -> bool:
        """Whether what is left out may name a layer by its number: the others are covered alike."""
        numbers = _numbers(self.skipped)
        return numbers is None or str(layer) in numbers

    def covers(self, module: str) -> bool:
        """Whether the matrix of `module` is stored in fewer bits.

        Parameters
        ----------
        module : str
            Such as ``model.layers.3.self_attn.q_proj`` or ``lm_head``.
        """
        if self.format is None or module == "lm_head":
            return False
        if self.only_experts and ".experts." not in module:
            return False
        return not _matches(self.skipped, module)


@functools.lru_cache(maxsize=4096)
def _matches(skipped: tuple[str, ...], module: str) -> bool:
    plain, patterns = _sorted(skipped)
    if any(pattern.search(module) for pattern in patterns):
        return True
    parts = module.split(".")
    ends = range(1, len(parts) + 1)
    return any(".".join(parts[start:end]) in plain for start in range(len(parts)) for end in ends)


@functools.lru_cache(maxsize=64)
def _numbers(skipped: tuple[str, ...]) -> frozenset[str] | None:
    """Return the numbers in names of modules; None where a pattern may mean any."""
    if any(name.startswith("re:") and re.search(r"[0-9]|\\d", name) for name in skipped):
        return None
    return frozenset(number for name in skipped for number in re.findall(r"[0-9]+", name))


@functools.lru_cache(maxsize=64)
def _sorted(skipped: tuple[str, ...]) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    plain = {name.strip(".*") for name in skipped if not name.startswith("re:")}
    try:
        patterns = tuple(re.compile(n[3:]) for n in skipped if n.startswith("re:"))
    except re.error as error:
        raise Unreadable(f"quantization_config has a bad pattern: {error}") from error
    return frozenset(plain), patterns


def quantization(fields: Fields | None) -> Quantization:
    """Return what a ``quantization_config`` says; none says that nothing is quantized.

    Raises
    ------
    Unreadable
        If the method is not known here.
    """
    if fields is None:
        return Quantization()
    method = fields.text("quant_method")
    for prefix, read in _READERS.items():
        if method.startswith(prefix):
            return read(fields, method)
    raise Unreadable(f"the quantization {method!r} is not known here")


def online(name: str) -> Quantization:
    """Return what the engine makes of an unquantized checkpoint with ``--quantization name``.

    Raises
    ------
    Unreadable
        If it is not one that is known here.
    """
    if name not in ("fp8", "fp8_per_tensor", "fp8_per_channel", "ptpc_fp8", "fp8_per_block"):
        raise Unreadable(f"online quantization {name!r} is not known here")
    return Quantization(name, FP8)


def _fp8(fields: Fields, method: str) -> Quantization:
    block = fields.numbers("weight_block_size")
    shape = structs.replace(FP8, rows=block[0], columns=block[1]) if _is_block(block) else FP8
    return Quantization(method, shape, skipped=_skipped(fields))


def _grouped(fields: Fields, method: str) -> Quantization:
    """AWQ and GPTQ: a half-precision scale, and for most a zero point, for each group."""
    bits = fields.size("bits", "w_bit", most=16)
    group = fields.get("group_size", "q_group_size")
    columns = CHANNEL if group == -1 else fields.size("group_size", "q_group_size")
    zeros = fields.flag("zero_point", default=method.startswith("awq")) * bits
    return Quantization(method, Format(bits, 1, columns, 16 + zeros), skipped=_skipped(fields))


def _compressed(fields: Fields, method: str) -> Quantization:
    groups = fields.part("config_groups")
    first = Fields(next(iter(groups.config.values()))) if groups and groups.config else None
    weights = first.part("weights") if first else None
    if weights is None:
        raise Unreadable("quantization_config says nothing of the weights")
    targets = first.texts("targets") if first else ()
    return Quantization(
        method,
        _scheme(weights),
        only_experts=bool(targets) and all("experts" in target for target in targets),
        skipped=_skipped(fields),
        kv=fields.has("kv_cache_scheme"),
    )


def _scheme(weights: Fields) -> Format:
    bits = weights.size("num_bits", most=16)
    if weights.get("strategy") == "block":
        block = weights.numbers("block_structure")
        return Format(bits, *(block if _is_block(block) else _BLOCK))
    columns = weights.amount("group_size") if weights.get("group_size") != -1 else CHANNEL
    four = bits == MXFP4.bits and weights.get("type") == "float"
    return Format(bits, 1, columns, 8 if four else 16 if columns else 32)


def _is_block(numbers: tuple[int, ...]) -> bool:
    return len(numbers) == len(_BLOCK) and min(numbers) > 0


def _mxfp4(fields: Fields, method: str) -> Quantization:
    return Quantization(method, MXFP4, only_experts=True, skipped=_skipped(fields), padded=True)


def _quark(fields: Fields, method: str) -> Quantization:
    whole = fields.part("global_quant_config")
    weight = whole.part("weight") if whole else None
    dtype = (weight or fields).text("dtype", default="fp8_e4m3")
    shapes = {"fp8_e4m3": FP8, "int8": INT8, "fp4": MXFP4, "uint4": Format(4, 1, 128, 20)}
    if dtype not in shapes:
        raise Unreadable(f"quark weights of dtype {dtype!r} are not known here")
    kv = fields.has("kv_cache_quant_config") or "k_proj" in str(fields.get("layer_quant_config"))
    return Quantization(method, shapes[dtype], skipped=_skipped(fields), kv=kv)


def _modelopt(fields: Fields, method: str) -> Quantization:
    inner = fields.part("quantization") or fields
    algorithm = inner.text("quant_algo").upper()
    shape = NVFP4 if "FP4" in algorithm else FP8
    kv = inner.text("kv_cache_quant_algo").upper() == "FP8"
    return Quantization(method, shape, skipped=_skipped(inner), kv=kv)


def _bitsandbytes(fields: Fields, method: str) -> Quantization:
    shape = INT8 if fields.flag("load_in_8bit") else Format(4, columns=64)
    return Quantization(method, shape, skipped=_skipped(fields))


def _skipped(fields: Fields) -> tuple[str, ...]:
    names = ("ignore", "modules_to_not_convert", "ignored_layers", "exclude", "exclude_modules")
    return next((texts for name in names if (texts := fields.texts(name))), ())


_READERS: dict[str, Callable[[Fields, str], Quantization]] = {
    "fp8": _fp8,
    "fbgemm_fp8": _fp8,
    "deepseek_v4_fp8": _fp8,
    "awq": _grouped,
    "gptq": _grouped,
    "compressed-tensors": _compressed,
    "compressed_tensors": _compressed,
    "mxfp4": _mxfp4,
    "gpt_oss_mxfp4": _mxfp4,
    "quark": _quark,
    "modelopt": _modelopt,
    "bitsandbytes": _bitsandbytes,
}
