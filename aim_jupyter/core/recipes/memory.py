"""A first look at memory, where no proper fit is at hand: weights, KV cache and a band.

Enough to refuse what cannot be and to rank what can. The fit replaces it: it knows how each
tensor is split, every kind of cache, and what this site has measured.
"""

from __future__ import annotations

from msgspec import structs

from aim_jupyter.core.recipes.architecture import Architecture
from aim_jupyter.core.recipes.asked import Asked
from aim_jupyter.core.recipes.derivation import weights_bytes
from aim_jupyter.core.recipes.hardware import GIB
from aim_jupyter.core.records import Choice, Cpu, Gpu, Recipe

_SHARE = 0.9
#: What one GPU and what several take beside weights and KV cache: facts/fit.md 3.4, in GiB.
_ONE, _SEVERAL = (3.1, 6.2), (5.0, 10.1)


def judge_gpu(choice: Choice, gpus: tuple[Gpu, ...], numbers: Architecture, asked: Asked) -> Choice:
    """Return the choice with a verdict on the memory of the devices it was placed on."""
    recipe = choice.recipe
    size = weights_bytes(recipe.weights, numbers)
    total = min((gpu.vram_bytes or 0 for gpu in gpus), default=0)
    if not size or not total:
        what = "size of the weights" if total else "memory of the GPU"
        return structs.replace(choice, verdict="TIGHT", reason=f"{what} unknown")
    context = context_of(recipe, numbers, asked)
    if asked.context and numbers.context and asked.context > numbers.context:
        return _no(choice, f"its context ends at {numbers.context:,} tokens")
    budget = total * float(recipe.args.get("gpu-memory-utilization") or _SHARE)
    weights, need = size // recipe.tp, _need(recipe, numbers, context, asked.users or 1)
    low, high = (round(part * GIB) for part in (_ONE if recipe.tp == 1 else _SEVERAL))
    room = budget - weights
    judged = structs.replace(choice, weights_bytes=weights, total_bytes=total)
    if room - low < 0:
        held = max(room + weights - low, 0) / GIB
        return _no(judged, f"weights need {weights / GIB:.1f} of {held:.1f} GiB a GPU")
    if room - low < need:
        return _no(judged, f"{(need - room + low) / GIB:.1f} GiB of KV cache short")
    verdict, spare = (
        ("FITS", room - high - need) if room - high >= need else ("TIGHT", room - low - need)
    )
    each = " on each GPU" if recipe.tp > 1 else ""
    return structs.replace(judged, verdict=verdict, reason=f"{spare / GIB:.1f} GiB to spare{each}")


def judge_cpu(choice: Choice, cpu: Cpu) -> Choice:
    """Return the choice with a verdict on the free memory of the host."""
    need, free = choice.recipe.memory_bytes, cpu.memory_available_bytes
    if need is None or free is None:
        what = "memory it needs" if need is None else "free memory"
        return structs.replace(choice, verdict="TIGHT", reason=f"{what} unknown")
    if need > free:
        return _no(choice, f"needs {need / GIB:.1f} GiB, {free / GIB:.1f} GiB are free")
    return structs.replace(choice, reason=f"needs {need / GIB:.1f} of {free / GIB:.1f} GiB free")


def context_of(recipe: Recipe, numbers: Architecture, asked: Asked) -> int:
    """Return the tokens of one request that a server would be made for."""
    stated = recipe.args.get("max-model-len") or recipe.context_tokens
    length = stated if isinstance(stated, int) else numbers.context
    return asked.context or length or 4096


def _need(recipe: Recipe, numbers: Architecture, context: int, users: int) -> int:
    split = 1 if numbers.kv_rank else min(recipe.tp, numbers.kv_heads or 1)
    halved = 2 if str(recipe.args.get("kv-cache-dtype", "")).startswith("fp8") else 1
    return (numbers.token_bytes or 0) * context * users // split // halved


def _no(choice: Choice, reason: str) -> Choice:
    return structs.replace(choice, verdict="NO", reason=reason[:50])
