"""The routes of the REST: read what was asked, call the core, answer."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from aim_jupyter.core import serving
from aim_jupyter.tables import columns
from tests.labserver.jupyter import Jupyter


def test_models_are_found_by_a_part_of_their_name(jupyter: Jupyter) -> None:
    every = jupyter.get("models")
    assert every["suggested"] == every["models"][0]["model"] == "demo"
    assert (every["models"][0]["standing"], every["models"][0]["on_disk"]) == ("on disk", True)
    found = jupyter.get("models", q="8b qwen3", users=2)["models"]
    assert [model["model"] for model in found] == ["Qwen/Qwen3-8B", "Qwen/Qwen3-Embedding-8B"]
    assert not found[0]["on_disk"]
    assert found[0]["weights_gib"] > 5
    # JupyterLab adds the time to what it asks.
    assert jupyter.get("models?1796126335989", q="8b qwen3")["models"]
    refused = jupyter.ask("GET", "models", 400, params={"users": "many"})
    assert refused["error"] == "BadUsage"


def test_recipes_are_the_rows_of_the_table(jupyter: Jupyter) -> None:
    (row,) = jupyter.get("recipes", model="demo")["rows"]
    assert list(row) == ["rank", *columns.COLUMNS["recipes"]]
    assert row["verdict"] == "FITS"
    assert len(jupyter.get("recipes")["rows"]) > 50


def test_a_plan_says_its_line_and_starts_nothing(jupyter: Jupyter) -> None:
    plan = jupyter.post("plan", {"model": "demo", "recipe": "cpu-bf16-tp1", "name": "mine"})
    assert plan["line"] == "%aim launch --name mine"
    assert (plan["verdict"], plan["server"], plan["eta_s"]) == ("FITS", "mine", None)
    assert jupyter.get("status")["servers"] == []


def test_a_server_from_its_launch_to_its_end(jupyter: Jupyter) -> None:
    row = jupyter.post("servers", {"model": "demo"}, 201)
    assert list(row) == ["server", *columns.COLUMNS["ps"]]
    running = jupyter.until("demo", "running")
    refused = jupyter.ask("DELETE", "servers/demo", 400, params={"forget": 1})
    assert refused["to_do"] == "%aim stop demo"
    assert [(step["stage"], step["state"]) for step in running["stages"]][-1] == ("ready", "done")
    assert running["client_code"].startswith("client = %aim client demo")
    assert running["can_stop"]
    lines = jupyter.get("servers/demo/logs", lines=5)["lines"]
    assert len(lines) == 5
    again = jupyter.post("servers", {"model": "demo"}, 201)
    assert again["started_at"] == row["started_at"]
    stopping = jupyter.ask("DELETE", "servers/demo", 202, params={"now": 1})
    assert stopping["server"] == "demo"
    stopped = jupyter.until("demo", "stopped")
    assert not stopped["can_stop"]
    listed = jupyter.get("status")["servers"]
    assert [server["server"] for server in listed] == ["demo"]
    forgotten = jupyter.ask("DELETE", "servers/demo", 202, params={"forget": 1})
    assert (forgotten["server"], forgotten["state"]) == ("demo", "stopped")
    assert jupyter.get("status")["servers"] == []


def test_a_server_that_failed_says_why(
    jupyter: Jupyter, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_STATE_DIR", str(site / "state"))
    jupyter.post("servers", {"model": "demo", "name": "broken"}, 201)
    jupyter.until("broken", "running")
    assert jupyter.ask("GET", "servers/broken/why", 400)["to_do"] == "%aim ps"
    engine = serving.find("broken").read().engine
    assert engine is not None
    os.kill(engine.pid, signal.SIGKILL)
    failed = jupyter.until("broken", "failed")
    found = jupyter.get("servers/broken/why")
    assert found["what"] == failed["crash"]["what"] == "The engine was killed."
    assert {"cause", "line", "line_number", "process", "stage", "try", "ruled_out"} <= set(found)
    jupyter.ask("DELETE", "servers/broken", 202, params={"forget": 1})


def test_what_fails_says_what_was_found_and_what_to_do(jupyter: Jupyter) -> None:
    expected = {
        ("GET", "servers/nothing"): (404, "UnknownName"),
        ("GET", "servers/nothing/logs"): (404, "UnknownName"),
        ("GET", "servers/nothing/why"): (404, "UnknownName"),
        ("DELETE", "servers/nothing"): (404, "UnknownName"),
        ("GET", "recipes?model=nothing"): (404, "UnknownName"),
        ("GET", "recipes?users=none"): (400, "BadUsage"),
        ("GET", "nothing"): (404, "NotFound"),
        ("PUT", "status"): (405, "MethodNotAllowed"),
        ("POST", "plan"): (400, "BadUsage"),
    }
    for (method, path), (status, name) in expected.items():
        failure = jupyter.ask(method, path, status)
        assert set(failure) == {"error", "found", "to_do"}
        assert failure["error"] == name
        assert failure["found"]
