"""What Tab offers, asked of IPython's own completer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "aim_jupyter")
    yield made
    made.run_line_magic("unload_ext", "aim_jupyter")
    InteractiveShell.clear_instance()


def offers(shell: InteractiveShell, line: str) -> list[str]:
    """Return the lines that Tab would make of `line`."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(line, len(line)))
    return [line[: each.start] + each.text + line[each.end :] for each in found]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("%aim la", "%aim launch"),
        ("x = %aim la", "x = %aim launch"),
        ("%%aim ch", "%%aim chat"),
        ("%aim engine in", "%aim engine install"),
        ("%aim engine install c", "%aim engine install cpu"),
        ("%aim launch de", "%aim launch demo"),
        ("%aim launch Qwen/Qwen3-0", "%aim launch Qwen/Qwen3-0.6B"),
        ("%aim launch demo --id", "%aim launch demo --idle"),
        ("%aim launch demo --recipe cpu", "%aim launch demo --recipe cpu-bf16-tp1"),
    ],
)
def test_words_of_ours_are_completed(shell: InteractiveShell, line: str, whole: str) -> None:
    assert whole in offers(shell, line)


def test_nothing_but_ours_is_offered(shell: InteractiveShell) -> None:
    assert sorted(offers(shell, "%aim l")) == ["%aim launch", "%aim list", "%aim logs"]


@pytest.mark.parametrize("line", ["import o", "%tim", "aim la"])
def test_other_lines_are_left_alone(shell: InteractiveShell, line: str) -> None:
    assert not any("launch" in offer for offer in offers(shell, line))
