"""What earlier starts on this site took.

Every server's folder holds its plan, its stages and the engine's log: what a start took is read
from there at the next look. So learning costs neither a start nor its supervisor anything, and can
hurt neither; a folder that was replaced before anybody looked has taught nothing.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from pathlib import Path

from aim_jupyter import demo
from aim_jupyter.core import fit, gpus, serving
from aim_jupyter.core.errors import AimError, StateUnusable
from aim_jupyter.core.records import Machine, ServerRecord
from aim_jupyter.core.records.fit import Start
from aim_jupyter.core.request import settings as told
from aim_jupyter.core.serving import ServerFolder

#: Lines of a log that a start can fill; a server goes on writing for weeks.
_START_LINES = 20_000


def learned() -> tuple[Start, ...]:
    """Return the starts to learn from; none where their file can't be read.

    An estimate that is less exact is better than a table that can't be shown.
    """
    try:
        return tuple(history())
    except StateUnusable:
        return ()


def history() -> list[Start]:
    """Return all starts, the newest first, with those that nobody has looked at yet.

    Raises
    ------
    StateUnusable
        If the file of starts can't be read.
    """
    known = fit.history()
    told = {start.at for start in known}
    fresh = [
        start
        for folder in serving.folders()
        if (start := _start_in(folder, told, known)) is not None
    ]
    for start in fresh:
        # On a full disk it is told now, and read again at the next look.
        with contextlib.suppress(StateUnusable):
            fit.store(start)
    return sorted([*known, *fresh], key=lambda start: start.at, reverse=True)


def _start_in(folder: ServerFolder, told: set[float], known: Sequence[Start]) -> Start | None:
    """Return what the start of one server took, None for one that is told or still going on."""
    try:
        record = folder.read()
    except AimError:
        return None
    over = record.ready_at is not None or record.state == "failed"
    if not over or record.engine is None or record.created_at in told:
        return None
    return start_of(record, folder.log, gpus.machine(), known)


def start_of(
    record: ServerRecord, log: Path, machine: Machine, known: Sequence[Start] = ()
) -> Start | None:
    """Return what a start took beside what was to be expected.

    None where its model is gone, and for an engine other than vLLM: what that takes says nothing of
    vLLM, whose memory is what is expected.
    """
    plan = record.plan
    config = told.config_of_plan(plan) if plan.engine == "vllm" else None
    if config is None:
        return None
    predicted = fit.assess(
        fit.Request(
            model=plan.model if plan.model_path == str(demo.FOLDER) else plan.model_path,
            architecture=fit.architecture(config),
            device=told.device_of_plan(plan, machine),
            settings=told.of_plan(plan),
            starts=tuple(known),
        )
    )
    ready = record.ready_at
    seconds: dict[str, float] = {
        one.stage: one.took_s
        for one in record.stages
        if one.took_s is not None and one.stage != "ready"
    }
    if ready is not None:
        seconds["ready"] = ready - record.created_at
    return fit.outcome(
        predicted,
        _facts(log),
        at=record.created_at,
        started=ready is not None,
        recipe=plan.recipe_id,
        stages=seconds,
        forced=bool(plan.overridden),
    )


def _facts(log: Path) -> dict[str, float]:
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            return fit.read_log(itertools.islice(lines, _START_LINES))
    except OSError:
        return {}
