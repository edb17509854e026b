"""Where things are: the folders of this user, and which variable moves each.

====================  ======================================  ==============================
variable              what it moves                           default
====================  ======================================  ==============================
AIM_DATA_DIR          managed engine environments             ``~/.local/share/aim_jupyter``
AIM_STATE_DIR         servers, start times                    ``~/.local/state/aim_jupyter``
AIM_CACHE_DIR         models (else HF_HUB_CACHE or HF_HOME)   ``~/.cache/huggingface/hub``
AIM_SHARED_CACHE_DIR  more caches, only read, colon-separated none
AIM_HUB_MIRRORS       asked where the Hub fails, space between none
AIM_COMPILE_CACHE_DIR what engines compile                    ``~/.cache/aim_jupyter/compiled``
AIM_CACHE_ENABLED     0: only Hugging Face's own cache        1
AIM_RECIPES_PATH      more recipe folders, colon-separated    none
AIM_DEVICES_PATH      more tables of GPUs, colon-separated    none
AIM_SITES_PATH        more folders of site files              none
AIM_ENGINE_PYTHON     an interpreter that has an engine       none
AIM_DEFAULT_MODEL     what a launch without a model starts    SmolLM2, on a CPU
AIM_START             how engines are started: a mode, auto  ``auto``
AIM_READ_AHEAD_BYTES  larger weights are read ahead           256 MiB
AIM_SYS_ROOT          root of ``sys`` and ``dev``, for tests  ``/``
====================  ======================================  ==============================

A relative path is taken from the working directory of the moment, and given whole: the engine runs
in another one. Nothing here touches the disk: folders are made by whoever first writes into them.
"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

import platformdirs

APP = "aim_jupyter"
DEVICE_TABLES = "AIM_DEVICES_PATH"


def data_dir() -> Path:
    """Return the folder of the managed engine environments."""
    return _folder("AIM_DATA_DIR") or Path(platformdirs.user_data_dir(APP))


def state_dir() -> Path:
    """Return the folder of the servers' state."""
    return _folder("AIM_STATE_DIR") or Path(platformdirs.user_state_dir(APP))


def servers_dir() -> Path:
    """Return the folder that holds one folder per server."""
    return state_dir() / "servers"


def engines_dir() -> Path:
    """Return the folder that holds one folder per managed engine environment."""
    return data_dir() / "engines"


def model_cache_dir() -> Path:
    """Return the Hugging Face cache that models are read from and downloaded to.

    `AIM_CACHE_DIR` wins over `HF_HUB_CACHE`, and that over `HF_HOME`.
    """
    own = _folder("AIM_CACHE_DIR") if cache_enabled() else None
    chosen = own or _folder("HF_HUB_CACHE")
    if chosen is not None:
        return chosen
    home = _folder("HF_HOME")
    if home is None:
        home = (_folder("XDG_CACHE_HOME") or _path("~/.cache")) / "huggingface"
    return home / "hub"


def shared_cache_dirs() -> list[Path]:
    """Return the caches that are read from and never written, the first one winning."""
    return _paths("AIM_SHARED_CACHE_DIR") if cache_enabled() else []


def aim_cache_dir() -> Path | None:
    """Return the cache of AMD's AIM runtime, which holds ``<org>/<model>``; None without one."""
    return _folder("AIM_CACHE_PATH") if cache_enabled() else None


def modelscope_cache_dir() -> Path:
    """Return the folder below which ModelScope's own library keeps models."""
    return _folder("MODELSCOPE_CACHE") or _path("~/.cache") / "modelscope"


def compile_cache_dir() -> Path:
    """Return the folder that holds what each engine version has compiled."""
    return _folder("AIM_COMPILE_CACHE_DIR") or Path(platformdirs.user_cache_dir(APP)) / "compiled"


def cache_enabled() -> bool:
    """Return whether the caches of AIM are used at all, beside Hugging Face's own."""
    return os.environ.get("AIM_CACHE_ENABLED", "").lower() not in ("0", "false", "no", "off")


def offline() -> bool:
    """Return whether `HF_HUB_OFFLINE` forbids to ask the Hub, read as its own library does."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def hub_mirrors() -> list[str]:
    """Return the addresses that are asked where the Hub can't be reached, in their order."""
    return [each.rstrip("/") for each in os.environ.get("AIM_HUB_MIRRORS", "").split()]


def recipe_dirs() -> list[Path]:
    """Return the folders of recipe files, later ones winning: the package's, then the user's."""
    return [shipped_recipes(), *_paths("AIM_RECIPES_PATH")]


def device_tables() -> list[Path]:
    """Return the user's own tables of GPUs, read beside the package's, later ones winning."""
    return _paths(DEVICE_TABLES)


def site_dirs() -> list[Path]:
    """Return the user's folders of site files, later ones winning."""
    return [Path(platformdirs.user_config_dir(APP)) / "sites", *_paths("AIM_SITES_PATH")]


def host() -> str:
    """Return the name of this machine; in a job of Slurm's that by which Slurm knows it."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def shipped_recipes() -> Path:
    """Return the recipes that came with this package: inside the wheel, or beside a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def engine_python() -> Path | None:
    """Return the interpreter named by `AIM_ENGINE_PYTHON`."""
    return _folder("AIM_ENGINE_PYTHON")


def default_model() -> str | None:
    """Return the model of a launch that names none, None where nothing is set."""
    return os.environ.get("AIM_DEFAULT_MODEL") or None


def start_mode() -> str | None:
    """Return how engines are started where a launch does not say so, None where nothing is set."""
    return os.environ.get("AIM_START") or None


def read_ahead_bytes() -> int:
    """Return the size of weights from which on they are read ahead while the engine imports."""
    text = os.environ.get("AIM_READ_AHEAD_BYTES", "")
    return int(text) if text.isdecimal() else 256 << 20


def sys_root() -> Path:
    """Return the folder under which ``sys`` and ``dev`` of the machine are read."""
    return _folder("AIM_SYS_ROOT") or Path("/")


def with_jupyter() -> bool:
    """Whether a server ends with the Jupyter server that it was launched from, also unasked."""
    return os.environ.get("AIM_WITH_JUPYTER", "").lower() in ("1", "true", "yes", "on")


def user() -> str:
    """Return the name of the user; a container may run under a number that no user has."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable, "")
    return _path(value) if value else None


def _paths(variable: str) -> list[Path]:
    return [_path(part) for part in os.environ.get(variable, "").split(":") if part]


def _path(text: str) -> Path:
    # Not `Path.expanduser`: that raises where ``~`` has no meaning, as for a container's nameless
    # user, while `platformdirs` and `huggingface_hub` take such a path as it is.
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111
