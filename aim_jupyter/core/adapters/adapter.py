"""What the rest of this tool needs to know of an engine, and no more: data, read from TOML files.

Nearly all of it is a word, a number or a pattern. The one thing that has to be done rather than
known, asking an interpreter whether it has the engine, is a script that this interpreter runs:
``describe.py`` in the adapter's folder (see `Adapter`).
"""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core.adapters.address import Key, Listen
from aim_jupyter.core.adapters.allowed import Allowed
from aim_jupyter.core.adapters.log import Log
from aim_jupyter.core.adapters.measures import Metrics
from aim_jupyter.core.adapters.rules import FailureRule, StageRule
from aim_jupyter.core.adapters.settings import SETTINGS, Setting
from aim_jupyter.core.records import Mode

_NAME = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The route that says whether the engine serves: 200 does.

    Attributes
    ----------
    timeout_s : float
        Seconds that its answer may take. Before a server counts as ready, ``/v1/models`` must name
        its model, too.
    """

    path: str = "/health"
    timeout_s: float = 2.0


class Stop(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the engine is ended: the signal goes to its first process, which ends its own children.

    Attributes
    ----------
    signal : str
        On which it takes no new requests and finishes those that run.
    seconds : float
        That it may take beyond the drain; what is left of it then is killed.
    """

    signal: str = "SIGTERM"
    seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.signal not in signal.Signals.__members__:
            raise ValueError(f"there is no signal {self.signal}")

    @property
    def number(self) -> int:
        """The number of the signal."""
        return int(signal.Signals[self.signal])


class Modes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How else the engine can be started than by its plain command; see `serving.modes`.

    Attributes
    ----------
    versions : str
        For which ``fork`` and ``warm`` were tried, as ``>=A,<B``.
    platforms : tuple of str
        On which they were tried; elsewhere they want to be asked for by name.
    auto : Mode
        The mode there that a launch gets which asks for none.
    lean : dict
        Variables that save work at the start and change nothing that is served.
    read_at_import : tuple of str
        The engine's own variables that it reads while it is imported.
    imported_ahead : dict
        Modules that a warm host imports beside the command, by platform; ``any`` is for all. One
        that a version does not have is left out.
    """

    versions: str
    platforms: tuple[str, ...]
    auto: Mode
    lean: dict[str, str] = {}
    read_at_import: tuple[str, ...] = ()
    imported_ahead: dict[str, tuple[str, ...]] = {}


class Adapter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False):
    """An engine, as far as this tool needs to know it.

    Attributes
    ----------
    name, title : str
        As the user types it (``vllm``) and as its makers write it (``vLLM``).
    folder : str
        Holds ``describe.py``. That file is run by the interpreter that may have the engine, with
        nothing of this package: standard library, Python 3.9 or later. Its function ``describe()``
        returns a dictionary: ``version``, ``platform`` (``rocm``, ``cpu``, …), ``command`` (what
        follows the interpreter to start the server), ``parser`` (an `argparse.ArgumentParser` with
        the server's options; or ``flags``, a list of `records.Flag` as dictionaries), and where
        there are any ``variables`` (the environment variables that it knows) and ``model_option``
        (the option that names the model; without, the model follows the command). It may give a
        ``reason`` why it can't serve here.
    module : str
        What an interpreter that has the engine can import.
    distributions : tuple of str
        The distributions that hold it, as their ``.dist-info`` folders begin.
    command, model_option
        As ``describe.py`` says them: how it is started where there is none to ask.
    names : tuple of str
        The words that give the model its name in the API, with ``{model}``.
    listen, key, health, stop, log
        See there.
    env : dict
        Variables that are ours to set.
    options : dict
        Options that every start gets of a version that has them, unless the user gives another
        value: a switch is true, several values are a list; `always` names those that come beside
        the user's own.
    without_aiter : str
        ``NAME=VALUE`` that keeps it from AMD's AITER kernels; empty where it has none.
    meeting : str
        The variable that names the folder in which its processes make sockets to meet at; empty
        where they do otherwise.
    quiet : dict
        Variables that keep it still while it is asked what it is.
    settings : dict
        Its option for each of `SETTINGS` that it has: a name, or a `Setting`.
    reserved : dict
        Options and variables that are nobody's to set, and what to do instead, or why not; beside
        those of ``recipes/arguments.toml``: what listens beside the guarded port, or sends
        requests elsewhere.
    allowed : Allowed
        What a recipe may set. A user may set whatever is not reserved.
    asks : tuple of str
        Options that a recipe may wish for: it is served only where the user says them by name.
    sources : tuple of str
        Options, with keys after a dot, that name a model or a file which is loaded beside the
        model: the administrator's policy judges them like it.
    effects : dict
        What options and variables of a user do beyond serving: a plan says so.
    modes : Modes or None
        None: its plain command is the only way to start it.
    stamp : tuple of str
        The words, with ``{id}``, that put the name of the record into its answers, for versions
        that know them.
    """

    name: str
    title: str
    folder: str
    module: str
    listen: Listen
    key: Key
    distributions: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    model_option: str | None = None
    names: tuple[str, ...] = ("--served-model-name", "{model}")
    env: dict[str, str] = {}
    options: dict[str, str | int | bool | tuple[str, ...]] = {}
    always: tuple[str, ...] = ()
    without_aiter: str = ""
    meeting: str = ""
    quiet: dict[str, str] = {}
    health: Health = Health()
    stop: Stop = Stop()
    log: Log = Log()
    reserved: dict[str, str] = {}
    allowed: Allowed = Allowed()
    asks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    effects: dict[str, str] = {}
    modes: Modes | None = None
    stamp: tuple[str, ...] = ()
    metrics: Metrics = Metrics()
    settings: dict[str, str | Setting] = {}
    stages: tuple[StageRule, ...] = ()
    failures: tuple[FailureRule, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name: letters, digits, dashes")
        if self.health.path not in self.key.open:
            raise ValueError(f"{self.health.path} is not among the open routes, and asked so")
        unknown = set(self.settings) - set(SETTINGS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} is no setting that is known")

    def check(self) -> None:
        """Raise ValueError where a pattern is none: compiling all takes longer than a launch."""
        self.log.check()
        rules: tuple[StageRule | FailureRule, ...] = (*self.stages, *self.failures)
        for rule in rules:
            rule.check()

    @property
    def script(self) -> Path:
        """The file that an interpreter runs to say whether it has the engine."""
        return Path(self.folder) / "describe.py"

    def setting(self, word: str) -> Setting | None:
        """Return the engine's option for one of `SETTINGS`, None where it has none."""
        found = self.settings.get(word)
        return Setting(option=found) if isinstance(found, str) else found

    def option(self, word: str) -> str:
        """Return the name of its option for one of `SETTINGS`, our own word where it has none."""
        found = self.setting(word)
        return found.option if found else word.replace("_", "-")

    def naming(self, model: str) -> list[str]:
        """Return the words that give the model its name in the API."""
        return filled(self.names, model=model)

    def door(self) -> dict[str, str]:
        """Return what the guard is told of this engine, beside the key itself."""
        return {"AIM_KEY_VARIABLE": self.key.variable, "AIM_OPEN_PATHS": " ".join(self.key.open)}

    def question(self) -> dict[str, str]:
        """Return what ``engines/probe_script.py`` is told of this engine."""
        said = {"name": self.name, "title": self.title, "module": self.module}
        return {**said, "script": str(self.script)}


def filled(words: tuple[str, ...], **values: object) -> list[str]:
    """Return words with what stands in braces filled in."""
    return [word.format(**values) for word in words]


def is_installed(adapter: Adapter) -> bool:
    """Whether this interpreter could import the engine, without doing so."""
    # Here, not above: `importlib.util` is no part of a supervisor.
    import importlib.util  # noqa: PLC0415

    try:
        return adapter.module in sys.modules or importlib.util.find_spec(adapter.module) is not None
    except (ValueError, ImportError):  # something put a module without a spec there
        return True
