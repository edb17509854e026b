"""How long earlier starts of the same plan took: what an estimate is made from.

Kept in ``starts.json`` of the state directory, by the plan's fingerprint, the last start only; the
oldest plans are dropped beyond `MOST`.
"""

from __future__ import annotations

import contextlib

import msgspec

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import Plan, StageTime

MOST = 200

_STARTS = msgspec.json.Decoder(dict[str, dict[str, float]])


def expected(plan: Plan) -> dict[str, float]:
    """Return the seconds per stage of the last start of `plan`, empty where there was none."""
    return _read().get(plan.fingerprint, {})


def remember(plan: Plan, stages: list[StageTime]) -> None:
    """Keep the stage times of a start that became ready; a full disk loses them."""
    took: dict[str, float] = {
        stage.stage: stage.took_s for stage in stages if stage.took_s is not None
    }
    with contextlib.suppress(StateUnusable):
        root = files.private_folder(config.state_dir())
        with files.locked(root / "starts.lock"):
            known = _read()
            known.pop(plan.fingerprint, None)
            known[plan.fingerprint] = took
            kept = dict(list(known.items())[-MOST:])
            files.write_atomic(root / "starts.json", msgspec.json.encode(kept))


def remaining_s(
    stages: tuple[StageTime, ...], expected_s: dict[str, float], now: float
) -> float | None:
    """Return the seconds until ready, from the last start of the same plan.

    A stage that takes longer than last time counts as about to end; None without an earlier start.
    """
    if not expected_s or not stages:
        return None
    done = {stage.stage for stage in stages}
    current = stages[-1]
    left = max(0.0, expected_s.get(current.stage, 0.0) - (now - current.began_at))
    order = list(expected_s)
    later = order[order.index(current.stage) + 1 :] if current.stage in order else order
    return left + sum(expected_s[stage] for stage in later if stage not in done)


def _read() -> dict[str, dict[str, float]]:
    try:
        data = (config.state_dir() / "starts.json").read_bytes()
        return _STARTS.decode(data)
    except files.UNREADABLE:
        # Estimates only: a lost file costs one start without an estimate.
        return {}
