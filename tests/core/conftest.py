"""What tests of recipes, choice and planning share: AMD's files, and a recorded vLLM 0.32."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest

from aim_jupyter.core import choice
from aim_jupyter.core.gpus import simulated
from aim_jupyter.core.recipes import Catalogue, catalogue
from aim_jupyter.core.records import Choice, Cpu, EngineEnvironment, Flag, Gpu, Machine, Model
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.sizes import GIB

FIXTURES = Path(__file__).parents[3] / "shared/fixtures"

Write = Callable[..., Path]


@pytest.fixture
def aim_profiles() -> Path:
    folder = FIXTURES / "aim-profiles/profiles"
    if not folder.is_dir():
        pytest.skip(f"AMD's profiles are not at {folder}")
    return folder


@pytest.fixture
def amd(aim_profiles: Path) -> Catalogue:
    return Catalogue([aim_profiles])


@pytest.fixture(scope="session")
def vllm() -> EngineEnvironment:
    """Return an environment with the options of vLLM 0.32.0, as its own parser has them."""
    answer = json.loads((Path(__file__).parent / "recipes/data/vllm-0.32.0.json").read_text())
    return EngineEnvironment(
        name="recorded",
        python="/nowhere/python",
        source="managed",
        engine="vllm",
        engine_title="vLLM",
        version=answer["version"],
        flags=msgspec.convert(answer["flags"], tuple[Flag, ...]),
        variables=tuple(answer["variables"]),
    )


@pytest.fixture
def shipped() -> Catalogue:
    return catalogue()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a recipe file and returns its folder."""

    def write(name: str, text: str, folder: str = "recipes") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return tmp_path / folder

    return write


def laptop(free_gib: float | None = 8) -> Machine:
    free = None if free_gib is None else round(free_gib * GIB)
    return Machine(host="laptop", cpu=Cpu(cores=8, memory_available_bytes=free))


def box(kind: str = "MI300X", count: int = 8) -> Machine:
    return simulated.machine(f"{kind}:{count}")


def gpus(*states: str, kind: str = "MI300X", **facts: object) -> Machine:
    """Return a machine with one GPU for each state."""
    made = (
        msgspec.structs.replace(box(kind, 1).gpus[0], hip_index=place, state=state, **facts)
        for place, state in enumerate(states)
    )
    return Machine(host="node", gpus=tuple(made))


def rank(model: Model, machine: Machine, **asked: Any) -> tuple[Choice, ...]:
    """Return the recipes of a model in order, as the fit judges them on a site that is new."""
    engine, fit = asked.pop("engine", "vllm"), asked.pop("fit", None)
    version = asked.pop("engine_version", None)
    there = choice.Conditions(machine=machine, engine=engine, engine_version=version)
    request = Request(model=model.name, **asked)
    return choice.ranked(model, request, there, fit or judge(model, machine))


def judge(model: Model, machine: Machine) -> choice.Fit:
    return choice.Judge(model, choice.Conditions(machine=machine), starts=())


def judged(model: Model, machine: Machine, **asked: Any) -> tuple[Choice, ...]:
    """Return what `rank` does, without any offers."""
    there = choice.Conditions(machine=machine)
    request = Request(model=model.name, **asked)
    return choice.judge_all(model, request, there, judge(model, machine))


__all__ = [
    "FIXTURES", "Gpu", "Write", "box", "gpus", "judge", "judged", "laptop", "rank",
]  # fmt: skip
