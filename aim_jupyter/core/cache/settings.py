"""The variables that say where models lie and whether the network is used, and their sources."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from aim_jupyter.core import config
from aim_jupyter.core.records import Setting

#: What `AIM_CACHE_ENABLED` switches off.
_OF_AIM = ("AIM_CACHE_DIR", "AIM_SHARED_CACHE_DIR", "AIM_CACHE_PATH")


def settings() -> list[Setting]:
    """Return what holds now of each variable, in the order in which they win."""
    return [
        _setting("AIM_CACHE_ENABLED", lambda: "1" if config.cache_enabled() else "0"),
        _setting("AIM_CACHE_DIR", lambda: str(config.model_cache_dir()), _cache_from),
        _setting("AIM_SHARED_CACHE_DIR", lambda: ":".join(map(str, config.shared_cache_dirs()))),
        _setting("AIM_CACHE_PATH", lambda: str(config.aim_cache_dir() or "")),
        _setting("HF_HOME", lambda: str(_hf_home())),
        _setting("HF_HUB_CACHE", lambda: str(_hf_home() / "hub"), _under_home),
        _setting("HF_DATASETS_CACHE", lambda: str(_hf_home() / "datasets"), _under_home),
        _setting("VLLM_CACHE_ROOT", lambda: str(vllm_root())),
        _setting("AIM_COMPILE_CACHE_DIR", lambda: str(config.compile_cache_dir())),
        _setting("HF_HUB_OFFLINE", lambda: "1" if config.offline() else "0"),
        # The downloads and the engine get it from us, whatever the notebook says.
        Setting(name="HF_HUB_DISABLE_TELEMETRY", value="1", source="always set by aim_jupyter"),
        Setting(name="VLLM_NO_USAGE_STATS", value="1", source="always set by aim_jupyter"),
    ]


def vllm_root() -> Path:
    """Return the folder in which vLLM keeps what it compiles and learns."""
    said = os.environ.get("VLLM_CACHE_ROOT")
    return Path(os.path.expanduser(said)).absolute() if said else _xdg_cache() / "vllm"  # noqa: PTH111


def _setting(
    name: str, value: Callable[[], str], source: Callable[[], str] = lambda: "default"
) -> Setting:
    """Return one variable: as it is set, else as what stands in for it."""
    said = os.environ.get(name)
    if said:
        if name in _OF_AIM and not config.cache_enabled():
            return Setting(name=name, value=value(), source="ignored: AIM_CACHE_ENABLED is 0")
        return Setting(name=name, value=said, source="environment")
    return Setting(name=name, value=value(), source=source())


def _cache_from() -> str:
    return next(
        (f"from {name}" for name in ("HF_HUB_CACHE", "HF_HOME") if os.environ.get(name)), "default"
    )


def _under_home() -> str:
    return "from HF_HOME" if os.environ.get("HF_HOME") else "default"


def _hf_home() -> Path:
    home = os.environ.get("HF_HOME")
    return Path(os.path.expanduser(home)).absolute() if home else _xdg_cache() / "huggingface"  # noqa: PTH111


def _xdg_cache() -> Path:
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")).absolute()  # noqa: PTH111
