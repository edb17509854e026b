"""What an engine's log looks like, and who wrote a line of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters.log import Log

VLLM = adapters.get("vllm").log
INFO = "INFO 11-30 16:58:56 [core.py:1] "


@pytest.mark.parametrize(
    ("head", "process", "pid"),
    [
        ("", "", ""),
        ("(EngineCore pid=42) ", "EngineCore", "42"),
        ("(Worker_TP1 pid=7) ", "Worker_TP1", "7"),
        ("(VllmWorker rank=0 pid=7) ", "VllmWorker rank=0", "7"),
        ("2026-12-01T05:00:00.123Z stdout F (APIServer pid=3) ", "APIServer", "3"),
        ("vllm-1  | (APIServer pid=3) ", "APIServer", "3"),
        ("[rank3]:", "rank3", ""),
        ("\x1b[36m(APIServer pid=3)\x1b[0m ", "APIServer", "3"),
    ],
)
def test_heads_are_taken_off_and_say_who_wrote_it(head: str, process: str, pid: str) -> None:
    found = VLLM.read(head + INFO + "Loading weights")
    assert found.text == "Loading weights"
    assert (found.process, found.pid) == (process, pid)
    assert found.severity == "INFO"
    assert VLLM.plain(head + "bare words") == "bare words"


def test_what_docker_has_packed_is_unpacked_and_what_only_looks_so_is_left() -> None:
    packed = json.dumps({"log": INFO + "Loading\n", "stream": "stdout"}, separators=(",", ":"))
    assert VLLM.plain(packed) == "Loading"
    assert VLLM.plain('{"log":"half') == '{"log":"half'


def test_without_patterns_nothing_is_first_or_a_wrapper() -> None:
    plain = Log()
    assert plain.read(INFO + "x").text == INFO + "x"
    assert not plain.is_first("x")
    assert not plain.is_wrapper("x")
    with pytest.raises(ValueError, match="does not compile"):
        Log(wrappers="(").check()


@given(st.text())
def test_any_line_is_read_and_none_grows(line: str) -> None:
    found = VLLM.read(line)
    assert len(found.text) <= len(line)
