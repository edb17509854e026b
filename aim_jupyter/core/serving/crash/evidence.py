"""What this machine says about a crash, beside the engine's log: looked up when a rule asks.

Nothing here may fail: a crash is explained with what can be read.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import adapters, config, gpus
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Check, Gpu, Plan
from aim_jupyter.core.serving import ports

GIB = 1 << 30
#: A file system with less than this share of it free counts as full.
FULL = 0.01
#: The most of the memory that is worth letting an engine use.
MOST_SHARE = 0.97
_CGROUP, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_KMSG = Path("/dev/kmsg")
_KILLED = re.compile(r"[Oo]ut of memory: Killed process (?P<pid>\d+) \((?P<name>[^)]*)\)")


class Memory(Struct, frozen=True, kw_only=True):
    """What the kernel had counted when the engine was started.

    Attributes
    ----------
    kills : int or None
        Processes of this container or session that it has ended for lack of memory.
    uptime_s : float
        Seconds since boot: what its log says later is new.
    """

    kills: int | None
    uptime_s: float


def memory() -> Memory:
    """Return what the kernel counts now."""
    return Memory(kills=_kills(), uptime_s=_uptime_s())


class Words(dict[str, str]):
    """The words of a rule's sentences; what a group does not give is looked up, once.

    Parameters
    ----------
    groups : mapping
        Of the pattern.
    plan : Plan
    before : Memory or None
        As `memory` was when the engine started.
    port : int or None
        That the engine was to listen on.
    """

    def __init__(
        self,
        groups: Mapping[str, str | None],
        plan: Plan,
        before: Memory | None = None,
        port: int | None = None,
    ) -> None:
        super().__init__({name: text for name, text in groups.items() if text is not None})
        engine = f"{adapters.title(plan.engine)} {plan.engine_version}".rstrip()
        self.update(model=plan.model, engine=engine, devices=plan.devices)
        self.plan, self.before, self.port = plan, before, port

    def __missing__(self, word: str) -> str:
        look = _LOOKS.get(word)
        found: str | None = None
        if look is not None:
            with contextlib.suppress(OSError, ValueError, AimError):
                found = look(self)
        if not found:
            raise KeyError(word)
        self[word] = found
        return found


def _memory_kill(words: Words) -> str | None:
    """Say that the kernel ended something for lack of memory since the engine started."""
    before = words.before
    if before is None:
        return None
    told = _told_by_kernel(before.uptime_s)
    if told:
        return told
    kills = _kills()
    if before.kills is None or kills is None or kills <= before.kills:
        return None
    limit = _limit_bytes()
    allowed = f" may use {limit / GIB:.1f} GiB" if limit else " has its limit"
    return f"the container or session{allowed}"


def _no_memory_kill(words: Words) -> str | None:
    """Say that the kernel's counter can be read, and has not moved."""
    before, kills = words.before, _kills()
    if before is None or before.kills is None or kills != before.kills:
        return None
    return "the kernel counts no kill for lack of memory since the start"


def _holder(words: Words) -> str | None:
    gpu = _taken(words.plan)
    if gpu is None or gpu.pid is None:
        return None
    who = gpu.holder or "another user or container"
    return f"{who} (pid {gpu.pid}) on GPU {gpu.hip_index}"


def _held(words: Words) -> str | None:
    gpu = _taken(words.plan)
    used = gpu.vram_used_bytes if gpu else None
    return None if used is None else f"{used / GIB:.1f} GiB"


def _free_gpus(words: Words) -> str | None:
    """Return as many free GPUs of the plan's kind, none of them the plan's own."""
    plan = words.plan
    free = [
        gpu.hip_index
        for gpu in gpus.machine().gpus
        if gpu.state == "free"
        and gpu.usable is not False
        and gpu.hip_index is not None
        and gpu.hip_index not in plan.gpus
        and gpu.model == plan.gpu_model
    ]
    wanted = len(plan.gpus)
    return ",".join(map(str, free[:wanted])) if wanted and len(free) >= wanted else None


def _taken(plan: Plan) -> Gpu | None:
    """Return the plan's GPU on which somebody else holds most."""
    mine = [gpu for gpu in gpus.machine().gpus if gpu.hip_index in plan.gpus]
    return max(mine, key=lambda gpu: gpu.vram_used_bytes or 0, default=None)


def _full_disk(words: Words) -> str | None:
    """Name the file systems that are full, of those that an engine writes to."""
    found: dict[int, str] = {}
    for folder in _written(words.plan):
        with contextlib.suppress(OSError):
            use = shutil.disk_usage(folder)
            if use.free < FULL * use.total:
                found.setdefault(folder.stat().st_dev, f"{folder} ({_size(use.total)} in all)")
    return " and ".join(found.values()) or None


def _written(plan: Plan) -> Iterator[Path]:
    yield Path("/dev/shm")  # noqa: S108 - looked at, not written to
    yield from (Path(tempfile.gettempdir()), config.state_dir(), Path.home())
    yield from (Path(plan.env.get("HF_HUB_CACHE") or config.model_cache_dir()),)


def _size(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size >> 20} MiB"


def _port_holder(words: Words) -> str | None:
    return None if words.port is None else ports.listener(words.port)


def _gpu_finding(_: Words) -> str | None:
    return next((check.found for check in _bad_checks()), None)


def _gpu_fix(_: Words) -> str | None:
    return next((check.fix for check in _bad_checks() if check.fix), None)


def _bad_checks() -> list[Check]:
    return [check for check in gpus.findings(gpus.machine()) if not check.good]


def _arch(words: Words) -> str | None:
    kinds = {gpu.gfx for gpu in gpus.machine().gpus if gpu.hip_index in words.plan.gpus}
    return ", ".join(sorted(filter(None, kinds))) or None


def _less_util(words: Words) -> str | None:
    share = _share(words.plan)
    return None if share is None else f"{max(0.1, share - 0.07):.2f}"


def _more_util(words: Words) -> str | None:
    share = _share(words.plan)
    return None if share is None or share >= MOST_SHARE else f"{min(MOST_SHARE, share + 0.03):.2f}"


def _share(plan: Plan) -> float | None:
    """Return which share of the memory the engine was told to use, or takes by itself."""
    setting = adapters.of(plan.engine).setting("memory_share")
    for option, value in itertools.pairwise(plan.argv):
        if setting is not None and option == f"--{setting.option}":
            return float(value)
    return setting.default if setting else None


def _half_free(words: Words) -> str | None:
    """Return whole GiB: half of what the engine's line says is free, and no less than one."""
    return str(max(1, int(float(words["free"]) / 2)))


_LOOKS: dict[str, Callable[[Words], str | None]] = {
    "memory_kill": _memory_kill,
    "no_memory_kill": _no_memory_kill,
    "holder": _holder,
    "held": _held,
    "free_gpus": _free_gpus,
    "full_disk": _full_disk,
    "port_holder": _port_holder,
    "gpu_finding": _gpu_finding,
    "gpu_fix": _gpu_fix,
    "arch": _arch,
    "less_util": _less_util,
    "more_util": _more_util,
    "half_free": _half_free,
}


def _kills() -> int | None:
    """Return how many processes the kernel has ended for lack of memory, of our control group.

    Source: kernel documentation, ``cgroup-v2.rst`` (``memory.events``) and ``cgroup-v1/memory.rst``
    (``memory.oom_control``).
    """
    for file in (_group_file("memory.events"), _group_file("memory.oom_control")):
        if file is not None:
            found = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
            if found:
                return int(found[1])
    return None


def _limit_bytes() -> int | None:
    for file in (_group_file("memory.max"), _group_file("memory.limit_in_bytes")):
        if file is not None and (text := file.read_text().strip()).isdecimal():
            return int(text)
    return None


def _group_file(name: str) -> Path | None:
    """Return a file of the memory control group that this process is in, or a parent of it."""
    with contextlib.suppress(OSError):
        for line in _MEMBERSHIP.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                root = _CGROUP / controllers
                inside = root / path.lstrip("/")
                for folder in (inside, *inside.parents):
                    if folder.is_relative_to(root) and (folder / name).is_file():
                        return folder / name
    return None


def _told_by_kernel(since_s: float) -> str | None:
    """Return what the kernel's log says of a kill since then, where this user may read it."""
    told = None
    with contextlib.suppress(OSError):
        handle = os.open(_KMSG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            for at_s, text in _kernel_log(handle):
                found = _KILLED.search(text)
                if found and at_s >= since_s:
                    told = f"it ended process {found['pid']} ({found['name']})"
        finally:
            os.close(handle)
    return told


def _kernel_log(handle: int) -> Iterator[tuple[float, str]]:
    """Yield seconds since boot and text of each record (kernel documentation, ``dev-kmsg``)."""
    with contextlib.suppress(BlockingIOError):
        while True:
            try:
                record = os.read(handle, 8192).decode("utf-8", "replace")
                if not record:
                    return
            except BrokenPipeError:
                # Overwritten while we read: the next one is there.
                continue
            head, _, text = record.partition(";")
            yield int(head.split(",")[2]) / 1e6, text.splitlines()[0]


def _uptime_s() -> float:
    with contextlib.suppress(OSError, ValueError):
        return float(Path("/proc/uptime").read_text().split()[0])
    return 0.0
