"""Taking devices and letting them go."""

from __future__ import annotations

import contextlib
import os
import random
import re
import time
from collections.abc import Iterable
from typing import Any, Self

import msgspec

from aim_jupyter.core.errors import GpuUnavailable, StateUnusable
from aim_jupyter.core.leases import folder, locks
from aim_jupyter.core.leases import holder as holding

#: What may be a device's key: it becomes part of a file's name.
DEVICE = re.compile(r"[0-9A-Za-z][0-9A-Za-z:.\-]*")


class Lease:
    """Devices held by this process, and by every process that inherits `fds`.

    Attributes
    ----------
    keys : tuple of str
        What is held, sorted.
    fds : tuple of int
        Open files to hand to the engine (``subprocess.Popen(…, pass_fds=lease.fds)``).
    """

    def __init__(
        self, keys: tuple[str, ...], files: tuple[int, ...], claims: tuple[int, ...]
    ) -> None:
        self.keys = keys
        self.fds = (*files, *claims)
        self._claims = claims
        self._info: dict[str, Any] = {
            "host": os.uname().nodename,
            "pid": os.getpid(),
            "since": time.time(),
        }

    def describe(self, **info: Any) -> None:
        """Change what others read about the holder: ``server``, ``model``, ``pid``, ``port``.

        Raises
        ------
        StateUnusable
            If it can't be written, as on a full disk.
        """
        self._info |= info
        data = msgspec.json.encode(self._info)
        for handle in self._claims:
            try:
                os.pwrite(handle, data, 0)
                os.ftruncate(handle, len(data))
            except OSError as error:
                raise unusable(error) from error

    def release(self) -> None:
        """Let go. What a child process still holds stays held until it ends."""
        # Closed, never unlocked: LOCK_UN would take the lease from a living engine as well.
        fds, self.fds, self._claims = self.fds, (), ()
        for handle in fds:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"Lease({', '.join(self.keys)}{'' if self.fds else ', released'})"


def take(keys: Iterable[str], *, info: dict[str, Any], patience_s: float = 0.1) -> Lease:
    """Take all of `keys`, or none, and return the lease.

    Parameters
    ----------
    keys : iterable of str
        Devices by PCI address and partition index (`Gpu.key`).
    info : dict
        What others may read about the holder: ``server``, ``model``, ``port``; never a secret.
    patience_s : float
        Seconds to try again before giving up: others' looks at a lock are short collisions.

    Raises
    ------
    GpuUnavailable
        If one of them is held; the message names the holder.
    StateUnusable
        If the folder of the locks can't be used.
    """
    wanted = sorted(set(keys))
    for key in wanted:
        if not DEVICE.fullmatch(key):
            raise ValueError(f"no device key: {key!r}")
    end = time.monotonic() + patience_s
    with folder.opened(make=True) as place:
        assert place is not None  # noqa: S101 - made, or raised
        folder.wait_until_writable(place)
        while (lease := _try(place, wanted)) is None:
            if time.monotonic() >= end:
                raise _unavailable(place, wanted)
            # Two that met over one device must not meet again at once.
            time.sleep(random.uniform(0.001, 0.01))  # noqa: S311
    with contextlib.ExitStack() as undo:
        undo.callback(lease.release)
        lease.describe(**info)
        undo.pop_all()
    return lease


def _try(place: int, wanted: list[str]) -> Lease | None:
    """Take everything at once, in sorted order, or nothing."""
    lead = folder.prefix()
    with contextlib.ExitStack() as undo:
        fds, claims = [], []
        try:
            for key in wanted:
                fds.append(locks.lock_file(place, lead + key))
                undo.callback(os.close, fds[-1])
                claims.append(locks.claim(place, lead + key))
                undo.callback(os.close, claims[-1])
                # Own claim first, then the others': of two that got past a replaced lock file,
                # at least one sees the other.
                if _claimed_by_others(place, lead + key, claims[-1]):
                    return None
        except locks.Busy:
            return None
        except OSError as error:
            raise unusable(error) from error
        undo.pop_all()
    return Lease(tuple(wanted), tuple(fds), tuple(claims))


def _claimed_by_others(place: int, key: str, own: int) -> bool:
    mine = os.fstat(own).st_ino
    for name in locks.claims(place, key):
        handle = locks.open_to_look(place, name)
        if handle is None:
            continue
        try:
            if os.fstat(handle).st_ino != mine and locks.held(handle):
                return True
        finally:
            os.close(handle)
    return False


def _unavailable(place: int, wanted: list[str]) -> GpuUnavailable:
    lead = folder.prefix()
    held = [found for key in wanted if (found := holding.of(place, lead + key)) is not None]
    if held:
        said = "; ".join(f"{one.key} is leased by {one.words}" for one in held)
        return GpuUnavailable(f"{said}.", "%aim gpus")
    blocked = [by for key in wanted if (by := locks.blocked(place, lead + key)) is not None]
    if blocked:
        return GpuUnavailable(
            f"{'; '.join(blocked)} in {folder.path()}.",
            "ask that user or an administrator to remove it",
        )
    return GpuUnavailable(
        f"{', '.join(wanted)}: others kept taking and leaving them.", "run it again"
    )


def unusable(error: OSError) -> StateUnusable:
    """Return why something can't be done in the folder of the leases."""
    return StateUnusable(f"{folder.path()}: {error.strerror or error}.", "%aim doctor")
