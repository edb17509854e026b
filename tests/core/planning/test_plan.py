"""From a request, a choice and an engine environment to a plan: pure data."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from aim_jupyter.core import planning
from aim_jupyter.core.errors import BadUsage, NoFit
from aim_jupyter.core.records import (
    Choice,
    EngineEnvironment,
    Flag,
    Gpu,
    Machine,
    Plan,
    Recipe,
    ServerRecord,
    ServerView,
    Weights,
)
from aim_jupyter.core.request import Placed, Request

FLAGS = (
    Flag(names=("--model",)),
    Flag(names=("--served-model-name",), many=True),
    Flag(names=("--host",)),
    Flag(names=("--port",)),
    Flag(names=("--api-key",), many=True),
    Flag(names=("--config",)),
    Flag(names=("--revision",)),
    Flag(names=("--middleware",)),
    Flag(names=("--shutdown-timeout",)),
    Flag(names=("--disable-access-log-for-endpoints",)),
    Flag(names=("--max-model-len",)),
    Flag(names=("--dtype",), choices=("auto", "bfloat16")),
    Flag(names=("--enforce-eager", "--no-enforce-eager"), takes_value=False),
)
ENVIRONMENT = EngineEnvironment(
    name="test",
    python="/env/bin/python",
    source="managed",
    engine="vllm",
    engine_title="vLLM",
    version="0.32.0",
    platform="cpu",
    command=("-m", "vllm.serve"),
    model_option="--model",
    flags=FLAGS,
    variables=("VLLM_CPU_KVCACHE_SPACE",),
    usable=True,
)
RECIPE = Recipe(
    id="cpu-bf16-tp1",
    model="demo",
    weights=Weights(repo="Org/Model", precision="bf16"),
    gpu_model="cpu",
    args={"enforce-eager": None, "max-model-len": 1024},
    env={"VLLM_CPU_KVCACHE_SPACE": "1"},
    source="somewhere",
)
CHOICE = Choice(recipe=RECIPE, verdict="FITS", reason="there is room", rank=1)
PLACED = Placed(path="/models/demo", env={"HF_HUB_OFFLINE": "1"})


def made(
    choice: Choice = CHOICE,
    environment: EngineEnvironment = ENVIRONMENT,
    placed: Placed = PLACED,
    **request: Any,
) -> Plan:
    return planning.plan(Request(model="demo", **request), choice, environment, placed, "demo")


def value(plan: Plan, option: str) -> list[str]:
    """Return what follows each `option` in the plan's command line."""
    return [after for word, after in zip(plan.argv, plan.argv[1:], strict=False) if word == option]


def test_the_command_line_is_a_list_from_end_to_end() -> None:
    plan = made()
    assert plan.argv[:5] == ("/env/bin/python", "-m", "vllm.serve", "--model", "/models/demo")
    assert plan.argv[5:8] == ("--served-model-name", "demo", "default")
    assert "--enforce-eager" in plan.argv
    assert value(plan, "--max-model-len") == ["1024"]
    assert plan.env == {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}


def test_the_model_is_a_bare_word_where_the_engine_has_no_option_for_it() -> None:
    plan = made(environment=replace(ENVIRONMENT, model_option=None))
    assert plan.argv[3] == "/models/demo"


def test_the_key_and_the_port_are_no_part_of_a_plan() -> None:
    plan = made(port=8000)
    assert plan.port == 8000
    assert {"--port", "--host", "--api-key"}.isdisjoint(plan.argv)


def test_the_users_wishes_beat_the_recipe() -> None:
    plan = made(options={"--max-model-len": "2048"}, env={"VLLM_CPU_KVCACHE_SPACE": "2"})
    assert value(plan, "--max-model-len") == ["2048"]
    assert plan.env["VLLM_CPU_KVCACHE_SPACE"] == "2"
    assert made(context=512).argv[-1] == "512"
    assert "--enforce-eager" not in made(unset=("enforce-eager",)).argv


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"--max-modle-len": "1"}, "nearest: --max-model-len"),
        ({"--dtype": "int3"}, "int3"),
        ({"--max-model-len": None}, "needs a value"),
        ({"--api-key": "secret"}, "a key of its own"),
        ({"--host": "0.0.0.0"}, "--listen"),
        ({"--config": "vllm.yaml"}, "a file could hold any of them"),
        ({"--served-model-name": "x"}, "its own name and to default"),
    ],
)
def test_a_wish_that_the_engine_can_not_have_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadUsage, match=said) as caught:
        made(options=options)
    assert caught.value.hint.startswith("%aim launch demo")


def test_the_guard_can_not_be_replaced_nor_left_out() -> None:
    assert value(made(), "--middleware") == ["aim_guard.Guard"]
    beside = made(options={"--middleware": "own.Middleware"})
    assert value(beside, "--middleware") == ["aim_guard.Guard", "own.Middleware"]
    for unset in ("middleware", "--middleware"):
        assert value(made(unset=(unset,)), "--middleware") == ["aim_guard.Guard"]
    profile = replace(CHOICE, recipe=replace(RECIPE, args={"middleware": "theirs.Own"}))
    assert value(made(profile), "--middleware") == ["aim_guard.Guard", "theirs.Own"]


def test_what_we_add_can_be_had_otherwise_and_only_where_the_engine_knows_it() -> None:
    assert value(made(), "--shutdown-timeout") == ["3600"]
    assert value(made(options={"shutdown-timeout": "5"}), "--shutdown-timeout") == ["5"]
    bare = replace(
        ENVIRONMENT, flags=tuple(f for f in FLAGS if "--shutdown-timeout" not in f.names)
    )
    assert "--shutdown-timeout" not in made(environment=bare).argv


def test_a_pinned_revision_is_the_one_that_is_loaded() -> None:
    pinned = replace(CHOICE, recipe=replace(RECIPE, weights=replace(RECIPE.weights, revision="v1")))
    assert value(made(pinned), "--revision") == ["v1"]
    assert "--revision" not in made().argv


def test_a_plan_is_the_same_before_and_after_its_download() -> None:
    before = made(placed=Placed(path="Org/Model", download="Org/Model"))
    after = made(placed=Placed(path="Org/Model", revision="c" * 40))
    assert before.command == after.command
    assert before.fingerprint == after.fingerprint


def test_a_plan_says_why() -> None:
    assert made().reasons == ("there is room", "origin: derived", "source: somewhere")
    dropped = replace(CHOICE, recipe=replace(RECIPE, args={"no-such-option": "1"}))
    assert any("no-such-option" in change for change in made(dropped).changes)


def test_the_best_that_fits_is_chosen() -> None:
    second = replace(CHOICE, rank=2, recipe=replace(RECIPE, id="other"))
    assert planning.choose([second, CHOICE], Request(model="demo")) == CHOICE


def test_what_does_not_fit_is_launched_only_by_force() -> None:
    no = replace(CHOICE, verdict="NO", reason="it lacks 3 GiB")
    with pytest.raises(NoFit, match=r"cpu-bf16-tp1: it lacks 3 GiB\.") as caught:
        planning.choose([no], Request(model="demo"))
    assert "--force" in caught.value.hint
    offered = replace(no, try_line="%aim launch demo --context 512")
    with pytest.raises(NoFit) as caught:
        planning.choose([offered], Request(model="demo"))
    assert caught.value.hint == "%aim launch demo --context 512"
    assert planning.choose([no], Request(model="demo", force=True)) == no


def test_gpus_that_are_not_there_can_not_be_forced() -> None:
    no = replace(CHOICE, verdict="NO", reason="needs 2 GPUs, there is 1", gpus=())
    gpu = replace(no, recipe=replace(no.recipe, gpu_model="MI300X"))
    with pytest.raises(NoFit) as caught:
        planning.choose([gpu], Request(model="demo"))
    assert caught.value.hint == "%aim recipes demo"


def test_a_model_without_recipes_is_told() -> None:
    with pytest.raises(NoFit, match="There is no recipe for demo"):
        planning.choose([], Request(model="demo"))


NOTHING = Machine(host="here")
GPU = Gpu(hip_index=4, usable=True, state="free")
BUSY = Gpu(hip_index=5, usable=True, state="busy")
LAUNCHED = ServerView(record=ServerRecord(name="demo", plan=made(), state="running"))


@pytest.mark.parametrize(
    ("gpus", "engine", "servers", "lines"),
    [
        ((), None, [], ["%aim engine install cpu"]),
        ((GPU,), None, [], ["%aim engine install rocm"]),
        ((), ENVIRONMENT, [], ["server = %aim launch"]),
        ((GPU,), ENVIRONMENT, [], ["%aim recipes"]),
        ((GPU, BUSY), ENVIRONMENT, [LAUNCHED], ["%aim recipes", "client = %aim client"]),
        ((), ENVIRONMENT, [LAUNCHED], ["client = %aim client"]),
    ],
)
def test_the_next_steps_are_one_or_two_lines_that_make_sense(
    gpus: tuple[Gpu, ...],
    engine: EngineEnvironment | None,
    servers: list[ServerView],
    lines: list[str],
) -> None:
    steps = planning.next_steps(replace(NOTHING, gpus=gpus), engine, servers)
    assert [step.line for step in steps] == lines
    assert all(step.what for step in steps)


@pytest.mark.parametrize(
    ("free", "said"), [(1, "GPU 0"), (2, "GPU 0 and 1"), (4, "the 4 free GPUs")]
)
def test_many_free_gpus_are_counted_and_none_is_left_out(free: int, said: str) -> None:
    gpus = tuple(replace(GPU, hip_index=index) for index in range(free))
    (step,) = planning.next_steps(replace(NOTHING, gpus=(*gpus, BUSY)), ENVIRONMENT, [])
    assert step.what == f"see what fits on {said}"
