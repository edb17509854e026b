"""Which of the failures of a log decides."""

from __future__ import annotations

from aim_jupyter.core import adapters
from aim_jupyter.core.serving.crash.decisive import Ranked
from aim_jupyter.core.serving.crash.lines import Line
from aim_jupyter.core.serving.crash.traces import Failure, find

LOG = adapters.get("vllm").log


def line(text: str, stream: str = "", severity: str = "ERROR") -> Line:
    return Line(None, text, severity=severity, head=f"{stream} {severity}", stream=stream)


def ranked(*lines: Line) -> tuple[Ranked, dict[str, str]]:
    """Return the failures in groups, and for each text the group in which it is."""
    found = Ranked(lines, find(lines, LOG), LOG)

    def text(failure: Failure) -> str:
        return lines[failure.links[0].lines[0]].text

    groups = {text(one): name for name in ("ends", "bare", "others", "hints", "wrappers")
              for one in getattr(found, name)}  # fmt: skip
    return found, groups


def test_the_process_that_ended_first_comes_first() -> None:
    found, groups = ranked(line("OSError: first", "1"), line("ValueError: second", "2"))
    assert groups == {"OSError: first": "ends", "ValueError: second": "ends"}
    assert [one.stream for one in found.ends] == ["1", "2"]


def test_what_a_process_lived_through_is_no_end() -> None:
    _, groups = ranked(
        line("OSError: tried", "1"), line("goes on", "1", "INFO"), line("ValueError: x", "2")
    )
    assert groups == {"OSError: tried": "others", "ValueError: x": "ends"}


def test_a_process_that_is_being_ended_does_not_go_on() -> None:
    _, groups = ranked(line("OSError: x", "1"), line("Shutting down", "1", "INFO"))
    assert groups == {"OSError: x": "ends"}


def test_what_follows_in_others_only_hints() -> None:
    found, groups = ranked(
        line("OSError: x", "1"),
        line("ConnectionResetError: Connection reset by peer", "2"),
        line("Worker 1 died unexpectedly", "3", ""),
        line("it went wrong", "4"),
    )
    assert groups.pop("OSError: x") == "ends"
    assert set(groups.values()) == {"hints"}
    assert [one.kind for one in found.hints] == ["error", "death", "said"]
    assert [one.kind for one in found.deaths] == ["death"]


def test_of_those_that_stand_alone_the_last_is_asked_first() -> None:
    found, _ = ranked(line("OSError: a", severity=""), line("KeyError: b", severity=""))
    assert [one.at for one in found.bare] == [1, 0]


def test_a_line_that_only_says_that_another_failed_is_a_wrapper() -> None:
    _, groups = ranked(
        line("RuntimeError: Engine core initialization failed. See root cause above.", "1")
    )
    assert list(groups.values()) == ["wrappers"]
