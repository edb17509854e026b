"""Which engine would serve: what is installed, or what is assumed where nothing is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core import engines
from aim_jupyter.core.api.environments import Environments
from aim_jupyter.core.errors import NoEngine
from aim_jupyter.core.records import EngineEnvironment, Recipe, Weights
from aim_jupyter.core.request import Request
from tests.core.conftest import box

WEIGHTS = Weights(repo="Org/Model", precision="bf16")
RECIPE = Recipe(id="mi300x-bf16-tp1", model="Org/Model", weights=WEIGHTS, gpu_model="MI300X")


def nothing(*_: object, **__: object) -> EngineEnvironment:
    raise NoEngine("There is no engine.", "%aim engine install rocm")


def test_a_machine_that_is_spoken_of_needs_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "choose", nothing)
    there = Environments(box())
    found = there.serving(Request(model="Org/Model"), RECIPE)
    assert (found.usable, found.engine, found.platform) == (False, "vllm", "rocm")
    assert there.remarks(found) == (
        f"no engine is installed here: options go unchecked, and {found.title} is assumed",
    )
    assert there.conditions(Request(model="Org/Model")).engine_version is None


def test_this_machine_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "choose", nothing)
    with pytest.raises(NoEngine):
        Environments(replace(box(), simulated=False)).serving(Request(model="Org/Model"), RECIPE)


def test_each_is_looked_for_once(vllm: EngineEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def choose(*_: object, **asked: object) -> EngineEnvironment:
        looked.append(asked)
        return replace(vllm, usable=True, platform="cpu")

    monkeypatch.setattr(engines, "choose", choose)
    there = Environments(box())
    assert there.flags("vllm") == ()
    for machine in (there, there.on(box("MI300X", 2)), there):
        found = machine.serving(Request(model="Org/Model"), RECIPE)
    assert len(looked) == 1
    assert there.flags("vllm") == vllm.flags
    assert there.remarks(found) == (
        f"planned with the options of {found.title} for cpu, the engine of this machine",
    )


@pytest.mark.parametrize(
    ("asked", "engine"),
    [
        (Request(model="x"), "vllm"),
        (Request(model="x", engine="sglang"), "sglang"),
        (Request(model="x", recipe="mi300x-sglang-bf16-tp1"), "sglang"),
    ],
)
def test_the_engine_is_what_is_named(asked: Request, engine: str) -> None:
    assert Environments(box(), "0.32.0").conditions(asked).engine == engine
