"""When a server ends by itself: pure, but for the look whether its Jupyter server lives."""

from __future__ import annotations

from aim_jupyter.core.records import Plan, ServerRecord
from aim_jupyter.core.serving.process import alive


def reached(record: ServerRecord, now_up_s: float) -> str | None:
    """Return why the server is to end now, None where it is not.

    Parameters
    ----------
    now_up_s : float
        Seconds since boot: a clock that is set meanwhile ends nothing.
    """
    plan = record.plan
    idle_from, ready_at = record.idle_up_s, record.ready_up_s
    if _over(idle_from, plan.idle_s, now_up_s):
        return f"no request for {plan.idle_s:.0f} s"
    if _over(ready_at, plan.lifetime_s, now_up_s):
        return f"its {plan.lifetime_s:.0f} s are over"
    return bereft(plan)


def bereft(plan: Plan) -> str | None:
    """Return that the Jupyter server has ended with which this server is to live."""
    if plan.lives_with is None or alive(plan.lives_with):
        return None
    return "its Jupyter server has ended"


def _over(since_s: float | None, limit_s: float | None, now_s: float) -> bool:
    return since_s is not None and limit_s is not None and now_s - since_s > limit_s
