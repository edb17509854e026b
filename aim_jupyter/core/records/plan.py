"""A recipe placed on this machine: everything that a start needs, as data."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from aim_jupyter.core.records.ability import Ability
from aim_jupyter.core.records.engine import Image
from aim_jupyter.core.records.process import ProcessId

#: How an engine is started; see `serving.modes`.
Mode = Literal["plain", "lean", "fork", "warm"]
#: Where the files of a model may come from.
SourceKind = Literal["hub", "package", "folder", "s3", "web", "modelscope"]
#: Where it can be written down for; see `recipes.export`.
Target = Literal["shell", "docker", "aim-profile", "aim-service", "kserve"]
TARGETS: tuple[Target, ...] = get_args(Target)


class Source(Struct, frozen=True, kw_only=True):
    """Where the files of a model come from.

    Attributes
    ----------
    kind : SourceKind
        ``package`` is one of the package index, or this one; ``web`` a folder of a web server.
    name : str
        The repository, the folder, or the package with its version.
    note : str
        What its weights differ in from the original's, empty where they do not.
    """

    kind: SourceKind
    name: str
    note: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """What will be started. Host, port and key are added by the supervisor, not here.

    Attributes
    ----------
    server : str
        The name under which it will run.
    on, partition : str
        The site, and its part, where it will run; empty is this machine.
    image : Image or None
        What the engine lies in; None for an interpreter of this machine.
    model_path : str
        What the engine is told to load: a folder, or a repository of the Hub.
    source : Source or None
        Where the model's files come from.
    download : str or None
        What has to be downloaded first, as `cache.obtainable` calls it.
    download_bytes : int or None
        Its size, as far as the Hub says.
    drafter, drafter_download : str
        What drafts for it, a repository or a path; and what of it has to be downloaded first.
    argv : tuple of str
        Interpreter and arguments. Never holds a secret: other users read ``ps``.
    env : dict
        Only what is set beyond the inherited environment.
    stamp : tuple of str
        Words that follow `argv` where the engine puts the name of the record into its answers,
        with ``{id}`` for that.
    port : int or None
        None lets the supervisor choose a free one.
    listen : str
        ``loopback``, ``unix`` (a socket file in the server's folder), or an address of this
        machine; ``0.0.0.0`` is all of them.
    gpus : tuple of int
        HIP ordinals; empty on the CPU.
    among : tuple of int
        Those that the user has named to choose from; empty where any would do.
    idle_s : float or None
        Seconds without a request after which the server stops; None is never.
    lifetime_s : float or None
        Seconds after which it stops in any case.
    queue : bool
        Whether it waits in the line where its GPUs are taken; `until` is when it gives up, as in
        ``18:00``, and empty for never.
    most_held : int or None
        How many GPUs this user's servers may hold at a time, as the administrator says.
    lives_with : ProcessId or None
        The Jupyter server with which it ends; None is none.
    restarts : int
        How often in a row its engine is started again after it ended by itself.
    asked : tuple of str
        The words after ``%aim launch`` that ask for the same; never a secret.
    overridden : str
        Why the verdict was NO that ``--force`` has overridden; empty where there was none.
    mode : Mode
        How the engine is started; `mode_reason` says why not faster.
    does : tuple of str
        What the model does, served so, as far as it is known before the start.
    reasons, changes : tuple of str
        Why this recipe; what was dropped or translated for this engine version.
    """

    server: str
    model: str
    recipe_id: str
    origin: str
    engine: str
    engine_name: str
    engine_version: str
    platform: str
    model_path: str
    argv: tuple[str, ...]
    env: dict[str, str]
    stamp: tuple[str, ...] = ()
    on: str = ""
    partition: str = ""
    image: Image | None = None
    source: Source | None = None
    download: str | None = None
    download_bytes: int | None = None
    drafter: str = ""
    drafter_download: str | None = None
    revision: str | None = None
    port: int | None = None
    listen: str = "loopback"
    gpus: tuple[int, ...] = ()
    among: tuple[int, ...] = ()
    gpu_model: str = "cpu"
    idle_s: float | None = 3600.0
    lifetime_s: float | None = None
    queue: bool = False
    until: str = ""
    most_held: int | None = None
    lives_with: ProcessId | None = None
    restarts: int = 0
    asked: tuple[str, ...] = ()
    overridden: str = ""
    mode: Mode = "plain"
    mode_reason: str = ""
    does: tuple[Ability, ...] = ()
    reasons: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[object, ...]:
        """What decides whether two plans mean the same server, whatever it is called."""
        where = (self.gpu_model, len(self.gpus), self.among)
        return (self.model, self.argv, self.env, *where, self.listen, self.image, self.on)

    @property
    def fingerprint(self) -> str:
        """Key of all starts that should take the same time: of the same command in the same way.

        On so many GPUs of a kind, whichever they are.
        """
        where = (self.gpu_model, len(self.gpus))
        same = (self.argv, sorted(self.env.items()), *where, self.engine_version, self.mode)
        inside = (self.image.id,) if self.image is not None else ()
        return hashlib.sha256(msgspec.json.encode((*same, *inside))).hexdigest()[:16]

    @property
    def devices(self) -> str:
        """The devices in words: ``CPU``, ``GPU 4`` or ``GPU 4,5``."""
        return f"GPU {','.join(map(str, self.gpus))}" if self.gpus else "CPU"
