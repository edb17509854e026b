"""What engines compile for a model and a machine, kept so that the next start need not.

By itself PyTorch's inductor writes to a folder of ``/tmp``, which a reboot or the end of a
container empties, and Triton to one below the home that all versions share. Here each engine
version has a folder of its own on the disk of the caches. What vLLM itself compiles and learns of
a model's code stays where `VLLM_CACHE_ROOT` says; it keeps the versions apart by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from aim_jupyter.core import config
from aim_jupyter.core.records import CompiledCache

#: The variable of each compiler, and its folder below that of an engine version.
_COMPILERS = {"TORCHINDUCTOR_CACHE_DIR": "inductor", "TRITON_CACHE_DIR": "triton"}
VARIABLES = frozenset(_COMPILERS)
#: Of vLLM, below `VLLM_CACHE_ROOT`.
_VLLM = ("torch_compile_cache", "modelinfos")


def environment(engine: str, version: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make an engine's compilers keep what they make.

    Those that the user has set already are left as they are.

    Parameters
    ----------
    version : str
        As the engine gives it, such as ``0.32.0+cpu``: builds differ in what they compile.
    """
    folder = config.compile_cache_dir() / f"{engine}-{version}"
    return {
        variable: str(folder / name)
        for variable, name in _COMPILERS.items()
        if not inherited.get(variable)
    }


def caches(vllm_root: Path) -> list[CompiledCache]:
    """Return what there is: of each engine version, and what vLLM keeps below `vllm_root`."""
    found = [*_folders(config.compile_cache_dir()), *(vllm_root / name for name in _VLLM)]
    sized = [CompiledCache(path=str(path), size_bytes=_bytes(path)) for path in found]
    return [one for one in sized if one.size_bytes]


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []


def _bytes(folder: Path) -> int:
    return sum(_sizes(folder))


def _sizes(folder: Path) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 - of many files
            except OSError:
                continue  # a compiler has just renamed it
