"""Makes the list of recipes that vLLM's own code takes and builds: the dry start of the catalogue.

Run by hand, by this package's interpreter, on a machine with vLLM 0.32 for the CPU; it goes on
where it broke off::

    nice python -m tests.core.choice.drivers.built [FOLDER ...]

A folder holds recipes or AMD's profiles, asked in place of the catalogue: nothing is written then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from aim_jupyter.core import engines, fit, gpus, recipes
from aim_jupyter.core.adapters.vllm import exact
from aim_jupyter.core.adapters.vllm.oracle.machine import Gpu
from aim_jupyter.core.api.planner import Planner
from aim_jupyter.core.choice import built
from aim_jupyter.core.choice.checkpoints import loaded
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Model, Plan, Recipe
from aim_jupyter.core.request import Request

FILE = Path(built.__file__).with_name("built.json")
# The GPU whose derived recipes are asked too; of the others, what somebody has written.
DERIVED = "MI300X"


class Line(NamedTuple):
    """A recipe, and its config and plan; or why there is none."""

    recipe: Recipe
    config: dict[str, Any] | None = None
    plan: Plan | None = None
    gpu: Gpu | None = None
    refused: str = ""


def lines(catalogue: Catalogue) -> Iterator[Line]:
    """Yield all recipes for vLLM, by GPU: what is asked in one process stands together."""
    kinds = sorted({one.gpu_model for model in catalogue.models for one in model.recipes})
    for kind in kinds:
        if kind != "cpu":
            planner = Planner(gpus.machine(f"{kind.lower()}:8"), catalogue=catalogue)
            for model in catalogue.models:
                yield from _of(planner, model, kind)


def _of(planner: Planner, model: Model, kind: str) -> Iterator[Line]:
    for choice in planner.choices(Request(model=model.name)):
        one = choice.recipe
        written = one.origin != "derived" or kind == DERIVED
        if one.engine == "vllm" and one.gpu_model == kind and written:
            yield _line(planner, model, one)


def _line(planner: Planner, model: Model, one: Recipe) -> Line:
    code = {"trust-remote-code": None} if "trust-remote-code" in one.args else {}
    request = Request(model=model.name, recipe=one.id, force=True, options=code)
    try:
        choice, plan = planner.plan(request)
    except AimError as error:
        return Line(one, refused=error.found)
    device = fit.device(f"{one.gpu_model}:8")
    gpu = exact.shown(device.model, device.gfx or "", device.total_bytes)
    config = loaded(model, choice.recipe.weights) or fit.look_up(model.name)
    return Line(one, config, plan, gpu)


def asked(line: Line, until: str = "laid out") -> str:
    """Return why vLLM would not, empty where it would; "?" and why where that can't be told."""
    if line.refused:
        return line.refused
    if line.config is None or line.plan is None or line.gpu is None:
        return "? no config"
    engine = engines.choose(platform="cpu")
    oracle = exact.oracle(engine.python, engine.version or "", line.gpu)
    if oracle is None:
        sys.exit(f"vLLM {engine.version} was never tried: {exact.TRIED}")
    words = line.plan.argv[line.plan.argv.index(line.plan.model_path) + 1 :]
    question = exact.Question(config=line.config, argv=words, env=line.plan.env, until=until)
    answer = oracle.ask(question)
    if answer is None:
        sys.exit("no answer: run it again")
    if answer.get("reached") == until:
        return ""
    error = " ".join(str(answer.get("error", "")).split())
    return error if answer.get("refused") else f"? {error}"


def main(folders: list[str]) -> None:
    """Ask for all, and write after each what builds; say what is refused."""
    catalogue = recipes.catalogue([Path(each) for each in folders] or None)
    version = engines.choose(platform="cpu").version
    marks: set[str] = set()
    count = 0
    for line in lines(catalogue):
        count += 1
        why = asked(line)
        if why:
            sys.stdout.write(f"{line.recipe.model} {line.recipe.id}: {why[:300]}\n")
            sys.stdout.flush()
            continue
        marks.add(built.mark(line.recipe))
        if not folders:
            table = msgspec.json.encode({"engine": version, "marks": sorted(marks)})
            FILE.write_bytes(msgspec.json.format(table, indent=1) + b"\n")
    sys.stdout.write(f"{len(marks)} of {count} are built\n")
    exact.close()


if __name__ == "__main__":
    main(sys.argv[1:])
