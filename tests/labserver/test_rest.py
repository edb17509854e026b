"""The REST as a sidebar uses it: on a real Jupyter Server, with the fake engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from aim_jupyter.labserver import answers
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


def test_the_line_is_empty_where_nobody_waits(jupyter: Jupyter) -> None:
    assert jupyter.get("queue") == {"rows": []}
