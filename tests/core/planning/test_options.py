"""A wrong option is refused before anything is judged, with the nearest that there is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, engines
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.planning import options
from aim_jupyter.core.records import EngineEnvironment
from aim_jupyter.core.request import Request


def refusal(request: Request) -> str:
    with pytest.raises(BadUsage) as caught:
        options.refuse(request)
    return caught.value.found


@pytest.fixture
def here(vllm: EngineEnvironment, monkeypatch: pytest.MonkeyPatch) -> list[EngineEnvironment]:
    """Return what engines there are: a recorded vLLM 0.32."""
    there = [replace(vllm, usable=True)]
    monkeypatch.setattr(engines, "answered", lambda _=None: there)
    return there


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("--wrng", "vLLM 0.32.0 has no option --wrng."),
        ("--usrs", "vLLM 0.32.0 has no option --usrs; nearest: --users."),
        ("--contxt", "vLLM 0.32.0 has no option --contxt; nearest: --context."),
        ("--max_num_sq", "vLLM 0.32.0 has no option --max-num-sq; nearest: --max-num-seqs."),
    ],
)
def test_what_no_engine_takes_is_refused(said: str, found: str) -> None:
    assert refusal(Request(model="no-such-model", options={said: "4"})) == found


@pytest.mark.usefixtures("here")
def test_what_it_takes_is_left_to_the_plan() -> None:
    options.refuse(Request(model="demo"))
    options.refuse(Request(model="demo", options={"max-num-seqs": "8", "-tp": "2"}))


def test_one_that_takes_it_is_enough(here: list[EngineEnvironment]) -> None:
    here.append(replace(here[0], flags=()))
    options.refuse(Request(model="demo", options={"wrng": None}))


def test_engines_that_were_not_asked_refuse_nothing(here: list[EngineEnvironment]) -> None:
    here.clear()
    options.refuse(Request(model="demo", options={"wrng": None}))


@pytest.mark.usefixtures("here")
def test_a_launch_looks_at_no_machine_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_jupyter.core.gpus.machine", lambda *_: pytest.fail("looked"))
    for ask in (api.launch, api.plan):
        with pytest.raises(BadUsage, match="no option --wrng"):
            ask(Request(model="demo", options={"wrng": None}))


def test_the_line_is_mended(vllm: EngineEnvironment) -> None:
    asked = Request(model="demo", options={"max-num-sq": "4", "wrng": None})
    error = options.wrong(asked, vllm, ["vLLM has no option --max-num-sq"])
    assert error.lines == [
        "BadUsage: vLLM has no option --max-num-sq.",
        "Try: %aim launch demo --max-num-seqs 4",
    ]
