"""Probing places that answer, refuse, are not there, and never answer."""

import socket
import time
from pathlib import Path

import pytest

from aim_jupyter.core.engines import probes

from .standin import serving


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    with serving(tmp_path / "root") as address:
        host = address.removeprefix("http://")
        (tmp_path / "root/torch").mkdir()
        assert probes.unreachable([f"{address}/torch/"]) == ""
        assert probes.unreachable([f"{address}/torch/", f"{address}/vllm/"]) == (
            f"{host} answers 404 for vllm"
        )
    assert probes.unreachable([f"{address}/torch/"]) == f"{host} can't be reached"


def test_no_probes_are_no_obstacle() -> None:
    assert probes.unreachable([]) == ""


def test_a_host_that_never_answers_costs_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        reason = probes.unreachable([f"http://{host}/"], limit_s=0.3)
        assert reason in {f"{host} did not answer within 0.3 s", f"{host} can't be reached"}
        assert time.monotonic() - begun < 2
