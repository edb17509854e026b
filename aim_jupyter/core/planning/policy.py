"""What the administrator of a machine allows: ``/etc/aim_jupyter/policy.toml``.

::

    organisations = ["Qwen", "meta-llama"]   # of the Hub; absent: any
    folders = ["/models"]                    # besides: models in folders below these
    model_sources = ["hub", "s3://models/"]  # and package, modelscope, https://…; absent: any
    remote_code = false                      # code that a model brings: never, even by name
    pickle = false                           # weights that can run code: never, even by name
    listen = ["loopback", "unix"]            # and "network"; absent: all three
    max_idle = "2h"                          # the longest --idle, and the longest --for
    max_lifetime = "24h"
    max_gpus = 4                             # of one user at a time, whether waited for or not

The path is fixed, and no variable moves it: who may only use the machine can't loosen it. It is
believed only where nobody but root could have written it. It binds this tool, not a user who runs
an engine by hand.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records.kinds import resolved

FILE = Path("/etc/aim_jupyter/policy.toml")
Listen = Literal["loopback", "unix", "network"]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ASK = "ask the administrator of this machine"


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file's content; what it leaves out is allowed.

    Attributes
    ----------
    organisations, folders : tuple of str or None
        Whose models may be served, and below which folders; None is any.
    model_sources : tuple of str or None
        Where models may come from: ``hub``, ``package``, ``modelscope``, or what an address begins
        with. None is any, or the Hub and packages alone where `organisations` says whose.
    max_idle, max_lifetime : str
        Durations such as ``90s``, ``30m``, ``8h``, ``1d``; empty is no limit.
    max_gpus : int or None
        How many GPUs of this machine one user's servers may hold at a time.
    """

    organisations: tuple[str, ...] | None = None
    folders: tuple[str, ...] = ()
    model_sources: tuple[str, ...] | None = None
    remote_code: bool = True
    pickle: bool = True
    listen: tuple[Listen, ...] = ("loopback", "unix", "network")
    max_idle: str = ""
    max_lifetime: str = ""
    max_gpus: Annotated[int, Meta(ge=1)] | None = None

    @property
    def idle_s(self) -> float | None:
        """The longest time without a request, in seconds; None without a limit."""
        return _seconds(self.max_idle)

    @property
    def lifetime_s(self) -> float | None:
        """The longest life of a server, in seconds; None without a limit."""
        return _seconds(self.max_lifetime)

    def trusts(self, source: str) -> bool:
        """Whether weights may come from `source`: a repository, an address, or a folder's path."""
        if source.startswith("package:"):
            return self._lists("package", otherwise=True)
        if "://" in source:
            return self._lists(source, otherwise=self.organisations is None)
        if self.organisations is None and self.model_sources is None:
            return True
        if source.startswith(("/", "./", "../", "~")) or source in (".", ".."):
            # Not `Path.expanduser`: that raises for the home of nobody.
            place = Path(os.path.realpath(os.path.expanduser(source)))  # noqa: PTH111
            return all(map(self._holds, (place, *_targets(place))))
        if not self._lists("hub", otherwise=True):
            return False
        return self.organisations is None or source.partition("/")[0] in self.organisations

    def _lists(self, source: str, *, otherwise: bool) -> bool:
        if self.model_sources is None:
            return otherwise
        scheme, _, rest = source.partition("://")
        # What begins with an address goes on below it: s3://models is not s3://models-of-others.
        return any(
            each == scheme if "://" not in each else f"{source}/".startswith(f"{each.rstrip('/')}/")
            for each in self.model_sources
            if not (rest and each in ("hub", "package"))
        )

    def _holds(self, place: Path) -> bool:
        return any(place.is_relative_to(os.path.realpath(each)) for each in self.folders)


def read() -> Policy:
    """Return the administrator's policy, the empty one where there is no file.

    Raises
    ------
    StateUnusable
        If there is a file that can't be believed, read or understood: nothing is launched then.
    """
    try:
        handle = os.open(FILE, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Policy()
    except OSError as error:
        raise StateUnusable(f"{FILE} can't be read: {error.strerror}.", _ASK) from error
    with os.fdopen(handle, "rb") as file:
        # Of the open file: another one can't take its place between the look and the reading.
        _check(os.fstat(file.fileno()), FILE)
        _check(FILE.parent.stat(), FILE.parent)
        try:
            found = msgspec.toml.decode(file.read(), type=resolved(Policy))
            _ = found.idle_s, found.lifetime_s
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise StateUnusable(f"{FILE} is not understood: {error}.", _ASK) from error
    return found


def _targets(folder: Path) -> list[Path]:
    """Return where the links in a folder lead: an engine follows them, and containers show it."""
    try:
        return [each.resolve() for each in folder.iterdir() if each.is_symlink()]
    except OSError:
        return []


def _check(facts: os.stat_result, path: Path) -> None:
    if facts.st_uid != 0 or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StateUnusable(
            f"{path} is not believed: others than root could have written it.",
            f"as root: chown root:root {path}; chmod go-w {path}",
        )


def _seconds(text: str) -> float | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise ValueError(f"{text!r} is no duration such as 8h")
    return float(found[1]) * _UNITS[found[2]]
