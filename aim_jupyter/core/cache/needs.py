"""Pure: which files of a model an engine needs, to start at all and to be whole.

The rules are those of vLLM 0.32 (``model_loader/default_loader.py``, ``transformers_utils/
config.py``, ``tokenizers/registry.py``): where a repository has ``consolidated*.safetensors``,
these are its weights (Mistral's own format) and all others are left alone; else all
``*.safetensors`` beside the config, of which an index leaves only those that it names; else
``*.bin``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

from aim_jupyter.core.records import ModelKind
from aim_jupyter.core.records.kinds import resolved

INDEXES = (
    "consolidated.safetensors.index.json",
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
)
_CONSOLIDATED = "consolidated"
_PART = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<of>\d{5})\.safetensors")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "vocab.txt")
_TOKENIZER_ENDINGS = (".tiktoken", "tiktoken.model")
#: Mistral's own format has a tokenizer with its version in the name.
_VERSIONED = "tokenizer.model.v"
_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_SENSES = ("vision_config", "audio_config")
#: What is downloaded; duplicates of the weights in other formats stay away.
_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "*.tiktoken")
_UNWANTED = ("original/*", "metal/*", "onnx/*", "*/*.safetensors", "*/*.safetensors.index.json")

#: Weights that an engine reads, and those that it reads of other programs.
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")

Read = Callable[[str], bytes]


def kind(names: Collection[str]) -> ModelKind:
    """Return what a repository of models with these files is.

    Examples
    --------
    >>> kind({"model-Q4_K_M.gguf"}), kind({"tokenizer.json"}), kind({"config.json"})
    ('GGUF', 'tokenizer', 'config')
    """
    whole = "config.json" in names and any(_is_weight(name) for name in names)
    if "adapter_config.json" in names and not whole:
        return "adapter"
    if "model_index.json" in names:
        return "diffusers"
    if "params.json" in names or any(name.endswith(_WEIGHTS) or name in INDEXES for name in names):
        return "model"
    if any(name.endswith(".gguf") for name in names):
        return "GGUF"
    return "tokenizer" if _has_tokenizer(names) else "config"


def is_of_model(names: Collection[str]) -> bool:
    """Return whether these are files of a model, be it a part of one: what it lacks is to be told.

    A tokenizer beside a config is what a library has fetched of a model.
    """
    found = kind(names)
    return found in ("model", "config") or (found == "tokenizer" and "config.json" in names)


def wanted(name: str) -> bool:
    """Whether an engine can use the file `name` of a repository.

    Examples
    --------
    >>> wanted("model-00001-of-00002.safetensors"), wanted("original/consolidated.00.pth")
    (True, False)
    """
    return any(fnmatch.fnmatch(name, pattern) for pattern in _WANTED) and not any(
        fnmatch.fnmatch(name, pattern) for pattern in _UNWANTED
    )


def hollow(name: str, size: int) -> bool:
    """Whether a file of a model is there by its name alone: an engine needs what is in it."""
    return not size and name.endswith((*_WEIGHTS, ".json"))


def chosen(names: Iterable[str], read: Read) -> list[str]:
    """Return what is downloaded of a repository with the files `names`.

    Parameters
    ----------
    read : callable
        Gives the content of a file, asked of the index alone; raises `OSError` without it.

    Examples
    --------
    >>> chosen(["config.json", "README.md", "a.safetensors", "consolidated.safetensors"], None)
    ['config.json', 'consolidated.safetensors']
    """
    use = [name for name in names if wanted(name)]
    weights = [name for name in use if name.endswith(".safetensors")]
    consolidated = [name for name in weights if name.startswith(_CONSOLIDATED)]
    kept = set(consolidated or weights)
    index = INDEXES[0] if consolidated else INDEXES[1]
    if index in use and len(kept) > 1:
        kept &= set(shards(read(index)) or kept)
    others = {each for each in INDEXES if each != index}
    return [
        name
        for name in use
        if (name in kept if name.endswith(".safetensors") else name not in others)
    ]


def missing(names: Collection[str], read: Read) -> tuple[str, ...]:
    """Return which files a folder lacks that an engine can't start without.

    Parameters
    ----------
    names : collection of str
        The files that are there, relative to the folder; links to nothing are not among them.
    read : callable
        Gives the content of one of them.

    Examples
    --------
    >>> missing({"config.json", "tokenizer.json"}, lambda name: b"{}")
    ('model.safetensors',)
    """
    own = "params.json" in names and "config.json" not in names
    consolidated = own or any(_is_consolidated(name) for name in names)
    config = "params.json" if consolidated and "params.json" in names else "config.json"
    lacking = [] if config in names else ["config.json"]
    if not _has_tokenizer(names):
        lacking.append("tokenizer.json")
    if config == "config.json" in names and not any(name in names for name in _PROCESSORS):
        lacking += _PROCESSORS[:1] if _has_senses(read, config) else ()
    return (*lacking, *_missing_weights(names, read, consolidated=consolidated))


def _has_tokenizer(names: Collection[str]) -> bool:
    return any(
        name in _TOKENIZERS or name.endswith(_TOKENIZER_ENDINGS) or name.startswith(_VERSIONED)
        for name in names
    )


def shards(index: bytes) -> list[str] | None:
    """Return the files that an index of weights names, None where it can't be read."""
    try:
        return sorted(set(_INDEX.decode(index).weight_map.values()))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


_INDEX = msgspec.json.Decoder(resolved(_Index))


def _is_weight(name: str) -> bool:
    """Whether a file holds weights of a model, not of an adapter to one."""
    return name.endswith(_WEIGHTS) and "/" not in name and not name.startswith("adapter_")


def _is_consolidated(name: str) -> bool:
    base = name.rpartition("/")[2]
    return base.startswith(_CONSOLIDATED) and base.endswith(".safetensors")


def _missing_weights(names: Collection[str], read: Read, *, consolidated: bool) -> list[str]:
    for index in INDEXES[:1] if consolidated else INDEXES[1:]:
        if index in names:
            try:
                named = shards(read(index))
            except (OSError, ValueError):
                named = None
            return [index] if named is None else [each for each in named if each not in names]
    weights = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    parts = [found for name in weights if (found := _PART.fullmatch(name))]
    if parts and len(parts) == len(weights):
        # The index has not come yet, but each name says how many there are.
        return _parts_missing(parts[0], names)
    if consolidated and not any(map(_is_consolidated, names)):
        return [f"{_CONSOLIDATED}.safetensors"]
    if weights or any(name.endswith(".bin") and "/" not in name for name in names):
        return []
    return ["model.safetensors"]


def _parts_missing(part: re.Match[str], there: Collection[str]) -> list[str]:
    stem, count = part["stem"], int(part["of"])
    names = (f"{stem}-{number:05}-of-{part['of']}.safetensors" for number in range(1, count + 1))
    return [name for name in names if name not in there]


def _has_senses(read: Read, config: str) -> bool:
    """Whether a config is that of a model that also takes pictures or sound."""
    try:
        facts: Any = msgspec.json.decode(read(config))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(facts, dict) and any(facts.get(name) for name in _SENSES)
