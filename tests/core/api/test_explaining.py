"""`%aim why`: of a log from anywhere, of a server, with a report and a guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, ServerGone
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.crash.redaction import redacted
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, until

LOGS = Path(__file__).parents[1] / "serving/crash/logs"


def test_a_log_from_anywhere_is_explained() -> None:
    found = api.why_log(LOGS / "l05.log", exit_code=1)
    assert found.engine == "vLLM 0.8.2"
    assert "full batch" in found.what
    assert found.process == "VllmWorker rank=1"
    assert found.line_number == 6
    assert any("only that something else failed" in each for each in found.ruled_out)
    assert not any(found.line[:60] in each for each in found.ruled_out)


def test_what_the_log_does_not_say_can_be_said(tmp_path: Path) -> None:
    log = tmp_path / "slurm.out"
    log.write_text("[2025-10-09 02:30:00 TP0] Load weight begin. avail mem=191.20 GB\n")
    found = api.why_log(log, engine="sglang", version="0.5.3", exit_code=137)
    assert (found.what, found.engine) == ("The engine was killed.", "SGLang 0.5.3")
    with pytest.raises(BadUsage, match="no engine 'other'"):
        api.why_log(log, engine="other")
    with pytest.raises(BadUsage, match="can't be read"):
        api.why_log(tmp_path / "nothing")


def test_another_machine_says_nothing_about_this_one() -> None:
    found = api.why_log(LOGS / "l09.log")
    assert "/dev/shm" in found.cause
    assert "is full" not in found.cause


def test_a_report_holds_nothing_of_its_user(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_text(
        "INFO 12-02 10:00:00 api_server.py:585] vLLM API server version 0.6.4\n"
        "token=hf_abcdefghijkl Authorization: Bearer abcdefgh12345678 from 10.1.2.3 by a@b.org\n"
        "OddError: /home/ada/models at https://user:pass@hub.site.example/x api_key='sk-12345678'\n"
    )
    text = api.report(api.why_log(log)).read_text()
    assert "OddError" in text
    for word in ("hf_abc", "abcdefgh", "10.1.2.3", "a@b.org", "ada", "pass@", "site", "sk-123"):
        assert word not in text, word


def test_what_is_left_stays_readable() -> None:
    assert redacted("127.0.0.1:8000 /root/x 12:34:56 version 0.32.0") == (
        "127.0.0.1:8000 /root/x 12:34:56 version 0.32.0"
    )


def test_a_server_that_failed_says_why(fake: FakeEngine) -> None:
    fake(fail_at="load", fail_line="torch.OutOfMemoryError: HIP out of memory. Tried 1 GiB.")
    folder = api.launch(Request(model="demo"))
    until(lambda: folder.read().state == "failed")
    found = api.why(folder.name)
    assert "ran out of memory" in found.what
    assert found.attempt
    with pytest.raises(ServerGone, match="No server runs that could be asked"):
        api.ask(found)


def test_a_running_model_may_guess(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready(Request(model="demo"))
    with pytest.raises(BadUsage, match="has not ended"):
        api.why(folder.name)
    found = api.ask(api.why_log(LOGS / "l13.log"))
    assert found.guess
    assert found.what == "The engine ended with code 1." or not found.known
