"""The launch line of a request: what it says is what runs, and no word of it is idle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.commands import handlers, parsing
from aim_jupyter.core import api
from aim_jupyter.core.api import plans
from aim_jupyter.core.request import Request, words
from tests.conftest import FakeEngine
from tests.core.gpus import trees

MODEL = "Qwen/Qwen3-32B"
PREFIX = "%aim "


def read(line: str) -> Request:
    """Return the request that a line is read as."""
    return handlers.request(parsing.parse(parsing.split(line.removeprefix(PREFIX)))[1])


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> None:
    """Have eight MI300X, the second one busy, and the weights of a model."""
    root = trees.written(trees.mi300x(8, used={1: 100 << 30}), tmp_path / "gpus")
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    for repo in (MODEL, f"{MODEL}-FP8"):
        place = tmp_path / "models" / repo
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(demo.FOLDER)
    monkeypatch.setenv("AIM_CACHE_PATH", str(tmp_path / "models"))
    fake()


def test_what_changes_nothing_is_left_out(fake: FakeEngine) -> None:
    fake()
    wish = Request(model="demo", recipe="cpu-bf16-tp1", users=4, engine="vllm", name="demo")
    assert api.launch_line(wish) == "%aim launch"
    assert api.launch_line(replace(wish, new=True)) == "%aim launch --new"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"idle_s": 1800.0}, "--idle 30m"),
        ({"idle_s": None}, "--idle never"),
        ({"idle_s": 3660.0}, "--idle 61m"),
        ({"lifetime_s": 28_800.0}, "--for 8h"),
        ({"name": "mine"}, "--name mine"),
        ({"port": 41_873}, "--port 41873"),
        ({"options": {"max-num-seqs": 8}}, "--max-num-seqs 8"),
        ({"options": {"max-num-seqs": "16"}}, ""),
        ({"options": {"--max_num_seqs": "8"}}, "--max-num-seqs 8"),
        ({"options": {"enforce-eager": True}}, ""),
        ({"options": {"enforce-eager": False}}, "demo --no-enforce-eager"),  # the fake has none
        ({"context": 512}, "--context 512"),
        ({"context": 1024}, ""),
        ({"unset": ("max-num-seqs",)}, "--unset max-num-seqs"),
        ({"env": {"A": "b c"}}, "--env 'A=b c'"),
        ({"force": True}, ""),
    ],
)
def test_each_wish_has_its_words(fake: FakeEngine, asked: dict[str, Any], words: str) -> None:
    fake()
    assert api.launch_line(Request(model="demo", **asked)) == f"%aim launch {words}".rstrip()


@pytest.mark.usefixtures("gpus")
def test_on_gpus_the_model_and_what_moves_the_plan_are_said() -> None:
    everything = Request(model=MODEL, recipe="mi300x-fp8-tp1", users=16, gpus=(0,))
    answers = plans.planner()
    best = answers.plan(Request(model=MODEL))[1]
    line = api.launch_line(everything)
    short, whole = (answers.plan(one)[1] for one in (read(line), everything))
    assert (short.argv, short.gpus) == (whole.argv, whole.gpus)
    assert short.command != best.command
    assert "--gpus" not in line
    assert api.launch_line(Request(model=MODEL, recipe=best.recipe_id, gpus=best.gpus)) == (
        f"%aim launch {MODEL}"
    )
    assert api.launch_line(Request(model=MODEL, gpus=(4,))) == f"%aim launch {MODEL} --gpus 4"


@pytest.mark.usefixtures("gpus")
def test_without_a_plan_the_line_says_all_of_it() -> None:
    asked = Request(model=MODEL, users=16, gpus=(1,), idle_s=None)
    line = api.launch_line(asked)
    assert line == f"%aim launch {MODEL} --users 16 --gpus 1 --idle never"
    assert read(line) == asked


def test_aims_variables_are_behind_the_line(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_ENGINE_ARGS", '{"max-num-seqs": 8}')
    asked = api.with_variables(Request(model=""))
    assert asked == Request(model="demo", options={"max-num-seqs": 8})
    assert api.launch_line(asked) == "%aim launch"
    other = api.with_variables(Request(model="demo", options={"max-num-seqs": 4}))
    assert api.launch_line(other) == "%aim launch --max-num-seqs 4"


WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
NAMES = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,6})?", fullmatch=True)


@given(
    options=st.dictionaries(NAMES, WORDS | st.integers(-9, 9) | st.none(), max_size=3),
    env=st.dictionaries(st.from_regex(r"[A-Z]{1,6}", fullmatch=True), WORDS, max_size=2),
    idle_s=st.none() | st.integers(1, 10**6),
    gpus=st.none() | st.lists(st.integers(0, 7), min_size=1, max_size=3).map(tuple),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
def test_a_line_is_read_as_the_request_that_it_was_made_of(
    options: dict[str, Any], env: dict[str, str], idle_s: float | None, gpus: tuple[int, ...] | None
) -> None:
    # No such model: nothing can be left out.
    asked = Request(
        model="no one's model", options=options, env=env, idle_s=idle_s, gpus=gpus, force=True
    )
    found = read(api.launch_line(asked))
    said = {name.lstrip("-"): value for name, value in found.options.items()}
    wanted = {
        name: (None if value is None else str(value)) if name not in words.OURS else
        ("true" if value is None else str(value))
        for name, value in options.items()
    }  # fmt: skip
    assert said == wanted
    assert (found.model, found.env, found.idle_s, found.gpus, found.force) == (
        *(asked.model, env, idle_s, gpus, True),
    )
