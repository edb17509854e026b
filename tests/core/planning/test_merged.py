"""What a plan's command line says, whoever said it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import adapters
from aim_jupyter.core.planning import merged

VLLM = adapters.get("vllm")


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["--tokenizer", "own/tokenizer"], [("tokenizer", "own/tokenizer")]),
        (["--tokenizer=own/tokenizer"], [("tokenizer", "own/tokenizer")]),
        (["--tokenizer", "auto"], []),
        (["--chat-template", "{{ messages }}"], []),
        (["--max-model-len", "4096"], []),
    ],
)
def test_what_is_loaded_beside_the_model(argv: list[str], found: list[tuple[str, str]]) -> None:
    assert list(merged.sources(argv, VLLM)) == found


def test_a_path_is_seen_wherever_it_stands_but_where_it_is_ours() -> None:
    assert ("download-dir", "/x") in list(merged.opened(["--download-dir", "/x"], VLLM))
    for name, path in VLLM.options.items():
        if isinstance(path, str) and path.startswith("/"):
            assert list(merged.opened([name, path], VLLM)) == []


@pytest.mark.parametrize(
    ("argv", "on"),
    [
        (["--trust-remote-code"], True),
        (["--trust-remote-code=true"], True),
        (["--trust-remote-code=False"], False),
        (["--no-trust-remote-code"], False),
        ([], False),
    ],
)
def test_whether_a_model_may_bring_code(argv: list[str], *, on: bool) -> None:
    assert bool(merged.remote_code(argv, VLLM)) is on


@pytest.mark.parametrize("value", ["pt", "PT", " npcache "])
def test_pickles_are_named_however_they_are_spelled(value: str) -> None:
    assert merged.pickles(["--load-format", value], VLLM) == f"load-format {value}"
    assert merged.pickles(["--load-format", "safetensors"], VLLM) is None


@given(st.lists(st.text(max_size=20), max_size=6))
def test_no_line_breaks_it(argv: list[str]) -> None:
    list(merged.sources(argv, VLLM))
    list(merged.opened(argv, VLLM))
    merged.remote_code(argv, VLLM)
    merged.pickles(argv, VLLM)
