"""The engine's own benchmark as what sends the requests of a bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aim_jupyter.core.adapters.vllm import benching
from aim_jupyter.core.adapters.vllm.benching import BenchServe, Shape
from aim_jupyter.core.errors import BenchFailed
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.work.records import Level, Quantiles, Workload


class Theirs:
    """vLLM's ``bench serve`` for a server that vLLM serves from an interpreter of this machine."""

    name = benching.NAME

    def __init__(self, record: ServerRecord, key: str, workload: Workload) -> None:
        plan, at = record.plan, record.address
        assert at is not None  # noqa: S101 - `serves` has seen to it
        self._workload = workload
        self._tool = BenchServe(
            plan.argv[0],
            host=at.host,
            port=at.port,
            model=plan.model,
            tokenizer=plan.model_path,
            key=key,
        )

    @staticmethod
    def serves(record: ServerRecord) -> bool:
        """Whether it can measure a server: not one on a socket file, or in an image."""
        plan, at = record.plan, record.address
        here = plan.engine == "vllm" and plan.image is None and not record.away
        return here and at is not None and not at.socket and _has_bench(plan.argv[0])

    def measure(self, at_once: int, requests: int, seed: int) -> Level:
        """Send so many requests, so many of them at once, and return what came of it.

        Raises
        ------
        BenchFailed
            If it could not be run.
        """
        wanted = self._workload
        found = self._tool.run(
            Shape(
                at_once=at_once,
                requests=requests,
                tokens_in=wanted.tokens_in,
                tokens_out=wanted.tokens_out,
                seed=seed,
                ttft_ms=wanted.ttft_ms,
                itl_ms=wanted.itl_ms,
            )
        )
        if "error" in found:
            raise BenchFailed(f"{self.name} failed: {found['error']}.", "%aim logs")
        return _level(at_once, found)

    def close(self) -> None:
        """End its process."""
        self._tool.close()


def _has_bench(python: str) -> bool:
    """Whether the vLLM of an interpreter has a benchmark; nothing is imported for that."""
    packages = Path(python).parent.parent.glob("lib/python3*/site-packages")
    return any((folder / "vllm/benchmarks/serve.py").exists() for folder in packages)


def _level(at_once: int, found: dict[str, Any]) -> Level:
    def quantiles(name: str) -> Quantiles:
        return Quantiles(**{part: found.get(f"{part}_{name}_ms") for part in ("p50", "p95", "p99")})

    return Level(
        at_once=at_once,
        requests=found["completed"],
        failed=found["failed"],
        took_s=found["duration"],
        tokens_in=found["total_input_tokens"],
        tokens_out=found["total_output_tokens"],
        ttft=quantiles("ttft"),
        itl=quantiles("itl"),
        e2e=quantiles("e2el"),
        good_s=found.get("request_goodput"),
    )
