"""The REST as a sidebar uses it: on a real Jupyter Server, with the fake engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from aim_jupyter.labserver import answers
from aim_jupyter.tables import columns
from tests.labserver.jupyter import LIMIT_S, Jupyter
from tests.waiting import until

TABS = 12


def test_the_status_has_what_the_contract_names(jupyter: Jupyter) -> None:
    status = jupyter.get("status")
    assert set(status) == set(answers.StatusAnswer.__struct_fields__)
    assert status["gpus"] == []
    assert status["gpu_note"] == "No AMD GPU found: servers run on the CPU"
    # Nobody waits for the engine, which is asked meanwhile; until then nothing is said of it.
    until(lambda: jupyter.get("status")["engine"] is not None, LIMIT_S)
    status = jupyter.get("status")
    assert status["engine"] == {"name": "vLLM", "version": "0.32.0", "platform": "cpu"}
    assert status["next"] == ["server = %aim launch"]


def test_tabs_that_ask_at_once_are_told_one_reading(jupyter: Jupyter) -> None:
    def burst() -> bool:
        with ThreadPoolExecutor(TABS) as tabs:
            told = list(tabs.map(lambda _: jupyter.get("status")["at"], range(TABS)))
        return len(set(told)) == 1

    # A reading may become too old within one burst, but not within each.
    until(burst, LIMIT_S)


def test_models_are_found_by_a_part_of_their_name(jupyter: Jupyter) -> None:
    every = jupyter.get("models")["models"]
    assert every[0] == {"model": "demo", "source": "demo", "in_cache": True, "size_gib": None}
    found = jupyter.get("models", q="qwen3-8")["models"]
    assert [model["model"] for model in found] == ["Qwen/Qwen3-8B"]
    assert not found[0]["in_cache"]
    assert found[0]["size_gib"] > 5


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


def test_what_fails_says_what_was_found_and_what_to_do(jupyter: Jupyter) -> None:
    expected = {
        ("GET", "servers/nothing"): (404, "UnknownName"),
        ("GET", "servers/nothing/logs"): (404, "UnknownName"),
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


def test_polling_is_no_activity(jupyter: Jupyter) -> None:
    def activity() -> str:
        return str(jupyter.client.get("api/status").json()["last_activity"])

    before = activity()
    for _ in range(3):
        jupyter.get("status")
        jupyter.get("servers")
    assert activity() == before
    # So that the test can fail: Jupyter's own routes do move it.
    jupyter.client.get("api/contents")
    assert activity() != before
