"""All servers for Prometheus: what the engines say and what we know, in a format that it reads."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from aim_jupyter.cli import exporter
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, PortTaken
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, say

RECORDED = Path(__file__).parents[1] / "core/metrics/data/vllm-0.32-dp2.prom"
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.3"


def scraped(url: str, accept: str) -> tuple[str, str]:
    """Return the content type and the text that a scraper gets."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(families: Any) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("server", "")): sample.value
        for family in families
        for sample in family.samples
        if not {"le", "reason", "source"} & set(sample.labels)
    }


def test_a_live_server_is_there_for_prometheus(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    say(folder, "one two three")
    with exporter.serving(0) as url:
        assert url.startswith("http://127.0.0.1:")
        kind, text = scraped(url, OPENMETRICS)
        assert kind.startswith("application/openmetrics-text; version=1.0.0")
        found = samples(openmetrics(text))
        assert found["aim_server_info", "demo"] == 1
        assert found["vllm:num_requests_running", "demo"] == 0
        assert found["vllm:time_to_first_token_seconds_count", "demo"] == 1
        assert found["aim_disk_free_bytes", "demo"] > 0
        assert folder.key() not in text
        kind, text = scraped(url, "text/plain")
        assert samples(plain(text))["aim_server_info", "demo"] == 1
        with (
            pytest.raises(PortTaken, match="in use"),
            exporter.serving(int(url.split(":")[2][:-8])),
        ):
            pass


class Recorded:
    """A collector of two servers whose engines export what was recorded."""

    def collect(self) -> Any:
        return exporter._theirs(["a", "b"])


@pytest.mark.parametrize(("accept", "read"), [(OPENMETRICS, openmetrics), ("text/plain", plain)])
def test_what_vllm_exports_keeps_its_names_and_is_read(
    monkeypatch: pytest.MonkeyPatch, accept: str, read: Any
) -> None:
    text = RECORDED.read_text()
    monkeypatch.setattr(api, "exposition", lambda _: text)
    monkeypatch.setattr(exporter, "Collector", Recorded)
    with exporter.serving(0) as url:
        families = {family.name: family for family in read(scraped(url, accept)[1])}
    tokens = families["vllm:generation_tokens"].samples
    assert {(s.labels["server"], s.labels["engine"]): s.value for s in tokens} == {
        ("a", "0"): 216, ("a", "1"): 264, ("b", "0"): 216, ("b", "1"): 264,
    }  # fmt: skip
    assert not any(name.endswith("_created") for name in families)


def test_without_servers_there_is_nothing_to_tell_and_no_failure() -> None:
    with exporter.serving(0) as url:
        assert list(samples(openmetrics(scraped(url, OPENMETRICS)[1]))) == []


def test_the_command_serves_until_ctrl_c() -> None:
    program = [sys.executable, "-m", "aim_jupyter", "metrics", "--serve-metrics", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        words = it.stdout.readline().split()
        assert it.stdout.readline() == "Ctrl-C ends it.\n"
        assert "# EOF" in scraped(words[-1], OPENMETRICS)[1]
        it.send_signal(signal.SIGINT)
        _, errors = it.communicate(timeout=120)
    assert (it.returncode, errors) == (128 + signal.SIGINT, "")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_there_is_not_is_told(port: int) -> None:
    with pytest.raises(BadUsage, match=f"no port {port}"), exporter.serving(port):
        pass
