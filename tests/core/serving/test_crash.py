"""From an engine's last words to what a user reads."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.records import Crash
from aim_jupyter.core.serving import crash
from tests.core.serving.test_starts import PLAN

#: Each a line that decides, what a user must read of it, and what to try.
TABLE = [
    (row["line"], row["said"], row["try"])
    for row in tomllib.loads(Path(__file__).with_name("crashes.toml").read_text())["row"]
]

#: What every failed start of the engine core ends with, whatever its cause.
WRAPPER = (
    "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] EngineCore failed to start.\n"
    "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above. "
    "Failed core proc(s): {}\n"
)
ROWS: list[dict[str, Any]] = tomllib.loads(
    Path(crash.__file__).with_name("failures.toml").read_text()
)["vllm"]


def explained(tmp_path: Path, text: str, exit_code: int | None = 1) -> Crash:
    log = tmp_path / "engine.log"
    log.write_bytes(text.encode("utf-8", "surrogatepass"))
    return crash.explain(PLAN, log, exit_code, "no engine process left")


@pytest.mark.parametrize(
    ("line", "said", "tried"), TABLE, ids=[line.strip()[:40] for line, *_ in TABLE]
)
def test_the_decisive_line_says_what_happened_and_what_to_do(
    tmp_path: Path, line: str, said: str, tried: str
) -> None:
    prefix = "(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
    found = explained(tmp_path, f"INFO before\n{prefix}{line}\n{WRAPPER}")
    print(f"{line[:70]:70}  {found.what} {found.cause}  Try: {found.try_line}")  # noqa: T201
    assert said in f"{found.what} {found.cause}"
    assert tried in found.try_line
    assert (found.line, found.line_number) == (line.strip(), 2)
    assert found.log_lines == 4
    assert "{" not in found.what + found.try_line


def test_every_row_is_hit_by_a_line_of_the_table() -> None:
    hit = {row.match.pattern for line, *_ in TABLE if (row := _first(line))}
    assert hit == {row["match"] for row in ROWS}


def _first(line: str) -> crash.Failure | None:
    return next((row for row in crash._failures("vllm") if row.match.search(line)), None)


@pytest.mark.parametrize("row", ROWS, ids=[row["match"][:30] for row in ROWS])
def test_a_row_uses_only_what_its_pattern_always_gives(row: dict[str, Any]) -> None:
    (failure,) = (one for one in crash._failures("vllm") if one.match.pattern == row["match"])
    for text in (failure.what, failure.cause, failure.try_line):
        used = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        assert used <= {*failure.match.groupindex, "model"}
    assert failure.what.endswith(".")
    assert failure.try_line.startswith(("%aim ", "set "))


def test_the_wrapper_is_never_the_cause(tmp_path: Path) -> None:
    text = f"(EngineCore pid=7) ERROR 11-23 19:44:56 [c.py:1] KeyError: 'a new one'\n{WRAPPER}"
    found = explained(tmp_path, text)
    assert found.line == "KeyError: 'a new one'"
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
        assert found.cause == "Unknown: the log is empty."


def test_only_the_end_of_a_long_log_is_searched(tmp_path: Path) -> None:
    noise = "INFO: request served\n" * crash.SEARCHED
    found = explained(tmp_path, f"OSError: [Errno 28] No space left on device\n{noise}")
    assert found.what == "The engine ended with code 1."
    assert found.log_lines == crash.SEARCHED + 1


def test_a_port_that_was_taken_is_known(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ERROR:    [Errno 98] error while attempting to bind on address\n")
    assert crash.port_was_taken("vllm", log)
    log.write_text("ValueError: No available memory for the cache blocks.\n")
    assert not crash.port_was_taken("vllm", log)
    assert not crash.port_was_taken("another", log)
    assert not crash.port_was_taken("vllm", tmp_path / "nothing")


LINES = st.sampled_from([line for line, *_ in TABLE]) | st.text(max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@example(lines=["{model}", "error: unrecognized arguments: {x} {0}"], code=-64)
@given(lines=st.lists(LINES, max_size=6), code=st.none() | st.integers(-70, 260))
def test_any_end_has_an_explanation(tmp_path: Path, lines: list[str], code: int | None) -> None:
    found = explained(tmp_path, "\n".join(lines), code)
    assert found.what
    assert found.cause
    assert found.try_line
    assert len(found.line) <= 400
    for text in (found.what, found.try_line, found.line):
        assert "\n" not in text
