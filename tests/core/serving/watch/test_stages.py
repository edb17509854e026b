"""How far a start is, read from what the engine really prints."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import adapters
from aim_jupyter.core.records import STAGES, StageTime
from aim_jupyter.core.serving.watch.stages import LogReader, StageTracker

plain = adapters.get("vllm").log.plain

#: A start of vLLM 0.32 on the CPU, as it was recorded, shortened; colours, \r and all.
CPU = (
    "Triton is installed, but doesn't include CPU backend. Disabling Triton.\n"
    "\x1b[0;36m(APIServer pid=30839)\x1b[0;0m \x1b[32mINFO\x1b[0m \x1b[90m11-23 19:44:41\x1b[0m "
    "\x1b[90m[api_utils.py:347]\x1b[0m  \x1b[93m▄▄\x1b[0m \x1b[94m▄█\x1b[0m \x1b[1m█     █     "
    "█ ▀▄▀ █\x1b[0m  version \x1b[1m0.32.0\x1b[0m\r\n"
    "(APIServer pid=30839) INFO 11-23 19:44:41 [api_utils.py:347]   █▄█▀ █     █     █     █  "
    "model   /work/main/aim_jupyter/demo\n"
    "(APIServer pid=30839) INFO 11-23 19:44:41 [model.py:733] Resolved architecture: "
    "Qwen3ForCausalLM\n"
    "(APIServer pid=30839) WARNING 11-23 19:44:41 [vllm.py:1703] Enforce eager set, disabling "
    "torch.compile, CUDAGraphs, and JIT kernel warmup.\n"
    "(EngineCore pid=30869) INFO 11-23 19:44:47 [core.py:133] Initializing a V1 LLM engine "
    "(v0.32.0) with config: model='/work/main/aim_jupyter/demo', speculative_config=None\n"
    "(EngineCore pid=30869) INFO 11-23 19:44:48 [cpu_model_runner.py:68] Starting to load model "
    "/work/main/aim_jupyter/demo...\n"
    "\rLoading safetensors checkpoint shards:   0% Completed | 0/1 [00:00<?, ?it/s]\n"
    "\rLoading safetensors checkpoint shards: 100% Completed | 1/1 [00:00<00:00, 56.59it/s]\n\n"
    "(EngineCore pid=30869) INFO 11-23 19:44:49 [default_loader.py:501] Loading weights took 0.02 "
    "seconds\n"
    "(EngineCore pid=30869) INFO 11-23 19:44:49 [kv_cache_utils.py:2327] CPU KV cache size: 32,768 "
    "tokens, Maximum concurrency for 1,024 tokens per request: 32.00x\n"
    "(EngineCore pid=30869) INFO 11-23 19:44:50 [core.py:402] init engine (profile, create kv "
    "cache, warmup model) took 0.13 s\n"
    "(APIServer pid=30839) INFO 11-23 19:44:50 [entry.py:136] Supported tasks: ['generate']\n"
    "(APIServer pid=30839) INFO 11-23 19:44:50 [entry.py:140] Starting vLLM server on "
    "http://127.0.0.1:51339\n"
    "INFO:     Started server process [30839]\n"
    "INFO:     Application startup complete.\n"
)

#: What a GPU adds, as in vLLM's source (facts/vllm.md 1.4).
GPU = (
    "(Worker_TP0 pid=13) INFO 08-18 10:00:00 [gpu_model_runner.py:5150] Model loading took 30.61 "
    "GiB memory and 60.100000 seconds\n"
    "(Worker_TP0 pid=13) INFO 08-18 10:00:00 [backends.py:1] Start compiling function\n"
    "(Worker_TP0 pid=13) INFO 08-18 10:00:01 [monitor.py:53] torch.compile took 9.61 s in total\n"
    "(Worker_TP0 pid=13) INFO 08-18 10:00:02 [gpu_worker.py:760] Available KV cache memory: 8.22 "
    "GiB\n"
    "\rCapturing CUDA graphs (mixed prefill-decode, PIECEWISE):   0%|          | 0/67 [00:00<?]"
    "\rCapturing CUDA graphs (mixed prefill-decode, PIECEWISE):  51%|█████     | 34/67 [00:01]"
    "\r"
)


#: What older versions wrote instead, as others published it; see ``stages.toml``.
OLDER = (
    "INFO 06-18 15:48:30 [__init__.py:244] Automatically detected platform rocm.\n"
    "(Worker_TP0 pid=13) INFO 03-23 22:46:29 [parallel_state.py:1716] rank 0 in world size 2 is "
    "assigned as DP rank 0, PP rank 0, TP rank 0, EP rank 0\n"
    "INFO 10-30 17:15:18 model_runner.py:1071] Loading model weights took 0.9276 GB\n"
    "INFO 03-21 20:15:45 [worker.py:267] Memory profiling takes 34.26 seconds\n"
    "INFO 03-21 20:15:45 [worker.py:267] model weights take 12.55GiB; non_torch_memory takes "
    "0.16GiB; PyTorch activation peak memory takes 2.38GiB; the rest of the memory reserved for "
    "KV Cache is 56.18GiB.\n"
    "INFO 06-18 15:49:03 [kv_cache_utils.py:715] GPU KV cache size: 776,560 tokens\n"
    "INFO 06-18 15:49:03 [kv_cache_utils.py:719] Maximum concurrency for 40,960 tokens per "
    "request: 18.96x\n"
    "(EngineCore pid=196) INFO 06-19 15:35:48 [decorators.py:311] Directly load AOT compilation "
    "from path ~/x\n"
    "(EngineCore pid=196) INFO 06-19 15:35:50 [monitor.py:77] Initial profiling/warmup run took "
    "2.31 s\n"
    "INFO 10-30 17:15:22 model_runner.py:1402] Capturing the model for CUDA graphs. This may lead "
    "to unexpected consequences if the model is not static.\n"
    "INFO 10-30 17:15:45 model_runner.py:1530] Graph capturing finished in 23 secs.\n"
)
SHARED = Path(__file__).parents[5] / "shared/fixtures/stage-logs"


def lines(text: str, tmp_path: Path) -> list[str]:
    (tmp_path / "log").write_text(text)
    return list(LogReader(tmp_path / "log").new_lines())


@pytest.mark.parametrize(
    ("said", "tasks"),
    [
        ("['token_embed', 'embed']", ("token_embed", "embed")),
        ("('generate',)", ("generate",)),
        ("[]", ()),
        ("[" + "'a', " * 5000 + "]", ("a",) * 32),
    ],
)
def test_what_the_engine_says_that_it_does_is_kept(said: str, tasks: tuple[str, ...]) -> None:
    tracker = StageTracker("vllm")
    tracker.feed(f"(APIServer pid=1) INFO 11-23 19:44:50 [entry.py:136] Supported tasks: {said}", 1)
    assert tracker.tasks == tasks


def test_every_rule_meets_a_line_that_vllm_writes(tmp_path: Path) -> None:
    texts = [plain(line) for line in lines(CPU + GPU + OLDER, tmp_path)]
    for rule in adapters.get("vllm").stages:
        assert any(rule.pattern.search(text) for text in texts), rule.match


def test_a_real_start_goes_through_its_stages(tmp_path: Path) -> None:
    tracker = StageTracker("vllm")
    tracker.enter("boot", 0.0)
    details = []
    for now, line in enumerate(lines(CPU, tmp_path), start=1):
        if tracker.feed(line, float(now)):
            details.append((tracker.stages[-1].stage, tracker.stages[-1].detail))
    assert details == [
        ("boot", "vLLM 0.32.0"),
        ("boot", "reading the model's configuration"),
        ("boot", "vLLM 0.32.0, engine process is up"),
        ("load", ""),
        ("load", "shard 0 of 1"),
        ("load", "shard 1 of 1"),
        ("ready", ""),
        ("ready", "routes are up"),
        ("ready", "routes are up"),
        ("ready", "routes are up"),
    ]
    assert tracker.facts == {"kv_tokens": 32768, "context_tokens": 1024, "users": 32.0}


def test_a_start_on_a_gpu_compiles_and_captures(tmp_path: Path) -> None:
    tracker = StageTracker("vllm")
    tracker.enter("load", 0.0)
    for line in lines(GPU, tmp_path):
        tracker.feed(line, 1.0)
    assert [stage.stage for stage in tracker.stages] == ["load", "compile", "capture"]
    assert tracker.stages[-1].detail == "graph 34 of 67"
    assert tracker.stages[-1].fraction == pytest.approx(34 / 67)
    assert tracker.facts == {"weights_gib": 30.61, "kv_gib": 8.22}


CASES = (
    list(csv.DictReader((SHARED / "cases.csv").read_text().splitlines())) if SHARED.exists() else []
)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_starts_of_other_versions_go_through_their_stages(case: dict[str, str]) -> None:
    tracker = StageTracker(case["engine"])
    for now, line in enumerate((SHARED / case["file"]).read_text().splitlines()):
        tracker.feed(line, float(now))
    seen = [stage.stage for stage in tracker.stages]
    wanted = case["expected_stages"].split("|")
    assert [stage for stage in seen if stage in wanted] == wanted
    for fact, value in json.loads(case["expected_facts"]).items():
        assert tracker.facts.get(fact) == value, fact


def test_older_versions_name_the_same_facts(tmp_path: Path) -> None:
    tracker = StageTracker("vllm")
    for line in lines(OLDER, tmp_path):
        tracker.feed(line, 1.0)
    assert [stage.stage for stage in tracker.stages] == ["boot", "load", "compile", "capture"]
    assert tracker.facts == {
        "weights_gib": 12.55, "kv_gib": 56.18, "kv_tokens": 776560, "context_tokens": 40960,
        "users": 18.96,
    }  # fmt: skip


def test_a_stage_takes_until_the_next_begins() -> None:
    tracker = StageTracker("vllm")
    assert tracker.enter("boot", 10.0)
    assert tracker.enter("load", 12.5)
    tracker.note("shard 1 of 2", 0.5)
    tracker.finish(20.0)
    tracker.finish(30.0)
    boot, load = tracker.stages
    assert (boot.took_s, load.took_s) == (2.5, 7.5)
    assert (load.detail, load.fraction) == ("shard 1 of 2", None)


def test_stages_never_go_back() -> None:
    tracker = StageTracker("vllm")
    tracker.enter("capture", 1.0)
    assert not tracker.enter("load", 2.0)
    assert not tracker.enter("capture", 2.0)
    assert not tracker.feed("Starting to load model x...", 3.0)
    tracker.feed("Loading safetensors checkpoint shards:  50% Completed | 1/2", 3.0)
    assert [stage.stage for stage in tracker.stages] == ["capture"]
    assert tracker.stages[0].detail == ""


def test_a_clock_that_was_set_back_takes_no_negative_time() -> None:
    tracker = StageTracker("vllm")
    tracker.enter("boot", 100.0)
    tracker.enter("load", 50.0)
    assert tracker.stages[0].took_s == 0.0


def test_a_supervisor_that_takes_over_goes_on() -> None:
    tracker = StageTracker("vllm", (StageTime(stage="boot", began_at=1.0, took_s=2.0),))
    assert not tracker.enter("boot", 5.0)
    assert tracker.enter("load", 5.0)
    assert tracker.stages[0].took_s == 2.0


def test_an_engine_without_rules_has_no_stages_from_its_log() -> None:
    assert adapters.of("another").stages == ()
    tracker = StageTracker("another")
    tracker.enter("boot", 0.0)
    assert not tracker.feed("Application startup complete.", 1.0)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("(EngineCore pid=1) INFO 11-23 12:00:00 [core.py:133] It is so", "It is so"),
        ("(EngineCore_DP0 pid=1) ERROR 11-23 12:00:00 [c.py:1] It", "It"),
        ("INFO 11-23 12:00:00 [core.py:133] It is so", "It is so"),
        ("(Worker_TP0 pid=13) It is so", "It is so"),
        ("\x1b[36m(Worker pid=7)\x1b[0;0m INFO Auto set", "INFO Auto set"),
        ("INFO:     Started", "INFO:     Started"),
        ("", ""),
    ],
)
def test_the_engines_prefix_is_taken_off(line: str, text: str) -> None:
    assert plain(line) == text


PIECES = st.sampled_from(
    [
        *("Model loading took ", "Available KV cache memory: ", " GiB", "KV cache size: "),
        *(
            " tokens, ",
            "Maximum concurrency for ",
            " tokens per request: ",
            "x",
            "...",
            ",",
            "1.2.3",
        ),
        *("Loading a checkpoint shards: ", "% Completed | ", "/", "0", "Capturing CUDA graphs: "),
        *("%|", "| ", "torch.compile took ", " s in total", "version ", "█ ", "\x1b[1m", "{", "}"),
        *("٣", "9" * 5000),
    ]
)


@given(line=st.text() | st.lists(PIECES, max_size=10).map("".join))
def test_no_line_ends_the_supervisor(line: str) -> None:
    tracker = StageTracker("vllm")
    tracker.enter("boot", 0.0)
    tracker.feed(line, 1.0)
    tracker.feed(line, 2.0)
    found = [STAGES.index(stage.stage) for stage in tracker.stages]
    assert found == sorted(set(found))
    fraction = tracker.stages[-1].fraction
    assert fraction is None or 0 <= fraction <= 1


@pytest.mark.parametrize(
    "line",
    [
        "Model loading took ... GiB memory",
        "Available KV cache memory: 1.2.3 GiB",
        "KV cache size: , tokens, Maximum concurrency for , tokens per request: .x",
        f"Loading x checkpoint shards: {'9' * 5000}% Completed | {'9' * 5000}/{'9' * 5000}",
    ],
)
def test_what_only_looks_like_a_number_is_no_fact(line: str) -> None:
    tracker = StageTracker("vllm")
    tracker.enter("load", 0.0)
    tracker.feed(line, 1.0)
    assert tracker.facts == {}


def test_a_growing_log_gives_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    reader = LogReader(path)
    assert list(reader.new_lines()) == []
    given_lines = []
    with path.open("wb") as file:
        for part in (b"one\ntw", b"o\r\nthr", b"\xc3", b"\xa9e\r50%\r", b"100%\n\n", b"last"):
            file.write(part)
            file.flush()
            given_lines.append(list(reader.new_lines()))
    assert given_lines == [["one"], ["two"], [], ["thrée", "50%"], ["100%"], []]


def test_a_reader_can_begin_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    reader = LogReader(path)
    reader.skip()
    with path.open("a") as file:
        file.write("new\n")
    assert list(reader.new_lines()) == ["new"]
    LogReader(tmp_path / "nothing").skip()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(text=st.text(alphabet="ab\r\né"), size=st.integers(1, 7))
def test_a_log_read_in_parts_is_the_log_read_at_once(tmp_path: Path, text: str, size: int) -> None:
    path = tmp_path / "log"
    path.write_bytes((text + "\n").encode())
    reader = LogReader(path)
    parts = [line for _ in range(len(text.encode()) + 1) for line in reader.new_lines(size)]
    assert parts == [line for line in text.replace("\r", "\n").split("\n") if line]
