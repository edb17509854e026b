"""Whether the files of a model are what an engine can load: looked at before a start, not after.

Each check reads heads and sizes only, so that a folder of hundreds of GiB takes a fraction of a
second. What the engine would say of the same fault, half a minute later, stands in facts/vllm.md,
section 2.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core import files, safetensors
from aim_jupyter.core.cache import locating
from aim_jupyter.core.cache.locating import Located
from aim_jupyter.core.errors import AimError, ModelMissing, Offline

#: Letters of a commit that are shown.
_SHORT = 7
#: Bytes of a file that say what it is.
_HEAD = 512
#: JSON files that an engine reads, where they are there.
_JSON = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
_TEMPLATES = (
    "chat_template.jinja",
    "chat_template.json",
    "tekken.json",
    "additional_chat_templates",
)
_REPO = re.compile(r"[\w.-]+/[\w.-]+")
#: Weights that only other programs read: ONNX, TensorFlow, Flax.
_OTHERS = (".onnx", ".h5", ".msgpack", ".tflite")
_PICKLED = re.compile(r".*\.(bin|pt|pth|ckpt)")


def faults(folder: Path, *, pickle: bool = False) -> Iterator[AimError]:
    """Yield what is wrong with the model in `folder`, the gravest first; nothing where it is sound.

    Parameters
    ----------
    pickle : bool
        Whether weights may be pickles: those run code while they are loaded.
    """
    # Not `Path.is_dir`: that raises where a name is too long or its folder may not be read.
    if not os.path.isdir(folder):  # noqa: PTH112
        yield ModelMissing(
            f"There is no folder {folder}.",
            "%aim recipes",
        )
        return
    owner = locating.unreadable(folder)
    if owner:
        yield ModelMissing(
            f"{named(folder)} can't be read: it belongs to {owner}.",
            f"ask {owner} for read access to {folder}, or download it again to a cache of your own",
        )
        return
    other = locating.other_kind(folder)
    if other is not None:
        yield _no_model(folder, other)
        return
    missing = locating.missing_files(folder)
    if missing:
        yield lacks(folder, missing)
    # Mistral's own format has no config.json.
    own = not (folder / "config.json").is_file() and (folder / "params.json").is_file()
    for name in {"params.json" if own else "config.json"} - {*missing}:
        yield from _config(folder / name)
    yield from _other_json(folder, {*missing})
    if not missing:
        yield from _weights(folder, pickle=pickle)


def refusal(located: Located, *, pickle: bool = False) -> AimError | None:
    """Return why what is on disk of a repository can't be started from, None where it can.

    This is the one answer of `cache why`, `cache verify`, a plan, a launch and the panel.
    """
    if located.path is None:
        return ModelMissing("Nothing of it is on disk.", "")
    folder = Path(located.path)
    fault = next(faults(folder, pickle=pickle), None)
    if fault is None and located.damaged:
        fault = ModelMissing(
            f"{named(folder)} is damaged: {', '.join(located.damaged[:3])}.", _again(folder)
        )
    if fault is None or located.older is None:
        return fault
    older = Path(located.older)
    found = f"{fault.found} Its older revision {older.name[:_SHORT]} is whole."
    return ModelMissing(found, f"%aim launch {older}")


def refuse_other(located: Located) -> None:
    """Raise that something lies there of which no download makes a model.

    Raises
    ------
    ModelMissing
    """
    if located.owner or located.kind in ("GGUF", "diffusers", "adapter"):
        fault = refusal(located)
        if fault is not None:
            raise fault


@contextlib.contextmanager
def partly(located: Located) -> Iterator[None]:
    """Say what is on disk where the rest can't be had: which files are lacking, what is whole."""
    try:
        yield
    except Offline as error:
        fault = refusal(located) if located.path is not None else None
        if fault is None:
            raise
        hint = fault.hint if located.older or located.kind == "tokenizer" else error.hint
        why = "" if located.kind == "tokenizer" else " Offline, nothing can be downloaded."
        raise Offline(f"{fault.found}{why}", hint) from error


def flawed(folder: Path) -> dict[str, str]:
    """Return the files of a model that an engine could not load, each with why."""
    found = {}
    for name in ("config.json", "params.json", *_JSON):
        held = _object(folder / name) if os.path.lexists(folder / name) else {}
        if not isinstance(held, dict):
            found[name] = held.found if isinstance(held, AimError) else "holds no object"
    for file in safetensors.weights(folder):
        why = header_fault(file) if file.exists() else ""
        if why:
            found[file.name] = _joined(file, why)
    return found


def note(folder: Path) -> str:
    """Return what a user should know of a model that can start; empty where there is nothing."""
    if any((folder / name).exists() for name in _TEMPLATES):
        return ""
    facts = _object(folder / "tokenizer_config.json")
    if not isinstance(facts, dict) or facts.get("chat_template"):
        return ""
    return (
        "It has no chat template: it completes text, and does not chat; --chat-template FILE "
        "adds one."
    )


def named(folder: Path) -> str:
    """Return the name of a model's repository, else its folder."""
    return repository(folder) or str(folder)


def _no_model(folder: Path, kind: str) -> AimError:
    name = named(folder)
    if kind == "GGUF":
        return ModelMissing(
            f"{name} is GGUF, which the engines here don't serve.",
            "%aim recipes",
        )
    if kind == "adapter":
        base = _base(folder)
        return ModelMissing(
            f"{name} is an adapter of {base or 'another model'}, no model of its own.",
            f"%aim launch {base or 'BASE'} --enable-lora --lora-modules adapter={folder}",
        )
    if kind == "diffusers":
        return ModelMissing(
            f"{name} is not a model of these engines: it is made for diffusers.",
            "%aim recipes",
        )
    return ModelMissing(
        f"{name} is not a model: a tokenizer is all that is there.",
        "%aim recipes",
    )


def _base(folder: Path) -> str:
    facts = _object(folder / "adapter_config.json")
    found = facts.get("base_model_name_or_path") if isinstance(facts, dict) else None
    return found if isinstance(found, str) and _REPO.fullmatch(found) else ""


def _config(file: Path) -> Iterator[AimError]:
    facts = _object(file)
    folder = file.parent
    if isinstance(facts, AimError):
        yield facts
    elif not isinstance(facts, dict):
        yield ModelMissing(f"{file} holds no object.", _again(folder))
    elif file.name == "params.json":
        if not facts.get("dim") and not facts.get("n_layers"):
            yield ModelMissing(
                f"{file} says neither dim nor n_layers.",
                "choose a folder that holds a model in Mistral's or the Transformers format",
            )
    elif _is_mlx(facts):
        yield ModelMissing(
            f"{named(folder)} is quantized for MLX, which the engines here don't serve.",
            "%aim recipes",
        )
    elif not facts.get("model_type") and not facts.get("architectures"):
        yield ModelMissing(
            f"{file} says neither model_type nor architectures.",
            "choose a folder that holds a model in the Transformers format",
        )


def _is_mlx(facts: Mapping[str, Any]) -> bool:
    """Whether a config says that its weights are in groups of MLX, in a form of MLX's own."""
    said = facts.get("quantization")
    if not isinstance(said, dict):
        return False
    return {"bits", "group_size"} <= said.keys() and "quant_method" not in said


def _other_json(folder: Path, missing: AbstractSet[str]) -> Iterator[AimError]:
    for name in _JSON:
        if name not in missing and os.path.lexists(folder / name):
            found = _object(folder / name)
            if isinstance(found, AimError):
                yield found


def _weights(folder: Path, *, pickle: bool) -> Iterator[AimError]:
    files = safetensors.weights(folder)
    if not files and not pickle:
        yield from _only_pickles(folder)
    for file in files:
        fault = header_fault(file)
        if fault:
            yield ModelMissing(_joined(file, fault), _again(folder))


def lacks(folder: Path, missing: Sequence[str]) -> ModelMissing:
    """Return that a model's folder does not hold all that an engine needs."""
    if "model.safetensors" in missing and (others := _of_others(folder)):
        return ModelMissing(
            f"The weights in {named(folder)} are for another program ({others}).",
            "%aim recipes",
        )
    said = ", ".join(
        f"{each} (it is empty)" if _there(folder / each) else each for each in missing[:3]
    )
    inner = _inside(folder) if "config.json" in missing else None
    beside = f" A model lies in its folder {inner.name}." if inner else ""
    return ModelMissing(
        f"{named(folder)} is no complete model: it lacks {said}.{beside}",
        f"%aim launch {shlex.quote(str(inner))}" if inner else _again(folder),
    )


def _there(file: Path) -> bool:
    return file.is_file() and not file.stat().st_size


def _of_others(folder: Path) -> str:
    """Return a file of weights that only other programs read, empty where there is none."""
    found = (path for ending in _OTHERS for path in sorted(folder.glob(f"**/*{ending}")))
    return next((str(path.relative_to(folder)) for path in found), "")


def _inside(folder: Path) -> Path | None:
    """Return the one folder in a folder that holds a model, None where there is no such one."""
    found = [path.parent for path in folder.glob("*/config.json")]
    whole = [path for path in found if not locating.missing_files(path)]
    return whole[0] if len(whole) == 1 else None


def _only_pickles(folder: Path) -> Iterator[AimError]:
    pickles = sorted(path.name for path in folder.iterdir() if _PICKLED.fullmatch(path.name))
    if pickles:
        yield ModelMissing(
            f"The weights in {folder} are pickles ({pickles[0]}): loading them can run any code.",
            "convert them to safetensors, or add --load-format pt if you trust whoever made them",
        )


def header_fault(file: Path) -> str:
    """Return what is wrong with a safetensors file; empty where its head and its length agree.

    Each tensor says where in the rest of the file its data are: the largest end is its length. A
    plan asks several times; a file that has not changed is read once.
    """
    try:
        facts = file.stat()
    except OSError as error:
        return f"can't be read: {_why(error)}"
    return _fault(file, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _fault(file: Path, *_: int) -> str:
    try:
        head = safetensors.header(file)
        ends = [_end(entry) for entry in head.tensors.values()]
    except OSError as error:
        return f"can't be read: {_why(error)}"
    except ValueError as error:
        return str(error)
    wanted = head.begin + max(ends, default=0)
    if head.size < wanted:
        return f"is cut: {head.size:,} of {wanted:,} bytes are there"
    return f"{head.size - wanted:,} bytes too many: its header is of another file" * (
        head.size > wanted
    )


def _joined(file: Path, fault: str) -> str:
    return f"{file}{' ' if fault.startswith(('is ', 'can')) else ': '}{fault}."


def _end(entry: safetensors.Entry) -> int:
    match entry.data_offsets:
        case [int(begin), int(end)] if 0 <= begin <= end:
            return end
    raise ValueError("its header is no safetensors header")


def _object(file: Path) -> Any:
    """Return what a JSON file holds, or the error that it can't be read.

    A tokenizer is large, and only looked through, which takes no memory: it is said to be empty.
    """
    raw, large = b"", file.name == _JSON[0]
    try:
        raw = files.read_bounded(file, files.MOST_JSON if large else files.MOST_CONFIG)
        # As the engine's libraries read it: UTF-8, without a mark of the byte order.
        text = raw.decode()
        if not large:
            return json.loads(text)
        whole = bytes(msgspec.json.decode(text, type=msgspec.Raw))
        return {} if whole.lstrip().startswith(b"{") else None
    except OSError as error:
        said = f"can't be read: {_why(error)}"
    except RecursionError:
        said = "is no JSON (it is nested too deeply)"
    except ValueError as error:
        unread = not raw and file.stat().st_size > 0
        said = f"is no JSON ({error if unread else _instead(raw) or error})"
    return ModelMissing(f"{file} {said}.", _again(file.parent))


def _instead(raw: bytes) -> str:
    """Return what a file is that should be JSON, or a weight file; empty where that is not seen."""
    start = raw[:_HEAD].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a page of HTML"
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS"
    return "" if start else "it is empty"


def _why(error: OSError) -> str:
    """Return why a file can't be read: whose it is, where that is the reason."""
    if isinstance(error, PermissionError) and error.filename:
        owner = locating.owner(Path(error.filename))
        if owner:
            return f"it belongs to {owner}"
    return error.strerror or str(error)


def _again(folder: Path) -> str:
    """Return what to do about a file that did not come whole."""
    repo = repository(folder)
    if repo is None:
        return "copy the model there again"
    return f"rm -r {shlex.quote(str(locating.repo_folder(repo)))}"


def repository(folder: Path) -> str | None:
    """Return the repository whose snapshot in the cache `folder` is, None for any other folder.

    Examples
    --------
    >>> repository(Path("/c/models--Qwen--Qwen3-32B/snapshots/0123"))
    'Qwen/Qwen3-32B'
    """
    named = folder.parent.parent.name
    inside = folder.parent.name == "snapshots" and named.startswith("models--")
    return named.removeprefix("models--").replace("--", "/") if inside else None
