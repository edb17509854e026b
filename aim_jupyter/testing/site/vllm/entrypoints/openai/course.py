"""The course of a fake engine's life: its stages and its log, and what the script does to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path

from vllm import __version__


def say(text: str) -> None:
    """Print a line as vLLM's logger does."""
    prefix = f"(APIServer pid={os.getpid()}) INFO 11-23 12:00:00 [fake.py:1] "
    print(prefix + text, file=sys.stderr, flush=True)


def wait_at(gate: str, script: dict[str, object]) -> None:
    """Wait until the file of a gate is there; where there is no gate, not at all."""
    file = script["gates"].get(gate)
    while file and not Path(file).exists():
        time.sleep(0.02)


def beat(every_s: float) -> None:
    """Count in the log, a line each, for as long as this process lives."""
    number = 0
    while True:
        number += 1
        # One write, so that no other line comes between.
        os.write(2, f"beat {number}\n".encode())
        time.sleep(every_s)


def crash(after_s: float, code: int) -> None:
    """End at once after a while, and leave the children behind."""
    time.sleep(after_s)
    os._exit(code)


def mourn(children: list[subprocess.Popen[bytes]]) -> None:
    """End with code 0 once a child was killed, as vLLM does."""
    while all(child.poll() is None for child in children):
        time.sleep(0.1)
    if any(child.returncode == -signal.SIGKILL for child in children):
        os._exit(0)


def start(target: object, *arguments: object) -> None:
    """Run something beside everything else."""
    threading.Thread(target=target, args=arguments, daemon=True).start()


def come_up(arguments: Namespace, script: dict[str, object]) -> None:
    """Go through the stages, failing where the script says so."""
    say(f" ▄▄ ▄█ █     █     █ ▀▄▀ █  version {__version__}")
    _maybe_fail("boot", script)
    time.sleep(float(script["boot_s"]))
    wait_at("boot", script)
    say(f"Initializing a V1 LLM engine (v{__version__}) with config: fake")
    say(f"Starting to load model {arguments.model}...")
    _maybe_fail("load", script)
    for line in range(int(script["flood_lines"])):
        print(f"flood line {line}", file=sys.stderr)
    shards = int(script["shards"])
    for shard in range(1, shards + 1):
        time.sleep(float(script["load_s"]) / shards)
        if shard == shards:
            wait_at("load", script)
        percent = 100 * shard // shards
        print(
            f"\rLoading safetensors checkpoint shards: {percent:3d}% Completed | {shard}/{shards}",
            file=sys.stderr,
            flush=True,
        )
    say(
        "CPU KV cache size: 87,296 tokens, Maximum concurrency for 1,024 tokens per request: 85.25x"
    )
    say("init engine (profile, create kv cache, warmup model) took 0.01 seconds")
    _maybe_fail("ready", script)
    say(f"Starting vLLM server on http://{arguments.host}:{arguments.port}")


def _maybe_fail(stage: str, script: dict[str, object]) -> None:
    if script["fail_at"] == stage:
        print(
            f"(EngineCore pid=1) ERROR 11-23 12:00:00 [fake.py:2] {script['fail_line']}",
            file=sys.stderr,
        )
        print(
            "RuntimeError: Engine core initialization failed. See root cause above.",
            file=sys.stderr,
        )
        raise SystemExit(script["exit_code"])
