"""Asking a tool: in a process of its own, and never waiting on a dead one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aim_jupyter.core.gpus.tools import running
from tests.core.gpus.tools.conftest import Install


def test_tools_are_found_beside_rocm(tmp_path: Path) -> None:
    tool = tmp_path / "rocm" / "bin" / "rocminfo"
    tool.parent.mkdir(parents=True)
    tool.touch(mode=0o755)
    assert running.find("rocminfo", {"ROCM_PATH": str(tmp_path / "rocm")}) == str(tool)


def test_tools_see_no_mask(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "1")
    path = install("show", 'echo "[${ROCR_VISIBLE_DEVICES-unset}]"')
    assert running.ask((str(path),), 5, os.environ).text == "[unset]\n"


def test_what_fails_says_its_first_words_and_its_code(install: Install) -> None:
    path = install("fail", "echo; echo 'no driver' >&2; exit 3")
    answer = running.ask((str(path),), 30, os.environ)
    assert answer.trouble == "fail ended with code 3: no driver"


def test_what_is_not_there_or_is_no_program_is_told(tmp_path: Path) -> None:
    gone = running.ask((str(tmp_path / "gone"),), 30, os.environ)
    assert gone.trouble == "gone can't be started: No such file or directory."
    (tmp_path / "closed").touch(mode=0o644)
    closed = running.ask((str(tmp_path / "closed"),), 30, os.environ)
    assert closed.trouble == "closed can't be started: Permission denied."


def test_bytes_that_are_no_text_are_shown_as_such(install: Install) -> None:
    path = install("raw", "printf 'a\\377b'")
    assert running.ask((str(path),), 30, os.environ).text == "a\ufffdb"


def test_a_tool_that_is_nowhere_is_none(tmp_path: Path) -> None:
    assert running.find("no-such-tool", {"PATH": str(tmp_path)}) is None
