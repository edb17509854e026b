"""Records through the core: of servers, by name, from a file; and what a replay says."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import api, provenance, serving
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def test_each_server_has_a_record_that_is_found_in_three_ways(
    fake: FakeEngine, tmp_path: Path
) -> None:
    fake()
    folder = launch_ready(Request(model="demo"))
    kept = api.record(folder.name)
    assert kept.id == folder.read().provenance
    assert kept.served.files["model.safetensors"].startswith("sha256:")
    assert api.record(kept.id[:8]) == api.record(None) == kept
    assert api.record(str(api.export_record(kept, tmp_path / "a.json"))) == kept
    assert api.records() == [kept]
    with pytest.raises(UnknownName):
        api.record("0123456789")


def test_the_same_again_is_the_same_and_something_else_is_named(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    kept = api.record(launch_ready(Request(model="demo")).name)
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "empty"))
    assert api.differences(kept, Request(model="demo"), check=True) == []
    other = api.differences(kept, Request(model="demo", options={"max-num-seqs": 3}))
    assert [one.what for one in other] == ["arguments.max-num-seqs"]
    with pytest.raises(BadUsage, match=r"not .*: arguments.max-num-seqs"):
        api.replay(kept, Request(model="demo", options={"max-num-seqs": 3}))
    again = launch_ready(Request(model="demo"))
    assert again.read().provenance == kept.id
    serving.stop(again)


def test_a_server_is_started_also_where_no_record_can_be_kept(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake()
    (tmp_path / "state").mkdir(exist_ok=True)
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state/records").write_text("in the way")
    folder = launch_ready(Request(model="demo"))
    assert folder.read().provenance == ""
    with pytest.raises(BadUsage, match="has no record"):
        api.record(folder.name)
    assert provenance.kept() == []
