"""How long earlier starts of the same plan took: what an estimate is made from.

Kept in ``starts.json`` of the state directory, by the plan's fingerprint and by how it was started:
a fork of a warm host and a start that has to warm it first are not alike. Of each the last
`OF_EACH` are kept, with what had been predicted; the oldest plans go beyond `MOST`. The estimate of
a stage is the median of its times, so that one start on a busy machine does not spoil the next.
"""

from __future__ import annotations

import contextlib
import statistics

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import Plan, StageTime
from aim_jupyter.core.records.kinds import resolved

MOST = 200
OF_EACH = 5


class Start(Struct, frozen=True, kw_only=True):
    """One start that became ready; all in seconds.

    Attributes
    ----------
    took_s : dict
        By stage.
    predicted_s : float or None
        What had been said at its beginning; None where nothing was known.
    """

    took_s: dict[str, float]
    predicted_s: float | None = None

    @property
    def ready_s(self) -> float:
        """From the first stage to ready."""
        return sum(self.took_s.values())


_STARTS = msgspec.json.Decoder(resolved(dict[str, list[Start]]))


def expected(plan: Plan, how: str) -> dict[str, float]:
    """Return the seconds per stage that a start of `plan` will take, empty where none was seen."""
    known = earlier(plan, how)
    if not known:
        return {}
    return {
        stage: statistics.median(start.took_s.get(stage, 0.0) for start in known)
        for stage in known[-1].took_s
    }


def earlier(plan: Plan, how: str) -> list[Start]:
    """Return the last starts of `plan` that were made in that way, the latest last."""
    return _read().get(_key(plan, how), [])


def remember(plan: Plan, how: str, stages: list[StageTime], predicted: dict[str, float]) -> None:
    """Keep the stage times of a start that became ready; a full disk loses them."""
    took: dict[str, float] = {
        stage.stage: stage.took_s for stage in stages if stage.took_s is not None
    }
    start = Start(took_s=took, predicted_s=sum(predicted.values()) if predicted else None)
    with contextlib.suppress(StateUnusable):
        root = files.private_folder(config.state_dir())
        with files.locked(root / "starts.lock"):
            known = _read()
            of_this = [*known.pop(_key(plan, how), []), start][-OF_EACH:]
            kept = dict([*known.items(), (_key(plan, how), of_this)][-MOST:])
            files.write_atomic(root / "starts.json", msgspec.json.encode(kept))


def remaining_s(
    stages: tuple[StageTime, ...], expected_s: dict[str, float], now: float
) -> float | None:
    """Return the seconds until ready, from the earlier starts of the same plan.

    A stage that takes longer than before counts as about to end; None without an earlier start.
    """
    if not expected_s or not stages:
        return None
    done = {stage.stage for stage in stages}
    current = stages[-1]
    left = max(0.0, expected_s.get(current.stage, 0.0) - (now - current.began_at))
    order = list(expected_s)
    later = order[order.index(current.stage) + 1 :] if current.stage in order else order
    return left + sum(expected_s[stage] for stage in later if stage not in done)


def _key(plan: Plan, how: str) -> str:
    return f"{plan.fingerprint}-{how}"


def _read() -> dict[str, list[Start]]:
    try:
        data = (config.state_dir() / "starts.json").read_bytes()
        return _STARTS.decode(data)
    except files.UNREADABLE:
        # Estimates only: a lost file costs one start without an estimate.
        return {}
