"""Which environments are listed, and which of them is chosen."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core.engines import choose, find
from aim_jupyter.core.errors import NoEngine, UnknownName

from .conftest import MakeEngine


def test_a_notebook_without_vllm_is_listed_with_the_reason() -> None:
    (only,) = find()
    assert (only.name, only.python, only.source) == ("notebook", sys.executable, "notebook")
    assert (only.usable, only.reason) == (False, "no engine is installed here")


def test_an_environment_found_twice_is_listed_once(
    managed: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = managed("vllm-cpu-0.32")
    monkeypatch.setenv("AIM_ENGINE_PYTHON", str(python))
    assert [environment.name for environment in find()] == ["variable", "notebook"]
    assert choose("vllm-cpu-0.32").python == str(python)


def test_a_broken_one_is_listed_with_the_reason(
    managed: MakeEngine, program: Callable[..., Path], tmp_path: Path
) -> None:
    managed("broken")
    program("exit 1", tmp_path / "data/engines/broken/bin/python")
    assert find()[0].reason == "it gave no answer"


def test_the_variable_wins_over_all(
    managed: MakeEngine, engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed("vllm-cpu-0.32")
    monkeypatch.setenv("AIM_ENGINE_PYTHON", str(engine(platform="rocm")))
    assert choose(platform="cpu").source == "variable"


def test_the_platform_decides_among_managed_ones(managed: MakeEngine) -> None:
    managed("vllm-cpu-0.32")
    managed("vllm-rocm", "0.31.0", platform="rocm")
    assert choose().name == "vllm-cpu-0.32"
    assert choose(platform="rocm").name == "vllm-rocm"
    with pytest.raises(NoEngine) as raised:
        choose(platform="cuda")
    assert raised.value.found == (
        "No engine environment for cuda can serve (vllm-cpu-0.32: it is for cpu; "
        "vllm-rocm: it is for rocm; notebook: no engine is installed here)."
    )


def test_only_as_many_are_asked_as_it_takes(managed: MakeEngine, starts: Callable[[], int]) -> None:
    managed("a-newer", "0.32.0")
    managed("an-older", "0.31.0")
    choose()
    assert starts() == 1


def test_none_at_all() -> None:
    with pytest.raises(NoEngine) as raised:
        choose()
    assert raised.value.lines == [
        "NoEngine: No engine environment can serve (notebook: no engine is installed here).",
        "Try: %aim engine install cpu",
    ]


def test_a_broken_variable_is_not_passed_over(
    managed: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed("vllm-cpu-0.32")
    monkeypatch.setenv("AIM_ENGINE_PYTHON", "/no/such/python")
    with pytest.raises(NoEngine, match="AIM_ENGINE_PYTHON") as raised:
        choose()
    assert "there is no program /no/such/python" in raised.value.found


def test_a_variable_with_another_engine_says_how_to_ask_for_that(
    engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_ENGINE_PYTHON", str(engine()))
    with pytest.raises(NoEngine) as raised:
        choose(engine="sglang")
    assert raised.value.lines[1] == (
        "To do: say --engine vllm, or set AIM_ENGINE_PYTHON to an interpreter that has SGLang, "
        "or unset it"
    )


def test_an_unknown_name_suggests_the_nearest(managed: MakeEngine) -> None:
    managed("vllm-cpu-0.32")
    with pytest.raises(UnknownName, match=r"Nearest: vllm-cpu-0\.32\."):
        choose("vllm-cpu")


def test_a_name_that_is_not_usable() -> None:
    with pytest.raises(NoEngine, match="notebook is not usable: no engine is installed here"):
        choose("notebook")
