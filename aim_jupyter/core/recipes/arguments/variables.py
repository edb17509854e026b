"""The environment variables of AMD's AIM runtime, with the meaning that they have there.

One difference: what that runtime would quietly replace by a default is an error here, so that a
typing mistake does not launch something else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.recipes.files.profile import gpu_names

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_LEVELS = ("debug", "info", "warning", "error", "critical")
_MOST_GPUS, _MOST_PORT = 64, 65_535


def read(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what each of the ``AIM_*`` variables says, those of this process if `environ` is None.

    One that is not set, or says ``auto``, is left out. ``AIM_MODEL_ID`` is another name of
    ``AIM_ID``. `request.record.OPTIONS` has the option that each stands behind.

    Raises
    ------
    BadUsage
        If one of them has a value that it can't have, naming variable and value.
    """
    given = os.environ if environ is None else environ
    said = {variable: _one(given, variable, parse) for variable, parse in _READERS.items()}
    said["AIM_ID"] = _model(given)
    return {variable: value for variable, value in said.items() if value is not None}


def _model(environ: Mapping[str, str]) -> str | None:
    aim, model = environ.get("AIM_ID"), environ.get("AIM_MODEL_ID")
    if aim and model:
        raise BadUsage("AIM_ID and AIM_MODEL_ID are both set.", "unset one of them")
    return aim or model or None


def _one(environ: Mapping[str, str], variable: str, parse: Callable[[str], Any]) -> Any:
    text = environ.get(variable, "").strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise BadUsage(f"{variable} is {text!r}.", f"set it to {error}, or unset it") from error


def _choice(*allowed: str) -> Callable[[str], str | None]:
    def parse(text: str) -> str | None:
        if text.lower() not in (*allowed, "auto"):
            raise ValueError(f"one of {', '.join(allowed)}, auto")
        return None if text.lower() == "auto" else text.lower()

    return parse


def _count(text: str) -> int | None:
    if text.lower() == "auto":
        return None
    return _number(text, 0, _MOST_GPUS, "a number of GPUs, or auto")


def _port(text: str) -> int:
    return _number(text, 1, _MOST_PORT, "a port from 1 to 65535")


def _number(text: str, least: int, most: int, what: str) -> int:
    if not (text.isascii() and text.isdigit()) or not least <= int(text[:9]) <= most:
        raise ValueError(what)
    return int(text)


def _gpu(text: str) -> str | None:
    names = gpu_names()
    if text.upper() not in names:
        raise ValueError(f"one of {', '.join(names)}")
    return text.upper()


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError('a JSON object such as {"max-model-len": 8192}')  # noqa: TRY004
    return value


def _switch(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError("true or false")
    return text.lower() in _TRUE


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _name(text: str) -> str:
    if ".." in text or text.startswith("/"):
        raise ValueError("a name without .. that does not start with /")
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "AIM_PRECISION": _choice("fp4", "fp8", "fp16", "fp32", "bf16", "int4", "int8"),
    "AIM_METRIC": _choice("latency", "throughput"),
    "AIM_ENGINE": _choice("vllm"),
    "AIM_GPU_COUNT": _count,
    "AIM_GPU_MODEL": _gpu,
    "AIM_PROFILE_ID": str,
    "AIM_PORT": _port,
    "AIM_ENGINE_ARGS": _object,
    "AIM_CACHE_PATH": _folder,
    "AIM_CUSTOM_MODEL_NAME": _name,
    "AIM_ALLOW_GENERAL_PROFILE_FALLBACK": _switch,
    "AIM_LOG_LEVEL": _choice(*_LEVELS),
}
