"""vLLM's benchmark in a process of the engine: here with a vLLM of a few lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from aim_jupyter.core.adapters.vllm import bench_serve

SERVE = """
def add_cli_args(parser):
    parser.add_argument("--rate", type=float)
def main(arguments):
    print("a table for people")
    if arguments.rate < 0:
        raise ValueError("no rate")
    return {"output_throughput": arguments.rate, "itls": [[1.0]], "request_goodput": None}
"""


def test_a_line_is_a_run_and_what_it_prints_is_no_answer(tmp_path: Path) -> None:
    for folder in ("", "benchmarks", "utils"):
        (tmp_path / "vllm" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "vllm" / folder / "__init__.py").write_text("__version__ = '0.0.1'\n")
    (tmp_path / "vllm/benchmarks/serve.py").write_text(SERVE)
    parser = "from argparse import ArgumentParser as FlexibleArgumentParser\n"
    (tmp_path / "vllm/utils/argparse_utils.py").write_text(parser)
    lines = [["--rate", "2.5"], ["--rate", "-1"], ["--new-option"]]
    done = subprocess.run(
        [sys.executable, "-P", bench_serve.__file__],
        input="".join(f"{json.dumps(line)}\n" for line in lines),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"ready": "0.0.1"},
        {"output_throughput": 2.5},
        {"error": "ValueError: no rate"},
        {"error": "its vLLM takes other options"},
    ]
    assert "a table for people" in done.stderr
