# ruff: noqa: E501 - a table reads best a row a line
"""SGLang's adapter, on what 0.5.23 has printed; the server itself is in tests/sglang."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import adapters
from aim_jupyter.core.recipes import Overrides, reconcile
from aim_jupyter.core.records import Flag
from aim_jupyter.core.serving.crash import crash
from aim_jupyter.core.serving.watch.stages import LogReader, StageTracker
from tests.core.serving.state.test_starts import PLAN

SGLANG, VLLM = adapters.get("sglang"), adapters.get("vllm")
START = Path(__file__).parent / "data" / "sglang-0.5.23.log"

# -- its log --------------------------------------------------------------------------------------------


def test_a_recorded_start_goes_through_its_stages() -> None:
    tracker = StageTracker("sglang")
    tracker.enter("boot", 0.0)
    details = []
    for now, line in enumerate(LogReader(START).new_lines(), start=1):
        if tracker.feed(line, float(now)):
            details.append((tracker.stages[-1].stage, tracker.stages[-1].detail))
    assert list(dict.fromkeys(details)) == [
        ("boot", "SGLang 0.5.23"),
        ("boot", "the scheduler is up"),
        ("load", ""),
        ("load", "shard 0 of 1"),
        ("load", "shard 1 of 1"),
        ("ready", "routes are up, a first request warms it up"),
        ("ready", "warmed up"),
    ]
    assert tracker.facts == {"kv_tokens": 8192, "context_tokens": 1024}


def test_its_lines_begin_with_a_time_and_the_rank_that_wrote_them() -> None:
    line = "[2026-11-26 23:25:10 TP1] Load weight begin. avail mem=21.15 GB"
    assert SGLANG.log.plain(line) == "Load weight begin. avail mem=21.15 GB"
    assert SGLANG.log.read(line).process == "TP1"
    assert SGLANG.log.read("[2026-11-26 23:25:10] Load weight begin").process == ""
    assert SGLANG.log.is_first("SGLang 0.5.23 starts")


#: The line that decides, what must be said of it, and what must be in the command to try. Without
#: a mark SGLang 0.5.23 wrote it here; the others stand so in its source, unverified.
CRASHES = [
    ("OSError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/no/where'. Use `repo_type` argument if needed.", "no model at /no/where", "%aim cache"),
    ("OSError: It looks like the config file at '/m/config.json' is not a valid JSON file.", "config.json can't be read", "%aim cache"),
    ("safetensors._safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered", "weight file can't be read", "%aim cache"),
    ("RuntimeError: Cannot find any model weights with `/m`", "no weights", "%aim cache"),
    ("ValueError: Warning: User-specified context_length (99999) is greater than the derived context_length (2048). This may lead to incorrect model outputs or CUDA errors.", "can't take 99999 tokens", "--context-length 2048"),
    ("sglang serve: error: unrecognized arguments: --no-such-flag", "does not know --no-such-flag", "%aim engines"),
    ("aim_sglang: the key does not guard what --grpc-mode opens", "where its key does not guard it", "%aim plan"),
    ("[2026-11-26 23:40:00] Subprocess scheduler_0 (pid=7) crashed with exit code -9. Triggering SIGQUIT for cleanup...", "A process of the engine was killed (scheduler_0)", "%aim launch"),
    ("RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: mem_fraction_static=0.8", "No memory is left", "%aim"),  # source
    ("Exception: Capture cuda graph failed: HIP out of memory", "graphs could not be captured", "--"),  # source
    ("RuntimeError: Prefill out of memory. Try to lower your batch size.", "KV cache did not suffice", "--max-running-requests 16"),  # source
]  # fmt: skip


@pytest.mark.parametrize(("line", "said", "tried"), CRASHES, ids=[row[1] for row in CRASHES])
def test_the_decisive_line_says_what_happened(
    tmp_path: Path, line: str, said: str, tried: str
) -> None:
    log = tmp_path / "engine.log"
    trailer = "[2026-11-26 22:49:47] Received sigquit from a child process. It usually means the child failed.\n"
    log.write_text(f"SGLang 0.5.23 starts\n{line}\n{trailer}")
    plan = replace(PLAN, engine="sglang", engine_version="0.5.23")
    told = crash.explain(plan, log, -9, "no engine process left")
    assert said in told.what
    assert tried in told.try_line
    assert told.known
    assert told.line_number == 2


# -- its options ----------------------------------------------------------------------------------------

NAMES = {setting.option for word in SGLANG.settings if (setting := SGLANG.setting(word))} - {""}
SWITCHES = {"disable-radix-cache", "disable-cuda-graph", "trust-remote-code", "grpc-mode"}
FLAGS = tuple(
    Flag(names=(f"--{name}",), takes_value=name not in SWITCHES)
    for name in (*NAMES, "grpc-mode", "tokenizer-worker-num")
)


def test_what_both_engines_have_is_said_in_its_own_words() -> None:
    done = reconcile(
        {
            "max-model-len": 4096,
            "gpu-memory-utilization": 0.8,
            "max-num-seqs": 64,
            "max-num-batched-tokens": 8192,
            "kv-cache-dtype": "fp8",
            "enforce-eager": None,
            "no-enable-prefix-caching": None,
            "enable-auto-tool-choice": None,
            "tool-call-parser": "deepseek_v31",
            "reasoning-parser": "deepseek_r1",
            "tokenizer-worker-num": 6,
        },
        {},
        flags=FLAGS,
        engine="SGLang 0.5.23",
        adapter=SGLANG,
    )
    assert done.args == {
        "context-length": 4096,
        "mem-fraction-static": 0.8,
        "max-running-requests": 64,
        "chunked-prefill-size": 8192,
        "kv-cache-dtype": "fp8_e4m3",
        "disable-cuda-graph": True,
        "disable-radix-cache": True,
        "tool-call-parser": "deepseekv31",
        "reasoning-parser": "deepseek-r1",
    }
    assert "--enable-auto-tool-choice is what SGLang 0.5.23 does by itself" in done.changes
    why = "SGLang checks no key with more than one tokenizer"
    assert f"--tokenizer-worker-num dropped: {why}" in done.changes


def test_nobody_opens_a_door_that_the_key_does_not_guard() -> None:
    done = reconcile(
        {}, {}, flags=FLAGS, overrides=Overrides(set={"grpc-mode": None}), adapter=SGLANG
    )
    assert done.errors == ("--grpc-mode: the key does not guard what it opens",)
