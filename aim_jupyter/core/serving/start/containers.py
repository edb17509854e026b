"""Engines in containers: the command that runs one, its processes, and its end for sure.

A container is no child of who asked for it: docker's daemon, or podman's monitor, is its parent.
So three things hold on to it. Below the keeper, the `attendant` runs the client in the foreground,
and looks to the end. The container's first process ends it as soon as its standard input does,
whatever was killed outside (`aim_first`; 20 ms with docker 20.10 and podman 4.3). And whoever ends
the server removes what still bears its label, and says so where that fails.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core import adapters, cache, gpus
from aim_jupyter.core.cache import compiled
from aim_jupyter.core.engines import images, runtimes
from aim_jupyter.core.errors import AimError, ServerGone
from aim_jupyter.core.recipes.arguments.said import paths
from aim_jupyter.core.records import Image, Plan, ProcessId
from aim_jupyter.core.serving.start import container_client
from aim_jupyter.core.serving.state import process
from aim_jupyter.core.serving.state.folder import ServerFolder

#: Where inside lies what we bring: the guard, and the server's folder with the keys of guests.
GUARD, FOLDER = f"{images.PLACE}/guard", f"{images.PLACE}/server"
LABEL, OWNER = "aim_jupyter.folder", "aim_jupyter.uid"
#: Why such an engine is started by its own command.
MODE_REASON = "nothing outside can fork into a container"
#: Why it listens on a port.
NO_SOCKET = "An engine in a container can't listen on a socket file of yours."
_FIRST = "aim_first.py"
_REMOVE_S = 30.0


class Box(NamedTuple):
    """A container of ours that is there.

    Attributes
    ----------
    folder : str
        Of the server that it belongs to.
    """

    program: str
    name: str
    folder: str


def command(plan: Plan, words: list[str], folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Return the command line of the attendant that runs a plan in a container.

    Parameters
    ----------
    words : list of str
        The engine's own command line, inside.
    variables : mapping of str
        Of the engine, which the attendant finds among its own.
    """
    image = plan.image
    assert image is not None  # noqa: S101 - else nobody comes here
    guard = Path(__file__).parents[1] / "guard"
    # The name's own letters, as docker allows them; a number, since no two starts are alike.
    name = f"aim-{plan.server}-{secrets.token_hex(4)}"
    run = [
        *(_program(image), "run", "--name", name, "--sig-proxy=false"),
        *("--label", f"{LABEL}={folder}", "--label", f"{OWNER}={os.getuid()}"),
        *(*runtimes.confined(image), "--network", "host", *_shared_memory(plan)),
        *runtimes.devices(image, _render_minors(plan)),
        *(*runtimes.mount(guard, GUARD), *runtimes.mount(folder, FOLDER)),
        *images.shown(adapters.get(plan.engine)),
        *(word for source in _shown(plan) for word in runtimes.mount(source, str(source))),
        *(image.id, "-I", "-S", f"{GUARD}/{_FIRST}"),
    ]
    return [
        sys.executable,
        "-I",
        "-S",
        container_client.__file__,
        ",".join(variables),
        *run,
        *words,
    ]


def variables(plan: Plan, given: Mapping[str, str]) -> dict[str, str]:
    """Return an engine's variables as they are inside.

    GPUs are counted anew there: the container has no others than those of the plan.

    Parameters
    ----------
    given : mapping of str
        What the engine would get here of nothing inherited.
    """
    path = plan.env.get("PYTHONPATH", "")
    # Compilers keep what they make in the container: the folders here are not its own.
    kept = {name: value for name, value in given.items() if name not in compiled.VARIABLES}
    inside = {
        "PYTHONPATH": os.pathsep.join(filter(None, (GUARD, path))),
        "AIM_GUESTS": f"{FOLDER}/guests",
        "HIP_VISIBLE_DEVICES": ",".join(map(str, range(len(plan.gpus)))) or "-1",
    }
    return {**kept, **plan.env, **inside}


def end(plan: Plan, folder: Path) -> list[str]:
    """Remove the containers of a server whose processes here are gone; return what is left.

    Nothing is asked where the plan has no image.
    """
    if plan.image is None:
        return []
    left = []
    try:
        for box in of(plan.image.program, f"{LABEL}={folder}"):
            with contextlib.suppress(AimError):
                runtimes.ask(box.program, "rm", "--force", box.name, limit_s=_REMOVE_S)
            left.append(box)
        left = left and list(of(plan.image.program, f"{LABEL}={folder}"))
    except AimError as error:
        # Nobody can say what is there.
        return [f"what {plan.image.program} ran for it ({error.found.rstrip('.')})"]
    return [f"container {box.name}" for box in left]


def of(program: str, label: str) -> Iterator[Box]:
    """Yield the containers with a label, running or not.

    Raises
    ------
    AimError
        If the program does not answer.
    """
    listed = runtimes.ask(
        program, "ps", "--all", "--no-trunc", "--filter", f"label={label}", "--format", "{{.Names}}"
    )
    for name in listed.split():
        with contextlib.suppress(AimError):  # it has just gone
            asked = f'{{{{index .Config.Labels "{LABEL}"}}}}'
            yield Box(program, name, runtimes.ask(program, "inspect", "--format", asked, name))


def orphans() -> Iterator[Box]:
    """Yield the containers of this user whose server has ended, or is not there any more.

    None where no image was ever asked; a program that does not answer has none.
    """
    for program in images.programs():
        with contextlib.suppress(AimError):
            yield from (box for box in of(program, f"{OWNER}={os.getuid()}") if not _live(box))


def _live(box: Box) -> bool:
    try:
        return ServerFolder(Path(box.folder)).read().live
    except ServerGone:
        return False


class Inside:
    """Finds the processes of a server's container, again and again.

    Parameters
    ----------
    program : str
        What runs it.
    folder : Path
        Of the server.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._label = f"{LABEL}={folder}"
        self._first: ProcessId | None = None

    def __call__(self) -> list[int]:
        """Return the processes inside, by their numbers outside; none where they can't be seen."""
        if not process.alive(self._first):
            # The program is asked for the first one alone: that takes a moment of a core.
            self._first = self._look()
        return process.descendants(self._first.pid) if self._first else []

    def _look(self) -> ProcessId | None:
        with contextlib.suppress(AimError, ValueError):
            for box in of(self._program, self._label):
                asked = ("inspect", "--format", "{{.State.Pid}}", box.name)
                return process.identify(int(runtimes.ask(self._program, *asked)))
        return None


def processes(plan: Plan, folder: Path) -> list[int]:
    """Return the processes inside the container of a plan, none for a plan without."""
    return Inside(plan.image.program, folder)() if plan.image is not None else []


def _shared_memory(plan: Plan) -> tuple[str, str]:
    """Return what its parts talk through: RCCL wants much of it, and docker gives 64 MiB.

    The host's is what vLLM's documentation gives to engines on several GPUs.
    """
    return ("--ipc", "host") if len(plan.gpus) > 1 else ("--shm-size", "1g")


def _program(image: Image) -> str:
    return shutil.which(image.program) or image.program


def _render_minors(plan: Plan) -> list[int]:
    if not plan.gpus:
        return []
    chosen = [gpu for gpu in gpus.machine().gpus if gpu.hip_index in plan.gpus]
    return [gpu.render_minor for gpu in chosen if gpu.render_minor is not None]


def _shown(plan: Plan) -> list[Path]:
    """Return the model, and every other file that the plan names, to be seen inside as here.

    These are the paths that the administrator's policy has judged, and no others.
    """
    root = plan.env.get("HF_HUB_CACHE")
    named = [Path(path) for _, path in paths(plan.argv)]
    model = cache.folder_in_use(plan.model_path, root)
    wanted = [model, *(path for path in named if path.is_absolute() and path.parent != path)]
    shown: dict[Path, None] = {}
    for path in wanted:
        if path is not None and path.exists():
            shown.update(dict.fromkeys((path, *_targets(path))))
    return list(shown)


def _targets(folder: Path) -> set[Path]:
    """Return the other folders that a folder's links lead to: those of the Hub's cache do."""
    if not folder.is_dir():
        return set()
    links = (path.resolve() for path in folder.iterdir() if path.is_symlink())
    return {path.parent for path in links if not path.is_relative_to(folder.resolve())}
