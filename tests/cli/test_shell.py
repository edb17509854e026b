"""Completion in a real shell, as its user has set it up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.cli import shell
from aim_jupyter.core.errors import BadUsage

BIN = Path(sys.executable).parent
#: Sets completion up, presses Tab after `LINE`, and prints what is offered.
TAB = """
eval "$(aim-engine --completion bash)"
COMP_WORDS=(LINE)
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_aim_engine
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("aim-engine lau", ["launch"]),
        ("aim-engine cache pre", ["prefetch"]),
        ("aim-engine launch demo --prec", ["--precision"]),
        ("aim-engine launch demo --metric ''", ["latency", "throughput", "auto"]),
        ("aim-engine launch dem", ["demo"]),
        ("aim-engine status no", [""]),
    ],
)
def test_tab_offers_what_may_stand_there(line: str, offered: list[str]) -> None:
    environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", TAB.replace("LINE", line)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == offered
    assert done.stderr == ""


def test_a_shell_that_is_not_known_is_told_with_one_that_is() -> None:
    with pytest.raises(BadUsage) as caught:
        shell.script("tcsh")
    assert "tcsh" in caught.value.found
    assert "--completion bash" in caught.value.hint
