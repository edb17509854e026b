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
    req_running, req_waiting : int or None
        Requests now.
    req_done, req_failed, preempted : int or None
        Requests since the engine's start; failed are those aborted or ended by an error.
    req_stopped, req_length, req_aborted, req_error : int or None
        Of the done ones, why they ended: as the model wanted, at the longest length, by the
        client, by an error.
    kv_used_pct, prefix_hit_pct : float or None
        Percent of the KV cache in use; percent of prompt tokens found in the prefix cache.
    ttft_p50_ms ... e2e_p95_ms : float or None
        Quantiles in milliseconds, linear inside the engine's bucket; None where there was no
        request in the window. Below the lowest bound of `bounds_ms` a quantile only says "less
        than that bound": the value is then what the bucket's linear reading gives, or the mean
        where that is smaller. From the highest bound on it says "at least so much".
    ttft_mean_ms, itl_mean_ms, e2e_mean_ms : float or None
        Means of the window, exact.
    bounds_ms : dict
        Of ``ttft``, ``itl`` and ``e2e``: the lowest and the highest bound of the engine's buckets.
    vram_used_bytes, busy_pct, power_w, temp_c : float or None
        Of the server's GPUs: memory and power added up, load averaged, the hottest one.
    cpu_pct : float or None
        CPU time of all its processes over the window, in percent of one core.
    memory_bytes : int or None
        Proportional set size of all its processes.
    disk_free_bytes : int or None
        Free for this user on the disk of the model cache.
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
    ttft_mean_ms: float | None = None
    itl_mean_ms: float | None = None
    e2e_mean_ms: float | None = None
    req_stopped: int | None = None
    req_length: int | None = None
    req_aborted: int | None = None
    req_error: int | None = None
    cpu_pct: float | None = None
    memory_bytes: int | None = None
    disk_free_bytes: int | None = None
    bounds_ms: dict[str, tuple[float, float]] = {}


class Exported(Struct, frozen=True, kw_only=True):
    """One series of what an engine exports, under the engine's own names.

    Attributes
    ----------
    kind : str
        ``counter``, ``gauge``, ``histogram``, … as the engine says.
    labels : str
        As Prometheus writes them: ``engine="0",model_name="demo"``.
    """

    server: str
    metric: str
    kind: str
    labels: str
    value: float


class Usage(Struct, frozen=True, kw_only=True):
    """What a server did on one day.

    Attributes
    ----------
    day : str
        In UTC, as in ``2026-12-01``.
    served_s : float
        So long it was measured that day.
    tokens_in, tokens_out : int or None
        None where its engine does not say.
    gpu_hours, energy_wh : float or None
        None where it holds no GPU, or its power is not known.
    """

    day: str
    server: str
    model: str
    requests: int
    tokens_in: int | None
    tokens_out: int | None
    served_s: float
    gpu_hours: float | None
    energy_wh: float | None
