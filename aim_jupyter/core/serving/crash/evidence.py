"""What this machine says about a crash, beside the engine's log: looked up when a rule asks.

Nothing here may fail: a crash is explained with what can be read.
"""

from __future__ import annotations

import contextlib
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
from aim_jupyter.core.serving.crash import figures, offers
from aim_jupyter.core.serving.start import ports
from aim_jupyter.core.sizes import GIB

#: A file system with less than this share of it free counts as full.
FULL = 0.01
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
    line : str
        The decisive line.

    A plan without a command stands for a start elsewhere: what this machine says is then unknown.
    """

    def __init__(
        self,
        groups: Mapping[str, str | None],
        plan: Plan,
        before: Memory | None = None,
        port: int | None = None,
        *,
        line: str = "",
    ) -> None:
        super().__init__({name: text for name, text in groups.items() if text is not None})
        engine = f"{adapters.title(plan.engine)} {plan.engine_version}".rstrip()
        self.update(model=plan.model, engine=engine, devices=plan.devices)
        self.plan, self.before, self.port, self.line = plan, before, port, line

    def __missing__(self, word: str) -> str:
        look = _LOOKS.get(word)
        found: str | None = None
        if word in figures.WORDS:
            found = figures.WORDS[word](self.line)
        elif look is not None and (self.plan.argv or word not in _OF_MACHINE):
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
    return figures.less_share(words.plan)


def _more_util(words: Words) -> str | None:
    return figures.more_share(words.plan)


def _half_free(words: Words) -> str | None:
    """Return whole GiB: half of what the engine's line says is free, and no less than one."""
    return str(max(1, int(float(words["free"]) / 2)))


def _others(words: Words) -> str | None:
    """Say what others hold of the GPU, where the line's own figures say that it is much."""
    others = figures.others_bytes(figures.read(words.line))
    return None if others is None else figures.size(others)


def _crowded_gpus(words: Words) -> str | None:
    """Return free GPUs where others hold the plan's own."""
    return _free_gpus(words) if _others(words) else None


def _no_aiter(words: Words) -> str | None:
    return adapters.of(words.plan.engine).without_aiter or None


def _fewer_gpus(words: Words) -> str | None:
    return figures.fewer_gpus(words.plan)


def _more_gpus(words: Words) -> str | None:
    """Return twice as many GPUs, where as many are free on this machine."""
    now = figures.gpus(words.plan)
    free = [
        gpu
        for gpu in gpus.machine().gpus
        if gpu.model == words.plan.gpu_model
        and (gpu.state == "free" or gpu.hip_index in words.plan.gpus)
    ]
    return str(2 * now) if words.plan.gpus and len(free) >= 2 * now else None


def _fitting(words: Words) -> str | None:
    """Return the context that fits: the engine's own number, or less where the fit says so."""
    length = offers.context(words.plan, int(words["fits"]))
    return None if length is None else str(length)


def _divisor(words: Words) -> str | None:
    return figures.divisor(words.plan, words)


#: What names a cache's folder, by what stands in its path: one that any user can write to.
_CACHES = {
    "triton": "TRITON_CACHE_DIR=/tmp/triton",
    "inductor": "TORCHINDUCTOR_CACHE_DIR=/tmp/inductor",
    "vllm": "VLLM_CACHE_ROOT=/tmp/vllm",
    "comgr": "AMD_COMGR_CACHE_DIR=/tmp/comgr",
}


def _cache_env(words: Words) -> str | None:
    path = words["path"]
    known = [variable for name, variable in _CACHES.items() if name in path]
    return known[0] if known else "XDG_CACHE_HOME=/tmp/cache"


#: Words whose answer is this machine's: of a log from elsewhere they say nothing.
_OF_MACHINE = frozenset(
    (
        *("memory_kill", "no_memory_kill", "holder", "held", "free_gpus", "crowded_gpus"),
        *("more_gpus", "full_disk", "port_holder", "gpu_finding", "gpu_fix", "arch"),
    )
)

_LOOKS: dict[str, Callable[[Words], str | None]] = {
    "memory_kill": _memory_kill,
    "no_memory_kill": _no_memory_kill,
    "holder": _holder,
    "held": _held,
    "free_gpus": _free_gpus,
    "crowded_gpus": _crowded_gpus,
    "fewer_gpus": _fewer_gpus,
    "more_gpus": _more_gpus,
    "divisor": _divisor,
    "fitting": _fitting,
    "others": _others,
    "no_aiter": _no_aiter,
    "cache_env": _cache_env,
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
