"""The environment of the harness."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.errors import InstallFailed, NoEngine
from aim_jupyter.work.evaluate import environment
from tests.work.evaluate.fake_harness import installed


def test_where_it_is_not_installed_the_line_that_does_so_is_said(isolated: Path) -> None:
    with pytest.raises(NoEngine, match="not installed here") as caught:
        environment.python()
    assert caught.value.hint == "%aim engine install eval"


def test_one_that_is_there_is_not_made_again(isolated: Path) -> None:
    installed(isolated)
    assert environment.install() == environment.folder()
    assert environment.python() == environment.folder() / "bin/python"


def test_what_can_not_be_made_leaves_nothing_half_made(
    isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(environment, "REQUIREMENTS", ("no-such-package-at-all==1",))
    with pytest.raises(InstallFailed, match="can't be installed: No matching distribution"):
        environment.install()
    left = {path.name for path in environment.folder().parent.iterdir()}
    assert left == {".install.lock", "eval.log"}
