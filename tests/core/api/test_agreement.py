"""One question, one answer: whatever is asked, whoever asks, and whether the machine is there.

Random requests go to `plan` on a machine, to `plan --machine` of the same one, to the REST, to
`recipes`, to `fit`, and to a launch up to where it would start. The machine that is "there" is a
simulated one without its mark; a Hub that has everything stands in for the real one, and the engine
is a recorded vLLM 0.32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import hypothesis
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import api, gpus
from aim_jupyter.core.cache.download import Obtainable
from aim_jupyter.core.errors import AimError, NoFit
from aim_jupyter.core.planning.policy import Policy
from aim_jupyter.core.records import EngineEnvironment, Plan, Source
from aim_jupyter.core.request import Request
from aim_jupyter.labserver import handlers

MODELS = (
    *("Qwen/Qwen3-32B", "qwen3-32b", "Qwen/Qwen3-32B:fp8", "Qwen/Qwen3-32B-FP8", "demo"),
    *("https://huggingface.co/Qwen/Qwen3-8B/tree/main", " Qwen/Qwen3-8B ", "qwen3:32b"),
    *("meta-llama/Llama-3.3-70B-Instruct", "amd/Llama-3.3-70B-Instruct-FP8-KV", "gpt-oss-120b"),
    *("meta-llama/Llama-3.1-405B-Instruct", "zai-org/GLM-5.2-FP8", "tencent/Hy3", "Kimi-K2.5"),
    *("deepseek-ai/DeepSeek-R1", "llama3:8b", "nosuchmodel", "some/model.gguf", "Qwen/Qwen3-0.6B"),
)
MACHINES = ("mi300x:1", "mi300x:8", "mi210:4", "mi250x:2", "mi355x:8", "mi325x:2", "cpu")
SIZES = st.sampled_from(["1", "2", "3", "4", "8", "16", 2, "0", "two"])
#: Of the engine, under names that the verb ``fit`` has as well, or has not.
FITTED = {
    "tensor-parallel-size": ("tp", SIZES),
    "pipeline-parallel-size": ("pp", SIZES),
    "kv-cache-dtype": ("kv_dtype", st.just("fp8")),
    "max-num-seqs": ("max_num_seqs", st.sampled_from([8, 256])),
    "gpu-memory-utilization": ("util", st.sampled_from([0.5, 0.95])),
}
OTHERS = {
    "-dp": SIZES,
    "data_parallel_size": SIZES,
    "prefill-context-parallel-size": SIZES,
    "enable-expert-parallel": st.none(),
    "trust-remote-code": st.none(),
    "max-model-len": st.sampled_from([4096, 10**6]),
    "no-such-option": st.just("1"),
}
POLICIES = (
    *(Policy(), Policy(), Policy(remote_code=False)),
    *(Policy(organisations=("Qwen",)), Policy(max_lifetime="1h")),
)


class Case(NamedTuple):
    """What is asked, where, and what the administrator allows."""

    request: Request
    machine: str
    rules: Policy


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a request with up to four wishes, on a machine, under a policy."""
    machine = draw(st.sampled_from(MACHINES))
    some: dict[str, Any] = {
        "users": st.sampled_from([1, 4, 64]),
        "context": st.sampled_from(["auto", 4096, 32_768, 10**6]),
        "precision": st.sampled_from(["bf16", "fp8", "int4"]),
        "metric": st.sampled_from(["latency", "throughput"]),
        "recipe": st.sampled_from(["mi300x-bf16-tp1", "mi300x-fp8-tp2", "cpu-bf16-tp1", "none"]),
        "most_gpus": st.sampled_from([1, 2]),
        "gpus": st.sampled_from([(0,), (0, 1), (9,)]),
        "unset": st.sampled_from([("max-num-seqs",), ("tensor-parallel-size",)]),
        "force": st.just(value=True),
    }
    names = draw(st.lists(st.sampled_from([*some, "options", "options"]), max_size=4))
    wishes = {name: draw(some[name]) for name in names if name != "options"}
    known: dict[str, Any] = {**{name: drawn for name, (_, drawn) in FITTED.items()}, **OTHERS}
    said = draw(st.lists(st.sampled_from(list(known)), max_size=names.count("options")))
    options = {name: draw(known[name]) for name in said}
    model = draw(st.sampled_from(MODELS))
    return Case(
        Request(model=model, options=options, **wishes), machine, draw(st.sampled_from(POLICIES))
    )


class Told(NamedTuple):
    """An answer: a plan with its verdict, or why there is none."""

    refused: str = ""
    recipe: str = ""
    verdict: str = ""
    gpus: tuple[int, ...] = ()
    argv: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


def told(ask: Callable[[], Told]) -> Told:
    """Return what comes of a question, whichever way it is answered."""
    try:
        return ask()
    except AimError as error:
        return Told(refused=f"{type(error).__name__}: {error.found}")


def of(plan: Plan, verdict: str) -> Told:
    env = tuple(sorted(plan.env.items()))
    return Told("", plan.recipe_id, verdict, tuple(plan.gpus), tuple(plan.argv), env)


class _Started(Exception):
    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


def launched(request: Request) -> Told:
    """Return what a launch would start, up to its start."""
    try:
        api.launch(request)
    except _Started as started:
        return of(started.plan, "NO" if started.plan.overridden else "")
    raise AssertionError("it was neither started nor refused")


def elsewhere(case: Case) -> Told:
    plain = api.plan_there(case.request, api.Elsewhere(machine=case.machine))
    env = tuple(sorted(plain["env"].items()))
    its = (plain["verdict"], tuple(plain["gpus"]), tuple(plain["argv"]), env)
    return Told("", plain["recipe_id"], *its)


def by_rest(request: Request) -> tuple[str, str, str]:
    """Return refusal, recipe and verdict of the REST's plan."""
    try:
        answer = handlers._plan(request)
    except AimError as error:
        return (f"{type(error).__name__}: {error.found}", "", "")
    return ("", answer.recipe, answer.verdict)


@contextlib.contextmanager
def there(case: Case) -> Iterator[None]:
    """Have the machine of a case, its policy, and a Hub that has everything."""
    simulated = gpus.machine
    real = replace(simulated(case.machine), simulated=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpus, "machine", lambda spec=None: simulated(spec) if spec else real)
        patch.setattr("aim_jupyter.core.planning.policy.read", lambda: case.rules)
        patch.setattr(
            "aim_jupyter.core.cache.obtainable",
            lambda repo, _=None: _had(repo),
        )
        patch.setattr("aim_jupyter.core.serving.launch", _start)
        # The shortest line is another question, and asks forty times.
        patch.setattr("aim_jupyter.core.api.launch_line", lambda _: "")
        yield


def _start(plan: Plan, **_: Any) -> None:
    raise _Started(plan)


def _had(repo: str) -> Obtainable:
    return Obtainable(source=Source(kind="hub", name=repo), download=repo, size_bytes=1)


def check(case: Case) -> str:
    """Assert that all answers agree; return what kind of answer it was."""
    request = case.request
    with there(case):
        here = told(lambda: _judged(request))
        assert told(lambda: elsewhere(case)) == here
        started = told(lambda: launched(request))
        assert started._replace(verdict="") == here._replace(verdict="")
        assert by_rest(request) == (here.refused, here.recipe, here.verdict)
        listed = told(lambda: _first(api.recipe_list(request)))
        _agrees(listed, here)
        _agrees(told(lambda: _first(api.recipe_list(request, simulated=case.machine))), here)
        fitted = as_fit(request)
        if fitted is not None:
            answer = told(lambda: _fitted({**fitted, "machine": case.machine}))
            assert answer == listed or answer.verdict == "unknown"
    return here.refused.partition(":")[0] or here.verdict


def _judged(request: Request) -> Told:
    choice, plan = api.judged_plan(request)
    return of(plan, choice.verdict)


def _first(choices: Any) -> Told:
    first = choices[0]
    return Told("", first.recipe.id, first.verdict, first.gpus)


def _agrees(listed: Told, planned: Told) -> None:
    """Assert that the first of the recipes is what the plan takes, or is refused for."""
    if listed.refused:
        assert planned.refused == listed.refused
    elif not planned.refused:
        assert planned[1:4] == listed[1:4]
    elif planned.refused.startswith(NoFit.__name__):
        assert listed.verdict == "NO"


def as_fit(request: Request) -> dict[str, Any] | None:
    """Return a request as the verb ``fit`` is asked it, None for what it has no words for."""
    said = {"model", "users", "context", "recipe", "options"}
    default = Request(model=request.model)
    for name in request.__struct_fields__:
        if name not in said and getattr(request, name) != getattr(default, name):
            return None
    if set(request.options) - set(FITTED):
        return None
    words = {FITTED[name][0]: value for name, value in request.options.items()}
    if any(str(words.get(name, 1)) in ("0", "two") for name in ("tp", "pp")):
        return None  # its own words for it
    asked = {"model": request.model, "users": request.users, "context": request.context}
    given = {**asked, "recipe": request.recipe, **words}
    return {name: value for name, value in given.items() if value is not None}


def _fitted(question: dict[str, Any]) -> Told:
    plain = api.fit_json(api.fit(question))
    if "recipe" not in plain:
        return Told(verdict=plain["verdict"])
    return Told("", plain["recipe"], plain["verdict"], tuple(plain["gpus"]))


QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@pytest.fixture(autouse=True)
def _engine(vllm: EngineEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = replace(vllm, usable=True, platform="rocm", command=("-m", "vllm"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("aim_jupyter.core.engines.choose", lambda *_, **__: engine)
    monkeypatch.setattr("aim_jupyter.core.engines.answered", lambda _: [engine])


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(case=cases())
@example(case=Case(Request(model="Kimi-K2.5"), "mi300x:8", Policy()))
# Two things are wrong: all name the same one.
@example(case=Case(Request(model="llama3:8b", options={"no-such-option": "1"}), "cpu", Policy()))
@example(case=Case(Request(model="Qwen/Qwen3-32B", options={"-tp": "4"}), "mi300x:8", Policy()))
def test_all_who_ask_are_told_the_same(case: Case) -> None:
    check(case)


@pytest.mark.timeout(1800)
@settings(max_examples=2000, deadline=None, suppress_health_check=QUIET)
@given(case=cases())
def test_two_thousand_requests_are_told_the_same(case: Case) -> None:
    hypothesis.event(check(case))
