"""What an engine is started with, and what it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core.serving.start.engine import GUARD, PACKAGE, environment
from tests.conftest import FakeEngine
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import launch_ready


def test_the_plan_beats_what_is_inherited_and_what_we_need_beats_both() -> None:
    env = environment(PLAN, "lean", "key", {"A": "0", "B": "0", "VLLM_LOGGING_LEVEL": "ERROR"})
    assert (env["A"], env["B"]) == ("1", "0")
    assert env["VLLM_LOGGING_LEVEL"] == "INFO"
    assert env["VLLM_API_KEY"] == "key"


@pytest.mark.parametrize(
    "name", ["JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]
)
def test_tokens_stay_with_the_notebook(name: str) -> None:
    assert name not in environment(PLAN, "lean", "key", {name: "secret"})


def test_the_keys_of_a_store_go_to_an_engine_that_reads_from_it_alone() -> None:
    given = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "HF_TOKEN": "c"}
    assert not {*given} & {*environment(PLAN, "lean", "key", given)}
    streamed = environment(replace(PLAN, model_path="s3://models/x"), "lean", "key", given)
    assert {*given} & {*streamed} == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


@pytest.mark.parametrize(
    ("inherited", "path"),
    [
        ({}, [str(GUARD)]),
        ({"PYTHONPATH": ""}, [str(GUARD)]),
        ({"PYTHONPATH": "/own::/other"}, [str(GUARD), "/own", "/other"]),
        ({"PYTHONPATH": f"/own:{PACKAGE}"}, [str(GUARD), "/own"]),
    ],
)
def test_the_engine_finds_the_guard_and_not_the_notebooks_libraries(
    inherited: dict[str, str], path: list[str]
) -> None:
    # Installed, this package lies in the notebook's site-packages, with all that is beside it.
    assert environment(PLAN, "lean", "key", inherited)["PYTHONPATH"].split(":") == path


def test_a_path_of_the_plan_is_kept() -> None:
    plan = replace(PLAN, env={"PYTHONPATH": "/asked"})
    env = environment(plan, "lean", "key", {"PYTHONPATH": "/inherited"})
    assert env["PYTHONPATH"] == f"{GUARD}:/asked"


def test_a_running_engine_has_it_so(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fake()
    record = launch_ready().read()
    assert record.engine is not None
    words = Path(f"/proc/{record.engine.pid}/environ").read_text().split("\0")
    variables = dict(word.partition("=")[::2] for word in words if word)
    assert PACKAGE not in variables["PYTHONPATH"].split(":")
    assert "HF_TOKEN" not in variables
    assert variables["VLLM_API_KEY"]
