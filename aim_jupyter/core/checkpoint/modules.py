"""Whether a name in a ``quantization_config`` means a matrix, as the engine's methods decide it.

A matrix goes by several names: with the prefix of a multimodal model and without, and as a part of
what the engine fuses. Checkpoints use any of them, and vLLM maps one onto another
(``hf_to_vllm_mapper``, ``packed_modules_mapping``), so each is tried.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from aim_jupyter.core.checkpoint.fields import Unreadable

How = Literal["all", "exact", "suffix", "part", "tree", "target", "wildcard", "modelopt", "regex"]

_LAYERS = "model.layers."
_PREFIXES = ("language_model.model.layers.", "model.language_model.layers.", "layers.",
             "backbone.layers.", "language_model.layers.", "transformer.h.")  # fmt: skip
# What the engine fuses, or other families call it.
_FUSED = {
    "q_proj": ("qkv_proj",),
    "k_proj": ("qkv_proj",),
    "v_proj": ("qkv_proj",),
    "gate_proj": ("gate_up_proj", "w1", "w13"),
    "up_proj": ("gate_up_proj", "w3", "w13"),
    "down_proj": ("w2",),
    "q_a_proj": ("fused_qkv_a_proj",),
    "kv_a_proj": ("kv_a_proj_with_mqa", "fused_qkv_a_proj"),
    "in_proj_qkv": ("in_proj_qkvz",),
    "in_proj_z": ("in_proj_qkvz",),
}


class Spelled(Struct, frozen=True):
    """All names of one matrix.

    Attributes
    ----------
    names : tuple of str
        Such as ``model.layers.3.self_attn.q_proj``.
    experts : tuple of str
        Of the experts that it belongs to, as a whole, empty for none.
    """

    names: tuple[str, ...]
    experts: tuple[str, ...] = ()


class Names(Struct, frozen=True):
    """Names in a config, and how a method compares them with those of a matrix.

    Attributes
    ----------
    how : str
        ``all`` means every matrix; ``exact`` and ``suffix`` compare whole names; ``part`` looks
        for them anywhere; ``tree`` for whole parts between dots; ``target`` also knows ``re:``;
        ``wildcard`` a shell's stars; ``modelopt`` both and parts; ``regex`` patterns alone.
    """

    how: How
    names: tuple[str, ...] = ()

    def mean(self, spelled: Spelled) -> bool:
        """Whether one of them means this matrix."""
        if self.how == "all":
            return True
        near = _near(self.names, _number(spelled.names[0]))
        return any(_means(self.how, name, spelled) for name in near)

    def numbered(self, layer: int) -> bool:
        """Whether one may mean a layer by its number: all the others are covered alike."""
        numbers = _numbers(self.how, self.names)
        return numbers is None or str(layer) in numbers


@functools.lru_cache(maxsize=4096)
def spelled(module: str, said: tuple[tuple[str, str], ...] = ()) -> Spelled:
    """Return the names of ``model.layers.3.mlp.experts.0.up_proj`` and its like.

    Parameters
    ----------
    said : pairs of str
        What the family calls parts of a layer that are called otherwise here.
    """
    head, _, rest = module.removeprefix(_LAYERS).partition(".")
    if not module.startswith(_LAYERS):
        return Spelled((module, f"language_model.{module}"))
    own = next((new + rest[len(old) :] for old, new in said if rest.startswith(old)), rest)
    stem, _, leaf = own.rpartition(".")
    inner = [own, *(f"{stem}.{name}" for name in _FUSED.get(leaf, ()))]
    prefixes = [f"{prefix}{head}." for prefix in (_LAYERS, *_PREFIXES)]
    whole = own.partition("experts.")[0] + "experts" if "experts.0." in own else ""
    return Spelled(
        tuple(prefix + name for prefix in prefixes for name in inner),
        tuple(prefix + whole for prefix in prefixes) if whole else (),
    )


def _means(how: How, name: str, module: Spelled) -> bool:
    if how == "part" and module.experts and "experts." not in name:
        return any(name in each for each in module.experts)  # the engine asks for all at once
    return any(_one(how, name, each) for each in module.names) or (
        bool(module.experts) and _of_experts(how, name, module.experts)
    )


def _of_experts(how: How, name: str, experts: Iterable[str]) -> bool:
    """Whether a name means some or all experts of a layer: they are of one format."""
    plain = name.removesuffix(".*") if how in ("wildcard", "modelopt") else name
    return any(
        plain == each or plain.startswith(f"{each}.") or _one(how, name, each) for each in experts
    )


def _one(how: How, name: str, module: str) -> bool:
    return _COMPARED[how](name, module)


def _target(name: str, module: str) -> bool:
    """Compressed tensors: a whole name, or ``re:`` and an expression from its beginning."""
    if name.startswith("re:"):
        return _pattern(name[3:]).match(module) is not None
    return name in (module, "Linear")


def _modelopt(name: str, module: str) -> bool:
    """ModelOptQuantConfigBase.is_layer_excluded: exact, a part, or a shell's pattern."""
    return name in module or fnmatchcase(module, name)


def _suffix(name: str, module: str) -> bool:
    return name == module or module.endswith(f".{name}")


def _tree(name: str, module: str) -> bool:
    return f".{name.strip('.*')}." in f".{module}."


def _wildcard(name: str, module: str) -> bool:
    return name == module or fnmatchcase(module, name)


def _regex(name: str, module: str) -> bool:
    return _pattern(name).match(module) is not None


@functools.lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Unreadable(f"quantization_config has a bad pattern: {error}") from error


def _number(module: str) -> str:
    found = re.search(r"\.(\d+)\.", module)
    return found[1] if found else ""


@functools.lru_cache(maxsize=4096)
def _near(names: tuple[str, ...], number: str) -> tuple[str, ...]:
    """Return the names that may mean a layer: those with its number, and those with none."""
    by_number = _by_number(names)
    return by_number.get("", ()) + (by_number.get(number, ()) if number else ())


@functools.lru_cache(maxsize=256)
def _by_number(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in names:
        plain = re.search(r"\.layers\.(\d+)(?:\.|$)", f".{name}")
        loose = any(sign in name for sign in "*[(?\\|")
        numbered = plain and not name.startswith("re:") and (not loose or name.endswith("*"))
        found.setdefault(plain[1] if plain and numbered else "", []).append(name)
    return {number: tuple(names) for number, names in found.items()}


@functools.lru_cache(maxsize=256)
def _numbers(how: How, names: tuple[str, ...]) -> frozenset[str] | None:
    """Return the numbers of layers in names; None where a pattern may mean any."""
    loose = [name for name in names if name.startswith("re:") or how == "regex"]
    if any(re.search(r"[0-9]|\\d", name.partition("re:")[2] or name) for name in loose):
        return None
    return frozenset(number for name in names for number in re.findall(r"[0-9]+", name))


_COMPARED: dict[How, Callable[[str, str], bool]] = {
    "exact": operator.eq,
    "suffix": _suffix,
    "part": lambda name, module: name in module,
    "tree": _tree,
    "target": _target,
    "wildcard": _wildcard,
    "modelopt": _modelopt,
    "regex": _regex,
}
