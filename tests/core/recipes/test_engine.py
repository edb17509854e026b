"""Every plan of every recipe, against the argument parser of the engine that is installed."""

import json
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import adapters, engines, files
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.recipes import catalogue, complete, parsers, reconcile
from aim_jupyter.core.recipes.parsers import Family

#: Parses one argv a line, as the engine's server does, and answers what it says of each.
PARSE = """
import contextlib, io, json, runpy, sys
parser = runpy.run_path(sys.argv[1])["parser"]()
for line in sys.stdin:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser.parse_args(json.loads(line))
        answer = ""
    except SystemExit:
        answer = said.getvalue().strip().splitlines()[-1]
    except Exception as error:
        answer = repr(error)
    print("@@", json.dumps(answer), file=sys.__stdout__)
"""


@pytest.mark.engine
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("real_engine")
def test_the_real_parser_accepts_every_plan() -> None:
    environment = engines.choose(platform="cpu")
    made: list[tuple[str, list[str]]] = []
    for model in catalogue().models:
        for recipe in complete(model, ("cpu", *kinds())).recipes:
            if recipe.engine != "vllm":
                continue
            done = reconcile(
                recipe.args, recipe.env, flags=environment.flags, variables=environment.variables
            )
            assert done.changes == (), f"{model.name} {recipe.id}"
            ours = {name for name in done.env if name.startswith("VLLM_")}
            assert ours <= set(environment.variables)
            made.append((f"{model.name} {recipe.id}", ["--model", recipe.weights.repo, *done.argv]))
    said = _parse(environment.python, [argv for _, argv in made])
    wrong = [(answer, name) for (name, _), answer in zip(made, said, strict=True) if answer]
    assert not {
        answer: [n for _, n in names] for answer, names in groupby(sorted(wrong), lambda x: x[0])
    }
    assert len(made) > 3000


#: Prints the names that the engine's own lists of parsers have.
NAMES = """
import json
from vllm.reasoning import ReasoningParserManager
from vllm.tool_parsers import ToolParserManager
print(json.dumps([each.list_registered() for each in (ToolParserManager, ReasoningParserManager)]))
"""


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_every_parser_that_is_named_is_one_of_the_engine() -> None:
    environment = engines.choose(platform="cpu")
    said = subprocess.run(
        [environment.python, "-c", NAMES], check=True, capture_output=True, text=True, timeout=200
    ).stdout
    tools, thinking = map(set, json.loads(said.strip().splitlines()[-1]))
    families = files.table(Path(parsers.__file__).with_suffix(".toml"), dict[str, list[Family]])
    written = [one for model in catalogue().models for one in model.recipes]
    assert {one.tools for one in families["family"]} <= tools
    assert {one.thinking for one in families["family"]} - {""} <= thinking
    for name, known in (("tool-call-parser", tools), ("reasoning-parser", thinking)):
        assert {one.args[name] for one in written if name in one.args} <= known


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_the_recorded_options_are_those_of_the_engine(vllm: Any) -> None:
    environment = engines.choose(platform="cpu")
    if environment.version != vllm.version:
        pytest.skip(f"recorded {vllm.version}, installed {environment.version}")
    assert environment.flags == vllm.flags
    assert environment.variables == vllm.variables


def _parse(python: str, argvs: list[list[str]]) -> list[str]:
    lines = "\n".join(map(json.dumps, argvs))
    done = subprocess.run(
        [python, "-c", PARSE, str(adapters.get("vllm").script)],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line[3:] for line in done.stdout.splitlines() if line.startswith("@@ ")]
    return [json.loads(line) for line in said]
