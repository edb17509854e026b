"""A machine's GPUs in words: what they are, who holds them, how many are in which state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aim_jupyter.core.records import Gpu, Machine
from aim_jupyter.render import words

NONE = "None found: this machine has no AMD GPU device."
INSTEAD = "The CPU demo runs a small model on the real engine."
_ORDER = ("free", "busy", "unexplained", "hidden")


def describe(machine: Machine, *, memory: bool = True, times: str = words.TIMES) -> str:
    """Return the GPUs in a few words, such as ``8 x MI300X, 192.0 GiB each``."""
    if not machine.gpus:
        return "no GPU"
    models = Counter(gpu.model or gpu.name or "AMD GPU" for gpu in machine.gpus)
    what = ", ".join(f"{count} {times} {model}" for model, count in models.items())
    sizes = {gpu.vram_bytes for gpu in machine.gpus}
    size = sizes.pop() if len(sizes) == 1 else None
    return f"{what}, {words.gib(size)} each" if memory and size else what


def counts(machine: Machine) -> list[str]:
    """Return how many GPUs are in each state, such as ``2 free``; free ones are always told."""
    found = Counter[str](gpu.state or "unknown" for gpu in machine.gpus)
    order = (*_ORDER, *(state for state in found if state not in _ORDER))
    return [f"{found[state]} {state}" for state in order if found[state] or state == "free"]


def yours(gpu: Gpu, user: str | None) -> bool:
    """Return whether the reader holds this GPU."""
    return bool(user) and gpu.holder == user


def holder(gpu: Gpu, user: str | None) -> str:
    """Return who holds a GPU, "you" for the reader; empty where nobody is known."""
    return "you" if yours(gpu, user) else gpu.holder or ""


def who(gpu: Gpu, user: str | None) -> str:
    """Return the one word below a GPU's bar: its holder, else its state."""
    return (gpu.state == "busy" and holder(gpu, user)) or gpu.state or "unknown"


def held_for(gpu: Gpu) -> str:
    """Return what a GPU is held for: a server's name, else the process."""
    return gpu.server or (f"pid {gpu.pid}" if gpu.pid else "")


def unleased(gpu: Gpu) -> bool:
    """Return whether somebody uses this GPU without a lease."""
    return gpu.state == "busy" and gpu.lease_age_s is None


def ordinal(gpu: Gpu) -> str:
    """Return the number that users type; a dash for a GPU that has none here."""
    return words.UNKNOWN if gpu.hip_index is None else str(gpu.hip_index)


def name(gpu: Gpu) -> str:
    """Return how a sentence names a GPU: by its number, else by its PCI address."""
    return gpu.pci_bdf or "A GPU" if gpu.hip_index is None else f"GPU {gpu.hip_index}"


def names(gpus: Sequence[Gpu]) -> str:
    """Return how a sentence names GPUs, such as ``GPU 0-3 and 8``."""
    numbers = sorted(gpu.hip_index for gpu in gpus if gpu.hip_index is not None)
    if len(numbers) < max(2, len(gpus)):
        return words.listing([name(gpu) for gpu in gpus])
    return f"GPU {words.listing(words.spans(numbers))}"


def label(gpu: Gpu, user: str | None) -> str:
    """Return a GPU's bar in words, for who can't see it."""
    if gpu.state == "hidden":
        return f"{name(gpu)}: {words.gib(gpu.vram_bytes)}, hidden"
    used = f"{words.gib(gpu.vram_used_bytes, '')} of {words.gib(gpu.vram_bytes)} used"
    return f"{name(gpu)}: {used}, {who(gpu, user)}"
