"""When a server ends by itself: pure, but for the look whether its Jupyter server lives."""

from __future__ import annotations

from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.state.process import alive


def reached(record: ServerRecord, now_up_s: float) -> str | None:
    """Return why the server is to end now, None where it is not.

    Parameters
    ----------
    now_up_s : float
        Seconds since boot: a clock that is set meanwhile ends nothing.
    """
    plan = record.plan
    if _over(record.idle_up_s, plan.idle_s, now_up_s):
        return f"no request for {plan.idle_s:.0f} s"
    if _over(record.created_up_s, plan.lifetime_s, now_up_s):
        return f"its {plan.lifetime_s:.0f} s are over"
    if plan.lives_with is not None and not alive(plan.lives_with):
        return "its Jupyter server has ended"
    return None


def _over(since_s: float | None, limit_s: float | None, now_s: float) -> bool:
    return since_s is not None and limit_s is not None and now_s - since_s > limit_s
