"""What this machine is, and what is installed on it."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core import engines
from aim_jupyter.core import gpus as detection
from aim_jupyter.core.engines import InstallPlatform
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import EngineEnvironment, Machine


def machine(
    simulated: str | None = None, *, file: Path | None = None, tools: bool = False
) -> Machine:
    """Return the GPUs of this machine in HIP order, who holds them, and the processor.

    Parameters
    ----------
    simulated : str, optional
        A machine that is not there, such as ``mi300x:8`` or ``mi300x:8:cpx-nps4``.
    file : Path, optional
        The captured output of a tool, read instead of the machine.
    tools : bool
        Ask the vendor's tools as well, in subprocesses with a time limit; the driver's word holds.

    Raises
    ------
    BadUsage
        If there is no such machine to simulate, or the file is no output that is known.
    """
    if file is not None:
        return detection.from_file(file)
    found = detection.machine(simulated)
    return detection.enrich(found) if tools else found


def engine_list() -> list[EngineEnvironment]:
    """Return every engine environment that was found, usable or not, and why not."""
    return engines.find()


def install_engine(
    platform: InstallPlatform, *, force: bool = False, sources: Path | None = None
) -> EngineEnvironment:
    """Make a managed engine environment and return it; progress goes to `events.report`.

    Parameters
    ----------
    sources : Path, optional
        A list of sources in place of the shipped one, for sites with wheels or locks of their own.

    Raises
    ------
    InstallFailed
        If no source ended in a working engine; nothing half-made is left.
    """
    return engines.install(platform, force=force, catalogue=sources or engines.SHIPPED)


def ask_engine() -> bool:
    """Ask the engine that would serve here what it is; return whether that is known from now on."""
    here = machine()
    engine_for(here)
    return engine_is_known(here)


def engine_for(here: Machine, engine: str = "vllm") -> EngineEnvironment | None:
    """Return the engine environment that would serve on this machine, None without one."""
    try:
        return engines.choose(platform=_platform(here), engine=engine)
    except AimError:
        return None


def engine_is_known(here: Machine) -> bool:
    """Whether `engine_for` answers at once: else it asks an engine first, which takes 10 s."""
    return engines.is_known(platform=_platform(here))


def _platform(here: Machine) -> str:
    return "rocm" if any(gpu.usable for gpu in here.gpus) else "cpu"


def version_for(here: Machine) -> str | None:
    """Return the version of the engine that would serve here, None for a machine that is not."""
    environment = None if here.simulated or not here.gpus else engine_for(here)
    return environment.version if environment else None
