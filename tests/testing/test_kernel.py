"""A notebook's kernel, as far as servers see one."""

from __future__ import annotations

import json
import subprocess
import sys

from aim_jupyter.core import api, serving
from aim_jupyter.core.request import Request
from aim_jupyter.testing.kernel import Order, obey
from tests.conftest import FakeEngine
from tests.waiting import until


def test_it_launches_looks_and_stops(fake: FakeEngine) -> None:
    fake()
    plan = api.plan(Request(model="demo"))
    for order in (Order(do="launch", plan=plan), Order(do="ps")):
        outcome = obey(order)
        assert (outcome.refused, outcome.defect) == ("", "")
    until(lambda: serving.current(serving.find("demo")).state == "running")
    assert obey(Order(do="attach", server="demo")).refused == ""
    assert obey(Order(do="stop", server="demo")).refused == ""
    assert serving.current(serving.find("demo")).state == "stopped"


def test_what_is_expected_is_refused_and_what_is_not_is_a_defect(fake: FakeEngine) -> None:
    refused = obey(Order(do="stop", server="none"))
    assert "none" in refused.refused
    assert refused.defect == ""
    broken = obey(Order(do="attach", server=3))  # type: ignore[arg-type]
    assert broken.refused or "Traceback" in broken.defect


def test_as_a_program_it_answers_each_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aim_jupyter.testing.kernel"],
        input=b'{"do": "ps"}\n{"do": "stop", "server": "none"}\n',
        capture_output=True,
        check=True,
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["refused"] == ""
    assert first["took_s"] >= 0
    assert "none" in second["refused"]
