"""Engine environments: the interpreters in which an engine is installed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

#: ``container``: of the image that this process itself runs in; ``image``: of any other one.
EngineSource = Literal["managed", "variable", "notebook", "container", "image", "package"]


class Flag(Struct, frozen=True, kw_only=True):
    """One option of the engine's own parser.

    Attributes
    ----------
    names : tuple of str
        All its spellings, such as ``("--max-model-len",)``; ``--no-…`` forms are among them.
    takes_value : bool
        False for a switch.
    many : bool
        Whether it takes several values, up to the next option.
    choices : tuple of str
        What the parser accepts, empty where it does not say.
    """

    names: tuple[str, ...]
    takes_value: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()


class Image(Struct, frozen=True, kw_only=True):
    """A container image that has an engine beside its ``python3``.

    Attributes
    ----------
    name, id : str
        As the user says it; and what it was when it was looked up, whatever has that name later.
    program : str
        What runs it: ``docker`` or ``podman``.
    rootless : bool
        Whether root inside is the user outside.
    """

    name: str
    id: str
    program: str
    rootless: bool = False


class EngineEnvironment(Struct, frozen=True, kw_only=True):
    """An interpreter in which an engine may be installed, and what it answered when asked.

    Attributes
    ----------
    source : EngineSource
        How it was found; ``package`` is no interpreter, but a package whose engine was refused.
    name : str
        What the user calls it: the folder of a managed one, ``container:IMAGE``, else its source.
    python : str
        Path of the interpreter; in an image it is found by its name.
    image : Image or None
        What it lies in; None for an interpreter of this machine.
    engine, version, platform : str or None
        Such as ``vllm``, ``0.32.0``, ``cpu`` or ``rocm``; None where it could not be asked.
    engine_title : str
        The engine as its makers write it.
    command : tuple of str
        What follows the interpreter to start the server, such as
        ``("-m", "vllm.entrypoints.openai.api_server")``.
    flags : tuple of Flag
        The complete set that its parser accepts.
    variables : tuple of str
        The environment variables that it knows.
    usable : bool
        Whether it can serve; `reason` says why not.
    """

    name: str
    python: str
    source: EngineSource
    image: Image | None = None
    engine: str | None = None
    version: str | None = None
    platform: str | None = None
    engine_title: str = ""
    command: tuple[str, ...] = ()
    model_option: str | None = None
    flags: tuple[Flag, ...] = ()
    variables: tuple[str, ...] = ()
    usable: bool = False
    reason: str = ""

    @property
    def title(self) -> str:
        """The engine as its makers write it, with its version: ``vLLM 0.32.0``."""
        name = self.engine_title or self.engine or "engine"
        return f"{name} {self.version or ''}".rstrip()


class WarmHost(Struct, frozen=True, kw_only=True):
    """A process that has imported an engine, and forks servers of it.

    Attributes
    ----------
    version, ready_s : str, float or None
        None while it imports. `ready_s`: seconds that the imports took.
    forked, servers : int
        Servers that it has forked so far, and those of them that live.
    idle_left_s : float or None
        Seconds until it ends unless somebody launches; None while one of its servers lives.
    memory_bytes : int or None
        Proportional set size: what its servers share with it counts in part.
    reason : str
        Why it can't fork now, empty where it can.
    """

    engine: str
    pid: int
    started_at: float
    version: str | None = None
    ready_s: float | None = None
    forked: int = 0
    servers: int = 0
    idle_left_s: float | None = None
    memory_bytes: int | None = None
    reason: str = ""
