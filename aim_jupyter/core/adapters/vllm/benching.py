"""The words of vLLM's ``bench serve``, and what its results are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec import Struct

from aim_jupyter.core.adapters.vllm.answering import Answering

NAME = "vllm bench serve"
#: Seconds until its imports are done, 10 on a quiet machine; and that one level may take.
COLD_S, LEVEL_S = 300.0, 4 * 3600.0
_SCRIPT = Path(__file__).with_name("bench_serve.py")


class Shape(Struct, frozen=True, kw_only=True):
    """One run: so many requests of random tokens, so many of them at once.

    Attributes
    ----------
    seed : int
        The same prompts come of the same seed.
    ttft_ms, itl_ms : float or None
        What a request keeps that counts for the goodput.
    """

    at_once: int
    requests: int
    tokens_in: int
    tokens_out: int
    seed: int
    ttft_ms: float | None = None
    itl_ms: float | None = None


class BenchServe:
    """vLLM's benchmark in the interpreter of an engine, against one server.

    Parameters
    ----------
    python : str
    host, port : str, int
        Of the server.
    model, tokenizer : str
        The name that it serves, and the folder of its files.
    key : str
        Of the server; handed over in the environment.
    """

    def __init__(
        self, python: str, *, host: str, port: int, model: str, tokenizer: str, key: str
    ) -> None:
        self._at = ["--host", host, "--port", str(port)]
        self._model = ["--model", model, "--tokenizer", tokenizer]
        env = {"OPENAI_API_KEY": key, "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
        self._process = Answering([python, str(_SCRIPT)], cold_s=COLD_S, env=env)

    def words(self, shape: Shape) -> list[str]:
        """Return what a person would type after ``vllm bench serve``."""
        limits = (("ttft", shape.ttft_ms), ("tpot", shape.itl_ms))
        wanted = [f"{name}:{limit:g}" for name, limit in limits if limit is not None]
        return [
            *("--backend", "openai", "--endpoint", "/v1/completions"),
            *self._at,
            *self._model,
            *("--dataset-name", "random", "--seed", str(shape.seed), "--temperature", "0"),
            *("--random-input-len", str(shape.tokens_in)),
            *("--random-output-len", str(shape.tokens_out)),
            *("--num-prompts", str(shape.requests), "--max-concurrency", str(shape.at_once)),
            *("--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,95,99"),
            *(["--goodput", *wanted] if wanted else []),
            "--disable-tqdm",
        ]

    def run(self, shape: Shape) -> dict[str, Any]:
        """Return what it has measured, under its own names; or ``error`` with why it could not."""
        answer = self._process.ask(json.dumps(self.words(shape)), LEVEL_S)
        return answer or {"error": "its process ended without an answer"}

    def close(self) -> None:
        """End its process."""
        self._process.close()
