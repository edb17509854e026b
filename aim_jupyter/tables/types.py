"""The types of columns: a name has one wherever it stands, its suffix is its unit."""

from __future__ import annotations

from typing import Literal

Dtype = Literal["string", "Int64", "Float64", "boolean", "datetime64[us, UTC]"]
TIME: Dtype = "datetime64[us, UTC]"

_WHOLE = (
    *("gpu", "pid", "busy_pct", "lease_age_s", "power_w", "temp_c", "tp", "users", "rank"),
    *("context_tokens", "uptime_s", "eta_s", "idle_s", "idle_left_s", "req_running"),
    *("req_waiting", "req_done", "req_failed", "req_stopped", "req_length", "req_aborted"),
    *("req_error", "preempted", "files", "files_missing"),
    *("rows", "failed", "row", "tokens_in", "tokens_out", "asks"),
    *("gpus_total", "gpus_free", "gpus_used", "gpus_down", "pending_ahead", "limit_s", "nodes"),
    *("gpus_per_node", "most_free", "at_once", "requests", "others"),
    *("samples", "samples_of", "sample", "tokens"),
    *("gpu_count", "waited_s", "lasts_s"),
)
_DECIMAL = (
    *("users_fit", "took_s", "window_s", "value", "download_s", "boot_s", "load_s"),
    *("compile_s", "capture_s", "ready_s", "gpu_hours", "energy_wh", "goodput", "energy_j_tok"),
    *("score", "stderr", "served_s"),
)
#: What is handed on as it is measured: rounding would say something else of what is small.
EXACT = ("value", "goodput", "energy_j_tok", "score", "stderr")
_DECIMAL_UNITS = ("_gib", "_pct", "_ms", "_tok_s")
_YES_NO = (
    *("manual_only", "pinned", "usable", "started", "verified", "shared", "evict", "done"),
    *("best", "within", "same"),
)


def dtype(name: str, verb: str | None = None) -> Dtype:
    """Return the nullable pandas type of a column; one has another type in the table of `verb`.

    Examples
    --------
    >>> dtype("vram_gib"), dtype("pid"), dtype("reason")
    ('Float64', 'Int64', 'string')
    """
    if name in _WHOLE or (verb, name) in (("runs", "done"), ("queue", "place")):
        return "Int64"
    if name in _DECIMAL or name.endswith(_DECIMAL_UNITS):
        return "Float64"
    if name in _YES_NO:
        return "boolean"
    return TIME if name == "at" or name.endswith("_at") else "string"
