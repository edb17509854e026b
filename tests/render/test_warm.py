"""The card of the warm hosts."""

from aim_jupyter.core.records import WarmHost
from aim_jupyter.core.sizes import GIB
from aim_jupyter.render.warm import warm_card


def host(**facts: object) -> WarmHost:
    known: dict[str, object] = {"engine": "vllm", "version": "0.32.0", "pid": 7, "started_at": 0.0}
    known |= {"memory_bytes": GIB, "ready_s": 9.0}
    return WarmHost(**{**known, **facts})  # type: ignore[arg-type]


def test_without_one_it_says_how_there_would_be_one() -> None:
    assert "%aim warm imports one ahead" in warm_card([]).text


def test_what_it_costs_how_long_it_stays_and_why_it_can_not_fork() -> None:
    text = warm_card([host(forked=2, servers=1, idle_left_s=None, reason="no room")]).text
    assert "2 servers forked, 1 of them running" in text
    assert "1.0 GiB, process 7" in text
    assert "while one of them runs" in text
    assert "it can't fork now: no room." in text
    assert "more, unless somebody launches" in warm_card([host(idle_left_s=60.0)]).text
    assert "being imported" in warm_card([host(version=None)]).text
