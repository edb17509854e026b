"""What earlier starts on this site took."""

from __future__ import annotations

import json

from tests.conftest import FakeEngine
from tests.test_cli import run
from tests.waiting import launch_ready


def history() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(run("fit", "--history", "--json").stdout)
    return rows


def test_a_start_is_in_the_history_once_it_is_over(fake: FakeEngine) -> None:
    fake(boot_s=0.3)
    launch_ready()
    (row,) = history()
    assert (row["model"], row["recipe"], row["started"]) == ("demo", "cpu-bf16-tp1", True)
    assert row["gpu_model"] == "CPU"
    assert row["verdict"] == "FITS"
    assert row["weights_predicted_gib"] == 0.003
    assert float(str(row["ready_s"])) > 0
    assert history() == [row], "told once"
    assert run("stop").returncode == 0
    assert history() == [row], "a stop is no start"


def test_a_failed_start_is_in_the_history(fake: FakeEngine) -> None:
    fake(fail_at="load")
    assert run("launch", "demo").returncode == 0
    assert run("wait").returncode == 1
    (row,) = history()
    assert (row["model"], row["started"], row["ready_s"]) == ("demo", False, None)
