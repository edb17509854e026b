"""Over how many GPUs a launch is spread: all options that multiply them, of any engine.

vLLM takes tensor x pipeline x prefill-context for one copy, and that for each of its data parallel
ranks; expert parallelism and decode-context parallelism share out GPUs that are counted already
(``vllm/config/parallel.py``, ``world_size``). SGLang's data parallelism is such a one as well with
``--enable-dp-attention``.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.arguments.options import named, plain
from aim_jupyter.core.records import Recipe

#: The ways beside tensor parallelism, which a recipe says by its own field.
_OTHERS = ("pipeline_parallel", "prefill_context_parallel", "data_parallel", "nodes")
#: More would be no launch on one machine, and no number that somebody meant.
MOST = 4096


class Parallel(Struct, frozen=True, kw_only=True):
    """How often a model is shared out, and how often it is there.

    Attributes
    ----------
    tensor, pipeline, prefill : int
        Over how many GPUs one copy is spread, each way.
    data : int
        Copies on this machine.
    nodes : int
        Machines that share all of it evenly.
    """

    tensor: int = 1
    pipeline: int = 1
    prefill: int = 1
    data: int = 1
    nodes: int = 1

    @property
    def gpus(self) -> int:
        """GPUs of this machine."""
        return -(-self.tensor * self.pipeline * self.prefill * self.data // self.nodes)

    @property
    def said(self) -> str:
        """What makes up the number, where it takes more than one way: ``tensor 8 x data 2``."""
        ways = ("tensor", "pipeline", "prefill", "data")
        more = [f"{way} {count}" for way in ways if (count := getattr(self, way)) > 1]
        return " x ".join(more) if len(more) > 1 or self.nodes > 1 else ""


def parallel(
    recipe: Recipe, options: Mapping[str, Any] | None = None, unset: Collection[str] = ()
) -> Parallel:
    """Return how a recipe is spread with a user's options, which beat it.

    Parameters
    ----------
    options : mapping
        By the engine's names or in the words of vLLM.
    unset : collection of str
        Options of the recipe that are left out.

    Raises
    ------
    BadUsage
        If an option of the user is no number of GPUs.
    """
    if not options and not unset and recipe.args.keys().isdisjoint(_spreading(recipe.engine)):
        return Parallel(tensor=recipe.tp)  # nearly always, and asked of every recipe
    gone = {plain(name) for name in unset}
    found = _Said(adapters.of(recipe.engine), named(options or {}), named(recipe.args), gone)
    data = found.count("data_parallel")
    return Parallel(
        tensor=found.count("tensor_parallel", recipe.tp),
        pipeline=found.count("pipeline_parallel"),
        prefill=found.count("prefill_context_parallel"),
        data=found.count("data_parallel_local", data),
        nodes=found.count("nodes"),
    )


@functools.cache
def _spreading(engine: str) -> frozenset[str]:
    """Return the options, however they are written, by which a recipe takes more than its field."""
    names = {
        setting.option
        for adapter in (adapters.of(engine), adapters.get(WRITTEN_FOR))
        for way in _OTHERS
        if (setting := adapter.setting(way)) is not None
    }
    return frozenset(names | {name.replace("-", "_") for name in names})


def tensor(options: Mapping[str, Any], engine: str) -> int | None:
    """Return the tensor parallelism that a user asks for, None where it is left to us.

    Raises
    ------
    BadUsage
        If it is no number of GPUs.
    """
    if not options:
        return None
    return _Said(adapters.of(engine), named(options), {}, set()).own("tensor_parallel")


class _Said:
    """What is said of each way: by the user, else by the recipe."""

    def __init__(
        self,
        engine: Adapter,
        asked: Mapping[str, Any],
        args: Mapping[str, Any],
        gone: Collection[str],
    ) -> None:
        self._engine, self._asked, self._args, self._gone = engine, asked, args, gone

    def count(self, way: str, otherwise: int = 1) -> int:
        asked = self.own(way)
        if asked is not None:
            return asked
        names = self._names(way)
        if any(name in self._gone for name in names):
            return 1
        stated = next((self._args[name] for name in names if name in self._args), None)
        return _number(stated) or otherwise

    def own(self, way: str) -> int | None:
        """Return what the user says of a way."""
        for name in self._names(way):
            if name in self._asked:
                return _asked_for(name, self._asked[name])
        return None

    def _names(self, way: str) -> list[str]:
        """Return the options for a way, the engine's own first; none where it spreads nothing."""
        found: list[str] = []
        for adapter in (self._engine, adapters.get(WRITTEN_FOR)):
            setting = adapter.setting(way)
            if setting is None or (adapter is self._engine and self._is_on(setting.unless)):
                return found
            found.append(setting.option)
        return found

    def _is_on(self, switch: str) -> bool:
        given = {**self._args, **self._asked}
        return switch in given and switch not in self._gone and given[switch] is not False


def _number(value: Any) -> int | None:
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and 0 < int(text[:9]) <= MOST else None


def _asked_for(name: str, value: Any) -> int:
    count = _number(value)
    if count is None:
        raise BadUsage(
            f"--{name} is {'nothing' if value is None else value}.",
            f"--{name} takes a whole number from 1",
        )
    return count
