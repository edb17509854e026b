"""Engines that are imported before anybody launches one."""

from __future__ import annotations

import pytest

from aim_jupyter.core.api import warming
from aim_jupyter.core.errors import BadUsage, NoEngine
from aim_jupyter.core.serving.start import modes
from tests.conftest import FakeEngine


def test_without_a_host_there_is_none_to_end() -> None:
    assert warming.warm_hosts() == []
    assert warming.cool_down() == 0


def test_without_an_engine_there_is_nothing_to_import() -> None:
    with pytest.raises(NoEngine):
        warming.warm_up()


def test_an_engine_that_can_not_be_forked_says_why(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setattr(modes, "choose", lambda *_: modes.Chosen("lean", "it is too old"))
    with pytest.raises(BadUsage, match="No warm host here: it is too old") as caught:
        warming.warm_up()
    assert caught.value.hint == "%aim launch"
    assert warming.warm_hosts() == []
