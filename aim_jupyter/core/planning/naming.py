"""What a name means that a user has copied from somewhere.

A link of the Hub, a name with a precision or a tag behind it, a checkpoint's repository, a folder
beside the notebook: what can be meant by one thing alone is taken for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from msgspec import structs

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.recipes.files.format import PRECISIONS
from aim_jupyter.core.records import Model, Weights

_PATHS = ("/", "./", "../", "~")
#: A link to a model on the Hub, to a branch of it, or to a file in it.
_LINK = re.compile(
    r"(?:hf://|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/)(?:models/)?"
    r"(?P<repo>[^/\s?#:]+/[^/\s?#:]+)(?:/(?:tree|blob|resolve)/(?P<revision>[^/\s?#]+)[^\s]*)?"
    r"(?P<tag>:[^/\s?#]+)?/?(?:[?#]\S*)?",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"(?:hf://|(?:https?://)?(?:huggingface|hf)\.co/)(datasets|spaces)/", re.IGNORECASE
)
#: A link to a model of ModelScope.
_MODELSCOPE = re.compile(
    r"(?:https?://)?(?:www\.)?modelscope\.(?:cn|ai)/models/(?P<repo>[\w.-]+/[\w.-]+)(?:[/?#]\S*)?"
)
#: Where else models come from: a bucket with a prefix, a folder of a web server, ModelScope.
_PLACE = re.compile(
    r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\s?#]+)?"
    r"|https?://[\w.-]+(?::\d+)?(?:/[^\s?#@]+)?"
    r"|modelscope://[\w.-]+/[\w.-]+"
)
_MOST_ADDRESS = 200  # characters: with it a folder is named
#: Another site's link, which ends as a repository is called.
_ELSEWHERE = re.compile(r"\w+://[^/]+/(?:models/)?([\w.-]+/[\w.-]+)(?:[/?#].*)?")
#: A revision behind a name: of a repository, or of one word.
_AT = re.compile(r"(?P<name>[^@\s]+)@(?P<revision>[^@:\s]+)(?P<tag>:[^@\s]+)?")
_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
#: What the name of a GGUF file says behind that of its model: how it is quantized.
_QUANTIZED = re.compile(r"[-.](?:i?q\d|bf16|f16|f32|fp16)", re.IGNORECASE)
#: AMD's and the field's other words for our names of precisions.
_ALSO = {"fp4": "mxfp4", "bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_USUAL = ("main", "master")


class Meant(NamedTuple):
    """A name, and what was said beside it.

    Attributes
    ----------
    tag : str
        What stood behind a colon: a precision, or a tag of Ollama.
    revision : str or None
        Of the repository, other than its main branch.
    """

    name: str
    tag: str = ""
    revision: str | None = None


def read(text: str) -> Meant:
    """Return what a user's words for a model mean, without looking any of it up but folders.

    A folder that is there comes before a repository of the same name; it is then a whole path.

    Raises
    ------
    BadUsage
        If it is a GGUF file, or a link to something that is no model.

    Examples
    --------
    >>> read("https://huggingface.co/Qwen/Qwen3-8B/tree/main").name
    'Qwen/Qwen3-8B'
    >>> read("Qwen/Qwen3-32B:fp8")
    Meant(name='Qwen/Qwen3-32B', tag='fp8', revision=None)
    >>> read("'Qwen/Qwen3-32B@v1.0'")
    Meant(name='Qwen/Qwen3-32B', tag='', revision='v1.0')
    """
    name = _unquoted(text)
    if name.casefold().endswith((".gguf", "-gguf")) and not os.path.isdir(name):  # noqa: PTH112
        raise _gguf(name)
    if name.startswith(_PATHS) or name in (".", ".."):
        return Meant(name)
    if _is_model(name):
        return Meant(os.path.join(".", name))  # noqa: PTH118 - pathlib drops the dot
    behind = _AT.fullmatch(name)
    if behind and "://" not in behind["revision"]:
        meant = _named(f"{behind['name']}{behind['tag'] or ''}")
        return meant._replace(revision=_other(behind["revision"]))
    return _named(name)


def _named(name: str) -> Meant:
    """Return what is meant by a link, or by a name with a tag or without."""
    link = _LINK.fullmatch(name)
    if link:
        meant = Meant(link["repo"], (link["tag"] or ":")[1:], _other(link["revision"]))
        return _no_gguf(meant)
    wrong = _NO_MODEL.match(name)
    place = None if wrong else _place(name)
    if place:
        return Meant(place)
    if wrong or "://" in name:
        what = f"a link to one of the Hub's {wrong[1]}" if wrong else "no link to a model"
        there = _ELSEWHERE.fullmatch(name)
        hint = f"%aim launch {there[1]}" if there and not wrong else ""
        raise BadUsage(f"{name} is {what}.", hint or "name a model as Organisation/Name")
    name, _, tag = name.rstrip("/").partition(":")
    return _no_gguf(Meant(name, tag))


def _place(name: str) -> str:
    """Return the address of a model that is not the Hub's, empty where it is none."""
    there = _MODELSCOPE.fullmatch(name)
    address = f"modelscope://{there['repo']}" if there else name.rstrip("/")
    plain = _PLACE.fullmatch(address) and len(address) <= _MOST_ADDRESS
    return address if plain and not {"..", "."} & {*address.split("/")} else ""


def _unquoted(text: str) -> str:
    """Return a name without spaces and quotes around it."""
    name = text.strip()
    while len(name) > 1 and name[0] in _QUOTES and name[-1] in _QUOTES:
        name = name[1:-1].strip()
    return name


def _other(revision: str | None) -> str | None:
    """Return a revision where it is not the one that is loaded anyway."""
    return None if revision in (None, *_USUAL) else revision


def _no_gguf(meant: Meant) -> Meant:
    if meant.name.casefold().endswith("-gguf"):
        raise _gguf(meant.name)
    return meant


def narrowed(model: Model, meant: Meant) -> Model:
    """Return a model with the weights alone that were meant: of a repository, of a precision.

    Raises
    ------
    UnknownName
        If it has none of the precision that was named.
    """
    if meant.tag and _precision(meant.tag):
        model = _of_precision(model, meant)
    elif model.name.casefold() != meant.name.casefold():
        repos = {
            one.repo for one in _weights(model) if one.repo.casefold() == meant.name.casefold()
        }
        model = _with(model, lambda one: one.repo in repos) if repos else model
    if meant.revision is None:
        return model
    return _pinned(model, meant)


def with_weights(catalogue: Catalogue, repo: str) -> Model | None:
    """Return the model of the catalogue that is served from a checkpoint, None if there is none."""
    wanted = repo.casefold()
    for model in catalogue.models:
        if any(one.repo.casefold() == wanted for one in _weights(model)):
            return model
    return None


def tagged(meant: Meant, catalogue: Catalogue) -> Model | None:
    """Return the model that a name with a tag is in the catalogue: ``qwen3:32b``."""
    if not meant.tag or _precision(meant.tag):
        return None
    try:
        return catalogue.find(f"{meant.name}-{meant.tag}")
    except UnknownName:
        return None


def unknown(meant: Meant, catalogue: Catalogue) -> BadUsage | None:
    """Return what is wrong with a name that has a tag of Ollama, with the nearest line."""
    if not meant.tag:
        return None
    said = f"{meant.name}:{meant.tag}"
    size, *_ = meant.tag.split("-")
    words = re.findall(r"\d+x\d+|[a-z]+|\d+(?:\.\d+)?", f"{meant.name}-{size}".casefold())
    # A number stands alone: the 8 of "8b" is none of 18, of 3.8 or of 8x8.
    said_in = [
        re.compile(rf"(?<![\d.x]){re.escape(word)}(?!x?\d)" if word[0].isdigit() else word)
        for word in words
    ]
    holding = [
        name for name in catalogue.names if all(each.search(name.casefold()) for each in said_in)
    ]
    # One of another size is another model.
    hint = f"%aim launch {holding[0]}" if holding else "%aim recipes"
    return BadUsage(f"{said!r} is a name of Ollama's, whose files are GGUF.", hint)


def _is_model(name: str) -> bool:
    """Whether a folder beside the notebook is meant: one that holds a model, or a path to one."""
    return "/" in name and os.path.isfile(os.path.join(name, "config.json"))  # noqa: PTH113, PTH118


def _gguf(name: str) -> BadUsage:
    """Return what is wrong with a file or a repository in GGUF, with the model that it is of."""
    last = name.rstrip("/").rpartition("/")[2]
    model = _QUANTIZED.split(re.sub(r"[-_.]GGUF$", "", last, flags=re.IGNORECASE))[0]
    return BadUsage(
        f"{name} is GGUF, which the engines here don't serve.",
        f"%aim recipes {model}",
    )


def _precision(tag: str) -> str | None:
    word = _ALSO.get(tag.casefold(), tag.casefold())
    return word if word in PRECISIONS else None


def _of_precision(model: Model, meant: Meant) -> Model:
    precision = _precision(meant.tag)
    found = _with(model, lambda one: one.precision == precision)
    if not found.weights and not found.recipes:
        there = sorted({one.precision for one in _weights(model)})
        raise UnknownName("precision", meant.tag, there, f"%aim recipes {model.name}")
    return found


def _with(model: Model, wanted: Callable[[Weights], bool]) -> Model:
    return structs.replace(
        model,
        weights={name: one for name, one in model.weights.items() if wanted(one)},
        recipes=tuple(one for one in model.recipes if wanted(one.weights)),
    )


def _pinned(model: Model, meant: Meant) -> Model:
    """Return a model whose weights are those of one revision."""

    def pin(one: Weights) -> Weights:
        mine = one.repo.casefold() == meant.name.casefold()
        return structs.replace(one, revision=meant.revision) if mine else one

    return structs.replace(
        model,
        weights={name: pin(one) for name, one in model.weights.items()},
        recipes=tuple(structs.replace(one, weights=pin(one.weights)) for one in model.recipes),
    )


def _weights(model: Model) -> list[Weights]:
    return [*model.weights.values(), *(one.weights for one in model.recipes)]
