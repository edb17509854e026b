"""What the rest of this tool needs to know of an engine."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.adapters.adapter import Stop, filled, is_installed
from aim_jupyter.core.adapters.address import Key, Listen
from aim_jupyter.core.adapters.log import Log


def made(**facts: Any) -> Adapter:
    known = {
        "name": "echo", "title": "Echo", "folder": "/x", "module": "no_such_module",
        "listen": Listen(port=("--port", "{port}")), "key": Key(variable="ECHO_KEY"),
    }  # fmt: skip
    return Adapter(**{**known, **facts})


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "Echo"}, "is no name"),
        ({"name": "-x"}, "is no name"),
        ({"key": Key(variable="K", open=("/ping",))}, "not among the open routes"),
        ({"settings": {"odd": "x"}}, "odd is no setting that is known"),
    ],
)
def test_what_contradicts_itself_is_refused(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        made(**facts)
    with pytest.raises(ValueError, match="there is no signal SIGWHAT"):
        Stop(signal="SIGWHAT")
    assert Stop(signal="SIGINT").number == signal.SIGINT


def test_a_bad_pattern_is_found_when_all_are_checked() -> None:
    made().check()
    with pytest.raises(ValueError, match="does not compile"):
        made(log=Log(prefix="(")).check()


def test_a_setting_that_it_does_not_have_keeps_our_own_word() -> None:
    vllm = adapters.get("vllm")
    assert vllm.option("tensor_parallel") == "tensor-parallel-size"
    assert made().setting("tensor_parallel") is None
    assert made().option("tensor_parallel") == "tensor-parallel"


def test_the_guard_and_the_probe_are_told_what_they_need() -> None:
    echo = made()
    assert echo.door() == {"AIM_KEY_VARIABLE": "ECHO_KEY", "AIM_OPEN_PATHS": "/health"}
    assert echo.question()["script"] == "/x/describe.py"
    assert echo.naming("own/model") == ["--served-model-name", "own/model"]
    assert filled(("a", "{b}"), b=3) == ["a", "3"]


def test_whether_it_is_installed_is_seen_without_importing_it() -> None:
    assert not is_installed(made())
    assert is_installed(made(module="json"))
