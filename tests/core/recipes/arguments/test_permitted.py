"""What a recipe may set is a list: everything else is refused by its name, whoever asks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import adapters, api, engines
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.errors import BadUsage, RecipeInvalid
from aim_jupyter.core.planning import permission
from aim_jupyter.core.recipes import catalogue, complete
from aim_jupyter.core.recipes.arguments.permitted import _refusals, refusals
from aim_jupyter.core.records import Recipe
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.state.folder import folders
from tests.conftest import FakeEngine
from tests.core.recipes import hostile, verdicts
from tests.core.recipes.hostile import Hostile

EVERY = (*hostile.KNOWN, *hostile.keys(), *hostile.generated("vllm"), *hostile.generated("sglang"))
#: Enough of all kinds for what takes a file, a plan or a request each.
KEYS = tuple(filter(hostile.is_key, EVERY))
SOME = (*hostile.KNOWN, *KEYS[len(hostile.KNOWN) :: len(KEYS) // 220])
NO_KEYS = [each for each in EVERY if not hostile.is_key(each)]


def test_everything_that_is_on_no_list_is_refused_by_its_name() -> None:
    assert len(EVERY) > 12_000
    for each in EVERY:
        wrong = [one.name for one in _refusals(each.engine, each.args, each.env)]
        assert wrong, each
        assert any(each.name in one for one in wrong), each


@pytest.mark.parametrize("each", SOME, ids=lambda each: f"{each.engine}-{each.name}")
def test_recipe_check_refuses_it(each: Hostile, tmp_path: Path) -> None:
    with pytest.raises(RecipeInvalid, match="what a recipe may set") as caught:
        api.check_recipe(hostile.write(tmp_path, each, "hostile"))
    assert each.name in str(caught.value)


@pytest.mark.parametrize("each", NO_KEYS[:: len(NO_KEYS) // 12], ids=lambda each: str(each.args))
def test_what_is_no_option_is_refused_with_the_line_that_it_stands_on(
    each: Hostile, tmp_path: Path
) -> None:
    with pytest.raises(RecipeInvalid, match=r"line \d+: expected settings\[0\]\.args") as caught:
        api.check_recipe(hostile.write(tmp_path, each, "hostile"))
    assert all(given in str(caught.value) for given in each.args)


def test_plan_and_launch_refuse_it_and_leave_nothing(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_RECIPES_PATH", str(tmp_path))
    told = Counter[str]()
    for number, each in enumerate(SOME):
        hostile.write(tmp_path, replace(each, engine="vllm"), f"hostile{number}")
    for number, each in enumerate(SOME):
        for ask in (api.plan, api.launch):
            with pytest.raises(BadUsage, match="which only a user may") as caught:
                ask(Request(model=f"hostile{number}"))
            assert each.name in str(caught.value)
            told[ask.__name__] += 1
        with pytest.raises(BadUsage, match="which only a user may") as caught:
            api.plan_for({"model": f"hostile{number}", "machine": "cpu"})
        assert each.name in str(caught.value)
    assert list(folders()) == []
    assert min(told.values()) >= 200


def test_a_user_may_by_name_and_the_plan_says_what_it_does(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_RECIPES_PATH", str(tmp_path))
    hostile.write(tmp_path, Hostile("CC", env={"CC": "/tmp/x"}), "hostile")
    plan = api.plan(Request(model="hostile", env={"CC": "/usr/bin/cc"}))
    assert plan.env["CC"] == "/usr/bin/cc"
    assert "CC, as asked: that program runs as you" in plan.changes
    assert "CC" not in api.plan(Request(model="hostile", unset=("CC",))).env


def test_another_key_of_an_object_does_not_let_the_rest_of_it_pass() -> None:
    weights = catalogue().find("demo").recipes[0].weights
    recipe = Recipe(
        id="r",
        model="m",
        weights=weights,
        gpu_model="cpu",
        args={"compilation-config": {"backend": "x.y"}},
    )
    for asked in ({"compilation-config.mode": "3"}, {"--max-model-len": "1"}):
        with pytest.raises(BadUsage, match=r"compilation-config\.backend"):
            permission.recipe(recipe, Request(model="m", options=asked))
    for asked in ({"compilation-config.backend": "eager"}, {"--compilation_config": "{}"}):
        permission.recipe(recipe, Request(model="m", options=asked))


@pytest.mark.parametrize("variable", sorted(["VLLM_USE_RUST_FRONTEND", "VLLM_RUST_FRONTEND_PATH"]))
def test_what_goes_round_the_key_is_nobodys_to_set(fake: FakeEngine, variable: str) -> None:
    fake()
    with pytest.raises(BadUsage, match=f"{variable}: the key's guard"):
        api.plan(Request(model="demo", env={variable: "1"}))


@pytest.mark.parametrize("value", hostile.ODD, ids=repr)
def test_odd_values_are_neither_names_nor_numbers(value: Any) -> None:
    for name, kind in adapters.get("vllm").allowed.options.items():
        if isinstance(kind, dict) or (value == "" and kind == "switch"):
            continue
        if value in ("nan", "1_0") and kind in ("word", "list of word"):
            continue
        assert list(_refusals("vllm", {name: value}, {})), (name, kind)


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=300)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inside: (
            st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_whatever_passes_holds_no_path_no_address_and_no_module(value: Any) -> None:
    for name in adapters.get("vllm").allowed.options:
        if not list(_refusals("vllm", {name: value}, {})):
            assert not set(str(value)) & set("/:\\;$`\n\0"), (name, value)


def test_the_catalogue_and_amds_profiles_pass(aim_profiles: Path) -> None:
    passed = Counter[str]()
    for told, each in (("ours", catalogue()), ("amd", catalogue([aim_profiles]))):
        for model in each.models:
            for recipe in complete(model, ("cpu", *kinds())).recipes:
                wrong = [one for one in refusals(recipe) if not one.asks]
                assert wrong == [], (model.name, recipe.id)
                asks = [one.said for one in refusals(recipe)]
                assert asks in ([], ["--trust-remote-code"])
                assert not asks or model.name.startswith("moonshotai/Kimi")
                passed[told] += 1
    assert passed["ours"] > 3000
    assert passed["amd"] >= 170


def test_every_shipped_file_passes_the_check() -> None:
    files = [Path(model.file) for model in catalogue().models]
    assert len(files) >= 87
    for file in files:
        api.check_recipe(file)


def test_what_recipes_of_vllm_may_say_means_the_same_elsewhere() -> None:
    ours, theirs = (adapters.get(name).allowed.options for name in ("vllm", "sglang"))
    spoken = {name.lstrip("-") for name in verdicts.names(verdicts.recorded("sglang"))}
    assert not (set(ours) & spoken) - set(theirs)


@pytest.mark.parametrize("engine", sorted(verdicts.RECORDED))
def test_nothing_is_both_allowed_and_reserved(engine: str) -> None:
    adapter = adapters.get(engine)
    allowed = {*adapter.allowed.options, *adapter.allowed.variables}
    assert not allowed & set(adapter.reserved)


@pytest.mark.parametrize("engine", sorted(verdicts.RECORDED))
def test_the_verdicts_are_those_of_the_lists(engine: str) -> None:
    written = verdicts.file_of(engine).read_text()
    assert written == verdicts.text(engine, verdicts.recorded(engine)), (
        "python -m tests.core.recipes.verdicts"
    )


def test_what_nobody_has_judged_yet_is_named_and_not_allowed() -> None:
    answer = verdicts.recorded("vllm")
    newer = {**answer, "flags": [*answer["flags"], {"names": ["--brand-new"]}]}
    newer["variables"] = [*answer["variables"], "VLLM_BRAND_NEW"]
    assert verdicts.unknown("vllm", newer) == ["--brand-new", "VLLM_BRAND_NEW"]
    wrong = [one.said for one in _refusals("vllm", {"brand-new": 1}, {"VLLM_BRAND_NEW": "1"})]
    assert wrong == ["--brand-new", "VLLM_BRAND_NEW"]


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
def test_the_installed_engine_has_nothing_that_nobody_has_judged() -> None:
    environment = engines.choose(platform="cpu")
    flags = [{"names": list(flag.names)} for flag in environment.flags]
    answer = {"flags": flags, "variables": list(environment.variables)}
    new = verdicts.unknown("vllm", answer)
    assert not new, f"vLLM {environment.version}: {new}; python -m tests.core.recipes.verdicts"
