"""What a model can do once it is served, as far as config, files and options say it.

vLLM decides likewise (0.32, ``config/model.py``: ``_get_runner_type``, ``_SUFFIX_TO_DEFAULTS``): by
the pooling that Sentence Transformers wrote beside the weights, else by what the class of the
architecture does, else by how its name ends. `records.ability` holds it against the engine's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core.checkpoint.overrides import overridden
from aim_jupyter.core.checkpoint.registered import registry
from aim_jupyter.core.files import MOST_CONFIG, read_bounded
from aim_jupyter.core.records.ability import ABILITIES, Ability, in_order

BESIDE = "aim_beside"
"""The key of a folder's config under which stands what other files of it say."""

# How the names of pooling architectures end; see above.
_EMBEDS = ("ForTextEncoding", "EmbeddingModel", "ForRewardModeling", "RewardModel", "Model")
_CLASSIFIES = ("Classification", "ClassificationModel", "ForRanking")
_TEMPLATES = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
_TOKENIZER, _PIPELINE = "tokenizer_config.json", "modules.json"
_LENGTH, _LONGEST = "sentence_bert_config.json", 10_000_000


def abilities(
    config: Mapping[str, Any], args: Mapping[str, Any] | None = None, more: Iterable[Ability] = ()
) -> tuple[Ability, ...]:
    """Return what a model does, in the order in which it is told.

    Parameters
    ----------
    config : mapping
        Its ``config.json``, or what a recipe file knows of it; of a folder, with `BESIDE`.
    args : mapping, optional
        The engine's options: parsers, and what makes another model of it.
    more : iterable of str
        What is known besides, where the config does not say it.

    Examples
    --------
    >>> abilities({"architectures": ["BertModel"]})
    ('embed',)
    >>> abilities({"architectures": ["Qwen3ForCausalLM"]}, {"tool-call-parser": "hermes"})
    ('chat', 'completion', 'tools', 'json')
    """
    args = args or {}
    found = {*_of_class(overridden(config, args.get("hf-overrides", {})), args), *more}
    if "completion" in found:
        found |= {"tools"} if args.get("tool-call-parser") else set()
        found |= {"thinking"} if args.get("reasoning-parser") else set()
    if "language-model-only" in args:
        found -= {"vision", "audio"}
    return in_order(found)


def beside(folder: Path) -> dict[str, Any]:
    """Return what the files of a folder say beside its config; never fails for what is in them.

    ``template``: whether there is a template for chat; ``pools``: whether Sentence Transformers
    wrote how it makes one vector of a text; ``length``: the most tokens of such a text.
    """
    lists = _json(folder / _PIPELINE)
    pools = isinstance(lists, list) and any("Pooling" in str(each) for each in lists)
    length = _json(folder / _LENGTH) if pools else None
    most = length.get("max_seq_length") if isinstance(length, dict) else None
    said: dict[str, Any] = {"template": _has_template(folder), "pools": pools}
    if isinstance(most, int) and not isinstance(most, bool) and 0 < most < _LONGEST:
        said["length"] = most
    return said


def longest_sentence(config: Mapping[str, Any]) -> int | None:
    """Return the most tokens that Sentence Transformers gave a text, None where it said none."""
    length: int | None = _beside(config).get("length")
    return length


def _has_template(folder: Path) -> bool:
    if any((folder / name).exists() for name in _TEMPLATES):
        return True
    try:
        return b'"chat_template"' in read_bounded(folder / _TOKENIZER, MOST_CONFIG)
    except (OSError, ValueError):
        return False


def _json(file: Path) -> Any:
    try:
        return msgspec.json.decode(read_bounded(file, MOST_CONFIG))
    except (OSError, ValueError, RecursionError):
        return None


def _of_class(config: Mapping[str, Any], args: Mapping[str, Any]) -> Iterator[Ability]:
    """Yield what the model's class does, for the runner that serves it."""
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
    known = registry().does if name else {}
    said = {word for word, members in known.items() if name in members}
    if "silent" in said:
        yield "speech"
        return
    yield from (each for each in ABILITIES if each in said)
    if _pools(config, args, name, said):
        yield from _pooled(config, args, name, said)
    else:
        yield from ("completion", "json")
        if _beside(config).get("template", True):
            yield "chat"


def _pools(config: Mapping[str, Any], args: Mapping[str, Any], name: str, said: set[str]) -> bool:
    runner, convert = args.get("runner", "auto"), args.get("convert", "auto")
    if runner != "auto":
        return bool(runner == "pooling")
    if convert not in ("auto", "none"):
        return True
    if _beside(config).get("pools") or said & {"pools", "late"}:
        return True
    return name not in registry().models and name.endswith((*_EMBEDS, *_CLASSIFIES))


def _pooled(
    config: Mapping[str, Any], args: Mapping[str, Any], name: str, said: set[str]
) -> Iterator[Ability]:
    """Yield what comes of pooling: a vector, or classes; of one class alone it is a score."""
    convert = args.get("convert", "auto")
    classes = name.endswith(_CLASSIFIES) if convert in ("auto", "none") else convert == "classify"
    if "late" in said:
        yield "rerank"
    elif not classes:
        yield "embed"
    else:
        yield "classify"
        if _labels(config) == 1:
            yield "rerank"


def _labels(config: Mapping[str, Any]) -> int:
    """Return how many classes there are; transformers' own default is two."""
    count, names = config.get("num_labels"), config.get("id2label")
    if config.get("is_original_qwen3_reranker") is True:
        return 1
    if isinstance(names, Mapping):
        return len(names)
    return count if isinstance(count, int) else 2


def _beside(config: Mapping[str, Any]) -> Mapping[str, Any]:
    found = config.get(BESIDE)
    return found if isinstance(found, Mapping) else {}
