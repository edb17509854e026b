"""Rules about an engine's log."""

from __future__ import annotations

import pytest

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters.rules import FailureRule, StageRule, compiled, words


def test_a_pattern_that_is_none_is_shown_shortly() -> None:
    with pytest.raises(ValueError, match=r"the pattern '\(x' does not compile") as caught:
        compiled("(x")
    with pytest.raises(ValueError, match="does not compile") as long:
        compiled("(" + "x" * 500)
    assert len(str(long.value)) < len(str(caught.value)) + 60


def test_a_stage_uses_only_what_its_pattern_gives() -> None:
    StageRule(stage="load", match=r"(?P<done>\d+)", detail="shard {done}").check()
    with pytest.raises(ValueError, match="has no group 'of'"):
        StageRule(stage="load", match=r"(?P<done>\d+)", detail="{done} of {of}").check()
    with pytest.raises(ValueError, match="has no group 'x'"):
        StageRule(stage="load", match="y", facts={"kv": "x"}).check()


def test_the_words_that_a_failure_may_say_come_from_both_of_its_patterns() -> None:
    rule = FailureRule(match="(?P<a>x)", what="w", cause=("c",), also="(?P<b>y)")
    assert rule.groups == {"a", "b"}
    rule.check()
    with pytest.raises(ValueError, match="does not compile"):
        FailureRule(match="x", what="w", cause=("c",), frames="[").check()


def test_words_in_braces() -> None:
    assert list(words("needs {need} of {total}, {{not}} this")) == ["need", "total"]


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_every_built_in_rule_is_sound(engine: str) -> None:
    adapter = adapters.get(engine)
    assert adapter.stages
    adapter.check()
