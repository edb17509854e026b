"""What served, and the same again, from Python."""

from __future__ import annotations

import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def test_a_server_is_had_again_from_its_record(fake: FakeEngine) -> None:
    fake()
    first = launch_ready(Request(model="demo", options={"max-num-seqs": 3}, name="one"))
    kept = aim.attach("one").record()
    assert aim.provenance(kept.id) == kept
    argv = first.read().plan.argv
    aim.stop("one")
    again = aim.replay(kept.id, check=True).wait()
    assert again.view.record.plan.argv == argv
    assert again.record().id == kept.id


def test_what_would_be_something_else_is_refused(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    kept = aim.attach(launch_ready(Request(model="demo")).name).record()
    aim.stop("demo")
    monkeypatch.setenv("VLLM_ATTENTION_BACKEND", "OTHER")
    with pytest.raises(BadUsage, match=r"environment\.VLLM_ATTENTION_BACKEND"):
        aim.replay(kept.id)
    assert aim.replay(kept.id, anyway=True).wait().record().id != kept.id
