"""Compare predicted memory with measured starts, model by model.

    .venv/bin/python benchmarks/fit.py [points.csv]

Baseline: vLLM's own log lines, collected in ``../shared/fixtures/fit/points.csv`` (facts/fit.md).
Prints errors of the KV cache, of the weights and of the memory left for the KV cache, the verdict
on each start, the starts of facts/fit.md 3.4 that the file lacks (MI300X and H200), both acceptance
cases of 3.5 with their sums, what becomes of the fitted coefficients when a model or a kind of GPU
is left out, and the time that verdicts take.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _smoke import size

from aim_jupyter.core import choice, fit, gpus, recipes
from aim_jupyter.core.checkpoint.layers import Experts, Latent, Recurrent
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.core.records import Choice
from aim_jupyter.core.records.fit import CounterOffer
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.sizes import GIB
from aim_jupyter.testing import sums

POINTS = Path(__file__).parents[2] / "shared" / "fixtures" / "fit" / "points.csv"
PROCESSES = size(9, 1)


class Point(NamedTuple):
    """One measured start. Memory in GiB of one GPU, None where the log did not say."""

    model: str
    gpu: str
    parameters: dict[str, Any]
    weights: float | None
    tokens: int | None
    available: float | None
    concurrency: float | None
    failed: bool

    @property
    def label(self) -> str:
        """Model, GPU and release in one line."""
        p = self.parameters
        gpus = p["tp"] * p["pp"]
        return f"{self.model[:46]:46} {self.gpu[:10]:10} x{gpus} {p['engine_version'][:12]:12}"

    @property
    def complete(self) -> bool:
        """Whether everything was logged that a sum needs, on a GPU whose size is known."""
        stated = self.parameters["util"] and self.weights and self.available is not None
        return bool(stated and self.parameters["machine"] and self.parameters["config"])


def read_points(path: Path = POINTS) -> list[Point]:
    """Return the measured starts of a file."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_point(row) for row in csv.DictReader(file)]


def _point(row: dict[str, str]) -> Point:
    extras = dict(part.split("=") for part in row["dtype"].split()[1:])
    tokens = _number(row["kv_tokens"])
    available = _number(row["available_kv_gib"])
    refused = "FAILED" in row["source"] or "refused" in row["source"]
    return Point(
        model=row["model"],
        gpu=row["gpu"],
        parameters={
            "model": row["model"],
            "config": _config(row["model"]),
            "machine": _machine(row["gpu"], int(row["tp"]) * int(extras.get("pp", 1))),
            "tp": int(row["tp"]),
            "pp": int(extras.get("pp", 1)),
            "dtype": row["dtype"].split()[0],
            "kv_dtype": extras.get("kv", "auto"),
            "util": _number(row["gpu_mem_util"]),
            "max_model_len": int(row["max_model_len"]) if row["max_model_len"] else None,
            "engine_version": row["vllm_version"],
            "quantization": _online(row),
        },
        weights=_number(row["weights_gib_per_gpu"]),
        tokens=int(tokens) if tokens else None,
        available=available,
        concurrency=_number(row["max_concurrency"]),
        failed=refused or tokens == 0 or (available is not None and available < 0),
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


def _config(model: str) -> dict[str, Any] | None:
    try:
        return fit.config_of(model)
    except UnknownName:
        return None


def _machine(gpu: str, count: int) -> str | None:
    try:
        fit.device(f"{gpu}:{count}")
    except UnknownName:
        return None
    return f"{gpu}:{count}"


def _online(row: dict[str, str]) -> str | None:
    """Return the quantization that was asked of the engine, not brought by the checkpoint."""
    config = _config(row["model"]) or {}
    plain = "quantization_config" not in config
    return row["quant"] if plain and row["quant"] == "fp8" else None


def kind(point: Point) -> str:
    """Return which rules the KV cache of a model follows."""
    model = fit.architecture(point.parameters["config"] or {})
    mixers = [layer.mixer for layer in model.layers]
    if any(isinstance(mixer, Recurrent) for mixer in mixers):
        return "hybrid"
    if any(isinstance(mixer, Latent) for mixer in mixers):
        return "MLA"
    return "sliding" if any(getattr(mixer, "span", 0) for mixer in mixers) else "dense"


def experts(point: Point) -> bool:
    """Whether a model has experts."""
    model = fit.architecture(point.parameters["config"] or {})
    return any(isinstance(layer.mlp, Experts) for layer in model.layers)


def kv_error(point: Point) -> float | None:
    """Return by how many per cent the size of the KV cache is missed, from its measured bytes."""
    if not point.parameters["config"] or not point.tokens or not point.available:
        return None
    found = sums.answer({**point.parameters, "available_kv_gib": point.available})
    if found["kv_tokens"] is None:
        return None
    low, high = found["kv_tokens"]
    nearest: int = min(max(point.tokens, low), high)
    return 100 * (nearest - point.tokens) / point.tokens


def weights_error(point: Point) -> float | None:
    """Return by how many per cent the weights are missed, counted from the config alone."""
    if not point.parameters["config"] or not point.weights:
        return None
    found = sums.answer({**point.parameters, "machine": point.parameters["machine"] or "h100:8"})
    predicted = found["weights_gib_per_gpu"]
    return None if predicted is None else float(100 * (predicted / point.weights - 1))


def band(point: Point) -> tuple[float, float] | None:
    """Return the predicted memory for the KV cache, GiB, with the measured weights."""
    if not point.complete:
        return None
    found = sums.answer({**point.parameters, "weights_gib": point.weights})
    return tuple(found["available_kv_gib"]) if found["available_kv_gib"] else None


def predicted(point: Point) -> str:
    """Return the verdict on a start, from its config alone."""
    return str(sums.answer(point.parameters)["verdict"])


def _rows(points: Iterable[Point]) -> Iterator[str]:
    yield f"{'':82}{'KV %':>8} {'weights %':>9} {'KV GiB':>8}  {'band':>17}  verdict"
    for point in points:
        kv, weights, room = kv_error(point), weights_error(point), band(point)
        inside = room and room[0] <= (point.available or 0) <= room[1]
        shown = f"{room[0]:7.2f} … {room[1]:6.2f}{' ' if inside else '!'}" if room else ""
        measured = "" if point.available is None else f"{point.available:8.2f}"
        yield (
            f"{point.label} {kind(point):8}{_shown(kv)} {_shown(weights):>9} {measured:>8} "
            f"{shown:>18}  {predicted(point)}{' (failed)' if point.failed else ''}"
        )


def _shown(error: float | None) -> str:
    return f"{'':>8}" if error is None else f"{error:+8.2f}"


def _means(points: Iterable[Point]) -> Iterator[str]:
    errors: dict[str, list[float]] = defaultdict(list)
    for point in points:
        if (kv := kv_error(point)) is not None:
            errors[f"KV cache, {kind(point)}"].append(abs(kv))
            errors["KV cache, all"].append(abs(kv))
        if (weights := weights_error(point)) is not None:
            errors[f"weights, {'experts' if experts(point) else 'dense'}"].append(abs(weights))
            errors["weights, all"].append(abs(weights))
    for name, found in sorted(errors.items()):
        mean, worst = statistics.fmean(found), max(found)
        yield f"{name:24} mean {mean:6.3f} %  worst {worst:6.2f} %  of {len(found)} starts"


def _bands(points: Iterable[Point]) -> Iterator[str]:
    found = [(point, room) for point in points if (room := band(point)) is not None]
    inside = [room[0] <= (point.available or 0) <= room[1] for point, room in found]
    widths = [room[1] - room[0] for _, room in found]
    yield (
        f"{sum(inside)} of {len(found)} inside the band ({100 * statistics.fmean(inside):.0f} %); "
        f"its width: median {statistics.median(widths):.2f} GiB, "
        f"from {min(widths):.2f} to {max(widths):.2f}"
    )
    failed = [point for point in points if point.failed and predicted(point) == "FITS"]
    worked = [point for point in points if not point.failed and predicted(point) == "NO"]
    yield f"{len(worked)} that started are called NO, {len(failed)} that failed are called FITS"


# Overhead in GiB, read off the table of facts/fit.md 3.4: model, GPU, GPUs, release, range, and the
# measured weights where experts grow (3.5). The classes of overhead.toml were made from these too;
# what is held out is the file of points.
LLAMA, R1 = "meta-llama/Llama-3.3-70B-Instruct", "deepseek-ai/DeepSeek-R1-0528"
MINISTRAL = "mistralai/Ministral-3-14B-Instruct-2512-BF16"
VL, QWEN = "Qwen/Qwen3-VL-30B-A3B-Instruct", "Qwen/Qwen3-235B-A22B"
MAVERICK = "meta-llama/Llama-4-Maverick-17B-128E-Instruct"
STATED: tuple[tuple[str, str, int, str, tuple[float, float], float | None], ...] = (
    (LLAMA, "MI300X", 1, "0.16", (5.9, 6.2), None),
    (LLAMA, "MI300X", 1, "0.18", (3.1, 3.3), None),
    (LLAMA, "MI300X", 1, "0.13.1.dev8", (2.8, 3.1), None),
    (MINISTRAL, "MI300X", 1, "0.16", (5.9, 6.2), None),
    (MINISTRAL, "MI300X", 1, "0.18", (3.1, 3.3), None),
    (VL, "MI300X", 1, "0.16", (7.4, 7.9), 79.29),
    (VL, "MI300X", 1, "0.18", (4.3, 4.3), 79.29),
    (LLAMA, "MI300X", 4, "0.16", (6.4, 6.4), None),
    (QWEN, "MI300X", 4, "0.16", (7.2, 7.2), 112.6),
    (QWEN, "MI300X", 8, "0.16", (8.9, 8.9), 56.6),
    (R1, "MI300X", 8, "0.16", (8.2, 10.1), 81.3),
    (R1, "MI300X", 8, "0.18", (7.3, 7.3), 81.3),
    (MAVERICK, "MI300X", 8, "0.16", (11.2, 11.2), 126.7),
    (LLAMA, "H200", 4, "0.16", (5.4, 5.5), None),
    (LLAMA, "H200", 4, "0.18", (4.1, 4.1), None),
    (R1, "H200", 8, "0.11.0", (2.8, 2.8), 79.7),
    (R1, "H200", 8, "0.16", (5.8, 7.4), 79.7),
    (R1, "H200", 8, "0.18", (6.1, 6.1), 79.7),
)


def stated() -> Iterator[tuple[str, bool]]:
    """Yield a line for each start that facts/fit.md states, and whether the band holds it."""
    for model, gpu, tp, version, (least, most), measured in STATED:
        asked = {"model": model, "machine": f"{gpu}:8", "tp": tp, "engine_version": version}
        found = sums.answer({**asked, "util": 0.92, "max_model_len": 8192})
        low, high = found["overhead_gib"]
        first, last = found["weights_gib_per_gpu_band"]
        inside = low <= least <= most <= high
        grown = "" if measured is None else f"  weights {first:6.1f} … {last:6.1f}, were {measured}"
        yield (
            (
                f"{model[:46]:46} {gpu:10} x{tp} {version:12} {least:5.1f} … {most:4.1f} GiB  "
                f"band {low:5.2f} … {high:5.2f}{' ' if inside else '!'}{grown}"
            ),
            inside,
        )


def _facts() -> Iterator[str]:
    found = list(stated())
    yield from (line for line, _ in found)
    yield f"{sum(inside for _, inside in found)} of {len(found)} inside the band"


def _acceptance() -> Iterator[str]:
    """Yield the sum of the same start under two releases: facts/fit.md 3.5, item 3."""
    for version, measured in (("0.16", 39.07), ("0.18", 41.88)):
        asked = {"model": LLAMA, "machine": "mi300x:1", "dtype": "bfloat16", "util": 0.92}
        found = sums.answer({**asked, "max_model_len": 131_072, "engine_version": version})
        low, high = found["available_kv_gib"]
        yield f"{LLAMA} at 131,072 tokens on one MI300X, {version}: {found['verdict']}"
        yield from (
            f"  {term['name']:16} {term['gib'][0]:7.2f} … {term['gib'][1]:7.2f}  {term['basis']}"
            for term in found["terms"]
        )
        yield f"  measured KV cache {measured} of {low:.2f} … {high:.2f}"


def _coefficients(points: Iterable[Point]) -> tuple[list[Point], Any, Any]:
    """Return the starts that the coefficients of 0.17 to 0.20 were fitted to, and the sums."""
    kept, left, right = [], [], []
    for point in points:
        row = _terms(point)
        if row is not None:
            kept.append(point)
            left.append(row[0])
            right.append(row[1])
    return kept, np.array(left), np.array(right)


def _terms(point: Point) -> tuple[list[float], float] | None:
    """Return sampler, experts' buffers and number of GPUs of a start, and its whole overhead."""
    p = point.parameters
    measured = point.complete and p["engine_version"].startswith(("0.18", "0.19", "0.17"))
    plain = measured and point.gpu.startswith(("H100", "B200"))
    if not plain or p["pp"] > 1 or "gpt-oss" in point.model:
        return None
    model = fit.architecture(p["config"])
    seqs, tokens, mixture = 1024, 8192, model.experts
    wide = model.hidden + 3 * mixture.size / p["tp"] if mixture else 0
    buffers = tokens * mixture.per_token * wide * 2 if mixture else 0
    total = fit.device(p["machine"]).total_bytes / GIB * p["util"]
    taken = total - (point.weights or 0) - (point.available or 0) - tokens * model.hidden * 2 / GIB
    row = [
        seqs * model.vocabulary * 4 / GIB,
        buffers / GIB,
        float(p["tp"] == 1),
        float(p["tp"] > 1),
    ]
    return row, taken


def _left_out(points: list[Point]) -> Iterator[str]:
    """Fit the four coefficients without some of the starts, and predict those."""
    kept, left, right = _coefficients(points)
    whole, *_ = np.linalg.lstsq(left, right, rcond=None)
    inside = np.abs(left @ whole - right)
    yield (
        "fitted on all: sampler {:.2f}, experts {:.2f}, runtime {:.2f} and {:.2f} GiB; "
        "error {:.3f} GiB mean, {:.2f} worst".format(*whole, inside.mean(), inside.max())
    )
    names, cards = [point.model for point in kept], [point.gpu for point in kept]
    for what, errors in (
        (f"each model left out of {len(set(names))}", _held_out(names, left, right)),
        ("B200 from H100 alone", _held_out(cards, left, right, ["B200"])),
    ):
        yield (
            f"{what}, {len(errors)} starts: "
            f"error {np.mean(errors):.3f} GiB mean, {max(errors):.2f} worst"
        )


def _held_out(
    names: list[str], left: Any, right: Any, groups: Iterable[str] | None = None
) -> list[float]:
    """Return the errors of starts that the coefficients were not fitted to, group by group."""
    errors: list[float] = []
    for name in groups or sorted(set(names)):
        held = np.array([each == name for each in names])
        fitted, *_ = np.linalg.lstsq(left[~held], right[~held], rcond=None)
        errors += list(np.abs(left[held] @ fitted - right[held]))
    return errors


def _times() -> Iterator[str]:
    ask = {"machine": "mi300x:8", "tp": 8, "max_model_len": 8192, "engine_version": "0.32"}
    began = time.perf_counter()
    sums.answer({**ask, "model": "meta-llama/Llama-3.3-70B-Instruct", "tp": 1})
    first = time.perf_counter() - began
    names = fit.known()[: size(60, 2)]
    began = time.perf_counter()
    for name in names:
        sums.answer({**ask, "model": name})
    took = time.perf_counter() - began
    yield f"first verdict {1000 * first:.1f} ms, then {len(names)} models {1000 * took:.1f} ms"
    yield from _catalogue_times()


class _Nothing:
    """A verdict that looks at nothing: the baseline."""

    def __call__(self, choice: Choice, gpus: Any, request: Request) -> Choice:
        del gpus, request
        return choice

    def changes(self, choice: Choice, gpus: Any, request: Request) -> tuple[CounterOffer, ...]:
        del choice, gpus, request
        return ()


def _catalogue_times() -> Iterator[str]:
    """Yield what verdicts on the whole catalogue take: `%aim recipes`, and on every recipe.

    Baseline: placing and ordering the same recipes with a verdict that looks at nothing.
    """
    rows = [(ask, fit) for ask in ("best", "judge_all") for fit in ("bare", "fit")]
    spent: dict[tuple[str, str], list[list[float]]] = {row: [] for row in rows}
    for _ in range(PROCESSES):
        for row, each in spent.items():
            each.append(_in_a_new_process(*row))
    count = len(recipes.catalogue().models)
    yield f"CPU ms for the {count} models on 8 MI300X, of {PROCESSES} processes"
    yield f"{'':<24}{'first':>9}{'min':>9}{'max':>9}{'again':>9}{'ratio':>9}"
    for (ask, name), each in spent.items():
        first, again = zip(*each, strict=True)
        base = statistics.median(one for one, _ in spent[ask, "bare"])
        middle = statistics.median(first)
        yield (
            f"{ask + ', ' + name:<24}{middle:>9.0f}{min(first):>9.0f}{max(first):>9.0f}"
            f"{statistics.median(again):>9.0f}{middle / base:>9.1f}"
        )
    here = gpus.machine("mi300x:8")
    model = recipes.catalogue().find("openai/gpt-oss-120b")
    began = time.perf_counter()
    there = choice.Conditions(machine=here)
    judge = choice.Judge(model, there, starts=())
    found = choice.judge_all(model, Request(model=model.name), there, judge)
    yield f"{len(found)} recipes of one model: {1000 * (time.perf_counter() - began):.1f} ms"


def _in_a_new_process(ask: str, name: str) -> list[float]:
    """Return the milliseconds of two passes over the catalogue, in a process of their own."""
    words = [sys.executable, __file__, "--catalogue", ask, name]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    spent: list[float] = json.loads(done.stdout)
    return spent


def _passes(ask: str, name: str) -> list[float]:
    """Return the CPU milliseconds of the verdicts on each model, the first time and once more."""
    here = gpus.machine("mi300x:8")
    models = recipes.catalogue().models
    find = getattr(choice, ask)
    there = choice.Conditions(machine=here)
    spent = []
    for _ in range(2):
        used = time.process_time()
        for model in models:
            its = choice.Judge(model, there, starts=()) if name == "fit" else _Nothing()
            find(model, Request(model=model.name), there, its)
        spent.append(1000 * (time.process_time() - used))
    return spent


def main(path: Path) -> None:
    """Print everything."""
    timed = list(_times())
    points = read_points(path)
    parts = (_rows(points), _means(points), _bands(points), _facts(), _acceptance())
    for part in (*parts, _left_out(points), timed):
        print("\n".join(part), end="\n\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--catalogue"]:
        print(json.dumps(_passes(*sys.argv[2:])))
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else POINTS)
