"""The recipes and verdicts of `recipes-fit.png`, and two of a machine without GPUs."""

from __future__ import annotations

from aim_jupyter.core.records import (
    Choice,
    Offer,
    Recipe,
    Verdict,
    Weights,
)
from tests.render.samples import gib


def recipe(name: str, precision: str = "fp8", tp: int = 1, **facts: object) -> Recipe:
    """Return one recipe of `recipes-fit.png`."""
    weights = Weights(repo=f"Qwen/Qwen3-32B-{precision}", precision=precision)
    known = {"gpu_model": "MI300X", "model": "Qwen/Qwen3-32B", "weights": weights}
    return Recipe(**{**known, "id": name, "precision": precision, "tp": tp, **facts})  # type: ignore[arg-type]


def choice(
    rank: int, verdict: Verdict, reason: str, what: Recipe, *terms: float, **facts: object
) -> Choice:
    """Return a verdict; `terms` are weights, KV cache, its need, overhead and half its band."""
    known: dict[str, object] = {"users": 16, "context_tokens": 32768}
    if terms:
        weights, cache, need, overhead, band = terms
        known |= {
            "total_bytes": gib(192),
            "weights_bytes": gib(weights),
            "kv_bytes": gib(cache),
            "kv_need_bytes": gib(need),
            "overhead_bytes": gib(overhead),
            "overhead_low_bytes": gib(overhead - band),
            "overhead_high_bytes": gib(overhead + band),
        }
    return Choice(recipe=what, verdict=verdict, reason=reason, rank=rank, **{**known, **facts})  # type: ignore[arg-type]


_LINE = "%aim launch Qwen/Qwen3-32B --recipe mi300x-bf16-tp1 --users 16"
BF16_TP1 = choice(
    5,
    "NO",
    "19.2 GiB of KV cache short: 13 of 16 users",
    recipe("mi300x-bf16-tp1", "bf16"),
    *(61.0, 108.8, 128.0, 6.8, 1.4),
    gpus=(4,),
    users_fit=13.6,
    offers=(
        Offer(
            line=f"{_LINE} --kv-cache-dtype fp8",
            change="--kv-cache-dtype fp8",
            verdict="FITS",
            reason="44.8 GiB to spare; KV cache in FP8",
        ),
        Offer(
            line=f"{_LINE} --context 26624",
            change="--context 26624",
            verdict="FITS",
            reason="4.8 GiB to spare; 26,624 tokens each",
        ),
    ),
)
CHOICES = (
    choice(
        1,
        "FITS",
        "9.9 GiB to spare",
        recipe("mi300x-fp8-tp1"),
        *(31.9, 137.9, 128.0, 6.8, 1.4),
        gpus=(4,),
        users_fit=17.2,
    ),
    choice(
        2,
        "FITS",
        "73.4 GiB to spare on each GPU",
        recipe("mi300x-bf16-tp2", "bf16", 2),
        *(30.5, 137.4, 64.0, 8.7, 1.4),
        gpus=(4, 5),
        users_fit=34.3,
    ),
    choice(
        3,
        "FITS",
        "87.9 GiB to spare on each GPU; manual only",
        recipe("mi300x-fp8-tp2", "fp8", 2, manual_only=True),
        *(16.0, 151.9, 64.0, 8.7, 1.4),
        gpus=(4, 5),
        users_fit=37.9,
    ),
    choice(
        4,
        "TIGHT",
        "1.5 GiB to spare, overhead band ±2.2 GiB",
        recipe("mi300x-fp8-tp1-batch"),
        *(31.9, 129.5, 128.0, 15.2, 2.2),
        gpus=(4,),
        users_fit=16.2,
    ),
    BF16_TP1,
    choice(6, "NO", "needs 4 GPUs, 2 are free: 4, 5", recipe("mi300x-bf16-tp4", "bf16", 4)),
    choice(
        7,
        "NO",
        "for MI325X; this machine has MI300X",
        recipe("mi325x-bf16-tp1", "bf16", gpu_model="MI325X"),
    ),
)
CPU_CHOICES = (
    Choice(
        recipe=recipe("cpu-bf16", "bf16", model="demo", gpu_model="cpu"),
        verdict="FITS",
        reason="0.9 GiB of 14.2 GiB free",
        rank=1,
        try_line="%aim launch demo",
    ),
    Choice(
        recipe=recipe("cpu-bf16", "bf16", model="Qwen/Qwen3-8B", gpu_model="cpu"),
        verdict="NO",
        reason="needs 17.4 GiB of memory, 14.2 GiB are free",
        rank=2,
    ),
)
