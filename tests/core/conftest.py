"""What the tests of recipes stand on: AMD's files, and what a vLLM 0.32 answered when asked."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest

from aim_jupyter.core import fitting, recipes
from aim_jupyter.core.recipes import Catalogue, Overrides, catalogue
from aim_jupyter.core.recipes.placement import imagined
from aim_jupyter.core.records import Choice, Cpu, EngineEnvironment, Flag, Gpu, Machine, Model

FIXTURES = Path(__file__).parents[4] / "shared/fixtures"

Write = Callable[..., Path]


@pytest.fixture
def aim_profiles() -> Path:
    folder = FIXTURES / "aim-profiles/profiles"
    if not folder.is_dir():
        pytest.skip(f"AMD's profiles are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def vllm() -> EngineEnvironment:
    """Return an environment with the options of vLLM 0.32.0, as its own parser has them."""
    answer = json.loads((Path(__file__).parent / "data/vllm-0.32.0.json").read_text())
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
    free = None if free_gib is None else round(free_gib * (1 << 30))
    return Machine(host="laptop", cpu=Cpu(cores=8, memory_available_bytes=free))


def box(kind: str = "MI300X", count: int = 8) -> Machine:
    return imagined(kind, count)


def gpus(*states: str, kind: str = "MI300X", **facts: object) -> Machine:
    """Return a machine with one GPU for each state."""
    made = (
        msgspec.structs.replace(imagined(kind, 1).gpus[0], hip_index=place, state=state, **facts)
        for place, state in enumerate(states)
    )
    return Machine(host="node", gpus=tuple(made))


def rank(model: Model, machine: Machine, **asked: Any) -> tuple[Choice, ...]:
    """Return the recipes of a model in order, as the fit judges them on a site that is new."""
    return recipes.rank(model, machine, judge(model, machine), **asked)


def judge(model: Model, machine: Machine, options: Overrides | None = None) -> recipes.Fit:
    asked = options or Overrides()
    return fitting.Judge(model, machine, options=asked.set, unset=asked.unset, starts=())


def parse_machine(spec: str | None) -> Machine:
    """Return the machine of a specification, as the gpus part of the core would."""
    if spec is None or spec == "cpu":
        return laptop(1500)
    kind, _, count = spec.partition(":")
    return imagined(kind.upper(), int(count or 1))


__all__ = [
    "FIXTURES", "Gpu", "Write", "box", "gpus", "judge", "laptop", "parse_machine", "rank",
]  # fmt: skip
