"""The engine that would serve a request: of this machine, or assumed for one only spoken of."""

from __future__ import annotations

import contextlib
import copy

from aim_jupyter.core import adapters, engines
from aim_jupyter.core.choice import Conditions
from aim_jupyter.core.errors import AimError, NoEngine
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from aim_jupyter.core.records import EngineEnvironment, Flag, Machine, Recipe
from aim_jupyter.core.request import Request

ELSEWHERE = "planned with the options of {} for {}, the engine of this machine"
UNCHECKED = "no engine is installed here: options go unchecked, and {} is assumed"


class Environments:
    """The engine environments for one machine; each is looked for once.

    Parameters
    ----------
    version : str or None
        Judge by this version of the engine, whatever is installed.
    """

    def __init__(self, machine: Machine, version: str | None = None) -> None:
        self._machine, self._version = machine, version
        self._found: dict[tuple[str | None, str, str], EngineEnvironment] = {}

    def on(self, machine: Machine) -> Environments:
        """Return the same for another machine of the same engines: what was found holds."""
        other = copy.copy(self)
        other._machine = machine  # noqa: SLF001 - a copy of this very one
        return other

    def conditions(self, request: Request) -> Conditions:
        """Return what a request meets on this machine."""
        kind, name = _engine(request)
        version = self._version
        if version is None:
            with contextlib.suppress(AimError):
                version = self._environment(name, self._platform, kind).version
        return Conditions(machine=self._machine, engine=kind, engine_version=version or None)

    def serving(self, request: Request, recipe: Recipe) -> EngineEnvironment:
        """Return the engine environment that would serve a recipe.

        For a machine that is only spoken of it is the one of this machine, else one is assumed.

        Raises
        ------
        NoEngine
            If there is none on this machine.
        """
        platform = "cpu" if recipe.gpu_model == "cpu" else "rocm"
        return self._environment(_engine(request)[1], platform, recipe.engine)

    def remarks(self, environment: EngineEnvironment) -> tuple[str, ...]:
        """Return what to say of an engine that is not the one that would serve."""
        if not environment.usable:
            return (UNCHECKED.format(environment.title),)
        other = self._machine.simulated and environment.platform not in (None, self._platform)
        return (ELSEWHERE.format(environment.title, environment.platform),) if other else ()

    def flags(self, engine: str) -> tuple[Flag, ...]:
        """Return the options of an engine, as far as one has been looked for."""
        return next((one.flags for one in self._found.values() if one.engine == engine), ())

    @property
    def _platform(self) -> str:
        return "rocm" if any(gpu.usable for gpu in self._machine.gpus) else "cpu"

    def _environment(self, name: str | None, platform: str, engine: str) -> EngineEnvironment:
        key = (name, platform, engine)
        if key not in self._found:
            self._found[key] = self._looked_for(name, platform, engine)
        return self._found[key]

    def _looked_for(self, name: str | None, platform: str, engine: str) -> EngineEnvironment:
        if not self._machine.simulated:
            return engines.choose(name, platform=platform, engine=engine)
        for wanted in (platform, None):
            with contextlib.suppress(NoEngine):
                return engines.choose(name, platform=wanted, engine=engine)
        return _assumed(engine, platform)


def _engine(request: Request) -> tuple[str, str | None]:
    """Return the engine that is asked for, and the environment where one is asked for by name."""
    if request.engine is None:
        return _engine_of(request.recipe), None
    if adapters.is_known(request.engine):
        return request.engine, None
    return engines.choose(request.engine).engine or WRITTEN_FOR, request.engine


def _engine_of(recipe: str | None) -> str:
    """Return the engine that the id of a recipe names: that of vLLM has none in it."""
    names = (adapter.name for adapter in adapters.known()) if recipe else ()
    return next((name for name in names if f"-{name}-" in f"{recipe}-"), WRITTEN_FOR)


def _assumed(engine: str, platform: str) -> EngineEnvironment:
    """Return an environment that nobody has: for what a plan elsewhere would be given."""
    adapter = adapters.of(engine)
    return EngineEnvironment(
        name="assumed",
        python="python3",
        source="managed",
        engine=engine,
        engine_title=adapter.title,
        platform=platform,
        command=tuple(adapter.command),
        model_option=adapter.model_option,
    )
