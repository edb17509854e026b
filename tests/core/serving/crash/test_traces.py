"""What failed in a log, by its form."""

from __future__ import annotations

from aim_jupyter.core import adapters
from aim_jupyter.core.serving.crash.lines import Line
from aim_jupyter.core.serving.crash.traces import Failure, find

LOG = adapters.get("vllm").log


def failures(text: str, severity: str = "") -> list[Failure]:
    return find([Line(at, one, severity=severity) for at, one in enumerate(text.split("\n"))], LOG)


def test_the_root_cause_of_a_chain_comes_first() -> None:
    text = """Traceback (most recent call last):
  File "a.py", line 1, in a
    open(path)
OSError: no such file

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in b
    load()
ValueError: can't load"""
    (failure,) = failures(text)
    assert (failure.kind, failure.at, failure.end) == ("raised", 0, 10)
    assert [link.lines for link in failure.links] == [(3,), (10,)]
    assert [link.source for link in failure.links] == ["open(path)", "load()"]


def test_a_message_of_several_lines_is_one() -> None:
    text = """Traceback (most recent call last):
  File "a.py", line 1, in a
    f()
ValueError: wrong:
  field required
  [type=missing]"""
    (failure,) = failures(text)
    assert failure.links[0].lines == (3, 4, 5)


def test_each_form_of_an_end_has_its_kind() -> None:
    assert [one.kind for one in failures("Memory access fault by GPU node-1")] == ["fatal"]
    assert [one.kind for one in failures("ValueError: odd")] == ["bare"]
    assert [one.kind for one in failures("ValueError: odd", "ERROR")] == ["said"]
    assert [one.kind for one in failures("Worker 3 died unexpectedly")] == ["death"]
    assert [one.kind for one in failures("it went wrong", "ERROR")] == ["error"]


def test_what_goes_on_or_is_harmless_is_no_failure() -> None:
    assert failures("ValueError: odd", "INFO") == []
    assert failures("all is well") == []
    ignored = """Exception ignored in: <function f>
Traceback (most recent call last):
  File "a.py", line 1, in a
    f()
TypeError: None"""
    assert failures(ignored) == []


def test_traces_of_two_processes_that_cross_are_kept_apart() -> None:
    def of(pid: str, *texts: str) -> list[Line]:
        return [Line(None, text, stream=pid, head=pid, severity="ERROR") for text in texts]

    one = of("1", "Traceback (most recent call last):", '  File "a.py"', "    f()", "KeyError: 'a'")
    two = of("2", "Traceback (most recent call last):", '  File "b.py"', "    g()", "OSError: b")
    crossed = [line for pair in zip(one, two, strict=True) for line in pair]
    found = find(crossed, LOG)
    assert [(each.stream, each.links[0].source) for each in found] == [("1", "f()"), ("2", "g()")]


def test_an_exception_group_is_read_as_it_would_stand_alone() -> None:
    text = """  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in a
  |     f()
  | ExceptionGroup: 1 sub-exception
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "b.py", line 2, in b
    |     g()
    | ValueError: inside
    +------------------------------------"""
    assert any(link.source == "g()" for one in failures(text) for link in one.links)
