"""From an engine's last words to what a user reads."""

from __future__ import annotations

import os
import string
import tomllib
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import FailureRule
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.records import Crash
from aim_jupyter.core.serving.crash import crash, evidence, failures, figures, lines
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import bytes_read


class Row(NamedTuple):
    """A line that decides, what a user must read of it, and what to try."""

    line: str
    said: str
    tried: str
    before: str
    engine: str


TABLE = [
    Row(
        row["line"], row["said"], row["try"], row.get("before", ""), row.get("engine", "vllm")
    )
    for row in tomllib.loads(Path(__file__).with_name("crashes.toml").read_text())["row"]
]  # fmt: skip

#: What every failed start of the engine core ends with, whatever its cause.
WRAPPER = (
    "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] EngineCore failed to start.\n"
    "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. "
    "Failed core proc(s): {}\n"
)
PREFIX = {
    "vllm": "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] ",
    "sglang": "[2026-11-26 23:25:10 TP0] ERROR: ",
}
ENGINES = ("vllm", "sglang")
plain = adapters.get("vllm").log.plain
#: How a line to try may begin: it stands in a notebook, or in the terminal that `because` names.
COMMANDS = ("%aim ", "sudo ", "hf auth login", "ulimit -")


def explained(tmp_path: Path, text: str, exit_code: int | None = 1, engine: str = "vllm") -> Crash:
    log = tmp_path / "engine.log"
    log.write_bytes(text.encode("utf-8", "surrogatepass"))
    return crash.explain(replace(PLAN, engine=engine), log, exit_code, "no engine process left")


def of_row(row: Row) -> str:
    """Return a log that ends with the row's line, of a process of its engine."""
    before = "".join(f"{_headed(line, row)}\n" for line in row.before.split("\n") if line)
    wrapper = WRAPPER if row.engine == "vllm" else ""
    return f"INFO before\n{before}{PREFIX[row.engine]}{row.line}\n{wrapper}"


def _headed(line: str, row: Row) -> str:
    has_head = line.startswith(("INFO ", "host:", "Unable", "Capturing"))
    return line if has_head else f"{PREFIX[row.engine]}{line}"


@pytest.mark.parametrize("row", TABLE, ids=[row.line.strip()[:40] for row in TABLE])
def test_the_decisive_line_says_what_happened_and_what_to_do(tmp_path: Path, row: Row) -> None:
    found = explained(tmp_path, of_row(row), engine=row.engine)
    print(f"{row.line[:70]:70}  {found.what} {found.cause}  Try: {found.try_line}")  # noqa: T201
    assert row.said in f"{found.what} {found.cause}"
    assert row.tried in found.try_line
    assert found.known
    assert found.process in ("EngineCore", "TP0")
    assert found.line
    assert found.line_number is not None
    if not row.before:
        assert plain(row.line).strip()[: crash.LONGEST_LINE] == found.line
        assert found.line_number == 2
    assert found.try_line.startswith(COMMANDS)
    assert "{" not in found.what + found.try_line


def test_every_rule_is_hit_by_a_line_of_the_table(tmp_path: Path) -> None:
    hit: set[str] = set()
    for row in TABLE:
        log = tmp_path / "log"
        log.write_text(of_row(row))
        look = adapters.get(row.engine).log
        match = crash._told_by(row.engine, lines.last(log, look).lines, look, killed=False).match
        if match is not None:
            hit.add(match.rule.match + match.rule.frames + "".join(match.rule.stage))
    missed = [
        rule.match for rule in RULES if rule.match + rule.frames + "".join(rule.stage) not in hit
    ]
    print(f"{len(RULES)} rules, {len(TABLE)} lines")  # noqa: T201
    assert missed == []


RULES = [*adapters.get("vllm").failures, *failures.rules("sglang")]


@pytest.mark.parametrize("rule", RULES, ids=[rule.match[:30] for rule in RULES])
def test_a_rule_uses_only_what_is_known_in_the_end(rule: FailureRule) -> None:
    known = {*rule.groups, "model", "engine", "devices", *figures.WORDS}
    always = {*rule.pattern.groupindex, *rule.groups, "model", "engine", "devices"}
    last = rule.change[-1]
    for text in (*last.set.values(), last.run, last.because):
        assert _words(text) <= always | COMPUTED, text
    for text in (rule.what, *rule.cause, *(each.run for each in rule.change)):
        assert _words(text) <= known | set(evidence._LOOKS), text
    assert rule.what.endswith(".")
    assert all(text.endswith((".", "}")) for text in rule.cause)


#: Words that can always be told, from the plan and the line itself.
COMPUTED = {"less_util", "more_util", "half_free", "no_aiter", "cache_env", "gpu_fix"}


def _words(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_wrapper_is_never_the_cause(tmp_path: Path) -> None:
    text = f"(EngineCore pid=7) ERROR 11-23 19:44:56 [c.py:1] OddError: a new one\n{WRAPPER}"
    found = explained(tmp_path, text)
    assert not found.known
    assert found.line == "OddError: a new one"
    assert found.what == "The engine ended with code 1."
    assert found.try_line == "%aim logs -n 50"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ValueError: first\nfoo.bar.BazError: second\nafterwards\n", "foo.bar.BazError: second"),
        ("just\nwords\n\n", "words"),
        ("Traceback (most recent call last):\n  x\nSystemExit\n", "SystemExit"),
        ("\x1b[31mTypeError: red\x1b[0m\r\n", "TypeError: red"),
        ("", ""),
    ],
)
def test_an_unknown_failure_shows_its_last_error(tmp_path: Path, text: str, line: str) -> None:
    assert explained(tmp_path, text).line == line


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (-9, "The engine was killed."),
        (-11, "The engine ended by SIGSEGV."),
        (-40, "The engine ended by signal 40."),
        (2, "The engine ended with code 2."),
        (0, "The engine ended by itself."),
        (None, "The engine ended by itself."),
    ],
)
def test_how_it_ended_is_said_where_the_log_is_silent(
    tmp_path: Path, code: int | None, what: str
) -> None:
    assert explained(tmp_path, "", code).what == what


def test_a_log_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    for log in (tmp_path / "nothing", tmp_path):
        found = crash.explain(PLAN, log, 1, "")
        assert (found.line, found.line_number, found.log_lines) == ("", None, 0)
        assert found.cause == "Unknown: its log is empty."


def test_a_failure_is_found_below_much_that_others_wrote(tmp_path: Path) -> None:
    head = "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
    trace = f"{head}Traceback (most recent call last):\n{head}OSError: [Errno 28] No space left\n"
    noise = "request served\n" * 10 * lines.SEARCHED
    found = explained(tmp_path, f"first\n{trace}{noise}")
    assert (found.what, found.line_number) == ("The disk is full.", 3)
    assert found.log_lines == 10 * lines.SEARCHED + 3


def test_a_bare_word_of_an_error_is_not_looked_for_far_back(tmp_path: Path) -> None:
    noise = "request served\n" * lines.SEARCHED
    found = explained(tmp_path, f"OSError: [Errno 28] No space left on device\n{noise}")
    assert found.what == "The engine ended with code 1."


def test_two_gigabytes_are_as_quick_as_two_kilobytes(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    with log.open("wb") as file:
        file.truncate(2 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\nINFO\n(Worker pid=3) OSError: [Errno 28] No space left on device\nINFO\n")
    before = bytes_read()
    tracemalloc.start()
    found = crash.explain(PLAN, log, 1, "")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    read = bytes_read() - before
    assert (found.what, found.process) == ("The disk is full.", "Worker")
    assert (found.line_number, found.log_lines) == (None, 0), "nobody counted them"
    assert read < 2 * lines.SEARCHED_BYTES
    assert peak < 8 * lines.SEARCHED_BYTES


def test_an_earlier_start_in_the_same_log_is_not_to_blame(tmp_path: Path) -> None:
    banner = (
        "(APIServer pid=1) INFO 11-23 19:44:56 [utils.py:1]  ▄▄ ▄█ █  █  █ ▀▄▀ █  version 0.32.0"
    )
    earlier = f"{banner}\nOSError: [Errno 28] No space left on device\n"
    found = explained(tmp_path, f"{earlier}{banner}\nOddError: x\n")
    assert (found.line, found.line_number, found.known) == ("OddError: x", 4, False)


def test_twenty_lines_of_the_process_that_failed_lead_to_the_decisive_one(tmp_path: Path) -> None:
    worker = "".join(
        f"(Worker_TP1 pid=3) ERROR 11-23 19:44:56 [w.py:1] frame {n}\n" for n in range(40)
    )
    other = "(Worker_TP0 pid=2) INFO 11-23 19:44:56 [w.py:1] fine\n(APIServer pid=1) waiting\n"
    decisive = "(Worker_TP1 pid=3) ERROR 11-23 19:44:56 [w.py:1] OddError: new\n"
    found = explained(tmp_path, f"{worker}{other}{decisive}{WRAPPER}")
    assert len(found.excerpt) == crash.EXCERPT
    assert found.excerpt[-1] == "OddError: new"
    assert found.excerpt[-2] == "frame 39"
    assert found.process == "Worker_TP1"


def test_a_progress_bar_says_what_it_says_in_the_end(tmp_path: Path) -> None:
    found = explained(
        tmp_path, "Loading:  0%\rLoading: 50%\rOSError: [Errno 28] No space left on device\r\n"
    )
    assert found.line == "OSError: [Errno 28] No space left on device"


def test_what_this_tool_gave_up_itself_keeps_what_to_do() -> None:
    found = crash.refused(ModelMissing("Org/M is gated.", "%aim launch Org/M"))
    assert (found.what, found.try_line, found.cause) == ("Org/M is gated.", "%aim launch Org/M", "")
    found = crash.refused(ModelMissing("Org/M is gated.", "ask for access"))
    assert (found.try_line, found.cause) == ("", "To do: ask for access.")


def test_a_port_that_was_taken_is_known(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ERROR:    [Errno 98] error while attempting to bind on address\n")
    assert crash.port_was_taken("vllm", log)
    for between in (
        "torch.distributed.DistNetworkError: The server socket has failed. port: 29500 EADDRINUSE",
        "zmq.error.ZMQError: Address already in use (addr='tcp://127.0.0.1:5557')",
    ):
        log.write_text(f"{between}\n")
        assert not crash.port_was_taken("vllm", log), "not the port of the server"
    log.write_text("ValueError: No available memory for the cache blocks.\n")
    assert not crash.port_was_taken("vllm", log)
    assert not crash.port_was_taken("another", log)
    assert not crash.port_was_taken("vllm", tmp_path / "nothing")


LINES = st.sampled_from([row.line for row in TABLE]) | st.text(max_size=30)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=80,
)
@example(lines=["{model}", "error: unrecognized arguments: {x} {0}"], code=-64)
@given(lines=st.lists(LINES, max_size=6), code=st.none() | st.integers(-70, 260))
def test_any_end_has_an_explanation(tmp_path: Path, lines: list[str], code: int | None) -> None:
    found = explained(tmp_path, "\n".join(lines), code)
    assert found.what
    assert found.cause
    assert found.try_line
    assert len(found.line) <= crash.LONGEST_LINE
    for text in (found.what, found.try_line, found.line):
        assert "\n" not in text


@pytest.mark.parametrize("code", [1, -9])
def test_a_wrapper_is_not_even_the_last_resort(tmp_path: Path, code: int) -> None:
    found = explained(tmp_path, f"INFO one\n    frame of it\n{WRAPPER}", code)
    assert found.line == ("frame of it" if code == 1 else "")
    assert "    frame of it" in found.excerpt, "indented as it was"
    assert explained(tmp_path, WRAPPER, code).line == ""
