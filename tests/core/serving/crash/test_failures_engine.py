# ruff: noqa: E501 - a table reads best a row a line
"""Every row of the failure table that can be had here, on the real vLLM.

Each start goes past what is checked before a start: this is about what the engine's own last words
are made of. The last test prints the table: what happened, the decisive line, what to do, seconds.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import adapters, api, serving
from aim_jupyter.core.records import Crash, Plan, ServerRecord
from aim_jupyter.core.request import Request
from aim_jupyter.core.request.record import Start
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.crash import crash as crash_report
from aim_jupyter.core.serving.start.engine import GUARD
from aim_jupyter.core.serving.state.process import members
from tests.waiting import launch_ready, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

#: Seconds that a start may take to fail; two quiet cores need 30.
LIMIT_S = 600.0
VLLM = adapters.get("vllm")

Change = Callable[[Path], None]


def untouched(_: Path) -> None:
    """Leave the model as it is."""


def cut(name: str, share: float) -> Change:
    def change(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * share)])

    return change


def removed(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def written(name: str, text: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).write_text(text)

    return change


def config(**facts: object) -> Change:
    def change(folder: Path) -> None:
        known = json.loads((folder / "config.json").read_bytes())
        (folder / "config.json").write_text(json.dumps({**known, **facts}))

    return change


class Row(NamedTuple):
    """One way to fail: what is done to the model, what the engine is told, what must be said."""

    name: str
    said: str
    line: str
    tried: str
    change: Change = untouched
    words: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    path: str | None = None
    code: int = 1


#: Facts/vllm.md, section 2, in its order.
TABLE = (
    Row("no such path", "no model at /nowhere/at/all", "HFValidationError", "%aim cache", path="/nowhere/at/all"),
    Row("config.json is no JSON", "config.json can't be read", "not a valid JSON file", "%aim cache", written("config.json", "{")),
    Row("safetensors cut short", "weight file can't be read", "SafetensorError", "%aim cache", cut("model.safetensors", 0.5)),
    Row("no weights", "no weights in the model's folder", "Cannot find any model weights", "%aim cache", removed("model.safetensors")),
    Row("context beyond the model", "can't take 99999 tokens", "User-specified max_model_len", "--max-model-len ", words=("--max-model-len", "99999")),
    Row("context beyond the KV cache", "more KV cache than there is", "To serve at least one request", "--max-model-len ", words=("--kv-cache-memory-bytes", "1M")),
    Row("no room for a KV cache", "No memory is left", "No available memory for the cache blocks", "%aim", words=("--kv-cache-memory-bytes", "1")),
    Row("KV cache of 999 GiB", "larger than the free memory", "less than requested memory for kv", "--kv-cache-memory-bytes ", words=("--kv-cache-memory-bytes", "999G")),
    Row("unknown option", "does not know --no-such-flag", "unrecognized arguments", "%aim engines", words=("--no-such-flag",), code=2),
    Row("bad choice", "does not accept the value of --dtype", "invalid choice: 'int3'", "%aim plan", words=("--dtype", "int3"), code=2),
    Row("unknown model_type", "does not know models of type foo", "does not recognize this architecture", "%aim engines", config(model_type="foo", architectures=["FooForCausalLM"])),
    Row("unknown architecture", "can't run the architecture 'FooForCausalLM'", "are not supported for now", "--model-impl transformers", config(architectures=["FooForCausalLM"])),
    Row("not cached, and offline", "not in the cache", "outgoing traffic has been disabled", "%aim launch", path="Org/Model"),
    Row("tokenizer.json is no JSON", "tokenizer.json is broken", "JSONDecodeError", "%aim cache", written("tokenizer.json", '{"version": "1.0", "model": !}')),
    Row("no tokenizer.json", "tokenizer is missing", "Couldn't instantiate the backend tokenizer", "%aim cache", removed("tokenizer.json")),
    Row("two workers, one NUMA node", "can't place 2 workers", "Not enough allowed NUMA nodes", "--env VLLM_CPU_OMP_THREADS_BIND=nobind", words=("--tensor-parallel-size", "2"), env=(("VLLM_ENABLE_V1_MULTIPROCESSING", "1"),)),
    Row("mxfp4 on a CPU", "no kernel for", "Failed to find a kernel", "%aim", words=("--quantization", "mxfp4")),
)  # fmt: skip

#: What has been said, by row, in the order of the rows.
SAID: dict[str, tuple[Crash, float]] = {}


@pytest.fixture(autouse=True)
def isolated(warm_home: Path) -> Path:
    """Take the place of the fixture that gives each test a home of its own."""
    return warm_home


def broken_plan(row: Row, mode: Start, folder: Path) -> Plan:
    """Return the plan of the demo with what `row` does to it; nothing of it is checked."""
    for file in demo.FOLDER.iterdir():
        if file.suffix in (".json", ".jinja", ".safetensors"):
            (folder / file.name).write_bytes(file.read_bytes())
    row.change(folder)
    plan = api.plan(Request(model="demo", start=mode))
    path = row.path or str(folder)
    argv = [path if word == plan.model_path else word for word in plan.argv]
    for option in (word for word in row.words if word in argv):
        at = argv.index(option)
        del argv[at : at + 2]
    asked = (*plan.asked, *row.words)
    return replace(
        plan,
        argv=(*argv, *row.words),
        env={**plan.env, **dict(row.env)},
        model_path=path,
        asked=asked,
    )


def ended(folder: ServerFolder) -> ServerRecord:
    """Return the record of a server once it has ended."""
    until(lambda: not serving.current(folder).live, LIMIT_S)
    return folder.read()


def judged(name: str, record: ServerRecord) -> Crash:
    """Return the crash of a server that must have failed, and keep it for the table."""
    assert record.state == "failed"
    assert record.crash is not None
    assert record.crash.cleaned_up == "no engine process left"
    assert record.engine is None or members(record.engine) == []
    SAID[name] = (record.crash, (record.ended_at or 0) - record.created_at)
    return record.crash


@pytest.mark.parametrize("mode", ["lean", "warm"])
@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_a_start_that_fails_says_why(row: Row, mode: Start, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    folder = serving.launch(broken_plan(row, mode, model))
    record = ended(folder)
    crash = judged(f"{row.name}, {mode}", record)
    assert record.started_by in (mode, "warming")
    assert record.exit_code == row.code
    assert row.said in f"{crash.what} {crash.cause}"
    assert row.line in crash.line
    assert row.tried in crash.try_line
    assert crash.known
    assert crash.line_number is not None
    text = folder.log.read_bytes().split(b"\n")
    assert crash.line[:60].encode() in text[crash.line_number - 1]


def test_a_port_that_somebody_has_is_told() -> None:
    """The port was free when it was reserved: the engine itself meets the other program."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        plan = api.plan(Request(model="demo"))
        # A port of ours is reserved; the engine is told another, as one that lost a race.
        argv = (*plan.argv, "--port", str(port))
        log = launched_bare(argv, plan.env)
    crash = crash_report.explain(plan, log, 1, "no engine process left", port=port)
    SAID["port in use"] = (crash, 0.0)
    assert crash.what == "The engine could not have its port."
    assert "Address already in use" in crash.line or "attempting to bind" in crash.line


def launched_bare(argv: tuple[str, ...], env: dict[str, str]) -> Path:
    log = Path(os.environ["AIM_STATE_DIR"]).parent / "bare.log"
    with log.open("wb") as output:
        done = subprocess.run(
            argv,
            env={**os.environ, **env, "VLLM_API_KEY": "x", **VLLM.door(), "PYTHONPATH": str(GUARD)},
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
    assert done.returncode == 1
    return log


@pytest.fixture
def running() -> Iterator[ServerFolder]:
    """A server of three processes, as vLLM comes up by itself."""
    request = Request(model="demo", env={"VLLM_ENABLE_V1_MULTIPROCESSING": "1"})
    folder = launch_ready(request, limit_s=LIMIT_S)
    yield folder
    serving.stop(folder, drain_s=0)


def process(folder: ServerFolder, title: str) -> int:
    """Return the engine's process whose title holds `title`."""
    engine = folder.read().engine
    assert engine is not None
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in members(engine)}
    return next(pid for pid, name in names.items() if title in name)


@pytest.mark.parametrize(
    ("title", "said", "code"),
    [
        ("VLLM::EngineCore", "core process was ended", 0),
        # Whether vLLM sees that it was killed depends on how soon it looks.
        ("VLLM::Worker", "A worker of the engine (was killed|is gone)", 0),
        ("vllm.entrypoints", "The engine was killed", -9),
    ],
)
def test_what_is_killed_while_it_serves_is_not_stopped(
    running: ServerFolder, title: str, said: str, code: int
) -> None:
    began = time.time()
    os.kill(process(running, title), signal.SIGKILL)
    record = ended(running)
    crash = judged(f"kill -9 of {title}", record)
    SAID[f"kill -9 of {title}"] = (crash, time.time() - began)
    assert record.exit_code == code, "0 is what vLLM ends with after a crash"
    assert re.search(said, crash.what), crash.what
    assert "for lack of memory" not in crash.cause or "no kill for lack" in crash.cause


def test_the_kernels_own_kill_is_told_as_such() -> None:
    """A control group of 500 MiB: vLLM does not even get through its imports."""
    group = limited(500 << 20)
    if group is None:
        pytest.skip("no memory control group can be made here: that takes root, and a writable one")
    program = textwrap.dedent(f"""
        import os, pathlib
        pathlib.Path({str(group / "cgroup.procs")!r}).write_text(str(os.getpid()))
        from aim_jupyter.core import api, serving
        from aim_jupyter.core.request import Request
        print(serving.launch(api.plan(Request(model="demo", force=True))).name)
    """)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
        )
        folder = serving.find(done.stdout.strip())
        crash = judged("kernel: out of memory", ended(folder))
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
    assert "for lack of memory" in crash.cause
    assert "no kill for lack" not in crash.cause


def limited(size: int) -> Path | None:
    """Return a new memory control group below ours that allows `size` bytes."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            group = Path("/sys/fs/cgroup/memory", path.lstrip("/"), f"aim-test-{os.getpid()}")
            try:
                group.mkdir()
                (group / "memory.limit_in_bytes").write_text(str(size))
            except OSError:
                return None
            return group
    return None


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Print what was said, a row each."""
    with capsys.disabled():
        print()  # noqa: T201
        for name, (crash, took) in SAID.items():
            print(f"== {name} ({took:.1f} s)")  # noqa: T201
            print(f"   what      {crash.what}")  # noqa: T201
            print(f"   line {crash.line_number or '-':>4} {crash.line[:150]}")  # noqa: T201
            print(f"   cause     {crash.cause[:200]}")  # noqa: T201
            print(f"   try       {crash.try_line}   # {crash.try_reason}")  # noqa: T201
    assert SAID
