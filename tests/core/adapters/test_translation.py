"""Options of one engine in the words of another: in the table, in a recipe, in a user's line."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Adapter, Translation, in_words_of, translate
from aim_jupyter.core.recipes import Overrides, reconcile
from aim_jupyter.core.records import Flag

VLLM = adapters.get("vllm")
OTHER = msgspec.convert(
    {
        "name": "other",
        "title": "Other",
        "folder": "/nowhere",
        "module": "other",
        "listen": {"port": ["--port", "{port}"]},
        "key": {"variable": "OTHER_KEY"},
        "reserved": {"tp-size": "choose a recipe"},
        "settings": {
            "context": "context-length",
            "memory_share": "mem-fraction",
            "tensor_parallel": "tp-size",
            "dtype": "dtype",
            "kv_dtype": {"option": "kv-cache-dtype", "values": {"fp8": "fp8_e4m3"}},
            "eager": "disable-graphs",
            "prefix_cache": {"option": "disable-radix", "inverted": True},
            "chunked_prefill": {"option": "chunk-size", "values": {"false": "-1"}},
            "tool_parser": {"option": "tool-call-parser", "values": {"hermes": "qwen25"}},
        },
    },
    Adapter,
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("max-model-len", 4096, ("context-length", 4096)),
        ("gpu-memory-utilization", "0.9", ("mem-fraction", "0.9")),
        ("tensor-parallel-size", 1, ("tp-size", 1)),
        ("dtype", "auto", ("dtype", "auto")),
        ("kv-cache-dtype", "fp8", ("kv-cache-dtype", "fp8_e4m3")),
        ("kv-cache-dtype", "auto", ("kv-cache-dtype", "auto")),
        ("enforce-eager", None, ("disable-graphs", None)),
        ("no-enforce-eager", None, ("disable-graphs", False)),
        ("enable-prefix-caching", None, ("", None)),
        ("enable-prefix-caching", False, ("disable-radix", True)),
        ("no-enable-prefix-caching", None, ("disable-radix", True)),
        ("enable-chunked-prefill", True, ("", None)),
        ("enable-chunked-prefill", "false", ("chunk-size", "-1")),
        ("tool-call-parser", "hermes", ("tool-call-parser", "qwen25")),
    ],
)
def test_an_option_of_vllm_elsewhere(name: str, value: Any, said: tuple[str, Any]) -> None:
    assert translate(name, value, VLLM, OTHER) == said


def test_what_has_no_counterpart_is_none() -> None:
    assert translate("max-num-seqs", 8, VLLM, OTHER) is None
    assert translate("no-such-option", 8, VLLM, OTHER) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("context-length", 4096, ("max-model-len", 4096)),
        ("kv-cache-dtype", "fp8_e4m3", ("kv-cache-dtype", "fp8")),
        ("disable-radix", True, ("enable-prefix-caching", False)),
        ("chunk-size", "-1", ("enable-chunked-prefill", "false")),
    ],
)
def test_and_back(name: str, value: Any, said: tuple[str, Any]) -> None:
    assert translate(name, value, OTHER, VLLM) == said


def test_arguments_as_a_whole_leave_out_what_is_unknown() -> None:
    args = {"context-length": 512, "tp-size": 2, "own-thing": 1}
    assert in_words_of(VLLM, args, OTHER) == {"max-model-len": 512, "tensor-parallel-size": 2}


@given(name=st.sampled_from([*VLLM.settings]), value=st.none() | st.booleans() | st.integers())
def test_an_engine_says_of_itself_what_it_was_told(name: str, value: Any) -> None:
    option = VLLM.option(name)
    assert translate(option, value, VLLM, VLLM) == Translation(option, value)


FLAGS = tuple(
    Flag(names=(f"--{name}",), takes_value=takes)
    for name, takes in (
        ("context-length", True),
        ("tp-size", True),
        ("disable-radix", False),
        ("disable-graphs", False),
        ("tool-call-parser", True),
        ("seed", True),
    )
)


def test_a_recipe_for_vllm_is_reconciled_with_another_engine() -> None:
    done = reconcile(
        {
            "max-model-len": 4096,
            "no-enable-prefix-caching": None,
            "tool-call-parser": "hermes",
            "enable-chunked-prefill": True,
            "max-num-seqs": 8,
        },
        {"VLLM_USE_V1": "1", "OTHER_X": "1", "OMP_NUM_THREADS": "2"},
        flags=FLAGS,
        engine="Other 1.0",
        adapter=OTHER,
    )
    assert done.args == {
        "context-length": 4096,
        "disable-radix": True,
        "tool-call-parser": "qwen25",
    }
    assert done.env == {"OTHER_X": "1", "OMP_NUM_THREADS": "2"}
    assert "--max-model-len is --context-length in Other 1.0" in done.changes
    assert "--enable-chunked-prefill is what Other 1.0 does by itself" in done.changes
    assert "--tool-call-parser: qwen25 is Other 1.0's hermes" in done.changes
    assert "--max-num-seqs dropped: Other 1.0 has no such option" in done.changes


def test_a_user_may_say_it_in_either_words() -> None:
    wishes = {"max-model-len": "512", "seed": "3"}
    done = reconcile({}, {}, flags=FLAGS, overrides=Overrides(set=wishes), adapter=OTHER)
    assert done.args == {"context-length": "512", "seed": "3"}
    own = Overrides(set={"context-length": "512"})
    assert reconcile({}, {}, flags=FLAGS, overrides=own, adapter=OTHER).args == {
        "context-length": "512"
    }


def test_what_an_engine_reserves_is_refused_in_either_words() -> None:
    for name in ("tp-size", "tensor-parallel-size"):
        wish = Overrides(set={name: "2"})
        done = reconcile({}, {}, flags=FLAGS, overrides=wish, adapter=OTHER)
        assert done.errors == ("--tp-size: choose a recipe",)
