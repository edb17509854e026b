"""metrics, top and events as a user has them: in a shell, in a terminal, as Python."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pexpect  # type: ignore[import-untyped]
import pytest

import aim_jupyter as aim
from aim_jupyter import cli
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.tables.columns import COLUMNS
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, say, until


def test_the_past_is_a_frame_indexed_by_time(fake: FakeEngine, tmp_path: Path) -> None:
    fake()
    server = aim.Server(launch_ready())
    for _ in range(3):
        say(launch_ready(), "one two three")
    until(lambda: len(server.metrics(history_s=600).query("req_done == 3")) >= 2)
    past = server.metrics(history_s=600)
    assert isinstance(past.index, pd.DatetimeIndex)
    assert tuple(past.columns) == COLUMNS["metrics"]
    tokens = (past.gen_tok_s * past.window_s).sum()
    assert tokens == pytest.approx(15, rel=0.05)
    stepped = aim.metrics("demo", history_s=600, every_s=2)
    assert tuple(stepped.columns) == COLUMNS["metrics"]
    # Two seconds, and as much longer as the supervisor was late at most.
    late = past.window_s.max()
    assert stepped.window_s.dropna().between(1.5, 2.5 + late).all()
    raw = aim.exported("demo")
    assert raw.loc["vllm:generation_tokens_total", "value"] == 15
    assert aim.events("demo").kind.tolist() == ["stage"] * 4
    assert server.events().equals(aim.events("demo"))
    figure = aim.plot("demo", history_s=60, to=tmp_path / "x.svg")
    assert "<svg" in (tmp_path / "x.svg").read_text()
    shown = figure._repr_mimebundle_()
    assert str(shown["text/html"]).startswith("<svg")
    assert "var(--jp-ui-font-color1" in str(shown["text/html"])
    with pytest.raises(BadUsage, match="no PNG"):
        figure.save(tmp_path / "x.txt")


def test_the_command_says_the_same(
    fake: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake()
    launch_ready()

    def said(*words: str) -> str:
        assert cli.main(words) == 0
        return capsys.readouterr().out

    until(lambda: len(json.loads(said("metrics", "--history", "60s", "--json"))) > 2)
    assert said("metrics", "--history", "60s").startswith("at ")
    assert "vllm:num_requests_running" in said("metrics", "--raw")
    assert said("events").split()[:2] == ["at", "server"]
    assert said("metrics", "--plot", "--to", str(tmp_path / "a.png")).strip().endswith("a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "gen_tok_s" in said("top")
    assert json.loads(said("top", "--json"))["servers"]
    assert cli.main(["top", "--off"]) == 1
    assert cli.main(["metrics", "--history", "never"]) == 2


def test_a_terminal_shows_top_in_place_until_q(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    shown = pexpect.spawn(
        sys.executable,
        ["-m", "aim_jupyter", "top"],
        env=dict(os.environ, TERM="xterm"),
        encoding="utf-8",
        dimensions=(30, 160),
        timeout=120,
    )
    shown.expect("q to leave")
    shown.expect("q to leave")
    shown.send("q")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 0
    assert "\x1b[?1049l" in shown.before
    assert "demo" in shown.before.rpartition("\x1b[?1049l")[2]
