"""Rows of what is kept of work over servers: runs, and what each kind of them holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aim_jupyter.core.sizes import GIB
from aim_jupyter.tables.columns import COLUMNS, Row, Verb, row
from aim_jupyter.work.bench.search import within
from aim_jupyter.work.records import Answer, BenchRun, Level, Score
from aim_jupyter.work.runs import RunFolder

if TYPE_CHECKING:
    from aim_jupyter.work.map.drift import Again


def run_row(folder: RunFolder) -> Row:
    """Return the row of one run."""
    run = folder.latest()
    return row(
        "runs",
        run,
        run=run.id,
        state=folder.state(run),
        model=run.served.model,
        server=", ".join(run.servers),
        started_at=run.started_at or None,
        record=run.served.record,
        size_gib=folder.size_bytes() / GIB,
    )


def answer_row(number: int, answer: Answer | None) -> Row:
    """Return the row of one answer as it came; of one that did not, what it was not."""
    known = answer or Answer(cause="not asked", error="not asked", asks=0)
    raw = known.value if isinstance(known.value, str) else None
    facts = {"row": number, "raw": raw, "took_ms": known.ms}
    return row("answers", known, **facts, cause=known.cause or None, error=known.error or None)


def level_row(run: BenchRun, level: Level) -> Row:
    """Return the row of one level of a bench."""
    engine, rate = level.engine, level.gen_tok_s
    facts: dict[str, Any] = {name: engine.get(name) for name in COLUMNS["levels"]}
    for name, times in (("ttft", level.ttft), ("itl", level.itl), ("e2e", level.e2e)):
        facts |= {f"{name}_{part}_ms": getattr(times, part) for part in ("p50", "p95", "p99")}
    facts |= {name: getattr(level, name) for name in ("at_once", "requests", "failed", "took_s")}
    facts |= {"tokens_in": level.tokens_in, "tokens_out": level.tokens_out, "gen_tok_s": rate}
    return row(
        "levels",
        level,
        **facts
        | {
            "best": level.at_once == run.best,
            "within": within(level, run.workload) if run.workload.limited else None,
            "per_gpu_tok_s": rate / run.gpus if run.gpus else None,
            "goodput": level.good_s,
            "engine_tok_s": engine.get("gen_tok_s"),
            "energy_j_tok": engine["power_w"] / rate if "power_w" in engine and rate else None,
        },
    )


def score_row(score: Score) -> Row:
    """Return the row of one figure of an evaluation."""
    return row("scores", score, stderr=score.error, samples_of=score.of)


def sample_row(sample: Mapping[str, Any]) -> Row:
    """Return the row of one sample of an evaluation, with the first figure that it counts for."""
    metrics = sample["metrics"]
    metric = next(iter(metrics), None)
    value = metrics.get(metric)
    score = float(value) if isinstance(value, int | float) else None
    facts = {name: sample[name] for name in ("task", "sample", "prompt", "target", "answer")}
    return row("samples", None, **facts, filter=sample["filter"], metric=metric, score=score)


def again_row(again: Again) -> Row:
    """Return the row of a question that was asked again."""
    share = 100 * again.agree / again.tokens if again.tokens else None
    return row("drift", again, agree_pct=share, error=again.error or None)


#: How what is kept becomes its rows.
ROW: Mapping[Verb, Callable[..., Row]] = {
    "runs": run_row,
    "answers": lambda numbered: answer_row(*numbered),
    "levels": lambda of: level_row(*of),
    "scores": score_row,
    "drift": again_row,
    "samples": sample_row,
}
