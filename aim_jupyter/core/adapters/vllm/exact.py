"""Asks vLLM's own code what it would build on a GPU that is not here; see `oracle`.

A question costs 12 s, and 3 s more for each further one of the same kind of GPU: the process stays
as long as this one. What was answered is kept on disk under everything that could change it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from aim_jupyter.core import config, devices, files
from aim_jupyter.core.adapters.vllm.answering import Answer, Answering
from aim_jupyter.core.adapters.vllm.oracle.machine import Gpu

TRIED = ("0.32",)
"""Releases whose private names `oracle` was written for and tried with; no other is asked."""

GFX = ("gfx90a", "gfx942", "gfx950")
"""Architectures that it was tried with."""
COLD_S = 180.0
"""Seconds until a process must be ready; 12 on a quiet machine."""
QUESTION_S = 120.0

_HERE = Path(__file__).parent
_START = f"import sys; sys.path.append({str(_HERE)!r}); import oracle.main"


class Question(Struct, frozen=True, kw_only=True):
    """A launch.

    Attributes
    ----------
    config : dict
        The ``config.json``, with what ``hf_quant_config.json`` says.
    argv : tuple of str
        As ``vllm serve`` has them, without the model.
    env : dict
        The launch's variables.
    drafter : dict or None
        The ``config.json`` of a model that drafts, which stands for the one that is named.
    rank : int
        Whose weights are counted.
    until : str
        ``configured`` where the model need not be built.
    """

    config: Mapping[str, Any]
    argv: Sequence[str] = ()
    env: Mapping[str, str] = {}
    drafter: Mapping[str, Any] | None = None
    rank: int = 0
    until: str = "laid out"

    @property
    def line(self) -> str:
        """What the engine's process reads."""
        names = self.__struct_fields__
        return json.dumps({name: getattr(self, name) for name in names}, sort_keys=True)


def shown(model: str, gfx: str, memory: int) -> Gpu | None:
    """Return a GPU as the table of them knows it: by its model, else by its architecture."""
    row = devices.typed(model)
    alike = (one for one in devices.devices() if one.gfx == gfx and one.ids and one.name and one.cu)
    if row is None or row.gfx != gfx or not (row.ids and row.name and row.cu):
        row = next(alike, None)
    if row is None:
        return None
    return Gpu(gfx, memory, row.ids[0], row.name or "", row.cu or 0)


class Oracle:
    """vLLM of one interpreter, on one kind of GPU.

    Parameters
    ----------
    python : str
        The engine's interpreter.
    version : str
        Of its vLLM.
    """

    def __init__(self, python: str, version: str, gpu: Gpu) -> None:
        self._process = Answering([python, "-c", _START, json.dumps(gpu)], cold_s=COLD_S)
        self._about = f"{version} {gpu} {_written()}"

    def ask(self, question: Question) -> Answer | None:
        """Return what vLLM said, None where it could not be asked."""
        kept = self._kept(question)
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads(kept.read_bytes()))
        answer = self._process.ask(question.line, QUESTION_S)
        if answer is not None:
            with contextlib.suppress(OSError):
                files.private_folder(kept.parent)
                files.write_atomic(kept, json.dumps(answer).encode())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def _kept(self, question: Question) -> Path:
        name = hashlib.sha256(f"{self._about}\n{question.line}".encode()).hexdigest()[:32]
        return config.data_dir() / "exact" / f"{name}.json"


_OPEN: dict[tuple[str, str, Gpu], Oracle] = {}


def oracle(python: str, version: str, gpu: Gpu) -> Oracle | None:
    """Return the oracle of an engine for a kind of GPU, None where it was never tried."""
    if gpu.gfx not in GFX or not any(f"{version}.".startswith(f"{each}.") for each in TRIED):
        return None
    which = (python, version, gpu)
    if which not in _OPEN:
        _OPEN[which] = Oracle(*which)
    return _OPEN[which]


@atexit.register
def close() -> None:
    """End the processes of all that were asked."""
    while _OPEN:
        _OPEN.popitem()[1].close()


@functools.cache
def _written() -> str:
    """Return a mark of the code that asks: another version of it asks anew."""
    found = hashlib.sha256()
    for file in sorted((_HERE / "oracle").glob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]
