"""``aim-engine`` as a user runs it: a process with words, an exit code and two streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import aim_jupyter
from aim_jupyter.core import serving
from aim_jupyter.core.serving.state.process import members
from tests.conftest import FakeEngine
from tests.waiting import LIMIT_S, launch_ready, until

PROGRAM = [sys.executable, "-m", "aim_jupyter"]


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    return done


def test_the_card_speaks_of_the_command_not_of_the_magic() -> None:
    done = run()
    assert done.returncode == 0
    assert "aim-engine engine install cpu" in done.stdout
    assert "%aim" not in done.stdout


def test_a_server_from_launch_to_stop(fake: FakeEngine) -> None:
    fake(boot_s=0.3)
    launched = run("launch", "demo")
    assert launched.returncode == 0, launched.stderr
    assert "aim-engine wait demo" in launched.stdout
    waited = run("wait")
    assert waited.returncode == 0
    assert "running" in waited.stdout
    (row,) = json.loads(run("ps", "--json").stdout)
    assert (row["server"], row["state"], row["model"]) == ("demo", "running", "demo")
    assert "demo" in run("list").stdout
    said = run("chat", "--say", "hello you")
    assert said.stdout.strip() == "You said: hello you"
    assert "tok/s" in said.stderr
    assert run("chat", input="from a pipe").stdout.strip() == "You said: from a pipe"
    facts = json.loads(run("client", "--json").stdout)
    assert facts["base_url"].startswith("http://127.0.0.1:")
    # The supervisor looks once a second.
    until(lambda: [row["req_done"] for row in json.loads(run("metrics", "--json").stdout)] == [2])
    assert "demo" in run("status").stdout
    assert "KV cache size" in run("logs", "-n", "20").stdout
    stopped = run("stop")
    assert stopped.returncode == 0
    assert "stopped" in stopped.stdout
    assert json.loads(run("status", "demo", "--json").stdout)["record"]["state"] == "stopped"


def test_in_a_terminal_no_name_is_the_newest_server_also_if_its_start_failed(
    fake: FakeEngine,
) -> None:
    fake()
    run("launch", "demo", "--name", "good")
    assert run("wait").returncode == 0
    fake(fail_at="load")
    assert run("launch", "demo", "--name", "bad", "--new").returncode == 0
    waited = run("wait")
    assert waited.returncode == 1
    assert "'bad'" in waited.stderr
    assert "bad" in run("status").stdout
    until(lambda: json.loads(run("status", "--json").stdout)["record"]["state"] == "failed")
    for verb in (["client"], ["attach"], ["chat", "--say", "hello"], ["stop"]):
        done = run(*verb)
        assert (done.returncode, done.stdout) == (1, ""), verb
        assert "Server 'bad', which was launched last, is failed" in done.stderr
        assert "Others: good." in done.stderr
    assert run("stop", "good").returncode == 0


def test_json_never_holds_the_key(fake: FakeEngine) -> None:
    fake()
    key = launch_ready().key()
    for verb in (["--json"], ["ps", "--json"], ["status", "--json"], ["client", "--json"]):
        done = run(*verb)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
        assert key not in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["lanuch"], 2, "UnknownName"),
        (["launch", "dmeo"], 1, "UnknownName"),
        (["launch", "/no/such/model"], 1, "ModelMissing"),
        (["status", "nobody"], 1, "UnknownName"),
        (["stop"], 1, "ServerGone"),
        (["gpus", "--wrong"], 2, "BadUsage"),
        (["launch", "demo"], 1, "NoEngine"),
        (["engine", "install", "tpu"], 2, "BadUsage"),
        (["engine"], 2, "UnknownName"),
    ],
)
def test_failures_are_two_lines_or_one_object(words: list[str], code: int, kind: str) -> None:
    done = run(*words)
    assert done.returncode == code
    found, hint = done.stderr.splitlines()
    assert found.startswith(f"{kind}: ")
    assert hint.startswith("Try: ")
    assert "%aim" not in done.stderr
    assert done.stdout == ""
    as_json = run(*words, "--json")
    assert as_json.returncode == code
    told = json.loads(as_json.stdout)
    assert told["kind"] == kind
    assert told["error"]


def test_the_nearest_names_are_in_the_json() -> None:
    assert json.loads(run("launch", "dmeo", "--json").stdout)["nearest"] == ["demo"]


@pytest.mark.parametrize("words", [["help"], ["--help"], ["help", "launch"], ["launch", "-h"]])
def test_help_is_no_failure(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 0
    assert "aim-engine" in done.stdout
    assert "%aim" not in done.stdout


def test_an_unwritable_state_folder_is_told(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_STATE_DIR", "/proc/no-such-folder/state")
    done = run("launch", "demo")
    assert done.returncode == 1
    found, hint = done.stderr.splitlines()[-2:]
    assert found.startswith("StateUnusable: /proc/no-such-folder")
    assert "AIM_STATE_DIR" in hint
    assert run("ps").returncode == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few pages, all of them taken."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("mounting a small file system takes root; CI has it")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    with pytest.raises(OSError, match="No space"):
        (folder / "filler").write_bytes(b"x" * (1 << 20))
    yield folder
    # Lazily: a supervisor that is just ending may still stand in it.
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    fake: FakeEngine, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_STATE_DIR", str(full_disk / "state"))
    done = run("launch", "demo")
    assert done.returncode == 1
    found, hint = done.stderr.splitlines()[-2:]
    assert "free" in found
    assert hint == "To do: set AIM_STATE_DIR to a folder on another disk"
    assert [path for path in full_disk.rglob("*") if path.is_file()] in (
        [full_disk / "filler"],
        [full_disk / "filler", full_disk / "state" / "lock"],
    )


def test_without_network_a_model_that_is_not_cached_is_told(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = run("launch", "Qwen/Qwen3-0.6B")
    assert done.returncode == 1
    found, hint = done.stderr.splitlines()[-2:]
    assert found == "Offline: Qwen/Qwen3-0.6B is not in the cache, and the Hub can't be reached."
    assert hint.startswith("To do: connect to the network")
    assert list(serving.folders()) == []


@pytest.fixture
def heard() -> Iterator[None]:
    """Let children hear SIGHUP also where these tests were started by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serve_stays_until_interrupted_and_leaves_nothing(
    fake: FakeEngine, number: signal.Signals
) -> None:
    fake()
    serve = subprocess.Popen(
        [*PROGRAM, "serve", "demo"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert serve.stdout is not None
    assert any("Ctrl-C stops" in line for line in serve.stdout)
    serve.send_signal(number)
    assert serve.wait(LIMIT_S) == 0
    serve.stdout.close()
    record = serving.find("demo").read()
    assert record.state == "stopped"
    assert record.engine is None or not members(record.engine)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_serve_leaves_no_server_when_it_is_told_to_end_before_it_is_ready(
    fake: FakeEngine, tmp_path: Path, number: signal.Signals
) -> None:
    fake(gates={"ready": str(tmp_path / "never")})
    serve = subprocess.Popen(
        [*PROGRAM, "serve", "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until(lambda: bool(list(serving.folders())))
    serve.send_signal(number)
    assert serve.wait(LIMIT_S) == 0
    assert serving.find("demo").read().state == "stopped"


def test_serve_ends_when_its_server_ends(fake: FakeEngine) -> None:
    fake()
    with subprocess.Popen([*PROGRAM, "serve", "demo"], stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        assert any("Ctrl-C stops" in line for line in serve.stdout)
        serving.stop(serving.find("demo"))
        shown, _ = serve.communicate(timeout=LIMIT_S)
    assert serve.returncode == 0
    assert "stopped" in shown


def test_a_reader_that_leaves_early_is_no_error(fake: FakeEngine) -> None:
    done = subprocess.run(
        f"{sys.executable} -m aim_jupyter help | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_variables_of_amds_runtime_mean_what_they_mean_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIM_MODEL_ID", "Qwen/Qwen3-32B")
    monkeypatch.setenv("AIM_PRECISION", "fp8")
    plan = json.loads(run("plan", "--machine", "mi300x:8", "--json").stdout)
    assert plan["model"] == "Qwen/Qwen3-32B"
    assert "fp8" in plan["recipe_id"]
    monkeypatch.setenv("AIM_METRIC", "lateny")
    wrong = run("plan", "--machine", "mi300x:8")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("BadUsage: AIM_METRIC is 'lateny'.")


def test_a_plan_is_what_launch_would_start(fake: FakeEngine) -> None:
    program = fake()
    plan = json.loads(run("plan", "demo", "--max-num-seqs", "4", "--json").stdout)
    assert plan["argv"][0] == str(program)
    assert plan["argv"][plan["argv"].index("--max-num-seqs") + 1] == "4"
    run("launch", "demo", "--max-num-seqs", "4")
    assert serving.find("demo").read().plan.argv == tuple(plan["argv"])


def test_plans_are_answered_in_batches() -> None:
    questions = [
        {"model": "Qwen/Qwen3-8B", "machine": "mi300x:1"},
        {"model": "nothing", "machine": "mi300x:1"},
    ]
    text = "\n".join(json.dumps(question) for question in questions)
    good, bad = map(json.loads, run("plan", "--batch", "-", input=text).stdout.splitlines())
    assert good["recipe_id"].startswith("mi300x-")
    assert "nothing" in bad["error"]


def test_a_simulated_machine_is_planned_for_and_never_launched_on() -> None:
    assert "MI355X" in run("gpus", "--machine", "mi355x:2").stdout
    assert json.loads(run("gpus", "--machine", "mi300x:8", "--json").stdout)[7]["gfx"] == "gfx942"
    assert "FITS" in run("recipes", "Qwen/Qwen3-8B", "--machine", "mi300x:1").stdout
    assert run("launch", "demo", "--machine", "mi300x:8").returncode != 0


def test_a_recipe_file_is_started_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(run("recipe", "new", "demo").stdout)
    assert "good recipe file for demo" in run("recipe", "check", str(file)).stdout
    file.write_text(file.read_text().replace("tp: 1", "tp: lots"))
    wrong = run("recipe", "check", str(file))
    assert wrong.returncode == 1
    assert f"{file}, line " in wrong.stderr


def test_the_version_is_the_packages() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"aim-engine {aim_jupyter.__version__}\n")


@pytest.mark.parametrize(
    ("words", "lines"), [(["recipes"], 1), (["help"], 1), (["help", "launch"], 0), (["gpus"], 0)]
)
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(words: list[str], lines: int) -> None:
    child = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    for _ in range(lines):
        assert child.stdout.readline()
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    # One that is done before its reader goes has written all of it.
    assert child.wait(LIMIT_S) in (0, 128 + signal.SIGPIPE)
    assert said == b""


#: Says which modules of ours a command imports, and what of other libraries.
IMPORTED = """
import json, sys
from aim_jupyter.cli import main
code = main({words!r})
print(json.dumps([name for name in sys.modules]), file=sys.stderr)
"""
#: Far from the start of a line: each takes tens of milliseconds.
LATER = {
    *("pandas", "numpy", "openai", "IPython", "yaml", "http.server", "httpx", "httpx2", "sqlite3"),
    *("aim_jupyter.core.recipes.catalogue", "aim_jupyter.core.gpus.facts", "wsgiref.simple_server"),
    *("aim_jupyter.core.engines.images", "aim_jupyter.core.serving.start.engine"),
}


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["help"], 70),
        (["help", "launch"], 70),
        (["--version"], 60),
        (["--complete", "lau"], 60),
        (["launch", "--users", "x"], 60),
        (["ps"], 100),
    ],
    ids=str,
)
def test_a_line_imports_what_it_needs_alone(words: list[str], most: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(words=words)],
        capture_output=True,
        text=True,
        check=True,
    )
    modules = json.loads(done.stderr.splitlines()[-1])
    allowed = {"aim_jupyter.core.serving.start.engine"} if words == ["ps"] else set()
    assert set(modules) & LATER <= allowed
    assert sum(name.startswith("aim_jupyter") for name in modules) <= most
