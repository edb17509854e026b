"""What a server is doing, in figures."""

from __future__ import annotations

from msgspec import Struct


class Sample(Struct, frozen=True, kw_only=True):
    """The activity of one server over a window that ends at `at`.

    Attributes
    ----------
    at : float
        Seconds since the epoch (UTC).
    window_s : float or None
        Length of the window that rates and quantiles are taken over; None with a single scrape.
    gen_tok_s, prompt_tok_s : float or None
        Tokens per second, out and in.
    req_running, req_waiting, req_done, req_failed, preempted : int or None
        Requests: now, now, and since the start.
    kv_used_pct, prefix_hit_pct : float or None
        Percent of the KV cache in use; percent of prompt tokens found in the prefix cache.
    ttft_p50_ms ... e2e_p95_ms : float or None
        Quantiles in milliseconds; None where no request ended in the window.
    idle_s : float or None
        Seconds since the last request was seen.
    """

    at: float
    window_s: float | None = None
    gen_tok_s: float | None = None
    prompt_tok_s: float | None = None
    req_running: int | None = None
    req_waiting: int | None = None
    kv_used_pct: float | None = None
    prefix_hit_pct: float | None = None
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    e2e_p50_ms: float | None = None
    e2e_p95_ms: float | None = None
    req_done: int | None = None
    req_failed: int | None = None
    preempted: int | None = None
    vram_used_bytes: int | None = None
    busy_pct: float | None = None
    power_w: float | None = None
    temp_c: float | None = None
    idle_s: float | None = None
