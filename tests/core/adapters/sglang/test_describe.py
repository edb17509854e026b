"""What an interpreter that has SGLang says of it."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from aim_jupyter.core.adapters.sglang import describe


def torch(*, hip: str | None = None, cuda: str | None = None, there: bool = True) -> Any:
    version = SimpleNamespace(hip=hip, cuda=cuda)
    return SimpleNamespace(version=version, cuda=SimpleNamespace(is_available=lambda: there))


def test_what_torch_was_built_for_is_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SGLANG_USE_CPU_ENGINE", raising=False)
    assert describe.device(torch(hip="7.2")) == ("rocm", "")
    assert describe.device(torch(cuda="13.0"))[0] == "cuda"
    assert "finds no GPU" in describe.device(torch(hip="7.2", there=False))[1]
    monkeypatch.setenv("SGLANG_USE_CPU_ENGINE", "0")
    assert describe.device(torch()) == ("cpu", "")


def stand_in(monkeypatch: pytest.MonkeyPatch, **modules: Any) -> None:
    for name, attributes in modules.items():
        dotted, module = name.replace("__", "."), ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, dotted, module)


def test_a_release_that_is_too_old_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(
        monkeypatch, torch=vars(torch(hip="7.2")), sglang={}, sglang__launch_server={},
        sglang__version={"__version__": "0.3.0"},
    )  # fmt: skip
    found = describe.describe()
    assert found["version"] == "0.3.0"
    assert "too old" in found["reason"]


def test_its_options_and_variables_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class ServerArgs:
        @staticmethod
        def add_cli_args(parser: Any) -> None:
            parser.add_argument("--tp-size", type=int)

    class Envs:
        SGLANG_X = 1
        lower = 2

    stand_in(
        monkeypatch, torch=vars(torch(hip="7.2")), sglang={},
        sglang__launch_server={"run_server": print},
        sglang__version={"__version__": "0.5.23"}, sglang__srt={},
        sglang__srt__server_args={"ServerArgs": ServerArgs},
        sglang__srt__environ={"envs": Envs()},
    )  # fmt: skip
    found = describe.describe()
    assert (found["platform"], found["model_option"]) == ("rocm", "--model-path")
    assert found["variables"] == ["SGLANG_X"]
    assert "--tp-size" in found["parser"].format_help()
    monkeypatch.delitem(sys.modules, "sglang.srt.environ")
    assert describe.variables() == []
