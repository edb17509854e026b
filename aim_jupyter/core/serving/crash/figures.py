"""What the figures of a failure's own line say, and numbers that would suit better."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping

from aim_jupyter.core import adapters
from aim_jupyter.core.records import Plan

#: Others count as the cause where they hold this share of a GPU, and as many bytes.
OTHERS_SHARE, OTHERS_BYTES = 0.1, 2 << 30
#: The most of the memory that is worth letting an engine use.
MOST_SHARE = 0.97
#: Digits that a number of heads or of words may have.
_DIGITS = 12
#: Numbers of GPUs that models are divided among.
_DIVIDED = (8, 4, 2, 1)
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SIZE = r"([\d.]+) ([KMGT]?i?B|bytes)"
#: PyTorch, c10/cuda/CUDACachingAllocator.cpp, from 1.13 to 2.13.
_OF_TORCH: dict[str, str] = {
    "asked": rf"Tried to allocate {_SIZE}",
    "total": rf"total capac[i]?ty of {_SIZE}|{_SIZE} total capacity",
    "free": rf"of which {_SIZE} is free|{_SIZE} free;",
    "ours": rf"this process has {_SIZE} memory in use",
    "torch": rf"{_SIZE} is allocated by PyTorch|{_SIZE} already allocated",
    "reserved": rf"{_SIZE} is reserved by PyTorch but unallocated",
}


def read(line: str) -> dict[str, int]:
    """Return the bytes that an allocator's message names, as far as it does.

    Examples
    --------
    >>> read("Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 4.00 GiB")
    {'asked': 2147483648, 'total': 4294967296}
    """
    found: dict[str, int] = {}
    for name, pattern in _OF_TORCH.items():
        said = re.search(pattern, line)
        if said:
            number, unit = itertools.islice(filter(None, said.groups()), 2)
            if number.count(".") <= 1 and number != ".":
                found[name] = int(float(number) * _UNITS.get(unit, 1))
    return found


def others_bytes(figures: Mapping[str, int]) -> int | None:
    """Return what neither is free nor belongs to the process that failed, where that is much."""
    total, free = figures.get("total"), figures.get("free")
    ours = figures.get("ours")
    if ours is None and "torch" in figures:
        ours = figures["torch"] + figures.get("reserved", 0)
    if not total or free is None or ours is None:
        return None
    others = total - free - ours
    return others if others > max(OTHERS_SHARE * total, OTHERS_BYTES) else None


def size(count: int) -> str:
    """Return bytes as a user reads them: GiB, or MiB below one."""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count >> 20} MiB"


def share(plan: Plan) -> float | None:
    """Return which share of the memory the engine was told to use, or takes by itself."""
    said = _told(plan, "memory_share")
    setting = adapters.of(plan.engine).setting("memory_share")
    if said is not None:
        return float(said)
    return setting.default if setting else None


def less_share(plan: Plan) -> str | None:
    """Return a smaller share of the memory."""
    now = share(plan)
    return None if now is None else f"{max(0.1, now - 0.07):.2f}"


def more_share(plan: Plan) -> str | None:
    """Return a larger share of the memory, None where it is as large as it may be."""
    now = share(plan)
    return None if now is None or now >= MOST_SHARE else f"{min(MOST_SHARE, now + 0.03):.2f}"


def gpus(plan: Plan) -> int:
    """Return among how many GPUs the model is divided."""
    said = _told(plan, "tensor_parallel")
    return int(said) if said is not None and said.isdecimal() else max(1, len(plan.gpus))


def fewer_gpus(plan: Plan) -> str | None:
    """Return half as many GPUs as the model is divided among, None where it is one."""
    now = gpus(plan)
    return None if now == 1 else str(now // 2)


def divisor(plan: Plan, words: Mapping[str, str]) -> str | None:
    """Return the largest number of GPUs below those asked for that divides the line's number."""
    heads, asked = words["heads"], words.get("gpus", "") or str(gpus(plan))
    if not (heads.isdecimal() and asked.isdecimal() and len(heads) < _DIGITS):
        return None
    whole = [each for each in _DIVIDED if each < int(asked) and int(heads) % each == 0]
    return str(whole[0]) if whole else None


def _told(plan: Plan, word: str) -> str | None:
    setting = adapters.of(plan.engine).setting(word)
    for option, value in itertools.pairwise(plan.argv):
        if setting is not None and option == f"--{setting.option}":
            return value
    return None


def _figure(name: str) -> Callable[[str], str | None]:
    def said(line: str) -> str | None:
        found = read(line).get(name)
        return None if found is None else size(found)

    return said


#: Words of a rule that stand for a figure of its line.
WORDS: dict[str, Callable[[str], str | None]] = {
    "asked_mem": _figure("asked"),
    "free_mem": _figure("free"),
    "total_mem": _figure("total"),
}
