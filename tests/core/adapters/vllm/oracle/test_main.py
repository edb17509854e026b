"""Answers about launches, a line each: with stand-ins for what only the engine has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core.adapters.vllm import exact

#: Runs in a process of its own: the module takes standard output for its answers.
PROGRAM = """
import json, sys, types
sys.path.append({here!r})
def module(name, **attributes):
    sys.modules[name] = made = types.ModuleType(name)
    made.__dict__.update(attributes)
    return made
module("vllm", __version__="0.32.0", __file__="/nowhere/vllm/__init__.py")
import importlib.util
import oracle
# By another name: under its own it prepares the engine, which is not here.
spec = importlib.util.spec_from_file_location("oracle.tried", oracle.__path__[0] + "/main.py")
main = importlib.util.module_from_spec(spec)
spec.loader.exec_module(main)
def _refuse(said): raise ValueError(said)
def config(folder, words):
    told = json.loads(open(folder + "/config.json").read())
    for kind, said in told.items():
        if kind == "refuse": _refuse(said)
        if kind == "break": raise RuntimeError(said)
        if kind == "die":
            import os
            os._exit(3)
    return words
module("oracle.configured", environment=lambda env: None, config=config,
       about=lambda cfg: {{"words": list(cfg)}})
module("oracle.building", ranks=lambda *_: None, model=lambda _: "model", size=lambda *_: 100,
       loaded=lambda *_: [])
module("oracle.drafting", drafter=lambda *_: None)
module("oracle.laying", specs=lambda _: {{"a": 1}}, layout=lambda *_: {{"block_bytes": 16}})
for line in sys.stdin:
    main._in_a_fork(line)
"""


def answers(*questions: dict[str, Any]) -> list[dict[str, Any]]:
    program = PROGRAM.format(here=str(Path(exact.__file__).parent))
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(
        [sys.executable, "-c", program], input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_launch_is_answered_as_far_as_it_comes() -> None:
    whole, configured = answers(
        {"config": {}, "argv": ["--x"]}, {"config": {}, "until": "configured"}
    )
    assert (whole["reached"], whole["weights_bytes"], whole["block_bytes"]) == ("laid out", 100, 16)
    assert whole["words"] == ["--x"]
    assert configured["reached"] == "configured"
    assert "weights_bytes" not in configured


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"refuse": "invalid option"}, True),
        ({"refuse": "it does not recognize this architecture"}, False),  # what is missing is here
        ({"break": "no kernel"}, False),
    ],
)
def test_what_the_engine_refuses_is_told_from_what_can_not_be_done_here(
    config: dict[str, str], *, refused: bool
) -> None:
    (answer,) = answers({"config": config})
    assert answer["refused"] is refused
    assert next(iter(config.values())) in answer["error"]
    assert answer["at"]


def test_an_engine_that_dies_does_not_end_the_others() -> None:
    died, fine = answers({"config": {"die": "x"}}, {"config": {}})
    assert "the engine's process ended with" in died["error"]
    assert fine["reached"] == "laid out"
