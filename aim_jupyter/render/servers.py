"""A server in words: when it stops, what is left of its start, how busy it is."""

from __future__ import annotations

from aim_jupyter.core.records import EngineEnvironment, ServerView
from aim_jupyter.render import words

_SOURCES = {
    "managed": "managed environment",
    "variable": "named by AIM_ENGINE_PYTHON",
    "notebook": "this notebook's own interpreter",
    "container": "container",
    "image": "image",
}


def idle_stop(view: ServerView) -> str:
    """Return when a running server stops by itself."""
    plan = view.record.plan
    if plan.idle_s is None:
        return "no idle stop"
    if view.idle_left_s is None or (view.idle_s or 0) < words.MINUTE:
        return f"idle stop after {words.limit(plan.idle_s)} without requests"
    return f"idle stop in {words.limit(view.idle_left_s)}"


def left(view: ServerView) -> str:
    """Return how long a start still takes, as far as the last one tells."""
    return "" if view.eta_s is None else f"about {words.duration(view.eta_s)} left"


def activity(view: ServerView) -> list[str]:
    """Return what matters now, in the order in which it is read."""
    record, sample = view.record, view.sample
    if record.state == "starting":
        return [record.stage or "", left(view)]
    if record.state != "running":
        return [record.crash.what if record.crash else record.reason]
    if sample is None:
        return []
    return [words.number(sample.gen_tok_s, "tok/s"), f"KV {words.number(sample.kv_used_pct, '%')}"]


def origin(environment: EngineEnvironment) -> str:
    """Return where an engine environment comes from, without its name."""
    return _SOURCES.get(environment.source, environment.source)
